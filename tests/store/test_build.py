"""Evaluation files against a reading of the same rows in plain Python: every label, decision, score and loss."""

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.core.errors import BadRequest
from analysis.core.roles import ModelColumns, Roles
from analysis.engine.query import Query
from tests.engine.making import ONE, Folder, Table, binary, facts, opened, stored

NAN, INF = math.nan, math.inf
EPSILON = np.finfo(float).eps
FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SPELLINGS = {
    "flag": ("BOOLEAN", True, False),
    "whole": ("INTEGER", 1, 0),
    "number": ("DOUBLE", 1.0, 0.0),
    "price": ("DECIMAL(3,1)", "1.0", "0.0"),
    "yes": ("VARCHAR", "yes", "no"),
    "Yes": ("VARCHAR", "Yes", "No"),
    "true": ("VARCHAR", "True", "False"),
    "text number": ("VARCHAR", "1.0", "0.0"),
    "Y": ("VARCHAR", "Y", "N"),
}
sides = st.sampled_from([True, False, None])
scores = st.one_of(st.none(), st.just(NAN), st.sampled_from([0.0, 1.0, 0.5]), st.floats(0, 1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("evaluations"))
    yield made
    made.close()


def known(value):
    return None if value is None or (isinstance(value, float) and not math.isfinite(value)) else value


def spelled(side, kind):
    return None if side is None else SPELLINGS[kind][1 if side else 2]


@FEW
@given(st.data())
def test_a_binary_file_holds_what_a_reader_would_read(folder, data):
    rows = data.draw(st.lists(st.tuples(sides, sides, scores), min_size=1, max_size=12))
    label, prediction = (data.draw(st.sampled_from(sorted(SPELLINGS))) for _ in range(2))
    with_prediction, with_score = data.draw(st.sampled_from([(True, True), (True, False), (False, True)]))
    columns = {
        "id": ("INTEGER", list(range(len(rows)))),
        "y": (SPELLINGS[label][0], [spelled(y, label) for y, _, _ in rows]),
    }
    if with_prediction:
        columns["p"] = (SPELLINGS[prediction][0], [spelled(p, prediction) for _, p, _ in rows])
    if with_score:
        columns["s"] = ("DOUBLE", [s for _, _, s in rows])
    table, roles = binary(**columns)
    roles = roles.with_(positive="1.0" if label == "text number" else None)
    made = opened(folder, table, task="binary", roles=roles)
    held = stored(folder, made.facts).sort(made.facts.column("id").key)
    number = {True: 1, False: 0, None: None}
    assert held["y"].to_list() == [number[y] for y, _, _ in rows]
    assert held["p0"].to_list() == [number[p] if with_prediction else None for _, p, _ in rows]
    assert made.facts.labelled == sum(y is not None for y, _, _ in rows)
    if not with_score:
        return
    assert held["s0"].to_list() == [known(s) for _, _, s in rows]
    assert made.facts.column("s").nan == sum(s is not None and math.isnan(s) for _, _, s in rows)
    losses, squares = [], []
    for y, _, s in rows:
        if y is not None and known(s) is not None:
            right = s if y else 1 - s
            losses.append(-math.log(min(max(right, EPSILON), 1 - EPSILON)))
            squares.append((s - y) ** 2)
    cube = made.ask(Query("m", frozenset({"sum:ll", "sum:ll2", "sum:sq", "sum:sq2"}))).cube
    assert cube.sums.n.tolist() == [len(losses)]
    for term, values in {"ll": losses, "sq": squares}.items():
        assert cube.sums.s[term][0] == pytest.approx(math.fsum(values), rel=1e-12, abs=1e-15)
        again = math.fsum(value * value for value in values)
        assert cube.sums.s[term + "2"][0] == pytest.approx(again, rel=1e-12, abs=1e-15)
    clipped = sum(known(s) is not None and y is not None and (s if y else 1 - s) < EPSILON for y, _, s in rows)
    assert made.facts.models[0].clipped == clipped


@FEW
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "c", None]), st.sampled_from(["a", "b", "c", None]), st.integers(0, 999)),
        min_size=2,
        max_size=10,
    ),
    st.booleans(),
)
def test_a_multiclass_file_holds_what_a_reader_would_read(folder, rows, whole):
    names = {"a": 1, "b": 2, "c": 10} if whole else {"a": "a", "b": "b", "c": "c"}
    random = np.random.default_rng([seed for _, _, seed in rows])
    shares = random.dirichlet([1, 1, 1], size=len(rows))
    holes = random.random((len(rows), 3)) < 0.1
    shares[0], holes[0] = [0, 0, 1], False
    given_shares = np.where(holes, NAN, shares)
    table = Table(
        {
            "y": ("INTEGER" if whole else "VARCHAR", [names.get(y) for y, _, _ in rows]),
            "p": ("INTEGER" if whole else "VARCHAR", [names.get(p) for _, p, _ in rows]),
            **{f"s_{each}": ("DOUBLE", given_shares[:, i].tolist()) for i, each in enumerate("abc")},
        }
    )
    columns = tuple((str(names[each]), f"s_{each}") for each in "abc")
    roles = Roles(label="y", models=(ModelColumns("m", "p", columns),))
    made = facts(folder, table, task="multiclass", roles=roles)
    held = stored(folder, made)
    assert made.classes == tuple(str(names[each]) for each in "abc")
    place = {"a": 0, "b": 1, "c": 2, None: None}
    assert held["y"].to_list() == [place[y] for y, _, _ in rows]
    assert held["p0"].to_list() == [place[p] for _, p, _ in rows]
    for at, (y, _, _) in enumerate(rows):
        if y is None or holes[at].any():
            assert held["l0"][at] is None
            assert held["g0"][at] is None
            continue
        truth = np.eye(3)[place[y]]
        right = float((shares[at] * truth).sum())
        assert held["l0"][at] == pytest.approx(-math.log(min(max(right, EPSILON), 1 - EPSILON)), rel=1e-12)
        assert held["g0"][at] == pytest.approx(((shares[at] - truth) ** 2).sum() / 2, rel=1e-12, abs=1e-15)


