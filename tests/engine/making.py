"""Evaluations made without a child, a catalog or a file format: a typed table through the real build and engine."""

import itertools
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import polars as pl

from analysis.core.dataset import Dataset
from analysis.core.evaluation import Evaluation
from analysis.core.roles import ModelColumns, Roles
from analysis.core.schema import Column, Schema
from analysis.engine.duckdb import Engine
from analysis.engine.query import OpenEvaluation
from analysis.engine.subject import Subject, of_dataset
from analysis.store import evaluations
from analysis.store.build import build
from analysis.store.catalog import Catalog
from analysis.store.child import no_progress
from analysis.store.reader import Reader

LIMITS = {"memory_mb": 500, "threads": 1, "spill_gb": 1}
ONE = ModelColumns("m", prediction="p", scores=((None, "s"),))


class Folder:
    """What the engine wants of a workspace: a root, files by id, a reader, and a catalog of definitions."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.reader = Reader()
        self.actor = "tester"
        for name in ("evaluations", "datasets", "cubes"):
            (root / name).mkdir(exist_ok=True)
        self.catalog = Catalog.open(root)
        self.engine = Engine(self)

    def file(self, kind: str, id: str) -> Path:
        return self.root / f"{kind}s" / f"{id}.duckdb"

    def close(self) -> None:
        self.reader.close()
        self.catalog.close()


@dataclass(frozen=True)
class Table:
    """Typed columns: {name: (DuckDB type, values)}; a value is anything DuckDB binds, None is missing."""

    columns: dict[str, tuple[str, list]]

    @property
    def rows(self) -> int:
        return len(next(iter(self.columns.values()))[1])

    @property
    def schema(self) -> Schema:
        return Schema(tuple(Column(f"c{i}", name, kind) for i, (name, (kind, _)) in enumerate(self.columns.items())))

    def values(self, name: str) -> list:
        return self.columns[name][1]

    def write(self, file: Path) -> None:
        with duckdb.connect(str(file), config={"threads": 1}) as connection:
            kinds = ", ".join(f"c{i} {kind}" for i, (kind, _) in enumerate(self.columns.values()))
            connection.execute(f"CREATE TABLE data ({kinds})")
            if self.rows:
                frame = pl.DataFrame(
                    {f"c{i}": _bound(kind, values) for i, (kind, values) in enumerate(self.columns.values())}
                )
                casts = ", ".join(f"CAST(c{i} AS {kind})" for i, (kind, _) in enumerate(self.columns.values()))
                connection.register("given", frame)
                connection.execute(f"INSERT INTO data SELECT {casts} FROM given")


def _bound(kind: str, values: list) -> pl.Series:
    if kind in ("DOUBLE", "FLOAT"):
        return pl.Series(values, dtype=pl.Float64)
    if kind in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT"):
        return pl.Series(values, dtype=pl.Int64)
    if kind == "BOOLEAN":
        return pl.Series(values, dtype=pl.Boolean)
    return pl.Series([None if each is None else str(each) for each in values], dtype=pl.String)


_numbers = itertools.count()


def facts(folder: Folder, table: Table, *, task: str, roles: Roles, name: str = "e") -> Evaluation:
    """The evaluation of a table, built in this process."""
    id = f"{next(_numbers)}{uuid.uuid4().hex[:12]}"
    source = folder.root / f"{id}.source"
    table.write(source)
    request = {
        "source": str(source),
        "schema": table.schema.to_list(),
        "target": str(folder.file("evaluation", id)),
        "task": task,
        "roles": roles.to_dict(),
        "seed": evaluations.SEED,
    }
    said = build(request, limits=LIMITS, progress=no_progress)
    source.unlink()
    made = Evaluation.from_facts(said, id=id, name=name, version=1, fingerprint=id, task=task, roles=roles)
    return replace(made, roles=roles.with_(positive=made.positive) if task == "binary" else roles)


def opened(folder: Folder, table: Table, *, task: str, roles: Roles) -> OpenEvaluation:
    """The same, ready to be asked."""
    return folder.engine.open(facts(folder, table, task=task, roles=roles))


def uploaded(folder: Folder, table: Table, *, task: str = "table", roles: Roles | None = None) -> Subject:
    """A table as an uploaded dataset, to be checked."""
    id = f"{next(_numbers)}{uuid.uuid4().hex[:12]}"
    table.write(folder.file("dataset", id))
    made = Dataset(id, "t", 1, table.schema, table.rows, 0, id, "t.csv", 0, "2026-11-01T00:00:00", "tester")
    return of_dataset(folder, made, task, roles or Roles())


def stored(folder: Folder, evaluation: Evaluation, query: str = "SELECT * FROM rows") -> pl.DataFrame:
    """What the evaluation's file holds."""
    with duckdb.connect(str(folder.file("evaluation", evaluation.id)), read_only=True) as connection:
        return connection.sql(query).pl()


def binary(**columns: tuple[str, list]) -> tuple[Table, Roles]:
    """A table with y (label), p (prediction), s (score), w (weight), t (time), id as given, and the roles they have."""
    table = Table(columns)
    model = ModelColumns(
        "m", prediction="p" if "p" in columns else None, scores=((None, "s"),) if "s" in columns else ()
    )
    roles = Roles(
        label="y" if "y" in columns else None,
        models=(model,),
        weight="w" if "w" in columns else None,
        time="t" if "t" in columns else None,
        id=("id",) if "id" in columns else (),
    )
    return table, roles
