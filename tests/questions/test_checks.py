"""Each check on a small table with its fault: found with its rows, judged as uploaded, never refused."""

import math
from datetime import datetime, timedelta

import numpy as np
import pytest

from analysis import questions
from analysis.checks import CHECKS
from analysis.core.errors import UnknownName
from analysis.core.expression import parse
from analysis.core.roles import ModelColumns, Roles
from analysis.core.settings import SETTINGS
from analysis.questions.quality import COLUMNS
from analysis.telling import qualityrows
from tests.engine.making import Folder, Table, uploaded

N = 400


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("checks"))
    yield made
    made.close()


def base() -> dict[str, tuple[str, list]]:
    """A table without faults: id, moment, label, score, decision, and a number and a text of no interest."""
    random = np.random.default_rng(5)
    score = random.beta(2, 2, N)
    start = datetime(2026, 1, 5)
    return {
        "id": ("VARCHAR", [f"r{place}" for place in random.permutation(N)]),
        "at": ("TIMESTAMP", [str(start + timedelta(hours=4 * place)) for place in range(N)]),
        "y": ("VARCHAR", ["yes" if random.random() < each else "no" for each in score]),
        "s": ("DOUBLE", score.tolist()),
        "p": ("VARCHAR", ["yes" if each >= 0.5 else "no" for each in score]),
        "x": ("DOUBLE", random.normal(size=N).tolist()),
        "kind": ("VARCHAR", random.choice(["a", "b", "c"], N).tolist()),
    }


ROLES = Roles(
    id=("id",), label="y", positive="yes", time="at", models=(ModelColumns("m", "p", ((None, "s"),)),), features=("x",)
)


def hits(folder, columns, roles=ROLES, task="binary", checks=()):
    """The hits of a table; what a segment says is counted."""
    subject = uploaded(folder, Table(columns), task=task, roles=roles)
    frame = questions.quality(subject, checks=checks).frame
    types = {column.name: column.type for column in subject.columns}
    for row in frame.iter_rows(named=True):
        if row["where"] is not None and row["code"] not in ("Q01", "Q02", "Q03", "Q04"):
            assert subject.count(parse(row["where"], columns=types)) == row["rows"], row
    return frame.filter(outcome="found").to_dicts()


def at(columns, name, places, value):
    """The columns with other values in some places of one."""
    kind, values = columns[name]
    made = list(values)
    for place in places:
        made[place] = value(made[place]) if callable(value) else value
    return columns | {name: (kind, made)}


def text(columns, name, values):
    return columns | {name: ("VARCHAR", values)}


def test_without_a_fault_nothing_is_found(folder):
    assert hits(folder, base()) == []


def long_file():
    columns = {name: (kind, [*values, *values]) for name, (kind, values) in base().items()}
    columns["version"] = ("VARCHAR", ["v1"] * N + ["v2"] * (N - 3) + ["v1"] * 3)
    return columns, ROLES.with_(model_version="version")


def parts():
    columns = base() | {"split": ("VARCHAR", ["train"] * 300 + ["test"] * 100)}
    for name in columns:
        if name not in ("id", "split"):
            columns = at(columns, name, [350], columns[name][1][10])
    return columns, ROLES.with_(split="split")


def classes(total):
    random = np.random.default_rng(1)
    scores = random.dirichlet([2, 2, 2], N)
    scores[:7] *= total
    columns = {name: ("DOUBLE", scores[:, place].tolist()) for place, name in enumerate("abc")}
    columns["y"] = ("VARCHAR", random.choice(["a", "b", "c"], N).tolist())
    model = ModelColumns("m", scores=tuple((name, name) for name in "abc"))
    return columns, Roles(label="y", models=(model,)), "multiclass"


