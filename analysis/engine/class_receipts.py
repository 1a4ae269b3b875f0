"""Receipts of the scores of many classes: what their SQL is written over."""

from analysis.core.evaluation import Evaluation, ModelFacts


def _rows(keyed: str, where: str, weight: str, model: ModelFacts, facts: Evaluation) -> str:
    """every: the labelled rows once a class, with the code s of that class's score."""
    index = model.index
    pieces = "\n  UNION ALL ".join(
        f"SELECT {keyed}{code} AS code, r.b{index}_{code} AS s, r.y AS y, {weight} AS w FROM rows r "
        f"WHERE {where} AND r.b{index}_{code} IS NOT NULL AND r.y IS NOT NULL"
        for code in range(len(facts.classes))
    )
    return f"every AS ({pieces})"


def areas(keyed: str, listed: str, where: str, weight: str, decided: str, model: ModelFacts, facts: Evaluation) -> str:
    """areas: a row a group, class and other class."""
    others = ", ".join(f"({code})" for code in range(len(facts.classes)))
    return _areas(
        keyed, listed, where, weight, model, facts, f"(VALUES {others})", "o.y <> t.code", "t.y = o.y", "areas"
    )


def rests(keyed: str, listed: str, where: str, weight: str, decided: str, model: ModelFacts, facts: Evaluation) -> str:
    """rests: a row a group and class, all other classes as one."""
    return _areas(keyed, listed, where, weight, model, facts, "(VALUES (0))", "true", "t.y <> t.code", "rests")


def class_scores(
    keyed: str, listed: str, where: str, weight: str, decided: str, model: ModelFacts, facts: Evaluation
) -> str:
    """class_scores: a row a group, class and code of its score, as `scores` has of two classes."""
    texts = ", ".join(f"({code}, '{name.replace(chr(39), chr(39) * 2)}')" for code, name in enumerate(facts.classes))
    part = f"PARTITION BY {listed}class"
    return (
        f"{_rows(keyed, where, weight, model, facts)},\n"
        f"ties AS (SELECT {listed}class, code, s, coalesce(sum(w) FILTER (y = code), 0) AS pos,\n"
        "  coalesce(sum(w) FILTER (y <> code), 0) AS neg, count(*) FILTER (y = code) AS n_pos, count(*) AS n_all\n"
        f"  FROM every JOIN (VALUES {texts}) c(place, class) ON place = code GROUP BY ALL),\n"
        f"class_scores AS (SELECT ties.*, low < high AS wide, sum(neg) OVER ({part} ORDER BY s) - neg AS neg_below,\n"
        f"  sum(pos) OVER ({part} ORDER BY s DESC) AS tp, sum(neg) OVER ({part} ORDER BY s DESC) AS fp\n"
        f"  FROM ties JOIN codes c ON c.name = 'b{model.index}_' || ties.code AND c.code = ties.s)"
    )


def _areas(
    keyed: str,
    listed: str,
    where: str,
    weight: str,
    model: ModelFacts,
    facts: Evaluation,
    others: str,
    paired: str,
    negative: str,
    name: str,
) -> str:
    cells = f"{listed}code, other"
    return (
        f"{_rows(keyed, where, weight, model, facts)},\n"
        f"ties AS (SELECT {listed}code, y, s, sum(w) AS w, count(*) AS n FROM every GROUP BY {listed}code, y, s),\n"
        f"sides AS (SELECT {listed}code, o.y AS other, s, coalesce(sum(w) FILTER (t.y = t.code), 0) AS pos,\n"
        f"  coalesce(sum(w) FILTER ({negative}), 0) AS neg, coalesce(sum(n) FILTER (t.y = t.code), 0) AS n_pos\n"
        f"  FROM ties t, {others} o(y) WHERE {paired} AND (t.y = t.code OR {negative}) GROUP BY {cells}, s),\n"
        f"ranked AS (SELECT *, sum(neg) OVER (PARTITION BY {cells} ORDER BY s) - neg AS neg_below FROM sides),\n"
        f"{name} AS (SELECT {cells}, {len(facts.classes)} AS classes, sum(n_pos) AS n_pos,\n"
        "  sum(pos * (neg_below + neg / 2)) / nullif(sum(pos) * sum(neg), 0) AS area\n"
        f"  FROM ranked GROUP BY {cells})"
    )


def ranks(keyed: str, listed: str, where: str, weight: str, decided: str, model: ModelFacts, facts: Evaluation) -> str:
    """ranks: the labelled rows with the rank of the label's score."""
    rank = f"r.r{model.index}"
    return (
        f"ranks AS (SELECT {keyed}{rank} AS rank, {weight} AS w, {len(facts.classes)} AS classes FROM rows r "
        f"WHERE {where} AND {rank} IS NOT NULL)"
    )


def _gaps(listed: str, name: str, codes: str, hit: str, classes: int, further: str = "") -> str:
    middle = "(c.low + c.high) / 2"
    return (
        f"{name} AS (SELECT {listed}{further}{classes} AS classes, least(floor(c.low * 15), 14) AS bin,\n"
        f"  sum(CASE WHEN {hit} THEN w * (1 - {middle}) ELSE -w * {middle} END) AS excess, sum(w) AS total,\n"
        f"  count(*) AS n_all FROM every JOIN codes c ON c.name = {codes} AND c.code = every.s\n"
        f"  GROUP BY ALL)"
    )


def class_calibration(
    keyed: str, listed: str, where: str, weight: str, decided: str, model: ModelFacts, facts: Evaluation
) -> str:
    """class_calibration: a row a group, class and bin."""
    codes, size = f"'b{model.index}_' || every.code", len(facts.classes)
    gaps = _gaps(listed, "class_calibration", codes, "y = every.code", size, "every.code, ")
    return f"{_rows(keyed, where, weight, model, facts)},\n{gaps}"


def top_calibration(
    keyed: str, listed: str, where: str, weight: str, decided: str, model: ModelFacts, facts: Evaluation
) -> str:
    """top_calibration: a row a group and bin of the highest score."""
    index = model.index
    rows = (
        f"every AS (SELECT {keyed}r.b{index}_top AS s, r.r{index} = 1 AS hit, {weight} AS w FROM rows r "
        f"WHERE {where} AND r.r{index} IS NOT NULL)"
    )
    return f"{rows},\n" + _gaps(listed, "top_calibration", f"'b{index}_top'", "hit", len(facts.classes))
