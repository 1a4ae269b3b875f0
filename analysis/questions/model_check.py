"""Is this the model that made the recorded predictions? What it takes, what it answers, and whether that agrees."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from analysis.core import words
from analysis.core.classorder import ClassOrder, class_order
from analysis.core.errors import BadRequest, LimitReached, ModelFailed
from analysis.core.evaluation import EvalColumn, ModelFacts
from analysis.core.model import Answers, Scorer, features
from analysis.core.period import Period
from analysis.core.receipt import Receipt, Result, Used
from analysis.core.roles import BINARY, REGRESSION
from analysis.core.segment import Everything, Segment
from analysis.core.settings import number, whole
from analysis.engine.query import OpenEvaluation
from analysis.engine.receipts import bare
from analysis.engine.recorded import pair
from analysis.engine.sampled import Sampled, wanted
from analysis.metrics import agreement
from analysis.metrics.agreement import Agreement

FOUND, CLEAR, NOT_APPLICABLE = "found", "clear", "not applicable"
WORST = 20
MOSTLY = 0.5
COLUMNS: dict[str, Any] = {
    "code": pl.String,
    "check": pl.String,
    "model": pl.String,
    "outcome": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "method": pl.String,
    "sentence": pl.String,
}
Row = dict[str, Any]


def model_check(
    evaluation: OpenEvaluation,
    scorer: Scorer,
    *,
    versions: Sequence[str] = (),
    where: Segment | None = None,
    period: Period | None = None,
    limit: int | None = None,
    seed: int = 0,
    level: float = 0.95,
) -> Result:
    """Ask a model about a sample of rows and compare with what was recorded of them.

    A row a check: `code` and `check` (M01 features, M02 answers, M03 classes, M04 agreement, M05 largest difference,
    M06 correlation, M07 whether an endpoint still is what it was), `outcome` (found: something is wrong; clear; not
    applicable), `value` with `low`, `high`, `n` and `method` where it has one. versions: the recorded model versions to
    compare with; () = all. limit: rows asked about, default the setting model_check_rows; the same file and seed give
    the same rows. Further frames: `features` (feature, type, wants), `pairs` (model, row, recorded, answered, agrees)
    and `differences` (the worst of them with their ids). A model that cannot answer is an answer too: its sentence says
    why. BadRequest for unknown versions.
    """
    began = time.perf_counter()
    facts, model = evaluation.facts, scorer.model
    compared = [facts.model(name) for name in dict.fromkeys(versions)] or list(facts.models)
    limit = whole("model_check_rows") if limit is None else limit
    check = _Check(evaluation, scorer, compared, bool(versions), level)
    asked = Sampled(facts.models[-1].name, where or Everything(), period or Period(), None, (), limit, seed)
    sql = check.run(asked)
    options: dict[str, Any] = {
        "model": model.label,
        "model_fingerprint": model.fingerprint,
        "kind": model.kind,
        "libraries": model.libraries,
        "features": [column.name for column in check.columns],
        "versions": [version.name for version in compared],
        "where": "" if isinstance(asked.where, Everything) else asked.where.expression(),
        "from": str(asked.period.first) if asked.period.first else None,
        "to": str(asked.period.last) if asked.period.last else None,
        "limit": limit,
        "level": level,
    }
    receipt = Receipt(
        "model_check",
        facts.label,
        facts.fingerprint,
        options,
        tuple(check.used),
        {"rows": bare(evaluation, sql)} if sql else {},
        seed=seed,
        seconds=time.perf_counter() - began,
        notes=model.notes,
    )
    return Result(pl.DataFrame(check.rows, schema=COLUMNS), check.sentence(), receipt, check.frames)


class _Check:
    """One check under way: its rows so far. frames, used: as in the Result."""

    def __init__(
        self, evaluation: OpenEvaluation, scorer: Scorer, compared: Sequence[ModelFacts], named: bool, level: float
    ) -> None:
        self.evaluation, self.facts, self.scorer = evaluation, evaluation.facts, scorer
        self.compared, self.named, self.level = compared, named, level
        self.rows: list[Row] = []
        self.used: list[Used] = []
        self.columns: tuple[EvalColumn, ...] = ()
        self.best: Agreement | None = None
        self.version = ""
        kinds = {"feature": pl.String, "type": pl.String, "wants": pl.String}
        pairs = {"model": pl.String, "row": pl.Int64, "recorded": pl.Float64, "answered": pl.Float64}
        self.frames = {
            "features": pl.DataFrame(schema=kinds),
            "pairs": pl.DataFrame(schema={**pairs, "agrees": pl.Boolean}),
            "differences": pl.DataFrame(schema={"model": pl.String}),
        }

    def run(self, asked: Sampled) -> str:
        """The SQL that drew the rows, "" where it did not come so far."""
        model = self.scorer.model
        try:
            self.columns = features(model, self.facts)
        except BadRequest as error:
            self._add("M01", "features", FOUND, str(error))
            return ""
        self._features()
        drawn = self.evaluation.rows(
            Sampled(asked.model, asked.where, asked.period, None, wanted(self.columns), asked.limit, asked.seed)
        )
        sample = drawn.frame
        if not len(sample):
            self._add("M02", "answers", NOT_APPLICABLE, "There are no rows here to ask the model about.", n=0)
            return drawn.sql
        try:
            self._standing()
            answers = self.scorer.predict(sample.select(f"v{at}" for at in range(len(self.columns))))
        except (ModelFailed, LimitReached) as error:
            self._add("M02", "answers", FOUND, str(error), n=len(sample))
            return drawn.sql
        if self._answers(answers):
            order = self._classes(answers)
            self._compared(sample, answers, order)
        return drawn.sql

    def sentence(self) -> str:
        """What matters first: what stops the model, or the version it reproduces best."""
        label = self.scorer.model.label
        if self.best is None:
            stop = next((row["sentence"] for row in self.rows if row["outcome"] == FOUND), "")
            return f"{label} could not be compared with what is recorded. {stop}".strip()
        verb = agreement.verb(self.best, self.best.share >= number("model_agreement"))
        found = {each["code"]: each["sentence"] for each in self.rows if each["outcome"] == FOUND}
        said = f"{label} {verb} the recorded predictions of {self.version}: {self.best.said}."
        return "\n".join(each for each in (found.get("M07"), said, found.get("M03")) if each)

    def _add(self, code: str, check: str, outcome: str, sentence: str, **values: Any) -> None:
        said = {"code": code, "check": check, "model": "", "outcome": outcome, "sentence": sentence, "method": ""}
        self.rows.append(dict.fromkeys(COLUMNS) | said | values)

    def _features(self) -> None:
        model, names = self.scorer.model, [column.name for column in self.columns]
        wants = [each.type for each in model.inputs] or ["number"] * len(names)
        self.frames["features"] = pl.DataFrame(
            {"feature": names, "type": [column.type for column in self.columns], "wants": wants},
            schema=self.frames["features"].schema,
        )
        shown = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
        if model.inputs:
            said = f"All {words.plural(len(names), 'feature')} it names are there: {shown}."
        else:
            count, role = len(names), len(self.facts.roles.features)
            part = f"the {count}" if count == role else f"the first {count} of the {role}"
            said = f"The model does not name its features; it is given {part} with that role in their order: {shown}."
        self._add("M01", "features", CLEAR, said, n=len(names))

    def _standing(self) -> None:
        """Whether a model that may be exchanged without us still answers as when it was added."""
        if self.scorer.standing is not None:
            found = self.scorer.standing()
            outcome = FOUND if found.changed else CLEAR
            self._add("M07", "probe", outcome, found.said, value=float(found.changed), n=found.rows)

    def _answers(self, answers: Answers) -> bool:
        """Whether what it answers can be compared."""
        n, count = len(answers.scores), answers.scores.shape[1]
        if self.facts.task == REGRESSION and count != 1:
            self._add(
                "M02", "answers", FOUND, f"The model gives {count:,} scores a row where one number is forecast.", n=n
            )
            return False
        if self.facts.task != REGRESSION and not count and answers.labels is None:
            self._add("M02", "answers", FOUND, "The model answers nothing that can be compared.", n=n)
            return False
        finite = np.isfinite(answers.scores).all(axis=1)
        bad = int((~finite).sum())
        if bad:
            self._add(
                "M02",
                "answers",
                FOUND,
                f"The model gives no number (nan or infinity) for {bad:,} of {words.plural(n, 'row')}.",
                value=float(bad),
                n=n,
            )
        else:
            self._add("M02", "answers", CLEAR, f"The model answers all {words.plural(n, 'row')} asked.", value=0.0, n=n)
        return bad < n

    def _classes(self, answers: Answers) -> ClassOrder | None:
        if self.facts.task == REGRESSION or not answers.scores.shape[1]:
            self._add("M03", "classes", NOT_APPLICABLE, "There are no scores of classes to put in order.")
            return None
        order = class_order(answers, self.facts.classes)
        positive = f" Positive is '{self.facts.positive}'." if self.facts.positive else ""
        self._add("M03", "classes", CLEAR if order.sound else FOUND, order.said + positive)
        return order

    def _compared(self, sample: pl.DataFrame, answers: Answers, order: ClassOrder | None) -> None:
        """Each version's agreement; only the best is judged, unless versions were asked for by name."""
        found: list[tuple[ModelFacts, Agreement]] = []
        for version in self.compared:
            both = pair(self.facts, version, sample, answers, order)
            known = np.zeros(len(sample), bool) if both is None else both[2]
            lost = int((~known).sum())
            self.used.append(
                Used(version.name, len(sample), len(sample) - lost, {"not recorded": lost} if lost else {})
            )
            if both is None or not known.any():
                said = f"Nothing is recorded of {version.name} in these rows that the model also answers."
                self._add("M04", "agreement", NOT_APPLICABLE, said, model=version.name, n=0)
                continue
            rec, ans = both[0][known], both[1][known]
            found.append(
                (version, agreement.measured(rec, ans, relative=self.facts.task == REGRESSION, level=self.level))
            )
            self._pairs(version, sample.filter(pl.Series(known)), rec, ans, found[-1][1])
        if found:
            own = self.scorer.model.name
            version, self.best = max(found, key=lambda each: (each[1].share, each[1].closeness, each[0].name == own))
            self.version = version.name
            for each, agreed in found:
                self._judged(each, agreed, self.named or each is version, answers)

    def _judged(self, version: ModelFacts, found: Agreement, judged: bool, answers: Answers) -> None:
        good = found.share >= number("model_agreement")
        outcome = (CLEAR if good else FOUND) if judged else NOT_APPLICABLE
        said = f"{agreement.verb(found, good).capitalize()} {version.name}: {found.said}."
        if judged and not good:
            said += self._why(version, found, answers)
        elif not judged:
            share = words.number(found.share, "share")
            said = f"Agrees with {version.name} on {share} of rows; it is nearer to {self.version}."
        common = {"model": version.name, "n": found.n}
        ends = {"low": found.low, "high": found.high, "method": f"Wilson, rows equal within {found.within}"}
        self._add("M04", "agreement", outcome, said, value=found.share, **ends, **common)
        if not np.isnan(found.largest):
            said = f"The largest difference to {version.name} is {words.significant(found.largest)}."
            row = {"value": found.largest, "method": "maximum of the sample, no interval"}
            self._add("M05", "largest difference", outcome, said, **row, **common)
        if not np.isnan(found.correlation):
            said = f"Recorded and answered scores of {version.name} correlate with {found.correlation:.4f}."
            row = {"value": found.correlation, "method": "Pearson of the sample, no interval"}
            self._add("M06", "correlation", outcome, said, **row, **common)

    def _why(self, version: ModelFacts, found: Agreement, answers: Answers) -> str:
        """What may be the matter where a model gives other answers."""
        if (
            self.facts.task == BINARY
            and answers.scores.shape[1] in (1, 2)
            and found.turned >= number("model_agreement")
        ):
            return (
                f" Its scores are those of the other class: turned round they agree with {version.name}. Check the "
                "order of the classes it was exported with, or the positive class of the evaluation."
            )
        if found.share >= MOSTLY:
            return " The others were changed after the model gave them, or another version made them."
        if not self.scorer.model.inputs:
            return " It may not be this model, or its features are given in another order than it was fitted with."
        return " It may not be this model, or its features are not those it was fitted with."

    def _pairs(
        self, version: ModelFacts, sample: pl.DataFrame, rec: np.ndarray, ans: np.ndarray, found: Agreement
    ) -> None:
        shown = rec.dtype != object and (rec.ndim == 1 or rec.shape[1] == 1)
        if shown:
            made = {
                "model": [version.name] * len(rec),
                "row": sample["row"],
                "recorded": rec.reshape(-1),
                "answered": ans.reshape(-1),
                "agrees": found.agree,
            }
            self.frames["pairs"] = pl.concat(
                [self.frames["pairs"], pl.DataFrame(made, schema=self.frames["pairs"].schema)]
            )
        worst = np.argsort(-np.nan_to_num(found.difference, nan=np.inf), kind="stable")[:WORST]
        worst = worst[~found.agree[worst]]
        ids = {name: sample[f"i{at}"][worst] for at, name in enumerate(self.facts.roles.id)}
        values = {
            "model": [version.name] * len(worst),
            **ids,
            "recorded": _text(rec[worst]),
            "answered": _text(ans[worst]),
            "difference": found.difference[worst],
        }
        self.frames["differences"] = pl.concat(
            [self.frames["differences"], pl.DataFrame(values)], how="diagonal_relaxed"
        )


def _text(values: np.ndarray) -> list[str]:
    if values.dtype == object:
        return [str(each) for each in values]
    rows = values if values.ndim == 2 else values[:, None]
    return [" ".join("nan" if np.isnan(each) else f"{each:.6g}" for each in row) for row in rows]
