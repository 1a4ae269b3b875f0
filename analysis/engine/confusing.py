"""Confusing: one model version's decided classes beside the actual ones, as frames, each cell with its segment."""

import polars as pl

from analysis.core import judged
from analysis.core.evaluation import ModelFacts
from analysis.core.segment import Compare, OneOf, Segment
from analysis.core.wholes import Units
from analysis.engine.deciding import over_scores
from analysis.engine.judgement import Judged
from analysis.engine.receipts import bare
from analysis.engine.rows import RowQuery
from analysis.engine.seen import Seen
from analysis.metrics import confusions, replicates
from analysis.metrics.clusters import APART, BY_UNIT, DEALT

SHOWN = 20


def of(seen: Seen, model: ModelFacts) -> dict[str, pl.DataFrame]:
    """`main` (a row a pair of classes) and `matrix` (a row a cell that is drawn), empty without decisions."""
    facts = seen.evaluation.facts
    if facts.roles.label is None or not judged.decided(facts, model, seen.cut(model)):
        return {"main": pl.DataFrame()}
    answer = seen.counts(model)
    if answer.cube.confusion is None:
        return {"main": pl.DataFrame()}
    counted = confusions.square(answer.cube.confusion)
    names = list(facts.classes)
    units = replicates.with_units(answer.cube).units
    size, how = confusions.trials(counted, units, seen.level), _how(units)
    main = confusions.cells(counted, names, seen.level, size, how)
    if len(names) > SHOWN:
        main = main.filter(pl.col("n") > 0)
    seen.sql[f"confusion ({model.name})"] = bare(seen.evaluation, _statement(seen, model))
    kept = confusions.most_confused(counted.n[0], SHOWN) if len(names) > SHOWN else list(range(len(names)))
    shown, drawn = [names[place] for place in kept], counted
    others = [] if len(kept) == len(names) else [name for name in names if name not in shown]
    if others:
        drawn, size, how = confusions.merged(counted, kept), None, f"; {APART}" if units is not None else ""
        seen.notes.append(f"The {len(kept)} classes with the most errors are drawn; {len(others)} others are one.")
    order = confusions.side_by_side(drawn.n[0][: len(kept), : len(kept)])
    places = {shown[old]: place for place, old in enumerate(order)}
    other = f"other ({len(others)} classes)"
    if others:
        places[other] = len(shown)
    matrix = confusions.cells(drawn, [*shown, *([other] if others else [])], seen.level, size, how)
    given = {name: place for place, name in enumerate([*shown, other])}
    return {
        "main": _placed(seen, model, main, []),
        "matrix": _placed(seen, model, matrix, others).with_columns(
            pl.col("actual").replace_strict(places, return_dtype=pl.Int64).alias("place_actual"),
            pl.col("predicted").replace_strict(places, return_dtype=pl.Int64).alias("place_predicted"),
            pl.col("actual").replace_strict(given, return_dtype=pl.Int64).alias("given_actual"),
            pl.col("predicted").replace_strict(given, return_dtype=pl.Int64).alias("given_predicted"),
        ),
    }


def _how(units: Units | None) -> str:
    """What the method of a cell's interval adds where rows belong to units."""
    if units is None:
        return ""
    return f"; {APART}" if units.cells is None else f", {DEALT if units.dealt else BY_UNIT}"


def _placed(seen: Seen, model: ModelFacts, cells: pl.DataFrame, others: list[str]) -> pl.DataFrame:
    """The cells with their model and their segment."""
    names = judged.named(seen.evaluation.facts)
    known = set(seen.evaluation.facts.classes)

    def is_in(column: str, name: str) -> Segment:
        if name in known:
            return Compare(column, "=", name)
        return OneOf(column, tuple(others))

    label, prediction = names["label"], names["prediction"]
    segments = [
        seen.segment(is_in(label, actual), is_in(prediction, predicted))
        for actual, predicted in cells.select("actual", "predicted").iter_rows()
    ]
    return pl.concat(
        [
            pl.DataFrame({"model": [model.name] * len(cells)}, schema={"model": pl.String}),
            cells.with_columns(pl.Series("where", segments, dtype=pl.String)),
        ],
        how="horizontal",
    )


def _statement(seen: Seen, model: ModelFacts) -> str:
    """Counts and shares of the cells by names, sharing nothing with the cube."""
    facts, answer = seen.evaluation.facts, seen.counts(model)
    index = model.index
    rule = answer.threshold
    decided = f"r.p{index}" if rule is None else over_scores(facts, rule).decides(f"r.s{index}")
    query = RowQuery(model.name, seen.where, seen.period)
    seen_by = Judged(facts, model, decided)
    texts = "[" + ", ".join("'" + name.replace("'", "''") + "'" for name in facts.classes) + "]"
    weight = "r.w" if facts.weighted else "1"
    kept = " AND r.w IS NOT NULL" if facts.weighted else ""
    return (
        f"WITH judged AS (SELECT r.y AS y, {decided} AS p, {weight} AS w FROM rows r\n"
        f"  WHERE {query.scope(seen_by)} AND r.y IS NOT NULL AND {decided} IS NOT NULL{kept})\n"
        f"SELECT {texts}[y + 1] AS actual, {texts}[p + 1] AS predicted, count(*) AS n,\n"
        "  sum(w) / sum(sum(w)) OVER (PARTITION BY y) AS share_of_actual,\n"
        "  sum(w) / sum(sum(w)) OVER (PARTITION BY p) AS share_of_predicted\n"
        "FROM judged GROUP BY y, p ORDER BY y, p"
    )
