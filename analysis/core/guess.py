"""The guess: what each column of an unknown table means, from its name and its values, with a reason for each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from analysis.core.errors import BadRequest, UnknownName
from analysis.core.guess_columns import COUNTED, Look
from analysis.core.guess_fits import (
    feature,
    fit_amount,
    fit_cost,
    fit_id,
    fit_split,
    fit_time,
    fit_unit,
    fit_version,
    fit_weight,
    leaks,
    protected,
)
from analysis.core.guess_label import find_label, find_positive, find_task
from analysis.core.guess_marks import Mark, find_marks
from analysis.core.guess_models import Settled, echo, settle
from analysis.core.guess_words import likeness
from analysis.core.roles import BINARY, REGRESSION, TASKS, ColumnFacts, Guess, ModelColumns, Roles

_SHARED = {"protected", "segment", "feature", "amount"}  # a column may have several of these


@dataclass
class _Draft:
    """The guess as it grows: columns already spoken for, reasons and doubts."""

    looks: list[Look]
    taken: set[str]
    reasons: dict[str, str] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)

    @property
    def free(self) -> list[Look]:
        return [look for look in self.looks if look.name not in self.taken]

    def take(self, look: Look, reason: str) -> str:
        self.taken.add(look.name)
        self.say(look.name, reason)
        return look.name

    def say(self, name: str, reason: str) -> None:
        self.reasons[name] = f"{self.reasons[name]} {reason}" if name in self.reasons else reason

    def best(self, fits: Callable[[Look], float], at_least: float = 0.45) -> Look | None:
        """The free column that fits best, the first of equals; None where none reaches `at_least`."""
        ranked = sorted(((fits(look), -look.place, look) for look in self.free), key=lambda each: each[:2])
        return ranked[-1][2] if ranked and ranked[-1][0] >= at_least else None


def guess(facts: Sequence[ColumnFacts], *, task: str | None = None, given: Roles | None = None) -> Guess:
    """A proposal of the task and of every role, for the analyst to confirm.

    facts: one entry a column, in the table's order. task: the analyst's, if given; never overridden. given: roles the
    analyst set; never overridden, and the rest is guessed consistently with them. Raises UnknownName for a given
    column the table lacks, BadRequest for an unknown task.

    >>> columns = [ColumnFacts("churned", "BOOLEAN", 9, distinct=2, values=(("false", 6), ("true", 3)))]
    >>> found = guess(columns)
    >>> found.task, found.roles.label, found.roles.positive
    ('binary', 'churned', 'true')
    """
    given = given or Roles()
    if task is not None and task not in TASKS:
        raise BadRequest(f"'{task}' is not a task: choose binary, multiclass or regression.")
    looks = [Look(each, place) for place, each in enumerate(facts)]
    names = [look.name for look in looks]
    for column in given.used():
        if column not in names:
            raise UnknownName("column", column, names)
    draft = _Draft(looks, set(given.used()))
    marks = _given_marks(looks, given) + find_marks(draft.free)
    label = _label(draft, marks, task, given)
    if label is not None:
        marks = [mark for mark in marks if mark.look is not label] + echo(draft.free, marks, label)
    found_task = task or _task(draft, label, marks)
    roles = given.with_(label=label.name if label else None)
    roles = _positive(draft, roles, label, found_task, marks)
    roles = _models(draft, roles, label, found_task, marks)
    for look in looks:
        if look.nested and likeness(look.words, "score") >= 0.5 and look.name not in draft.taken:
            draft.doubts.append(
                f"'{look.name}' holds a list in every row; give each class's score a column of its own."
            )
    roles = _single(draft, roles)
    roles = _rows(draft, roles)
    roles = _many(draft, roles)
    others = {look.name for look in looks} - {roles.label, *roles.id}
    if roles.label is not None and roles.label != given.label and not others:
        draft.doubts.append(
            f"'{roles.label}' stands alone: if it holds predictions and not what really happened, say so."
        )
    return Guess(found_task, roles, draft.reasons, tuple(draft.doubts))


def _given_marks(looks: list[Look], given: Roles) -> list[Mark]:
    """The columns of given models, as evidence for the label and the task."""
    kinds = {column: roles[0] for column, roles in given.used().items() if {"prediction", "score"} & set(roles)}
    return [Mark(look, kinds[look.name], tuple(range(len(look.words))), 1.0) for look in looks if look.name in kinds]


def _label(draft: _Draft, marks: list[Mark], task: str | None, given: Roles) -> Look | None:
    if given.label is not None:
        return next(look for look in draft.looks if look.name == given.label)
    outcome = find_label(draft.free, marks, task)
    draft.doubts += outcome.doubts
    if outcome.label is not None:
        draft.take(outcome.label, outcome.reason)
        repeats = set(outcome.rivals) - {mark.look.name for mark in echo(draft.free, marks, outcome.label)}
        draft.taken |= repeats
        for name in sorted(repeats):
            draft.say(name, f"'{name}' looks like another form of the outcome, so it got no role.")
    return outcome.label


def _task(draft: _Draft, label: Look | None, marks: list[Mark]) -> str:
    task, draft.reasons["task"], doubts = find_task(label, marks)
    draft.doubts += doubts
    return task


def _positive(draft: _Draft, roles: Roles, label: Look | None, task: str, marks: list[Mark]) -> Roles:
    if task != BINARY or label is None or roles.positive is not None:
        return roles
    positive, reason, doubts = find_positive(label, marks)
    draft.doubts += doubts
    if positive is not None:
        draft.reasons["positive"] = reason
    return roles.with_(positive=positive)


def _models(draft: _Draft, roles: Roles, label: Look | None, task: str, marks: list[Mark]) -> Roles:
    classes: tuple[str, ...] = ()
    if task != REGRESSION:
        predicted = next((mark.look for mark in marks if mark.kind == "prediction" and mark.look.category), None)
        source = label or predicted
        classes = source.raw if source is not None else ()
    usable = [mark for mark in marks if mark.look.name not in draft.taken]
    decided = any(model.prediction is not None for model in roles.models)
    settled = settle(usable, task=task, label=label, classes=classes, positive=roles.positive, decided=decided)
    models, settled = _with_given(roles.models, settled)
    draft.doubts += settled.doubts
    for column in Roles(models=models).used():
        draft.taken.add(column)
        if column in settled.reasons:
            draft.say(column, settled.reasons[column])
    # What a model wrote but no role holds is no feature either.
    draft.taken |= {mark.look.name for mark in usable if mark.weight > 0.8}
    return roles.with_(models=models)


def _with_given(given: tuple[ModelColumns, ...], settled: Settled) -> tuple[tuple[ModelColumns, ...], Settled]:
    """The given models as they are; what a single given one leaves open is taken from a single guessed one."""
    if not given:
        return settled.models, settled
    if len(given) > 1 or len(settled.models) != 1:
        return given, settled._replace(doubts=[])
    mine, other = given[0], settled.models[0]
    filled = replace(
        mine,
        prediction=mine.prediction or other.prediction,
        scores=mine.scores or other.scores,
        quantiles=mine.quantiles or other.quantiles,
        latency=mine.latency or other.latency,
    )
    return (filled,), settled


# role, fit, least fit, why
_SINGLE: tuple[tuple[str, Callable[[Look], float], float, str], ...] = (
    ("split", fit_split, 0.5, "holds parts of a split such as train and test."),
    ("time", fit_time, 0.5, "holds dates or times of the event."),
    ("weight", fit_weight, 0.6, "is numeric, not negative and named like a sampling weight."),
    ("cost", fit_cost, 0.6, "is numeric and named like a cost."),
    ("amount", fit_amount, 0.6, "is numeric and named like an amount of money."),
)


def _single(draft: _Draft, roles: Roles) -> Roles:
    for role, fit, least, why in _SINGLE:
        if getattr(roles, role) is not None:
            continue
        look = draft.best(fit, least)
        if look is None:
            continue
        if role == "time" and not look.temporal:
            draft.doubts.append(
                f"'{look.name}' holds times but is of type {look.facts.type}; take it in as a timestamp."
            )
        if role == "amount":
            draft.say(look.name, f"'{look.name}' {why}")
            roles = roles.with_(amount=look.name)
            continue
        roles = roles.with_(**{role: draft.take(look, f"'{look.name}' {why}")})
    return roles


def _rows(draft: _Draft, roles: Roles) -> Roles:
    """Model version, id and unit: they are told apart by how often values repeat."""
    if roles.model_version is None and len(roles.models) == 1:
        look = draft.best(fit_version, 0.6)
        unique = draft.best(lambda each: fit_id(each, 1))
        if look is not None and (unique is None or likeness(look.words, "model_version") == 1.0):
            why = f"'{look.name}' is named like a model and its values repeat."
            roles = roles.with_(model_version=draft.take(look, why))
    copies = next((look.distinct for look in draft.looks if look.name == roles.model_version), 1)
    if not roles.id:
        look = draft.best(lambda each: fit_id(each, copies), 0.35)
        if look is not None:
            repeats = "repeats only once a model version" if look.top > 1 < copies else "differs in (nearly) every row"
            roles = roles.with_(id=(draft.take(look, f"'{look.name}' {repeats} and is named or written like an id."),))
            if copies == 1 and not look.unique and look.distinct <= COUNTED:
                draft.doubts.append(f"Some values of '{look.name}' repeat; check whether these rows are duplicates.")
    if roles.unit is None:
        look = draft.best(fit_unit)
        if look is not None:
            why = f"'{look.name}' names whom a row is about, and its values repeat."
            roles = roles.with_(unit=draft.take(look, why))
    if not roles.id and roles.unit is not None and roles.time is not None:
        roles = roles.with_(id=(roles.unit, roles.time))
        draft.doubts.append(f"No column alone tells rows apart; '{roles.unit}' and '{roles.time}' together were taken.")
    return roles


def _many(draft: _Draft, roles: Roles) -> Roles:
    """Protected attributes, segments, free text and features: whatever is left and usable."""
    used = roles.used()
    free = [
        look
        for look in draft.looks
        if look.name not in draft.taken or (look.name in used and set(used[look.name]) <= _SHARED)
    ]
    said = partial(_said, draft)
    text = roles.text or said([look for look in free if look.prose], "holds sentences.")
    guarded = roles.protected or said(
        [look for look in free if protected(look)], "is named like a protected attribute."
    )
    segments = roles.segments or (
        *said([look for look in free if look.category and not leaks(look)], "divides the rows into few groups."),
        *said([look for look in free if look.name in guarded and look.numeric and not look.category], "can be binned."),
    )
    known = [look for look in free if feature(look) and look.name not in text]
    features = roles.features or said(known, "is taken as known before the outcome.")
    return roles.with_(text=text, protected=guarded, segments=segments, features=features)


def _said(draft: _Draft, looks: list[Look], why: str) -> tuple[str, ...]:
    for look in looks:
        subject = "It" if look.name in draft.reasons else f"'{look.name}'"
        draft.say(look.name, f"{subject} {why}")
    return tuple(look.name for look in looks)