numbers = st.one_of(st.none(), st.sampled_from([NAN, INF, -INF, 0.0]), st.floats(-1e6, 1e6))


@FEW
@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=12))
def test_a_regression_file_holds_what_a_reader_would_read(folder, rows):
    table = Table({"y": ("DOUBLE", [y for y, _ in rows]), "p": ("DOUBLE", [p for _, p in rows])})
    roles = Roles(label="y", models=(ModelColumns("m", "p"),))
    made = facts(folder, table, task="regression", roles=roles)
    held = stored(folder, made)
    truth, guess = [known(y) for y, _ in rows], [known(p) for _, p in rows]
    assert held["y"].to_list() == truth
    assert held["p0"].to_list() == guess
    errors = [None if y is None or p is None else p - y for y, p in zip(truth, guess, strict=True)]
    assert held["e0"].to_list() == errors
    labels = [y for y in truth if y is not None]
    assert made.labelled == len(labels)
    if labels:
        assert made.median == np.median(labels)
        assert made.centre == pytest.approx(np.mean(labels), rel=1e-9, abs=1e-9)
    codes = stored(folder, made, "SELECT low FROM codes WHERE name = 'a0' ORDER BY code")["low"].to_list()
    for error, code in zip(errors, held["a0"].to_list(), strict=True):
        assert (code is None) == (error is None)
        assert code is None or codes[code] == abs(error)


def built(folder, roles=None, **columns):
    table, own = binary(**columns)
    return facts(folder, table, task="binary", roles=roles or own)


SCORES = ("DOUBLE", [0.2, 0.8, 0.6])


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (("INTEGER", [0, 0, 0]), ("0", "1")),
        (("BOOLEAN", [True, True, None]), ("not true", "true")),
        (("VARCHAR", ["No", "No", None]), ("No", "Yes")),
        (("VARCHAR", [None, None, None]), ("negative", "positive")),
        (None, ("negative", "positive")),
    ],
)
def test_one_class_or_none_can_still_be_scored(folder, labels, classes):
    columns = {"s": SCORES} if labels is None else {"y": labels, "s": SCORES}
    made = built(folder, **columns)
    assert made.classes == classes
    wanted = [] if labels is None else [value for value in labels[1] if value is not None]
    assert made.labelled == len(wanted)


@pytest.mark.parametrize(
    ("positive", "predictions", "wanted"),
    [
        ("yes", ["YES", "NO", "YES"], [1, 0, 1]),
        ("no", ["YES", "NO", "YES"], [0, 1, 0]),  # a decision means what it says, whichever class is the positive one
        ("no", ["yes", "no", "yes"], [0, 1, 0]),
        ("yes", ["true", "false", None], [1, 0, None]),
    ],
)
def test_decisions_spelled_otherwise_keep_their_meaning(folder, positive, predictions, wanted):
    table, roles = binary(y=("VARCHAR", ["yes", "no", "no"]), p=("VARCHAR", predictions))
    made = facts(folder, table, task="binary", roles=roles.with_(positive=positive))
    assert stored(folder, made)["p0"].to_list() == wanted


