"""Questions: one module each; a question takes an evaluation and options and returns a Result."""

from analysis.questions.calibration import calibration, uncalibrated
from analysis.questions.errors import errors
from analysis.questions.measure import measure
from analysis.questions.overview import overview
from analysis.questions.rows import rows
from analysis.questions.thresholds import thresholds

__all__ = ["calibration", "errors", "measure", "overview", "rows", "thresholds", "uncalibrated"]
