"""Objectives: what a segment can be weak in. Each is the mean of a term of the row over the rows it is defined for."""

from collections.abc import Callable
from dataclasses import dataclass

from analysis.core.cutoffs import Threshold
from analysis.core.errors import BadRequest
from analysis.core.evaluation import Evaluation
from analysis.core.judged import decided
from analysis.core.registry import Registry
from analysis.core.roles import BINARY, MULTICLASS, REGRESSION
from analysis.engine.rows import Judged
from analysis.engine.terms import measurable, term_sql, usable

CLASSES = (BINARY, MULTICLASS)
NEEDS_DECISION, NEEDS_TERM, NEEDS_SCORE, NEEDS_COST, NEEDS_AMOUNT = "decision", "term", "score", "cost", "amount"
Term = Callable[[Judged], tuple[str, str]]


@dataclass(frozen=True)
class Objective:
    """name: a metric's where it is one. better: "higher", "lower", or "zero" where distance from zero is what is bad.

    unit: as numbers are written (core/words.py). counts: what its rows are called. term: (the term x as SQL over
    `rows r`, the condition of the rows it is defined for). paired: those rows are the same for every model version, so
    that two can be compared row by row. loss: what one unit of it too much is called, for rates a kind of rows.
    """

    name: str
    title: str
    tasks: tuple[str, ...]
    better: str
    unit: str
    counts: str
    needs: str
    term: Term
    paired: bool = True
    loss: str = ""

    @property
    def sign(self) -> int:
        """1 where a higher mean is worse, -1 where a lower one is, 0 where the distance from zero is."""
        return {"lower": 1, "higher": -1, "zero": 0}[self.better]


OBJECTIVES: Registry[Objective] = Registry("objective")


def _decision(seen: Judged) -> str:
    return seen.decided or "CAST(NULL AS USMALLINT)"


def _rate(
    name: str, title: str, better: str, counts: str, of: str, hit: str, *, paired: bool = True, loss: str
) -> None:
    """A share of decided rows; {y} is the label, {p} the decision."""

    def term(seen: Judged) -> tuple[str, str]:
        y, p = "r.y", f"({_decision(seen)})"
        return (
            f"CAST({hit.format(y=y, p=p)} AS DOUBLE)",
            f"{y} IS NOT NULL AND {p} IS NOT NULL AND {of.format(y=y, p=p)}",
        )

    tasks = CLASSES if name == "accuracy" else (BINARY,)
    OBJECTIVES.add(Objective(name, title, tasks, better, "share", counts, NEEDS_DECISION, term, paired, loss))


def _mean(name: str, title: str, tasks: tuple[str, ...], better: str, unit: str, term: str) -> None:
    """The mean of a stored or worked-out term of labelled, answered rows."""

    def sql(seen: Judged) -> tuple[str, str]:
        return f"CAST({term_sql(seen.evaluation, seen.model, term)} AS DOUBLE)", usable(seen.evaluation, seen.model)

    OBJECTIVES.add(Objective(name, title, tasks, better, unit, "rows", NEEDS_TERM, sql))


def _miss(seen: Judged) -> tuple[str, str]:
    return f"CAST(r.y - r.s{seen.model.index} AS DOUBLE)", usable(seen.evaluation, seen.model)


def _cost(seen: Judged) -> tuple[str, str]:
    key = f"CAST(r.{seen.evaluation.column(str(seen.evaluation.roles.cost)).key} AS DOUBLE)"
    return key, f"isfinite({key})"


def _amount(seen: Judged) -> tuple[str, str]:
    key = f"CAST(r.{seen.evaluation.column(str(seen.evaluation.roles.amount)).key} AS DOUBLE)"
    wrong = f"({_decision(seen)}) <> r.y"
    return f"CASE WHEN {wrong} THEN {key} ELSE 0 END", f"{wrong} IS NOT NULL AND isfinite({key})"


