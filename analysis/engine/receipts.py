"""Receipts in SQL: for each number a statement that gives the same n and value in a bare DuckDB.

It counts rows by itself and shares nothing with the cube's arithmetic, so it is a second opinion as well.
"""

import re
from collections.abc import Callable
from functools import partial

from analysis.core.cutoffs import Threshold
from analysis.core.evaluation import Evaluation, ModelFacts
from analysis.core.mapping import MARGIN
from analysis.core.roles import BINARY
from analysis.engine import class_receipts, whole_receipts
from analysis.engine.deciding import over_scores
from analysis.engine.judgement import Judged, both_decided, decision
from analysis.engine.parts import orders
from analysis.engine.query import OpenEvaluation, Query
from analysis.engine.rowsets import row_set
from analysis.engine.rowsql import own_rows, row_sql
from analysis.engine.rowterm import read
from analysis.engine.statements import keys, weighed
from analysis.engine.terms import coded, term_sql, usable
from analysis.metrics.definition import Metric

OF_CLASSES = {
    each.__name__: each
    for each in (
        class_receipts.areas,
        class_receipts.class_scores,
        class_receipts.rests,
        class_receipts.ranks,
        class_receipts.class_calibration,
        class_receipts.top_calibration,
        whole_receipts.days,
        whole_receipts.rank_products,
    )
}
STEPS = 25
TERM = re.compile(r"\bSUM\[(\w+)\]")
QUANTILE = re.compile(r"P(\d\d)\[(\w+)\]")


def receipt_sql(
    evaluation: OpenEvaluation,
    query: Query,
    metric: Metric,
    threshold: Threshold | None,
    other_threshold: Threshold | None = None,
) -> str:
    """A statement whose rows are the groups (k0, k1, ...; for a metric by class also `class`) with value and n.

    threshold, other_threshold: those in force, as the Answer says.
    """
    facts, model = evaluation.facts, evaluation.facts.model(query.model)
    other = None if query.other is None else facts.model(query.other)
    models = [each for each in (model, other) if each is not None]
    decided = _decision(facts, model, threshold)
    decides = model.decision or threshold is not None
    where = weighed(Judged(facts, model, decided if decides else ""), query)
    by = keys(facts, query, where)
    names = [f"k{place}" for place in range(len(by.sql))]
    weight = "r.w" if facts.weighted else "1"
    by_class = metric.per_class and len(facts.classes) > 2
    written = metric.sql
    if written is None:
        return ""
    source = "classes" if written.source == "counts" and len(facts.classes) > 2 else written.source
    builders = {"counts": _counts, "classes": _classes, "scores": _scores, "calibration": _calibration, **OF_CLASSES}
    builders["recalibration"] = _recalibration
    many = len(facts.classes) > 2 and bool(written.by_class)
    value, n = (written.by_class, written.n_by_class) if many else (written.value, written.n)
    keyed = "".join(f"CAST({sql} AS VARCHAR) AS k{place}, " for place, sql in enumerate(by.sql))
    listed = "".join(f"{name}, " for name in names)
    shown = listed + ("class, " if by_class else "")
    if other is not None:
        decided = both_decided(decided, _decision(facts, other, other_threshold))
    quantile = QUANTILE.fullmatch(value)
    if quantile:
        level, quantity = int(quantile[1]) / 100, quantile[2]
        of, rows = orders.value_sql(facts, model, quantity), f"{where} AND {orders.rows_sql(facts, models, quantity)}"
        body = f"SELECT {keyed}quantile_cont({of}, {level}) AS value, count(*) AS n\nFROM rows r\nWHERE {rows}"
        if facts.weighted:
            picked = f"{orders.inverse(level)} AS value, count(*) AS n"
            body, shown = orders.weighted_quantiles(by, of, rows, picked), ""
    elif source == "own":
        x = row_sql(read(metric.source), facts, model, decided).sql
        body = f"SELECT {shown}{value} AS value, {n} AS n\nFROM {own_rows(keyed, weight, where, x)}"
    elif source == "rows" or source.startswith("over:"):
        terms: Callable[[str], str] = partial(term_sql, facts, model)
        rows = usable(facts, *models)
        if source != "rows":
            summed = row_set(source.removeprefix("over:"), facts, models, decided)
            terms, rows = summed.terms.__getitem__, summed.where
        value = TERM.sub(lambda found: _summed(found[1], terms, weight), value)
        body = f"SELECT {keyed}{value} AS value, {n} AS n\nFROM rows r\nWHERE {where} AND {rows}"
    else:
        if other is not None:
            shared = {"counts": "", "classes": "", "days": "", "rank_products": f" AND {usable(facts, other)}"}
            where += shared[source] if source in shared else f" AND {coded(other)} IS NOT NULL"
        inner = builders[source](keyed, listed, where, weight, decided, model, facts)
        body = f"WITH {inner}\nSELECT {shown}{value} AS value, CAST({n} AS BIGINT) AS n\nFROM {source}"
    grouping = shown.rstrip(", ")
    grouped = f"\nGROUP BY {grouping}\nORDER BY {grouping}" if grouping and (source != "counts") else ""
    return bare(evaluation, f"{body}{grouped}")


