"""Leanings: what was measured of shuffled features, as the frames and the sentence of an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from analysis.core import words
from analysis.core.period import Period
from analysis.core.settings import number, whole
from analysis.engine.asking import Drawn
from analysis.engine.shuffling import Group, Shuffled, named
from analysis.metrics import Metric
from analysis.metrics.association import STRONG, association
from analysis.metrics.contrasts import benjamini_hochberg
from analysis.metrics.shuffled import change

MATTERS, HURTS, NOT_SHOWN, FEW = "matters", "hurts", "not shown", "not enough data"
CHANGED = "changed"
METHOD, SAME = "linearised over rows and shuffles, Student's t", "no answer changed in any shuffle"
FLAT = "nothing varies between rows, so there is no interval"


def related(drawn: Drawn) -> pl.DataFrame:
    """Pairs of features that hang together, each told of both sides: feature, other, association, kind."""
    names = [column.name for column in drawn.columns]
    columns = [drawn.codes(at) for at in range(len(names))]
    found = []
    for one in range(len(names)):
        for other in range(one):
            strength, kind = association(columns[one], columns[other])
            if strength >= STRONG:
                found += [(names[one], names[other], strength, kind), (names[other], names[one], strength, kind)]
    schema = {"feature": pl.String, "other": pl.String, "association": pl.Float64, "kind": pl.String}
    return pl.DataFrame(found, schema=schema, orient="row").sort("feature", "association", descending=[False, True])


@dataclass(frozen=True)
class Leanings:
    """One answer. label: of the model. found: the whole, then each period. labelled: the share of rows with a label.

    sets: features that hang together and were shuffled apart. adjusted: p after correction over the groups.
    """

    label: str
    groups: Sequence[Group]
    found: Sequence[Shuffled]
    periods: Sequence[Period]
    related: pl.DataFrame
    sets: Sequence[Group]
    labelled: float
    level: float

    @property
    def metric(self) -> Metric:
        return self.found[0].metric

    @property
    def adjusted(self) -> np.ndarray:
        return benjamini_hochberg(np.array([each.p for each in self.found[0].losses]))

    def frame(self) -> pl.DataFrame:
        """A row a group of features, the most important first."""
        whole_of, adjusted, made = self.found[0], self.adjusted, []
        thin = whole_of.n < whole("small_group") or self.labelled < number("labelled_share")
        for place, (group, loss) in enumerate(zip(self.groups, whole_of.losses, strict=True)):
            low, high = loss.ends(self.level)
            others = {row["other"] for row in self.related.iter_rows(named=True) if row["feature"] in group}
            verdict = FEW if thin else _verdict(loss.value, adjusted[place])
            made.append(
                {
                    "feature": named(group),
                    "importance": loss.value,
                    "low": low,
                    "high": high,
                    "p": loss.p,
                    "p_adjusted": adjusted[place],
                    "verdict": verdict,
                    "direction": whole_of.directions[place] if verdict in (MATTERS, HURTS) else None,
                    "n": whole_of.n,
                    "method": SAME if loss.error == 0 else METHOD if loss.error > 0 else FLAT,
                    "metric": self.metric.name,
                    "as_is": whole_of.value,
                    "related": ", ".join(sorted(others - set(group))),
                }
            )
        frame = pl.DataFrame(made, schema_overrides={"direction": pl.String}).fill_nan(None)
        frame = frame.sort("importance", descending=True, nulls_last=True, maintain_order=True)
        return frame.with_row_index("rank", offset=1).with_columns(pl.col("rank").cast(pl.Int64))

    def frames(self) -> dict[str, pl.DataFrame]:
        """related; and with periods `periods` and `changes`."""
        made = {"related": self.related}
        return made if len(self.found) == 1 else made | {"periods": self._periods(), "changes": self._changes()}

    def _periods(self) -> pl.DataFrame:
        rows: list[dict[str, Any]] = []
        for period, each in zip(self.periods, self.found[1:], strict=True):
            when = {"period": period.sentence(), "from": period.first, "to": period.last}
            for group, loss in zip(self.groups, each.losses, strict=True):
                low, high = loss.ends(self.level)
                ends = {"importance": loss.value, "low": low, "high": high}
                rows.append({**when, "feature": named(group), **ends, "n": each.n})
        return pl.DataFrame(rows).fill_nan(None)

    def _changes(self) -> pl.DataFrame:
        ample = [each for each in self.found[1:] if each.n >= whole("small_group")]
        tests = []
        for at in range(len(self.groups)):
            losses = [each.losses[at] for each in ample]
            tests.append(change(np.array([each.value for each in losses]), np.array([each.error for each in losses])))
        adjusted = benjamini_hochberg(np.array([test[0] for test in tests]))
        q = number("q")
        verdicts = [FEW if np.isnan(each) else CHANGED if each <= q else NOT_SHOWN for each in adjusted]
        return pl.DataFrame(
            {
                "feature": [named(group) for group in self.groups],
                "p": [test[0] for test in tests],
                "p_adjusted": adjusted,
                "periods": [test[1] + 1 if test[1] else 0 for test in tests],
                "verdict": verdicts,
                "method": ["Cochran's Q of the periods"] * len(tests),
            }
        ).fill_nan(None)

    def sentence(self) -> str:
        """What it leans on most; what hurts; what hangs together; whether it changed."""
        frame, lines = self.frame(), []
        lines.append(self._most(frame))
        hurt = frame.filter(pl.col("verdict") == HURTS)["feature"].to_list()
        if hurt:
            lines.append(f"With {words.listed(hurt)} shuffled it is better in {_said(self.metric)}.")
        lines += [
            f"Related features, {words.listed(list(each))}, hide part of each other's worth: shuffled as one they show "
            "what they are worth together."
            for each in self.sets
        ]
        if len(self.found) > 1:
            changes = self._changes()
            moved = changes.filter(pl.col("verdict") == CHANGED)["feature"].to_list()
            what = f"It changed for {words.listed(moved)}" if moved else "No change is shown"
            lines.append(f"{what} over {words.plural(len(self.periods), 'period')}.")
        return "\n".join(lines)

    def _most(self, frame: pl.DataFrame) -> str:
        metric, n = self.metric, words.plural(int(frame["n"][0]), "row")
        told = frame.filter(pl.col("verdict") == MATTERS)
        if not len(told):
            few = (frame["verdict"] == FEW).all()
            why = f"there are too few labelled rows ({n})" if few else f"no loss differs from chance on {n}"
            return f"{self.label} is not shown to lean on any feature for {_said(metric)}: {why}."
        top = told.row(0, named=True)
        ends = " to ".join(words.delta(top[end], metric.unit).removeprefix("+") for end in ("low", "high"))
        them = "them" if (top["feature"],) not in self.groups else "it"
        said = f"{self.label} leans most on {top['feature']}: shuffling {them} {_cost(top['importance'], metric)} "
        said += f"({ends}, {self.level:.0%})."
        rest = [f"{row['feature']} ({words.size(row['importance'], metric.unit)})" for row in told[1:4].to_dicts()]
        if rest:
            said += f" Then {'come' if len(rest) > 1 else 'comes'} {words.listed(rest)}."
        count = "The only feature matters" if len(frame) == 1 else f"{len(told)} of {len(frame)} features matter"
        return f"{said} {count} on {n}."


def _verdict(value: float, adjusted: float) -> str:
    if np.isnan(adjusted):
        return FEW
    return NOT_SHOWN if adjusted > number("q") else MATTERS if value > 0 else HURTS


def _said(metric: Metric) -> str:
    """A metric inside a sentence."""
    return metric.title if metric.name in ("brier", "gini", "mcc", "kappa") else words.inside(metric.title)


def _cost(value: float, metric: Metric) -> str:
    size = words.size(value, metric.unit)
    if metric.better == "higher":
        return f"costs {size} of {_said(metric)}"
    return f"adds {size} to {'the size of ' if metric.better == 'zero' else ''}{_said(metric)}"
