"""Groups: the rows of a cube, in their fixed order, and where what a statement counted belongs among them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from analysis.core.evaluation import EvalColumn
from analysis.engine.statements import Asked

OTHER = "other"
TALLIED = ("rows", "labelled", "answered", "used", "review")


@dataclass(frozen=True)
class Groups:
    """frame: a row a group with k0.., the tallies and `place`. codes(name): (low, high) of the codes in a column."""

    frame: pl.DataFrame
    keys: int
    weighted: bool
    codes: Callable[[str], tuple[np.ndarray, np.ndarray]]

    def __len__(self) -> int:
        return len(self.frame)

    def placed(self, answer: pl.DataFrame) -> tuple[pl.DataFrame, np.ndarray]:
        """(the answer's rows that belong to a known group, the place of each)."""
        if not self.keys:
            return answer, np.zeros(len(answer), dtype=np.int64)
        names = [f"k{place}" for place in range(self.keys)]
        joined = answer.join(self.frame.select(*names, "place"), on=names, how="inner", nulls_equal=True)
        return joined, joined["place"].to_numpy()

    def counted(
        self, answer: pl.DataFrame, shape: tuple[int, ...], index: Callable[[pl.DataFrame], tuple[np.ndarray, ...]]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(n, w, w2) of shape (G, *shape), where index gives each row's place on the further axes."""
        answer, place = self.placed(answer)
        where, full = (place, *index(answer)), (len(self), *shape)
        n = filled(full, where, column(answer, "n", np.int64))
        if not self.weighted:
            return n, n, n
        return n, filled(full, where, column(answer, "w")), filled(full, where, column(answer, "w2"))


def table(base: pl.DataFrame, asked: Asked) -> pl.DataFrame:
    """The groups in fixed order: k0.., tallies, place. Bins and numbers ascend, else by rows; missing last."""
    names = list(asked.keys.places)
    if not names:
        return pl.DataFrame({**{name: [int(base[name].sum() or 0)] for name in TALLIED}, "place": [0]})
    frame = base.group_by(names).agg(pl.col(TALLIED).sum())
    by: list[pl.Expr] = []
    for place, name in enumerate(names):
        by.append(pl.col(name).is_null())
        if place >= len(asked.columns) or _ordinal(asked.columns[place]):
            by.append(pl.col(name).cast(pl.Float64, strict=False))
        else:
            by += [pl.col(name) == OTHER, -pl.col("rows").sum().over(name)]
        by.append(pl.col(name))
    return frame.sort(by, nulls_last=True).with_columns(pl.int_range(pl.len()).alias("place"))


def _ordinal(column: EvalColumn) -> bool:
    return column.encoding in ("bins", "cut") or column.type not in ("ENUM", "VARCHAR", "BOOLEAN")


def bin_labels(column: EvalColumn) -> list[str]:
    """The ten (or fewer) quantile bins of a column as text, `[a, b)`, the last closed."""
    edges = list(column.edges)
    last = max(1, len(edges) - 1)
    return [f"[{edges[i]}, {edges[min(i + 1, len(edges) - 1)]}{']' if i == last - 1 else ')'}" for i in range(last)]


def shown(groups: pl.DataFrame, columns: tuple[EvalColumn, ...]) -> pl.DataFrame:
    """The keys as an analyst reads them: bins and cuts by their edges."""
    picked = []
    for place, column in enumerate(columns):
        name = f"k{place}"
        if column.encoding in ("bins", "cut"):
            labels = bin_labels(column) if column.encoding == "bins" else list(column.edges)
            names = {str(code): text for code, text in enumerate(labels)}
            picked.append(pl.col(name).replace_strict(names, default=None, return_dtype=pl.String))
        else:
            picked.append(pl.col(name))
    return groups.with_columns(picked).drop(*TALLIED, "place")


def column(frame: pl.DataFrame, name: str, kind: type = np.float64) -> np.ndarray:
    """A column of counts or sums; nothing counted is 0."""
    return frame[name].fill_null(0).to_numpy().astype(kind)


def missing_last(values: pl.Series, last: int) -> np.ndarray:
    """Codes as places, missing at `last`."""
    return values.cast(pl.Int64).fill_null(last).to_numpy()


def filled(shape: tuple[int, ...], index: tuple[np.ndarray, ...], values: np.ndarray) -> np.ndarray:
    """An array of this shape with the values added up at their places."""
    made = np.zeros(shape, dtype=values.dtype)
    np.add.at(made, index, values)
    return made
