"""Terms: the per-row quantities of Sums and Order as SQL over an evaluation file, where `r` is a row."""

from analysis.core.evaluation import Evaluation, ModelFacts
from analysis.core.roles import BINARY, MULTICLASS, REGRESSION

EPSILON = "2.220446049250313e-16"
RIGHT = "abs(r.s{i} - (1 - r.y))"  # the probability of what came true
LOSS = (
    f"-ln(CASE WHEN {RIGHT} < {EPSILON} THEN {EPSILON} WHEN {RIGHT} > 1 - {EPSILON} THEN 1 - {EPSILON} "
    f"ELSE {RIGHT} END)"
)
MISS = "(r.y - r.s{i})"
# Products, which cost a tenth of what powers do.
BINARY_TERMS = {"ll": LOSS, "ll2": f"({LOSS}) * ({LOSS})", "sq": f"{MISS} * {MISS}"}
BINARY_TERMS["sq2"] = f"({BINARY_TERMS['sq']}) * ({BINARY_TERMS['sq']})"
MULTICLASS_TERMS = {"ll": "r.l{i}", "ll2": "r.l{i} * r.l{i}", "sq": "r.g{i}", "sq2": "r.g{i} * r.g{i}"}
ERROR = "r.e{i}"
LABEL = "(r.y - {centre!r})"
SHARE = "CASE WHEN r.y = 0 THEN 0 ELSE abs({e} / r.y) END"
BOTH = "CASE WHEN abs(r.y) + abs(r.p{i}) = 0 THEN 0 ELSE 2 * abs({e}) / (abs(r.y) + abs(r.p{i})) END"
REGRESSION_TERMS = {
    "e": "{e}",
    "ae": "abs({e})",
    "e2": "{e} * {e}",
    "e4": "{e} * {e} * {e} * {e}",
    "y": "{y}",
    "y2": "{y} * {y}",
    "y3": "{y} * {y} * {y}",
    "y4": "{y} * {y} * {y} * {y}",
    "e2y": "{e} * {e} * {y}",
    "e2y2": "{e} * {e} * {y} * {y}",
    "d": "abs(r.y - {median!r})",
    "zero": "CAST(r.y = 0 AS INTEGER)",
    "over": "CAST({e} > 0 AS INTEGER)",
    "under": "CAST({e} < 0 AS INTEGER)",
    "ape": SHARE,
    "ape2": f"({SHARE}) * ({SHARE})",
    "aey": "abs({e}) * abs(r.y)",
    "ay": "abs(r.y)",
    "ay2": "r.y * r.y",
    "sape": BOTH,
    "sape2": f"({BOTH}) * ({BOTH})",
}


def measurable(evaluation: Evaluation, model: ModelFacts) -> bool:
    """Whether the file holds per-row terms for this model: labels, and probabilities or a forecast."""
    if evaluation.roles.label is None:
        return False
    if evaluation.task == REGRESSION:
        return model.decision
    return model.score and model.probabilities


def usable(evaluation: Evaluation, *models: ModelFacts) -> str:
    """The rows whose terms count: labelled, and scored by every one of these models."""
    if evaluation.task == BINARY:
        return " AND ".join(["r.y IS NOT NULL", *(f"r.s{model.index} IS NOT NULL" for model in models)])
    kind = "e" if evaluation.task == REGRESSION else "l"
    return " AND ".join(f"r.{kind}{model.index} IS NOT NULL" for model in models)


def coded(model: ModelFacts) -> str:
    """The column whose presence says that a row has this model's score codes."""
    if model.codes:
        return f"r.b{model.index}"
    return f"r.b{model.index}_{'0' if model.class_codes else 'top'}"


def answered(evaluation: Evaluation, *models: ModelFacts) -> str:
    """The rows every one of these models decided or scored."""
    return " AND ".join(_answered(evaluation, model) for model in models)


def _answered(evaluation: Evaluation, model: ModelFacts) -> str:
    parts = [f"r.p{model.index} IS NOT NULL"]
    if evaluation.task == BINARY and model.score:
        parts.append(f"r.s{model.index} IS NOT NULL")
    if evaluation.task == MULTICLASS and model.top_codes:
        parts.append(f"r.b{model.index}_top IS NOT NULL")
    elif evaluation.task == MULTICLASS and measurable(evaluation, model):
        parts.append(f"r.l{model.index} IS NOT NULL")
    return f"({' OR '.join(parts)})"


def term_sql(evaluation: Evaluation, model: ModelFacts, term: str) -> str:
    """A per-row term of Sums as SQL."""
    if evaluation.task == BINARY:
        return BINARY_TERMS[term].format(i=model.index)
    if evaluation.task != REGRESSION:
        return MULTICLASS_TERMS[term].format(i=model.index)
    error, label = ERROR.format(i=model.index), LABEL.format(centre=evaluation.centre)
    return REGRESSION_TERMS[term].format(i=model.index, e=error, y=label, median=evaluation.median)
