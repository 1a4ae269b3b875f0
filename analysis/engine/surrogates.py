"""Surrogates of an evaluation: what one is fitted to and judged on, drawn from its rows, and the order to make it."""

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from analysis.core.classorder import class_order, same
from analysis.core.errors import BadRequest
from analysis.core.evaluation import Evaluation, ModelFacts
from analysis.core.model import Answers, Model
from analysis.core.roles import BINARY, REGRESSION
from analysis.core.settings import number, whole
from analysis.core.surrogate import CLASS_SCORES, DECISION, FORECAST, SCORE, SurrogateOf, default_features
from analysis.engine.changing import parting
from analysis.engine.query import OpenEvaluation
from analysis.engine.sampled import Sampled, recorded
from analysis.metrics import faithfulness
from analysis.store import surrogate
from analysis.store.child import Progress, no_progress
from analysis.store.workspace import Workspace

FEWEST = 200
HELD_OUT = 0.2
HALF = 0.5


def make(
    workspace: Workspace,
    opened: OpenEvaluation,
    *,
    version: str = "",
    name: str = "",
    features: Sequence[str] = (),
    rows: int | None = None,
    seed: int = 0,
    level: float = 0.95,
    progress: Progress = no_progress,
    cancelled: threading.Event | None = None,
) -> tuple[Model, bool]:
    """Fit a surrogate to what a model version (default: the last) recorded, judge it on a fifth of the rows it has not
    seen, and keep it: (the model, whether it is new). The same request gives the one already kept.

    features: default those of core/surrogate.py. rows: drawn at most, default the setting surrogate_rows. Rows of one
    unit are never on both sides. BadRequest where nothing is recorded to learn from, where a feature is the label, and
    below 200 rows.
    """
    facts = opened.facts
    model = facts.model(version) if version else facts.models[-1]
    quantity = _quantity(facts, model)
    names = _features(facts, features)
    name = name or f"surrogate-{model.name}"
    limit = whole("surrogate_rows") if rows is None else rows
    if quantity == CLASS_SCORES:
        limit = max(min(limit, 5000), 2 * limit // len(facts.classes))
    progress(0.02, "drawing rows")
    sample, targets, classes = _drawn(opened, model, quantity, names, limit, seed)
    kept = surrogate.known(workspace, name, (facts.fingerprint, model.name, names, len(sample), seed))
    if kept is not None:
        return kept, False
    held = _held_out(sample, facts, names, seed)
    teaching = surrogate.Teaching(
        facts,
        names,
        classes,
        _columns(sample.filter(~held), names),
        targets[~held],
        _columns(sample.filter(held), names),
        seed,
    )

    def judged(answers: Answers) -> SurrogateOf:
        return _judged(opened, model, quantity, teaching, targets[held], answers, level)

    return surrogate.keep(workspace, teaching, name=name, judged=judged, progress=progress, cancelled=cancelled), True


def _columns(sample: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    return sample.select(f"v{at}" for at in range(len(names)))


def _quantity(facts: Evaluation, model: ModelFacts) -> str:
    """What is learned: scores before decisions."""
    if facts.task == REGRESSION:
        return FORECAST
    if facts.task == BINARY and model.score:
        return SCORE
    if facts.task != BINARY and recorded(facts, model):
        return CLASS_SCORES
    if model.decision:
        return DECISION
    raise BadRequest(f"{model.name} has neither scores nor decisions in '{facts.name}' that a surrogate could learn.")


def _features(facts: Evaluation, asked: Sequence[str]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(facts.column(name).name for name in asked)) or default_features(facts)
    if not names:
        raise BadRequest(
            f"No column of '{facts.name}' is left to fit a surrogate to; give columns the role feature, or name them."
        )
    roles = facts.roles.used()
    for name in names:
        held = {"label", "prediction", "score", "quantile"} & set(roles.get(name, ()))
        if held:
            raise BadRequest(f"'{name}' has the role {held.pop()}: a surrogate fitted to it would copy it.")
    return names


def _drawn(
    opened: OpenEvaluation, model: ModelFacts, quantity: str, names: tuple[str, ...], limit: int, seed: int
) -> tuple[pl.DataFrame, np.ndarray, tuple[str, ...]]:
    """(rows of a Sampled query with something recorded, what is to be learned of them, of which classes)."""
    facts = opened.facts
    unit = (facts.roles.unit,) if facts.roles.unit else ()
    sample = opened.rows(Sampled(model.name, columns=(*names, *unit), limit=limit, seed=seed)).frame
    columns = {
        FORECAST: [f"p{model.index}"],
        DECISION: [f"p{model.index}"],
        SCORE: [f"s{model.index}"],
        CLASS_SCORES: recorded(facts, model),
    }[quantity]
    sample = sample.drop_nulls(columns)
    if quantity != DECISION:
        sample = sample.filter(pl.all_horizontal(pl.col(columns).cast(pl.Float64).is_finite()))
    if len(sample) < FEWEST:
        raise BadRequest(
            f"A surrogate needs {FEWEST} rows with a recorded {quantity.removesuffix('s')}; {model.name} has "
            f"{len(sample):,} here."
        )
    if quantity == DECISION:
        codes = np.array([facts.classes.index(each) for each in sample[columns[0]]])
        return sample, np.eye(len(facts.classes))[codes], facts.classes
    numbers = sample.select(pl.col(columns).cast(pl.Float64)).to_numpy()
    if quantity == SCORE and model.probabilities:
        return sample, np.column_stack([1 - numbers, numbers]), facts.classes
    if quantity == CLASS_SCORES and ((numbers >= 0) & (numbers <= 1)).all():
        return sample, numbers, facts.classes
    if quantity == CLASS_SCORES:
        raise BadRequest(f"The class scores of {model.name} are no probabilities; a surrogate cannot learn them.")
    return sample, numbers, ()


def _held_out(sample: pl.DataFrame, facts: Evaluation, names: tuple[str, ...], seed: int) -> pl.Series:
    """(rows,) which are held out: a fifth of the units, or of the rows where there are none."""
    rng = np.random.default_rng([seed, 1])
    groups = np.arange(len(sample))
    if facts.roles.unit:
        unit = sample[f"v{len(names)}"].rank("dense").to_numpy().astype(float)
        groups = np.where(np.isnan(unit), unit.size + groups, unit).astype(int)
    found, place = np.unique(groups, return_inverse=True)
    chosen = np.zeros(len(found), bool)
    chosen[rng.permutation(len(found))[: max(1, int(len(found) * HELD_OUT))]] = True
    if chosen.all():
        raise BadRequest("All rows belong to one unit, so no rows can be held out to judge a surrogate on.")
    return pl.Series(chosen[place])


def _judged(
    opened: OpenEvaluation,
    model: ModelFacts,
    quantity: str,
    teaching: surrogate.Teaching,
    recorded: np.ndarray,
    answers: Answers,
    level: float,
) -> SurrogateOf:
    """How near the answers on the held-out rows are to what was recorded of them."""
    facts = opened.facts
    answered = class_order(answers, facts.classes).scores(answers) if teaching.classes else answers.scores
    answered = np.nan_to_num(answered)  # a class no learned row had
    threshold: float | None = None
    difference, equal, measure = None, None, "R2"
    options: Any = {"level": level, "seed": teaching.seed}
    if quantity == DECISION:
        labels = answers.labels.to_list() if answers.labels is not None else []
        said = np.array([next(c for c in facts.classes if same(c, each)) for each in labels], dtype=object)
        told = np.array(facts.classes, dtype=object)[recorded.argmax(axis=1)]
        measure, fit = "kappa", faithfulness.agreed(told, said, **options)
        equal = faithfulness.same(told, said, level=level)
    else:
        one = slice(1, 2) if quantity == SCORE and teaching.classes else slice(None)
        recorded, answered = recorded[:, one], answered[:, one]
        if quantity == SCORE and teaching.classes:
            measure = "R2 of logits"
            pair = faithfulness.logits(recorded), faithfulness.logits(answered)
            fit = faithfulness.explained(*pair, **options)
        else:
            fit = faithfulness.explained(recorded, answered, **options)
        difference = faithfulness.apart(recorded, answered, level=level)
    if quantity == SCORE:
        best = parting(opened, model)
        threshold = best.high if best is not None else HALF if model.probabilities else None
        if threshold is not None:
            equal = faithfulness.same(recorded[:, 0] >= threshold, answered[:, 0] >= threshold, level=level)
    if quantity == CLASS_SCORES:
        equal = faithfulness.same(recorded.argmax(axis=1), answered.argmax(axis=1), level=level)
    return SurrogateOf(
        facts.label,
        facts.fingerprint,
        model.name,
        quantity,
        teaching.features,
        len(teaching.learned),
        teaching.seed,
        measure,
        fit,
        difference,
        equal,
        threshold,
        number("surrogate_fit"),
    )
