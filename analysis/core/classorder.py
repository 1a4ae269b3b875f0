"""Class order: which of a model's scores belongs to which class of an evaluation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.core import words
from analysis.core.model import Answers

NAMED, LEARNED, ASSUMED = "named", "learned", "assumed"


@dataclass(frozen=True)
class ClassOrder:
    """places: of each class of the evaluation, its column among the model's scores, -1 where there is none.

    how: NAMED by the model, LEARNED from the labels it gave, or ASSUMED to be the evaluation's. said: a sentence.
    sound: no class is missing or had to be assumed against the model's own names.
    """

    places: tuple[int, ...]
    how: str
    said: str
    sound: bool = True

    def scores(self, answers: Answers) -> np.ndarray:
        """(rows, classes) in the evaluation's order; nan where the model has no such class.

        One score a row of two classes is the second, positive one's, and the other's is what is left of 1.
        """
        given = answers.scores
        if given.shape[1] == 1 and len(self.places) == 2:
            given = np.column_stack([1 - given[:, 0], given[:, 0]])
        columns = [given[:, at] if at >= 0 else np.full(len(given), np.nan) for at in self.places]
        return np.column_stack(columns)


def class_order(answers: Answers, classes: Sequence[str]) -> ClassOrder:
    """Match a model's classes to an evaluation's by name, else by the labels it gave, else by position."""
    count = answers.scores.shape[1]
    if count == 1 and len(classes) == 2:
        return ClassOrder((0, 1), ASSUMED, f"The model gives one score a row, taken as that of '{classes[1]}'.")
    own, how = answers.classes, NAMED
    if not own:
        own, how = _learned(answers), LEARNED
    if own:
        places = tuple(next((at for at, name in enumerate(own) if same(name, each)), -1) for each in classes)
        if any(at >= 0 for at in places):
            missing = [each for each, at in zip(classes, places, strict=True) if at < 0]
            order = ", ".join(f"'{each}'" for each in own)
            by = "The model names its classes" if how == NAMED else "By the labels the model gives its classes are"
            said = f"{by} {order}" + (
                f"; {words.listed([f'{each!r}' for each in missing])} is not among them" * bool(missing)
            )
            return ClassOrder(places, how, f"{said}.", not missing)
    said = f"The model does not name its classes; its {count:,} scores are taken in the evaluation's order."
    if own:
        order = ", ".join(f"'{each}'" for each in own[:8])
        said = f"The model's classes {order} are not the evaluation's; they are taken in the evaluation's order."
    places = tuple(at if at < count else -1 for at in range(len(classes)))
    return ClassOrder(places, ASSUMED, said, not own and count == len(classes))


def _learned(answers: Answers) -> tuple[str, ...]:
    """The class of each column, from the labels of the rows where it is highest; () where that does not settle all."""
    if answers.labels is None or not len(answers.labels) or np.isnan(answers.scores).any():
        return ()
    highest = answers.scores.argmax(axis=1)
    labels = np.array(answers.labels.to_list(), dtype=object)
    found = []
    for column in range(answers.scores.shape[1]):
        seen = sorted(set(labels[highest == column]))
        if len(seen) != 1:
            return ()
        found.append(seen[0])
    return tuple(found) if len(set(found)) == len(found) else ()


def same(one: str, other: str) -> bool:
    """Whether two texts name the same class, however a program writes it.

    >>> same("1", "1.0"), same("True", "true"), same("yes", "no")
    (True, True, False)
    """
    if one == other or one.casefold() == other.casefold():
        return True
    try:
        return float(one) == float(other)
    except ValueError:
        return False


def class_text(value: Any) -> str:
    """A class as text, as a table's label would be read: 1 and 1.0 are "1".

    >>> class_text(np.float64(1)), class_text(np.True_), class_text("yes")
    ('1', 'true', 'yes')
    """
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, bool):
        return str(plain).lower()
    return str(int(plain)) if isinstance(plain, float) and plain.is_integer() else str(plain)
