"""What is the least change of a single feature that turns the decision on a row?"""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from analysis.core import words
from analysis.core.background import NUMBER, Feature
from analysis.core.cutoffs import Threshold
from analysis.core.model import Scorer
from analysis.core.outcome import decides
from analysis.core.receipt import Receipt, Result
from analysis.core.surrogate import cautions
from analysis.engine.changing import Changeable, Value, changeable, said, scale, written
from analysis.engine.query import OpenEvaluation
from analysis.engine.receipts import bare
from analysis.engine.tried import observed

COLUMNS: dict[str, Any] = {
    "feature": pl.String,
    "from": pl.String,
    "to": pl.String,
    "change": pl.Float64,
    "prediction": pl.Float64,
    "decision": pl.String,
    "tried": pl.Int64,
    "method": pl.String,
}
TRIED: dict[str, Any] = {"feature": pl.String, "tried": pl.Int64, "turned": pl.Int64, "why": pl.String}
METHOD = "search over observed values, no interval"


def flip(
    evaluation: OpenEvaluation,
    scorer: Scorer,
    *,
    row: str,
    version: str = "",
    threshold: Threshold | None = None,
    fixed: Sequence[str] = (),
    protected: bool = False,
) -> Result:
    """Try, one feature at a time, values that other rows have, all in one call; the nearest that turns the decision.

    A row a feature that can turn it, the least change first: `feature`, `from`, `to`, `change` (of numbers |to - from|
    in widths of the middle 90 % of the values; 1 for another category, and from or to missing), `prediction` and
    `decision` with it, `tried` values. Further frame `tried`: a row a feature, how many values turned it, and `why` it
    was left out. Left out: columns with the role protected, unless `protected`; those of `fixed`. BadRequest for
    forecasts, which decide nothing.
    """
    began = time.perf_counter()
    decides(evaluation.facts)
    case = changeable(evaluation, scorer, row, version=version, threshold=threshold)
    kept_out = {} if protected else dict.fromkeys(evaluation.facts.roles.protected, "a protected attribute")
    kept_out |= {case.column(name).name: "held fixed" for name in fixed}
    columns = [column for column in case.columns if column.name not in kept_out]
    features = [case.background.feature(column.name) for column in columns]
    values, sql = observed(evaluation, columns, features)
    own = case.values
    trials: list[tuple[Feature, Value]] = [
        (feature, value)
        for feature, many in zip(features, values, strict=True)
        for value in many
        if written(value) != written(own[feature.name])
    ]
    how, found = case.asked([{feature.name: value} for feature, value in trials])
    before = found.decided[0]
    turned = np.array([after is not None and after != before for after in found.decided[1:]], dtype=bool)
    rows, tried = [], []
    for feature in features:
        places = [at for at, (each, _) in enumerate(trials) if each is feature]
        good = [at for at in places if turned[at]]
        tried.append({"feature": feature.name, "tried": len(places), "turned": len(good), "why": ""})
        if good:
            best = min(good, key=lambda at: _rank(own, trials[at]))
            value, column = trials[best][1], case.column(feature.name)
            rows.append(
                {
                    "feature": feature.name,
                    "from": said(column, own[feature.name]),
                    "to": said(column, value),
                    "change": distance(own[feature.name], value, feature),
                    "prediction": found.values[best + 1],
                    "decision": found.decided[best + 1],
                    "tried": len(places),
                    "method": METHOD,
                }
            )
    tried += [
        {"feature": column.name, "tried": 0, "turned": 0, "why": kept_out[column.name]}
        for column in case.columns
        if column.name in kept_out
    ]
    frame = pl.DataFrame(rows, schema=COLUMNS).sort("change", maintain_order=True)
    state = pl.DataFrame(
        {"prediction": [found.values[0]], "decision": [before]}, schema_overrides={"decision": pl.String}
    )
    options: dict[str, Any] = {
        "model": scorer.model.label,
        "model_fingerprint": scorer.model.fingerprint,
        "libraries": scorer.model.libraries,
        "row": row,
        "version": case.version.name,
        "class": how.cls,
        "quantity": how.quantity,
        "unit": how.unit,
        "threshold": threshold,
        "cutoff": case.cutoff.how if case.cutoff else None,
        "fixed": list(fixed),
        "protected": protected,
    }
    receipt = Receipt(
        "flip",
        evaluation.facts.label,
        evaluation.facts.fingerprint,
        options,
        sql={"row": bare(evaluation, case.row.sql)} | ({"values": bare(evaluation, sql)} if sql else {}),
        seconds=time.perf_counter() - began,
        notes=(*cautions(scorer.model), f"Scales are told {case.background.sentence()}."),
    )
    sentence = _sentence(case, before, frame, len(trials), how.unit, kept_out)
    return Result(frame, sentence, receipt, {"tried": pl.DataFrame(tried, schema=TRIED), "state": state})


def _rank(own: dict[str, Value], trial: tuple[Feature, Value]) -> tuple[float, int, str]:
    """What makes one turn smaller than another: the change; of categories, the more frequent value."""
    feature, value = trial
    count = dict(feature.values).get(written(value), 0) if feature.kind != NUMBER else 0
    return distance(own[feature.name], value, feature), -count, written(value)


def distance(one: Value, other: Value, feature: Feature) -> float:
    """How large a change is: of numbers in widths of the middle 90 % of the values, else 1."""
    if feature.kind != NUMBER or one is None or other is None:
        return 1.0
    return abs(float(other) - float(one)) / scale(feature)


def _sentence(
    case: Changeable, before: str | None, frame: pl.DataFrame, tried: int, unit: str, kept_out: dict[str, str]
) -> str:
    label, id = case.scorer.model.label, case.row.id
    out = [name for name in kept_out if name in {column.name for column in case.columns}]
    left = f" Left out: {words.listed([f'{name} ({kept_out[name]})' for name in out])}." if out else ""
    now = "leaves it to a person" if before is None else f"decides {before}"
    values = words.plural(tried, "observed value")
    if not len(frame):
        told = f"No single change turns row {id}: {label} {now} with each of {values} tried.{left}"
    else:
        first = frame.row(0, named=True)
        more = words.plural(len(frame), "feature")
        size = f", {first['change']:.2f} widths of its middle 90%" if first["change"] != 1 else ""
        told = (
            f"{label} {now} for row {id}; the smallest single change that turns it is {first['feature']} "
            f"{first['from']} → {first['to']}{size}: {words.number(first['prediction'], unit)} ({first['decision']}). "
            f"{more} can turn it alone; {values} tried.{left}"
        )
    return "\n".join([told, *cautions(case.scorer.model)[:1]])
