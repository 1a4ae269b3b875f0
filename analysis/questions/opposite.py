"""Which real row, as like this one as can be, was decided otherwise, and in what does it differ?"""

import time
from typing import Any

import numpy as np
import polars as pl

from analysis.core import words
from analysis.core.cutoffs import Threshold
from analysis.core.errors import BadRequest
from analysis.core.evaluation import EvalColumn
from analysis.core.judged import decided as recorded
from analysis.core.model import Scorer, features
from analysis.core.outcome import decides, outcome, reading
from analysis.core.receipt import Receipt, Result
from analysis.core.surrogate import cautions, default_features
from analysis.engine import background
from analysis.engine.changing import beside_of, cutoff_of, held, said
from analysis.engine.nearest import Nearest, width
from analysis.engine.onerow import id_text, one_row
from analysis.engine.query import OpenEvaluation
from analysis.engine.receipts import bare

ASKED = 5000
RECORDED, MODEL = "recorded", "model"
COLUMNS: dict[str, Any] = {
    "row": pl.String,
    "distance": pl.Float64,
    "prediction": pl.String,
    "score": pl.Float64,
    "feature": pl.String,
    "from": pl.String,
    "to": pl.String,
    "differs": pl.Boolean,
    "apart": pl.Float64,
    "method": pl.String,
}
METHOD = "Gower distance over the features, no interval"


def opposite(
    evaluation: OpenEvaluation,
    scorer: Scorer | None = None,
    *,
    row: str,
    version: str = "",
    threshold: Threshold | None = None,
    by: str = "",
    limit: int = 1,
) -> Result:
    """The `limit` rows nearest to one that are decided otherwise, in a row a feature each, the nearest first.

    by: whose decisions. "recorded": those of a version (under the threshold, if one is set), over all rows; "model":
    the model's, of the 5,000 nearest rows, in one call; "" takes what is recorded where anything is. Columns: `row`
    (its id), `distance` (0 to 1, the mean over the features; engine/nearest.py), its `prediction` and `score`,
    `feature`, `from` (here) and `to` (there), whether it `differs`, how far it is `apart` (0 to 1). The features are
    the model's; without one those that a surrogate would take. BadRequest for forecasts, and where the row itself is
    undecided.
    """
    began = time.perf_counter()
    facts = evaluation.facts
    decides(facts)
    names = [facts.column(name) for name in default_features(facts)] if scorer is None else None
    columns = tuple(names) if names is not None else features(scorer.model, facts)  # type: ignore[union-attr]
    if not columns:
        raise BadRequest(f"'{facts.name}' has no features to compare rows by; give columns the role feature.")
    beside = beside_of(evaluation, scorer, version)
    by = by or (RECORDED if recorded(facts, beside, threshold) or scorer is None else MODEL)
    if by not in (RECORDED, MODEL) or (by == MODEL and scorer is None):
        raise BadRequest("Decisions are by 'recorded', or by 'model' where there is one.")
    here = one_row(evaluation, row, columns)
    lies = background.of(evaluation, [column.name for column in columns])
    values = tuple((column.name, held(here, at), width(lies.feature(column.name))) for at, column in enumerate(columns))
    place = int(here.frame["row"][0])
    searched = ""
    if by == RECORDED:
        own = evaluation.rows(Nearest(beside.name, here.where, threshold=threshold, values=values)).frame
        decision = own["prediction"][0]
        if decision is None:
            raise BadRequest(f"{beside.name} decides nothing of row {row}, so nothing is its opposite.")
        asked = Nearest(beside.name, threshold=threshold, values=values, decided=decision, apart=place, limit=limit)
        answer = evaluation.rows(asked)
        found = answer.frame
        searched = f"all {words.plural(facts.rows, 'row')}"
    else:
        assert scorer is not None  # noqa: S101 - told to the type checker
        answer = evaluation.rows(Nearest(beside.name, values=values, apart=place, limit=ASKED))
        taken = [f"v{at}" for at in range(len(columns))]
        answers = scorer.predict(pl.concat([here.values, answer.frame.select(taken)], how="vertical_relaxed"))
        how = reading(facts, answers, cutoff_of(evaluation, beside, here, threshold))
        heard = outcome(how, answers)
        decision = heard.decided[0]
        if decision is None:
            raise BadRequest(f"{scorer.model.label} decides nothing of row {row}, so nothing is its opposite.")
        other = np.array([each is not None and each != decision for each in heard.decided[1:]], dtype=bool)
        told = answer.frame.with_columns(
            pl.Series("prediction", heard.decided[1:].tolist(), dtype=pl.String), pl.Series("score", heard.values[1:])
        )
        found = told.filter(pl.Series(other, dtype=pl.Boolean)).head(limit)
        searched = f"the {words.plural(len(told), 'row')} nearest to it"
    frame = pl.DataFrame(
        [each for at in range(len(found)) for each in _rows(found, at, columns, values, facts)], COLUMNS
    )
    options: dict[str, Any] = {
        "model": scorer.model.label if scorer else None,
        "model_fingerprint": scorer.model.fingerprint if scorer else None,
        "row": row,
        "by": by,
        "version": beside.name,
        "threshold": threshold,
        "limit": limit,
        "features": [column.name for column in columns],
    }
    receipt = Receipt(
        "opposite",
        facts.label,
        facts.fingerprint,
        options,
        sql={"row": bare(evaluation, here.sql), "nearest": bare(evaluation, answer.sql)},
        seconds=time.perf_counter() - began,
        notes=(*(cautions(scorer.model) if scorer and by == MODEL else ()), f"Scales are told {lies.sentence()}."),
    )
    who = beside.name if by == RECORDED or scorer is None else scorer.model.label
    return Result(frame, _sentence(frame, who, row, decision, searched, len(columns)), receipt)


def _rows(
    found: pl.DataFrame, at: int, columns: tuple[EvalColumn, ...], values: tuple[Any, ...], facts: Any
) -> list[dict[str, Any]]:
    """The features of one found row, those that are furthest apart first."""
    common = {
        "row": id_text(facts, found, at),
        "distance": found["distance"][at],
        "prediction": found["prediction"][at],
        "score": found["score"][at],
        "method": METHOD,
    }
    made = []
    for place, (column, (_, value, wide)) in enumerate(zip(columns, values, strict=True)):
        there = found[f"v{place}"][at]
        one, other = said(column, value), said(column, there)
        numbers = bool(wide) and value is not None and there is not None
        apart = min(abs(float(there) - float(value)) / wide, 1.0) if numbers else float(one != other)
        made.append(
            {"feature": column.name, "from": one, "to": other, "differs": one != other, "apart": apart} | common
        )
    return sorted(made, key=lambda each: -each["apart"])


def _sentence(frame: pl.DataFrame, who: str, row: str, decision: str, searched: str, count: int) -> str:
    if not len(frame):
        return f"{who} decides {decision} for row {row}; none of {searched} is decided otherwise."
    first = frame.filter(pl.col("row") == frame["row"][0])
    apart = first.filter(pl.col("differs"))
    shown = [f"{each['feature']} {each['from']} → {each['to']}" for each in apart.head(3).iter_rows(named=True)]
    more = f" and {len(apart) - 3} more" if len(apart) > 3 else ""
    differ = f"differs in {len(apart)} of {count} features: {', '.join(shown)}{more}" if shown else "is the same in all"
    return (
        f"{who} decides {decision} for row {row}; of {searched} the nearest that is decided otherwise "
        f"({first['prediction'][0]}) is row {first['row'][0]}, {first['distance'][0]:.3f} away. It {differ}."
    )
