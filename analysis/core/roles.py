"""Roles: what each column means, and what knowing it unlocks."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from analysis.core.registry import Registry

BINARY, MULTICLASS, REGRESSION, TABLE = "binary", "multiclass", "regression", "table"
TASKS = (BINARY, MULTICLASS, REGRESSION)


@dataclass(frozen=True)
class Role:
    """One kind of meaning. many: several columns may have it. model: it belongs to one model version."""

    name: str
    title: str
    many: bool
    model: bool
    unlocks: str


ROLES: Registry[Role] = Registry("role")
for _role in (
    Role("id", "Id", True, False, "Joining files, counting repeated rows, links to a single row"),
    Role("label", "Label (actual)", False, False, "Every metric of how good the model is"),
    Role("prediction", "Prediction", False, True, "Accuracy, precision, recall and the other metrics of a decision"),
    Role("score", "Score", True, True, "ROC AUC, calibration, log loss, and decisions at any threshold"),
    Role("quantile", "Quantile", True, True, "Interval coverage and quantile loss"),
    Role("weight", "Weight", False, False, "Metrics of the population the rows stand for"),
    Role("time", "Time", False, False, "Trends, periods, change against the period before"),
    Role("model_version", "Model version", False, False, "Several model versions in one long file"),
    Role("segment", "Segment", True, False, "Offered first when breaking a metric out"),
    Role("protected", "Protected attribute", True, False, "Fairness audits"),
    Role("feature", "Feature", True, False, "Explanations, drift, weak spots"),
    Role("text", "Free text", True, False, "Text explanations and searching rows"),
    Role("unit", "Unit", False, False, "Intervals that know that rows of one customer belong together"),
    Role("latency", "Latency", False, True, "Response times"),
    Role("cost", "Cost", False, False, "Cost per prediction and per correct decision"),
    Role("amount", "Amount", False, False, "Metrics in money: value at a threshold, recall by amount"),
    Role("split", "Split", False, False, "Train and test apart, overlap and leakage checks"),
):
    ROLES.add(_role)


@dataclass(frozen=True)
class ModelColumns:
    """The columns of one model version, by label.

    scores: (class, column) pairs; class None = the positive class's score. quantiles: (level, column) pairs.
    mapping: what turns the positive class's score into this version's, as core/mapping.py reads it; in a long file its
    "model" names the version whose rows it takes.
    """

    name: str
    prediction: str | None = None
    scores: tuple[tuple[str | None, str], ...] = ()
    quantiles: tuple[tuple[float, str], ...] = ()
    latency: str | None = None
    mapping: dict[str, Any] | None = field(default=None, hash=False)

    def to_dict(self) -> dict[str, Any]:
        """Without what no older version knew where it is not used, so that an evaluation keeps its fingerprint."""
        made = asdict(self)
        return {key: value for key, value in made.items() if key != "mapping" or value is not None}


@dataclass(frozen=True)
class Roles:
    """Which column (by label) plays which role in an evaluation. Empty or None: nobody does.

    positive: the label's positive value as text. zone: the time zone buckets are cut in. reference: (from, to) ISO
    dates of the period others are compared with. model_version: the column of a long file; then `models` holds one
    entry whose columns serve every version.
    """

    id: tuple[str, ...] = ()
    label: str | None = None
    models: tuple[ModelColumns, ...] = ()
    weight: str | None = None
    time: str | None = None
    zone: str = "UTC"
    model_version: str | None = None
    segments: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    unit: str | None = None
    cost: str | None = None
    amount: str | None = None
    split: str | None = None
    positive: str | None = None
    reference: tuple[str, str] | None = None

    def with_(self, **changes: Any) -> "Roles":
        return replace(self, **changes)

    @property
    def derived(self) -> tuple[str, ...]:
        """The model versions whose scores are made from another version's."""
        return tuple(model.name for model in self.models if model.mapping is not None)

    def used(self) -> dict[str, list[str]]:
        """{column: [role names]} for every column that has a role."""
        found: dict[str, list[str]] = {}

        def note(column: str | None, role: str) -> None:
            if column is not None and role not in found.setdefault(column, []):
                found[column].append(role)

        for column in self.id:
            note(column, "id")
        for role in ("label", "weight", "time", "model_version", "unit", "cost", "amount", "split"):
            note(getattr(self, role), role)
        for model in self.models:
            note(model.prediction, "prediction")
            note(model.latency, "latency")
            for _, column in model.scores:
                note(column, "score")
            for _, column in model.quantiles:
                note(column, "quantile")
        for role, columns in (
            ("segment", self.segments),
            ("protected", self.protected),
            ("feature", self.features),
            ("text", self.text),
        ):
            for column in columns:
                note(column, role)
        return found

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"models": [model.to_dict() for model in self.models]}

    @staticmethod
    def from_dict(data: dict[str, Any]) -> "Roles":
        models = tuple(
            ModelColumns(
                each["name"],
                each.get("prediction"),
                tuple((pair[0], pair[1]) for pair in each.get("scores", ())),
                tuple((float(pair[0]), pair[1]) for pair in each.get("quantiles", ())),
                each.get("latency"),
                each.get("mapping"),
            )
            for each in data.get("models", ())
        )
        plain = {key: value for key, value in data.items() if key != "models"}
        for key in ("id", "segments", "protected", "features", "text"):
            plain[key] = tuple(plain.get(key) or ())
        if plain.get("reference"):
            plain["reference"] = tuple(plain["reference"])
        return Roles(models=models, **plain)


@dataclass(frozen=True)
class ColumnFacts:
    """What the guesser may know of a column, from one cheap scan of (a sample of) its rows.

    rows: rows looked at; missing: of these, without a value. distinct: distinct values seen, at most 1,001 counted.
    low, high: smallest and largest value as text. values: up to 20 most frequent values as text with their counts.
    whole: a numeric column that holds only whole numbers. length: mean length of the text. words: mean number of
    words of the text (0 for other types).
    """

    name: str
    type: str
    rows: int
    missing: int = 0
    distinct: int = 0
    low: str | None = None
    high: str | None = None
    values: tuple[tuple[str, int], ...] = ()
    whole: bool = False
    length: float = 0.0
    words: float = 0.0


@dataclass(frozen=True)
class Guess:
    """A proposal for the analyst to confirm: the task, the roles, and one reason for each.

    reasons: {what: why}, keyed by "task", "positive" or the column's name. doubts: sentences on what could not be
    told and should be looked at first.
    """

    task: str
    roles: Roles
    reasons: dict[str, str] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
