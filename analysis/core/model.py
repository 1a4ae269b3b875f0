"""Models: scorers the workspace keeps, what they take, and what they answer."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import polars as pl

from analysis.core import words
from analysis.core.background import Background
from analysis.core.errors import BadRequest, ModelFailed, UnknownName
from analysis.core.evaluation import EvalColumn, Evaluation
from analysis.core.schema import FLOATS, INTEGERS

NUMBER, TEXT, ANY = "number", "text", "any"
TEXTS = ("VARCHAR", "ENUM")


@dataclass(frozen=True)
class Input:
    """A feature a model takes. type: "number", "text", or "any" where the file does not say."""

    name: str
    type: str = ANY


@dataclass(frozen=True)
class Model:
    """One version of a model, as the catalog keeps it.

    kind: "onnx", "skops", "pickle", "endpoint", or "surrogate" (fitted here; a skops file). fingerprint: sha256 of the
    file's bytes (hex); an endpoint's file is its definition with what it said when it was added. inputs: the features
    it takes by name, () for a model that only knows how many (width; 0: not even that). classes: in the order of its
    scores, () where the file does not say or it has none. scores: whether it answers numbers, not only labels. made:
    what the file says it is. libraries: {name: version} that loaded it. notes: sentences on loading it. evaluation: the
    name of the evaluation it was added for. surrogate_of: of a surrogate, what it stands for, as core/surrogate.py
    reads it; {} of a model itself.
    """

    id: str
    name: str
    version: int
    kind: str
    fingerprint: str
    source: str
    bytes: int
    evaluation: str = ""
    inputs: tuple[Input, ...] = ()
    width: int = 0
    classes: tuple[str, ...] = ()
    scores: bool = True
    made: str = ""
    libraries: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    surrogate_of: dict[str, Any] = field(default_factory=dict)
    created: str = ""
    actor: str = ""

    @property
    def label(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def takes(self) -> str:
        """What it takes, in words."""
        if self.inputs:
            return words.plural(len(self.inputs), "named feature")
        return f"{words.plural(self.width, 'feature')} without names" if self.width else "features without names"

    def facts(self) -> dict[str, Any]:
        """The JSON-able part the catalog keeps beside name, version and file."""
        kept = asdict(self)
        told = ("inputs", "width", "classes", "scores", "made", "libraries", "notes")
        surrogate = {"surrogate_of": self.surrogate_of} if self.surrogate_of else {}
        return {key: kept[key] for key in told} | surrogate

    @staticmethod
    def from_facts(facts: dict[str, Any], **known: Any) -> "Model":
        made = dict(facts)
        made["inputs"] = tuple(Input(**each) for each in made["inputs"])
        return Model(**{**made, "classes": tuple(made["classes"]), "notes": tuple(made["notes"]), **known})


@dataclass(frozen=True)
class Answers:
    """What a model says of rows. scores: (rows, k), nan where it gave none; a forecast has k = 1.

    classes: the k classes the scores are of, () where nobody says. labels: (rows,) text, None where it gives none.
    """

    scores: np.ndarray
    classes: tuple[str, ...] = ()
    labels: pl.Series | None = None


@dataclass(frozen=True)
class Standing:
    """Whether a model that can be exchanged without us still is the one that was added.

    rows: how many rows kept since then it was asked again; changed: how many of them it answers otherwise. said: a
    sentence.
    """

    rows: int
    changed: int
    said: str


@dataclass(frozen=True)
class Asking:
    """What is asked of explanations made where the model is. rows: a column a feature, in the model's order.

    background: of the same features. seeds: one a row, or none where only the first row is checked. score: which of
    the model's scores is explained, -1 for whether it labels a row `label`. turned: 1 less the score, where a model of
    two classes gives only one. occlude: also what each feature of the first row is worth. reference: also what the
    `lime` package says of the first row with this seed. shap: also its SHAP values. text: the column of a text whose
    words are the terms, all other features as they are; its rows are all the first one. error: stop asking about a row
    once no weight's standard error exceeds this share of the largest weight, at `samples` at the latest; 0: never
    sooner. Then `further` has "stopped" (explaining/stopping.py).
    """

    rows: pl.DataFrame
    background: Background
    seeds: tuple[int, ...]
    score: int = 0
    label: str = ""
    turned: bool = False
    samples: int = 5000
    kernel_width: float | None = None
    alpha: float = 1.0
    occlude: bool = False
    reference: int | None = None
    shap: bool = False
    text: str = ""
    error: float = 0.0

    def told(self) -> dict[str, Any]:
        """All but the rows, JSON-able; `asking` reads it."""
        kept = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "rows"}
        return {**kept, "background": self.background.to_dict()}


def asking(told: dict[str, Any]) -> dict[str, Any]:
    """What Asking is made of beside its rows, from `told`."""
    return {**told, "background": Background.from_dict(told["background"]), "seeds": tuple(told["seeds"])}


@dataclass(frozen=True)
class Explained:
    """frame: a row a term of each row explained (explaining/local.py). further: "occlusion", "reference", "shap", as
    far as they were asked for. facts: versions of the libraries, and why SHAP values are missing."""

    frame: pl.DataFrame
    further: dict[str, pl.DataFrame] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


def unexplained(asked: Asking) -> Explained:
    """For a scorer that only predicts."""
    raise ModelFailed("This model cannot be asked for explanations.")


@dataclass(frozen=True)
class Scorer:
    """A model one can ask. predict: a frame with a column a feature, in the order of `features`, to Answers.
    explain: explanations, made where the model is.

    standing: of a model that may change behind its address, asks whether it did. All raise ModelFailed where the model
    does, LimitReached where it runs into a wall.
    """

    model: Model
    predict: Callable[[pl.DataFrame], Answers]
    explain: Callable[[Asking], Explained] = unexplained
    standing: Callable[[], Standing] | None = None


def features(model: Model, evaluation: Evaluation) -> tuple[EvalColumn, ...]:
    """The columns of an evaluation a model takes, in its order; BadRequest with what is missing or of another type.

    A model without names takes the columns with the role feature, in their order, as many as it needs.
    """
    if not model.inputs:
        return _by_order(model, evaluation)
    known = [column.name for column in evaluation.columns]
    missing = [each.name for each in model.inputs if each.name not in known]
    if missing:
        hint = str(UnknownName("column", missing[0], known)).partition(". ")[2]
        what = ", ".join(f"'{name}'" for name in missing[:5]) + (" and more" if len(missing) > 5 else "")
        count = words.plural(len(missing), "feature")
        raise BadRequest(f"The evaluation lacks {count} of the model: {what}. {hint}")
    found = tuple(evaluation.column(each.name) for each in model.inputs)
    _typed(model, found)
    return found


def fits(model: Model, evaluation: Evaluation) -> bool:
    """Whether an evaluation has the columns a model takes."""
    try:
        features(model, evaluation)
    except BadRequest:
        return False
    return True


def _by_order(model: Model, evaluation: Evaluation) -> tuple[EvalColumn, ...]:
    names = evaluation.roles.features
    if not names:
        raise BadRequest("The model does not name its features and no column of the evaluation has the role feature.")
    if model.width > len(names):
        raise BadRequest(
            f"The model takes {words.plural(model.width, 'feature')} without names; the evaluation has {len(names)} "
            "columns with the role feature. Give it them in the order the model was fitted, or name them."
        )
    return tuple(evaluation.column(name) for name in names[: model.width or None])


def _typed(model: Model, found: tuple[EvalColumn, ...]) -> None:
    wrong = [
        f"'{each.name}' is {'text' if column.type in TEXTS else column.type}"
        for each, column in zip(model.inputs, found, strict=True)
        if each.type == NUMBER and not is_number(column.type)
    ]
    if wrong:
        raise BadRequest(f"The model takes numbers where the evaluation has none: {words.listed(wrong[:5])}.")


def is_number(kind: str) -> bool:
    """Whether a DuckDB type holds numbers (or yes and no, which are 1 and 0)."""
    return kind in INTEGERS or kind in FLOATS or kind == "BOOLEAN" or kind.startswith("DECIMAL")
