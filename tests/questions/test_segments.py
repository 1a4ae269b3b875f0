"""segments: every group against all others, what a cross adds, and columns cut where the metric changes."""

from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.formula.api as smf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint, proportions_ztest

from analysis.core.cut import Cut, typed
from analysis.core.errors import BadRequest
from analysis.core.expression import parse
from analysis.core.period import Period
from analysis.core.roles import ModelColumns, Roles
from analysis.engine import binning
from analysis.engine.grouped import conditions
from analysis.engine.query import Query
from analysis.questions import measure, segments, sliceable
from analysis.telling import segmentrows
from tests.engine.making import Folder, Table, opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("segments"))
    yield made
    made.close()


def table(seed=1, size=3000):
    """Decisions that are right less often in the West, and least among the old there; columns of many kinds."""
    random = np.random.default_rng(seed)
    region = random.choice(["North", "South", "West"], size, p=[0.5, 0.3, 0.2])
    age = random.integers(18, 90, size)
    label = random.random(size) < 0.4
    right = random.random(size) < np.where(region == "West", 0.6, 0.85) - np.where(
        (region == "West") & (age > 60), 0.3, 0
    )
    said = np.where(right, label, ~label)
    gone = random.random(size) < 0.1
    income = np.round(random.lognormal(10, 1, size), 2)
    began = datetime(2025, 3, 1)
    return {
        "y": ("VARCHAR", ["yes" if each else "no" for each in label]),
        "p": ("VARCHAR", ["yes" if each else "no" for each in said]),
        "region": ("VARCHAR", region.tolist()),
        "age": ("INTEGER", [None if g else int(a) for a, g in zip(age, gone, strict=True)]),
        "income": ("DOUBLE", [float("nan") if g else float(i) for i, g in zip(income, gone[::-1], strict=True)]),
        "day": ("DATE", [date(2025, 1, 15) + timedelta(days=int(d)) for d in random.integers(0, 300, size)]),
        "at": ("TIMESTAMP", [began + timedelta(minutes=int(m)) for m in random.integers(0, 200_000, size)]),
        "name": ("VARCHAR", [f"n{int(each)}" for each in random.zipf(1.6, size) % 5000]),
        "same": ("VARCHAR", ["only"] * size),
        "nothing": ("INTEGER", [None] * size),
    }


GIVEN = table()
ROLES = Roles(label="y", models=(ModelColumns("m", prediction="p"),), positive="yes")


@pytest.fixture(scope="module")
def made(folder):
    return opened(folder, Table(GIVEN), task="binary", roles=ROLES)


def rows(**kept):
    """(label is yes, decision is yes) of the rows where a column holds a value."""
    picked = np.ones(len(GIVEN["y"][1]), dtype=bool)
    for name, value in kept.items():
        picked &= np.array([each == value for each in GIVEN[name][1]])
    return (np.array([each == "yes" for each in GIVEN[name][1]])[picked] for name in ("y", "p"))


def test_each_group_and_its_difference_to_the_rest(made):
    found = segments(made, by=["region"], metric="accuracy").frame
    assert found["region"].to_list() == ["North", "South", "West"]  # by size
    for row in found.iter_rows(named=True):
        y, p = rows(region=row["region"])
        k, n = int((y == p).sum()), len(y)
        everyone, said = rows()
        others, of = int((everyone == said).sum()) - k, len(everyone) - n
        assert (row["value"], row["n"], row["rows"]) == (pytest.approx(k / n, abs=1e-15), n, n)
        assert (row["low"], row["high"]) == pytest.approx(proportion_confint(k, n, method="wilson"))
        assert row["difference"] == pytest.approx(k / n - others / of, abs=1e-12)
        assert row["p"] == pytest.approx(proportions_ztest([k, others], [n, of])[1], rel=1e-9)
        assert row["other_n"] == of
        assert row["verdict"] == (
            "worse" if row["region"] == "West" else "better" if row["p_adjusted"] <= 0.05 else row["verdict"]
        )
    assert found["share"].sum() == pytest.approx(1)


