"""Marks: columns that look written by a model, before it is known which is the label.

A mark says what kind of column it is (prediction, score, quantile, latency) and which words of its name are left over:
they are the class of a score, the label's name, or the name of the model.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analysis.core.guess_columns import SHOWN, Look, same
from analysis.core.guess_words import matches, vocabulary, words

_FILLERS = vocabulary("of for the class is in to value classe klasse clase")
_NEVER = vocabulary(
    "raw error errors residual residuals resid explanation explanations strength warning warnings threshold id "
    "horizon key timestamp at version std stderr se variance shap contribution metric correct entropy uncertainty"
)
# These make a name speak of something else, unless a column is called as the rest of the name or it says "predicted".
_HARDLY = vocabulary(
    "cost rank length count time date days status text name description comment reason loss credit fico test exam "
    "math reading writing apgar satisfaction engagement spending review imdb quality performance health sleep stress "
    "ext source salary gpa tax"
)
_ALGORITHMS = vocabulary(
    "arima sarima sarimax autoarima ets autoets prophet theta elasticnet xgboost xgb lightgbm lgbm catboost svr svm "
    "svc lasso knn mlp lstm gru tft nbeats nhits deepar transformer ann cnn rnn gbm gbr adaboost persistence bilstm"
)
_METHODS = _ALGORITHMS | vocabulary(
    "regression forest forests tree trees ridge linear logistic random decision polynomial boosting boosted gradient "
    "extra naive seasonal bayes bayesian neural network net baseline mean average ensemble stacking voting elastic "
    "auto rbf xg boost light huber ols glm gam var nn rf lr dt gb et"
)
_CALLED = vocabulary("class flag label decision alert klasse classe clase")
PARTNER = 0.5  # the weight of a column that only its likeness to a score's name makes a prediction
_LEVEL_WORDS = vocabulary("q quantile quantil quant percentile pctl perc p ptile cuantil percentil")
_BELOW = vocabulary("lower lo low lwr lcl untere min inf inferior bas")
_ABOVE = vocabulary("upper hi high upr ucl obere max sup superior haut")
WEAK = 0.6  # at most this weight needs support from elsewhere


TIME_UNITS = ("us", "ms", "s", "sec", "secs", "seconds", "millis", "milliseconds")


@dataclass(frozen=True)
class Mark:
    """A column some model wrote. kind: prediction, score, quantile or latency; rest: the words that say neither the
    kind nor (once known) the class, by position; level: of a quantile; group: the class of a score."""

    look: Look
    kind: str
    rest: tuple[int, ...]
    weight: float
    level: float | None = None
    group: str | None = None

    @property
    def stem(self) -> tuple[str, ...]:
        return tuple(self.look.words[i] for i in self.rest)


def find_marks(looks: Sequence[Look]) -> list[Mark]:
    """Every column that looks written by a model, before the label is known."""
    levels = {look.name: _level(look.words) for look in looks}
    known = {round(level, 4) for level, _ in levels.values() if level is not None}
    named = {look.words for look in looks}
    marks = _algorithms(looks)
    taken = {mark.look.name for mark in marks}
    for look in looks:
        if look.temporal or look.nested or look.prose or look.distinct < 1 or look.name in taken:
            continue
        mark = _quantile(look, levels[look.name], known) or _scored(look)
        if mark is not None and (mark.kind == "latency" or not _speaks_otherwise(mark, named)):
            marks.append(mark)
    taken = {mark.look.name for mark in marks}
    marks += _unnamed_classes([look for look in looks if look.name not in taken], looks)
    marks += _partners(looks, marks)
    return _unnamed_predictions(looks, marks)


def _speaks_otherwise(mark: Mark, named: set[tuple[str, ...]]) -> bool:
    own = set(mark.look.words)
    if own & _NEVER:
        return True
    outspoken = mark.look.words[0] in ("predicted", "forecasted", "vorhergesagt", "predicho", "predit")
    return bool(own & _HARDLY) and not outspoken and mark.stem not in named


def _algorithms(looks: Sequence[Look]) -> list[Mark]:
    """Columns named as a method and nothing else (`ARIMA`, `Random forest`); one alone must be unmistakable."""
    found = [
        Mark(look, "prediction", tuple(range(len(look.words))), 0.65)
        for look in looks
        if look.words and set(look.words) <= _METHODS and look.numeric and look.distinct >= 1
    ]
    sure = any(set(mark.look.words) & _ALGORITHMS or len(mark.look.words) > 1 for mark in found)
    return found if sure else []


def _partners(looks: Sequence[Look], marks: Sequence[Mark]) -> list[Mark]:
    """Decisions named as a score is: `fraud_flag` beside `fraud_probability`, `RandomForest_Class`."""
    taken = {mark.look.name for mark in marks}
    stems = {mark.stem for mark in marks if mark.kind == "score" and mark.stem}
    return [
        Mark(look, "prediction", tuple(range(len(look.words) - 1)), PARTNER)
        for look in looks
        if look.name not in taken and look.category and look.words[-1:] and look.words[-1] in _CALLED
        if look.words[:-1] in stems
    ]


def _uncovered(look: Look, covered: Iterable[int]) -> tuple[int, ...]:
    hidden = set(covered)
    return tuple(i for i, word in enumerate(look.words) if i not in hidden and word not in _FILLERS)


def _scored(look: Look) -> Mark | None:
    found = {kind: matches(look.words, kind) for kind in ("score", "prediction", "latency")}
    if found["latency"] and look.numeric:
        covered = [i for match in found["latency"] for i in range(match.start, match.end)]
        covered += [i for i, word in enumerate(look.words) if word in TIME_UNITS]
        return Mark(look, "latency", _uncovered(look, covered), max(match.weight for match in found["latency"]))
    if not look.numeric:
        found["score"] = []
    if not found["score"] and not found["prediction"]:
        named_class = look.words[:1] == ("class",) and len(look.words) > 1 and look.share
        return Mark(look, "score", tuple(range(1, len(look.words))), 0.9) if named_class else None
    kind = "score" if found["score"] else "prediction"
    both = found["score"] + found["prediction"]
    covered = [i for match in both for i in range(match.start, match.end)]
    weight = max(match.weight for match in both)
    if kind == "score" and not look.share and not (look.low >= 0 and look.high <= 1):
        weight = min(weight, WEAK)
    return Mark(look, kind, _uncovered(look, covered), weight)


def _level(name: tuple[str, ...]) -> tuple[float | None, tuple[int, ...]]:
    """The quantile a name speaks of, and the positions of the words that say so."""
    for i, word in enumerate(name):
        following = name[i + 1] if i + 1 < len(name) else ""
        if word in _LEVEL_WORDS and re.fullmatch(r"\d+(\.\d+)?", following):
            after = name[i + 2] if i + 2 < len(name) else ""
            if following == "0" and after.isdigit():
                return float(f"0.{after}"), (i, i + 1, i + 2)
            if "." in following:
                level = float(following) if float(following) < 1 else float(following) / 100
            else:
                level = int(following) / (1000 if len(following) == 3 else 100)
            if 0 < level < 1:
                return level, (i, i + 1)
        if word in _BELOW | _ABOVE and following.isdigit() and 50 <= int(following) < 100:
            tail = (100 - int(following)) / 200
            return (tail if word in _BELOW else 1 - tail), (i, i + 1)
    if len(name) == 1 and re.fullmatch(r"0\.\d+", name[0]):
        return float(name[0]), (0,)
    return None, ()


def _quantile(look: Look, named: tuple[float | None, tuple[int, ...]], known: set[float]) -> Mark | None:
    if not look.numeric or matches(look.words, "latency"):
        return None
    level, covered = named
    predicted = matches(look.words, "prediction")
    covered += tuple(i for match in predicted for i in range(match.start, match.end))
    if level is not None:
        paired = round(1 - level, 4) in known - {0.5} or (level == 0.5 and len(known) > 1)
        spoken = bool(predicted) or bool(set(look.words) & (_LEVEL_WORDS - {"p", "q"})) or (level >= 0.01 and paired)
        probability = "p" in look.words and look.share and not paired
        if spoken and not probability:
            return Mark(look, "quantile", _uncovered(look, covered), 0.9, round(level, 6))
        return None
    side = [i for i, word in enumerate(look.words) if word in _BELOW | _ABOVE]
    bounds = {"bound", "limit", "ci", "interval", "pi", "conf", "confidence", "schranke", "grenze"}
    if side and (predicted or bounds & set(look.words) or look.words in (("lower",), ("upper",), ("lwr",), ("upr",))):
        tail = 0.1 if "yhat" in look.words or "hat" in look.words else 0.025
        words_of_bounds = [i for i, word in enumerate(look.words) if word in bounds]
        rest = _uncovered(look, (*covered, *side, *words_of_bounds))
        return Mark(look, "quantile", rest, 0.7, tail if look.words[side[0]] in _BELOW else 1 - tail)
    return None


def _unnamed_classes(free: Sequence[Look], looks: Sequence[Look]) -> list[Mark]:
    """Columns of probabilities named after the classes alone: `Yes` and `No`, or `Tree (setosa)`, `Tree (virginica)`.

    Only when they cover every class of some text column.
    """
    shares = [look for look in free if look.share]
    for other in looks:
        if not shares or not other.category or other.numeric or other.distinct > SHOWN:
            continue
        families: dict[tuple[str, ...], dict[str, Mark]] = {}
        for look in shares:
            for value in other.raw:
                ending = tuple(word.text for word in words(value))
                if ending and not ending[-1].isdigit() and look.words[-len(ending) :] == ending:
                    rest = _uncovered(look, range(len(look.words) - len(ending), len(look.words)))
                    key = tuple(look.words[i] for i in rest)
                    families.setdefault(key, {})[value] = Mark(look, "score", rest, 0.9, group=value)
        whole = [family for family in families.values() if len(family) == other.distinct]
        if whole:
            return [mark for family in whole for mark in family.values()]
    return []


def _unnamed_predictions(looks: Sequence[Look], marks: list[Mark]) -> list[Mark]:
    """Predictions named as their model alone, beside columns `Tree (yes)` or `Tree-lo-90`; `mean` beside "
    "quantiles."""
    taken = {mark.look.name for mark in marks}
    keys = {mark.stem for mark in marks if mark.stem and (mark.group is not None or mark.kind == "quantile")}
    classes = {same(mark.group) for mark in marks if mark.group is not None}
    more = []
    for look in looks:
        if look.name in taken or look.temporal:
            continue
        fits = look.values <= classes if classes else look.numeric
        if look.words in keys and fits:
            more.append(Mark(look, "prediction", tuple(range(len(look.words))), 0.9))
        bare = any(mark.kind == "quantile" and not mark.stem for mark in marks)
        if look.words == ("mean",) and look.numeric and bare and not any(m.kind == "prediction" for m in marks):
            more.append(Mark(look, "prediction", (), 0.8))
    return marks + more
