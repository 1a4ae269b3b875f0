"""Pushes put together: two sides of explained rows as the frames and the sentences of an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from analysis.core import words
from analysis.core.model import is_number
from analysis.core.roles import REGRESSION
from analysis.core.settings import number, whole
from analysis.engine.explanations import value_text
from analysis.engine.pushes import Pushes
from analysis.metrics import pushes as means
from analysis.metrics import submodular
from analysis.metrics.contrasts import benjamini_hochberg
from analysis.metrics.pushes import Mean

MORE, LESS, UP, DOWN = "leans more", "leans less", "pushes up", "pushes down"
NOT_SHOWN, FEW, ALONE = "not shown", "not enough data", "nothing to compare with"
FLAT = "does not vary"
"""Said of a feature that has one value only on a side: there the model cannot be seen to use it."""
PICKED, NAMED = 5, 3
WELCH, PAIRED, STUDENT = "Welch's t over rows", "paired t over rows", "Student's t over rows"
UNITS = {each: each.replace("rows", "units") for each in (WELCH, PAIRED, STUDENT)}


@dataclass(frozen=True)
class Contrasted:
    """Two sides with the same terms, on other rows, or on the same ones by two models (paired); there: None where
    there is nothing to compare with. enough: whether as many rows have a label as a verdict needs."""

    here: Pushes
    there: Pushes | None
    paired: bool = False
    enough: bool = True
    level: float = 0.95

    def _difference(self, here: np.ndarray, there: np.ndarray) -> Mean:
        one, other = self.here.rows.units(), None if self.there is None else self.there.rows.units()
        if self.paired:
            return means.mean(here - there, one, level=self.level)
        return means.difference(here, there, one, other, level=self.level)

    @property
    def method(self) -> str:
        said = STUDENT if self.there is None else PAIRED if self.paired else WELCH
        return said if self.here.rows.facts.roles.unit is None else UNITS[said]

    def frame(self) -> pl.DataFrame:
        """A row a feature, those with a verdict first, then by how much the model leans on it."""
        here, there = self.here, self.there
        made: dict[str, Any] = {"feature": list(here.terms)}
        sampled = []
        for mark, of in (("", "values"), ("lean_", "leans")):
            first = getattr(here, of)
            one = means.mean(first, here.rows.units(), level=self.level)
            other = apart = _none(one)
            if there is not None:
                second = getattr(there, of)
                other = means.mean(second, there.rows.units(), level=self.level)
                apart = self._difference(first, second)
                sampled += [one.sampled, other.sampled]
            for name, side in (("here", one), ("there", other), ("difference", apart)):
                ends = {"": side.value, "_low": side.low, "_high": side.high}
                made |= {f"{mark}{name}{end}": values for end, values in ends.items()}
            made |= {f"{mark}p": apart.p}
        both = benjamini_hochberg(np.concatenate([made["p"], made["lean_p"]]))
        made["p_adjusted"], made["lean_p_adjusted"] = np.split(both, 2)
        thin = min(sampled, default=0) < whole("small_group") or not self.enough
        for mark, up, down in (("", UP, DOWN), ("lean_", MORE, LESS)):
            pairs = zip(made[f"{mark}p_adjusted"], made[f"{mark}difference"], strict=True)
            made[f"{mark}verdict"] = [
                FLAT
                if len(here.rows) and there is not None and len(there.rows) and np.isnan(value)
                else self._verdict(thin, p, value, up, down)
                for p, value in pairs
            ]
        size = len(here.terms)
        made |= {
            "n": [len(here.rows)] * size,
            "n_other": [0 if there is None else len(there.rows)] * size,
            "method": [self.method] * size,
        }
        frame = pl.DataFrame(made, schema=COLUMNS).with_columns(pl.col(pl.Float64).fill_nan(None))
        said = pl.col("verdict").is_in([UP, DOWN]) | pl.col("lean_verdict").is_in([MORE, LESS])
        leaned = pl.max_horizontal(pl.col("lean_here").fill_null(0.0), pl.col("lean_there").fill_null(0.0))
        return frame.sort(said, leaned, descending=True, maintain_order=True)

    def _verdict(self, thin: bool, p: float, value: float, up: str, down: str) -> str:
        if self.there is None:
            return ALONE
        if thin or np.isnan(p):
            return FEW
        return NOT_SHOWN if p > number("q") else up if value > 0 else down


COLUMNS: dict[str, Any] = {
    "feature": pl.String,
    **{f"{side}{end}": pl.Float64 for side in ("here", "there", "difference") for end in ("", "_low", "_high")},
    "p": pl.Float64,
    "p_adjusted": pl.Float64,
    "verdict": pl.String,
    "n": pl.Int64,
    "n_other": pl.Int64,
    **{f"lean_{side}{end}": pl.Float64 for side in ("here", "there", "difference") for end in ("", "_low", "_high")},
    "lean_p": pl.Float64,
    "lean_p_adjusted": pl.Float64,
    "lean_verdict": pl.String,
    "method": pl.String,
}


def _none(like: Mean) -> Mean:
    nan = np.full(len(like.value), np.nan)
    return Mean(nan, nan, nan, nan, 0)


def unit(found: Pushes) -> str:
    """Of what is explained, as words.number takes it."""
    return "label" if found.rows.facts.task == REGRESSION else "score"


def overall(found: Pushes, level: float = 0.95) -> pl.DataFrame:
    """What the model leans on in these rows, the most first, without what does not vary: feature; lean (the mean
    size of a push), weight (that of a weight, a step up), push (the mean one), each with low and high; n."""
    made: dict[str, Any] = {"feature": list(found.terms)}
    parts = {"lean": found.leans, "weight": found.sizes, "push": found.values}
    for name, values in parts.items():
        said = means.mean(values, found.rows.units(), level=level)
        made |= {name: said.value, f"{name}_low": said.low, f"{name}_high": said.high}
    made["n"] = [len(found.rows)] * len(found.terms)
    schema = {name: pl.Int64 if name == "n" else pl.String if name == "feature" else pl.Float64 for name in made}
    frame = pl.DataFrame(made, schema=schema).with_columns(pl.col(pl.Float64).fill_nan(None))
    frame = frame.filter(pl.col("lean").is_not_null() | (pl.col("n") == 0))
    return frame.sort("lean", descending=True, nulls_last=True, maintain_order=True)


def sides(found: Sequence[tuple[str, Pushes]]) -> pl.DataFrame:
    """A row a side: side, rows (in scope), drawn, used, left_out, fit and prediction (means of the used ones)."""
    made = [
        (name, each.rows.total, each.drawn, len(each.rows), each.left_out, *_middle(each.fit, each.prediction))
        for name, each in found
    ]
    names = ("rows", "drawn", "used", "left_out")
    schema = {"side": pl.String} | dict.fromkeys(names, pl.Int64) | {"fit": pl.Float64, "prediction": pl.Float64}
    return pl.DataFrame(made, schema=schema, orient="row")


def _middle(*values: np.ndarray) -> list[float | None]:
    return [float(each.mean()) if len(each) else None for each in values]


def representative(found: Sequence[tuple[str, Pushes]], top: int = NAMED, count: int = PICKED) -> pl.DataFrame:
    """Rows that together show what each side leans on: side, order, row (its id), prediction, label, fit, features (the
    first `top`, with their values and pushes)."""
    made = []
    for name, each in found:
        picked = submodular.picked(submodular.sparse(np.nan_to_num(each.values), top), count)
        for order, at in enumerate(picked, 1):
            label = each.rows.label(at)
            text = None if label is None else value_text(label)
            said = (each.rows.id(at), float(each.prediction[at]), text, float(each.fit[at]), _leading(each, at, top))
            made.append((name, order, *said))
    schema = {"side": pl.String, "order": pl.Int64, "row": pl.String, "prediction": pl.Float64, "label": pl.String}
    return pl.DataFrame(made, schema=schema | {"fit": pl.Float64, "features": pl.String}, orient="row")


def _leading(found: Pushes, at: int, top: int) -> str:
    values = np.nan_to_num(found.values[at])
    told = [place for place in np.argsort(-np.abs(values), kind="stable")[:top] if values[place] != 0]
    return ", ".join(f"{_said(found, at, place)} ({words.delta(values[place], unit(found))})" for place in told)


def _said(found: Pushes, at: int, place: int) -> str:
    """A term with the row's value; a flag by its name, which says it."""
    name = found.terms[place]
    column = next((where for where, each in enumerate(found.rows.columns) if each.name == name), None)
    if column is None:
        return name
    value = found.rows.frame[f"v{column}"][at]
    if value is not None and is_number(found.rows.columns[column].type):
        value = float(value)
    return f"{name} = {value_text(value)}"


