"""How do the saved segments compare, how much do they overlap, and what is left of each once the others are known?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from analysis.core import words
from analysis.core.cutoffs import Threshold
from analysis.core.errors import BadRequest
from analysis.core.evaluation import ModelFacts
from analysis.core.period import Period
from analysis.core.receipt import Receipt, Result, Used
from analysis.core.roles import BINARY
from analysis.core.savedsegment import fitted, inapplicable
from analysis.core.segment import Everything, Not, Segment, every
from analysis.core.settings import number, whole
from analysis.engine import replicated
from analysis.engine.overlaps import MOST_SEGMENTS, Clustered, Overlap, clusters, outcome
from analysis.engine.query import Answer, OpenEvaluation, Query
from analysis.engine.receipts import bare, receipt_sql
from analysis.engine.rows import Found
from analysis.engine.used import rows_used
from analysis.metrics import METRICS, contrasts, differences, overlapping, panel, unpaired
from analysis.metrics.accounting import Cells, Clusters, effects
from analysis.metrics.definition import Metric

LOOKS = {
    "binary": ("recall", "precision", "roc_auc", "accuracy"),
    "multiclass": ("accuracy", "macro_recall", "macro_f1"),
    "regression": ("mae", "bias"),
}
REST = "the rest"
TWIN = "cannot be told apart from the segments before it: it is empty, all rows, or made of them"
UNDECIDED = "needs decisions: choose a threshold"
KNOWN: dict[str, Any] = {
    "segment": pl.String,
    "where": pl.String,
    "applicable": pl.Boolean,
    "rows": pl.Int64,
    "share": pl.Float64,
    "reason": pl.String,
}
EFFECTS: dict[str, Any] = {
    "segment": pl.String,
    "model": pl.String,
    "outcome": pl.String,
    "alone": pl.Float64,
    "effect": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "p": pl.Float64,
    "p_adjusted": pl.Float64,
    "verdict": pl.String,
    "reason": pl.String,
    "method": pl.String,
}


def saved(
    evaluation: OpenEvaluation,
    *,
    segments: Mapping[str, Segment],
    metrics: Sequence[str] = (),
    models: Sequence[str] = (),
    where: Segment | None = None,
    period: Period | None = None,
    threshold: Threshold | None = None,
    level: float = 0.95,
) -> Result:
    """Each metric of each segment and model version against the rest of the rows under the filter, a row each.

    segments: {name: condition}, saved ones in it resolved. Verdicts are corrected over the whole frame. Those that are
    not applicable here are not in it. Further frames: `segments` (which are applicable, their rows, why not), `overlap`
    (a row a combination: members, rows, share, where), `pairs` (a, b, shared rows, share of a and of b, Jaccard),
    `effects` (a row a segment and version: the difference in accuracy or absolute error alone, and with the other
    segments held fixed, with interval, p corrected over these rows, verdict), weighted and by unit where rows are.
    """
    facts = evaluation.facts
    if threshold is not None and facts.task != BINARY:
        raise BadRequest(f"A threshold decides between two classes; '{facts.name}' is {facts.task}.")
    where, period = where or Everything(), period or Period()
    chosen = panel.chosen(facts, metrics or LOOKS[facts.task], evaluation.own)
    versions = [facts.model(name) for name in models] if models else list(facts.models)
    why = {name: inapplicable(each, facts.types()) for name, each in segments.items()}
    known = {name: fitted(each, facts.types()) for name, each in segments.items() if why[name] is None}
    if len(known) > MOST_SEGMENTS:
        raise BadRequest(f"{len(known)} segments side by side are too many to read; choose at most {MOST_SEGMENTS}.")
    pieces, used, sql = [], [], dict[str, str]()
    answers, overlaps, units = list[Answer](), dict[str, Found](), dict[str, Clusters]()
    for model in versions:
        own = threshold if model.score else None
        asked = Overlap(model.name, where, period, own, segments=tuple(known.values()))
        overlaps[model.name] = evaluation.rows(asked)
        sql[f"overlap ({model.name})"] = bare(evaluation, overlaps[model.name].sql)
        if facts.roles.unit is not None:
            by_unit = evaluation.rows(Clustered(model.name, where, period, own, segments=asked.segments))
            units[model.name] = clusters(facts, by_unit.frame, overlaps[model.name].frame)
            sql[f"effects by {facts.roles.unit} ({model.name})"] = bare(evaluation, by_unit.sql)
        obstacles = {each.name: panel.obstacle(each, facts, model, threshold) for each in chosen}
        query = Query(
            model.name,
            panel.needs(each for each in chosen if obstacles[each.name] is None),
            where=where,
            period=period,
            threshold=own,
        )
        for name, segment in known.items():
            queries = [replace(query, where=every([where, part])) for part in (segment, Not(segment))]
            inside, rest = replicated.attached(evaluation, [(each, evaluation.ask(each)) for each in queries])
            answers += [inside, rest]
            if name == next(iter(known)):
                used.append(_together(rows_used(model.name, inside.cube), rows_used(model.name, rest.cube)))
            groups = pl.DataFrame({"segment": [name]})
            for metric in chosen:
                reason = obstacles[metric.name]
                contrast = (
                    differences.unknown(1, reason)
                    if reason
                    else unpaired.difference(metric, inside.cube, rest.cube, level=level)
                )
                settled = np.minimum(inside.cube.labelled, rest.cube.labelled) >= number("labelled_share")
                pieces.append(
                    differences.rows(
                        metric,
                        contrast,
                        inside.cube,
                        settled=settled,
                        level=level,
                        model=model.name,
                        other=REST,
                        groups=groups,
                    )
                )
                if reason is None and metric.sql is not None:
                    sql[f"{metric.name} ({model.name}, {name})"] = receipt_sql(
                        evaluation, queries[0], metric, inside.threshold
                    )
    if pieces:
        frame, looks = differences.judged(pl.concat(pieces, how="vertical_relaxed"), own=evaluation.own)
    else:
        frame, looks = pl.DataFrame(schema={"segment": pl.String, **differences.COLUMNS}).drop("judged"), 0
    frame = frame if frame["class"].null_count() < len(frame) else frame.drop("class")
    first = overlaps[versions[0].name].frame
    rows = _known(segments, why, known, first)
    made = {
        "segments": rows,
        "overlap": overlapping.combinations(list(known), list(known.values()), first),
        "pairs": overlapping.pairs(list(known), first),
        "effects": _effects(list(known), versions, outcome(facts), overlaps, units, level),
    }
    options: dict[str, Any] = {
        "segments": {name: each.expression() for name, each in known.items()},
        "not applicable": {name: text for name, text in why.items() if text is not None},
        "metrics": [each.name for each in chosen],
        "models": [model.name for model in versions],
        "where": "" if isinstance(where, Everything) else where.expression(),
        "from": str(period.first) if period.first else None,
        "to": str(period.last) if period.last else None,
        "threshold": threshold,
        "level": level,
        "positive": facts.positive,
    }
    options |= panel.own_texts(chosen, evaluation.own)
    receipt = Receipt(
        "saved",
        facts.label,
        facts.fingerprint,
        options,
        tuple(used) or (Used(versions[0].name, facts.rows, 0, {}),),
        sql,
        m=looks or None,
        q=number("q") if looks else None,
        seconds=sum(each.seconds for each in answers) + sum(each.seconds for each in overlaps.values()),
        cached=all(each.cached for each in answers) and all(each.cached for each in overlaps.values()),
        notes=_notes(made["effects"]),
    )
    return Result(frame, _sentence(frame, rows, where, evaluation.own), receipt, made, evaluation.own)


def _together(one: Used, two: Used) -> Used:
    """The rows of a segment and of everything else, which are all there are."""
    dropped = {why: one.dropped.get(why, 0) + two.dropped.get(why, 0) for why in one.dropped | two.dropped}
    return Used(one.model, one.rows + two.rows, one.used + two.used, dropped)


def _notes(effects: pl.DataFrame) -> tuple[str, ...]:
    """How the effects were worked out, which are corrected by themselves."""
    return tuple(f"Effects: {method}; a family of their own." for method in effects["method"].unique().sort())


def _known(
    segments: Mapping[str, Segment], why: Mapping[str, str | None], known: Mapping[str, Segment], frame: pl.DataFrame
) -> pl.DataFrame:
    counts, total = frame["rows"].to_numpy(), int(frame["rows"].sum())
    inside = (
        dict(zip(known, counts @ overlapping.masks(frame, len(known)), strict=True)) if len(frame) and known else {}
    )
    rows = [
        {
            "segment": name,
            "where": known.get(name, segment).expression(),
            "applicable": why[name] is None,
            "rows": int(inside.get(name, 0)) if why[name] is None else None,
            "share": inside.get(name, 0) / total if why[name] is None and total else None,
            "reason": why[name],
        }
        for name, segment in segments.items()
    ]
    return pl.DataFrame(rows, schema=KNOWN)


def _effects(
    names: list[str],
    versions: list[ModelFacts],
    of: str,
    found: Mapping[str, Found],
    units: Mapping[str, Clusters],
    level: float,
) -> pl.DataFrame:
    """Each segment's difference in the outcome, alone and with the others held fixed."""
    rows: list[dict[str, Any]] = []
    for model in versions:
        frame = found[model.name].frame
        members = overlapping.masks(frame, len(names))
        cells = Cells(*(frame[each].fill_null(0).to_numpy() for each in ("n", "w", "w2", "s", "q", "q2")))
        held = effects(members, cells, units.get(model.name), level=level)
        for place, name in enumerate(names):
            inside = members[:, place]
            means = [_mean(cells, part) for part in (inside, ~inside)]
            undecided = not cells.n.sum()
            rows.append(
                {
                    "segment": name,
                    "model": model.name,
                    "outcome": of,
                    "alone": means[0] - means[1],
                    "effect": held.value[place],
                    "low": held.low[place],
                    "high": held.high[place],
                    "n": int(min(cells.n[inside].sum(), cells.n[~inside].sum())),
                    "p": held.p[place],
                    "reason": UNDECIDED if undecided else TWIN if held.twin[place] else None,
                    "method": held.method,
                }
            )
    frame = pl.DataFrame(rows, schema=EFFECTS).with_columns(pl.col(pl.Float64).fill_nan(None))
    enough = frame["n"].to_numpy() >= whole("small_group")
    p = np.where(enough, frame["p"].fill_null(np.nan).to_numpy().astype(float), np.nan)
    adjusted = contrasts.benjamini_hochberg(p)
    said = []
    for row, each in zip(frame.iter_rows(named=True), adjusted, strict=True):
        up = (row["effect"] or 0) > 0
        better = METRICS.get(of).better == "higher"
        claim = contrasts.BETTER if up == better else contrasts.WORSE
        verdict = contrasts.FEW if np.isnan(each) else claim if each <= number("q") else contrasts.UNCLEAR
        said.append(None if row["effect"] is None else verdict)
    corrected = pl.Series("p_adjusted", adjusted, dtype=pl.Float64).fill_nan(None)
    return frame.with_columns(corrected, pl.Series("verdict", said, dtype=pl.String))


def _mean(cells: Cells, part: np.ndarray) -> float:
    weight = float(cells.w[part].sum())
    return float(cells.s[part].sum()) / weight if weight > 0 else float("nan")


def _sentence(frame: pl.DataFrame, rows: pl.DataFrame, where: Segment, own: Mapping[str, Metric]) -> str:
    if not len(rows):
        return "There is no saved segment yet."
    lost = int((~rows["applicable"]).sum())
    tail = f" {words.plural(lost, 'saved segment is', 'saved segments are')} not applicable here." if lost else ""
    if lost == len(rows):
        return f"None of the {words.plural(len(rows), 'saved segment')} is applicable here."
    return differences.sentence(frame, where, own) + tail
