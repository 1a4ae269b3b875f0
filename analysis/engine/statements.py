"""Statements: a query as SQL over an evaluation file. The same text answers in a bare DuckDB after `USE`."""

from dataclasses import dataclass
from datetime import datetime

from analysis.core.errors import BadRequest
from analysis.core.evaluation import EvalColumn, Evaluation, ModelFacts
from analysis.core.period import MONDAY, WIDTHS
from analysis.core.roles import BINARY, MULTICLASS, REGRESSION
from analysis.core.segment import Everything
from analysis.core.settings import whole
from analysis.engine.condition import ColumnRef, render
from analysis.engine.query import Query

CELLS = 6_000_000  # a histogram of groups x labels x codes stays below 50 MB
LOSS = (
    "-ln(least(greatest(CASE r.y WHEN 1 THEN r.s{i} WHEN 0 THEN 1 - r.s{i} END, 2.220446049250313e-16), "
    "1 - 2.220446049250313e-16))"
)
MISS = "(r.y - r.s{i})"
BINARY_TERMS = {"ll": LOSS, "ll2": f"{LOSS} ** 2", "sq": f"{MISS} ** 2", "sq2": f"{MISS} ** 4"}
MULTICLASS_TERMS = {"ll": "r.l{i}", "ll2": "r.l{i} * r.l{i}", "sq": "r.g{i}", "sq2": "r.g{i} * r.g{i}"}
ERROR = "r.e{i}"
LABEL = "(r.y - {centre!r})"
SHARE = "CASE WHEN r.y = 0 THEN 0 ELSE abs({e} / r.y) END"
BOTH = "CASE WHEN abs(r.y) + abs(r.p{i}) = 0 THEN 0 ELSE 2 * abs({e}) / (abs(r.y) + abs(r.p{i})) END"
REGRESSION_TERMS = {
    "e": "{e}",
    "ae": "abs({e})",
    "e2": "{e} * {e}",
    "e4": "{e} * {e} * {e} * {e}",
    "y": "{y}",
    "y2": "{y} * {y}",
    "y3": "{y} * {y} * {y}",
    "y4": "{y} * {y} * {y} * {y}",
    "e2y": "{e} * {e} * {y}",
    "e2y2": "{e} * {e} * {y} * {y}",
    "d": "abs(r.y - {median!r})",
    "zero": "CAST(r.y = 0 AS INTEGER)",
    "ape": SHARE,
    "ape2": f"({SHARE}) * ({SHARE})",
    "aey": "abs({e}) * abs(r.y)",
    "ay": "abs(r.y)",
    "ay2": "r.y * r.y",
    "sape": BOTH,
    "sape2": f"({BOTH}) * ({BOTH})",
}


@dataclass(frozen=True)
class Statements:
    """The statements of one query. coarse: how many score codes were merged into one (1 = none)."""

    base: str
    scores: str | None = None
    sums: str | None = None
    orders: tuple[tuple[str, str, str], ...] = ()
    terms: tuple[str, ...] = ()
    coarse: int = 1


@dataclass(frozen=True)
class Keys:
    """The grouping keys: their names and the SQL of each; in a result they are k0, k1, ... as text."""

    names: tuple[str, ...]
    sql: tuple[str, ...]

    def select(self, columns: list[str], where: str) -> str:
        """Group by the keys (and by every column that is no aggregate), keys as text."""
        picked = [*(f"{sql} AS k{place}" for place, sql in enumerate(self.sql)), *columns]
        inner = f"SELECT {', '.join(picked)} FROM rows r WHERE {where} GROUP BY ALL"
        if not self.sql:
            return inner
        texts = ", ".join(f"CAST(k{place} AS VARCHAR) AS k{place}" for place in range(len(self.sql)))
        return f"SELECT * REPLACE ({texts}) FROM ({inner})"


def references(evaluation: Evaluation) -> dict[str, ColumnRef]:
    """What a segment's column names stand for in this file."""
    return {column.name: ColumnRef(f"r.{column.key}", column.type) for column in evaluation.columns}


def scope(evaluation: Evaluation, query: Query) -> str:
    """The WHERE clause: filter and period."""
    parts = []
    if not isinstance(query.where, Everything):
        parts.append(render(query.where, references(evaluation)))
    if not query.period.everything or query.bucket is not None:
        if not evaluation.roles.time:
            raise BadRequest(
                f"'{evaluation.name}' has no time column, so there are no periods; give one the role time."
            )
        if query.period.start is not None:
            parts.append(f"r.t >= TIMESTAMP '{query.period.start}'")
        if query.period.end is not None:
            parts.append(f"r.t < TIMESTAMP '{query.period.end}'")
    return " AND ".join(parts) or "true"


