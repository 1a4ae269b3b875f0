"""Glass boxes: tables and models whose explanations are known, and the background of a table."""

import numpy as np
import polars as pl

from analysis.core.background import CATEGORY, LEVELS, NUMBER, Background, Feature


def known(table):
    """The background of all rows of a table; text columns are categories."""
    return Background(tuple(feature(column) for column in table.get_columns()), len(table), len(table), {})


def feature(column):
    given = column.fill_nan(None).drop_nulls() if column.dtype.is_float() else column.drop_nulls()
    missing = 1 - len(given) / len(column)
    if column.dtype == pl.String:
        counts = sorted(given.value_counts().iter_rows(), key=lambda each: (-each[1], each[0]))
        return Feature(column.name, CATEGORY, len(given), missing, values=tuple(counts))
    values = given.cast(pl.Float64).to_numpy()
    ends = (float(values.min()), float(values.max()))
    quantiles = tuple(np.quantile(values, LEVELS).tolist())
    return Feature(column.name, NUMBER, len(values), missing, 0, *ends, values.mean(), values.std(), quantiles)


def mixed(size=3000, seed=5):
    """Numbers of different scales, one with gaps, a text of three values and one of two."""
    random = np.random.default_rng(seed)
    gap = np.where(random.uniform(size=size) < 0.15, np.nan, random.normal(2, 3, size))
    return pl.DataFrame(
        {
            "pay": random.gamma(4, 9000, size),
            "years": random.integers(0, 30, size).astype(float),
            "region": random.choice(["North", "East", "West"], size, p=[0.5, 0.3, 0.2]),
            "gap": pl.Series(gap, nan_to_null=True),
            "own": random.choice(["yes", "no"], size, p=[0.3, 0.7]),
        }
    )


def chance(frame):
    """A curved model of the mixed table: a probability a row."""
    gap = frame["gap"].fill_null(5.0).to_numpy()
    inside = 0.00004 * frame["pay"].to_numpy() - 0.05 * frame["years"].to_numpy()
    inside = (
        inside + 0.8 * (frame["region"] == "West").to_numpy() - 0.02 * gap**2 + 0.5 * (frame["own"] == "yes").to_numpy()
    )
    return 1 / (1 + np.exp(0.5 - inside))


def numbers(size, features, seed):
    """Normal columns f0, f1, ..., some of them correlated."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(size, features))
    values[:, 1] = 0.6 * values[:, 0] + 0.8 * values[:, 1]
    return pl.DataFrame(values, schema=[f"f{at}" for at in range(features)])
