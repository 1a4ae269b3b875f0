"""Marks and verbs: what a mark of a chart stands for, and the register of what one can do with it."""

from collections.abc import Callable
from dataclasses import dataclass

from analysis.core.registry import Registry
from analysis.core.segment import Segment, every
from analysis.engine.members import judges
from analysis.engine.query import OpenEvaluation
from pages.ui.context import Context


@dataclass(frozen=True)
class Mark:
    """A mark and the context it was seen in. where: the mark's own rows; text: what it is called."""

    evaluation: OpenEvaluation
    context: Context
    model: str
    where: Segment
    text: str

    @property
    def segment(self) -> Segment:
        """The mark's rows within the context's filter."""
        return every([*([self.context.where] if self.context.where else []), self.where])

    @property
    def judged(self) -> bool:
        """Whether it is chosen by what the label or the model says, so that metrics within it say nothing."""
        return judges(self.evaluation.facts, self.where)


@dataclass(frozen=True)
class Verb:
    """name: in keys. title: on the button. show: draws in the drawer what the verb gives for a mark."""

    name: str
    title: str
    show: Callable[[Mark], None]


VERBS: Registry[Verb] = Registry("verb")