BINNINGS = [
    ("age", ""), ("age", "quantile:4"), ("age", "quantile:10"), ("age", "width:6"), ("age", "20, 30.5, 64"),
    ("income", "quantile:10"), ("income", "quantile:3"), ("income", "width:12"), ("income", "1000,1e5"),
    ("day", "month"), ("day", "week"), ("day", "quarter"), ("day", "2025-03-01, 2025-06-30"), ("day", "quantile:5"),
    ("at", "month"), ("at", "year"), ("at", "2025-04-01, 2025-04-01 12:30"), ("at", "quantile:10"), ("region", ""),
    ("age", "quantile:10 through 33, 47"), ("income", "quantile:10 through 12345.5"),
    ("day", "quantile:10 through 2025-03-03"), ("at", "quantile:10 through 2025-03-03, 2025-04-01 10:30:00"),
    ("name", ""), ("same", ""), ("nothing", ""), ("nothing", "quantile:4"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "how"), BINNINGS)
def test_every_group_is_the_rows_of_its_condition_and_together_they_are_all(made, name, how):
    result = segments(made, by=[name], binnings={name: how}, metric="selection_rate")
    assert result.frame["rows"].sum() == len(GIVEN["y"][1])
    for row in result.frame.iter_rows(named=True):
        where = parse(row["where"], columns=made.facts.types())
        again = measure(made, metrics=["selection_rate"], where=where).frame.row(0, named=True)
        assert (again["n"], again["value"]) == (row["n"], row["value"]), row["where"]


@pytest.mark.parametrize("how", ["quantile:4", "width:6", "20, 30.5, 64"])
def test_a_cut_puts_values_where_python_puts_them(made, how):
    key = binning.cut(made, "m", "age", how)
    cube = made.ask(Query("m", frozenset(), by=(key,))).cube
    edges = [float(edge) for edge in key.edges]
    ages = [each for each in GIVEN["age"][1] if each is not None]
    wanted = np.bincount(np.searchsorted(edges, ages, side="right"), minlength=len(edges) + 1)
    counted = dict(zip(cube.groups["k0"].to_list(), cube.rows.tolist(), strict=True))
    assert counted.pop(None) == len(GIVEN["age"][1]) - len(ages)
    assert counted == {name: int(n) for name, n in zip(key.names(), wanted, strict=True) if n}


def test_quantile_bins_hold_equally_many(made):
    sizes = segments(made, by=["income"], binnings={"income": "quantile:4"}, metric="accuracy").frame
    sizes = sizes.filter(pl.col("income").is_not_null())["rows"].to_numpy()
    assert len(sizes) == 4
    assert sizes.max() - sizes.min() <= 3


def test_the_conditions_of_a_cross_do_not_overlap(made):
    keys = ("region", binning.cut(made, "m", "age", "quantile:4"))
    cube = made.ask(Query("m", frozenset(), by=keys)).cube
    parts = conditions(made.facts, keys, cube.groups)
    assert len(set(parts)) == len(parts) == 3 * 5
    assert cube.rows.sum() == len(GIVEN["y"][1])


def test_a_cross_against_its_row_and_column_is_the_interaction_of_a_regression(made):
    found = segments(made, by=["region", "age"], binnings={"age": "60"}, metric="accuracy", against="parents").frame
    y, p = rows()
    frame = {
        "right": (y == p).astype(float),
        "west": np.array([each == "West" for each in GIVEN["region"][1]], dtype=float),
        "old": np.array([each is not None and each >= 60 for each in GIVEN["age"][1]], dtype=float),
    }
    fit = smf.ols("right ~ west * old", data=pd.DataFrame(frame)).fit(cov_type="HC0")
    row = found.filter((pl.col("region") == "West") & (pl.col("age") == "60 and above")).row(0, named=True)
    assert row["difference"] == pytest.approx(fit.params["west:old"], abs=1e-10)
    low, high = fit.conf_int().loc["west:old"]
    assert row["difference_low"] == pytest.approx(low, abs=0.01)
    assert row["difference_high"] == pytest.approx(high, abs=0.01)
    assert row["verdict"] == "worse"
    assert row["value"] == pytest.approx(row["other_value"] + row["difference"], abs=1e-12)
    others = found.filter((pl.col("region") != "West") & (pl.col("age") == "60 and above"))
    assert set(others["verdict"]) <= {"better", "no clear change"}


