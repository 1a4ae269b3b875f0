"""Questions: one module each; a question takes an evaluation and options and returns a Result."""

from analysis.questions.errors import errors
from analysis.questions.measure import measure
from analysis.questions.overview import overview
from analysis.questions.rows import rows
from analysis.questions.targets import targets
from analysis.questions.thresholds import thresholds

__all__ = ["errors", "measure", "overview", "rows", "targets", "thresholds"]
