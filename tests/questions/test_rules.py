"""Rules on a table: every expectation counted row by row, suggestions the reference keeps to, and the terminal."""

import json
import math
import re
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from analysis import questions
from analysis.cli import ruling as cli_ruling
from analysis.core.errors import ChangedMeanwhile
from analysis.core.roles import Roles
from analysis.core.rule import LIKE, NEEDS, Rule, read_rules, written
from analysis.engine import ruling
from analysis.store import rules as kept
from tests.engine.making import Folder, Table, uploaded
from tests.questions.twin import ask

N = 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("rules"))
    yield made
    made.close()


def columns():
    random = np.random.default_rng(2)
    x = random.normal(50, 10, N).tolist()
    x[3], x[4], x[5] = None, math.nan, 500.0
    return {
        "id": ("BIGINT", [*range(N - 2), 5, 6]),
        "x": ("DOUBLE", x),
        "kind": ("VARCHAR", [None, "D", "it's", *random.choice(["A", "B"], N - 3).tolist()]),
        "day": ("DATE", [str(date(2026, 1, 1) + timedelta(days=at // 10 - 40 * (at == 17))) for at in range(N)]),
    }


@pytest.fixture(scope="module")
def table(folder):
    return uploaded(folder, Table(columns()))


@pytest.fixture(scope="module")
def kinds(folder):
    return uploaded(folder, Table({"name": ("VARCHAR", ["A", "B", "B", None])}))


def known(values):
    return [each for each in values if each is not None and each == each]


def by_hand(rule):
    """(rows that break it, of how many), counted in Python."""
    values = columns()[rule.column][1]
    there = known(values)
    if rule.expectation == "not missing":
        return N - len(there), N
    if rule.expectation == "unique":
        return len(there) - len(set(there)), len(there)
    if rule.expectation == "in set":
        return sum(each not in rule.values for each in there), len(there)
    if rule.expectation == "in range":
        low, high = (type(there[0])(end) if end else None for end in (rule.low, rule.high))
        return sum((low is not None and v < low) or (high is not None and v > high) for v in there), len(there)
    if rule.expectation == "matches":
        return sum(not re.search(rule.pattern, each) for each in there), len(there)
    if rule.expectation == "refers to":
        return sum(each not in ("A", "B") for each in there), len(there)
    if rule.expectation == "monotonic":
        return sum(b < a for a, b in pairwise(there)), len(there)
    return sum(each is not None and each > 60 for each in known(columns()["x"][1])), N


@pytest.mark.parametrize(
    "rule",
    [
        Rule("x", "not missing"),
        Rule("kind", "not missing", at_most=0.5),
        Rule("id", "unique"),
        Rule("kind", "in set", values=("A", "B", "it's")),
        Rule("x", "in range", low="30", high="70.5"),
        Rule("x", "in range", high="70.5", at_most=0.1),
        Rule("day", "in range", low="2026-01-01"),
        Rule("kind", "matches", pattern="^[A-D]$"),
        Rule("kind", "refers to", refers="kinds: name"),
        Rule("day", "monotonic"),
        Rule("x", "share at most", "warn", at_most=0.01, pattern="x > 60"),
    ],
    ids=lambda rule: rule.name,
)
def test_rows_that_break_a_rule_are_those_counted_by_hand(table, kinds, rule):
    row = questions.rules(table, rules=[rule], others=lambda name: kinds).frame.row(0, named=True)
    broken, n = by_hand(rule)
    assert (row["rows"], row["n"], row["value"]) == (broken, n, broken / n)
    assert row["outcome"] == ("pass" if broken / n <= rule.at_most else rule.severity)
    assert f"{broken:,} row" in row["sentence"]


def test_a_distribution_is_off_by_its_total_variation(table):
    x, kind = known(columns()["x"][1]), known(columns()["kind"][1])
    numbers = Rule("x", LIKE, cuts=(40.0, 60.0), shares=(0.2, 0.5, 0.3))
    texts = Rule("kind", LIKE, values=("A", "it's"), shares=(0.4, 0.1, 0.5))
    frame = questions.rules(table, rules=[numbers, texts], others=lambda name: table).frame
    found = dict(frame.select("column", "value").iter_rows())
    shares = np.histogram(x, [-np.inf, 40, 60, np.inf])[0] / len(x)
    assert found["x"] == pytest.approx(np.abs(shares - numbers.shares).sum() / 2, abs=1e-12)
    shares = np.array([kind.count("A"), kind.count("it's"), kind.count("B") + kind.count("D")]) / len(kind)
    assert found["kind"] == pytest.approx(np.abs(shares - texts.shares).sum() / 2, abs=1e-12)


def test_what_cannot_be_told_breaks_a_rule_and_says_why(table):
    rules = [Rule("gone", "unique"), Rule("x", "in range", low="many"), Rule("x", "share at most", pattern="y > 1")]
    result = questions.rules(table, rules=rules, others=lambda name: table)
    assert result.frame["outcome"].to_list() == ["fail"] * 3
    assert result.frame["reason"].null_count() == 0
    assert "3 of severity fail" in result.sentence


KINDS = {
    "VARCHAR": ["a", None],
    "BIGINT": [1, None],
    "DOUBLE": [1.5, None],
    "DECIMAL(9,2)": [Decimal("1.5"), None],
    "BOOLEAN": [True, None],
    "DATE": ["2026-01-01", None],
    "TIMESTAMP WITH TIME ZONE": ["2026-01-01 10:00:00+00", None],
    "TIME": ["10:00:00", None],
    "UUID": ["6f1c1f3e-0000-0000-0000-000000000000", None],
    "BLOB": ["a", None],
    "BIGINT[]": ["[1, NULL]", None],
    "STRUCT(a BIGINT)": ["{'a': 1}", None],
}
LIMITS = {
    "in set": [{"values": ("a", "1")}],
    "in range": [{"low": "1", "high": "2"}, {"low": "a"}, {"high": "2026-01-01"}],
    "matches": [{"pattern": "^a"}, {"pattern": "("}],
    "refers to": [{"refers": "kinds: name"}],
    "share at most": [{"pattern": "c = 1"}, {"pattern": "c matches '('"}],
    LIKE: [{"cuts": (0.5,), "shares": (0.5, 0.5)}, {"values": ("a",), "shares": (0.5, 0.5)}],
}


def test_an_expectation_of_a_column_of_any_type_is_told_or_says_why(folder, kinds):
    names = {kind: "c" if kind == "VARCHAR" else f"c{at}" for at, kind in enumerate(KINDS)}
    of_kinds = uploaded(folder, Table({names[kind]: (kind, values) for kind, values in KINDS.items()}))
    rules = [
        Rule(column, expectation, **limits)
        for column in names.values()
        for expectation in NEEDS
        for limits in LIMITS.get(expectation, [{}])
    ]
    found = [ruling.ruled(of_kinds, rule, lambda name: kinds) for rule in rules]
    assert all((each.value is None) == bool(each.reason) for each in found)
    cut = {each.rule.column for each in found if each.rule.cuts and each.value is not None}
    assert cut == {names[kind] for kind in ("BIGINT", "DOUBLE", "DECIMAL(9,2)")}
    listed = next(each for each in found if each.rule.column == names["UUID"] and each.rule.values == ("a", "1"))
    assert (listed.rows, listed.n) == (1, 1)


def reference(seed, rows=3000):
    random = np.random.default_rng(seed)
    days = np.sort(random.integers(0, 70, rows))
    return Table(
        {
            "id": ("BIGINT", list(range(rows))),
            "at": ("DATE", [str(date(2026, 1, 5) + timedelta(days=int(each))) for each in days]),
            "amount": ("DOUBLE", [None if random.random() < 0.03 else v for v in random.lognormal(3, 1, rows)]),
            "kind": ("VARCHAR", random.choice(["A", "B", "C"], rows, p=[0.7, 0.25, 0.05]).tolist()),
        }
    )


def roles():
    return Roles(id=("id",), time="at")


def test_a_reference_keeps_to_what_it_lets_one_expect(folder):
    subject = uploaded(folder, reference(1), roles=roles())
    result, rules = questions.suggest_rules(subject)
    assert {rule.expectation for rule in rules} == {"not missing", "unique", "in set", "in range", LIKE}
    assert set(result.frame["periods"]) == {10}
    assert result.frame["fired"].sum() <= 1
    assert (result.frame["value"] <= result.frame["at_most"]).all()
    held = questions.rules(subject, rules=rules, others={"": subject}.get).frame
    assert set(held["outcome"]) == {"pass"}
    amount = next(rule for rule in rules if rule.name == "amount in range")
    values = pl.Series(reference(1).values("amount")).drop_nulls()
    assert values.min() < float(amount.low) < values.quantile(0.01)
    assert values.quantile(0.99) < float(amount.high) < values.max()


def test_what_is_another_source_breaks_them(folder):
    rules = questions.suggest_rules(uploaded(folder, reference(1), roles=roles()))[1]
    other = reference(2).columns
    other["amount"] = ("DOUBLE", [None if each is None else each * 100 for each in other["amount"][1]])
    other["kind"] = ("VARCHAR", ["Z" if at % 20 == 0 else each for at, each in enumerate(other["kind"][1])])
    subject = uploaded(folder, Table(other), roles=roles())
    frame = questions.rules(subject, rules=rules, others={"": subject}.get).frame
    broken = set(frame.filter(pl.col("outcome") != "pass")["rule"])
    assert broken == {"amount in range", f"amount {LIKE}", "kind in set"}


@pytest.mark.slow
def test_new_tables_of_the_same_source_rarely_break_them(folder):
    broken = rules_held = 0
    for seed in range(40):
        rules = questions.suggest_rules(uploaded(folder, reference(seed), roles=roles()))[1]
        subject = uploaded(folder, reference(1000 + seed, 600), roles=roles())
        frame = questions.rules(subject, rules=rules, others={"": subject}.get).frame
        broken += len(frame.filter(pl.col("outcome") != "pass"))
        rules_held += len(frame)
    assert broken <= 0.001 * rules_held + 3


def sales(more=""):
    rows = "".join(f"{at},{'AB'[at % 2]},{at % 90}.5\n" for at in range(200))
    return f"id,kind,amount\n{rows}{more}"


def test_the_terminal_holds_each_version_to_the_rules(tmp_path):
    place, file, saved, report = (tmp_path / name for name in ("w", "sales.csv", "rules.json", "report.xml"))
    file.write_text(sales())
    assert ask(place, "ingest", file).status == 0
    saved.write_text(written([Rule("kind", "in set", values=("A", "B")), Rule("amount", "in range", high="95")]))
    assert ask(place, "rules", "import", "sales", saved, "--json").json["sentence"] == "2 rules of 'sales'."
    file.write_text(sales("200,C,12.5\n201,A,99.5\n"))
    taken = ask(place, "ingest", file, "--json").json
    assert "breaks 2 of its 2 rules" in taken["sentence"]
    done = ask(place, "quality", "sales", "--check", "Q05", "--rules", "kept", "--junit", report, "--json")
    assert done.status == 1
    assert done.err.count("\n") == 2
    said = json.loads(done.out)
    assert [row["outcome"] for row in said["frames"]["rules"]] == ["fail", "fail"]
    assert 'tests="2" failures="2"' in report.read_text()
    course = ask(place, "rules", "history", "sales", "--json").json["frame"]
    assert [(row["rule"], row["version"], row["outcome"]) for row in course] == [
        ("kind in set", 1, "pass"),
        ("amount in range", 1, "pass"),
        ("kind in set", 2, "fail"),
        ("amount in range", 2, "fail"),
    ]


def test_rules_set_at_the_same_time_are_all_kept(folder):
    first, second = Rule("a", "unique"), Rule("b", "unique")
    tries = []

    def set_second(known):
        tries.append(list(known))
        if len(tries) == 1:
            kept.keep(folder, "both", [*known, first], 0)
        return [*known, second]

    assert cli_ruling.kept_with(folder, "both", set_second) == [first, second]
    assert tries == [[], [first]]
    assert kept.listed(folder, "both") == ([first, second], 2)
    with pytest.raises(ChangedMeanwhile, match="rules of 'both' changed meanwhile"):
        kept.keep(folder, "both", [second], 1)
    assert kept.listed(folder, "both") == ([first, second], 2)


@pytest.mark.slow
def test_the_terminal_sets_lists_exports_and_removes_rules(tmp_path):
    place, file, saved = tmp_path / "w", tmp_path / "sales.csv", tmp_path / "rules.json"
    file.write_text(sales())
    assert ask(place, "ingest", file).status == 0
    assert ask(place, "rules", "list", "sales", "--json").json["frame"] == []
    for words in (["kind", "in set", "--value", "A", "--value", "B"], ["amount", "in range", "--high", "95"]):
        assert ask(place, "rules", "set", "sales", "--column", words[0], "--expect", *words[1:]).status == 0
    assert ask(place, "rules", "export", "sales", saved).status == 0
    assert [rule.name for rule in read_rules(saved.read_text())] == ["kind in set", "amount in range"]
    assert ask(place, "quality", "sales", "--check", "Q05", "--rules", saved).status == 0
    removed = ask(place, "rules", "remove", "sales", "--column", "kind", "--expect", "in set", "--json").json
    assert [row["rule"] for row in removed["frame"]] == ["amount in range"]
    assert "rules is followed by" in ask(place, "rules", "sing", "sales").refusal
    assert "needs rules" in ask(place, "quality", "sales", "--junit", saved).refusal
    suggested = ask(place, "rules", "suggest", "sales", "--keep", "--json").json
    assert len(suggested["frame"]) == len(ask(place, "rules", "list", "sales", "--json").json["frame"]) > 3
