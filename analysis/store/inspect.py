"""Looking at the columns of a dataset, so that roles can be guessed."""

from typing import Any

from analysis.core.dataset import Dataset
from analysis.core.roles import ColumnFacts
from analysis.store.workspace import Workspace

LOOKED_AT = 50_000
COUNTED = 1_001


def column_facts(workspace: Workspace, dataset: Dataset) -> list[ColumnFacts]:
    """Facts on every column from at most 50,000 rows evenly spaced over the dataset."""
    every = max(1, dataset.rows // LOOKED_AT)
    with workspace.reader.open(workspace.file("dataset", dataset.id), dataset.label) as (cursor, alias):
        looked = f"(SELECT * FROM {alias}.data WHERE rowid % {every} = 0)"
        asked = []
        for column in dataset.schema:
            key = column.key
            text = f"CAST({key} AS VARCHAR)"
            whole = f"bool_and({key} = floor({key}))" if column.numeric else "false"
            words = f"avg(length({key}) - length(replace({key}, ' ', '')) + 1)" if column.type == "VARCHAR" else "0"
            asked.append(
                f"[CAST(count(*) AS VARCHAR), CAST(count(*) - count({key}) AS VARCHAR), "
                f"CAST(count(DISTINCT {key}) AS VARCHAR), CAST(min({key}) AS VARCHAR), CAST(max({key}) AS VARCHAR), "
                f"CAST({whole} AS VARCHAR), CAST(avg(length({text})) AS VARCHAR), CAST({words} AS VARCHAR)]"
            )
        answers: Any = cursor.execute(f"SELECT {', '.join(asked)} FROM {looked}").fetchone()
        made = []
        for column, answer in zip(dataset.schema, answers or (), strict=False):
            rows, missing, distinct, low, high, is_whole, length, word_count = answer
            values: list[tuple[str, int]] = []
            if 0 < int(distinct) <= COUNTED:
                values = cursor.execute(
                    f"SELECT CAST({column.key} AS VARCHAR), count(*) AS n FROM {looked} "
                    f"WHERE {column.key} IS NOT NULL GROUP BY 1 ORDER BY n DESC, 1 LIMIT 20"
                ).fetchall()
            made.append(
                ColumnFacts(
                    name=column.name,
                    type=column.type,
                    rows=int(rows),
                    missing=int(missing),
                    distinct=min(int(distinct), COUNTED),
                    low=low,
                    high=high,
                    values=tuple((str(value), int(count)) for value, count in values),
                    whole=is_whole == "true",
                    length=float(length or 0),
                    words=float(word_count or 0),
                )
            )
    return made
