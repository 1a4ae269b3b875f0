"""Asking a model about rows by the thousand: rows drawn once, answers in pieces, read as the evaluation understands."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from analysis.core import words
from analysis.core.classorder import ClassOrder, class_order, same
from analysis.core.errors import BadRequest, ModelFailed, Undecided
from analysis.core.evaluation import EvalColumn, Evaluation
from analysis.core.model import Answers, Scorer, features, is_number
from analysis.core.period import Period
from analysis.core.roles import BINARY, REGRESSION
from analysis.core.segment import Everything, Segment
from analysis.core.settings import whole
from analysis.engine.held import Held
from analysis.engine.query import OpenEvaluation
from analysis.engine.sampled import Sampled, wanted

LABEL, CLASSES = "label", "classes"
Report = Callable[[float], None]


@dataclass(frozen=True)
class Drawn:
    """Rows to ask a model about. frame: its features v0, v1, ... in its order, ids i0, ..., `row`, the unit u, and with
    a label y and w. columns: the features. mark: which model and rows these are, JSON-able. sql: what drew them."""

    facts: Evaluation
    scorer: Scorer
    columns: tuple[EvalColumn, ...]
    frame: pl.DataFrame
    mark: Mapping[str, Any]
    sql: str

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def inputs(self) -> pl.DataFrame:
        return self.frame.select(f"v{at}" for at in range(len(self.columns)))

    def head(self, count: int) -> "Drawn":
        """The first of the rows, which a smaller draw would have given."""
        return replace(self, frame=self.frame.head(count), mark={**self.mark, "limit": count})

    def place(self, name: str) -> int:
        """Which feature is called so; BadRequest where the model does not take it."""
        names = [column.name for column in self.columns]
        if name not in names:
            known = ", ".join(names[:20])
            raise BadRequest(f"The model {self.scorer.model.label} takes no feature '{name}'. It takes {known}.")
        return names.index(name)

    def numeric(self, at: int) -> bool:
        return is_number(self.columns[at].type)

    def codes(self, at: int) -> np.ndarray:
        """A feature as numbers: floats of a numeric one, codes of the values of any other."""
        column = self.frame[f"v{at}"]
        if self.numeric(at):
            return column.cast(pl.Float64).fill_null(float("nan")).to_numpy().astype(float)
        return column.cast(pl.String).fill_null("").rank("dense").to_numpy().astype(np.int64)

    def units(self) -> np.ndarray | None:
        """(n,) numbers of the rows' units, None where rows belong to none; a row without one is one by itself."""
        if self.facts.roles.unit is None:
            return None
        known = self.frame["u"]
        alone = pl.Series([f"row {at}" for at in range(len(known))])
        return known.cast(pl.String).fill_null(alone).rank("dense").to_numpy().astype(np.int64) - 1


def draw(
    opened: OpenEvaluation,
    scorer: Scorer,
    *,
    where: Segment | None,
    period: Period | None,
    limit: int,
    seed: int,
    truth: bool,
) -> Drawn:
    """At most `limit` rows spread evenly over the file; BadRequest where the model does not fit the evaluation, where
    there is no row, or truth is asked for and there is no label."""
    facts = opened.facts
    columns = features(scorer.model, facts)
    if truth and facts.roles.label is None:
        raise BadRequest(f"'{facts.name}' has no label column, so nothing can be found wrong; give one the role label.")
    where, period = where or Everything(), period or Period()
    asked = Sampled(facts.models[-1].name, where, period, None, wanted(columns), limit, seed, truth, unit=True)
    found = opened.rows(asked)
    if not len(found.frame):
        kind = "labelled row" if truth else "row"
        raise BadRequest(f"There is no {kind} here to ask the model about; take the filter or the period away.")
    mark = {
        "model": scorer.model.fingerprint,
        "features": [column.name for column in columns],
        "where": "" if isinstance(where, Everything) else where.expression(),
        "from": str(period.first) if period.first else None,
        "to": str(period.last) if period.last else None,
        "limit": limit,
        "seed": seed,
        "truth": truth,
    }
    return Drawn(facts, scorer, columns, found.frame, mark, found.sql)


def answered(scorer: Scorer, frame: pl.DataFrame, report: Report = lambda share: None) -> pl.DataFrame:
    """What a model says of rows of any number, asked in calls the settings allow. Columns: s0, s1, ... (scores), label
    (where it gives one), classes (of the scores, as JSON). ModelFailed where it raises or an answer is no number."""
    size, parts = max(1, whole("model_rows")), []
    for start in range(0, len(frame), size):
        report(start / len(frame))
        given = scorer.predict(frame.slice(start, size))
        parts.append(_packed(given))
    made = pl.concat(parts, how="vertical_relaxed")
    scores = [name for name in made.columns if name not in (LABEL, CLASSES)]
    if scores:
        bad = len(made) - int(made.select(pl.all_horizontal(pl.col(scores).is_finite())).to_series().sum())
        if bad:
            raise ModelFailed(
                f"The model {scorer.model.label} gives no number (nan or infinity) for {bad:,} of "
                f"{words.plural(len(made), 'row')} asked; what it would do with them cannot be told."
            )
    return made