def test_one_and_zero_stand_for_the_positive_class_where_the_classes_are_no_words(folder):
    table, roles = binary(y=("VARCHAR", ["good", "bad", "bad"]), p=("INTEGER", [1, 0, 1]))
    made = facts(folder, table, task="binary", roles=roles.with_(positive="bad"))
    assert stored(folder, made)["p0"].to_list() == [1, 0, 1]
    assert any("'1' as 'bad'" in note for note in made.notes)


def test_predictions_that_are_no_class_are_refused_by_name(folder):
    with pytest.raises(BadRequest, match="'maybe'"):
        built(folder, y=("VARCHAR", ["yes", "no"]), p=("VARCHAR", ["yes", "maybe"]))


def test_more_than_two_labels_are_refused_with_the_way_out(folder):
    with pytest.raises(BadRequest, match="multiclass"):
        built(folder, y=("INTEGER", [0, 1, 2]), s=SCORES)


def test_a_positive_class_that_never_occurs_is_refused(folder):
    table, roles = binary(y=("VARCHAR", ["a", "b", "a"]), s=SCORES)
    with pytest.raises(BadRequest, match="never has the value 'c'"):
        facts(folder, table, task="binary", roles=roles.with_(positive="c"))
    with pytest.raises(BadRequest, match="--positive with one of"):
        facts(folder, table, task="binary", roles=roles)


def test_the_score_of_the_other_class_is_turned_round(folder):
    table = Table({"y": ("VARCHAR", ["yes", "no"]), "s": ("DOUBLE", [0.25, 0.75])})
    roles = Roles(label="y", positive="yes", models=(ModelColumns("m", None, (("no", "s"),)),))
    made = facts(folder, table, task="binary", roles=roles)
    assert stored(folder, made)["s0"].to_list() == [0.75, 0.25]


def test_a_score_column_a_class_takes_the_positive_one(folder):
    table = Table({"y": ("VARCHAR", ["yes", "no"]), "n": ("DOUBLE", [0.2, 0.9]), "s": ("DOUBLE", [0.8, 0.1])})
    roles = Roles(label="y", positive="yes", models=(ModelColumns("m", None, (("no", "n"), ("yes", "s"))),))
    assert stored(folder, facts(folder, table, task="binary", roles=roles))["s0"].to_list() == [0.8, 0.1]


def test_scores_outside_0_to_1_are_counted_and_are_no_probabilities(folder):
    made = built(folder, y=("INTEGER", [0, 1, 1, 0]), s=("DOUBLE", [-0.1, 1.2, 0.5, None]))
    model = made.models[0]
    assert (model.outside, model.probabilities, model.exact) == (2, False, True)


def test_infinite_scores_are_missing(folder):
    made = built(folder, y=("INTEGER", [0, 1, 1]), s=("DOUBLE", [INF, 0.4, -INF]))
    assert stored(folder, made)["s0"].to_list() == [None, 0.4, None]
    assert made.models[0].scored == 1


@pytest.mark.parametrize("bad", [-1.0, INF])
def test_a_weight_below_zero_or_infinite_is_refused_with_its_count(folder, bad):
    with pytest.raises(BadRequest, match="'w' has 2 negative or infinite values"):
        built(folder, y=("INTEGER", [0, 1, 1]), s=SCORES, w=("DOUBLE", [bad, 1.0, bad]))


def test_missing_weights_are_said_and_zero_is_a_weight(folder):
    made = built(folder, y=("INTEGER", [0, 1, 1]), s=SCORES, w=("DOUBLE", [0.0, None, NAN]))
    assert any("2 rows without a weight" in note for note in made.notes)
    assert stored(folder, made)["w"].to_list() == [0.0, None, None]