def bare(evaluation: OpenEvaluation, statement: str) -> str:
    """A statement of ours as a bare DuckDB runs it from the workspace folder."""
    return f"ATTACH '{evaluation.location}' AS e (READ_ONLY);\nUSE e;\n{statement};"


def _decision(facts: Evaluation, model: ModelFacts, threshold: Threshold | None) -> str:
    if threshold is None or facts.task != BINARY:
        return decision(model, None)
    return over_scores(facts, threshold).decides(f"r.s{model.index}")


def _summed(term: str, terms: Callable[[str], str], weight: str) -> str:
    """The (weighted) sum of a term; "one" is the row itself."""
    return f"sum({weight})" if term == "one" else f"sum({weight} * ({terms(term)}))"


def _counts(
    keyed: str, listed: str, where: str, weight: str, decided: str, model: ModelFacts, facts: Evaluation
) -> str:
    cells = {"tp": "y = 1 AND p = 1", "fp": "y = 0 AND p = 1", "fn": "y = 1 AND p = 0", "tn": "y = 0 AND p = 0"}
    cells |= {"flagged": "p = 1", "decided": "p IS NOT NULL", "positives": "y = 1", "labelled": "y IS NOT NULL"}
    sums = ", ".join(
        f"coalesce(sum(w) FILTER (WHERE {test}), 0) AS {name}, count(*) FILTER (WHERE {test}) AS n_{name}"
        for name, test in cells.items()
    )
    group = f" GROUP BY {listed.rstrip(', ')}" if listed else ""
    return (
        f"decided AS (SELECT {keyed}r.y AS y, {decided} AS p, {weight} AS w FROM rows r WHERE {where}),\n"
        f"counts AS (SELECT {listed}{sums} FROM decided{group})"
    )


def _classes(
    keyed: str, listed: str, where: str, weight: str, decided: str, model: ModelFacts, facts: Evaluation
) -> str:
    texts = ", ".join(f"({code}, '{name.replace(chr(39), chr(39) * 2)}')" for code, name in enumerate(facts.classes))
    group = f"{listed}c.code, c.class"
    return (
        f"decided AS (SELECT {keyed}r.y AS y, {decided} AS p, {weight} AS w FROM rows r WHERE {where}),\n"
        "answered AS (SELECT * FROM decided WHERE y IS NOT NULL AND p IS NOT NULL),\n"
        f"classes AS (SELECT {listed}c.code AS code, c.class AS class,\n"
        "  coalesce(sum(w) FILTER (WHERE y = c.code AND p = c.code), 0) AS tp,\n"
        "  coalesce(sum(w) FILTER (WHERE y = c.code), 0) AS actual,\n"
        "  coalesce(sum(w) FILTER (WHERE p = c.code), 0) AS predicted,\n"
        "  count(*) FILTER (WHERE y = c.code) AS n_actual, count(*) FILTER (WHERE p = c.code) AS n_predicted,\n"
        "  count(*) FILTER (WHERE y = c.code OR p = c.code) AS n_either\n"
        f"  FROM answered, (VALUES {texts}) c(code, class) GROUP BY {group})"
    )