def weighed(evaluation: Evaluation, query: Query) -> str:
    """The WHERE clause of what is measured: in scope, and with a weight where rows have one."""
    return scope(evaluation, query) + (" AND r.w IS NOT NULL" if evaluation.weighted else "")


def answered(evaluation: Evaluation, model: ModelFacts) -> str:
    """The rows the model decided or scored."""
    parts = [f"r.p{model.index} IS NOT NULL"]
    if evaluation.task == BINARY and model.score:
        parts.append(f"r.s{model.index} IS NOT NULL")
    if evaluation.task == MULTICLASS and measurable(evaluation, model):
        parts.append(f"r.l{model.index} IS NOT NULL")
    return f"({' OR '.join(parts)})"


def key_sql(column: EvalColumn, where: str) -> str:
    """How to group by a column: its values, its decile bins, or its most frequent values and the rest."""
    raw = f"r.{column.key}"
    if column.type == "TIMESTAMP WITH TIME ZONE":
        raw = f"make_timestamp(epoch_us({raw}))"  # as text in UTC, wherever the statement runs
    if column.encoding == "values":
        return raw
    if column.encoding == "bins":
        return f"r.{column.code}"
    most = whole("groups")
    top = f"SELECT {raw} FROM rows r WHERE {where} GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT {most}"
    return f"CASE WHEN {raw} IS NULL THEN NULL WHEN {raw} IN ({top}) THEN CAST({raw} AS VARCHAR) ELSE 'other' END"


def bucket_sql(bucket: str) -> str:
    """The number of the bucket a moment falls in: buckets since Monday 1970-01-05, or months."""
    if bucket in WIDTHS:
        width = int(WIDTHS[bucket].total_seconds() * 1_000_000)
        origin = int((MONDAY - datetime(1970, 1, 1)).total_seconds() * 1_000_000)
        return f"CAST(floor((epoch_us(r.t) - {origin}) / {width}) AS BIGINT)"
    months = "(year(r.t) * 12 + month(r.t) - 1)"
    return {"month": months, "quarter": f"{months} // 3", "year": f"{months} // 12"}[bucket]


def keys(evaluation: Evaluation, query: Query, where: str) -> Keys:
    columns = [evaluation.column(name) for name in query.by]
    sql = [key_sql(column, where) for column in columns]
    if query.bucket is not None:
        sql.append(bucket_sql(query.bucket))
    return Keys((*query.by, *(["bucket"] if query.bucket else [])), tuple(sql))


def decision(model: ModelFacts, cut: int | None) -> str:
    """The decided class: the recorded one, or positive from score code `cut` on."""
    return f"r.p{model.index}" if cut is None else f"CAST(r.b{model.index} >= {cut} AS USMALLINT)"


