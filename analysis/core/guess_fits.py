"""How well one column fits a role, from its name and its values: 0 = not at all, about 1 = clearly."""

from analysis.core.guess_columns import COUNTED, FEW, SHOWN, Look
from analysis.core.guess_words import ENTITIES, UNITS, likeness, vocabulary

_SPLITS = vocabulary(
    "train training trn test testing tst valid validation val dev development holdout hold_out oot eval evaluation "
    "score scoring calibration calib private public unused out_of_time in_time entrainement prueba entrenamiento"
)
_FITTED = vocabulary("train training trn entrainement entrenamiento holdout oot")
_BODY = vocabulary("body birth gross net curb vehicle product item shipping kg lb lbs grams g carat package")
_THINGS = vocabulary("house building property car vehicle account company firm loan machine device fund card")
_LEAKS = vocabulary(
    "outcome resolution chargeback recovery recoveries collected discharge disposition settled error residual resid "
    "alive boat explanation threshold correct leakage deceased"
)


def fit_split(look: Look) -> float:
    """Parts of a split: by values such as train and test, or folds."""
    name = likeness(look.words, "split")
    known = {value.replace(" ", "_").replace("-", "_") for value in look.values}
    telling = name >= 0.5 or bool(known & _FITTED)
    if look.category and known <= _SPLITS and telling:
        return 0.6 + name / 2
    folds = look.category and all(value.lower().startswith(("fold", "resample", "cv", "rep")) for value in look.values)
    numbered = look.whole and look.distinct <= SHOWN and look.low in (0, 1) and "fold" in " ".join(look.words)
    flag = look.distinct == 2 and look.words in (("is", "train"), ("is", "test"), ("in", "sample"))
    return 0.5 + name / 2 if folds or numbered or flag else 0.0


def fit_weight(look: Look) -> float:
    """Sampling weights: numeric, not negative, and not the weight of a body."""
    if not look.numeric or look.distinct < 2 or not look.low >= 0 or _BODY & set(look.words):
        return 0.0
    if look.words in (("weight",), ("wt",), ("gewicht",), ("poids",), ("peso",)) and look.low > 10:
        return 0.0  # weighed, not weighted
    return likeness(look.words, "weight")


def fit_time(look: Look) -> float:
    """When it happened; a date of birth, an end or the outcome's date fits badly."""
    name = likeness(look.words, "time")
    late = 0.6 * bool(
        {"birth", "dob", "expiry", "end", "until", "due", "label", "outcome", "updated"} & set(look.words)
    )
    if look.temporal:
        return 0.6 + name / 2 - late
    if look.dates:
        return 0.5 + name / 2 - late
    epoch = look.whole and look.low > 5e8 and {"timestamp", "ts", "time", "epoch", "unix"} & set(look.words)
    return 0.5 if epoch else 0.0


def fit_amount(look: Look) -> float:
    """Money: a number of many values named like an amount."""
    return likeness(look.words, "amount") if look.numeric and look.distinct > SHOWN and not look.share else 0.0


def fit_cost(look: Look) -> float:
    """A number named like a cost."""
    return likeness(look.words, "cost") if look.numeric and look.distinct > 1 else 0.0


def fit_id(look: Look, copies: int) -> float:
    """How well a column identifies a row; copies: how often an id may repeat (once per model version)."""
    unique = look.unique or look.nearly_unique or (copies > 1 and 1 < look.top <= copies and look.distinct > FEW / 5)
    if not unique or look.fractional or look.temporal or look.prose or look.nested:
        return 0.0
    name = likeness(look.words, "id")
    if look.words and look.words[-1] in ("id", "ids", "nr", "no", "nbr", "number") and ENTITIES & set(look.words):
        name = 0.95
    if UNITS & set(look.words):
        name -= 0.02
    if not look.words or look.words in (("column0",), ("v1",), ("x",), ("c0",)):
        name = 0.5 if look.place == 0 and look.whole else 0.0
    return max(name, 0.5 if look.codes and not look.numeric else 0.0) + (0.02 if look.unique else 0.0)


def fit_unit(look: Look) -> float:
    """Whom rows are about: a named identifier whose values repeat."""
    named = bool(UNITS & set(look.words)) and likeness(look.words, "id") >= 0.3
    repeats = look.top > 1 and look.distinct >= SHOWN / 2 and not look.fractional
    return 0.8 - 0.01 * len(look.words) if named and repeats else 0.0


def fit_version(look: Look) -> float:
    """The model version of a long file: few values, named like a model."""
    several = look.category and look.distinct <= SHOWN
    single = look.distinct == 1 and likeness(look.words, "model_version") == 1.0
    return likeness(look.words, "model_version") if several or single else 0.0


def protected(look: Look) -> bool:
    """Whether a column is named like an attribute of persons that fairness audits ask for."""
    person = not look.prose and look.distinct > 1 and not _THINGS & set(look.words)
    return person and likeness(look.words, "protected") >= 0.7


def leaks(look: Look) -> bool:
    """Whether a name speaks of what was known only after the outcome."""
    return bool(_LEAKS & set(look.words))


def feature(look: Look) -> bool:
    """Whether a model could use the column: a number or a category that identifies nobody."""
    if look.temporal or look.nested or look.prose or look.dates or look.distinct < 2 or leaks(look):
        return False
    identifies = likeness(look.words, "id") >= 0.5 and (look.nearly_unique or look.codes)
    if look.numeric:
        return not identifies
    return look.facts.type == "BOOLEAN" or look.distinct <= min(COUNTED, max(2, look.present / 2))