FAULTS = {  # name: (columns, code, rows, columns named)
    "repeated rows": (lambda b: {k: (t, [*v, *v[:3]]) for k, (t, v) in b.items()}, "Q01", 3, "id"),
    "another id": (
        lambda b: {k: (t, [*v, *(["n1", "n2"] if k == "id" else v[:2])]) for k, (t, v) in b.items()},
        *("Q02", 2, "id"),
    ),
    "duplicate ids": (lambda b: at(b, "id", [5, 9], "r1"), "Q03", 2, "id"),
    "constant": (lambda b: text(b, "one", ["EUR"] * N), "Q05", None, "one"),
    "identical": (lambda b: b | {"again": b["x"]}, "Q06", None, "x, again"),
    "id-like": (lambda b: text(b, "token", [f"t{place * 7}" for place in range(N)]), "Q07", None, "token"),
    "spelled out": (lambda b: at(b, "kind", range(40), " N/A "), "Q08", 40, "kind"),
    "mixed": (lambda b: text(b, "amount", ["12.5"] * 390 + ["about 7"] * 10), "Q09", 10, "amount"),
    "stands for missing": (
        lambda b: b | {"m": ("INTEGER", [place % 50 for place in range(370)] + [999] * 30)},
        *("Q10", 30, "m"),
    ),
    "future": (lambda b: b | {"due": ("DATE", ["2026-01-01"] * 395 + ["2062-01-01"] * 5)}, "Q11", 5, "due"),
    "long ago": (lambda b: b | {"born": ("DATE", ["1980-01-01"] * 398 + ["1066-10-14"] * 2)}, "Q11", 2, "born"),
    "infinite": (lambda b: at(b, "x", [3, 4, 5], math.inf), "Q12", 3, "x"),
    "ages": (
        lambda b: b | {"age": ("INTEGER", [40 + place % 20 for place in range(398)] + [-1, 200])},
        "Q12",
        2,
        "age",
    ),
    "spellings": (lambda b: at(b, "kind", range(12), lambda each: each.upper() + " "), "Q13", 12, "kind"),
    "rate": (lambda b: at(b, "y", range(300, 400), "no"), "L02", None, "y"),
    "leak": (
        lambda b: (
            b | {"leak": ("INTEGER", [int(each == "yes") * 3 + place % 3 for place, each in enumerate(b["y"][1])])}
        ),
        *("L03", None, "leak"),
    ),
    "order": (lambda b: b | {"y": ("VARCHAR", sorted(b["y"][1]))}, "L04", None, "id"),
    "tells": (
        lambda b: b | {"x": ("DOUBLE", [None if each == "yes" else 1.0 * at for at, each in enumerate(b["y"][1])])},
        *("L06", None, "x"),
    ),
    "wrong labels": (
        lambda b: at(
            b,
            "y",
            [place for place, kind in enumerate(b["kind"][1]) if kind == "a" and abs(b["s"][1][place] - 0.5) > 0.1],
            lambda each: "no" if each == "yes" else "yes",
        ),
        *("L08", None, "y, kind"),
    ),
    "e-mail": (lambda b: text(b, "note", ["ask jo@example.org"] * 3 + ["fine @ home"] * (N - 3)), "V01", 3, "note"),
    "telephone": (lambda b: text(b, "note", ["+44 20 7946 0060"] * 3 + ["+44 only"] * (N - 3)), "V01", 3, "note"),
    "iban": (lambda b: text(b, "note", ["GB82 WEST 1234 5698 7654 32"] * 2 + ["x"] * (N - 2)), "V01", 2, "note"),
    "card": (lambda b: text(b, "note", ["4111-1111-1111-1111"] * 2 + ["x"] * (N - 2)), "V01", 2, "note"),
    "outside": (lambda b: at(b, "s", [1, 2], 1.5), "P01", 2, "s"),
    "against the score": (
        lambda b: at(b, "p", range(12), lambda each: "no" if each == "yes" else "yes"),
        *("P03", 12, "s, p"),
    ),
    "inverted": (lambda b: b | {"s": ("DOUBLE", [1 - each for each in b["s"][1]])}, "P04", None, "s"),
    "constant score": (lambda b: b | {"s": ("DOUBLE", [0.5] * N)}, "P05", N, "s"),
    "rounded": (lambda b: b | {"s": ("DOUBLE", [round(each, 2) for each in b["s"][1]])}, "P06", None, "s"),
    "clipped": (lambda b: b | {"s": ("DOUBLE", [min(each, 0.8) for each in b["s"][1]])}, "P06", None, "s"),
    "no answer": (lambda b: at(at(b, "s", range(9), None), "p", range(9), None), "P07", 9, "s, p"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_with_its_rows(folder, name):
    change, code, rows, named = FAULTS[name]
    found = hits(folder, change(base()), checks=[code])
    assert len(found) == 1, found
    assert found[0]["columns"] == named
    assert rows is None or found[0]["rows"] == rows, found
    assert found[0]["suggestion"]


@pytest.mark.parametrize("number", ["GB83 WEST 1234 5698 7654 32", "4111 1111 1111 1112", "2026-11-25 10:20:30", "a@b"])
def test_what_only_looks_like_personal_data_is_none(folder, number):
    assert hits(folder, text(base(), "note", [number] * 5 + ["x"] * (N - 5)), checks=["V01"]) == []


def crowd(**changes):
    """A table with protected columns: groups in equal shares throughout, but for the changes."""
    columns = base() | {
        "sex": ("VARCHAR", ["f" if place % 2 else "m" for place in range(N)]),
        "age": ("VARCHAR", [f"{20 * (place // 2 % 4)}+" for place in range(N)]),
    }
    return columns | changes


PROTECTED = ROLES.with_(protected=("sex", "age"))
UNFAIR = {  # name: (changes of the crowd, code, {columns: rows})
    "nothing": ({}, "B01", {}),
    "few of a kind": (
        {"sex": ("VARCHAR", ["other"] * 3 + ["f" if place % 2 else "m" for place in range(3, N)])},
        *("V02", {"sex, age": 3}),
    ),
    "no longer there": (
        {"sex": ("VARCHAR", ["f" if place % 2 and (place < 200 or place % 4 == 1) else "m" for place in range(N)])},
        *("B01", {"sex": None}),
    ),
    "labelled otherwise": (
        {"y": ("VARCHAR", ["yes" if place % 2 and place % 10 else "no" for place in range(N)])},
        *("B02", {"sex, y": 200}),
    ),
    "known less of": (
        {"x": ("DOUBLE", [None if place % 2 and place % 3 else float(place) for place in range(N)])},
        *("B03", {"x, sex": 133}),
    ),
}


@pytest.mark.parametrize("name", UNFAIR)
def test_protected_groups(folder, name):
    changes, code, wanted = UNFAIR[name]
    found = hits(folder, crowd(**changes), PROTECTED, checks=["B01", "B02", "B03", "V02"])
    mine = {hit["columns"]: hit["rows"] for hit in found if hit["code"] == code}
    assert set(mine) == set(wanted), found
    assert all(rows is None or mine[columns] == rows for columns, rows in wanted.items()), found
    assert {hit["code"] for hit in found} <= {code}


def test_contradictory_copies(folder):
    columns = {name: (kind, [*values, *values[:4]]) for name, (kind, values) in base().items()}
    columns = at(columns, "y", range(N, N + 4), lambda each: "no" if each == "yes" else "yes")
    found = {hit["code"]: hit["rows"] for hit in hits(folder, columns)}
    assert found == {"Q03": 4, "Q04": 4}


def test_a_long_file_with_several_answers(folder):
    columns, roles = long_file()
    found = {hit["code"]: hit["rows"] for hit in hits(folder, columns, roles, checks=["Q03", "P08"])}
    assert found == {"Q03": 3, "P08": 3}


def test_train_and_test_share_a_row(folder):
    columns, roles = parts()
    found = [hit for hit in hits(folder, columns, roles) if hit["code"] == "L05"]
    assert [hit["rows"] for hit in found] == [2]


@pytest.mark.parametrize(("total", "rows"), [(1.0, []), (1.01, [7])])
def test_scores_of_classes_add_up(folder, total, rows):
    columns, roles, task = classes(total)
    assert [hit["rows"] for hit in hits(folder, columns, roles, task, checks=["P02"])] == rows


def test_a_gap_in_time(folder):
    columns = base()
    moments = [datetime.fromisoformat(each) for each in columns["at"][1]]
    moved = [str(each + timedelta(days=21 * (place >= 200))) for place, each in enumerate(moments)]
    found = {hit["code"] for hit in hits(folder, columns | {"at": ("TIMESTAMP", moved)})}
    assert "Q18" in found


@pytest.mark.parametrize("rows", [0, 1])
def test_tables_of_next_to_nothing_are_judged(folder, rows):
    columns = {name: (kind, values[:rows]) for name, (kind, values) in base().items()}
    subject = uploaded(folder, Table(columns), task="binary", roles=ROLES)
    result = questions.quality(subject)
    assert result.frame["code"].n_unique() == len(CHECKS)


def test_the_frame_keeps_its_names_and_a_mute_its_reason(folder):
    columns = at(base(), "s", [1, 2], 1.5)
    subject = uploaded(folder, Table(columns), task="binary", roles=ROLES)
    result = questions.quality(subject)
    assert result.frame.columns == [*COLUMNS, "muted"]
    assert "1 hit of 1 check, 1 of high severity" in result.sentence
    mark = questions.mute_key(result.frame.row(0, named=True))
    quiet = questions.quality(subject, muted={mark: "known"})
    assert quiet.frame["muted"][0] == "known"
    assert quiet.sentence.startswith("Nothing was found in t@1")
    assert "1 hit muted" in quiet.sentence
    with pytest.raises(UnknownName):
        questions.quality(subject, checks=["Q99"])


def test_every_check_has_a_code_and_its_thresholds_a_reason():
    for check in CHECKS:
        assert check.name[0] in "QLPVB"
        assert check.name[1:].isdigit()
        assert all(name in SETTINGS for name in check.settings)
        assert check.about.endswith(".")


def test_hits_without_rows_of_their_own_make_no_marks(folder):
    columns = base()
    columns |= {"y": ("VARCHAR", sorted(columns["y"][1]))}
    result = questions.quality(uploaded(folder, Table(columns), task="binary", roles=ROLES), checks=("L04",))
    assert result.frame.filter(outcome="found")["where"].to_list() == [None]
    assert len(qualityrows.drawn(qualityrows.points(result, ""))) == 0
