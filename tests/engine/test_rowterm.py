"""Row expressions: what may be said is counted as Python counts it, and nothing else gets through."""

import math

import duckdb
import numpy as np
import pytest

from analysis.core.errors import BadRequest
from analysis.core.ownmetric import own_metric
from analysis.engine.judgement import decision
from analysis.engine.own import KIND, built, own_metrics
from analysis.engine.query import Query
from analysis.engine.receipts import receipt_sql
from analysis.engine.rowsql import row_sql
from analysis.engine.rowterm import read
from analysis.store import definitions
from tests.engine.making import Folder, Table, binary, opened

ATTACKS = [
    *("avg((select 1))", "avg(exists(select 1))", "avg(a in (select 1))", "(select avg(a) from rows)", "select avg(a)"),
    *(
        "avg(a); drop table rows",
        "avg(a);;avg(a)",
        "avg(a) from rows",
        "with x as (select 1) select 1",
        "drop table rows",
    ),
    *("attach 'x' as y", "copy rows to 'x'", "pragma version", "install httpfs", "load httpfs", "set threads = 1"),
    *("avg(getenv('HOME'))", "avg(read_csv('/etc/passwd'))", "avg(read_text('x'))", "avg(glob('*'))", "avg(random())"),
    *("avg(current_setting('x'))", "avg(nextval('s'))", "avg(sleep(1))", "avg(query('select 1'))", "avg(now())"),
    *("avg(a::integer)", "avg(cast(a as integer))", "avg(try_cast(a as integer))", "avg(date '2020-01-01' < day)"),
    *("avg(a) -- x", "avg(a /* x */)", "/* x */ avg(a)", "avg(a--1\n)", "avg(a) /*+ hint */"),
    *("avg(a) over ()", "avg(a) over (partition by g)", "sum(a) filter (where a > 1)", "avg(distinct a)"),
    *("avg(a order by a)", "avg(sum(a))", "avg(avg(a))", "sum(a) + 1", "a", "min(a)", "median(a)", "string_agg(g)"),
    *("avg(x -> x + 1)", "avg(list_transform([1], x -> x))", "avg(lambda x: x)", "avg(a.b)", "avg(rows.a)", "avg(r.a)"),
    *(
        "avg(a[1])",
        "avg([1])",
        "avg({'a': 1})",
        "avg({a})",
        "avg((a, b))",
        "avg(struct_pack(a := 1))",
        "avg(map {'a': 1})",
    ),
    *("avg(?)", "avg($1)", "avg(:x)", "avg(@x)", "avg(#1)", "avg($$x$$)", "avg(E'x' = g)", "avg(x'ff' = g)"),
    *(
        "avg(*)",
        "count(*)",
        "count()",
        "avg()",
        "avg(a, b)",
        "sum(columns('.*'))",
        "avg(a ** 2)",
        "avg(a % 2)",
        "avg(a // 2)",
    ),
    *(
        "avg(g || 'x')",
        "avg(g like 'x%')",
        "avg(g similar to 'x')",
        "avg(a between 1 and 2)",
        "avg(a in (1, 2))",
        "avg(a & 1)",
    ),
    *(
        "avg(interval 1 day)",
        "avg(a is true)",
        "avg(a is distinct from b)",
        "avg(case a when 1 then 2 end)",
        "avg(if(a > 1, 1, 2))",
    ),
    *("avg(null)", "avg('x)", 'avg("a)', "avg(a", "", "   ", ";", "avg", "avg(", ")", "avg(a))", "\0", "avg(\0)"),
    *("avg(1e999)", "avg(1e400 * a)", f"avg({'9' * 1500})", f"avg({'(' * 60}a{')' * 60})", f"avg({'not ' * 200}a > 1)"),
    *(
        f"avg({'- ' * 400}a)",
        f"avg({' + '.join(['a'] * 400)})",
        f"avg({'abs(' * 50}a{')' * 50})",
        "avg(a + " + " " * 3000 + "1)",
    ),
    *(
        "count(a)",
        "avg(g)",
        "avg(g + 1)",
        "avg(label)",
        "avg(label + 1)",
        "avg(label < 'yes')",
        "avg(not a)",
        "avg(a and b)",
    ),
    *(
        "avg(label = 'maybe')",
        "avg(label = g)",
        "avg(a > g)",
        "avg(a = 'x')",
        "avg(nothing)",
        "avg(day)",
        "avg(day > 'x')",
    ),
    f"avg({'ln(' * 38}a{')' * 38})",
    f"avg({'least(' * 38}a{', 1)' * 38})",
]
ROWS = {
    "a": ("BIGINT", [1, -2, None, 4, 5, 2**62, 7, 0]),
    "b": ("DOUBLE", [0.5, math.nan, 2.0, None, -1.5, 1.0, 3.0, 2.5]),
    "g": ("VARCHAR", ["x", "it's", None, "x", "y", "x", "--", "y"]),
    "odd name": ("DECIMAL(8,2)", ["1.10", "2.20", "3.30", None, "5.50", "6.60", "7.70", "8.80"]),
    "day": (
        "DATE",
        ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04", None, "2026-01-06", "2026-01-07", "2026-01-08"],
    ),
    "flag": ("BOOLEAN", [True, False, None, True, True, False, False, True]),
    "y": ("VARCHAR", ["yes", "no", "yes", None, "no", "yes", "no", "no"]),
    "p": ("VARCHAR", ["yes", "yes", None, "no", "no", "no", "no", "yes"]),
    "s": ("DOUBLE", [0.9, 0.6, 0.7, 0.2, None, 0.4, 0.1, 0.8]),
}


