"""Evaluations: datasets + roles + task, encoded for fast measuring. The one thing every question is asked of."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from analysis.core.errors import UnknownName
from analysis.core.roles import Roles

BINS = 10


@dataclass(frozen=True)
class EvalColumn:
    """A column of an evaluation file.

    key: its name there. encoding: "values" (few distinct values, grouped by value), "bins" (numeric or temporal, by
    quantile bins), "plain" (many values: the most frequent ones and the rest). code: the column of its at most ten
    quantile bins; edges: of these, as text; bin i is [edges[i], edges[i + 1]), the last closed. missing leaves out nan.
    """

    key: str
    name: str
    type: str
    encoding: str
    distinct: int
    missing: int = 0
    nan: int = 0
    code: str = ""
    edges: tuple[str, ...] = ()

    def with_edges(self, edges: tuple[str, ...]) -> "EvalColumn":
        return replace(self, edges=edges)

    def plain(self) -> "EvalColumn":
        return replace(self, encoding="plain", code="")


@dataclass(frozen=True)
class ModelFacts:
    """One model version of an evaluation.

    index: its columns are p<index> (decision or forecast), s<index> (score), b<index> (score code), x<index> (latency);
    for more than two classes l<index> (log loss), g<index> (squared error), r<index> (rank of the label's score, 1 the
    highest; of equal scores the later class is the higher one), b<index>_<class code> (code of that class's score) and
    b<index>_top (code of the highest score); for forecasts e<index> (residual) and a<index> (code of the absolute
    residual), o<index> (code of the prediction; that of the label is o) and z<index>_0, ... (quantiles).
    latency_codes: how many h<index> (code of the latency) has, 0 where the file holds none. label_quantiles: of the
    labels, at the levels of `quantiles`; empty where the file holds no quantiles. ranked: it holds o and o<index>.
    scored: rows with a decision or score. undecided, unscored: of these, rows without a decision and without a score,
    None where nobody counted. outside: scores not in [0, 1], which forbid probability metrics.
    clipped: rows whose log loss was clipped. threshold: what separates the recorded decisions, if anything does.
    exact: the score codes lose nothing. class_scores: {class: column name} of a multiclass model.
    class_codes: the most codes a class's score has, 0 where the file holds none; top_codes: those of the highest score,
    0 where the file holds neither them nor ranks.
    """

    name: str
    index: int
    decision: bool
    score: bool
    probabilities: bool = False
    latency: bool = False
    scored: int = 0
    undecided: int | None = None
    unscored: int | None = None
    outside: int = 0
    clipped: int = 0
    threshold: float | None = None
    exact: bool = True
    codes: int = 0
    class_scores: tuple[tuple[str, str], ...] = ()
    class_codes: int = 0
    top_codes: int = 0
    quantiles: tuple[tuple[float, str], ...] = ()
    label_quantiles: tuple[float, ...] = ()
    latency_codes: int = 0
    ranked: bool = False

    def with_(self, **changes: Any) -> "ModelFacts":
        return replace(self, **changes)


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation is, as the catalog keeps it; its rows are in its file.

    classes: names in code order; binary: (negative, positive). centre, median: of the labels, for regression.
    time_low, time_high: first and last local moment, ISO; grain: "date" or "timestamp". dropped: {why: rows left out}.
    notes: sentences on what was understood or changed.
    """

    id: str
    name: str
    version: int
    fingerprint: str
    task: str
    roles: Roles
    columns: tuple[EvalColumn, ...]
    models: tuple[ModelFacts, ...]
    rows: int
    labelled: int
    classes: tuple[str, ...] = ()
    centre: float = 0.0
    median: float = 0.0
    time_low: str = ""
    time_high: str = ""
    grain: str = ""
    inputs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    description: str = ""
    created: str = ""
    actor: str = ""
    reasons: dict[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def mark(self) -> str:
        """What a link carries: the name and 12 hex digits of the fingerprint."""
        return f"{self.name}~{self.fingerprint[:12]}"

    @property
    def positive(self) -> str | None:
        return self.classes[1] if self.task == "binary" else None

    @property
    def weighted(self) -> bool:
        return self.roles.weight is not None

    def model(self, name: str) -> ModelFacts:
        for model in self.models:
            if model.name == name:
                return model
        raise UnknownName("model version", name, [model.name for model in self.models])

    def column(self, name: str) -> EvalColumn:
        for column in self.columns:
            if column.name == name:
                return column
        near = [column for column in self.columns if column.name.lower() == name.lower()]
        if len(near) == 1:
            return near[0]
        raise UnknownName("column", name, [column.name for column in self.columns])

    def types(self) -> dict[str, str]:
        """{column name: DuckDB type}, as the filter's parser wants it."""
        return {column.name: column.type for column in self.columns}

    def facts(self) -> dict[str, Any]:
        """The JSON-able part the catalog keeps beside id, name, version, roles and the like."""
        kept = asdict(self)
        for key in ("id", "name", "version", "fingerprint", "task", "roles", "inputs", "description", "created"):
            del kept[key]
        del kept["actor"]
        return kept

    @staticmethod
    def from_facts(facts: dict[str, Any], **known: Any) -> "Evaluation":
        made = dict(facts)
        made["columns"] = tuple(EvalColumn(**{**each, "edges": tuple(each["edges"])}) for each in made["columns"])
        made["models"] = tuple(
            ModelFacts(
                **{
                    **each,
                    "class_scores": tuple((pair[0], pair[1]) for pair in each["class_scores"]),
                    "quantiles": tuple((pair[0], pair[1]) for pair in each["quantiles"]),
                    "label_quantiles": tuple(each.get("label_quantiles", ())),
                }
            )
            for each in made["models"]
        )
        made["classes"] = tuple(made["classes"])
        made["notes"] = tuple(made["notes"])
        return Evaluation(**{**made, **known})
