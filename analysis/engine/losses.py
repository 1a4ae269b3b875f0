"""Losses: one model version's rows by tenths of their loss, the worst first, and what each tenth carries of it all."""

import numpy as np
import polars as pl

from analysis.core import judged
from analysis.core.evaluation import ModelFacts
from analysis.core.segment import Missing, Not
from analysis.engine.rows import Binned, Spread
from analysis.engine.seen import Seen
from analysis.metrics.losses import concentration

TENTHS = tuple(round(place / 10, 1) for place in range(1, 10))


def of(seen: Seen, model: ModelFacts) -> pl.DataFrame:
    """model, tenth (1 the worst), from, to (of the loss), n, share_of_rows, share (of the total loss), low, high,
    method, reason, cumulative, where. Empty where there is no loss, or only right and wrong, which has no tenths.

    Equal losses stay together, so a tenth may hold more or less than a tenth of the rows, or be missing.
    """
    facts = seen.evaluation.facts
    if facts.roles.label is None or judged.loss_kind(facts, model) == "wrong":
        return pl.DataFrame()
    spread = seen.rows(Spread, model, quantity="loss", shares=TENTHS).row(0, named=True)
    if not spread["n"]:
        return pl.DataFrame()
    edges = tuple(float(edge) for edge in np.unique(spread["at"]) if edge > spread["low"])
    binned = seen.rows(Binned, model, "losses", axes=(("loss", edges),), value="loss")
    known, w = binned["i0"].to_list(), binned["w"].to_numpy().astype(float)
    cuts = np.array([edges[place - 1] for place in known[1:]])
    shares = concentration(binned, cuts, level=seen.level, parts=seen.by_unit(model, (("loss", edges),), "loss"))
    column, size = judged.named(facts)["loss"], len(known)
    worst_first = np.arange(size)[::-1]
    lows: list[float | None] = [edges[place - 1] if place else None for place in known]
    highs: list[float | None] = [edges[place] if place < len(edges) else None for place in known]
    frame = pl.DataFrame(
        {
            "model": [model.name] * size,
            "tenth": size - np.arange(size),
            "from": [spread["low"] if low is None else low for low in lows],
            "to": [spread["high"] if high is None else high for high in highs],
            "n": binned["n"].to_numpy(),
            "share_of_rows": w / w.sum() if w.sum() > 0 else np.full(size, np.nan),
            "share": shares.value,
            "low": shares.low,
            "high": shares.high,
            "method": [shares.method] * size,
            "reason": [None if each is None else str(each) for each in shares.reason],
            "where": [
                seen.segment(Not(Missing(column)), judged.between(column, low, high))
                for low, high in zip(lows, highs, strict=True)
            ],
        },
        schema_overrides={"reason": pl.String, "tenth": pl.Int64},
    )[worst_first]
    return frame.with_columns(
        pl.col("share", "low", "high", "share_of_rows").fill_nan(None),
        pl.col("share").fill_nan(None).cum_sum().alias("cumulative"),
    )