@pytest.mark.parametrize("kind", ["prediction", "latency", "score", "label", "weight"])
def test_text_where_a_number_belongs_is_refused_by_name(folder, kind):
    table = Table({"y": ("DOUBLE", [1.0, 2.0]), "p": ("DOUBLE", [1.0, 2.0]), "x": ("VARCHAR", ["a", "b"])})
    model = ModelColumns("m", "x" if kind == "prediction" else "p")
    roles, task = Roles(label="y", models=(model,)), "regression"
    if kind == "latency":
        roles = roles.with_(models=(ModelColumns("m", "p", latency="x"),))
    if kind == "score":
        roles, task = Roles(label="y", models=(ModelColumns("m", None, ((None, "x"),)),)), "binary"
    if kind == "label":
        roles = roles.with_(label="x")
    if kind == "weight":
        roles = roles.with_(weight="x")
    with pytest.raises(BadRequest, match="' holds VARCHAR, not numbers"):
        facts(folder, table, task=task, roles=roles)


VIENNA = ZoneInfo("Europe/Vienna")
MOMENTS = [datetime(2025, 3, 30, h, 30, tzinfo=UTC) for h in range(4)] + [datetime(2025, 10, 26, 1, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("TIMESTAMP WITH TIME ZONE", [moment.isoformat() for moment in MOMENTS]),
        ("BIGINT", [int(moment.timestamp()) for moment in MOMENTS]),
        ("BIGINT", [int(moment.timestamp()) * 1_000 for moment in MOMENTS]),
        ("BIGINT", [int(moment.timestamp()) * 1_000_000 for moment in MOMENTS]),
    ],
)
def test_moments_are_kept_in_the_zone_of_the_time_role_over_a_change_of_clocks(folder, kind, values):
    table, roles = binary(y=("INTEGER", [0, 1, 0, 1, 1]), s=("DOUBLE", [0.1] * 5), t=(kind, values))
    made = facts(folder, table, task="binary", roles=roles.with_(zone="Europe/Vienna"))
    wanted = [moment.astimezone(VIENNA).replace(tzinfo=None) for moment in MOMENTS]
    assert stored(folder, made)["t"].to_list() == wanted
    assert made.time_low == str(min(wanted))
    assert made.time_high == str(max(wanted))


@pytest.mark.parametrize("kind", ["DATE", "TIMESTAMP"])
def test_days_and_plain_moments_are_local_already(folder, kind):
    days = [date(2025, 3, 30), None, date(2025, 3, 31)]
    table, roles = binary(y=("INTEGER", [0, 1, 0]), s=SCORES, t=(kind, days))
    made = facts(folder, table, task="binary", roles=roles.with_(zone="Asia/Tokyo"))
    held = stored(folder, made)["t"].to_list()
    assert held == [datetime(2025, 3, 30), None, datetime(2025, 3, 31)]
    assert made.grain == ("date" if kind == "DATE" else "timestamp")
    assert any("1 rows without a time" in note for note in made.notes)


def test_numbers_that_are_no_moments_are_refused_and_so_is_an_unknown_zone(folder):
    with pytest.raises(BadRequest, match="not dates or times"):
        built(folder, y=("INTEGER", [0, 1, 1]), s=SCORES, t=("BIGINT", [1, 2, 3]))
    table, roles = binary(y=("INTEGER", [0, 1, 1]), s=SCORES, t=("DATE", ["2025-01-01"] * 3))
    with pytest.raises(BadRequest, match=r"no time zone 'Europe/Viena'\. Did you mean 'Europe/Vienna'"):
        facts(folder, table, task="binary", roles=roles.with_(zone="Europe/Viena"))


HOSTILE = ['a"b', "x'; DROP TABLE rows; --", "k0", "y", "rows", "select", " ", "ünï 漢", "n", "{i}", "%s", "$1"]


def test_hostile_column_names_are_labels_only(folder):
    columns = {name: ("VARCHAR", ["u", "v", None]) for name in HOSTILE if name != "y"}
    table = Table({"label '": ("INTEGER", [0, 1, 1]), 'score "': SCORES, **columns})
    roles = Roles(label="label '", models=(ModelColumns("'; --", None, ((None, 'score "'),)),))
    made = opened(folder, table, task="binary", roles=roles)
    assert [column.name for column in made.facts.columns] == list(table.columns)
    for name in columns:
        cube = made.ask(Query("'; --", frozenset({"scores"}), by=(name,))).cube
        assert cube.rows.tolist() == [1, 1, 1]