def _packed(given: Answers) -> pl.DataFrame:
    columns: dict[str, Any] = {f"s{at}": given.scores[:, at] for at in range(given.scores.shape[1])}
    if given.labels is not None:
        columns[LABEL] = given.labels.cast(pl.String)
    frame = pl.DataFrame(columns)
    return frame.with_columns(pl.lit(json.dumps(list(given.classes))).alias(CLASSES))


def unpacked(frame: pl.DataFrame) -> Answers:
    """The answers in a frame of `answered`."""
    scores = [name for name in frame.columns if name not in (LABEL, CLASSES)]
    classes = tuple(json.loads(frame[CLASSES][0])) if len(frame) else ()
    labels = frame[LABEL] if LABEL in frame.columns else None
    return Answers(frame.select(scores).to_numpy() if scores else np.empty((len(frame), 0)), classes, labels)


@dataclass(frozen=True)
class Reading:
    """How a model's answers are read: its classes in the evaluation's order, and what decides.

    order: None for a forecast and for a model that gives labels only. threshold: of the positive class's score; None:
    the labels the model gives, else the class with the highest score of more than two.
    """

    facts: Evaluation
    label: str
    order: ClassOrder | None
    threshold: float | None = None

    def score(self, answers: Answers) -> np.ndarray | None:
        """(n,) of the positive class, (n, classes) of more, (n,) the forecast; None where there are labels only."""
        if self.facts.task == REGRESSION:
            return answers.scores[:, 0]
        if self.order is None:
            return None
        scores = self.order.scores(answers)
        return scores[:, 1] if self.facts.task == BINARY else scores

    def decided(self, answers: Answers) -> np.ndarray:
        """(n,) class codes, or forecasts. Undecided where nothing decides."""
        score = self.score(answers)
        if self.facts.task == REGRESSION:
            return answers.scores[:, 0]
        if self.threshold is not None:
            if score is None:
                raise BadRequest(f"The model {self.label} gives no scores, so no threshold can be set.")
            return (score >= self.threshold).astype(np.int64)
        if answers.labels is not None:
            return self._codes(answers.labels)
        if score is not None and self.facts.task != BINARY:
            return score.argmax(axis=1)
        raise Undecided(
            f"The model {self.label} gives scores and no labels: say from which score on a row counts as positive, "
            "with --threshold."
        )

    def no_scores(self, what: str) -> BadRequest:
        """Said where scores are needed and the model gives labels only."""
        return BadRequest(f"The model {self.label} gives labels and no scores, which {what} needs.")

    def held(self, drawn: Drawn, answers: Answers, *, decide: bool, times: int = 1) -> Held:
        """The drawn rows as the model judged them; times: how often it was asked about all of them."""
        y = drawn.frame["y"].cast(pl.Float64 if self.facts.task == REGRESSION else pl.Int64).to_numpy()
        w = np.tile(drawn.frame["w"].cast(pl.Float64).to_numpy(), times) if self.facts.weighted else None
        y = np.tile(y, times)
        none = np.full(len(y), -1)
        decided = self.decided(answers) if decide or self.facts.task == REGRESSION else none
        return Held(self.facts, y, decided, None if self.facts.task == REGRESSION else self.score(answers), w)

    def _codes(self, given: pl.Series) -> np.ndarray:
        codes = {}
        for name in given.unique().to_list():
            known = [at for at, each in enumerate(self.facts.classes) if same(each, str(name))]
            if not known:
                classes = words.listed([f"'{each}'" for each in self.facts.classes[:8]])
                raise ModelFailed(
                    f"The model {self.label} answers '{name}', none of the evaluation's classes: {classes}."
                )
            codes[name] = known[0]
        return np.array([codes[each] for each in given.to_list()], dtype=np.int64)


def reading(drawn: Drawn, answers: Answers, threshold: float | None = None) -> Reading:
    """How these answers are read; BadRequest where their classes are not the evaluation's or their number is wrong."""
    facts, label = drawn.facts, drawn.scorer.model.label
    count = answers.scores.shape[1]
    if facts.task == REGRESSION:
        if count != 1:
            raise BadRequest(f"The model {label} gives {count:,} scores a row where one number is forecast.")
        return Reading(facts, label, None)
    if threshold is not None and facts.task != BINARY:
        raise BadRequest(f"A threshold decides between two classes; '{facts.name}' is {facts.task}.")
    if not count:
        if answers.labels is None:
            raise BadRequest(f"The model {label} answers nothing that can be compared.")
        return Reading(facts, label, None, threshold)
    order = class_order(answers, facts.classes)
    if any(at < 0 for at in order.places):
        raise BadRequest(f"The classes of the model {label} do not fit the evaluation. {order.said}")
    return Reading(facts, label, order, threshold)
