"""Neighbourhoods: rows drawn around a row, as the model is given them and as a local explanation describes them.

Numbers are drawn from a normal distribution around the row's value with the background's standard deviation,
categories by how often they occur. A missing number is filled with the median, and a flag beside it says so; a missing
category is a category.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from analysis.core import background
from analysis.core.background import Background, Feature
from analysis.core.errors import BadRequest

NUMBER, CATEGORY, FLAG = "number", "category", "flag"
OWN_FLAG = 0.5
"""A value that is missing in the row is drawn at least as often missing as not, else rare gaps could not be weighed."""


@dataclass(frozen=True)
class Term:
    """What an explanation gives one weight. column: the place of its column among the model's features.

    kind: NUMBER, whose unit is the standard deviation `scale`; CATEGORY, 1 where a neighbour has the row's own value;
    FLAG, 1 where a neighbour is missing or given as the row is. base: the row's number, or the median where it has
    none. low, high: the ends of the background. values, shares: of a category or flag (missing: 1); own: the row's.
    """

    name: str
    column: int
    kind: str
    base: float = 0.0
    scale: float = 1.0
    low: float = -math.inf
    high: float = math.inf
    values: tuple[Any, ...] = ()
    shares: tuple[float, ...] = ()
    own: int = 0


@dataclass(frozen=True)
class Layout:
    """The terms of a row's explanation: of the columns in their order, then the flags. row: the row as it is.

    texts: which columns are given to the model as text.
    """

    terms: tuple[Term, ...]
    row: tuple[Any, ...]
    names: tuple[str, ...]
    texts: tuple[bool, ...]

    def key(self) -> tuple[Any, ...]:
        """What rows share whose neighbours may come from the same draws."""
        return tuple((term.column, term.kind, term.scale, term.shares) for term in self.terms)


@dataclass(frozen=True)
class Draws:
    """normals: (terms, n), nought for the first neighbour, which is the row itself. codes: (terms, n) places among
    `values`, 0 for numbers. apart: (n,) the squared distance in the numbers."""

    normals: np.ndarray
    codes: np.ndarray
    apart: np.ndarray


def layout(known: Background, row: Mapping[str, Any]) -> Layout:
    """How a row is explained. row: {feature: value as the model takes it}, None or nan where missing.

    What does not vary in the background is no term: nothing can be learned of it. BadRequest where nothing varies.
    """
    terms: list[Term] = []
    flags: list[Term] = []
    values = []
    for place, feature in enumerate(known.features):
        value = row[feature.name]
        value = None if isinstance(value, float) and math.isnan(value) else value
        values.append(value)
        if feature.kind == background.CATEGORY:
            terms += _category(feature, place, value)
        else:
            number, flag = _number(feature, place, value)
            terms += number
            flags += flag
    if not terms and not flags:
        raise BadRequest("No feature of the model varies in these rows, so there is nothing to explain by.")
    texts = tuple(
        isinstance(value, str) or _is_text(each, value) for each, value in zip(known.features, values, strict=True)
    )
    names = tuple(feature.name for feature in known.features)
    return Layout((*terms, *flags), tuple(values), names, texts)


def _is_text(feature: Feature, value: Any) -> bool:
    return value is None and feature.kind == background.CATEGORY and not _yes_no(feature)


def _yes_no(feature: Feature) -> bool:
    return {text for text, _ in feature.values} <= {"true", "false"}


def _number(feature: Feature, place: int, value: float | None) -> tuple[list[Term], list[Term]]:
    base = feature.median if value is None else float(value)
    gaps = feature.missing > 0 or value is None
    if base is None or not math.isfinite(base):
        return [], []
    number = []
    if feature.deviation:
        low = -math.inf if feature.low is None else feature.low
        high = math.inf if feature.high is None else feature.high
        number = [Term(feature.name, place, NUMBER, base, float(feature.deviation), low, high)]
    if not gaps or not feature.n:
        return number, []
    share = max(feature.missing, OWN_FLAG) if value is None else feature.missing
    own = int(value is None)
    flag = Term(f"{feature.name} is missing", place, FLAG, base, values=(0, 1), shares=(1 - share, share), own=own)
    return number, [flag]


def _category(feature: Feature, place: int, value: Any) -> list[Term]:
    numbers = isinstance(value, int | float) or (value is None and _yes_no(feature))
    counts: dict[Any, float] = {}
    for text, count in feature.values:
        if count:
            counts[float(text == "true") if numbers else text] = count
    if feature.missing > 0 or value is None:
        looked = feature.n / (1 - feature.missing) if feature.missing < 1 else 1.0
        counts[None] = max(1.0, feature.missing * looked)
    own = float(value) if numbers and value is not None else value
    counts.setdefault(own, 1.0)
    if len(counts) < 2:
        return []
    total = sum(counts.values())
    names = tuple(counts)
    shares = tuple(count / total for count in counts.values())
    return [Term(feature.name, place, CATEGORY, values=names, shares=shares, own=names.index(own))]


def draw(made: Layout, seed: int, samples: int) -> Draws:
    """What lime's tabular explainer draws from a generator of this seed: all normals, then each category's codes."""
    random = np.random.RandomState(seed)
    normals = np.ascontiguousarray(random.normal(0, 1, samples * len(made.terms)).reshape(samples, -1).T)
    codes = np.zeros(normals.shape, dtype=np.int32)
    for at, term in enumerate(made.terms):
        if term.kind != NUMBER:
            cumulative = np.cumsum(np.array(term.shares) / sum(term.shares))
            cumulative /= cumulative[-1]
            codes[at] = cumulative.searchsorted(random.random_sample(samples), side="right")
    return drawn(made, normals, codes)


def drawn(made: Layout, normals: np.ndarray, codes: np.ndarray) -> Draws:
    """The draws with their distances; both (terms, n)."""
    normals[:, 0] = 0.0
    numbers = normals[[term.kind == NUMBER for term in made.terms]]
    return Draws(normals, codes, np.einsum("ij,ij->j", numbers, numbers))


def described(made: Layout, draws: Draws) -> tuple[np.ndarray, np.ndarray]:
    """(design (terms, n), squared distances (n,)): the first neighbour is the row itself.

    A number is its distance from the row in standard deviations, a category or flag is 1 where equal.
    """
    coded = [at for at, term in enumerate(made.terms) if term.kind != NUMBER]
    if not coded:
        return draws.normals, draws.apart
    design, apart = draws.normals.copy(), draws.apart.copy()
    for at in coded:
        design[at] = draws.codes[at] == made.terms[at].own
        design[at, 0] = 1.0
        apart += 1 - design[at]
    return design, apart


def given(made: Layout, draws: Draws) -> tuple[pl.DataFrame, np.ndarray]:
    """((n, features) the neighbours as the model takes them, the first being the row itself; (terms,) the share of them
    beyond the ends of the background, 0 for categories and flags)."""
    size = draws.normals.shape[1]
    columns: list[Any] = [None] * len(made.row)
    beyond, gaps = np.zeros(len(made.terms)), set()
    for at, term in enumerate(made.terms):
        if term.kind == NUMBER:
            columns[term.column] = values = draws.normals[at] * term.scale + term.base
            out = np.count_nonzero(values < term.low) + np.count_nonzero(values > term.high)
            beyond[at] = out / size
        elif term.kind == CATEGORY:
            kind = pl.String if made.texts[term.column] else pl.Float64
            columns[term.column] = pl.Series(list(term.values), dtype=kind).gather(draws.codes[at])
        else:
            if columns[term.column] is None:
                columns[term.column] = np.full(size, term.base)
            columns[term.column][draws.codes[at] == 1] = np.nan
            gaps.add(term.column)
    series = []
    for place, (name, value) in enumerate(zip(made.names, made.row, strict=True)):
        column = columns[place]
        kind = pl.String if made.texts[place] else pl.Float64
        if column is None:
            series.append(pl.repeat(value, size, dtype=kind, eager=True).alias(name))
        elif isinstance(column, np.ndarray):
            column[0] = np.nan if value is None else value
            series.append(pl.Series(name, column, nan_to_null=place in gaps))
        else:
            first = pl.Series([value if value is None or made.texts[place] else float(value)], dtype=kind)
            series.append(pl.concat([first, column[1:]]).alias(name))
    return pl.DataFrame(series), beyond