COLUMNS = {
    "gone": ("VARCHAR", [None] * 1001, "values", 0),
    "gone number": ("DOUBLE", [None] * 1001, "values", 0),
    "all nan": ("DOUBLE", [NAN] * 1001, "values", 0),
    "many": ("VARCHAR", [f"v{i}" for i in range(1001)], "plain", None),
    "thousand": ("VARCHAR", [f"v{i % 1000}" for i in range(1001)], "values", 1000),
    "flag": ("BOOLEAN", [i % 3 == 0 if i % 5 else None for i in range(1001)], "values", 2),
    "huge": ("HUGEINT", [10**30 * i for i in range(1001)], "bins", None),
    "few huge": ("HUGEINT", [10**30 + i % 7 for i in range(1001)], "values", 7),
    "price": ("DECIMAL(20,4)", [Decimal(i) / 8 for i in range(1001)], "bins", None),
    "fifty": ("INTEGER", [i % 50 for i in range(1001)], "values", 50),
    "fifty-one": ("INTEGER", [i % 51 for i in range(1001)], "bins", None),
    "day": ("DATE", [date(2024, 1, 1) + timedelta(i % 9) for i in range(1001)], "values", 9),
    "days": ("DATE", [date(2024, 1, 1) + timedelta(i) for i in range(1001)], "bins", None),
}


@pytest.fixture(scope="module")
def wide(folder):
    table = Table(
        {
            "y": ("INTEGER", [i % 2 for i in range(1001)]),
            "s": ("DOUBLE", [i / 1001 for i in range(1001)]),
            **{name: (kind, values) for name, (kind, values, _, _) in COLUMNS.items()},
        }
    )
    return table, opened(
        folder, table, task="binary", roles=Roles(label="y", models=(ModelColumns("m", None, ONE.scores),))
    )


@pytest.mark.parametrize("name", COLUMNS)
def test_any_column_can_be_grouped_by_and_no_row_is_lost(wide, name):
    _, made = wide
    _, values, encoding, distinct = COLUMNS[name]
    column = made.facts.column(name)
    assert column.encoding == encoding
    assert distinct is None or column.distinct == distinct
    cube = made.ask(Query("m", frozenset({"scores"}), by=(name,))).cube
    assert cube.rows.sum() == 1001
    missing = [i for i, value in enumerate(values) if known(value) is None]
    shown = dict(zip(cube.groups["k0"].to_list(), cube.rows.tolist(), strict=True))
    assert shown.pop(None, 0) == len(missing)
    if encoding == "values":
        texts = [("true" if value else "false") if isinstance(value, bool) else str(value) for value in values]
        kept = [text for i, text in enumerate(texts) if i not in set(missing)]
        assert shown == {text: kept.count(text) for text in set(kept)}
    elif encoding == "bins":
        assert len(shown) == 10
        assert max(shown.values()) - min(shown.values()) <= 21  # equally full but for ties: 51 values of 20 rows each
    else:
        assert len(shown) == 1001
        assert shown["other"] == 1


def test_bins_hold_what_their_edges_say(folder, wide):
    _, made = wide
    held = stored(folder, made.facts)
    for name in ("huge", "price", "fifty-one"):
        column = made.facts.column(name)
        edges = [Decimal(edge) for edge in column.edges[1:-1]]
        wanted = [sum(Decimal(value) >= edge for edge in edges) for value in COLUMNS[name][1]]
        assert held[column.code].to_list() == wanted


def test_a_table_of_one_row(folder):
    made = built(folder, y=("INTEGER", [1]), s=("DOUBLE", [0.7]), p=("INTEGER", [1]))
    assert (made.rows, made.labelled, made.models[0].scored) == (1, 1, 1)


def test_the_half_bit_follows_the_id_and_not_the_row(folder):
    ids = [f"id{i}" for i in range(400)]
    order = np.random.default_rng(5).permutation(400)
    halves = []
    for places in (range(400), order):
        table, roles = binary(
            id=("VARCHAR", [ids[i] for i in places]),
            y=("INTEGER", [i % 2 for i in places]),
            s=("DOUBLE", [i / 400 for i in places]),
        )
        made = facts(folder, table, task="binary", roles=roles)
        held = stored(folder, made)
        halves.append(dict(zip(held[made.column("id").key].to_list(), held["half"].to_list(), strict=True)))
    assert halves[0] == halves[1]
    assert 140 < sum(halves[0].values()) < 260


def test_repeated_ids_are_counted_and_kept(folder):
    made = built(folder, id=("INTEGER", [1, 1, 1]), y=("INTEGER", [0, 1, 1]), s=SCORES)
    assert any("2 rows repeat an id" in note for note in made.notes)
    assert made.rows == 3
