"""Assembling: what statements returned, as a cube."""

import numpy as np
import polars as pl

from analysis.core.cube import Confusion, Cube, Histogram, Order, Sums, Tally
from analysis.core.evaluation import EvalColumn, Evaluation

OTHER = "other"
TALLIED = ("rows", "labelled", "answered", "used")


def group_table(base: pl.DataFrame, keys: int, columns: list[EvalColumn], bucket: bool) -> pl.DataFrame:
    """The groups in fixed order: k0.., tallies, place. Bins and numbers ascend, else by rows; missing last."""
    names = [f"k{place}" for place in range(keys)]
    if not names:
        return pl.DataFrame({**{name: [int(base[name].sum() or 0)] for name in TALLIED}, "place": [0]})
    frame = base.group_by(names).agg(pl.col(TALLIED).sum())
    by: list[pl.Expr] = []
    for place, name in enumerate(names):
        time = bucket and place == keys - 1
        ordinal = time or _ordinal(columns[place])
        by.append(pl.col(name).is_null())
        if ordinal:
            by.append(pl.col(name).cast(pl.Float64, strict=False))
        else:
            by += [pl.col(name) == OTHER, -pl.col("rows").sum().over(name)]
        by.append(pl.col(name))
    return frame.sort(by, nulls_last=True).with_columns(pl.int_range(pl.len()).alias("place"))


def _ordinal(column: EvalColumn) -> bool:
    return column.encoding == "bins" or column.type not in ("ENUM", "VARCHAR", "BOOLEAN")


def bin_labels(column: EvalColumn) -> list[str]:
    """The ten (or fewer) quantile bins of a column as text, `[a, b)`, the last closed."""
    edges = list(column.edges)
    last = max(1, len(edges) - 1)
    return [f"[{edges[i]}, {edges[min(i + 1, len(edges) - 1)]}{']' if i == last - 1 else ')'}" for i in range(last)]


def shown_groups(groups: pl.DataFrame, columns: list[EvalColumn]) -> pl.DataFrame:
    """The keys as an analyst reads them: bins by their edges."""
    picked = []
    for place, column in enumerate(columns):
        name = f"k{place}"
        if column.encoding == "bins":
            names = {str(code): text for code, text in enumerate(bin_labels(column))}
            picked.append(pl.col(name).replace_strict(names, default=None, return_dtype=pl.String))
        else:
            picked.append(pl.col(name))
    return groups.with_columns(picked)


def places(answer: pl.DataFrame, groups: pl.DataFrame, keys: int) -> tuple[pl.DataFrame, np.ndarray]:
    """(the answer's rows that belong to a known group, the place of each)."""
    if not keys:
        return answer, np.zeros(len(answer), dtype=np.int64)
    names = [f"k{place}" for place in range(keys)]
    joined = answer.join(groups.select(*names, "place"), on=names, how="inner", nulls_equal=True)
    return joined, joined["place"].to_numpy()


def _array(frame: pl.DataFrame, name: str, kind: type) -> np.ndarray:
    return frame[name].fill_null(0).to_numpy().astype(kind)


def _filled(shape: tuple[int, ...], index: tuple[np.ndarray, ...], values: np.ndarray) -> np.ndarray:
    made = np.zeros(shape, dtype=values.dtype)
    np.add.at(made, index, values)
    return made


def _missing_last(values: pl.Series, last: int) -> np.ndarray:
    return values.cast(pl.Int64).fill_null(last).to_numpy()


def _weights(frame: pl.DataFrame, weighted: bool) -> list[np.ndarray]:
    n = _array(frame, "n", np.int64)
    return [n, _array(frame, "w", np.float64), _array(frame, "w2", np.float64)] if weighted else [n, n, n]


def confusion(answer: pl.DataFrame, groups: pl.DataFrame, keys: int, evaluation: Evaluation) -> Confusion:
    answer, place = places(answer, groups, keys)
    size = len(evaluation.classes)
    index = (place, _missing_last(answer["y"], size), _missing_last(answer["p"], size))
    shape = (len(groups), size + 1, size + 1)
    n, w, w2 = (_filled(shape, index, values) for values in _weights(answer, evaluation.weighted))
    return Confusion(n, w, w2, evaluation.weighted)


def histogram(
    answer: pl.DataFrame,
    groups: pl.DataFrame,
    keys: int,
    evaluation: Evaluation,
    codes: tuple[np.ndarray, np.ndarray],
    coarse: int,
) -> Histogram:
    low, high = codes
    if coarse > 1:
        firsts = np.arange(0, len(low), coarse)
        low, high = low[firsts], high[np.minimum(firsts + coarse - 1, len(high) - 1)]
    answer, place = places(answer, groups, keys)
    index = (place, _missing_last(answer["y"], 2), answer["code"].cast(pl.Int64).to_numpy())
    shape = (len(groups), 3, len(low))
    if evaluation.weighted:
        n, w, w2 = (_filled(shape, index, values) for values in _weights(answer, True))
    else:
        n = w = w2 = _filled(shape, index, _array(answer, "n", np.int64))
    return Histogram(n, w, w2, low, high, evaluation.weighted)


def sums(answer: pl.DataFrame, groups: pl.DataFrame, keys: int, terms: tuple[str, ...], weighted: bool) -> Sums:
    answer, place = places(answer, groups, keys)
    shape, index = (len(groups),), (place,)

    def column(name: str, kind: type = np.float64) -> np.ndarray:
        return _filled(shape, index, _array(answer, name, kind))

    n = column("n", np.int64)
    s = {term: column(f"s_{term}") for term in terms}
    if not weighted:
        return Sums(n, n, n, s, s, False)
    return Sums(n, column("w"), column("w2"), s, {term: column(f"q_{term}") for term in terms}, True)


def order(
    exact: pl.DataFrame,
    codes: pl.DataFrame | None,
    groups: pl.DataFrame,
    keys: int,
    edges: tuple[np.ndarray, np.ndarray] | None,
    weighted: bool,
) -> Order:
    exact, place = places(exact, groups, keys)
    median = np.full(len(groups), np.nan)
    median[place] = exact["v"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    if codes is None or edges is None:
        nothing = np.zeros((len(groups), 0))
        return Order(nothing, nothing, np.empty(0), np.empty(0), {0.5: median}, weighted)
    codes, place = places(codes, groups, keys)
    index = (place, codes["code"].cast(pl.Int64).to_numpy())
    shape = (len(groups), len(edges[0]))
    n = _filled(shape, index, _array(codes, "n", np.int64))
    w = _filled(shape, index, _array(codes, "w", np.float64)) if weighted else n
    return Order(n, w, edges[0], edges[1], {0.5: median}, weighted)


def cube(groups: pl.DataFrame, evaluation: Evaluation, columns: list[EvalColumn], **parts: object) -> Cube:
    return Cube(
        groups=shown_groups(groups, columns).drop(*TALLIED, "place"),
        rows=groups["rows"].to_numpy(),
        classes=evaluation.classes,
        tally=Tally(*(groups[name].to_numpy() for name in TALLIED[1:])),
        **parts,  # type: ignore[arg-type]
    )
