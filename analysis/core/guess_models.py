"""Models from marks: which column is whose prediction, score (for which class), quantile or latency."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from analysis.core.guess_columns import Look, fit_of_values, same
from analysis.core.guess_marks import WEAK, Mark
from analysis.core.guess_words import alike, vocabulary, words
from analysis.core.roles import MULTICLASS, REGRESSION, ModelColumns

_GENERIC = vocabulary("model score risk positive pos yes event default outcome target final new my")
_ACTUAL = vocabulary("true actual truth gt observed obs real")
ALONE = "model"  # the name of a model whose columns do not name it


class Settled(NamedTuple):
    """Models with their columns, a reason for each column, and what stayed open."""

    models: tuple[ModelColumns, ...]
    reasons: dict[str, str]
    doubts: list[str]


def echo(looks: Sequence[Look], marks: Sequence[Mark], label: Look) -> list[Mark]:
    """A prediction named as the label, where no column says "prediction": `I_BAD` beside `BAD`, `x` beside `x_true`."""
    if any(mark.kind == "prediction" for mark in marks):
        return []
    core = set(label.words) - _ACTUAL
    found = [
        Mark(look, "prediction", (), 0.9)
        for look in looks
        if look is not label and core and fit_of_values(label, look) >= 0.8
        if core <= set(look.words) <= core | {"i", "into"} and look.words != label.words
    ]
    return found if len(found) == 1 else []


def supported(marks: list[Mark], label: Look | None) -> list[Mark]:
    """The marks without those whose weak word nothing else supports: the label's name, values, or a parallel column."""
    strong = [mark for mark in marks if mark.weight > WEAK]
    sure = any(mark.kind == "score" and mark.weight >= 0.95 for mark in marks)
    kept = []
    for mark in marks:
        others = [each for each in marks if each is not mark]
        whole = not mark.stem
        decided = any(each.kind == "prediction" and each.stem == mark.stem for each in others)
        if mark.kind == "score" and sure and mark.weight < 0.95 and mark.stem and not decided:
            continue  # beside a probability, an index that calls itself a score is a feature
        names_label = label is not None and any(alike(one, two) for one in mark.stem for two in label.words)
        parallel = any(each.kind == mark.kind and len(each.stem) == len(mark.stem) for each in others)
        partner = any(each.stem == mark.stem and each.kind != mark.kind for each in strong)
        if mark.kind == "score":
            fits = mark.look.share or not any(each.kind == "score" for each in strong)
        else:
            fits = label is None or fit_of_values(label, mark.look) >= 0.4 or mark.look.share
        numbered = mark.look.share and all(word.isdigit() or _is_class(word, label) for word in mark.stem)
        if mark.weight > WEAK or (fits and (whole or names_label or partner or numbered)) or (partner and parallel):
            kept.append(mark)
    return kept


def _is_class(word: str, label: Look | None) -> bool:
    return label is not None and word in {part.text for value in label.raw for part in words(value)}


def settle(
    marks: list[Mark],
    *,
    task: str,
    label: Look | None,
    classes: Sequence[str],
    positive: str | None,
    decided: bool = False,
) -> Settled:
    """Models from marks: kinds corrected by values, classes attached, columns paired by the words that remain.

    classes: the label's values as the data holds them (empty for regression). decided: a prediction is known already.
    """
    doubts: list[str] = []
    reasons: dict[str, str] = {}
    marks = [_without_label(mark, label) for mark in supported(marks, label)]
    marks = [_kind_by_value(mark, marks, task, len(classes)) for mark in marks]
    if task == REGRESSION:
        marks = [mark for mark in marks if mark.kind != "score"]
    else:
        marks = [mark for mark in marks if mark.kind != "quantile"]
        marks = _with_classes(marks, classes, positive, doubts)
        marks = _of_all_rows(marks, task, decided, doubts)
    models = []
    for name, group in _grouped(marks).items():
        models.append(_model(name, group, label, reasons, doubts))
    for each in (mark for mark in marks if mark.kind == "quantile" and mark.weight < 0.9):
        doubts.append(
            f"'{each.look.name}' names no level and was taken as the {each.level:g} quantile: set the right one."
        )
    return Settled(tuple(models), reasons, doubts)


def _without_label(mark: Mark, label: Look | None) -> Mark:
    if label is None:
        return mark
    own = set(label.words) - {"model"}
    keep = tuple(i for i in mark.rest if not any(alike(mark.look.words[i], word) for word in own if not word.isdigit()))
    return replace(mark, rest=keep)


