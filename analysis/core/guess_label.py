"""The outcome: which column is the label, which task it makes, and which of its values is the positive one."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from analysis.core.guess_columns import SHOWN, Look, fit_of_values, joined, listed, same
from analysis.core.guess_marks import PARTNER, Mark
from analysis.core.guess_words import alike, likeness, plain, vocabulary, words
from analysis.core.roles import BINARY, MULTICLASS, REGRESSION, TABLE

ACCEPTED = 0.45  # a label candidate needs this much
CLOSE = 0.15  # and a rival this near is a doubt
_PAST = vocabulary(
    "level tier band bucket recommendation previous prev prior last past historical history num number n total avg "
    "mean days months ever family first max min std since ratio rate pct percent hours per lag rolling bei avant "
    "previo encoded index rank code source method"
)
_HAPPENED = vocabulary("true actual truth gt observed obs")
_KINDS = vocabulary("class species type category digit label intent topic sentiment grade")
_COMMON = vocabulary("0 1 yes no true false y n")  # values that match by accident
_COUNTS = vocabulary("quality rating stars score count cnt demand rentals visits quantity sales age points")
_POSITIVE = vocabulary(
    "yes y true t positive pos fraud fraudulent churn churned default defaulted bad malignant m+ spam event failure "
    "failed fail case sick disease diseased dead died ill high won win converted conversion clicked click approved "
    "subscribed readmitted anomaly attack abnormal defective delayed late left leaver attrition cancelled canceled "
    "toxic ja oui si vrai verdadero wahr betrug schlecht positif positivo positiv moroso impago hit accepted success "
    "delinquent charged_off chargedoff exited"
)
_NEGATIVE = vocabulary(
    "no n false f negative neg 0 -1 legit legitimate genuine normal good benign ham none control healthy alive low "
    "lost loss ok stayed retained paid fullypaid current active nonevent ontime nein non faux falso falsch gut "
    "negatif negativo negativ rejected stay <30no noevent"
)


class Outcome(NamedTuple):
    """The label (None: none found), others that may be it or say the same, why, and what stayed open."""

    label: Look | None
    rivals: tuple[str, ...]
    reason: str
    doubts: tuple[str, ...]


def find_label(looks: Sequence[Look], marks: Sequence[Mark], task: str | None) -> Outcome:
    """The best candidate by name, by the names of prediction columns, and by values that match the predictions'."""
    marked = {mark.look.name for mark in marks if mark.weight > 0.5}
    named = {look.words for look in looks}
    scored = []
    for look in looks:
        if look.name not in marked and _possible(look, task):
            weight, reason = _weigh(look, marks, looks)
            if look.words == ("y",) and ("x",) in named:
                weight -= 0.5
            scored.append((weight, look.place, look, reason))
    partners = {mark.look.name for mark in marks if mark.weight == PARTNER and mark.kind == "prediction"}
    if any(each[2].name not in partners and likeness(each[2].words, "label") >= 0.8 for each in scored):
        scored = [each for each in scored if each[2].name not in partners]
    scored.sort(key=lambda each: (-each[0], -each[1]))
    if not scored or scored[0][0] < ACCEPTED:
        doubt = "No column looks like the label (what really happened); until one is given only label-free views work."
        return Outcome(None, (), "", (doubt,))
    weight, _, label, reason = scored[0]
    near = [each[2].name for each in scored[1:4] if each[0] >= max(ACCEPTED, weight - CLOSE)]
    doubts: tuple[str, ...] = ()
    if near:
        doubts += (f"'{label.name}' was taken as the label; {listed(near)} could also be it.",)
    if likeness(label.words, "label") < 0.5 and not any(_names(mark, label) for mark in marks):
        doubts += (f"'{label.name}' was taken as the label by its values alone, not by its name: confirm it.",)
    twins = [
        each[2].name for each in scored[1:] if likeness(each[2].words, "label") >= 0.5 and _same_thing(label, each[2])
    ]
    return Outcome(label, tuple(twins), reason, doubts)


