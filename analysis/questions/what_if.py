"""What if a row were otherwise? The model's answer before and after, and what each change does by itself."""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from analysis.core import words
from analysis.core.background import LEVELS, NUMBER, Feature
from analysis.core.cutoffs import Threshold
from analysis.core.errors import BadRequest
from analysis.core.model import Scorer
from analysis.core.outcome import Outcome, Reading
from analysis.core.receipt import Receipt, Result
from analysis.core.surrogate import cautions
from analysis.engine.changing import Changeable, changeable, place, read, said, scale, written
from analysis.engine.query import OpenEvaluation
from analysis.engine.receipts import bare

COLUMNS: dict[str, Any] = {
    "feature": pl.String,
    "from": pl.String,
    "to": pl.String,
    "alone": pl.Float64,
    "change": pl.Float64,
    "decision": pl.String,
    "where": pl.String,
    "method": pl.String,
}
ROW: dict[str, Any] = {
    "feature": pl.String,
    "value": pl.String,
    "number": pl.Float64,
    "kind": pl.String,
    "whole": pl.Boolean,
    "below": pl.Float64,
    "step": pl.Float64,
    "protected": pl.Boolean,
}
LIES: dict[str, Any] = {
    "feature": pl.String,
    "low": pl.Float64,
    "high": pl.Float64,
    "label": pl.String,
    "share": pl.Float64,
}
BARS, MOST = 20, 30
METHOD = "the model's own answer, no interval"
SAID = {
    "below all": "is below every value in the data",
    "above all": "is above every value in the data",
    "new": "is in no row of the data",
    "never missing": "is never missing in the data",
}


def what_if(
    evaluation: OpenEvaluation,
    scorer: Scorer,
    *,
    row: str,
    changes: Mapping[str, str],
    version: str = "",
    cls: str = "",
    threshold: Threshold | None = None,
) -> Result:
    """Ask a model about a row as it is, with all changes, and with each alone, in one call.

    row: its id. changes: {feature: new value as text, "" or "missing" for none}; none at all: the row as it is. A row a
    change that changes something: `feature`, `from`, `to`, `alone` (what the model gives with this change only),
    `change` (that less what it gives as it is), `decision` with it alone, `where` the value lies (observed, below all,
    above all, new, missing, never missing). Further frame `together`: `state` (as it is, changed), `prediction`,
    `decision`, `recorded`, `low`, `high` (the cutoffs in force), `shared` (what the changes do together beyond the sum
    of each alone). version: whose recorded answers stand beside it. cls: the class followed, default the positive one,
    of several the one it is given. BadRequest for values a column cannot hold, NotFound for the row, ModelFailed where
    the model does.
    """
    began = time.perf_counter()
    case = changeable(evaluation, scorer, row, version=version, threshold=threshold)
    own = case.values
    wanted = {case.column(name).name: text for name, text in changes.items()}
    if len(wanted) < len(changes):
        raise BadRequest("A feature is changed twice; say each once.")
    made = {name: read(case.column(name), text, case.background.feature(name)) for name, text in wanted.items()}
    made = {name: value for name, value in made.items() if written(value) != written(own[name])}
    how, found = case.asked([made, *({name: value} for name, value in made.items())], cls)
    before, after = found.values[0], found.values[1]
    rows = [
        {
            "feature": name,
            "from": said(case.column(name), own[name]),
            "to": said(case.column(name), value),
            "alone": found.values[at],
            "change": found.values[at] - before,
            "decision": found.decided[at],
            "where": place(value, case.background.feature(name)),
            "method": METHOD,
        }
        for at, (name, value) in enumerate(made.items(), start=2)
    ]
    frame = pl.DataFrame(rows, schema=COLUMNS).sort(pl.col("change").abs(), descending=True, nulls_last=True)
    ends = (case.cutoff.low, case.cutoff.high) if case.cutoff else (None, None)
    shared = float(after - before - frame["change"].fill_null(float("nan")).sum()) if rows else 0.0
    together = pl.DataFrame(
        {
            "state": ["as it is", "changed"],
            "prediction": [before, after],
            "decision": [found.decided[0], found.decided[1]],
            "recorded": [_recorded(case), None],
            "low": [ends[0]] * 2,
            "high": [ends[1]] * 2,
            "shared": [None, shared],
        },
        schema_overrides={
            "decision": pl.String,
            "recorded": pl.Float64,
            "low": pl.Float64,
            "high": pl.Float64,
            "shared": pl.Float64,
        },
    )
    options: dict[str, Any] = {
        "model": scorer.model.label,
        "model_fingerprint": scorer.model.fingerprint,
        "libraries": scorer.model.libraries,
        "row": row,
        "changes": {name: said(case.column(name), value) for name, value in made.items()},
        "version": case.version.name,
        "class": how.cls,
        "quantity": how.quantity,
        "unit": how.unit,
        "threshold": threshold,
        "cutoff": case.cutoff.how if case.cutoff else None,
    }
    receipt = Receipt(
        "what_if",
        evaluation.facts.label,
        evaluation.facts.fingerprint,
        options,
        sql={"row": bare(evaluation, case.row.sql)},
        seconds=time.perf_counter() - began,
        notes=(*cautions(scorer.model), f"Observed values are told {case.background.sentence()}."),
    )
    frames = {"together": together, "row": _row(case), "lies": _lies(case)}
    return Result(frame, _sentence(case, how, found, frame, shared), receipt, frames)


