"""Where and how is the model wrong? What is taken for what; residuals and bias; and where the loss comes from.

The frames are made by the engine: of decided classes in `engine/confusing.py`, of forecasts in `engine/residuals.py`,
of losses in `engine/losses.py`.
"""

from collections.abc import Sequence
from typing import Any

import polars as pl

from analysis.core import judged, words
from analysis.core.cutoffs import Threshold
from analysis.core.errors import BadRequest
from analysis.core.evaluation import Evaluation, ModelFacts
from analysis.core.period import Period
from analysis.core.receipt import Receipt, Result, Used
from analysis.core.roles import BINARY, REGRESSION
from analysis.core.segment import Everything, Segment
from analysis.core.settings import number
from analysis.engine import confusing, losses, residuals
from analysis.engine.query import OpenEvaluation
from analysis.engine.seen import Seen


def errors(
    evaluation: OpenEvaluation,
    *,
    models: Sequence[str] = (),
    where: Segment | None = None,
    period: Period | None = None,
    threshold: Threshold | None = None,
    level: float = 0.95,
) -> Result:
    """How each model version errs, on its own labelled and decided rows.

    Classification: a row an actual and a predicted class (see metrics/confusions.py); where there are more than 20
    classes only pairs that occur. Further frame: `matrix`, with at most 20 classes, the rest as one, in the order that
    puts confused classes side by side (`place_actual`, `place_predicted`).
    Regression: a row a bin of the forecast with its bias (see metrics/residuals.py). Further frames: `cells` (forecast
    by error) and `over_time` (time by error), counts in bins; `bias_over_time`; `distribution` of the errors.
    All tasks: `losses`, the share of the total loss that each tenth of the rows carries, the worst first.
    Every row has `where`, the segment of its rows, which the question `rows` takes.
    """
    facts = evaluation.facts
    if threshold is not None and facts.task != BINARY:
        raise BadRequest(f"A threshold decides between two classes; '{facts.name}' is {facts.task}.")
    where, period = where or Everything(), period or Period()
    versions = [facts.model(name) for name in models] if models else list(facts.models)
    seen = Seen(evaluation, where, period, threshold, level)
    made: dict[str, list[pl.DataFrame]] = {}
    lines, used = [], []
    for model in versions:
        part = residuals.of(seen, model) if facts.task == REGRESSION else confusing.of(seen, model)
        part["losses"] = losses.of(seen, model)
        used.append(seen.used(model))
        for name, frame in part.items():
            if len(frame):
                made.setdefault(name, []).append(frame)
        lines += _lines(facts, model, part)
    frames = {name: pl.concat(parts, how="vertical_relaxed") for name, parts in made.items()}
    frame = frames.pop("main", pl.DataFrame())
    looks = int(frame["p_adjusted"].count()) if "p_adjusted" in frame.columns else 0
    options: dict[str, Any] = {
        "models": [model.name for model in versions],
        "where": "" if isinstance(where, Everything) else where.expression(),
        "from": str(period.first) if period.first else None,
        "to": str(period.last) if period.last else None,
        "threshold": threshold,
        "level": level,
        "positive": facts.positive,
        "bucket": seen.bucket,
        "loss": {model.name: judged.LOSSES[judged.loss_kind(facts, model)] for model in versions},
    }
    receipt = Receipt(
        "errors",
        facts.label,
        facts.fingerprint,
        options,
        tuple(used),
        dict(seen.sql),
        m=looks or None,
        q=number("q") if looks else None,
        seconds=seen.seconds,
        cached=seen.cached,
        notes=tuple(dict.fromkeys(seen.notes)),
    )
    return Result(frame, _told(lines, used, where, period), receipt, frames)


def _told(lines: list[str], used: list[Used], where: Segment, period: Period) -> str:
    among = "" if isinstance(where, Everything) else f" Among rows where {where.sentence()}."
    when = "" if period.everything else f" {period.sentence().capitalize()}."
    if not any(each.used for each in used):
        lines = ["There is no row that has both a label and an answer of the model, so nothing can be wrong yet."]
    return "\n".join(lines) + among + when


def _lines(facts: Evaluation, model: ModelFacts, part: dict[str, pl.DataFrame]) -> list[str]:
    frame, said = part["main"], []
    if facts.task == REGRESSION:
        said += _biased(model, frame)
    elif len(frame):
        said += _confused(facts, model, frame)
    elif facts.roles.label is not None:
        said.append(f"{model.name} has scores but no decision: choose a threshold (--threshold) to see its errors")
    for row in part["losses"].head(1).iter_rows(named=True):
        if row["share"] is None:
            continue
        kind = judged.LOSSES[judged.loss_kind(facts, model)]
        said.append(
            f"the worst {words.number(row['share_of_rows'], 'share')} of {model.name}'s rows carry "
            f"{words.number(row['share'], 'share')} of its {kind} "
            f"({words.between(row['low'], row['high'], 'share')}, on {words.plural(row['n'], 'row')})"
        )
    if not said:
        return []
    text = "; ".join(said)
    return [f"{text[0].upper() if text.startswith('the ') else text[0]}{text[1:]}."]


def _confused(facts: Evaluation, model: ModelFacts, frame: pl.DataFrame) -> list[str]:
    wrong = frame.filter((pl.col("actual") != pl.col("predicted")) & (pl.col("n") > 0))
    if not len(wrong):
        return [f"{model.name} makes no error" if int(frame["n"].sum()) else f"{model.name} decided no labelled row"]

    def share(row: dict[str, Any]) -> str:
        value, ends = words.number(row["share_of_actual"], "share"), words.between(row["low"], row["high"], "share")
        return f"{value} of the actual '{row['actual']}' ({ends}, on {row['n_actual']:,})"

    if facts.positive is not None:
        said = []
        for row in wrong.sort(pl.col("actual") != facts.positive).iter_rows(named=True):
            said.append(f"{'misses' if row['actual'] == facts.positive else 'wrongly flags'} {share(row)}")
        return [f"{model.name} {words.listed(said)}"]
    top = wrong.sort("n", descending=True, maintain_order=True).row(0, named=True)
    return [
        f"{model.name} errs most where it takes '{top['actual']}' for '{top['predicted']}': {share(top)}, "
        f"{words.plural(top['n'], 'row')}"
    ]


def _biased(model: ModelFacts, frame: pl.DataFrame) -> list[str]:
    clear = frame.filter(pl.col("p_adjusted") <= number("q")) if len(frame) else frame
    if not len(clear):
        return [f"{model.name} shows no clear bias at any level of its forecast"] if len(frame) else []
    top = clear.sort(pl.col("bias").abs(), descending=True).row(0, named=True)
    side = "high" if top["bias"] > 0 else "low"
    value, ends = words.number(top["bias"], "label"), words.between(top["low"], top["high"], "label")
    return [
        f"{model.name} is biased most where it forecasts {top['bin']}: off by {value} on average, too {side} "
        f"({ends}, on {words.plural(top['n'], 'row')})"
    ]