def real(name):
    return [None if each is None or each != each else float(each) for each in ROWS[name][1]]


A, B, ODD, S = (real(name) for name in ("a", "b", "odd name", "s"))
G, Y, P, F, D = (ROWS[name][1] for name in ("g", "y", "p", "flag", "day"))


def where(test, *columns):
    """[test of a row's values, None where one is missing]."""
    return [None if None in row else test(*row) for row in zip(*columns, strict=True)]


COUNTED = {
    "avg(a)": A,
    "avg(A * 2 - 1)": where(lambda a: 2 * a - 1, A),
    "sum(b / a)": where(lambda b, a: b / a if a else None, B, A),
    'avg("odd name" + b)': where(lambda o, b: o + b, ODD, B),
    "avg(-(a) + abs(b))": where(lambda a, b: abs(b) - a, A, B),
    "sum(ln(b))": where(lambda b: math.log(b) if b > 0 else None, B),
    "sum(sqrt(b) + exp(b))": where(lambda b: math.sqrt(b) + math.exp(b) if b >= 0 else None, B),
    "avg(least(a, b, 2) + greatest(a, 1))": where(lambda a, b: min(a, b, 2) + max(a, 1), A, B),
    "avg(coalesce(a, b, 0))": [next((x for x in pair if x is not None), 0.0) for pair in zip(A, B, strict=True)],
    "avg(a > 2)": where(lambda a: float(a > 2), A),
    "avg(2 >= a)": where(lambda a: float(a <= 2), A),
    "avg(a <> 4)": where(lambda a: float(a != 4), A),
    "count(a = 4 or b > 1)": [
        None if (a is None or b is None) and a != 4 and not (b is not None and b > 1) else float(a == 4 or (b or 0) > 1)
        for a, b in zip(A, B, strict=True)
    ],
    "count(a is null)": [float(a is None) for a in A],
    "count(b is not null and not a = 4)": [
        0.0 if b is None else None if a is None else float(a != 4) for a, b in zip(A, B, strict=True)
    ],
    "avg(g = 'it''s')": where(lambda g: float(g == "it's"), G),
    "avg(g = '--')": where(lambda g: float(g == "--"), G),
    "avg(day >= '2026-01-03')": where(lambda day: float(day >= "2026-01-03"), D),
    "avg(flag = true)": where(lambda flag: float(flag), F),
    "avg(flag)": where(lambda flag: float(flag), F),
    "avg(label = prediction)": where(lambda y, p: float(y == p), Y, P),
    "avg(label != 'yes')": where(lambda y: float(y != "yes"), Y),
    "sum(a * (prediction = 'yes'))": where(lambda a, p: a * (p == "yes"), A, P),
    "avg(score - (label = 'yes'))": where(lambda s, y: s - (y == "yes"), S, Y),
    "avg(case when label = prediction then 0 else a end)": [
        None if y is None or p is None else 0.0 if y == p else a for y, p, a in zip(Y, P, A, strict=True)
    ],
    "avg(case when a > 4 then 1 when b > 1 then 2 end)": [
        None if a is None else 1.0 if a > 4 else None if b is None else 2.0 if b > 1 else None
        for a, b in zip(A, B, strict=True)
    ],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("evaluations"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def asked(folder):
    table, roles = binary(**ROWS)
    assert isinstance(table, Table)
    return opened(folder, table, task="binary", roles=roles.with_(positive="yes"))


def refuse(text, evaluation):
    """The sentence an expression is refused with, before any of it is run."""
    with pytest.raises(BadRequest) as refused:
        built(own_metric("own", expression=text), evaluation)
    return str(refused.value)


def test_there_are_enough_attacks():
    assert len(set(ATTACKS)) >= 100


@pytest.mark.parametrize("text", ATTACKS)
def test_an_attack_is_refused_in_one_sentence(text, asked):
    said = refuse(text, asked.facts)
    assert said.endswith((".", "?"))
    assert "\n" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize("text", COUNTED)
def test_what_may_be_said_is_counted_as_python_counts(text, asked):
    model = asked.facts.models[0]
    metric = built(own_metric("own", expression=text), asked.facts)
    cube = asked.ask(Query("m", frozenset(metric.needs))).cube
    got = metric.measure(cube)
    values = [each for each in COUNTED[text] if each is not None]
    total = text.startswith(("sum", "count"))
    assert got.n[0] == len(values)
    assert got.value[0] == pytest.approx(sum(values) / (1 if total else len(values)), rel=1e-12)
    written = row_sql(read(text), asked.facts, model, decision(model, None)).sql
    assert "r.c" in written or "r.y" in written or "r.s" in written


@pytest.mark.parametrize("text", ["avg(a * (prediction = 'yes'))", "count(label = prediction)", "sum(b)"])
@pytest.mark.parametrize("threshold", [None, 0.5])
def test_the_receipt_gives_the_same_in_a_bare_duckdb(text, threshold, asked, folder):
    metric = built(own_metric("own", expression=text), asked.facts)
    query = Query("m", frozenset(metric.needs), by=("g",), threshold=threshold)
    answer = asked.ask(query)
    got = metric.measure(answer.cube)
    statements = receipt_sql(asked, query, metric, answer.threshold).split(";\n")
    with duckdb.connect() as bare:
        bare.execute(f"SET file_search_path = '{folder.root}'")
        attach = statements[0].replace(asked.location, str(folder.root / asked.location))
        bare.execute(attach)
        bare.execute(statements[1])
        told = {row[0]: row[1:] for row in bare.sql(statements[2].rstrip(";")).fetchall()}
    for place, name in enumerate(answer.cube.groups.to_series().to_list()):
        if got.n[place]:
            assert told[name] == (pytest.approx(got.value[place], rel=1e-12), got.n[place])
        else:
            assert name not in told


def test_rows_of_one_unit_go_together(folder):
    """Each unit's rows doubled: n doubles, the interval by unit stays as it was, that by row would shrink."""
    rng = np.random.default_rng(5)
    values, weight = rng.gamma(2, 50, 80).round(3).tolist(), rng.gamma(2, 1, 80).round(3).tolist()
    twice = {"y": ("VARCHAR", ["yes", "no"] * 80), "p": ("VARCHAR", ["yes"] * 160), "x": ("DOUBLE", values * 2)}
    twice |= {"u": ("BIGINT", [*range(80)] * 2), "w": ("DOUBLE", weight * 2)}
    once = {name: (kind, held[:80]) for name, (kind, held) in twice.items()}
    for text in ("avg(x)", "sum(x)", "avg(x > 90)"):
        made = []
        for columns, unit in ((twice, "u"), (once, None)):
            table, roles = binary(**columns)
            asked = opened(folder, table, task="binary", roles=roles.with_(positive="yes", unit=unit))
            metric = built(own_metric("own", expression=text), asked.facts)
            made.append(metric.measure(asked.ask(Query("m", frozenset(metric.needs))).cube))
        by = 2 if text.startswith("sum") else 1
        assert made[0].n[0] == 2 * made[1].n[0]
        if text != "avg(x > 90)":
            np.testing.assert_allclose(made[0].low, by * made[1].low, rtol=1e-9)
            np.testing.assert_allclose(made[0].high, by * made[1].high, rtol=1e-9)
        else:
            assert made[0].high[0] - made[0].low[0] >= (made[1].high[0] - made[1].low[0]) * 0.99
            assert "clustered by unit" in made[0].method


def test_what_was_typed_never_reaches_sql(asked):
    model = asked.facts.models[0]
    written = row_sql(read("avg(case when g = 'it''s; DROP' then \"odd name\" end)"), asked.facts, model, "r.p0").sql
    assert "odd name" not in written
    assert "'it''s; DROP'" in written  # a literal, quoted anew


def test_definitions_become_metrics_of_their_evaluation(folder, asked):
    for name, text, scope in (
        ("mine", "avg(a)", asked.facts.name),
        ("gone", "avg(no_such)", asked.facts.name),
        ("shared", "avg(b)", ""),
        ("elsewhere", "avg(no_such)", ""),
        ("recall", "avg(a)", ""),
    ):
        body = own_metric(name, expression=text).body()
        definitions.keep(folder, kind=KIND, name=name, body=body, scope=scope)
    known = own_metrics(folder, asked.facts)
    assert sorted(known) == ["gone", "mine", "shared"]
    assert known["gone"].needs[0].startswith("refused:There is no column 'no_such'")
