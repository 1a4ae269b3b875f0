"""How a guess is held against the truth: every decisive role is one item, right or wrong; an invented one is wrong."""

from collections import Counter
from typing import Any, NamedTuple

from analysis.core.guess import guess
from analysis.core.roles import Guess
from tests.core.guess_corpus.making import Table, Truth

SINGLE = ("label", "positive", "time", "weight", "split")
Item = tuple[Any, ...]


class Grade(NamedTuple):
    """items: role -> how many decisive roles there were (in the truth, or invented); wrong: role -> how many failed."""

    items: Counter[str]
    wrong: Counter[str]
    notes: list[str]

    @property
    def rate(self) -> float:
        return sum(self.wrong.values()) / sum(self.items.values())


def written(models: dict[str, dict[str, Any]], positive: str | None) -> set[Item]:
    """The columns models wrote, each with its kind and class; its model is named where there are several."""
    items: set[Item] = set()
    for name, model in models.items():
        whose = name if len(models) > 1 else ""
        if model.get("prediction"):
            items.add(("prediction", model["prediction"], whose))
        for group, column in model.get("scores", {}).items():
            items.add(("score", column, whose, positive if group is None else group))
        for level, column in model.get("quantiles", {}).items():
            items.add(("quantile", column, whose, round(level, 4)))
    return items


def grade(tables: tuple[Table, ...]) -> Grade:
    """All tables' decisive roles together."""
    total = Grade(Counter(), Counter(), [])
    for table in tables:
        found = guess(table.facts())
        for role, true, got in compared(table.truth, found):
            total.items[role] += 1
            if true != got:
                total.wrong[role] += 1
                total.notes.append(f"{table.name}: {role} is {true}, guessed {got}")
    return total


def compared(truth: Truth, found: Guess) -> list[tuple[str, Any, Any]]:
    """(role, true, guessed) for every decisive role that the truth has or the guess invented.

    Which of two values without a meaning is positive (truth None for a binary label) is not graded.
    """
    pairs: list[tuple[str, Any, Any]] = [("task", truth.task, found.task)]
    for role in SINGLE:
        true, got = getattr(truth, role), getattr(found.roles, role)
        ungraded = role == "positive" and truth.task == "binary" and true is None
        if (true is not None or got is not None) and not ungraded:
            pairs.append((role, true, got))
    if truth.id or found.roles.id:
        pairs.append(("id", truth.id, found.roles.id))
    mine = {
        model.name: {
            "prediction": model.prediction,
            "scores": dict(model.scores),
            "quantiles": dict(model.quantiles),
        }
        for model in found.roles.models
    }
    true_items, got_items = written(truth.models, truth.positive), written(mine, found.roles.positive)
    for item in sorted(true_items, key=str):
        pairs.append(("model columns", item, item if item in got_items else None))
    known = {item[1] for item in true_items}
    for item in sorted(got_items - true_items, key=str):
        if item[1] not in known:
            pairs.append(("model columns", None, item))
    return pairs
