"""Rules for the screen: the grid they are edited in, read back, and what came of them for each version."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import altair as alt
import polars as pl

from analysis.core import words
from analysis.core.errors import BadRequest
from analysis.core.receipt import Result
from analysis.core.rule import FAIL, LIKE, NEEDS, OUTCOMES, PASS, WARN, Rule, apart, read_rule
from analysis.telling.spec import ACCENT, BLUE, axis, done, empty

EXPECTATIONS = tuple(NEEDS)
SCHEMA: dict[str, Any] = {
    "column": pl.String,
    "expectation": pl.String,
    "low": pl.String,
    "high": pl.String,
    "values": pl.List(pl.String),
    "pattern": pl.String,
    "refers": pl.String,
    "at most": pl.Float64,
    "severity": pl.String,
}
DRAWN = 20
COLOURS = {PASS: BLUE, WARN: "#e8a33d", FAIL: ACCENT}


def grid(rules: Sequence[Rule]) -> pl.DataFrame:
    """A row a rule as it is edited: SCHEMA; at most in per cent. What a rule does not need is empty."""
    rows = []
    for rule in rules:
        texts = {name: getattr(rule, name) for name in ("low", "high", "pattern", "refers")}
        rows.append(
            {"column": rule.column, "expectation": rule.expectation, **texts, "values": list(rule.values)}
            | {"at most": 100 * rule.at_most, "severity": rule.severity}
        )
    return pl.DataFrame(rows, schema=SCHEMA)


def edited(rows: Iterable[Mapping[str, Any]], known: Sequence[Rule]) -> list[Rule]:
    """The rules of an edited grid; what the grid does not show, the bins of a distribution, is taken from those known.

    BadRequest names the row that is not whole.
    """
    before, made = {rule.name: rule for rule in known}, []
    for place, row in enumerate(rows, start=1):
        given = {name: value for name, value in row.items() if value is not None and name != "at most"}
        if not given.get("column") and not given.get("expectation"):
            continue
        if given.get("expectation") == LIKE:
            old = before.get(f"{given.get('column')} {LIKE}")
            if old is None:
                raise BadRequest(f"Row {place}: a distribution's bins come from a reference; use 'Suggest rules'.")
            given |= {"values": old.values, "cuts": old.cuts, "shares": old.shares}
        try:
            made.append(read_rule(given | {"at_most": round((row.get("at most") or 0.0) / 100, 9)}))
        except BadRequest as error:
            raise BadRequest(f"Row {place}: {error}") from error
    return apart(made)


def now(result: Result) -> pl.DataFrame:
    """What came of the newest version, the broken ones first: Rule, Outcome, Breaks it (%), Allowed (%), Says."""
    frame = result.frame.filter(pl.col("version") == result.frame["version"].max())
    order = {name: at for at, name in enumerate(OUTCOMES)}
    frame = frame.sort(pl.col("outcome").replace_strict(order, return_dtype=pl.Int64), maintain_order=True)
    return frame.select(
        pl.col("rule").alias("Rule"),
        pl.col("outcome").alias("Outcome"),
        (100 * pl.col("value")).alias("Breaks it"),
        (100 * pl.col("at_most")).alias("Allowed"),
        pl.col("sentence").alias("Says"),
    )


def points(result: Result) -> pl.DataFrame:
    """What came of each version, of the rules that some version broke, those broken last first: name, version, number,
    outcome, place, said, aria."""
    broken = result.frame.filter(pl.col("outcome").is_in([FAIL, WARN])).sort("version", descending=True)
    names = broken["rule"].unique(maintain_order=True).to_list()[:DRAWN]
    rows = [
        {
            "name": row["rule"],
            "version": f"version {row['version']}",
            "number": row["version"],
            "outcome": row["outcome"],
            "place": names.index(row["rule"]),
            "said": words.DASH if row["value"] is None else words.number(row["value"], "share"),
            "aria": f"{row['rule']}, version {row['version']}: {row['outcome']}. {row['sentence']}",
        }
        for row in result.frame.iter_rows(named=True)
        if row["rule"] in names
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def always(result: Result) -> str:
    """How many rules no version broke, in words."""
    rules, broken = (
        frame["rule"].n_unique() for frame in (result.frame, result.frame.filter(pl.col("outcome").is_in([FAIL, WARN])))
    )
    versions = result.frame["version"].n_unique()
    where = "in the one version there is" if versions == 1 else f"in all {versions:,} versions"
    return f"{words.plural(rules - broken, 'rule')} of {rules:,} held {where}."


@lru_cache(maxsize=32)
def chart(rules: int) -> dict[str, Any]:
    """A cell a rule and version, coloured by what came of it. Frame: see points."""
    scale = alt.Scale(domain=list(COLOURS), range=list(COLOURS.values()))
    shape = alt.Scale(domain=list(COLOURS), range=["circle", "triangle-up", "cross"])
    base = alt.Chart(empty()).encode(
        y=alt.Y("name:N", title=None, sort=alt.SortField("place"), axis=axis(labelLimit=260)),
        x=alt.X("version:N", title=None, sort=alt.SortField("number"), axis=axis(labelAngle=0)),
    )
    mark = base.mark_point(filled=True, size=110, opacity=1).encode(
        color=alt.Color("outcome:N", scale=scale, legend=alt.Legend(title=None, orient="top")),
        shape=alt.Shape("outcome:N", scale=shape, legend=alt.Legend(title=None, orient="top")),
        description=alt.Description("aria:N"),
        tooltip=[
            alt.Tooltip("name:N", title="rule"),
            alt.Tooltip("version:N", title="of"),
            alt.Tooltip("outcome:N", title="came to"),
            alt.Tooltip("said:N", title="breaks it"),
        ],
    )
    return done(mark.properties(height=30 + 24 * rules))
