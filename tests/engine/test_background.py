"""The background: how columns lie, against polars on the rows themselves."""

import json
import math
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from analysis.core.background import LEVELS, Background
from analysis.core.errors import BadRequest, UnknownName
from analysis.core.expression import parse
from analysis.core.period import Period
from analysis.engine import background
from tests.engine.making import Folder, binary, facts, opened

SIZE = 3000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("background"))
    yield made
    made.close()


def table():
    random = np.random.default_rng(4)

    def some(values):
        return [None if random.random() < 0.1 else each for each in values]

    start = datetime(2026, 1, 5)
    return binary(
        real=("DOUBLE", some([float(each) for each in random.normal(3, 9, SIZE)])),
        nan=("DOUBLE", [float("nan") if random.random() < 0.2 else float(each) for each in random.gamma(1, 9, SIZE)]),
        endless=(
            "FLOAT",
            [math.inf if random.random() < 0.1 else float(np.float32(each)) for each in random.random(SIZE)],
        ),
        money=("DECIMAL(12,2)", some([f"{each:.2f}" for each in random.gamma(1, 900, SIZE)])),
        few=("INTEGER", some([int(each) for each in random.integers(0, 4, SIZE)])),
        none=("DOUBLE", [None] * SIZE),
        region=("VARCHAR", some([f"it's {int(each)}" for each in random.integers(0, 9, SIZE)])),
        free=("VARCHAR", [f"text {min(place, 2500)}" for place in range(SIZE)]),
        flag=("BOOLEAN", some([bool(each) for each in random.random(SIZE) < 0.4])),
        day=("DATE", some([date(2020, 1, 1) + timedelta(days=int(n)) for n in random.integers(0, 99, SIZE)])),
        t=("TIMESTAMP", [start + timedelta(hours=int(n)) for n in random.integers(0, 4000, SIZE)]),
        y=("BIGINT", [int(each) for each in random.integers(0, 2, SIZE)]),
        p=("BIGINT", [int(each) for each in random.integers(0, 2, SIZE)]),
    )


NUMBERS = ("real", "nan", "endless", "money", "few", "none")
CATEGORIES = ("region", "free", "flag", "day")


@pytest.fixture(scope="module")
def asked(folder):
    made, roles = table()
    return made, opened(folder, made, task="binary", roles=roles.with_(features=NUMBERS))


def frame(made):
    numbers = {name: [None if each is None else float(each) for each in made.values(name)] for name in NUMBERS}
    texts = {
        name: [str(each).lower() if isinstance(each, bool) else each and str(each) for each in made.values(name)]
        for name in ("region", "free", "day")
    }
    flags = [None if each is None else str(each).lower() for each in made.values("flag")]
    return pl.DataFrame(
        {**numbers, **texts, "flag": flags, "t": made.values("t")},
        schema_overrides={"none": pl.Float64},
        strict=False,
    ).with_columns(pl.col(NUMBERS).fill_nan(None))


def compare(found, rows):
    """Every statistic of a background against polars."""
    assert found.rows == found.looked == len(rows)
    for feature in found.features:
        values = rows[feature.name]
        assert feature.missing == pytest.approx(values.null_count() / len(rows), abs=1e-12)
        if feature.kind == "number":
            finite = values.drop_nulls().filter(values.drop_nulls().is_finite())
            assert (feature.n, feature.infinite) == (len(finite), values.is_infinite().sum())
            if not len(finite):
                assert (feature.low, feature.mean, feature.median, feature.quartiles) == (None, None, None, ())
                continue
            own = (feature.low, feature.high, feature.mean, feature.deviation, feature.median)
            theirs = (finite.min(), finite.max(), finite.mean(), finite.std(ddof=0), finite.median())
            assert own == pytest.approx(theirs, rel=1e-9)
            assert feature.quantiles == pytest.approx([finite.quantile(at, "linear") for at in LEVELS], rel=1e-9)
            assert feature.quartiles == pytest.approx(np.percentile(finite, [25, 50, 75]), rel=1e-9)
        else:
            counted = sorted(values.drop_nulls().value_counts().iter_rows(), key=lambda pair: (-pair[1], pair[0]))
            kept = [pair for pair in feature.values if pair[1]]
            assert kept == counted[:1000]
            assert feature.other == sum(count for _, count in counted[1000:])
            assert feature.n == sum(count for _, count in feature.values) + feature.other


def test_of_all_rows_it_is_what_polars_counts(asked):
    made, opened_ = asked
    found = background.of(opened_, (*NUMBERS, *CATEGORIES))
    compare(found, frame(made))
    assert not found.sampled
    assert Background.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    assert found.feature("free").other > 0
    assert [each.name for each in background.of(opened_).features] == list(NUMBERS)


def test_a_filter_and_a_period_are_heeded(asked):
    made, opened_ = asked
    period = Period(date(2026, 2, 1), date(2026, 4, 30))
    found = background.of(opened_, (*NUMBERS, *CATEGORIES), where=parse("few = 2 or flag = true"), period=period)
    rows = frame(made).filter(
        ((pl.col("few") == 2) | (pl.col("flag") == "true")) & pl.col("t").is_between(period.start, period.end, "left")
    )
    assert 100 < len(rows) < 1000
    compare(found, rows)
    one = background.of(opened_, ("region",), where=parse("region = 'it''s 3'")).feature("region")
    assert len(one.values) == 9
    assert [pair for pair in one.values if pair[1]] == [("it's 3", one.n)]


def test_a_sample_says_so_and_is_near_and_keeps_the_extremes(folder, asked, monkeypatch):
    made, opened_ = asked
    monkeypatch.setattr(background, "ALL", 2000)
    monkeypatch.setattr(background, "LOOKED_AT", 1000)
    found, rows = background.of(opened_, ("real", "region", "endless")), frame(made)
    assert found.sampled
    assert 500 < found.looked < 1600
    assert found.sentence() == f"from a fixed sample of {found.looked:,} of 3,000 rows"
    real = found.feature("real")
    assert (real.low, real.high, real.bounded) == (rows["real"].min(), rows["real"].max(), True)
    assert abs(real.mean - rows["real"].mean()) < 5 * 9 / math.sqrt(found.looked)
    endless = found.feature("endless")
    assert (endless.bounded, math.isfinite(endless.high), endless.infinite > 0) == (False, True, True)
    shares = dict(rows["region"].drop_nulls().value_counts().iter_rows())
    for value, count in found.feature("region").values:
        assert abs(count / found.looked - shares[value] / SIZE) < 0.06
    again = folder.engine.open(opened_.facts)
    assert background.of(again, ("real", "region", "endless")) == found
    narrow = background.of(opened_, ("real",), where=parse("flag = true or flag = false")).feature("real")
    assert not narrow.bounded


def test_nothing_in_scope_and_what_is_not_there(folder, asked):
    _, opened_ = asked
    none = background.of(opened_, ("real", "region"), where=parse("few = 99"))
    assert (none.rows, none.looked, none.feature("real").mean) == (0, 0, None)
    assert math.isnan(none.feature("region").missing)
    with pytest.raises(UnknownName):
        background.of(opened_, ("reel",))
    made, roles = table()
    bare = folder.engine.open(facts(folder, made, task="binary", roles=roles))
    with pytest.raises(BadRequest, match="role feature"):
        background.of(bare)
