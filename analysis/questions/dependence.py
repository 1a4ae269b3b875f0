"""How does a model's answer depend on one feature? The mean answer over drawn rows with the feature set to each of its
observed values (partial dependence; Friedman 2001), and the curves of single rows (Goldstein et al. 2015).
"""

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from analysis.core import words
from analysis.core.classorder import same
from analysis.core.errors import BadRequest, UnknownName
from analysis.core.model import Scorer, features
from analysis.core.period import Period
from analysis.core.receipt import Receipt, Result, Used
from analysis.core.roles import MULTICLASS, REGRESSION
from analysis.core.segment import Everything, Segment
from analysis.core.settings import whole
from analysis.core.surrogate import cautions
from analysis.engine import grids, piecework
from analysis.engine.asking import Drawn, Reading, answered, draw, reading, unpacked
from analysis.engine.grids import Grid
from analysis.engine.onerow import id_text, one_row
from analysis.engine.piecework import Progress
from analysis.engine.query import OpenEvaluation, Query
from analysis.engine.receipts import bare
from analysis.metrics.intervals import t_value

SEED, CURVES, BARS = 20_260, 30, 24
METHOD = "mean over the rows, Student's t"


def dependence(
    evaluation: OpenEvaluation,
    scorer: Scorer,
    *,
    feature: str,
    where: Segment | None = None,
    period: Period | None = None,
    limit: int | None = None,
    row: str | None = None,
    of_class: str | None = None,
    seed: int = SEED,
    level: float = 0.95,
    progress: Progress = lambda share, doing: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Result:
    """A row an observed value of the feature, at most 20: quantiles (1 to 99 %) of numbers, else the most frequent.

    value: as text; at: the number, null of a category; mean: the mean answer over the rows drawn, all with this value;
    low, high: its interval over the rows. The answer is the score of the positive class, of `of_class` of more than
    two (default: the one that is answered most), or the forecast. limit: rows asked about. row: the id of a row whose
    own curve is added. Further frames: `curves` (row, own, value, at, place, score) of up to 30 rows, `spread` (value,
    low, high, n): where the feature's values lie between the ends of the curve, of up to 5,000 rows; with a row `here`
    (row, value, at, score): it as it is.
    """
    began = time.perf_counter()
    facts = evaluation.facts
    limit = whole("dependence_rows") if limit is None else limit
    feature = facts.column(feature).name
    most = max(limit, whole("importance_rows"))
    known = draw(evaluation, scorer, where=where, period=period, limit=most, seed=seed, truth=False)
    drawn = known.head(limit)
    grid = grids.observed(known, feature)
    own = None if row is None else one_row(evaluation, row, features(scorer.model, facts))
    made = piecework.made(evaluation, [grids.asked(drawn, grid)], progress=progress, cancelled=cancelled)
    answers = unpacked(next(made))
    read = reading(drawn, answers)
    which = _class(read, read.score(answers), of_class)
    scores = _scores(read, read.score(answers), which).reshape(len(grid.values), len(drawn))
    frame = _means(drawn, grid, scores, level)
    curves = [_curves([id_text(facts, drawn.frame, at) for at in range(min(CURVES, len(drawn)))], grid, scores)]
    if own is not None:
        alone = Drawn(facts, scorer, drawn.columns, own.frame, drawn.mark, own.sql)
        wanted = pl.concat([alone.inputs, grids.filled(alone, grid)], how="vertical_relaxed")
        said = unpacked(answered(scorer, wanted))
        found = _scores(read, read.score(said), which)
        curves.append(_curves([own.id], grid, found[1:, None], own=True))
        here = _here(own.id, alone.inputs[f"v{grid.place}"][0], grid, float(found[0]))
    frames = {"curves": pl.concat(curves), "spread": _spread(known, grid)}
    if own is not None:
        frames["here"] = here
    cube = evaluation.ask(
        Query(facts.models[-1].name, frozenset(), where=where or Everything(), period=period or Period())
    ).cube
    rows = int(cube.rows.sum())
    left = {"not drawn into the sample": rows - len(drawn)} if rows > len(drawn) else {}
    options = {
        **drawn.mark,
        "model": scorer.model.label,
        "model_fingerprint": scorer.model.fingerprint,
        "libraries": scorer.model.libraries,
        "feature": feature,
        "limit": limit,
        "row": row,
        "class": which,
        "level": level,
    }
    receipt = Receipt(
        "dependence",
        facts.label,
        facts.fingerprint,
        options,
        (Used(scorer.model.label, rows, len(drawn), left),),
        {"rows": bare(evaluation, known.sql)},
        seed=seed,
        seconds=time.perf_counter() - began,
        notes=(
            f"Asked about the first {words.plural(len(drawn), 'row')} of these. A mean over rows whose other features "
            "stay as they are: where features hang together some of these rows do not occur.",
            *cautions(scorer.model),
            *scorer.model.notes,
        ),
    )
    told = [_sentence(scorer.model.label, facts.task, feature, grid, frame, which)]
    if own is not None:
        told.append(_said_of_row(facts.task, frames["here"], curves[-1]))
    return Result(frame, "\n".join([*told, *cautions(scorer.model)[:1]]), receipt, frames)


def _class(read: Reading, score: np.ndarray | None, wanted: str | None) -> str:
    facts = read.facts
    if facts.task == REGRESSION:
        if wanted is not None:
            raise BadRequest("A forecast has no classes; leave the class out.")
        return ""
    if wanted is not None:
        named = next((each for each in facts.classes if same(each, wanted)), None)
        if named is None:
            raise UnknownName("class", wanted, facts.classes)
        if facts.task != MULTICLASS and named != facts.positive:
            raise BadRequest(f"Of two classes the curve is that of the positive one, '{facts.positive}'.")
        return named
    if facts.task != MULTICLASS:
        return facts.positive or ""
    if score is None:
        return facts.classes[0]
    return facts.classes[int(np.bincount(score.argmax(axis=1), minlength=len(facts.classes)).argmax())]


def _scores(read: Reading, score: np.ndarray | None, which: str) -> np.ndarray:
    """(n,) what is averaged; of a model without scores there is nothing."""
    if score is None:
        raise read.no_scores("a curve")
    return score[:, read.facts.classes.index(which)] if score.ndim == 2 else score


def _means(drawn: Drawn, grid: Grid, scores: np.ndarray, level: float) -> pl.DataFrame:
    n, unit = len(drawn), drawn.units()
    mean = scores.mean(axis=1)
    apart = scores - mean[:, None]
    if unit is not None:
        apart = np.stack([np.bincount(unit, each) for each in apart])
    size = apart.shape[1]
    error = np.sqrt((apart**2).sum(axis=1) * size / max(size - 1, 1)) / n
    reach = t_value(level, np.array(float(size - 1))) * error if size > 1 else np.full(len(mean), np.nan)
    return pl.DataFrame(
        {
            "feature": [grid.feature] * len(mean),
            "value": grid.texts,
            "at": grid.at,
            "mean": mean,
            "low": mean - reach,
            "high": mean + reach,
            "n": [n] * len(mean),
            "method": [METHOD] * len(mean),
        }
    ).fill_nan(None)


def _curves(ids: list[str], grid: Grid, scores: np.ndarray, *, own: bool = False) -> pl.DataFrame:
    """The curves of the first rows. scores: (values, rows)."""
    count = len(grid.values)
    made: dict[str, Any] = {
        "row": [id for id in ids for _ in range(count)],
        "own": [own] * (len(ids) * count),
        "value": grid.texts * len(ids),
        "at": np.tile(grid.at, len(ids)),
        "place": list(range(count)) * len(ids),
        "score": scores[:, : len(ids)].T.reshape(-1),
    }
    return pl.DataFrame(made).fill_nan(None)


def _here(id: str, value: Any, grid: Grid, score: float) -> pl.DataFrame:
    """The row as it is, one row: row, value (as text), at, score."""
    missing = value is None or value != value
    at = float(value) if grid.numeric and not missing else None
    text = "missing" if missing else str(value) if at is None else words.plain_number(at)
    schema = {"row": pl.String, "value": pl.String, "at": pl.Float64, "score": pl.Float64}
    return pl.DataFrame([(id, text, at, score)], schema=schema, orient="row")


def _said_of_row(task: str, here: pl.DataFrame, curve: pl.DataFrame) -> str:
    unit, row = "label" if task == REGRESSION else "score", here.row(0, named=True)
    low, high = (curve.sort("score", maintain_order=True).row(at, named=True) for at in (0, -1))
    head = f"Row {row['row']} has {row['value']} there and gets {words.number(row['score'], unit)}"
    if high["score"] - low["score"] < 1e-12:
        return f"{head}, and would with any other of these values."
    ends = [f"{words.number(each['score'], unit)} at {each['value']}" for each in (low, high)]
    return f"{head}; of these values it would get the least, {ends[0]}, and the most, {ends[1]}."


def _spread(drawn: Drawn, grid: Grid) -> pl.DataFrame:
    column = drawn.frame[f"v{grid.place}"].drop_nulls()
    if not grid.numeric:
        counts = column.cast(pl.String).value_counts(name="n").rename({column.name: "value"})
        kept = pl.DataFrame({"value": grid.texts}).join(counts, on="value", how="left", maintain_order="left")
        none = pl.lit(None, dtype=pl.Float64)
        return kept.select("value", none.alias("low"), none.alias("high"), "n")
    values = column.cast(pl.Float64).to_numpy()
    values = values[(values >= grid.at[0]) & (values <= grid.at[-1])]
    some = np.unique(values)
    edges: Any = BARS
    if len(some) <= BARS:  # a bar a value
        ends = (some[1:] + some[:-1]) / 2
        half = np.diff(some).min() / 2 if len(some) > 1 else 0.5
        edges = np.concatenate([[some[0] - half], ends, [some[-1] + half]])
    n, edges = np.histogram(values, bins=edges)
    texts = [words.plain_number(each) for each in some]
    if len(some) > BARS:
        texts = [f"{words.plain_number(a)} to {words.plain_number(b)}" for a, b in pairwise(edges)]
    return pl.DataFrame({"value": texts, "low": edges[:-1], "high": edges[1:], "n": n})


def _sentence(label: str, task: str, feature: str, grid: Grid, frame: pl.DataFrame, which: str) -> str:
    unit = "label" if task == REGRESSION else "score"
    what = "mean forecast" if task == REGRESSION else f"mean score of '{which}'"
    order = frame.sort("mean", maintain_order=True)
    low, high = order.row(0, named=True), order.row(-1, named=True)
    n = words.plural(int(frame["n"][0]), "row")
    if len(frame) == 1:
        return f"{feature} holds one value only, {low['value']}; there is nothing for {label} to depend on."
    if high["mean"] - low["mean"] < 1e-12:
        return f"The {what} by {label} does not depend on {feature}: it is {words.number(low['mean'], unit)} on {n}."
    both = (frame.row(at, named=True) for at in (0, -1))
    ends = [(each["value"], words.number(each["mean"], unit)) for each in both]
    steps = np.diff(frame["mean"].to_numpy())
    if grid.numeric and ((steps >= 0).all() or (steps <= 0).all()):
        verb = "rises" if (steps >= 0).all() else "falls"
        return (
            f"The {what} by {label} {verb} from {ends[0][1]} with {feature} at {ends[0][0]} to {ends[1][1]} at "
            f"{ends[1][0]}, all else as it is, on {n}."
        )
    return (
        f"The {what} by {label} is lowest, {words.number(low['mean'], unit)}, with {feature} at {low['value']} and "
        f"highest, {words.number(high['mean'], unit)}, at {high['value']}, all else as it is, on {n}."
    )