@pytest.mark.slow
def test_rows_and_columns_that_add_up_earn_no_verdict_in_a_cross(folder):
    """Two strong main effects, no interaction: at most q of the crosses may claim one."""
    random = np.random.default_rng(5)
    claimed = 0
    for _ in range(40):
        size = 3000
        a, b = random.integers(0, 4, size), random.integers(0, 4, size)
        right = random.random(size) < 0.9 - 0.1 * a - 0.08 * b
        label = random.random(size) < 0.5
        given = {
            "y": ("VARCHAR", np.where(label, "yes", "no").tolist()),
            "p": ("VARCHAR", np.where(right == label, "yes", "no").tolist()),
            "a": ("VARCHAR", [f"a{each}" for each in a]),
            "b": ("VARCHAR", [f"b{each}" for each in b]),
        }
        one = opened(folder, Table(given), task="binary", roles=ROLES)
        found = segments(one, by=["a", "b"], metric="accuracy", against="parents").frame
        claimed += int(found["verdict"].is_in(["better", "worse"]).any())
    assert claimed <= 6  # of 40 at 5 %: more happens once in 150 such runs


def test_a_whole_that_moves_against_all_its_groups_is_said(folder):
    """Version b is better in both groups, but answered mostly the hard one."""
    given = {"y": [], "pa": [], "pb": [], "kind": []}
    for kind, of_a, right_a, of_b, right_b in (("easy", 800, 720, 200, 190), ("hard", 200, 100, 800, 480)):
        for place in range(800):
            given["y"].append("yes")
            given["kind"].append(kind)
            given["pa"].append(None if place >= of_a else "yes" if place < right_a else "no")
            given["pb"].append(None if place >= of_b else "yes" if place < right_b else "no")
    given["y"] += ["no"] * 10
    given["kind"] += ["easy"] * 10
    given["pa"] += ["no"] * 10
    given["pb"] += ["no"] * 10
    models = (ModelColumns("a", prediction="pa"), ModelColumns("b", prediction="pb"))
    one = opened(
        folder,
        Table({name: ("VARCHAR", values) for name, values in given.items()}),
        task="binary",
        roles=Roles(label="y", models=models, positive="yes"),
    )
    result = segments(one, by=["kind"], metric="recall")
    assert result.frames["reversals"].select("first", "second", "groups").rows() == [("a", "b", "up")]
    assert "Careful: b is lower than a on the whole, yet higher in every group of kind" in result.sentence
    assert not len(segments(one, by=["kind"], metric="specificity").frames["reversals"])


def test_a_metric_that_rises_over_time_while_it_falls_in_every_group_is_said(folder):
    """The easy kind is a fifth of the first ten days and four fifths of the next; both kinds get harder."""
    given = {"y": [], "p": [], "kind": [], "t": []}
    for days, parts in ((range(1, 11), ((200, 180, "easy"), (800, 480, "hard"))),
                        (range(11, 21), ((800, 700, "easy"), (200, 100, "hard")))):  # fmt: skip
        for of, right, kind in parts:
            for place in range(of):
                given["y"].append("yes")
                given["p"].append("yes" if place < right else "no")
                given["kind"].append(kind)
                given["t"].append(date(2026, 1, days[place % 10]))
    kinds = {name: ("DATE" if name == "t" else "VARCHAR", values) for name, values in given.items()}
    kinds["y"][1][0] = "no"
    one = opened(folder, Table(kinds), task="binary", roles=ROLES.with_(time="t"))
    later = Period(date(2026, 1, 11), date(2026, 1, 20))
    result = segments(one, by=["kind"], metric="recall", period=later)
    assert result.frames["reversals"]["groups"].to_list() == ["down"]
    assert "m is higher than in 2026-01-01 to 2026-01-10 on the whole, yet lower in every group" in result.sentence
    assert not len(segments(one, by=["kind"], metric="recall").frames["reversals"])