def _row(case: Changeable) -> pl.DataFrame:
    """The row as it is, feature by feature, with where each value lies."""
    made = []
    for column, (name, value) in zip(case.columns, case.values.items(), strict=True):
        found = case.background.feature(name)
        number = float(value) if found.kind == NUMBER and value is not None else None
        below = None
        if number is not None and found.quantiles:
            below = _below(number, found.quantiles)
        elif found.kind != NUMBER and value is not None and found.n:
            below = dict(found.values).get(said(column, value), 0) / found.n
        whole = "INT" in column.type
        made.append(
            {
                "feature": name,
                "value": said(column, value),
                "number": number,
                "kind": found.kind,
                "whole": whole,
                "below": below,
                "step": _step(found) if found.kind == NUMBER else None,
                "protected": name in case.opened.facts.roles.protected,
            }
        )
    return pl.DataFrame(made, schema=ROW)


def _below(number: float, quantiles: tuple[float, ...]) -> float:
    """About which share of the values is smaller; of many alike none counts as smaller than its own."""
    at = int(np.searchsorted(quantiles, number, side="left"))
    if at in (0, len(quantiles)):
        return LEVELS[min(at, len(LEVELS) - 1)]
    if quantiles[at] == number:
        return LEVELS[at]
    return float(np.interp(number, quantiles[at - 1 : at + 1], LEVELS[at - 1 : at + 1]))


def _step(found: Feature) -> float:
    """A step that is worth a try: a power of ten, at most a tenth of the middle 90 %."""
    return float(10.0 ** np.floor(np.log10(scale(found) / 10)))


def _lies(case: Changeable) -> pl.DataFrame:
    """How the values of each feature lie: shares of equal bins of its middle, or of its most frequent values."""
    made: list[dict[str, Any]] = []
    for found in case.background.features:
        if found.kind == NUMBER and found.quantiles:
            q = found.quantiles
            reach = (q[19] - q[1]) / 4
            edges = np.linspace(max(q[0], q[1] - reach), min(q[20], q[19] + reach), BARS + 1)
            upto = np.interp(edges, q, LEVELS)
            upto[0] = _below(float(edges[0]), q)  # where many are alike they are in the first bar
            shares = np.diff(upto)
            made += [
                {"feature": found.name, "low": low, "high": high, "label": None, "share": share}
                for low, high, share in zip(edges[:-1], edges[1:], shares, strict=True)
            ]
        else:
            made += [
                {"feature": found.name, "low": None, "high": None, "label": key, "share": count / max(found.n, 1)}
                for key, count in found.values[:MOST]
                if count
            ]
    return pl.DataFrame(made, schema=LIES)


def _recorded(case: Changeable) -> float | None:
    """The recorded score of the positive class, or the forecast, if there is one."""
    for key in (f"s{case.version.index}", f"p{case.version.index}"):
        if key in case.row.frame.columns and case.row.frame[key].dtype.is_numeric():
            value = case.row.frame[key][0]
            return None if value is None else float(value)
    return None


def _sentence(case: Changeable, how: Reading, found: Outcome, frame: pl.DataFrame, shared: float) -> str:
    label, id = case.scorer.model.label, case.row.id
    gives = [words.number(each, how.unit) for each in found.values[:2]]
    decided = [f" ({each})" if each is not None else "" for each in found.decided[:2]]
    named = f" for '{how.cls}'" if how.cls else ""
    head = f"{label} gives {gives[0]}{named}{decided[0]} for row {id}"
    if not len(frame):
        return "\n".join([f"{head} as it is.", *cautions(case.scorer.model)[:1]])
    listed = words.listed([f"{each['feature']} {each['from']} → {each['to']}" for each in frame.iter_rows(named=True)])
    lines = [f"{head}; with {listed} it gives {gives[1]}{decided[1]}."]
    if found.values[1] != found.values[1]:
        lines = [f"{head}; with {listed} it gives no number (nan)."]
    elif found.decided[0] != found.decided[1]:
        one, other = (each or "for a person" for each in found.decided[:2])
        lines[0] = lines[0][:-1] + f": the decision turns from {one} to {other}."
    if len(frame) > 1 and shared == shared:
        alone = [f"{each['feature']} {words.delta(each['change'], how.unit)}" for each in frame.iter_rows(named=True)]
        lines.append(f"Each alone: {words.listed(alone)}; together {words.delta(shared, how.unit)} beyond their sum.")
    odd = [f"{e['feature']} {e['to']} {SAID[e['where']]}" for e in frame.iter_rows(named=True) if e["where"] in SAID]
    if odd:
        lines.append(f"Beyond what the model can know: {words.listed(odd)}.")
    lines += cautions(case.scorer.model)[:1]
    return "\n".join(lines)
