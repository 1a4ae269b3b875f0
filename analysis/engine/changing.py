"""Changing one row: its values beside those observed, the cutoff that decides it, and a model asked about variants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import polars as pl

from analysis.core import background as lying
from analysis.core.background import Background
from analysis.core.cutoffs import Band, ByGroup, Threshold
from analysis.core.errors import BadRequest, ModelFailed
from analysis.core.evaluation import EvalColumn, ModelFacts
from analysis.core.literal import family, fit
from analysis.core.model import Scorer, features
from analysis.core.outcome import Cutoff, Outcome, Reading, outcome, reading
from analysis.core.roles import BINARY
from analysis.engine import background
from analysis.engine.deciding import over_scores
from analysis.engine.judgement import Judged
from analysis.engine.onerow import OneRow, one_row
from analysis.engine.query import OpenEvaluation
from analysis.engine.rows import RowQuery

MISSING = "missing"
HALF = 0.5
Value = float | int | str | None


@dataclass(frozen=True)
class Changeable:
    """A row of an evaluation that a model is asked about. version: whose recorded answers and threshold stand beside
    the model's. columns: what the model takes, in its order."""

    opened: OpenEvaluation
    scorer: Scorer
    version: ModelFacts
    columns: tuple[EvalColumn, ...]
    row: OneRow
    background: Background
    cutoff: Cutoff | None

    @property
    def values(self) -> dict[str, Value]:
        """{feature: its value in the row}."""
        return {column.name: held(self.row, at) for at, column in enumerate(self.columns)}

    def column(self, name: str) -> EvalColumn:
        """A feature by its name, however its case; BadRequest for what the model does not take."""
        found = self.opened.facts.column(name)
        if found not in self.columns:
            raise BadRequest(
                f"The model {self.scorer.model.label} does not take '{found.name}', so it changes nothing."
            )
        return found

    def asked(self, variants: Sequence[Mapping[str, Value]], cls: str = "") -> tuple[Reading, Outcome]:
        """What the model says of the row as it is, and of each variant ({feature: new value}), in one call.

        ModelFailed where it does, or where it gives no number of the row as it is.
        """
        own = self.values
        rows = [{**own, **variant} for variant in ({}, *variants)]
        frame = pl.DataFrame([_stacked(f"v{at}", [row[c.name] for row in rows]) for at, c in enumerate(self.columns)])
        answers = self.scorer.predict(frame)
        if len(answers.scores) != len(rows):
            raise ModelFailed(f"The model answered {len(answers.scores):,} rows when asked about {len(rows):,}.")
        how = reading(self.opened.facts, answers, self.cutoff, cls)
        found = outcome(how, answers)
        if not np.isfinite(found.values[0]):
            raise ModelFailed(f"The model gives no number for row {self.row.id} as it is.")
        return how, found


def held(row: OneRow, at: int) -> Value:
    """The value of a row's column at this place, None where it is missing or nan."""
    value: Value = row.frame[f"v{at}"][0]
    return None if isinstance(value, float) and np.isnan(value) else value


def _stacked(name: str, values: list[Value]) -> pl.Series:
    if any(isinstance(each, str) for each in values):
        return pl.Series(name, values, dtype=pl.String)
    whole = all(each is None or isinstance(each, int) for each in values) and any(each is not None for each in values)
    return pl.Series(name, values, dtype=pl.Int64 if whole else pl.Float64)


def changeable(
    opened: OpenEvaluation, scorer: Scorer, row: str, *, version: str = "", threshold: Threshold | None = None
) -> Changeable:
    """A row ready to be changed; errors as those of `features` and `one_row`."""
    facts = opened.facts
    columns = features(scorer.model, facts)
    found = one_row(opened, row, columns)
    beside = beside_of(opened, scorer, version)
    lies = background.of(opened, [column.name for column in columns])
    return Changeable(opened, scorer, beside, columns, found, lies, cutoff_of(opened, beside, found, threshold))


def beside_of(opened: OpenEvaluation, scorer: Scorer | None, version: str = "") -> ModelFacts:
    """The recorded version that belongs to a model: the one asked for, the one a surrogate stands for, the one of the
    same name, else the last."""
    facts, names = opened.facts, [each.name for each in opened.facts.models]
    if version:
        return facts.model(version)
    if scorer is not None:
        own = scorer.model.surrogate_of.get("version", scorer.model.name)
        if own in names:
            return facts.model(own)
    return facts.models[-1]


@dataclass(frozen=True)
class _InForce(RowQuery):
    """The cutoffs of a rule for each row: low, high."""

    def statement(self, seen: Judged) -> str:
        assert self.threshold is not None  # noqa: S101 - asked only where there is a rule
        cut = over_scores(seen.evaluation, self.threshold)
        picked = f"CAST({cut.review} AS DOUBLE) AS low, CAST({cut.positive} AS DOUBLE) AS high"
        return f"SELECT {picked} FROM rows r WHERE {self.scope(seen)} LIMIT 1"