def _kind_by_value(mark: Mark, marks: list[Mark], task: str, classes: int) -> Mark:
    """A "prediction" of fractions is a score where the label has classes; a "score" is a prediction of a number."""
    look = mark.look
    if mark.kind == "prediction" and task != REGRESSION and look.fractional and look.distinct > max(2, classes):
        return replace(mark, kind="score")
    alone = not any(each.kind == "prediction" and each.stem == mark.stem for each in marks)
    if mark.kind == "score" and task == REGRESSION and alone and mark.group is None:
        return replace(mark, kind="prediction")
    return mark


def _with_classes(marks: list[Mark], classes: Sequence[str], positive: str | None, doubts: list[str]) -> list[Mark]:
    """Scores with the class their name ends or begins with; numbers count only if a whole family is numbered."""
    spelled = {tuple(word.text for word in words(value)): value for value in classes}
    done: list[Mark] = []
    for mark in marks:
        if mark.kind == "score" and mark.group is None:
            mark = _class_by_word(mark, spelled)
        done.append(mark)
    families: dict[tuple[str, ...], list[Mark]] = {}
    for mark in done:
        if mark.kind == "score" and mark.group is None and mark.stem and mark.stem[-1].isdigit():
            families.setdefault(mark.stem[:-1], []).append(mark)
    for family in families.values():
        by_number = _classes_by_number([mark.stem[-1] for mark in family], classes, positive, doubts, family)
        for mark in family:
            if by_number is not None:
                done[done.index(mark)] = replace(mark, rest=mark.rest[:-1], group=by_number[mark.stem[-1]])
    return done


def _class_by_word(mark: Mark, spelled: Mapping[tuple[str, ...], str]) -> Mark:
    for ending, value in sorted(spelled.items(), key=lambda pair: -len(pair[0])):
        before = len(mark.look.words) - len(ending)
        if before > 0 and mark.look.words[before:] == ending and not all(word.isdigit() for word in ending):
            return replace(mark, rest=tuple(i for i in mark.rest if i < before), group=value)
        for part in (ending, ending[-1:]):
            if not part or part[-1].isdigit() or (sum(key[-1:] == part[-1:] for key in spelled) > 1 and part != ending):
                continue
            if mark.stem[-len(part) :] == part:
                return replace(mark, rest=mark.rest[: -len(part)], group=value)
            if mark.stem[: len(part)] == part:
                return replace(mark, rest=mark.rest[len(part) :], group=value)
    return mark


def _classes_by_number(
    numbers: list[str], classes: Sequence[str], positive: str | None, doubts: list[str], family: list[Mark]
) -> dict[str, str] | None:
    """{number in the name: class}, or None where the numbers count something else (models, versions)."""
    named = {same(value): value for value in classes}
    if set(numbers) <= set(named) and (len(set(numbers)) in (1, len(named))):
        return {number: named[number] for number in numbers}
    if len(classes) == 2 and positive is not None and set(numbers) <= {"0", "1"}:
        negative = next(value for value in classes if value != positive)
        return {"1": positive, "0": negative}
    ordered = sorted(classes)
    for first in (0, 1):
        if sorted(map(int, numbers)) == list(range(first, first + len(ordered))) and len(ordered) > 2:
            columns = ", ".join(f"'{mark.look.name}'" for mark in family)
            doubts.append(f"The scores {columns} are numbered; the classes were taken in sorted order: confirm it.")
            return {str(first + i): value for i, value in enumerate(ordered)}
    return None


def _of_all_rows(marks: list[Mark], task: str, decided: bool, doubts: list[str]) -> list[Mark]:
    """Without scores that belong to whichever class was predicted: they rank no class."""
    kept = []
    for mark in marks:
        predicted = mark.kind == "score" and mark.group is None and mark.look.share
        beside = decided or any(each.kind == "prediction" for each in marks)
        if predicted and task == MULTICLASS:
            doubts.append(
                f"'{mark.look.name}' names no class, so it was left out: it may be the predicted class's score."
            )
        elif predicted and beside and mark.look.low >= 0.5:
            doubts.append(
                f"'{mark.look.name}' is never below 0.5, so it seems to be the predicted label's score, "
                "not the positive class's; it was left out."
            )
        else:
            kept.append(mark)
            if predicted and {"prediction", "confidence"} & set(mark.look.words) and len(mark.look.words) > 1:
                doubts.append(f"Check that '{mark.look.name}' scores the positive class, not the predicted label.")
    return kept


