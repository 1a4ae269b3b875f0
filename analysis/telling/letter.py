"""Letters: an explanation in a paragraph that a person who knows nothing of models can read."""

import polars as pl

from analysis.core import words
from analysis.core.receipt import Result
from analysis.metrics.trusting import CANNOT, CARE, OPEN

MOST = 3
GRADES = {
    CANNOT: "It should not be used to explain the decision.",
    CARE: "It should be read with care.",
    OPEN: "It has not been checked yet.",
}


def paragraph(result: Result) -> str:
    """What weighed most for and against, in words without technical terms, and how far that can be trusted."""
    row = result.frames["summary"].row(0, named=True)
    unit = "score" if row["class"] else "label"
    of = f" for the outcome '{row['class']}'" if row["class"] else ""
    head = f"For case {row['row']} the model arrived at {words.number(row['prediction'], unit)}{of}."
    mark = f"[Trust grade: {row['grade']}. {GRADES.get(row['grade'], 'Its checks found nothing against it.')}]"
    if row["grade"] == CANNOT:
        return f"{head} Its answer cannot be traced to single details of the case. {mark}"
    sure = result.frame.filter("settled") if row["repeats"] > 1 else result.frame
    moved = sure.filter(pl.col("contribution").abs() > 0).sort(pl.col("contribution").abs(), descending=True)
    more, less = (_listed(moved.filter(pl.col("contribution") * sign > 0)) for sign in (1, -1))
    parts = []
    if more:
        parts.append(f"What raised it most: {more}.")
    if less:
        parts.append(f"What lowered it most: {less}.")
    said = " ".join(parts) or "No single detail stood out."
    beside = "the text without it" if "pieces" in result.frames else "its usual value"
    return f"{head} {said} Each detail is compared with {beside}. {mark}"


def _listed(frame: pl.DataFrame) -> str:
    rows = frame.head(MOST).iter_rows(named=True)
    return words.listed(
        [_detail(**{name: each[name] for name in ("column", "value", "usual", "kind")}) for each in rows]
    )


def _detail(column: str, value: str, usual: str, kind: str) -> str:
    name = column.replace("_", " ")
    if kind == "word":
        return f"the word '{value}' in the {name}"
    if kind == "flag":
        return f"{name} was {'not given' if value == 'yes' else 'given'}"
    return f"{name} {value} (usual: {usual})"