def _possible(look: Look, task: str | None) -> bool:
    if look.temporal or look.nested or look.prose or look.dates or look.distinct < 2:
        return False
    if look.textual and (look.unique or look.distinct > 1_000 or (look.codes and look.distinct > SHOWN)):
        return False
    if task == BINARY:
        return look.distinct == 2
    if task == REGRESSION:
        return look.numeric and look.distinct > 2
    if task == MULTICLASS:
        return look.distinct > 2 and not look.fractional
    return True


def _weigh(look: Look, marks: Sequence[Mark], looks: Sequence[Look]) -> tuple[float, str]:
    name = likeness(look.words, "label")
    reasons = []
    if name >= 0.5:
        reasons += ["has two values"] if look.distinct == 2 else []
        reasons.append("is named like an outcome")
    weight = name
    if look.words[:1] in (("is",), ("has",), ("was",), ("flag",)) and look.distinct == 2:
        weight += 0.15
    if len(look.words) > 1 and ({look.words[0], look.words[-1]} & _HAPPENED):
        weight += 0.2
    if _PAST & set(look.words):
        weight -= 0.45
    if likeness(look.words, "protected") >= 0.7:
        weight -= 0.4
    if (likeness(look.words, "id") >= 0.5 and look.nearly_unique) or likeness(look.words, "weight") >= 0.7:
        weight -= 0.6
    weight -= 0.3 * max(likeness(look.words, role) >= 0.8 and name < 0.9 for role in ("split", "model_version"))
    namers = [mark for mark in marks if mark.look is not look and _names(mark, look)]
    if namers:
        weight += 0.6
        reasons.append(f"is named in '{namers[0].look.name}'")
    fitting = [mark for mark in marks if mark.kind in ("prediction", "quantile") and mark.look is not look]
    fit = max((fit_of_values(look, mark.look) for mark in fitting), default=0.0)
    if fit >= 0.5:
        telling = look.distinct > SHOWN if look.numeric else not look.values & _COMMON
        weight += (0.55 if telling else 0.35) * fit
        reasons.append("has values like the predictions'")
    elif fitting and name < 0.9:
        weight -= 0.2
    groups = {same(mark.group) for mark in marks if mark.group is not None}
    if groups and look.values == groups:
        weight += 0.3
        reasons.append("has the classes scored as its values")
    weight += 0.08 if look.place == len(looks) - 1 else 0.04 if look.place == 0 else 0.0
    weight += 0.05 if look.distinct == 2 else 0.0
    return weight, f"'{look.name}' {joined(reasons or ['is the likeliest outcome by its place and values'])}."


def _names(mark: Mark, look: Look) -> bool:
    """Whether a model column's name holds the whole name of this column (churn_pred, churned)."""
    own = [word for word in look.words if word not in ("is", "has", "was", "flag", "actual", "true", "the", "y", "f")]
    if not own or own == ["label"] or mark.kind == "latency":
        own = list(look.words)
    heard = [word for word in mark.look.words if word != "label" or "label" in mark.stem]
    hits = [any(alike(word, other) for other in heard) for word in own]
    return bool(mark.stem or mark.look.words[-1:] == look.words) and all(hits) and not all(len(w) == 1 for w in own)


def _same_thing(label: Look, other: Look) -> bool:
    """Whether another outcome-like column repeats the label or says it in another form, so that it would leak it."""
    shared = [
        word
        for word in other.words
        if likeness((word,), "label") >= 0.5 and any(alike(word, own) for own in label.words)
    ]
    generic = likeness(other.words, "label") >= 0.9
    alike_in_kind = label.distinct == other.distinct or min(label.distinct, other.distinct) > SHOWN
    return alike_in_kind and (bool(shared) or generic) and not _PAST & set(other.words)


