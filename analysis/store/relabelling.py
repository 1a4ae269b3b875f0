"""Relabelling: the next version of a dataset, in which the labels confirmed to be wrong are corrected.

The version it starts from is left as it is. The corrected table is written as Parquet into a staging folder, compared
with the original cell by cell, and taken in like any file; whatever fails, nothing is kept.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import polars as pl

from analysis.core import words
from analysis.core.dataset import Dataset
from analysis.core.errors import BadRequest, StorageError
from analysis.core.evaluation import Evaluation
from analysis.core.labeldecision import LabelDecision
from analysis.core.schema import Column
from analysis.store import datasets, labeldecisions, staging
from analysis.store.child import Progress, no_progress
from analysis.store.labeldecisions import row_name
from analysis.store.workspace import Workspace


def applied(workspace: Workspace, evaluation: Evaluation, *, progress: Progress = no_progress) -> tuple[Dataset, int]:
    """The same for an evaluation: the dataset version it was built from, with all its confirmed decisions."""
    dataset = datasets.find(workspace, evaluation.inputs[0])
    confirmed = labeldecisions.confirmed(workspace, evaluation.name)
    roles = evaluation.roles
    return relabelled(workspace, dataset, label=roles.label or "", id=roles.id, confirmed=confirmed, progress=progress)


def relabelled(
    workspace: Workspace,
    dataset: Dataset,
    *,
    label: str,
    id: Sequence[str],
    confirmed: Sequence[LabelDecision],
    progress: Progress = no_progress,
    step: staging.Step = staging.no_step,
) -> tuple[Dataset, int]:
    """(the next version of the dataset, how many of its rows have another label than this version's).

    label, id: columns. Every row with a confirmed decision's id and label gets the class suggested; a decision whose
    row has that class by now is carried out. BadRequest where nothing is confirmed or left to do, no column has the
    role id, a row is gone or has a third label, or a class does not fit the column's type.
    """
    if not id:
        raise BadRequest("Labels are corrected by the rows' id; give a column the role id.")
    if not confirmed:
        raise BadRequest("No label is confirmed to be wrong, so there is nothing to apply.")
    column = dataset.schema.column(label)
    with staging.staging(workspace.root) as place:
        file = place.folder / "corrected.parquet"
        with workspace.reader.open(workspace.file("dataset", dataset.id), dataset.label) as (cursor, alias):
            cursor.register("given", pl.DataFrame([each.to_dict() for each in confirmed]).to_arrow())
            try:
                changed = _matched(cursor, alias, dataset, column, id)
                _write(cursor, alias, dataset, column, id, file)
                _compare(cursor, alias, dataset, column, file, changed)
            finally:
                cursor.unregister("given")
        said = f"{dataset.label} with {words.plural(changed, 'label')} corrected"
        made, _ = datasets.ingest(workspace, file, name=dataset.name, label=said, progress=progress, step=step)
    return made, changed


def _pairs(dataset: Dataset, column: Column, id: Sequence[str]) -> str:
    """The condition that a row `r` is one a decision `g` is about."""
    return f"{_named(dataset, id)} AND {_same(column, 'label')}"


def _named(dataset: Dataset, id: Sequence[str]) -> str:
    return f"{row_name([f'CAST(r.{dataset.schema.column(name).key} AS VARCHAR)' for name in id])} = g.id"


def _same(column: Column, given: str) -> str:
    """The condition that a row's label is one of a decision's: as text, or equal as a value of the column's type."""
    return f"(CAST(r.{column.key} AS VARCHAR) = g.{given} OR r.{column.key} = TRY_CAST(g.{given} AS {column.type}))"


def _matched(cursor: duckdb.DuckDBPyConnection, alias: str, dataset: Dataset, column: Column, id: Sequence[str]) -> int:
    """How many rows get another label."""
    misfits = f"SELECT suggested FROM given WHERE TRY_CAST(suggested AS {column.type}) IS NULL"
    for (value,) in cursor.execute(misfits).fetchall():
        raise BadRequest(f"'{value}' does not fit the column '{column.name}' of type {column.type}.")
    was, done = _same(column, "label"), _same(column, "suggested")
    counts = f"SELECT g.id, g.label, count(*) FILTER ({was}) AS n, count(*) FILTER ({done}) AS done FROM given g "
    counts += f"LEFT JOIN {alias}.data r ON {_named(dataset, id)} GROUP BY g.id, g.label"
    absent, changed = cursor.execute(
        f"SELECT min(id) FILTER (n + done = 0), CAST(sum(n) AS BIGINT) FROM ({counts})"
    ).fetchall()[0]
    if absent is not None:
        raise BadRequest(f"{dataset.label} has no row '{absent}' with the label that was confirmed to be wrong.")
    if not changed:
        raise BadRequest(f"{dataset.label} has every label confirmed to be wrong corrected; nothing is left to apply.")
    return int(changed)


def _write(
    cursor: duckdb.DuckDBPyConnection, alias: str, dataset: Dataset, column: Column, id: Sequence[str], file: Path
) -> None:
    picked = [
        f"CASE WHEN g.id IS NULL THEN r.{each.key} ELSE CAST(g.suggested AS {each.type}) END AS {_quoted(each.name)}"
        if each.key == column.key
        else f"r.{each.key} AS {_quoted(each.name)}"
        for each in dataset.schema
    ]
    body = f"SELECT {', '.join(picked)} FROM {alias}.data r LEFT JOIN given g ON {_pairs(dataset, column, id)}"
    with staging.disk_errors():
        cursor.execute(f"COPY ({body}) TO '{_text(file)}' (FORMAT parquet)")


def _compare(
    cursor: duckdb.DuckDBPyConnection, alias: str, dataset: Dataset, column: Column, file: Path, changed: int
) -> None:
    """StorageError unless the file differs from the dataset in as many labels as are meant, and in nothing else."""
    names = {each.name: f"k{at}" for at, each in enumerate(dataset.schema)}
    picked = ", ".join(f"{_quoted(name)} AS {key}" for name, key in names.items())
    others = [f"r.{each.key} IS DISTINCT FROM p.{names[each.name]}" for each in dataset.schema if each is not column]
    said = cursor.execute(
        f"SELECT count(*), count(*) FILTER ({' OR '.join(others)}), "
        f"count(*) FILTER (r.{column.key} IS DISTINCT FROM p.{names[column.name]}) FROM {alias}.data r "
        f"POSITIONAL JOIN (SELECT {picked} FROM read_parquet('{_text(file)}')) p"
    ).fetchall()[0]
    if said != (dataset.rows, 0, changed):
        raise StorageError(f"The corrected copy of {dataset.label} is not what was meant. Nothing was stored.")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(file: Path) -> str:
    return str(file).replace("'", "''")