def _scores(
    keyed: str, listed: str, where: str, weight: str, decided: str, model: ModelFacts, facts: Evaluation
) -> str:
    index = model.index
    part = f"PARTITION BY {listed.rstrip(', ')} " if listed else ""
    group = f"{listed}s"
    return (
        f"scored AS (SELECT {keyed}r.b{index} AS s, r.y AS y, {weight} AS w FROM rows r "
        f"WHERE {where} AND r.b{index} IS NOT NULL AND r.y IS NOT NULL),\n"
        "ties AS (SELECT "
        f"{listed}s, coalesce(sum(w) FILTER (WHERE y = 1), 0) AS pos,\n"
        f"  coalesce(sum(w) FILTER (WHERE y = 0), 0) AS neg,\n"
        f"  count(*) FILTER (WHERE y = 1) AS n_pos, count(*) AS n_all FROM scored GROUP BY {group}),\n"
        f"scores AS (SELECT ties.*, low < high AS wide, sum(neg) OVER ({part}ORDER BY s) - neg AS neg_below,\n"
        f"  sum(pos) OVER ({part}ORDER BY s DESC) AS tp, sum(neg) OVER ({part}ORDER BY s DESC) AS fp,\n"
        f"  sum(pos) OVER ({part}) AS positives, sum(neg) OVER ({part}) AS negatives\n"
        f"  FROM ties JOIN codes ON codes.name = 'b{index}' AND codes.code = ties.s)"
    )


def _calibration(
    keyed: str, listed: str, where: str, weight: str, decided: str, model: ModelFacts, facts: Evaluation
) -> str:
    group = f"{listed}bin"
    return (
        _scores(keyed, listed, where, weight, decided, model, facts)
        + f",\ncalibration AS (SELECT {listed}least(floor(low * 15), 14) AS bin, sum(pos) AS pos,\n"
        "  sum(pos * (1 - (low + high) / 2) - neg * (low + high) / 2) AS excess, sum(pos + neg) AS total,\n"
        "  sum(pos * (1 - (low + high) / 2) ** 2 + neg * ((low + high) / 2) ** 2) AS squares, sum(n_all) AS n_all\n"
        f"  FROM scores JOIN codes ON codes.name = 'b{model.index}' AND codes.code = scores.s\n"
        f"  GROUP BY {group})"
    )


def _recalibration(
    keyed: str, listed: str, where: str, weight: str, decided: str, model: ModelFacts, facts: Evaluation
) -> str:
    """Newton's method for a logistic regression on one variable, as a recursive statement."""
    names = [name for name in listed.split(", ") if name]
    same = " AND ".join(f"f.{name} IS NOT DISTINCT FROM o.{name}" for name in names) or "true"
    grouped = f" GROUP BY {listed.rstrip(', ')}" if names else ""
    ours = "".join(f"f.{name} AS {name}, " for name in names)
    held = "FILTER (WHERE neg > 0)", "FILTER (WHERE pos > 0)"
    return (
        "RECURSIVE "
        + _scores(keyed, listed, where, weight, decided, model, facts)
        + f",\nodds AS (SELECT {listed}pos, neg, n_all, low < 0 OR high > 1 AS beyond,\n"
        f"  least(greatest((low + high) / 2, {MARGIN!r}), 1 - {MARGIN!r}) AS m, ln(m / (1 - m)) AS x\n"
        f"  FROM scores JOIN codes ON codes.name = 'b{model.index}' AND codes.code = scores.s),\n"
        f"known AS (SELECT {listed}sum(pos) AS pos, sum(neg) AS neg, sum(n_all) AS n_all,\n"
        "  coalesce(NOT bool_or(beyond)\n"
        f"  AND max(x) {held[0]} > min(x) {held[1]} AND max(x) {held[1]} > min(x) {held[0]}, false) AS sound\n"
        f"  FROM odds{grouped}),\n"
        f"fit AS (SELECT {listed}0 AS step, ln(pos / neg) AS a, 0.0::DOUBLE AS b FROM known WHERE sound\n"
        f"  UNION ALL SELECT {listed}step + 1, a + (h11 * g0 - h01 * g1) / (h00 * h11 - h01 * h01),\n"
        "  b + (h00 * g1 - h01 * g0) / (h00 * h11 - h01 * h01) FROM (\n"
        f"  SELECT {ours}step, a, b, sum(pos - (pos + neg) * p) AS g0, sum((pos - (pos + neg) * p) * x) AS g1,\n"
        "  sum(h) AS h00, sum(h * x) AS h01, sum(h * x * x) AS h11 FROM (\n"
        f"  SELECT {ours}step, a, b, x, pos, neg, 1 / (1 + exp(-(a + b * x))) AS p, (pos + neg) * p * (1 - p) AS h\n"
        f"  FROM fit f JOIN odds o ON {same} WHERE step < {STEPS}) f GROUP BY ALL)),\n"
        f"recalibration AS (SELECT {''.join(f'o.{name} AS {name}, ' for name in names)}o.n_all, sound, "
        f"a AS intercept, b AS slope\n  FROM known o LEFT JOIN fit f ON {same} AND step = {STEPS})"
    )
