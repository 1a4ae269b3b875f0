"""Judgement: what the label and a model version say of a row, as SQL, where `r` is a row of an evaluation file."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from analysis.core import judged
from analysis.core.evaluation import Evaluation, ModelFacts
from analysis.core.period import MONDAY, WIDTHS
from analysis.core.roles import BINARY, REGRESSION
from analysis.engine.condition import ColumnRef
from analysis.engine.terms import measurable, term_sql

if TYPE_CHECKING:
    from analysis.engine import deciding


@dataclass(frozen=True)
class Judged:
    """The columns of one model version's judgement as SQL, where `r` is a row; NULL where there is none.

    decided: the decided class as SQL, "" where the version decides nothing.
    """

    evaluation: Evaluation
    model: ModelFacts
    decided: str

    def sql(self, what: str) -> str:
        """A quantity: label, prediction, score, error, loss or time; or "bucket:WIDTH", the number of a time bucket."""
        if what.startswith("bucket:"):
            return bucket_sql(what[7:])
        index, task = self.model.index, self.evaluation.task
        if what == "time":
            return "r.t"
        if task == REGRESSION:
            labelled = self.evaluation.roles.label is not None
            error = f"r.e{index}" if labelled else "CAST(NULL AS DOUBLE)"
            known = {"label": "r.y", "prediction": f"r.p{index}", "error": error, "loss": f"abs({error})"}
            return known[what]
        if what == "label":
            return self._class("r.y")
        if what == "prediction":
            return self._class(self.decided) if self.decided else "CAST(NULL AS VARCHAR)"
        if what == "score":
            return self._score()
        if judged.loss_kind(self.evaluation, self.model) == "log":
            return term_sql(self.evaluation, self.model, "ll")
        return f"CAST(r.y <> {self.decided} AS DOUBLE)" if self.decided else "CAST(NULL AS DOUBLE)"

    def _class(self, code: str) -> str:
        texts = ", ".join("'" + name.replace("'", "''") + "'" for name in self.evaluation.classes)
        return f"list_extract([{texts}], CAST({code} AS INTEGER) + 1)"

    def _score(self) -> str:
        if self.evaluation.task == BINARY:
            return f"r.s{self.model.index}" if self.model.score else "CAST(NULL AS DOUBLE)"
        if measurable(self.evaluation, self.model):
            return f"exp(-r.l{self.model.index})"
        return "CAST(NULL AS DOUBLE)"

    def references(self) -> dict[str, ColumnRef]:
        """What a segment's column names stand for: the file's columns and the judged ones."""
        kinds, names = judged.types(self.evaluation), judged.named(self.evaluation)
        own = {name: ColumnRef(f"({self.sql(what)})", kinds[name]) for what, name in names.items()}
        return references(self.evaluation) | own


def judging(evaluation: Evaluation, model: ModelFacts, cut: "deciding.Cut | None") -> Judged:
    """How a model version judges rows: by what is recorded, or as `cut` says of its score codes."""
    decides = model.decision or cut is not None
    return Judged(evaluation, model, decision(model, cut) if decides else "")


def references(evaluation: Evaluation) -> dict[str, ColumnRef]:
    """What a segment's column names stand for in this file."""
    return {column.name: ColumnRef(f"r.{column.key}", column.type) for column in evaluation.columns}


def bucket_sql(bucket: str) -> str:
    """The number of the bucket a moment falls in: buckets since Monday 1970-01-05, or months."""
    if bucket in WIDTHS:
        width = int(WIDTHS[bucket].total_seconds() * 1_000_000)
        origin = int((MONDAY - datetime(1970, 1, 1)).total_seconds() * 1_000_000)
        return f"CAST(floor((epoch_us(r.t) - {origin}) / {width}) AS BIGINT)"
    months = "(year(r.t) * 12 + month(r.t) - 1)"
    return {"month": months, "quarter": f"{months} // 3", "year": f"{months} // 12"}[bucket]


def decision(model: ModelFacts, cut: "deciding.Cut | None") -> str:
    """The decided class: the recorded one, or as `cut` says of the score code."""
    return f"r.p{model.index}" if cut is None else cut.decides(f"r.b{model.index}")


def both_decided(first: str, second: str | None) -> str:
    """The first decision, where there is a second one too."""
    return first if second is None else f"CASE WHEN {second} IS NOT NULL THEN {first} END"
