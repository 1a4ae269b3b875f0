"""Labels in doubt as rows and sentences for the screen."""

from typing import Any

import polars as pl

from analysis.core import words
from analysis.core.evaluation import Evaluation
from analysis.core.expression import parse
from analysis.core.literal import quoted, written
from analysis.core.receipt import Result
from analysis.core.segment import Segment


def asked(row: dict[str, Any]) -> str:
    """What is asked of a label."""
    said = f"Is '{row['label']}' wrong for {row['id']}? {row['model']} gives it {words.number(row['score'], 'score')}"
    return f"{said} and {'is sure of' if row['sure'] else 'leans towards'} '{row['suggested']}'."


def progress(result: Result) -> str:
    """How many of the listed labels are decided."""
    decided = result.frame["decision"].drop_nulls().len()
    return f"{decided:,} of {words.plural(len(result.frame), 'label')} listed are decided"


def corrected(label: str, rows: int) -> str:
    return f"Kept {label}, in which {words.plural(rows, 'label')} {'is' if rows == 1 else 'are'} corrected."


def row_of(evaluation: Evaluation, id: str) -> Segment:
    """The segment of the rows with an id, where one column is the id."""
    name = evaluation.roles.id[0]
    return parse(f"{quoted(name)} = {written(id)}", columns=evaluation.types())


def listed(result: Result) -> pl.DataFrame:
    """The labels listed, a row each."""
    return result.frame.select(
        pl.col("rank").alias("Rank"),
        pl.col("id").alias("Row"),
        pl.col("label").alias("Label"),
        pl.col("suggested").alias("Suggested"),
        pl.col("score").alias("Score of the label"),
        pl.when("sure").then(pl.lit("sure")).otherwise(pl.lit("leaning")).alias("Version is"),
        pl.col("decision").fill_null("").alias("Decision"),
    )


def groups(result: Result) -> pl.DataFrame:
    """The groups most contradicted beyond what their scores expect, a row each."""
    frame = result.frames["groups"].filter(pl.col("p_adjusted").is_not_null()).head(12)
    ratio = [
        f"{row['ratio']:.2f} ({row['low']:.2f} to {row['high']:.2f})" if row["ratio"] is not None else words.DASH
        for row in frame.iter_rows(named=True)
    ]
    return frame.select(
        pl.col("column").alias("Column"),
        pl.col("group").fill_null("(missing)").alias("Group"),
        pl.col("confident").alias("Confident rows"),
        pl.col("found").alias("Contradicted"),
        pl.col("expected").round(0).alias("Expected"),
        pl.Series("Ratio", ratio, dtype=pl.String),
        pl.col("rest").round(2).alias("Ratio elsewhere"),
        pl.Series("p, adjusted", [words.p_value(each) for each in frame["p_adjusted"]], dtype=pl.String),
    )