def find_task(label: Look | None, marks: Sequence[Mark]) -> tuple[str, str, tuple[str, ...]]:
    """(task, reason, doubts) from the label's values, and where they leave it open from the predictions'."""
    predictions = [mark.look for mark in marks if mark.kind == "prediction"]
    scores = [mark for mark in marks if mark.kind == "score"]
    if label is None:
        return _task_unlabelled(predictions, scores, any(mark.kind == "quantile" for mark in marks))
    subject = f"'{label.name}'"
    if label.distinct == 2:
        return BINARY, f"{subject} has two values.", ()
    if not label.numeric:
        return MULTICLASS, f"{subject} has {label.distinct} values that are names.", ()
    if label.fractional or label.distinct > SHOWN:
        return REGRESSION, f"{subject} is a number with many values.", ()
    few = f"{subject} holds {label.distinct} whole numbers"
    if any(look.fractional and not look.share for look in predictions):
        return REGRESSION, f"{few} and its predictions are fractions.", ()
    per_class = [mark for mark in scores if mark.look.share]
    if len(per_class) >= label.distinct:
        return MULTICLASS, f"{few} and there is a score for each.", ()
    doubt = (f"{few}: if they are amounts or grades the task is regression, if they are names it is multiclass.",)
    if any(look.distinct <= SHOWN and fit_of_values(label, look) >= 0.8 for look in predictions):
        return MULTICLASS, f"{few} and its predictions are of the same values.", doubt
    if (set(label.words) & _COUNTS and not set(label.words) & _KINDS) or label.distinct > 10:
        return REGRESSION, f"{few} and is named like an amount.", doubt
    return MULTICLASS, f"{few}.", doubt


def _task_unlabelled(predictions: list[Look], scores: list[Mark], quantiles: bool) -> tuple[str, str, tuple[str, ...]]:
    for look in predictions:
        if look.distinct == 2:
            return BINARY, f"'{look.name}' predicts two values.", ()
        if not look.numeric:
            return MULTICLASS, f"'{look.name}' predicts {look.distinct} names.", ()
    if scores or any(look.share for look in predictions):
        name = (scores[0].look if scores else next(look for look in predictions if look.share)).name
        return (
            BINARY,
            f"'{name}' is a score.",
            ("There is no label, so the task was told from the scores: confirm it.",),
        )
    if predictions or quantiles:
        return REGRESSION, "The predictions are numbers.", ()
    return TABLE, "No column looks like a label, a prediction or a score.", ()


def find_positive(label: Look, marks: Sequence[Mark]) -> tuple[str | None, str, tuple[str, ...]]:
    """(positive value as the data holds it, reason, doubts) of a label with two values."""
    if len(label.raw) != 2:
        return None, "", (f"'{label.name}' does not have two values; say which one is positive.",)
    (one, ones), (two, twos) = label.facts.values[:2]
    speaks = {value: _speaks(value, label) for value in (one, two)}
    if speaks[one] != speaks[two]:
        value = one if speaks[one] > speaks[two] else two
        return value, f"'{value}' of '{label.name}' says that the outcome happened.", ()
    heads = {mark.stem[-1:] for mark in marks if mark.kind == "score" and mark.stem}
    hinted = [value for value in (one, two) if tuple(word.text for word in words(value))[-1:] in heads and value]
    rare = one if ones < twos else two
    value = hinted[0] if len(hinted) == 1 else rare
    why = "the class the scores name" if len(hinted) == 1 else "the rarer value"
    doubt = f"Confirm that '{value}' is the positive value of '{label.name}': it was chosen as {why}."
    return value, f"'{value}' is {why} of '{label.name}'.", (doubt,)


def _speaks(value: str, label: Look) -> int:
    """1: the value says the outcome happened; -1: it says the opposite; 0: neither."""
    text = re.sub(r"^\d+:", "", same(value))
    parts = [plain(part) for part in re.findall(r"[^\W_]+", text)]
    squeezed = "".join(parts)
    if text.startswith((">", "≥")):
        return 1
    if text.startswith(("<", "≤")) or text == "-1" or text in _NEGATIVE or squeezed in _NEGATIVE:
        return -1
    if parts[:1] in (["no"], ["not"], ["non"], ["never"], ["kein"], ["nicht"], ["pas"], ["sin"]) or text[:4] == "non-":
        return -1
    if text in _POSITIVE or squeezed in _POSITIVE or (parts and parts[-1] in _POSITIVE and not parts[-1].isdigit()):
        return 1
    if any(alike(part, own) for part in parts for own in label.words if len(part) > 3):
        return 1
    return -1 if parts and parts[-1] in _NEGATIVE and not parts[-1].isdigit() else 0