_rate("accuracy", "Accuracy", "higher", "rows", "true", "{y} = {p}", loss="wrong decisions")
_rate("recall", "Recall", "higher", "actual positives", "{y} = 1", "{p} = 1", loss="missed positives")
_rate("precision", "Precision", "higher", "flagged rows", "{p} = 1", "{y} = 1", paired=False, loss="false alarms")
_rate("specificity", "Specificity", "higher", "actual negatives", "{y} = 0", "{p} = 0", loss="false alarms")
_rate(
    "false_positive_rate", "False positive rate", "lower", "actual negatives", "{y} = 0", "{p} = 1", loss="false alarms"
)
_rate(
    "false_negative_rate",
    "False negative rate",
    "lower",
    "actual positives",
    "{y} = 1",
    "{p} = 0",
    loss="missed positives",
)
_rate(
    *("negative_predictive_value", "Negative predictive value", "higher", "rows not flagged", "{p} = 0", "{y} = 0"),
    paired=False,
    loss="missed positives",
)
_mean("log_loss", "Log loss", CLASSES, "lower", "score", "ll")
_mean("brier", "Brier score", CLASSES, "lower", "score", "sq")
_mean("mae", "Mean absolute error", (REGRESSION,), "lower", "label", "ae")
_mean("mse", "Mean squared error", (REGRESSION,), "lower", "label", "e2")
_mean("smape", "Symmetric mean absolute percentage error", (REGRESSION,), "lower", "share", "sape")
_mean("bias", "Bias", (REGRESSION,), "zero", "label", "e")
OBJECTIVES.add(
    Objective("calibration", "Label less score", (BINARY,), "zero", "share", "scored rows", NEEDS_SCORE, _miss)
)
OBJECTIVES.add(
    Objective("cost", "Cost", (*CLASSES, REGRESSION), "lower", "money", "rows with a cost", NEEDS_COST, _cost, False)
)
OBJECTIVES.add(
    Objective("amount_wrong", "Amount decided wrongly", CLASSES, "lower", "money", "rows", NEEDS_AMOUNT, _amount)
)


def usual(evaluation: Evaluation) -> str:
    """The objective of a task where none is asked for."""
    return "mae" if evaluation.task == REGRESSION else "accuracy"


def obstacle(objective: Objective, seen: Judged, threshold: Threshold | None) -> str | None:
    """Why a model version cannot be searched for it, None where it can."""
    facts, model = seen.evaluation, seen.model
    if facts.task not in objective.tasks:
        return f"'{objective.name}' is for {' and '.join(objective.tasks)}; '{facts.name}' is {facts.task}."
    if objective.needs == NEEDS_COST:
        return None if facts.roles.cost else f"'{facts.name}' has no cost column; give one the role cost."
    if facts.roles.label is None:
        return f"'{facts.name}' has no label column, so nothing can be found wrong; give one the role label."
    if objective.needs == NEEDS_AMOUNT and not facts.roles.amount:
        return f"'{facts.name}' has no amount column; give one the role amount."
    if objective.needs in (NEEDS_DECISION, NEEDS_AMOUNT) and not decided(facts, model, threshold):
        return (
            f"'{objective.name}' needs a decision, and '{model.name}' has scores only: say from which score on a row "
            "counts as positive, with --threshold."
        )
    if objective.needs in (NEEDS_TERM, NEEDS_SCORE) and not measurable(facts, model):
        return f"'{objective.name}' needs probabilities or a forecast, which '{model.name}' does not have."
    return None


def of(evaluation: Evaluation, name: str) -> Objective:
    """The objective asked for, or the usual one; BadRequest with the known ones otherwise."""
    wanted = name or usual(evaluation)
    if wanted not in OBJECTIVES:
        known = ", ".join(each.name for each in OBJECTIVES if evaluation.task in each.tasks)
        raise BadRequest(f"There is no objective '{wanted}'. Known: {known}.")
    return OBJECTIVES.get(wanted)
