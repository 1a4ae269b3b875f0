"""The catalog's tables as queries see them. What brings a workspace to this state is in migrations.py."""

import sqlalchemy as sa

metadata = sa.MetaData()

migration = sa.Table(
    "migration",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("applied", sa.Text, nullable=False),
)

dataset = sa.Table(
    "dataset",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("rejected", sa.BigInteger, nullable=False),
    sa.Column("schema", sa.JSON, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("source_bytes", sa.BigInteger, nullable=False),
    sa.Column("options", sa.JSON, nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("file_sha", sa.String(64), nullable=False),
    sa.Column("file_bytes", sa.BigInteger, nullable=False),
    sa.Column("created", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("deleted", sa.Text, nullable=True),
    sa.UniqueConstraint("name", "version", name="dataset_name_version"),
)

evaluation = sa.Table(
    "evaluation",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("task", sa.Text, nullable=False),
    sa.Column("roles", sa.JSON, nullable=False),
    sa.Column("inputs", sa.JSON, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("file_sha", sa.String(64), nullable=False),
    sa.Column("file_bytes", sa.BigInteger, nullable=False),
    sa.Column("created", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("deleted", sa.Text, nullable=True),
    sa.UniqueConstraint("name", "version", name="evaluation_name_version"),
)

model = sa.Table(
    "model",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("evaluation", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("file_sha", sa.String(64), nullable=False),
    sa.Column("file_bytes", sa.BigInteger, nullable=False),
    sa.Column("created", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("deleted", sa.Text, nullable=True),
    sa.UniqueConstraint("name", "version", name="model_name_version"),
)

endpoint_calls = sa.Table(
    "endpoint_calls",
    metadata,
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("calls", sa.Integer, nullable=False),
)

job = sa.Table(
    "job",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("outcome", sa.JSON, nullable=False),
    sa.Column("started", sa.Text, nullable=False),
    sa.Column("ended", sa.Text, nullable=True),
    sa.Column("process", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
)

activity = sa.Table(
    "activity",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
)

definition = sa.Table(
    "definition",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("created", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("deleted", sa.Text, nullable=True),
    sa.UniqueConstraint("kind", "scope", "name", "version", name="definition_name_version"),
)
