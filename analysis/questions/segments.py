"""For whom is the model good? One metric by a column, or by two, each group against the rest or beyond its parents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from analysis.core.cube import Cube
from analysis.core.cut import Cut
from analysis.core.cutoffs import Threshold
from analysis.core.errors import BadRequest
from analysis.core.evaluation import ModelFacts
from analysis.core.period import Period
from analysis.core.receipt import Receipt, Result, Used
from analysis.core.roles import BINARY
from analysis.core.segment import Compare, Everything, OneOf, Segment, every
from analysis.core.settings import number, whole
from analysis.engine import binning, replicated, supervised
from analysis.engine.grouped import conditions
from analysis.engine.query import Answer, OpenEvaluation, Query
from analysis.engine.receipts import receipt_sql
from analysis.engine.used import rows_used
from analysis.metrics import against as against_
from analysis.metrics import differences, panel, reversal, unpaired
from analysis.metrics.against import EARLIER, PARENTS, REST, ROW_AND_COLUMN, WHOLE
from analysis.metrics.contrasts import Contrast
from analysis.metrics.definition import Metric
from analysis.metrics.reversal import Reversal

SUPERVISED = "supervised"
FIRST = {"binary": "recall", "multiclass": "accuracy", "regression": "mae"}
CROSSED = 20
"""A cross shows the most frequent values of a column, no more than these."""


@dataclass
class _Found:
    """What has been gathered, model by model."""

    pieces: list[pl.DataFrame] = field(default_factory=list)
    overall: list[pl.DataFrame] = field(default_factory=list)
    used: list[Used] = field(default_factory=list)
    sql: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    moves: list[Reversal] = field(default_factory=list)


def sliceable(evaluation: OpenEvaluation) -> list[str]:
    """The metrics that one can break out here: those of the task that are one number, the usual first one first."""
    facts = evaluation.facts
    known = panel.chosen(facts, (), evaluation.own)
    names = [each.name for each in known if not (each.per_class and len(facts.classes) > 2)]
    return sorted(names, key=lambda name: name != FIRST[facts.task])


def segments(
    evaluation: OpenEvaluation,
    *,
    by: Sequence[str],
    binnings: Mapping[str, str] | None = None,
    metric: str = "",
    against: str = REST,
    models: Sequence[str] = (),
    where: Segment | None = None,
    period: Period | None = None,
    threshold: Threshold | None = None,
    level: float = 0.95,
) -> Result:
    """A row a model version and group of one column or of two: the metric, and its difference to all other rows
    (against "rest"), to the same group at an earlier time ("before", on the same "weekdays", in the same "season"; see
    Period.earlier), or of two columns what the cell adds beyond its row and its column ("parents").

    binnings: {column: how it is cut}, see engine/binning.py; the usual way unless given; "supervised": where the metric
    changes, found on one half of the rows and measured on the other (engine/supervised.py). Verdicts are corrected over
    the whole frame. Columns: the groups', those of a difference (metrics/differences.py), `rows`, `share` of all rows,
    `small`, `baseline`, `place` and `place_2` (the order of the groups), `where` (the group's rows). Further frames:
    `overall`, a row a model version; `reversals`, where the whole moves one way and every group the other: from one
    version to another, or with a period from the one before it.
    """
    facts = evaluation.facts
    if not 1 <= len(by) <= 2 or len(set(by)) < len(by):
        raise BadRequest("Break out by one column, or by two different ones.")
    if against not in (REST, PARENTS, *EARLIER) or (against == PARENTS and len(by) < 2):
        raise BadRequest(
            f"A group is compared with the rest, with an earlier time ({', '.join(EARLIER)}), or of two columns with "
            f"its parents, not with '{against}'."
        )
    if threshold is not None and facts.task != BINARY:
        raise BadRequest(f"A threshold decides between two classes; '{facts.name}' is {facts.task}.")
    asked = panel.chosen(facts, [metric or FIRST[facts.task]], evaluation.own)[0]
    if asked.per_class and len(facts.classes) > 2:
        raise BadRequest(f"'{asked.name}' is a number for each class; choose its macro version here.")
    where, period = where or Everything(), period or Period()
    versions = [facts.model(name) for name in models] if models else list(facts.models)
    columns = [facts.column(name) for name in by]
    how = {column.name: (binnings or {}).get(column.name, binning.usual(column)) for column in columns}
    found = _Found()
    base = Query(versions[0].name, panel.needs([asked]), where=where, period=period)
    base = replace(base, threshold=threshold if versions[0].score else None)
    halves = SUPERVISED in how.values()
    if against in EARLIER and (period.before() is None or halves):
        raise BadRequest("An earlier time is compared with a period: choose one, with both its ends, and usual bins.")
    if halves and len(columns) > 1:
        raise BadRequest("A column is cut where the metric changes only by itself, not crossed with another.")
    keys = tuple(_key(evaluation, base, asked, column.name, how[column.name], found) for column in columns)
    scope = _crossed(evaluation, versions[0], keys, where, period, found) if len(keys) > 1 else where
    for model in versions:
        query = Query(
            model.name,
            panel.needs([asked]),
            by=keys,
            halves=halves,
            where=scope,
            period=period,
            threshold=threshold if model.score else None,
        )
        _measured(evaluation, query, asked, model, against, level, found)
    frame, looks = differences.judged(pl.concat(found.pieces, how="vertical_relaxed"), own=evaluation.own)
    overall = pl.concat(found.overall, how="vertical_relaxed")
    reversals = reversal.listed([*reversal.versions(frame, overall), *found.moves], [column.name for column in columns])
    options: dict[str, Any] = {
        "by": [column.name for column in columns],
        "binnings": {name: text for name, text in how.items() if text},
        "metric": asked.name,
        "against": against,
        "models": [model.name for model in versions],
        "where": "" if isinstance(where, Everything) else where.expression(),
        "from": str(period.first) if period.first else None,
        "to": str(period.last) if period.last else None,
        "threshold": threshold,
        "level": level,
        "correction": "Benjamini-Hochberg",
        "positive": facts.positive,
    }
    options |= panel.own_texts([asked], evaluation.own)
    receipt = Receipt(
        "segments",
        facts.label,
        facts.fingerprint,
        options,
        tuple(found.used),
        found.sql,
        m=looks or None,
        q=number("q") if looks else None,
        seconds=sum(each.seconds for each in found.answers),
        cached=all(each.cached for each in found.answers),
        notes=tuple(dict.fromkeys(found.notes)),
    )
    said = differences.sentence(frame, where, evaluation.own)
    if halves and isinstance(keys[0], Cut) and not keys[0].edges:
        said = f"{asked.title} does not change along {columns[0].name} by more than chance would have it."
    for row in reversals.iter_rows(named=True):
        said += f"\n{row['sentence']}"
    return Result(frame, said, receipt, {"overall": overall, "reversals": reversals}, evaluation.own)


def _measured(
    evaluation: OpenEvaluation,
    query: Query,
    metric: Metric,
    model: ModelFacts,
    against: str,
    level: float,
    found: _Found,
) -> None:
    facts = evaluation.facts
    reason = panel.obstacle(metric, facts, model, query.threshold)
    if reason is not None:
        query = replace(query, needs=frozenset())
    then = query.period.earlier(against) if against in EARLIER else None
    asked = [query, *([replace(query, period=then)] if then is not None else [])]
    answer, *earlier = replicated.attached(evaluation, [(each, evaluation.ask(each)) for each in asked])
    cube = answer.cube.once("confirming", lambda: supervised.half(answer.cube)) if query.halves else answer.cube
    found.answers += [answer, *earlier]
    found.used.append(rows_used(model.name, cube))
    names = differences.names(query.by)
    groups = cube.groups.rename(names)
    apart = any(need.startswith(WHOLE) for need in metric.needs)
    contrast, total = _contrast(evaluation, query, metric, cube, against, level, reason, apart and not earlier)
    if earlier and reason is None:
        contrast = unpaired.difference(metric, cube, against_.aligned(earlier[0].cube, cube), level=level)
    elif reason is None and apart:
        found.notes.append("Quantiles of the rest do not follow from the groups, so there is no difference to it.")
    other = "the rest" if against == REST else ROW_AND_COLUMN if then is None else against_.said(then)
    settled = cube.labelled >= number("labelled_share") if metric.needs != ("predictions",) else None
    piece = differences.rows(
        metric, contrast, cube, model=model.name, other=other, groups=groups, settled=settled, level=level
    )
    n = contrast.first.n
    parts = conditions(facts, query.by, cube.groups)
    places = {
        f"place{'' if not at else f'_{at + 1}'}": against_.places(cube.groups[f"k{at}"]) for at in range(len(query.by))
    }
    found.pieces.append(
        piece.with_columns(
            pl.Series("rows", cube.rows.astype(np.int64)),
            pl.Series("share", cube.rows / max(1, cube.rows.sum())),
            pl.Series("small", n < whole("small_group")),
            pl.Series("baseline", contrast.first.baseline).fill_nan(None),
            *(pl.Series(name, place) for name, place in places.items()),
            pl.Series("where", [each.expression() for each in parts], dtype=pl.String),
        )
    )
    found.overall.append(panel.rows(total, metric, model.name, _whole(metric, total, level, reason), pl.DataFrame()))
    if reason is not None:
        return
    if metric.sql is not None:
        found.sql[f"{metric.name} ({model.name})"] = receipt_sql(evaluation, query, metric, answer.threshold)
    before = then or query.period.before()
    if before is not None and not apart and not query.halves:
        past = earlier[0] if earlier else evaluation.ask(replace(query, period=before))
        found.answers.append(past)
        moved = reversal.over_time(model.name, against_.said(before), metric, past.cube, cube)
        found.moves += [moved] if moved is not None else []


def _contrast(
    evaluation: OpenEvaluation,
    query: Query,
    metric: Metric,
    cube: Cube,
    against: str,
    level: float,
    reason: str | None,
    apart: bool,
) -> tuple[Contrast, Cube]:
    """(each group's difference, the cube of all rows)."""
    if reason is not None:
        return differences.unknown(len(cube), reason), cube.total()
    if apart or evaluation.facts.roles.unit is not None:
        total = replicated.ask(evaluation, replace(query, by=())).cube
        total = total.pick((total.groups["k0"] == supervised.CONFIRMING).to_numpy()) if query.halves else total
    else:
        total = cube.once("total", cube.total)
    if apart:
        mine = metric.measure(cube, level=level)
        nothing = differences.unknown(len(cube), "the rest cannot be added up from the groups")
        return Contrast(mine, nothing.first, nothing.difference, nothing.judged, nothing.p), total
    if against == PARENTS:
        return against_.beyond(metric, cube, level=level), total
    return unpaired.difference(metric, cube, cube.once("rest", cube.rest), level=level), total


def _whole(metric: Metric, total: Cube, level: float, reason: str | None) -> Any:
    return panel.undefined(1, reason) if reason is not None else metric.measure(total, level=level)


def _key(evaluation: OpenEvaluation, query: Query, metric: Metric, name: str, how: str, found: _Found) -> str | Cut:
    """What a column is grouped by."""
    if how != SUPERVISED:
        return binning.cut(evaluation, query.model, name, how)
    if panel.obstacle(metric, evaluation.facts, evaluation.facts.model(query.model), query.threshold) is not None:
        return Cut(name, ())
    made = supervised.cut(evaluation, query, metric, name)
    found.notes.append(
        f"'{name}' was cut where the metric of {query.model} changes, on one half of the rows; all figures are of the "
        "other half."
        if made.edges
        else f"On one half of the rows no place to cut '{name}' was found; the figures are of the other half."
    )
    return made


def _crossed(
    evaluation: OpenEvaluation,
    model: ModelFacts,
    keys: tuple[str | Cut, ...],
    where: Segment,
    period: Period,
    found: _Found,
) -> Segment:
    """The rows of a cross: those with the most frequent values of each column that has many."""
    for key in keys:
        if isinstance(key, Cut):
            continue
        cube = evaluation.ask(Query(model.name, frozenset(), by=(key,), where=where, period=period)).cube
        if len(cube) <= CROSSED:
            continue
        parts = conditions(evaluation.facts, (key,), cube.groups)
        order = [place for place in np.argsort(-cube.rows, kind="stable") if isinstance(parts[place], Compare)]
        kept = order[:CROSSED]
        where = every([where, OneOf(key, tuple(parts[place].value for place in kept))])
        found.notes.append(
            f"Only the {len(kept)} most frequent values of '{key}' are crossed: {int(cube.rows[kept].sum()):,} of "
            f"{int(cube.rows.sum()):,} rows."
        )
    return where
