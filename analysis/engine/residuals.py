"""Residuals: one model version's forecasts and errors in bins, as frames, each bin with its segment."""

from datetime import datetime
from typing import Any

import polars as pl

from analysis.core import bins, judged
from analysis.core.evaluation import ModelFacts
from analysis.core.period import bucket_after
from analysis.core.segment import Missing, Not, Segment
from analysis.engine.course import moment
from analysis.engine.rows import Binned, Spread
from analysis.engine.seen import Seen
from analysis.metrics import residuals

ACROSS, UP, FINE = 24, 25, 60
MIDDLE = (0.005, 0.995)  # the open bins at the ends hold what lies outside


def of(seen: Seen, model: ModelFacts) -> dict[str, pl.DataFrame]:
    """`main` (bias by bins of the forecast), `cells`, `over_time`, `bias_over_time`, `distribution`; see the question
    errors. Empty without labels."""
    if seen.evaluation.facts.roles.label is None:
        return {"main": pl.DataFrame()}
    across = _edges(seen, model, "prediction", ACROSS)
    up, fine = (_edges(seen, model, "error", most) for most in (UP, FINE))
    axes = (("prediction", across),)
    main, parts = seen.rows(Binned, model, "bias", axes=axes, value="error"), seen.by_unit(model, axes, "error")
    made = {
        "main": _bias(seen, model, main, across, parts),
        "cells": _cells(seen, model, across, up),
        "distribution": _distribution(seen, model, fine),
    }
    if seen.bucket is not None:
        made |= _over_time(seen, model, seen.bucket, up)
    return made


def _edges(seen: Seen, model: ModelFacts, quantity: str, most: int) -> tuple[float, ...]:
    """Round edges over the middle of what both known ends allow."""
    spread = seen.rows(Spread, model, quantity=quantity, shares=MIDDLE).row(0, named=True)
    if not spread["n"]:
        return ()
    low, high = spread["at"]
    return bins.round_edges(float(low), float(high), most)


def _range(seen: Seen, quantity: str, edges: tuple[float, ...], place: int) -> Segment:
    column = judged.named(seen.evaluation.facts)[quantity]
    low, high = bins.ends(edges, place)
    return Not(Missing(column)) if low is None and high is None else judged.between(column, low, high)


def _known(seen: Seen) -> Segment:
    """Rows that have an error: labelled and forecast."""
    return Not(Missing(judged.named(seen.evaluation.facts)["error"]))


def _bias(
    seen: Seen, model: ModelFacts, sums: pl.DataFrame, edges: tuple[float, ...], parts: residuals.Parts | None
) -> pl.DataFrame:
    places = sums["i0"].to_list()
    estimates = residuals.bias(sums, seen.level, parts)
    return pl.DataFrame(
        {
            "model": [model.name] * len(sums),
            "bin": [bins.called(edges, place) for place in places],
            "from": [bins.ends(edges, place)[0] for place in places],
            "to": [bins.ends(edges, place)[1] for place in places],
            "drawn_from": [bins.drawn(edges, place)[0] for place in places],
            "drawn_to": [bins.drawn(edges, place)[1] for place in places],
            "where": [seen.segment(_range(seen, "prediction", edges, place), _known(seen)) for place in places],
        },
        schema_overrides={"from": pl.Float64, "to": pl.Float64},
    ).hstack(residuals.columns(estimates, seen.level))


def _cells(seen: Seen, model: ModelFacts, across: tuple[float, ...], up: tuple[float, ...]) -> pl.DataFrame:
    found = seen.rows(Binned, model, "cells", axes=(("prediction", across), ("error", up)), value="error")
    made: list[dict[str, Any]] = []
    for place, height, n in found.select("i0", "i1", "n").iter_rows():
        x, y = bins.drawn(across, place), bins.drawn(up, height)
        made.append(
            {
                "model": model.name,
                "forecast": bins.called(across, place),
                "error": bins.called(up, height),
                "x_from": x[0],
                "x_to": x[1],
                "y_from": y[0],
                "y_to": y[1],
                "n": n,
                "where": seen.segment(_range(seen, "prediction", across, place), _range(seen, "error", up, height)),
            }
        )
    return pl.DataFrame(made)


def _over_time(seen: Seen, model: ModelFacts, bucket: str, up: tuple[float, ...]) -> dict[str, pl.DataFrame]:
    axis = (f"bucket:{bucket}", ())
    found = seen.rows(Binned, model, "over time", axes=(axis, ("error", up)), value="error")
    sums = seen.rows(Binned, model, "bias over time", axes=(axis,), value="error")
    parts = seen.by_unit(model, (axis,), "error")
    made: list[dict[str, Any]] = []
    for number, height, n in found.select("i0", "i1", "n").iter_rows():
        start, end = _bucket(number, bucket)
        y = bins.drawn(up, height)
        inside = judged.in_bucket(seen.evaluation.facts, start, end)
        made.append(
            {
                "model": model.name,
                "start": start,
                "end": end,
                "error": bins.called(up, height),
                "y_from": y[0],
                "y_to": y[1],
                "n": n,
                "where": seen.segment(inside, _range(seen, "error", up, height)),
            }
        )
    spans = [_bucket(number, bucket) for number in sums["i0"].to_list()]
    course = pl.DataFrame(
        {
            "model": [model.name] * len(sums),
            "start": [start for start, _ in spans],
            "end": [end for _, end in spans],
            "where": [seen.segment(judged.in_bucket(seen.evaluation.facts, *span), _known(seen)) for span in spans],
        },
        schema_overrides={"start": pl.Datetime("us"), "end": pl.Datetime("us")},
    ).hstack(residuals.columns(residuals.bias(sums, seen.level, parts), seen.level))
    return {"over_time": pl.DataFrame(made), "bias_over_time": course}


def _bucket(number: int, bucket: str) -> tuple[datetime, datetime]:
    start = moment(str(number), bucket)
    return start, bucket_after(start, bucket)


def _distribution(seen: Seen, model: ModelFacts, edges: tuple[float, ...]) -> pl.DataFrame:
    found = seen.rows(Binned, model, "distribution", axes=(("error", edges),), value="error")
    total = int(found["n"].sum())
    made = []
    for place, n in found.select("i0", "n").iter_rows():
        drawn = bins.drawn(edges, place)
        made.append(
            {
                "model": model.name,
                "bin": bins.called(edges, place),
                "x_from": drawn[0],
                "x_to": drawn[1],
                "n": n,
                "share": n / total,
                "where": seen.segment(_range(seen, "error", edges, place)),
            }
        )
    return pl.DataFrame(made)
