"""Questions: one module each; a question takes an evaluation and options and returns a Result."""

from analysis.questions.measure import measure
from analysis.questions.overview import overview
from analysis.questions.targets import targets

__all__ = ["measure", "overview", "targets"]
