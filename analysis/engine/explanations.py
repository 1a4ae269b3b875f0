"""Explanations of a row under way: what is asked of a model about it, each repeat once, kept beside the cubes."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from analysis import __version__
from analysis.core import words
from analysis.core.background import Background
from analysis.core.classorder import ClassOrder, class_order, same
from analysis.core.errors import BadRequest, UnknownName
from analysis.core.evaluation import EvalColumn, Evaluation
from analysis.core.model import TEXTS, Answers, Asking, Scorer, features
from analysis.core.roles import REGRESSION
from analysis.core.segment import Segment
from analysis.core.settings import whole
from analysis.engine import background
from analysis.engine.onerow import OneRow, one_row
from analysis.engine.query import OpenEvaluation
from analysis.engine.readtexts import readable
from analysis.engine.recorded import pair
from analysis.engine.sampled import Sampled, wanted
from analysis.explaining import shapley
from analysis.explaining.local import Options
from analysis.explaining.text import WIDTH, Text, split
from analysis.metrics import agreement
from analysis.metrics.agreement import Agreement

LEARNED_FROM = 200
"""Rows whose labels tell the order of classes a model does not name."""


@dataclass(frozen=True)
class Request:
    """row: its id. cls: the class whose score is explained; "": the positive one, of several the one the model
    prefers. where: what the neighbourhood is drawn from, None for all rows. seed: of the first repeat. text: the
    column of a text that is explained word by word."""

    row: str
    cls: str = ""
    where: Segment | None = None
    samples: int = 5000
    kernel_width: float | None = None
    seed: int = 0
    text: str = ""


@dataclass(frozen=True)
class Target:
    """cls: the class explained, "" for a forecast. score, label, turned: as core.model.Asking has them."""

    cls: str
    score: int
    label: str = ""
    turned: bool = False


def targeted(facts: Evaluation, said: Answers, order: ClassOrder | None, cls: str) -> Target:
    """Where among a model's answers a class is, "" for a forecast; BadRequest where it is nowhere. order: of what it
    said, None where there are no scores of classes."""
    if facts.task == REGRESSION:
        return Target("", 0)
    if order is None:
        return Target(cls, -1, cls)
    place = order.places[facts.classes.index(cls)]
    if place < 0:
        raise BadRequest(f"The model has no class '{cls}'. {order.said}")
    if said.scores.shape[1] == 1:
        return Target(cls, 0, turned=facts.classes.index(cls) == 0)
    return Target(cls, place)


def seeds(first: int, count: int) -> tuple[int, ...]:
    """The seeds of so many repeats: the first as it is, the others drawn from it.

    >>> seeds(7, 3)
    (7, 2083679832, 3939563265)
    """
    drawn = np.random.SeedSequence(first).generate_state(max(count - 1, 1)).tolist()
    return (first, *drawn[: count - 1])


class RowExplained:
    """A row, a scorer and what was asked of it so far. BadRequest and NotFound as `features` and `one_row` raise."""

    def __init__(self, evaluation: OpenEvaluation, scorer: Scorer, request: Request) -> None:
        self.evaluation, self.facts = evaluation, evaluation.facts
        self.scorer, self.request = scorer, request
        self.columns = features(scorer.model, self.facts)
        self.others = tuple(column for column in self.facts.columns if column not in self.columns)
        if request.text:
            self._has_text()

    def _has_text(self) -> None:
        column = self.facts.column(self.request.text)
        if column not in self.columns or column.type not in TEXTS:
            offered = words.listed(readable(self.facts, self.columns)) or "none"
            raise BadRequest(f"'{column.name}' is no text the model reads. Its texts: {offered}.")
        if self.request.where is not None:
            raise BadRequest("Neighbours of a text are the text itself without some words; leave out the segment.")
        self.request = replace(self.request, text=column.name)

    @cached_property
    def row(self) -> OneRow:
        return one_row(self.evaluation, self.request.row, (*self.columns, *self.others))

    @cached_property
    def rows(self) -> pl.DataFrame:
        """(1, features): the row as the model takes it."""
        return _named(self.row.frame, self.columns)

    @cached_property
    def known(self) -> Background:
        """What neighbours are drawn from; of a text nothing but the text itself."""
        if self.request.text:
            return Background((), 1, 1, {})
        return background.of(self.evaluation, [column.name for column in self.columns], where=self.request.where)

    @cached_property
    def answers(self) -> Answers:
        """What the model says of the row, and of a few more where only that tells its classes."""
        asked = self.rows
        if self.facts.task != REGRESSION and not self.scorer.model.classes:
            more = Sampled(self.facts.models[-1].name, columns=wanted(self.columns), limit=LEARNED_FROM)
            asked = pl.concat([asked, _named(self.evaluation.rows(more).frame, self.columns)])
        return self.scorer.predict(asked)

    @cached_property
    def order(self) -> ClassOrder | None:
        scored = self.facts.task != REGRESSION and self.answers.scores.shape[1]
        return class_order(self.answers, self.facts.classes) if scored else None

    @cached_property
    def target(self) -> Target:
        """Which of the model's answers is explained; UnknownName or BadRequest where it has no such class."""
        said, order = self.answers, self.order
        if self.facts.task == REGRESSION:
            if self.request.cls:
                raise BadRequest("A forecast has no classes; leave out the class.")
            return Target("", 0)
        return targeted(self.facts, said, order, self._class(list(self.facts.classes)))

    def _class(self, known: list[str]) -> str:
        if self.request.cls:
            found = next((each for each in known if same(each, self.request.cls)), None)
            if found is None:
                raise UnknownName("class", self.request.cls, known)
            return found
        if self.facts.positive:
            return self.facts.positive
        if self.order is not None:
            return known[int(np.nan_to_num(self.order.scores(self.answers)[0], nan=-np.inf).argmax())]
        label = self.answers.labels[0] if self.answers.labels is not None else known[-1]
        return next((each for each in known if same(each, str(label))), known[-1])

    def words(self, terms: Sequence[str]) -> Text:
        """The text that is explained, in pieces, its words in the case of these terms."""
        text = str(self.rows[self.request.text][0])
        plain = split(text, False)
        return plain if plain.terms == tuple(terms) else split(text, True)

    def with_width(self, width: float) -> "RowExplained":
        """The same question with another kernel width."""
        return RowExplained(self.evaluation, self.scorer, replace(self.request, kernel_width=width))

    def width(self, terms: int) -> float:
        """The kernel's width."""
        if self.request.text:
            return self.request.kernel_width or WIDTH
        return Options(kernel_width=self.request.kernel_width).width(terms)

    # What is kept -------------------------------------------------------------------------------------------------

    def options(self) -> dict[str, Any]:
        """What was asked, JSON-able; the same for the same answer."""
        model, asked = self.scorer.model, self.request
        return {
            "model": model.label,
            "model_fingerprint": model.fingerprint,
            "features": [column.name for column in self.columns],
            "row": asked.row,
            "class": asked.cls,
            "neighbourhood": "" if asked.where is None else asked.where.expression(),
            "samples": asked.samples,
            "kernel_width": asked.kernel_width,
            "alpha": 1.0,
            "seed": asked.seed,
        } | ({"text": asked.text} if asked.text else {})

    def _key(self, what: str) -> str:
        return f"{what} {__version__} {json.dumps(self.options(), sort_keys=True)}"

    def _kept(self, what: str) -> pl.DataFrame | None:
        return self.evaluation.kept.get(self.facts.id, self._key(what))

    def _keep(self, what: str, frame: pl.DataFrame) -> None:
        self.evaluation.kept.put(self.facts.id, self._key(what), frame)

    @property
    def known_repeats(self) -> int:
        """How many repeats are kept already."""
        kept = self._kept("runs")
        return 0 if kept is None else int(kept["explanation"].n_unique())

    def runs(self, count: int) -> pl.DataFrame:
        """The first `count` repeats, each the frame of explaining/local.py; asked for as far as they are not kept."""
        kept = self._kept("runs")
        known = self.known_repeats
        if known < count:
            own = seeds(self.request.seed, count)[known:]
            said = self.scorer.explain(self._asking(pl.concat([self.rows] * len(own)), own, occlude=known == 0))
            frame = said.frame.with_columns(pl.col("explanation") + known)
            kept = frame if kept is None else pl.concat([kept, frame])
            self._keep("runs", kept)
            if known == 0:
                self._keep("occlusion", said.further["occlusion"])
        assert kept is not None  # noqa: S101 - it was just asked for
        return kept.filter(pl.col("explanation") < count)

    def occlusion(self) -> pl.DataFrame:
        """What each feature of the row is worth, as explaining/occlusion.py has it."""
        kept = self._kept("occlusion")
        if kept is None:
            kept = self.scorer.explain(self._asking(self.rows, (), occlude=True)).further["occlusion"]
            self._keep("occlusion", kept)
        return kept

    def checked(self) -> tuple[dict[str, pl.DataFrame], dict[str, Any]]:
        """({"reference", "shap": frame}, versions of the libraries and why SHAP values are missing)."""
        what = "checks with shap" if shapley.installed() else "checks"
        kept = self._kept(what)
        if kept is None:
            said = self.scorer.explain(self._asking(self.rows, (), reference=self.request.seed, shap=True))
            parts = {"": json.dumps(said.facts).encode()} | {name: _packed(each) for name, each in said.further.items()}
            schema = {"part": pl.String, "body": pl.Binary}
            kept = pl.DataFrame({"part": list(parts), "body": list(parts.values())}, schema=schema)
            self._keep(what, kept)
        found = dict(kept.iter_rows())
        facts = json.loads(found.pop(""))
        return {name: pl.read_ipc(io.BytesIO(body)) for name, body in found.items()}, facts

    def _asking(self, rows: pl.DataFrame, own: tuple[int, ...], **further: Any) -> Asking:
        target, asked = self.target, self.request
        return Asking(
            rows,
            self.known,
            own,
            target.score,
            target.label,
            target.turned,
            asked.samples,
            asked.kernel_width,
            text=asked.text,
            **further,
        )

    # What was recorded --------------------------------------------------------------------------------------------

    def reproduced(self) -> tuple[str, Agreement] | None:
        """(the recorded model version it agrees with best on a sample of rows, how well); None where none can be
        compared."""
        asked = Sampled(self.facts.models[-1].name, columns=wanted(self.columns), limit=whole("model_check_rows"))
        sample = self.evaluation.rows(asked).frame
        answers = self.scorer.predict(_named(sample, self.columns))
        order = None
        if self.facts.task != REGRESSION and answers.scores.shape[1]:
            order = class_order(answers, self.facts.classes)
        found = []
        for version in self.facts.models:
            both = pair(self.facts, version, sample, answers, order)
            if both is not None and both[2].any():
                rec, ans = both[0][both[2]], both[1][both[2]]
                agreed = agreement.measured(rec, ans, relative=self.facts.task == REGRESSION, level=0.95)
                found.append((version.name, agreed))
        own = self.scorer.model.name
        if not found:
            return None
        return max(found, key=lambda each: (each[1].share, each[1].closeness, each[0] == own))


def _named(frame: pl.DataFrame, columns: tuple[EvalColumn, ...]) -> pl.DataFrame:
    return frame.select(pl.col(f"v{at}").alias(column.name) for at, column in enumerate(columns))


def _packed(frame: pl.DataFrame) -> bytes:
    body = io.BytesIO()
    frame.write_ipc(body)
    return body.getvalue()


def value_text(value: Any) -> str:
    """A value of a row as people read it.

    >>> value_text(3.0), value_text(52000.25), value_text(None)
    ('3', '52,000.2', 'missing')
    """
    if value is None or (isinstance(value, float) and value != value):
        return "missing"
    if isinstance(value, float):
        return words.minus(f"{value:,.0f}" if value.is_integer() and abs(value) < 1e12 else f"{value:,.6g}")
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
