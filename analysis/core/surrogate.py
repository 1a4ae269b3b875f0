"""Surrogates: models fitted to what another model said, and how well they say it again."""

from dataclasses import asdict, dataclass
from typing import Any

from analysis.core import words
from analysis.core.evaluation import Evaluation
from analysis.core.model import TEXTS, Model

KIND = "surrogate"
SCORE, CLASS_SCORES, FORECAST, DECISION = "score", "class scores", "forecast", "decision"
TOLD_APART = 1000  # texts of a column with more values say who a row is, not what it is like


@dataclass(frozen=True)
class Closeness:
    """One number of how near a surrogate is, with its interval (None where it has none), rows and method."""

    value: float
    low: float | None
    high: float | None
    n: int
    method: str


@dataclass(frozen=True)
class SurrogateOf:
    """What a surrogate stands for. evaluation: name@version, with its fingerprint; version: whose answers it learned.

    quantity: which of them (score, class scores, forecast, decision). rows: learned from; the rest were held out.
    fit: R2 (of logits, where scores are probabilities; kappa of decisions), 1 = the same. apart: mean absolute
    difference, None of decisions. same: share of equal decisions, None of forecasts. threshold: these were made at.
    bound: the fit below which it must not be taken for the model.
    """

    evaluation: str
    fingerprint: str
    version: str
    quantity: str
    features: tuple[str, ...]
    rows: int
    seed: int
    measure: str
    fit: Closeness
    apart: Closeness | None
    same: Closeness | None
    threshold: float | None
    bound: float

    @property
    def faithful(self) -> bool:
        return self.fit.value >= self.bound

    @property
    def asked(self) -> tuple[Any, ...]:
        """What was asked for: the same again gives the same surrogate."""
        return self.fingerprint, self.version, self.features, self.rows + self.fit.n, self.seed

    def sentence(self) -> str:
        """What it is and how near it is, for whoever reads a number of it."""
        said = f"A surrogate of {self.version} in {self.evaluation}, not the model itself"
        near = [f"{self.measure} {self.fit.value:.3f} ({_ends(self.fit, 'score')})"]
        if self.apart is not None:
            unit = "label" if self.quantity == FORECAST else "score"
            near.append(f"mean absolute difference {words.number(self.apart.value, unit)} ({_ends(self.apart, unit)})")
        if self.same is not None:
            at = "" if self.threshold is None else f" at {words.number(self.threshold, 'score')}"
            share = words.number(self.same.value, "share")
            near.append(f"the same decision{at} in {share} ({_ends(self.same, 'share')})")
        return f"{said}: on {words.plural(self.fit.n, 'held-out row')} {words.listed(near)}."

    @property
    def warnings(self) -> tuple[str, ...]:
        """What must be said where it is not near enough; () where it is."""
        if self.faithful:
            return ()
        return (
            f"This surrogate does not follow {self.version} ({self.measure} {self.fit.value:.3f}, below "
            f"{self.bound:g}): what it explains would be another model. Give it the features {self.version} was made "
            "of, or add the model itself.",
        )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_dict(data: dict[str, Any]) -> "SurrogateOf":
        near = {name: data[name] and Closeness(**data[name]) for name in ("fit", "apart", "same")}
        return SurrogateOf(**{**data, **near, "features": tuple(data["features"])})


def cautions(model: Model) -> tuple[str, ...]:
    """What must be said with every number of a surrogate, the gravest first; () for a model itself."""
    if not model.surrogate_of:
        return ()
    made = SurrogateOf.from_dict(model.surrogate_of)
    return (*made.warnings, made.sentence())


def _ends(near: Closeness, unit: str) -> str:
    return "no interval" if near.low is None else f"{words.interval(near.low, near.high, unit)}"


def default_features(evaluation: Evaluation) -> tuple[str, ...]:
    """The columns with the role feature; where there is none, all that say what a row is like.

    Left out: ids, label, units, weight, time, version, split, predictions, scores, latency, cost, free text, columns of
    one value, and texts of more than 1,000 values.
    """
    roles = evaluation.roles
    if roles.features:
        return tuple(name for name in roles.features if name != roles.label)
    kept = {"segment", "protected", "amount"}
    taken = {name for name, held in roles.used().items() if set(held) - kept}
    return tuple(
        column.name
        for column in evaluation.columns
        if column.name not in taken
        and column.distinct > 1
        and not (column.distinct > TOLD_APART and (column.type in TEXTS or column.type.startswith(("DATE", "TIME"))))
    )
