"""Questions: one module each; a question takes an evaluation and options and returns a Result."""

from analysis.questions.calibration import calibration, uncalibrated
from analysis.questions.compare_groups import compare_groups
from analysis.questions.composition import composition
from analysis.questions.dependence import dependence
from analysis.questions.discover import Asked, comparable, discover, discovered, offered
from analysis.questions.errors import errors
from analysis.questions.explain import explain, settled_before
from analysis.questions.explain_difference import Flips, explain_difference, explain_difference_known
from analysis.questions.explain_segment import (
    Explaining,
    explain_segment,
    explain_segment_known,
    explain_segment_left,
)
from analysis.questions.flip import flip
from analysis.questions.importance import (
    Shuffles,
    importance,
    importance_known,
    importance_left,
    importance_metrics,
)
from analysis.questions.label_errors import label_errors, label_errors_fit
from analysis.questions.measure import measure
from analysis.questions.model_check import model_check
from analysis.questions.opposite import opposite
from analysis.questions.overview import key_figures, overview
from analysis.questions.profile import profile
from analysis.questions.quality import judged_before, mute_key, quality
from analysis.questions.rows import rows
from analysis.questions.rules import rule_history, rules, suggest_rules
from analysis.questions.saved import saved
from analysis.questions.segments import segments, sliceable
from analysis.questions.selection import holds, selection
from analysis.questions.targets import targets
from analysis.questions.thresholds import threshold_figures, thresholds
from analysis.questions.what_if import what_if

__all__ = [
    "Asked",
    "Explaining",
    "Flips",
    "Shuffles",
    "calibration",
    "comparable",
    "compare_groups",
    "composition",
    "dependence",
    "discover",
    "discovered",
    "errors",
    "explain",
    "explain_difference",
    "explain_difference_known",
    "explain_segment",
    "explain_segment_known",
    "explain_segment_left",
    "flip",
    "holds",
    "importance",
    "importance_known",
    "importance_left",
    "importance_metrics",
    "judged_before",
    "key_figures",
    "label_errors",
    "label_errors_fit",
    "measure",
    "model_check",
    "mute_key",
    "offered",
    "opposite",
    "overview",
    "profile",
    "quality",
    "rows",
    "rule_history",
    "rules",
    "saved",
    "segments",
    "selection",
    "settled_before",
    "sliceable",
    "suggest_rules",
    "targets",
    "threshold_figures",
    "thresholds",
    "uncalibrated",
    "what_if",
]