def told(frame: pl.DataFrame, label: str, here: str, there: str, kind: str) -> str:
    """What is shown, in a sentence; here: "in region = West", there: "elsewhere"."""
    what = "forecast" if kind == "label" else "score"
    if FEW in frame["lean_verdict"].to_list() and not set(frame["lean_verdict"]) & {MORE, LESS}:
        n, other = (int(frame[name][0]) for name in ("n", "n_other"))
        return (
            f"Not enough data to tell what {label} does otherwise {here} than {there}: {words.plural(n, 'row')} "
            f"against {other:,}."
        )
    leans = frame.filter(pl.col("lean_verdict").is_in([MORE, LESS]))
    leans = leans.sort(pl.col("lean_difference").abs(), descending=True, maintain_order=True).head(2)
    pushed = frame.filter(pl.col("verdict").is_in([UP, DOWN]) & ~pl.col("feature").is_in(leans["feature"].to_list()))
    pushed = pushed.sort(pl.col("difference").abs(), descending=True, maintain_order=True).head(2)
    parts = [
        f"leans {'more' if row['lean_verdict'] == MORE else 'less'} on {row['feature']} (it moves the {what} by "
        f"{words.size(row['lean_here'], kind)} on average, {there} by {words.size(row['lean_there'], kind)})"
        for row in leans.iter_rows(named=True)
    ]
    parts += [
        f"is pushed {'up' if row['verdict'] == UP else 'down'} by {row['feature']} (on average "
        f"{words.delta(row['here'], kind)}, {there} {words.delta(row['there'], kind)})"
        for row in pushed.iter_rows(named=True)
    ]
    if not parts:
        return f"No feature is shown to move {label} otherwise {here} than {there}."
    return f"{here[0].upper()}{here[1:]}, {label} {words.listed(parts[:3])}."


def alone(frame: pl.DataFrame, label: str, kind: str) -> str:
    """What the model leans on, in a sentence; frame: of `overall`."""
    rows = [row for row in frame.head(NAMED).iter_rows(named=True) if row["lean"]]
    if not rows:
        return f"No row could be explained, so nothing can be said of what {label} leans on."
    what = "forecast" if kind == "label" else "score"
    first = rows[0]
    ends = words.between(first["lean_low"], first["lean_high"], kind)
    by = words.size(first["lean"], kind)
    said = f"{label} leans most on {first['feature']}: it moves the {what} by {by} on average ({ends})"
    more = [f"{row['feature']} ({words.size(row['lean'], kind)})" for row in rows[1:]]
    return f"{said}, then on {words.listed(more)}." if more else f"{said}."


def left_out(found: pl.DataFrame) -> str:
    """How many explained rows do not count, in a sentence; "" where all do. found: of `sides`."""
    lost, drawn = int(found["left_out"].sum()), int(found["drawn"].sum())
    if not lost:
        return ""
    return f" {lost:,} of {words.plural(drawn, 'row')} do not count: near them no straight line follows the model."
