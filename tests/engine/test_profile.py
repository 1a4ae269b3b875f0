"""Profiles equal what polars says of the same table, of random and of hostile ones."""

import math
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from analysis import questions
from analysis.core.errors import UnknownName
from analysis.engine import profile as profiles
from tests.engine.making import Folder, Table, uploaded


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("profile"))
    yield made
    made.close()


def random_table(seed: int, rows: int) -> Table:
    random = np.random.default_rng(seed)

    def gaps(values):
        return [None if random.random() < 0.1 else each for each in values]

    reals = [float(each) for each in random.choice([math.nan, math.inf, -math.inf, 0.0, -1.5, 2.25, 1e18], rows)]
    moments = [datetime(2026, 1, 1) + timedelta(minutes=int(each)) for each in random.integers(0, 10**6, rows)]
    return Table(
        {
            "reals": ("DOUBLE", gaps(random.normal(size=rows).tolist())),
            "hostile": ("DOUBLE", gaps(reals)),
            "whole": ("BIGINT", gaps(random.integers(-5, 5, rows).tolist())),
            "small": ("UTINYINT", gaps(random.integers(0, 4, rows).tolist())),
            "price": ("DECIMAL(9,2)", gaps([f"{each:.2f}" for each in random.normal(10, 3, rows)])),
            "text": (
                "VARCHAR",
                gaps(random.choice(["", "ä", "日本語", "🙂 e\u0301", "it's", "a" * 300], rows).tolist()),
            ),
            "day": ("DATE", gaps([str(each.date()) for each in moments])),
            "moment": ("TIMESTAMP", gaps([str(each) for each in moments])),
            "truth": ("BOOLEAN", gaps((random.random(rows) < 0.3).tolist())),
            "list": ("INTEGER[]", gaps(random.choice(["[1, 2]", "[]"], rows).tolist())),
            "bytes": ("BLOB", gaps(random.choice(["a", "bc"], rows).tolist())),
            "nothing": ("DOUBLE", [None] * rows),
            "only nan": ("DOUBLE", [math.nan] * rows),
            "one": ("VARCHAR", ["x"] * rows),
        }
    )


def close(ours, theirs):
    assert (ours is None) == (theirs is None), (ours, theirs)
    if theirs is not None:
        assert ours == pytest.approx(float(theirs), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("seed", "rows"), [(1, 500), (2, 37), (3, 1), (4, 0)])
def test_counts_and_quantiles_are_those_of_polars(folder, seed, rows):
    table = random_table(seed, rows)
    frame = questions.profile(uploaded(folder, table)).frame
    for row in frame.iter_rows(named=True):
        values = table.values(row["column"])
        known = [each for each in values if each is not None and each == each]
        nan = sum(1 for each in values if each is not None and each != each)
        assert row["rows"] == rows
        assert row["nan"] == nan
        assert row["missing"] == rows - len(known), row["column"]
        if row["kind"] == "number":
            series = pl.Series([float(each) for each in known], dtype=pl.Float64)
            finite = series.filter(series.is_finite())
            assert row["infinite"] == len(series) - len(finite)
            assert row["zeros"] == (series == 0).sum()
            assert row["negatives"] == (series < 0).sum()
            close(row["mean"], finite.mean())
            close(row["deviation"], finite.std())
            for name, level in (("q05", 0.05), ("q25", 0.25), ("median", 0.5), ("q75", 0.75), ("q95", 0.95)):
                close(row[name], finite.quantile(level, "linear"))
            close(None if row["low"] is None else float(row["low"]), finite.min())
            close(None if row["high"] is None else float(row["high"]), finite.max())
        if row["kind"] == "text":
            series = pl.Series(known, dtype=pl.String)
            assert (row["low"], row["high"]) == (min(known, default=None), max(known, default=None))
            assert row["longest"] == series.str.len_chars().max()
            assert row["shortest"] == series.str.len_chars().min()
            close(row["length"], series.str.len_chars().mean())
        if row["kind"] == "time" and known:
            shown = [datetime.fromisoformat(each) for each in known]
            assert datetime.fromisoformat(row["low"]) == min(shown)
            assert datetime.fromisoformat(row["high"]) == max(shown)


@pytest.mark.parametrize("column", ["reals", "hostile", "whole", "text", "day", "nothing", "only nan", "truth"])
def test_one_column_more_closely(folder, column):
    table = random_table(7, 400)
    result = questions.profile(uploaded(folder, table), column=column)
    row, frames = result.frame.row(0, named=True), result.frames
    known = [each for each in table.values(column) if each is not None and each == each]
    assert row["distinct"] == len(set(known))
    assert frames["top"]["n"].sum() == len(known) if len(set(known)) <= 20 else len(frames["top"]) == 20
    if row["kind"] == "number":
        finite = np.array([float(each) for each in known if abs(each) != math.inf])
        if len(frames["histogram"]):
            assert frames["histogram"]["n"].sum() == len(finite)
        if len(frames["histogram"]) > 1:
            counts, edges = np.histogram(finite, bins=20)
            np.testing.assert_allclose(frames["histogram"]["low"], edges[:-1], rtol=1e-9, atol=1e-9)
            if column == "reals":
                assert frames["histogram"]["n"].to_list() == counts.tolist()
        for rule in frames["outliers"].iter_rows(named=True):
            assert rule["rows"] == ((finite < rule["low"]) | (finite > rule["high"])).sum()
            if rule["rule"] == "iqr":
                low, high = np.quantile(finite, [0.25, 0.75])
                assert rule["low"] == pytest.approx(low - 1.5 * (high - low))
            else:
                mad = np.median(np.abs(finite - np.median(finite)))
                assert rule["high"] == pytest.approx(np.median(finite) + 3.5 * mad / 0.6744897501960817)


def test_shapes_count_every_value_of_numbers(folder):
    table = random_table(9, 300)
    checked = uploaded(folder, table)
    counted = profiles.profile(checked)
    shapes = profiles.shapes(checked, counted).group_by("column").agg(pl.col("n").sum())
    total = dict(shapes.iter_rows())
    for name in ("reals", "hostile", "whole", "price", "moment", "truth"):
        row = counted.of(name)
        assert total[name] == row["rows"] - row["missing"] - row["infinite"], name


@pytest.mark.parametrize("count", [45, pytest.param(500, marks=pytest.mark.slow)])
def test_many_columns_and_a_name_nobody_has(folder, count):
    columns = {f"c {place}": ("DOUBLE", [float(place), None, 1.0]) for place in range(count)}
    checked = uploaded(folder, Table(columns))
    frame = questions.profile(checked).frame
    assert frame["column"].to_list() == list(columns)
    assert frame["missing"].sum() == count
    with pytest.raises(UnknownName, match="Did you mean"):
        questions.profile(checked, column="c 1O")
