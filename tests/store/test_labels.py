"""How a build reads classes, decisions, scores and losses: the SQL it writes, run in a DuckDB."""

import math

import duckdb
import numpy as np
import pytest
from sklearn.metrics import log_loss

from analysis.core.errors import BadRequest
from analysis.core.schema import Column
from analysis.store import labels
from analysis.store.pivot import ModelSql, text_sql


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect(config={"threads": 1}) as connected:
        yield connected


def model(values=(), kind="VARCHAR", scores=()):
    return ModelSql("m", 0, "p" if values else None, kind, tuple(values), tuple(scores), (), (), None)


def answered(connection, sql, kind, value):
    given = "NULL" if value is None else labels.literal(str(value))
    return connection.execute(f"SELECT {sql} FROM (SELECT CAST({given} AS {kind}) AS p)").fetchall()[0][0]


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("DOUBLE", 1.0, "1"),
        ("DOUBLE", -0.0, "0"),
        ("DOUBLE", 0.5, "0.5"),
        ("FLOAT", 2.0, "2"),
        ("DECIMAL(4,2)", "1.00", "1"),
        ("DECIMAL(4,2)", "1.50", "1.50"),
        ("BOOLEAN", "true", "true"),
        ("HUGEINT", 10**30, str(10**30)),
        ("VARCHAR", "1.0", "1.0"),
        ("DATE", "2026-01-05", "2026-01-05"),
        ("DOUBLE", None, None),
    ],
)
def test_a_class_as_text(connection, kind, value, text):
    assert answered(connection, text_sql("p", kind), kind, value) == text


@pytest.mark.parametrize(
    ("names", "seen", "meant"),
    [
        (["no", "yes"], ["no", "yes"], {"no": 0, "yes": 1}),
        (["no", "yes"], ["YES", "No"], {"YES": 1, "No": 0}),
        (["no", "yes"], ["1", "0"], {"1": 1, "0": 0}),
        (["yes", "no"], ["1", "0"], {"1": 0, "0": 1}),
        (["0", "1"], ["true", "false"], {"true": 1, "false": 0}),
        (["0.0", "1.0"], ["0", "1"], {"0": 0, "1": 1}),
        (["bad", "good"], ["0", "1"], {"0": 0, "1": 1}),
        (["bad", "good"], ["-1", "1"], {"-1": 0, "1": 1}),
        (["bad", "good"], ["Good", "BAD"], {"Good": 1, "BAD": 0}),
        (["a", "b", "c"], ["A", "c"], {"A": 0, "c": 2}),
    ],
)
def test_decisions_are_read_by_spelling_then_by_meaning(connection, names, seen, meant):
    asked = model(seen)
    assert labels.readings(asked, names) == meant
    sql = labels.decision_sql(asked, names)
    assert [answered(connection, sql, "VARCHAR", value) for value in seen] == list(meant.values())
    assert answered(connection, sql, "VARCHAR", None) is None


@pytest.mark.parametrize(
    ("names", "seen"), [(["a", "b"], ["a", "x"]), (["a", "b", "c"], ["1", "0"]), (["1", "2"], ["3"])]
)
def test_decisions_that_mean_no_class_are_refused(names, seen):
    with pytest.raises(BadRequest, match="which the label never is"):
        labels.readings(model(seen), names)


def test_quotes_in_class_names_stay_text(connection):
    names = ["it's", "x' END; DROP TABLE t; --"]
    sql = labels.code_sql("p", "VARCHAR", names)
    assert [answered(connection, sql, "VARCHAR", name) for name in [*names, "else", None]] == [0, 1, None, None]


@pytest.mark.parametrize("kind", ["TINYINT", "UTINYINT", "BIGINT", "HUGEINT", "DOUBLE", "DECIMAL(5,1)"])
def test_numeric_classes_of_any_type(connection, kind):
    sql = labels.code_sql("p", kind, ["0", "1"])
    assert [answered(connection, sql, kind, value) for value in (0, 1, 2, None)] == [0, 1, None, None]


def test_log_loss_is_clipped_at_both_ends_and_missing_where_the_probability_is(connection):
    sql = labels.log_loss_sql("p")
    for share in (0.0, 1e-300, 0.25, 0.999, 1.0):
        wanted = log_loss([1], [[1 - share, share]], labels=[0, 1])
        assert answered(connection, sql, "DOUBLE", share) == pytest.approx(wanted, rel=1e-12, abs=1e-15)
    assert answered(connection, sql, "DOUBLE", 0.0) == pytest.approx(-math.log(np.finfo(float).eps))
    assert answered(connection, sql, "DOUBLE", None) is None


def test_scores_of_classes_that_are_not_there_are_refused():
    with pytest.raises(BadRequest, match="are for 'maybe'; the classes are no, yes"):
        labels.score_sql(model(scores=[("maybe", "r.c0")]), ["no", "yes"])
    assert labels.score_sql(model(), ["no", "yes"]) is None


def test_a_number_is_asked_for_by_role_and_name():
    with pytest.raises(BadRequest, match=r"weight column 'w x' holds VARCHAR.*--type 'w x=DOUBLE'"):
        labels.number_sql(Column("c0", "w x", "VARCHAR"), "weight")