@pytest.mark.parametrize(
    ("against", "first", "last"),
    [
        ("before", date(2025, 5, 26), date(2025, 6, 4)),
        ("weekdays", date(2025, 5, 22), date(2025, 5, 31)),
        ("season", date(2024, 6, 6), date(2024, 6, 15)),
    ],
)
def test_a_group_against_itself_at_an_earlier_time(folder, against, first, last):
    """The age of a group that is not there at the earlier time has nothing to be compared with."""
    given = table(seed=4) | {"t": GIVEN["day"]}
    days = [day if place % 2 else day.replace(year=2024) for place, day in enumerate(GIVEN["day"][1])]
    given["t"] = ("DATE", days)
    one = opened(folder, Table(given), task="binary", roles=ROLES.with_(time="t"))
    period = Period(date(2025, 6, 5), date(2025, 6, 14))
    found = segments(one, by=["region"], metric="accuracy", against=against, period=period).frame
    assert set(found["other"]) == {f"{first} to {last}"}
    for row in found.iter_rows(named=True):
        where = parse(row["where"], columns=one.facts.types())
        now, then = (
            measure(one, metrics=["accuracy"], where=where, period=each).frame.row(0, named=True)
            for each in (period, Period(first, last))
        )
        assert (row["value"], row["n"], row["other_n"]) == (now["value"], now["n"], then["n"])
        assert row["difference"] == pytest.approx(now["value"] - then["value"])
        counts = [round(each["value"] * each["n"]) for each in (now, then)]
        p = proportions_ztest(counts, [now["n"], then["n"]])[1]
        assert row["p"] == pytest.approx(p, rel=1e-6)
    with pytest.raises(BadRequest, match="choose one, with both its ends"):
        segments(one, by=["region"], metric="accuracy", against=against)


@pytest.mark.parametrize("unit", [None, "name"])
@pytest.mark.parametrize("by", [["region"], ["region", "same"]])
def test_a_filter_that_nothing_passes_is_an_answer_too(folder, by, unit):
    one = opened(folder, Table(GIVEN), task="binary", roles=ROLES.with_(unit=unit))
    where = parse("region = 'Nowhere'", columns=one.facts.types())
    result = segments(one, by=by, where=where)
    assert not len(result.frame)
    assert "Nothing could be compared" in result.sentence
    assert not len(segmentrows.groups(result, ["m"], small=False)[0])
    if len(by) > 1:
        assert not len(segmentrows.cross(result, "m"))
    assert segmentrows.choices(result, "m") == {}


HOSTILE = [
    "it's",
    '"quoted"',
    "a;b--",
    "null",
    "NaN",
    "",
    " ",
    "other",
    "ünï\u200b",
    "'; drop table rows; --",
    "x" * 300,
]


@given(st.lists(st.sampled_from([*HOSTILE, None]), min_size=8, max_size=40), st.sampled_from(HOSTILE[:-1]))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_hostile_names_and_values_are_groups_like_others(folder, values, name):
    column = name.strip() or "blank"
    given = {"y": ("VARCHAR", ["yes", "no"] * len(values)), "p": ("VARCHAR", ["yes"] * 2 * len(values))}
    one = opened(folder, Table(given | {column: ("VARCHAR", values * 2)}), task="binary", roles=ROLES)
    found = segments(one, by=[column], metric="selection_rate").frame
    assert found["rows"].sum() == 2 * len(values)
    for row in found.iter_rows(named=True):
        where = parse(row["where"], columns=one.facts.types())
        assert measure(one, metrics=["selection_rate"], where=where).frame["n"][0] == row["n"]


def stepped(folder, random, *, step):
    size = 4000
    x = np.round(random.random(size) * 100, 1)
    label = random.random(size) < 0.5
    right = random.random(size) < np.where(x < 40, 0.9, 0.9 - step)
    given = {
        "y": ("VARCHAR", np.where(label, "yes", "no").tolist()),
        "p": ("VARCHAR", np.where(right == label, "yes", "no").tolist()),
        "x": ("DOUBLE", x.tolist()),
    }
    return opened(folder, Table(given), task="binary", roles=ROLES)


