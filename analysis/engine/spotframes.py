"""Spot frames: what a search found and what it did not, as frames and in words. Every number said is in a frame.

Frames: the main one, a row a confirmed weak spot. `search`: a row a model version, how many candidates there were.
`unconfirmed`: what stood out on one half only. `folded`: other descriptions of a spot's rows, and segments whose gap is
that of a spot inside them. `columns`: what was searched and what was not. `power`: how small a gap would have shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from analysis.core import judged, words
from analysis.core.segment import Everything, every
from analysis.engine.coded import Scope
from analysis.engine.condition import render
from analysis.engine.discovery import Spot, Spots
from analysis.engine.query import OpenEvaluation
from analysis.engine.receipts import bare
from analysis.engine.statements import references

DAYS_A_MONTH = 30.4375
SIZES = (0.01, 0.02, 0.05, 0.1, 0.2)
SCHEMA: dict[str, Any] = {
    "segment": pl.String,
    "sentence": pl.String,
    "n": pl.Int64,
    **dict.fromkeys(("value", "rest", "gap", "low", "high", "p_adjusted", "recoverable", "share"), pl.Float64),
    **dict.fromkeys(("stability", "detectable", "rows_lost", "rows_a_month"), pl.Float64),
    **dict.fromkeys(("model", "metric", "against", "same_rows", "holds", "part_of"), pl.String),
    "conditions": pl.Int64,
    "p": pl.Float64,
    "tested_n": pl.Int64,
    **dict.fromkeys(("tested_value", "tested_rest"), pl.Float64),
    "method": pl.String,
    "where": pl.String,
}
FOLDED: dict[str, Any] = {
    **dict.fromkeys(("model", "segment", "sentence", "into", "why"), pl.String),
    "jaccard": pl.Float64,
}
SAME, SHADOW, VALUE = "the same rows", "its gap vanishes outside", "one of the values told together"


@dataclass(frozen=True)
class Made:
    frame: pl.DataFrame
    frames: dict[str, pl.DataFrame]
    sentence: str
    sql: dict[str, str]


def made(
    opened: OpenEvaluation,
    found: Sequence[tuple[Scope, Spots]],
    adjusted: np.ndarray,
    *,
    q: float,
    seed: int,
    against: str,
) -> Made:
    """adjusted: the adjusted p of all spots of all model versions, in their order."""
    rows: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    folded: list[dict[str, Any]] = []
    searches, columns, power, sql = [], [], [], {}
    start = 0
    for scope, spots in found:
        p = adjusted[start : start + len(spots.spots)]
        start += len(spots.spots)
        name = scope.seen.model.name
        holds = {place for place in range(len(p)) if p[place] <= q}
        children = {place: [at for at in holds if place in spots.spots[at].inside] for place in range(len(spots.spots))}
        shadows = {place for place in holds if spots.spots[place].vanishes and children[place]}
        told = {each: place for place in holds for each in spots.spots[place].members}
        shown = sorted(holds - shadows - set(told))
        stable = spots.stability(shown, seed)
        for place, spot in enumerate(spots.spots):
            row = _row(scope, spots, spot, float(p[place]), against)
            if place not in holds:
                others.append(row)
            elif place in shown:
                around = dict.fromkeys(told.get(at, at) for at in spot.inside)
                inside = [spots.spots[at].segment for at in around if at in shown]
                held = [spots.spots[at].segment for at in shadows if place in children[at]]
                row |= {"stability": stable[place], "part_of": _said(inside), "holds": _said(held)}
                rows.append(row)
                folded += [_fold(name, each, spot, SAME, likeness) for each, likeness in spot.copies]
                folded += [_fold(name, each, spot, SHADOW, None) for each in held]
                folded += [_fold(name, spots.spots[at].segment, spot, VALUE, None) for at in spot.members]
        searches.append(_search(name, spots, len(shown)))
        columns += _columns(name, spots, [spots.spots[place] for place in shown])
        power += _power(name, spots)
    frame = pl.DataFrame(rows, schema=SCHEMA).with_columns(pl.col(pl.Float64).fill_nan(None))
    frame = frame.sort("recoverable", descending=True, nulls_last=True, maintain_order=True)
    scopes = {scope.seen.model.name: scope for scope, _ in found}
    for row in frame.iter_rows(named=True):
        sql[f"{row['segment']} ({row['model']})"] = _sql(opened, scopes[row["model"]], found, row)
    unconfirmed = pl.DataFrame(others, schema=SCHEMA).with_columns(pl.col(pl.Float64).fill_nan(None))
    frames = {
        "search": pl.DataFrame(searches),
        "unconfirmed": unconfirmed.sort("p", nulls_last=True, maintain_order=True),
        "folded": pl.DataFrame(folded, schema=FOLDED),
        "columns": pl.DataFrame(columns),
        "power": pl.DataFrame(power),
    }
    lines = [_sentence(scope, frame, frames["search"], frames["power"], against) for scope, _ in found]
    where = found[0][0].where
    among = "" if isinstance(where, Everything) else f" Among rows where {where.sentence()}."
    return Made(frame, frames, "\n".join(lines) + among, sql)


def _said(segments: Sequence[Any]) -> str | None:
    return "; ".join(each.sentence() for each in segments) or None


def _row(scope: Scope, spots: Spots, spot: Spot, p: float, against: str) -> dict[str, Any]:
    standing, test, aim = spot.standing, spot.confirmed, scope.objective
    gap = standing.gap
    recoverable = standing.share * abs(gap)
    lost = recoverable * spots.rows if aim.loss and not scope.evaluation.weighted else None
    months = _months(scope)
    return {
        "segment": spot.segment.expression(),
        "sentence": spot.segment.sentence(),
        "n": standing.n,
        "value": standing.value,
        "rest": standing.rest,
        "gap": gap,
        "low": min(test.low, gap),
        "high": max(test.high, gap),
        "p_adjusted": p,
        "recoverable": recoverable,
        "share": standing.share,
        "stability": None,
        "detectable": test.detectable,
        "rows_lost": lost,
        "rows_a_month": lost / months if lost is not None and months else None,
        "model": scope.seen.model.name,
        "metric": aim.name,
        "against": against or "rest",
        "same_rows": _said([each for each, _ in spot.copies]),
        "holds": None,
        "part_of": None,
        "conditions": len(spot.pick.literals),
        "p": test.p,
        "tested_n": test.standing.n,
        "tested_value": test.standing.value,
        "tested_rest": test.standing.rest,
        "method": test.method,
        "where": every([spot.segment, *judged.weighed(scope.evaluation)]).expression(),
    }


def _months(scope: Scope) -> float | None:
    """How many months the rows in scope span; None without a time."""
    facts = scope.evaluation
    if not facts.time_low:
        return None
    low = max(datetime.fromisoformat(facts.time_low), scope.period.start or datetime.min)
    high = min(datetime.fromisoformat(facts.time_high), scope.period.end or datetime.max)
    return max((high - low).total_seconds() / 86_400, 1.0) / DAYS_A_MONTH


def _fold(model: str, segment: Any, into: Spot, why: str, likeness: float | None) -> dict[str, Any]:
    return {
        "model": model,
        "segment": segment.expression(),
        "sentence": segment.sentence(),
        "into": into.segment.expression(),
        "why": why,
        "jaccard": likeness,
    }


def _search(model: str, spots: Spots, confirmed: int) -> dict[str, Any]:
    return {
        "model": model,
        "rows": spots.rows,
        "columns": len(spots.by_column),
        "candidates": spots.offered,
        "searched": spots.searched,
        "large_enough": spots.eligible,
        "minimum": spots.minimum,
        "stood_out": sum(not spot.members for spot in spots.spots),
        "weak_spots": confirmed,
    }


def _columns(model: str, spots: Spots, shown: Sequence[Spot]) -> list[dict[str, Any]]:
    used = {name for spot in shown for name in spot.segment.columns()}
    rows = [
        {
            "model": model,
            "column": name,
            "levels": levels,
            "outcome": "in a weak spot" if name in used else "nothing found",
            "strongest_z": None if np.isnan(z) else z,
            "why": None,
        }
        for name, levels, z in spots.by_column
    ]
    rows += [
        {"model": model, "column": name, "levels": 0, "outcome": "not searched", "strongest_z": None, "why": why}
        for name, why in spots.left.items()
    ]
    return rows


def _power(model: str, spots: Spots) -> list[dict[str, Any]]:
    """The smallest gap that is found with power of about 0.8, by size and conditions."""
    return [
        {
            "model": model,
            "share": share,
            "rows": round(share * spots.rows),
            "conditions": conditions,
            "gap": spots.smallest(share, conditions),
        }
        for share in SIZES
        for conditions in range(1, len(spots.prices))
        if share * spots.rows >= spots.minimum
    ]


def _shown_from(model: str, power: pl.DataFrame, unit: str) -> str:
    """How small a gap would have been found, for the segments nearest to a twentieth of the rows."""
    if not len(power):
        return ""
    known = power.filter((pl.col("model") == model) & pl.col("gap").is_not_nan() & pl.col("gap").is_not_null())
    if not len(known):
        return ""
    row = known.sort((pl.col("share") - 0.05).abs(), -pl.col("conditions")).row(0, named=True)
    return (
        f" Of a segment with {words.number(row['share'], 'share')} of the rows a gap from "
        f"{words.delta(row['gap'], unit).removeprefix('+')} on would be found in about four of five searches."
    )


def _sentence(scope: Scope, frame: pl.DataFrame, search: pl.DataFrame, power: pl.DataFrame, against: str) -> str:
    name, aim = scope.seen.model.name, scope.objective
    rows = frame.filter(pl.col("model") == name)
    done = search.filter(pl.col("model") == name).row(0, named=True)
    what = f"{words.plural(done['searched'], 'segment')} of {words.plural(done['columns'], 'column')}"
    weak = {
        "": f"weak in {aim.title.lower()}",
        "reference": f"worse in {aim.title.lower()} than in the reference period",
    }
    said = weak.get(against, f"worse in {aim.title.lower()} than {against}")
    if not len(rows):
        none = (
            f"{done['stood_out']:,} stood out, none held on the other half" if done["stood_out"] else "none stood out"
        )
        return (
            f"No segment in which {name} is {said} is confirmed: {what} were searched on one half of "
            f"{done['rows']:,} rows, {none}.{_shown_from(name, power, aim.unit)}"
        )
    top = rows.row(0, named=True)
    size = "below" if top["gap"] < 0 else "above"
    reads = words.number(top["value"], aim.unit) if not against else words.delta(top["value"], aim.unit)
    gap = words.delta(abs(top["gap"]), aim.unit).removeprefix("+")
    ends = " and ".join(words.delta(each, aim.unit) for each in (top["low"], top["high"]))
    better = {"zero": "nearer to zero"}.get(aim.better, aim.better)
    gain = words.delta(top["recoverable"], aim.unit).removeprefix("+")
    count = words.plural(len(rows), "segment")
    return (
        f"{name} is {said} in {count}, confirmed on rows that did not choose "
        f"{'it' if len(rows) == 1 else 'them'}. The most is lost where {top['sentence']}: {reads}, {gap} {size} the "
        f"rest (between {ends}), on {top['n']:,} {aim.counts}; as good as the rest there, "
        f"{aim.title.lower()} would be {gain} {better} overall. Searched: {what}."
    )


def _sql(opened: OpenEvaluation, scope: Scope, found: Sequence[tuple[Scope, Spots]], row: dict[str, Any]) -> str:
    """n and value of a spot from the rows themselves."""
    spots = next(spots for each, spots in found if each is scope)
    segment = next(spot.segment for spot in spots.spots if spot.segment.expression() == row["segment"])
    inner = f"SELECT {scope.term()} AS x, {'r.w' if scope.evaluation.weighted else '1'} AS w"
    if scope.reference is not None:
        inner += f", coalesce({scope.within(scope.reference)}, false) AS before"
    inner += f" FROM rows r WHERE {scope.rows()} AND {render(segment, references(scope.evaluation))}"
    value = "sum(w * x) / sum(w)"
    if scope.reference is not None:
        value = " - ".join(f"sum(w * x) FILTER ({side}) / sum(w) FILTER ({side})" for side in ("NOT before", "before"))
    return bare(opened, f"SELECT count(*) AS n, {value} AS value\nFROM ({inner})")
