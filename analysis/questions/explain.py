"""Why does the model give this row this answer? A local explanation that checks itself."""

import time
from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from analysis.core.model import Scorer
from analysis.core.receipt import Receipt, Result, Used
from analysis.core.segment import Segment
from analysis.core.settings import number, whole
from analysis.core.surrogate import cautions
from analysis.engine.explainframes import Told
from analysis.engine.explanations import Request, RowExplained
from analysis.engine.query import OpenEvaluation
from analysis.engine.receipts import bare
from analysis.explaining.local import asked_well
from analysis.metrics.settling import OtherWidth, Settling, settling

BATCH = 4


def explain(
    evaluation: OpenEvaluation,
    scorer: Scorer,
    *,
    row: str,
    cls: str = "",
    where: Segment | None = None,
    samples: int | None = None,
    kernel_width: float | None = None,
    kernel_widths: Sequence[float] = (),
    repeats: int | None = None,
    seed: int = 0,
    text: str = "",
    checks: bool = True,
    progress: Callable[[float, str], None] | None = None,
) -> Result:
    """Why the model answers as it does about the row with this id.

    A row a term, the largest weight first: `feature`, `value`, both as `text`, `weight` (by how much the explained
    score moves `per` what), its 95 % interval `low`, `high` over `n` repeats, `settled` (the sign is sure),
    `negligible` (surely next to nothing), `contribution` (the weight times how far the value is from its `usual` one),
    `occlusion` (what the prediction loses with the usual value), `outside` (share of neighbours beyond the data's
    range). Further frames: `summary` (prediction, surrogate, fit, grade, ...), `checks`, `facts` (the row's other
    columns), `runs` (the weights of each repeat).

    text: the column of a text that is explained word by word, all other features as they are: a row a word, whose
    weight is what the word adds; further frame `pieces` (the text in pieces, a word's feature and weight beside it).

    kernel_widths: how many times the kernel width to look again with as many repeats, once `checks` are asked for; a
    settled sign that turns with the width is named by a check, and `widths` has each (feature, times, width, weight,
    low, high, settled, fit).

    cls: the class; default the positive one. where: what neighbours are drawn from. repeats: None goes on until signs
    and ranks settle or the setting explain_budget ends; 1 is plain LIME with this seed. checks: also ask the `lime`
    package and whether recorded predictions are reproduced. BadRequest, NotFound for what cannot be asked, ModelFailed
    and LimitReached where the model cannot answer.
    """
    began = time.perf_counter()
    samples = whole("explain_samples") if samples is None else samples
    most = max(1, whole("explain_budget") // samples)
    asked_well(samples, kernel_width, repeats, seed, kernel_widths)
    asked = RowExplained(evaluation, scorer, Request(row, cls, where, samples, kernel_width, seed, text))
    runs, found = _settled(asked, repeats, most, progress)
    other = _other_widths(asked, found, kernel_widths, most) if checks else []
    told = Told(asked, runs, found, checks, other)
    options = asked.options() | {
        "class": asked.target.cls,
        "repeats": found.n,
        "seeds": runs["seed"].unique(maintain_order=True).to_list(),
        "kernel_width": asked.width(len(found.mean)),
        "background": f"the words of {asked.request.text}, some left out" if text else asked.known.sentence(),
        **({"kernel_widths": [each.times for each in other]} if other else {}),
        "settled_at": number("explain_wrong"),
        "libraries": {**scorer.model.libraries, **told.versions},
    }
    receipt = Receipt(
        "explain",
        evaluation.facts.label,
        evaluation.facts.fingerprint,
        options,
        (Used(scorer.model.label, asked.known.rows, asked.known.looked, told.dropped()),),
        {"row": bare(evaluation, asked.row.sql)},
        seed=seed,
        m=len(found.mean) * most if found.n > 1 else None,
        q=number("explain_wrong") if found.n > 1 else None,
        seconds=time.perf_counter() - began,
        notes=(*cautions(scorer.model), *scorer.model.notes),
    )
    sentence = "\n".join([told.sentence(), *cautions(scorer.model)[:1]])
    return Result(told.frame(), sentence, receipt, told.frames())


def settled_before(
    evaluation: OpenEvaluation,
    scorer: Scorer,
    *,
    row: str,
    cls: str = "",
    where: Segment | None = None,
    samples: int | None = None,
    kernel_width: float | None = None,
    kernel_widths: Sequence[float] = (),
    seed: int = 0,
    text: str = "",
) -> bool:
    """Whether `explain` would answer such a request without asking the model about neighbours again."""
    samples = whole("explain_samples") if samples is None else samples
    most = max(1, whole("explain_budget") // samples)
    asked_well(samples, kernel_width, None, seed, kernel_widths)
    asked = RowExplained(evaluation, scorer, Request(row, cls, where, samples, kernel_width, seed, text))
    known = asked.known_repeats
    if known < 2 or not (known >= most or _found(asked.runs(known), known, most).enough):
        return False
    terms = len(asked.runs(1))
    return all(asked.with_width(times * asked.width(terms)).known_repeats >= known for times in _others(kernel_widths))


def _found(runs: pl.DataFrame, count: int, most: int) -> Settling:
    weights = runs["weight"].to_numpy().reshape(count, -1)
    return settling(weights, looks=most, wrong=number("explain_wrong"), negligible=number("explain_negligible"))


def _others(times: Sequence[float]) -> list[float]:
    return sorted({float(each) for each in times} - {1.0})


def _other_widths(asked: RowExplained, found: Settling, times: Sequence[float], most: int) -> list[OtherWidth]:
    """The same explanation with other kernel widths: so many times the one in force."""
    made = []
    for each in _others(times):
        width = each * asked.width(len(found.mean))
        runs = asked.with_width(width).runs(found.n)
        made.append(OtherWidth(each, width, _found(runs, found.n, most), float(np.mean(runs["fit"].to_numpy()))))
    return made


def _settled(
    asked: RowExplained, repeats: int | None, most: int, progress: Callable[[float, str], None] | None
) -> tuple[pl.DataFrame, Settling]:
    """The repeats and what they settle; as many as it takes where `repeats` does not say."""
    count = min(BATCH, most) if repeats is None else repeats
    while True:
        runs = asked.runs(count)
        found = _found(runs, count, most)
        if progress is not None:
            progress(count / most, f"{count:,} repeats of {asked.request.samples:,} neighbours")
        if repeats is not None or count >= most or found.enough:
            return runs, found
        count = min(count + BATCH, most)