def test_a_column_is_cut_where_the_metric_changes_and_measured_on_the_other_half(folder):
    one = stepped(folder, np.random.default_rng(2), step=0.2)
    result = segments(one, by=["x"], binnings={"x": "supervised"}, metric="accuracy")
    edge = parse(result.frame["where"][0], columns=one.facts.types()).value
    assert len(result.frame) == 2
    assert float(edge) == pytest.approx(40, abs=3)  # one of twenty bins
    assert result.frame["verdict"].to_list() == ["better", "worse"]
    halves = one.ask(Query("m", frozenset(), halves=True)).cube
    assert result.frame["rows"].sum() == halves.rows[halves.groups["k0"].to_list().index("false")]
    assert "other half" in result.receipt.notes[0]


@pytest.mark.slow
def test_a_column_without_change_is_not_cut(folder):
    random = np.random.default_rng(9)
    cut = [
        len(segments(stepped(folder, random, step=0), by=["x"], binnings={"x": "supervised"}, metric="accuracy").frame)
        for _ in range(40)
    ]
    assert sum(each > 1 for each in cut) <= 6


def test_crosses_of_long_columns_say_what_they_leave_out(made):
    result = segments(made, by=["name", "region"], metric="accuracy")
    assert result.frame["name"].n_unique() == 20
    assert "Only the 20 most frequent values of 'name' are crossed" in result.receipt.notes[0]
    assert result.frame["rows"].sum() < len(GIVEN["y"][1])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"by": ["region"], "binnings": {"region": "quantile:4"}}, "only numbers and dates"),
        ({"by": ["age"], "binnings": {"age": "quantile:1"}}, "2 to 60"),
        ({"by": ["age"], "binnings": {"age": "young"}}, "not a number"),
        ({"by": ["age"], "binnings": {"age": "month"}}, "no months"),
        ({"by": ["age"], "binnings": {"age": " , "}}, "where to cut"),
        ({"by": ["region", "region"]}, "two different ones"),
        ({"by": ["region"], "against": "parents"}, "its parents"),
        ({"by": ["region"], "metric": "mae"}, "is binary"),
        ({"by": ["regoin"]}, "Did you mean 'region'"),
        ({"by": ["region", "age"], "binnings": {"age": "supervised"}}, "by itself"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(made, wrong, said):
    with pytest.raises(BadRequest, match=said):
        segments(made, **wrong)


def test_edges_are_ordered_and_named(made):
    assert typed("age", "INTEGER", ["65", "18", "18"]).edges == (18, 65)
    with pytest.raises(BadRequest, match="ascend"):
        Cut("age", (3, 2))
    with pytest.raises(BadRequest, match="at most"):
        Cut("age", tuple(range(300)))
    assert sliceable(made)[0] == "recall"
    assert binning.offered(made.facts.column("age"))[0] == "quantile:10"
    assert binning.offered(made.facts.column("region")) == []


@pytest.mark.slow
def test_where_rows_belong_to_units_differences_and_crosses_know_it(folder):
    """200 units of 15 rows, each with a skill of its own; nothing depends on the columns."""
    random = np.random.default_rng(1)
    missed = {"": [0, 0], "u": [0, 0]}
    for _ in range(12):
        u = np.repeat(np.arange(200), 15)
        right = random.random(len(u)) < random.beta(2, 1, 200)[u]
        label = random.random(len(u)) < 0.5
        given = {
            "y": ("VARCHAR", np.where(label, "yes", "no").tolist()),
            "p": ("VARCHAR", np.where(right == label, "yes", "no").tolist()),
            "a": ("VARCHAR", [f"a{each}" for each in random.integers(0, 2, len(u))]),
            "b": ("VARCHAR", [f"b{each}" for each in random.integers(0, 3, 200)[u]]),
            "u": ("VARCHAR", [f"u{each}" for each in u]),
        }
        for unit, count in missed.items():
            roles = ROLES.with_(unit=unit or None)
            one = opened(folder, Table(given), task="binary", roles=roles)
            for place, options in enumerate(({"by": ["b"]}, {"by": ["a", "b"], "against": "parents"})):
                found = segments(one, metric="accuracy", **options).frame
                count[place] += found.filter((pl.col("difference_low") > 0) | (pl.col("difference_high") < 0)).height
    assert missed[""][0] >= 8  # of 36: rows are not independent
    assert missed["u"][0] <= 4
    assert missed["u"][1] <= 9  # of 72
