"""Questions: one module each; a question takes an evaluation and options and returns a Result."""

from analysis.questions.calibration import calibration, uncalibrated
from analysis.questions.compare_groups import compare_groups
from analysis.questions.errors import errors
from analysis.questions.measure import measure
from analysis.questions.model_check import model_check
from analysis.questions.overview import key_figures, overview
from analysis.questions.rows import rows
from analysis.questions.segments import segments, sliceable
from analysis.questions.targets import targets
from analysis.questions.thresholds import thresholds

__all__ = [
    "calibration",
    "compare_groups",
    "errors",
    "key_figures",
    "measure",
    "model_check",
    "overview",
    "rows",
    "segments",
    "sliceable",
    "targets",
    "thresholds",
    "uncalibrated",
]