def compile_query(
    evaluation: Evaluation, query: Query, model: ModelFacts, *, cut: int | None, groups: int | None
) -> Statements:
    """Every statement the query needs. groups: how many there are, once known (fine histograms fit only so many)."""
    where = weighed(evaluation, query)
    by = keys(evaluation, query, where)
    counts = ["count(*) AS n"]
    if evaluation.weighted:
        counts = ["count(r.w) AS n", "sum(r.w) AS w", "sum(r.w * r.w) AS w2"]
    cells = [] if evaluation.task == REGRESSION else ["r.y AS y", f"{decision(model, cut)} AS p"]
    base = by.select([*cells, *counts, *_tallied(evaluation, model)], scope(evaluation, query))
    scores, coarse = None, 1
    if "scores" in query.needs and model.codes and evaluation.task != REGRESSION:
        most = max(1, CELLS // (3 * model.codes))
        coarse = 1 if groups is None or groups <= most else -(-groups // most)
        code = f"r.b{model.index}" if coarse == 1 else f"r.b{model.index} // {coarse}"
        scores = by.select(["r.y AS y", f"{code} AS code", *counts], f"{where} AND r.b{model.index} IS NOT NULL")
    terms = tuple(sorted(each[4:] for each in query.needs if each.startswith("sum:")))
    sums = None
    if terms and measurable(evaluation, model):
        sums = by.select([*counts, *_sums(evaluation, model, terms)], f"{where} AND {usable(evaluation, model)}")
    orders = sorted(each[6:] for each in query.needs if each.startswith("order:"))
    return Statements(
        base, scores, sums, tuple(_order(evaluation, model, each, by, where) for each in orders), terms, coarse
    )


def _tallied(evaluation: Evaluation, model: ModelFacts) -> list[str]:
    """The columns a Tally is made of, and the rows they are among."""
    served = f"r.y IS NOT NULL AND {answered(evaluation, model)}"
    used = f"{served} AND r.w IS NOT NULL" if evaluation.weighted else served
    return [
        "count(*) AS rows",
        "count(r.y) AS labelled",
        f"count(*) FILTER ({served}) AS answered",
        f"count(*) FILTER ({used}) AS used",
    ]


def measurable(evaluation: Evaluation, model: ModelFacts) -> bool:
    """Whether the file holds per-row terms for this model: labels, and probabilities or a forecast."""
    if evaluation.roles.label is None:
        return False
    if evaluation.task == REGRESSION:
        return model.decision
    return model.score and model.probabilities


def usable(evaluation: Evaluation, model: ModelFacts) -> str:
    """The rows whose terms count: labelled and scored."""
    if evaluation.task == BINARY:
        return f"r.y IS NOT NULL AND r.s{model.index} IS NOT NULL"
    return f"r.{'e' if evaluation.task == REGRESSION else 'l'}{model.index} IS NOT NULL"


def term_sql(evaluation: Evaluation, model: ModelFacts, term: str) -> str:
    """A per-row term of Sums as SQL."""
    if evaluation.task == BINARY:
        return BINARY_TERMS[term].format(i=model.index)
    if evaluation.task != REGRESSION:
        return MULTICLASS_TERMS[term].format(i=model.index)
    error, label = ERROR.format(i=model.index), LABEL.format(centre=evaluation.centre)
    return REGRESSION_TERMS[term].format(i=model.index, e=error, y=label, median=evaluation.median)


def _sums(evaluation: Evaluation, model: ModelFacts, terms: tuple[str, ...]) -> list[str]:
    parts = []
    for term in terms:
        sql = term_sql(evaluation, model, term)
        if evaluation.weighted:
            parts += [f"fsum(r.w * ({sql})) AS s_{term}", f"fsum(r.w * r.w * ({sql})) AS q_{term}"]
        else:
            parts.append(f"fsum({sql}) AS s_{term}")
    return parts


def _order(evaluation: Evaluation, model: ModelFacts, quantity: str, by: Keys, where: str) -> tuple[str, str, str]:
    """(quantity, statement of the exact median, statement of the code histogram or "")."""
    value = {"ae": f"abs(r.e{model.index})", "d": f"abs(r.y - {evaluation.median!r})"}[quantity]
    rows = f"{where} AND {usable(evaluation, model)}"
    weight = ", sum(r.w) AS w" if evaluation.weighted else ""
    codes = by.select([f"r.a{model.index} AS code", f"count(*) AS n{weight}"], rows) if quantity == "ae" else ""
    if not evaluation.weighted:
        return quantity, by.select([f"quantile_cont({value}, 0.5) AS v"], rows), codes
    return quantity, weighted_median(by, value, rows, "min(v) FILTER (middle) AS v"), codes


def weighted_median(by: Keys, value: str, where: str, picked: str) -> str:
    """`picked` by group over v (the value) and middle: whether half of the weight lies at or below it.

    The least v in the middle is the median: the left-continuous inverse of the weighted distribution.
    """
    names = [f"k{place}" for place in range(len(by.sql))]
    part = f"PARTITION BY {', '.join(names)} " if names else ""
    texts = "".join(f"CAST({sql} AS VARCHAR) AS {name}, " for sql, name in zip(by.sql, names, strict=True))
    inner = f"SELECT {texts}{value} AS v, r.w AS w FROM rows r WHERE {where}"
    upto, total = f"sum(w) OVER ({part}ORDER BY v)", f"sum(w) OVER ({part.strip()})"
    middle = f"SELECT *, {upto} >= {total} / 2 AND {total} > 0 AS middle FROM ({inner})"
    return f"SELECT {', '.join([*names, picked])} FROM ({middle}) GROUP BY ALL"