@dataclass(frozen=True)
class _Parting(RowQuery):
    """One row: the score (threshold) from which on rows were decided positive with the fewest exceptions, how many
    were decided otherwise (wrong), and of how many (n). Of several alike the highest. Nothing where none is decided."""

    def statement(self, seen: Judged) -> str:
        at = seen.model.index
        return (
            "SELECT low AS threshold, (below + above) AS wrong, n FROM (SELECT low, "
            "coalesce(sum(yes) OVER (ORDER BY code ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS below, "
            "sum(no) OVER (ORDER BY code DESC) AS above, sum(yes + no) OVER () AS n FROM ("
            f"SELECT r.b{at} AS code, count(*) FILTER (WHERE r.p{at} = 1) AS yes, "
            f"count(*) FILTER (WHERE r.p{at} = 0) AS no FROM rows r "
            f"WHERE r.b{at} IS NOT NULL AND r.p{at} IS NOT NULL GROUP BY 1) "
            f"JOIN (SELECT code, low FROM codes WHERE name = 'b{at}') USING (code)) "
            "ORDER BY wrong, threshold DESC LIMIT 1"
        )


def parting(opened: OpenEvaluation, version: ModelFacts) -> Cutoff | None:
    """The one threshold that comes nearest to a version's recorded decisions; None where there are none by score."""
    if opened.facts.task != BINARY or not (version.decision and version.score):
        return None
    found = opened.rows(_Parting(version.name)).frame
    if not len(found):
        return None
    at, wrong, n = (float(found[name][0]) for name in ("threshold", "wrong", "n"))
    share = f"{100 * (1 - wrong / n):.1f}% of" if wrong else "all"
    return Cutoff(at, at, f"what parts {share} the recorded decisions of {version.name}")


def cutoff_of(opened: OpenEvaluation, version: ModelFacts, row: OneRow, threshold: Threshold | None) -> Cutoff | None:
    """What decides the row by its score: the rule in force, what parts the recorded decisions best, or 0.5."""
    if opened.facts.task != BINARY:
        return None
    if isinstance(threshold, Band):
        return Cutoff(threshold.low, threshold.high, f"the policy ({threshold.sentence()})")
    if isinstance(threshold, ByGroup):
        found = opened.rows(_InForce(version.name, row.where, threshold=threshold)).frame
        return Cutoff(
            found["low"][0], found["high"][0], f"the policy's threshold of the {threshold.column} the row has"
        )
    if threshold is not None:
        return Cutoff(threshold, threshold, "the threshold in force")
    best = parting(opened, version)
    if best is not None:
        return best
    if version.probabilities or not version.score:
        return Cutoff(HALF, HALF, "taken as no threshold is set")
    return None


def read(column: EvalColumn, text: str, found: lying.Feature) -> Value:
    """A value as it is typed, as a model takes it: None for "" and for "missing" (unless a text of the column says so).

    BadRequest where the column cannot hold it.
    """
    text = text.strip()
    if not text or (text.lower() == MISSING and text not in dict(found.values)):
        return None
    value = fit(text, column.type, column=column.name, typed=text)
    kind = family(column.type)
    if kind == "number":
        number = float(value)  # type: ignore[arg-type]
        if not np.isfinite(number):
            raise BadRequest(f"'{column.name}' cannot be changed to {text}; give a finite number.")
        return int(number) if number.is_integer() and abs(number) < 2**53 and "." not in text else number
    if kind == "boolean":
        return float(bool(value))
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date) else str(value)


def written(value: Value) -> str:
    """A value as `read` takes it, and as people read it.

    >>> written(3.0), written(None), written(0.1), written("West")
    ('3', 'missing', '0.1', 'West')
    """
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return MISSING
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value!r}"
    return str(value)


def said(column: EvalColumn, value: Value) -> str:
    """A value of a column as people read it: yes and no as true and false."""
    if column.type == "BOOLEAN" and value is not None:
        return "true" if value else "false"
    return written(value)


def place(value: Value, found: lying.Feature) -> str:
    """Where a value lies among those observed: "observed", "below all", "above all", "new", "missing", "never missing".

    Numbers between the smallest and the largest count as observed.
    """
    if value is None:
        return "missing" if found.missing > 0 else "never missing"
    if found.kind == lying.NUMBER:
        if found.low is None or found.high is None:
            return "new"
        number = float(value)
        return "below all" if number < found.low else "above all" if number > found.high else "observed"
    known = {_category(key) for key, _ in found.values}
    return "observed" if _category(value) in known or found.other else "new"


def _category(value: Value) -> str:
    return {"true": "1", "false": "0"}.get(str(value), written(value)) if value is not None else MISSING


def scale(found: lying.Feature) -> float:
    """One step of a number: the width of the middle 90 % of its values; else of all of them; else 1."""
    if not found.quantiles:
        return 1.0
    for low, high in ((1, 19), (0, 20)):
        width = found.quantiles[high] - found.quantiles[low]
        if width > 0:
            return float(width)
    return 1.0
