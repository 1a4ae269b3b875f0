"""Statements: the SQL of a query is the same for the same question and asks no more than it must."""

from datetime import date

import duckdb
import pytest

from analysis.core.errors import BadRequest
from analysis.core.evaluation import EvalColumn, Evaluation, ModelFacts
from analysis.core.expression import parse
from analysis.core.period import Period
from analysis.core.roles import Roles
from analysis.engine.deciding import Cut
from analysis.engine.groups import bin_labels
from analysis.engine.judgement import bucket_sql, decision, judging
from analysis.engine.parts import PARTS
from analysis.engine.parts.histogram import CELLS, coarse
from analysis.engine.query import Query
from analysis.engine.statements import grouping_id, key_sql, scope, understood, weighed

COLUMNS = (
    EvalColumn("c0", "region", "ENUM", "values", 4),
    EvalColumn("c1", "amount", "DOUBLE", "bins", 900, code="q1", edges=("1", "2", "3")),
    EvalColumn("c2", "customer", "VARCHAR", "plain", 5000),
    EvalColumn("c3", "seen", "TIMESTAMP WITH TIME ZONE", "values", 4),
)
MODEL = ModelFacts("m", 0, decision=True, score=True, probabilities=True, codes=8192)


def evaluation(**roles):
    kept = Roles(label="y", time="t", **roles)
    return Evaluation(
        "id", "e", 1, "f", "binary", kept, COLUMNS, (MODEL,), 10, 10, ("no", "yes"), time_low="2026-01-01"
    )


def seen(made):
    return judging(made, MODEL, None)


def test_a_query_without_filter_scans_everything():
    assert scope(seen(evaluation()), Query("m", frozenset())) == "true"


def test_filter_period_and_weight_all_narrow_the_rows():
    made = evaluation(weight="w")
    where = parse("region = 'it''s'", columns=made.types())
    query = Query("m", frozenset(), where=where, period=Period(date(2026, 1, 5), date(2026, 1, 6)))
    said = weighed(seen(made), query)
    assert "'it''s'" in said
    assert "r.t >= TIMESTAMP '2026-01-05 00:00:00'" in said
    assert "r.t < TIMESTAMP '2026-01-07 00:00:00'" in said
    assert said.endswith("r.w IS NOT NULL")
    assert "r.w" not in scope(seen(made), query)


def test_columns_are_grouped_by_value_by_bin_or_by_the_most_frequent():
    region, amount, customer, moment = COLUMNS
    assert key_sql(region, "true") == "r.c0"
    assert key_sql(amount, "true") == "r.q1"
    assert "LIMIT 1000" in key_sql(customer, "true")
    assert "ELSE 'other'" in key_sql(customer, "true")
    assert "epoch_us" in key_sql(moment, "true")


def test_bins_are_named_by_their_edges_the_last_closed():
    assert bin_labels(COLUMNS[1]) == ["[1, 2)", "[2, 3]"]
    assert bin_labels(EvalColumn("c1", "a", "DOUBLE", "bins", 1, code="q1", edges=("5",))) == ["[5, 5]"]


def test_a_threshold_decides_by_code_and_without_one_the_record_rules():
    assert decision(MODEL, None) == "r.p0"
    assert decision(MODEL, Cut("17", "17")) == "CAST(r.b0 >= 17 AS USMALLINT)"


def statements(query, groups=None):
    """{part: {name: SQL}} of what a query needs."""
    asked = understood(evaluation(), query, cut=None, groups=groups)
    said = {part.name: part.statements(asked) for part in PARTS}
    return {
        name: {key: each if isinstance(each, str) else each.sql(asked.keys) for key, each in made.items()}
        for name, made in said.items()
        if made
    }


def test_only_what_is_needed_is_asked():
    assert set(statements(Query("m", frozenset({"decisions"})))) == {"confusion"}
    full = statements(Query("m", frozenset({"scores", "sum:ll"})))
    assert set(full) == {"confusion", "histogram", "sums"}
    assert "s_ll" in full["sums"]["sums"]
    assert "s_sq" not in full["sums"]["sums"]


def test_histograms_get_coarser_as_groups_get_many():
    steps = [coarse(8192, groups) for groups in (None, 1, 240, 1000, 100_000)]
    assert steps[:3] == [1, 1, 1]
    assert 1 < steps[3] < steps[4]
    for groups, step in zip((1000, 100_000), steps[3:], strict=True):
        assert groups * 3 * (8192 // step) <= CELLS


def test_the_same_query_is_the_same_text():
    query = {"by": ("region", "amount"), "bucket": "week", "halves": True}
    one, other = (
        statements(Query("m", frozenset(needs), **query), groups=3)
        for needs in (["sum:ll", "sum:sq", "scores"], ["scores", "sum:sq", "sum:ll"])
    )
    assert one == other


def test_a_grouping_is_known_by_the_keys_it_leaves_out():
    with duckdb.connect() as bare:
        said = bare.execute(
            "SELECT DISTINCT GROUPING_ID(a, b, c) FROM (SELECT 1 AS a, 2 AS b, 3 AS c) "
            "GROUP BY GROUPING SETS ((a), (b), (a, c), ())"
        ).fetchall()
    assert {each for (each,) in said} == {grouping_id(each, 3) for each in ((0,), (1,), (0, 2), ())}


def test_periods_need_a_time():
    made = Evaluation("id", "e", 1, "f", "binary", Roles(label="y"), COLUMNS, (MODEL,), 10, 10)
    with pytest.raises(BadRequest, match="'e' has no time column"):
        scope(seen(made), Query("m", frozenset(), bucket="day"))


@pytest.mark.parametrize(
    ("bucket", "moment", "place"),
    [
        ("week", "1970-01-05 00:00:00", 0),
        ("week", "1970-01-04 23:59:59.999999", -1),
        ("day", "1970-01-05 23:59:59.999999", 0),
        ("hour", "1970-01-04 23:59:59", -1),
        ("month", "2026-01-31 23:59:59", 2026 * 12),
        ("quarter", "2026-04-01 00:00:00", 2026 * 4 + 1),
        ("year", "2026-12-31 23:59:59", 2026),
    ],
)
def test_buckets_are_counted_from_monday_or_from_the_year_0(bucket, moment, place):
    with duckdb.connect() as bare:
        said = bare.execute(f"SELECT {bucket_sql(bucket)} FROM (SELECT TIMESTAMP '{moment}' AS t) r").fetchall()
    assert said == [(place,)]