def _grouped(marks: list[Mark]) -> dict[str, list[Mark]]:
    """{model name: its marks}, paired by what differs between their names."""
    groups: dict[tuple[str, ...], list[Mark]] = {}
    for mark in marks:
        groups.setdefault(mark.stem, []).append(mark)
    _join_partners(groups)
    stems = [stem for stem in groups if stem]
    common = set.intersection(*map(set, stems)) - {"model"} if len(stems) > 1 else set()
    named: dict[str, list[Mark]] = {}
    for stem, group in groups.items():
        first = next((mark for mark in group if mark.stem == stem), group[0])
        kept = [i for i in first.rest if first.look.words[i] not in common] or list(first.rest)
        name = _spelled(first.look, kept) if stem and (len(groups) > 1 or not _generic(stem)) else ALONE
        named.setdefault(name, []).extend(group)
    return named


def _join_partners(groups: dict[tuple[str, ...], list[Mark]]) -> None:
    """Joins groups that lack what exactly one other group has: a lone prediction and a lone score are one model's."""

    def lone(kind: str) -> list[tuple[str, ...]]:
        return [stem for stem, group in groups.items() if {mark.kind for mark in group} == {kind}]

    for kind in ("score", "quantile", "latency"):
        rest = [stem for stem in groups if any(mark.kind in ("prediction", "score") for mark in groups[stem])]
        partners = lone("prediction") if kind == "score" else rest
        alone = lone(kind)
        if len(partners) == 1 and len(alone) == 1 and partners[0] != alone[0]:
            keep, gone = sorted((partners[0], alone[0]), key=len, reverse=True)
            if kind != "score":
                keep, gone = partners[0], alone[0]
            groups[keep] += groups.pop(gone)


def _generic(stem: tuple[str, ...]) -> bool:
    return all(word.isdigit() or len(word) == 1 or word in _GENERIC for word in stem)


def _spelled(look: Look, kept: list[int]) -> str:
    parts = [look.parts[i] for i in kept]
    if kept == list(range(kept[0], kept[-1] + 1)):
        text = look.name[parts[0].start : parts[-1].end]
    else:
        text = " ".join(look.name[part.start : part.end] for part in parts)
    return f"model {text}" if text.isdigit() else text


def _model(
    name: str, group: list[Mark], label: Look | None, reasons: dict[str, str], doubts: list[str]
) -> ModelColumns:
    def of(kind: str) -> list[Mark]:
        return sorted((mark for mark in group if mark.kind == kind), key=lambda mark: -mark.weight)

    whose = "" if name == ALONE else f" of '{name}'"
    predictions, latencies = of("prediction"), of("latency")
    if label is not None:
        predictions.sort(key=lambda mark: -(mark.weight + fit_of_values(label, mark.look)))
    scores: dict[str | None, str] = {}
    for mark in of("score"):
        if mark.group in scores:
            doubts.append(f"'{mark.look.name}' could also be the score{whose}; '{scores[mark.group]}' was taken.")
            continue
        scores[mark.group] = mark.look.name
        meaning = f"class {mark.group}" if mark.group is not None else "the positive class"
        reasons[mark.look.name] = f"'{mark.look.name}' is numeric and named like a score{whose}, for {meaning}."
    if len(scores) > 1 and None in scores:
        reasons.pop(bare := scores.pop(None))
        doubts.append(f"'{bare}' is a score without a class beside scores with one; it was left out.")
    for mark in predictions[:1]:
        reasons[mark.look.name] = f"'{mark.look.name}' is named like the prediction{whose}."
    for mark in predictions[1:]:
        doubts.append(
            f"'{mark.look.name}' could also be the prediction{whose}; '{predictions[0].look.name}' was taken."
        )
    quantiles = {mark.level: mark.look.name for mark in reversed(of("quantile")) if mark.level is not None}
    for level, column in quantiles.items():
        reasons[column] = f"'{column}' is named like the {level:g} quantile{whose}."
    for mark in latencies[:1]:
        reasons[mark.look.name] = f"'{mark.look.name}' is numeric and named like a response time."
    return ModelColumns(
        name,
        predictions[0].look.name if predictions else None,
        tuple(sorted(scores.items(), key=lambda pair: str(pair[0]))),
        tuple(sorted(quantiles.items())),
        latencies[0].look.name if latencies else None,
    )
