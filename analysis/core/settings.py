"""Settings: every limit and threshold in one table, with its default, its unit and the reason for it.

An operator overrides one by the environment variable `ASSAY_<NAME>`.
"""

import os
from dataclasses import dataclass

from analysis.core.errors import BadRequest
from analysis.core.registry import Registry


@dataclass(frozen=True)
class Setting:
    name: str
    default: float | int | str
    unit: str
    why: str

    @property
    def variable(self) -> str:
        return "ASSAY_" + self.name.upper()


SETTINGS: Registry[Setting] = Registry("setting")


def _add(name: str, default: float | int | str, unit: str, why: str) -> None:
    SETTINGS.add(Setting(name, default, unit, why))


_add("workspace", "workspace", "folder", "Everything the analysts keep; beside the app unless told otherwise.")
_add("catalog", "", "SQLAlchemy URL", "Empty: a SQLite file in the workspace, which needs no server.")
_add("access", "local", "mode", "One user on this machine; the address is bound to loopback.")
_add(
    "upload_mb",
    400,
    "MB",
    "Streamlit holds an upload in memory while it arrives, so a browser upload stays below this.",
)
_add("file_gb", 20, "GB", "Largest file the terminal takes in; beyond it a laptop's disk is the limit.")
_add("inflate_ratio", 200, "times", "A real table compresses 3 to 30 times; beyond 200 a small file is a bomb.")
_add("columns", 2000, "columns", "DuckDB needs about 25 kB of memory a column while reading; 20,000 exhausted 500 MB.")
_add("child_memory_mb", 1400, "MB", "DuckDB's own memory while it takes in or builds; below it large sorts spill.")
_add(
    "child_address_mb", 8192, "MB", "Hard wall of a child's address space, which DuckDB reserves more of than it uses."
)
_add("child_seconds", 3600, "s", "No import or build of 10 million rows came near an hour; what runs longer hangs.")
_add("children", 2, "processes", "Two heavy children leave a 2-core machine able to answer readers.")
_add("model_mb", 500, "MB", "Largest model file; it is held in memory twice while it is loaded.")
_add("model_inflated_mb", 2000, "MB", "What a skops archive may hold once inflated; beyond it a small file is a bomb.")
_add("model_address_mb", 4096, "MB", "Hard wall of a model worker's address space; its libraries alone reserve 0.9 GB.")
_add("model_seconds", 60, "s", "A model that answers a few thousand rows in more than a minute hangs.")
_add("model_load_seconds", 180, "s", "scikit-learn takes 4 s to import on a quiet machine and 25 s on a busy one.")
_add("model_workers", 2, "processes", "Models kept loaded at once; each holds its libraries, about 0.3 GB of memory.")
_add("model_idle_seconds", 300, "s", "After five minutes without a question a model's process makes room.")
_add(
    "model_trusted",
    "",
    "types",
    "Types a skops file may hold beside those that come with scikit-learn, A,B,...; only types whose code was read.",
)
_add(
    "model_pickles",
    0,
    "yes or no",
    "1 lets pickle and joblib files be opened, which runs whatever code is in them; only where access is local.",
)
_add(
    "model_hosts",
    "",
    "hosts",
    "Hosts a model may be asked at over HTTP, host:port,...; none, since rows of the data go there. A name that leads "
    "to a private address needs that address or its network here too.",
)
_add("model_ca", "", "file", "Certificates, PEM, that HTTPS endpoints are trusted by; empty: those of the system.")
_add("endpoint_rows", 500, "rows", "Rows sent in one call: large enough that the call's own cost does not count.")
_add("endpoint_together", 4, "calls", "Calls under way at once; an endpoint serves others too.")
_add("endpoint_seconds", 20, "s", "A call of 500 rows that takes longer hangs; it must end before model_seconds does.")
_add("endpoint_attempts", 4, "calls", "Tries of one call where a connection fails or the endpoint says it is busy.")
_add("endpoint_wait_seconds", 10, "s", "Longest wait before another try; an endpoint that asks for more is given up.")
_add("endpoint_answer_mb", 16, "MB", "500 rows of 1,000 scores each are 10 MB of JSON; what is larger is no answer.")
_add("endpoint_calls", 200, "calls", "Calls for one question: 100,000 rows; calls may cost money.")
_add("endpoint_calls_day", 5000, "calls", "Calls to one address in a day (UTC) from one workspace.")
_add("endpoint_cache_rows", 100_000, "rows", "Answers kept in memory while a model is warm, about 20 MB.")
_add("endpoint_probe_rows", 20, "rows", "Rows kept with an endpoint and asked again at each check.")
_add("model_check_rows", 2000, "rows", "On so many rows a model that disagrees on 1 in 500 shows with 98 % certainty.")
_add(
    "model_agreement",
    0.999,
    "share",
    "Below this share of equal answers a model is not the one that gave the recorded ones.",
)
_add(
    "model_rows",
    10_000,
    "rows",
    "A call of so many rows answers soon enough to be cancelled and large enough to be quick.",
)
_add("importance_rows", 5000, "rows", "A feature that is worth 0.01 AUC shows with certainty on so many rows.")
_add("importance_repeats", 5, "shuffles", "Of the interval's width more shuffles take off less than a tenth.")
_add("dependence_rows", 500, "rows", "The mean answer is then known to about a twentieth of how much rows differ.")
_add("explain_samples", 5000, "rows", "Neighbours a local explanation asks a model about; as the lime package does.")
_add(
    "explain_budget",
    100_000,
    "rows",
    "Neighbours one explanation may ask about in all its repeats: 20 of 5,000 rows settle what can be settled.",
)
_add("explain_wrong", 0.01, "share", "Of the signs an explanation shows as settled one in a hundred may be wrong.")
_add("explain_error", 0.07, "share", "Of the largest weight: of one a fifth as large the sign is then sure (z of 2.9).")
_add("explain_negligible", 0.02, "share", "A weight surely below so much of the largest one is next to nothing.")
_add("explain_fit", 0.5, "share", "Below it a straight line misses half of what the model does near a row.")
_add("explain_fit_least", 0.1, "share", "Below it bars would describe a line that the model does not follow at all.")
_add("explain_rows", 100, "rows", "A side; a difference of 0.4 standard deviations then shows four times in five.")
_add("explain_flips", 5000, "rows", "Rows two models are asked about to find those they decide otherwise.")
_add(
    "explain_agree",
    0.8,
    "share",
    "Fewer leading features whose occlusion has the same sign leave an explanation in doubt.",
)
_add(
    "surrogate_rows", 50_000, "rows", "Boosted trees follow a model of 20 features from so many rows, in some seconds."
)
_add(
    "surrogate_fit",
    0.8,
    "R2",
    "A surrogate that leaves more than a fifth of the variation unexplained would explain another model.",
)
_add("spill_gb", 20, "GB", "What one child may spill to disk inside its own staging folder.")
_add("reader_memory_mb", 1024, "MB", "DuckDB's memory for questions in the app's process; cubes are small.")
_add("threads", 0, "threads", "0 takes every core.")
_add(
    "free_disk_mb",
    256,
    "MB",
    "Below this much free space nothing new is taken in, so that the catalog can always write.",
)
_add("cube_cache_mb", 256, "MB", "Cubes kept in the workspace; the least recently used go first.")
_add("cube_memory_mb", 128, "MB", "Cubes kept in each process.")
_add(
    "rejects_share", 0.001, "share", "Up to 0.1 % of broken rows are left out and counted; above, the analyst decides."
)
_add("small_group", 30, "rows", "Below about 30 an interval is wider than most differences worth acting on.")
_add("groups", 1000, "groups", "More groups than this are folded into 'other': nobody reads the thousandth.")
_add("policy_groups", 50, "groups", "A policy with more thresholds than this is one nobody can review.")
_add("encode_values", 1000, "values", "A column with at most this many distinct values is stored as codes.")
_add("score_codes", 8192, "codes", "At most this many distinct scores stay exact; beyond, the AUC bound is about 6e-5.")
_add(
    "class_codes",
    2048,
    "codes",
    "The same for each of more than two classes, whose codes a file holds all; the AUC bound is then below 3e-4.",
)
_add("coded_classes", 20, "classes", "Beyond, a column of codes a class would make the file several times as large.")
_add(
    "by_values",
    50,
    "values",
    "A numeric column with at most this many values groups by value, else by ten quantile bins.",
)
_add("labelled_share", 0.8, "share", "A time bucket with fewer labels than this is drawn dotted and earns no verdict.")
_add(
    "search_rows",
    2_000_000,
    "rows",
    "Up to so many rows a search of weak spots takes seconds and starts when its page opens; beyond, on a click.",
)
_add("check_copies_share", 0.2, "share", "Where more rows than this are alike, few values describe them, not copies.")
_add("check_nearly_constant", 0.999, "share", "Less than one row in a thousand differs: errors rather than a group.")
_add("check_id_like", 0.95, "share", "With so many different values a column tells rows apart rather than groups.")
_add("check_placeholder_gap", 0.25, "share", "How far beyond the other values' range a number stands for missing.")
_add("check_future_share", 0.05, "share", "A column with more dates to come is one of plans, such as due dates.")
_add("check_missing_change", 0.1, "share", "A source that breaks loses far more than a tenth of its values.")
_add("check_volume_factor", 2.0, "times", "Weeks differ by a fifth or so; half or twice as many rows is another cause.")
_add("check_category_share", 0.01, "share", "A category of less than a hundredth comes and goes by chance.")
_add("check_unit_factor", 8.0, "times", "Units differ by 10, 12, 60, 100 or 1000; no week's mean moves eightfold.")
_add("check_imbalance", 0.01, "share", "Below a hundredth, accuracy and most fixed thresholds say little.")
_add(
    "check_label_change", 0.2, "share", "A rate of positives that moves by 20 points is a change of rule, not of world."
)
_add("check_leak_auc", 0.95, "AUC", "No single honest feature ranks so well; models of many rarely do.")
_add("check_order_auc", 0.75, "AUC", "An id says nothing of the outcome unless the file was sorted or cut by it.")
_add("check_leak_rows", 100_000, "rows", "An AUC near 0.95 is known to 0.002 from so many rows.")
_add(
    "check_missing_label", 0.1, "share", "Missing by 10 points more often in one class is a sign of the outcome itself."
)
_add("check_wrong_labels", 0.01, "share", "Fewer wrong labels than a hundredth move hardly any metric.")
_add(
    "check_doubt_factor", 1.5, "times", "Scores that fit one group a little worse contradict its labels a little more."
)
_add(
    "check_group_share", 0.05, "share", "Groups' shares move by a point or two between periods; five are another crowd."
)
_add("check_group_rate", 0.1, "share", "Ten points in the rate of positives are more than most groups truly differ by.")
_add(
    "check_small_crossing", 5, "rows", "Fewer rows that share such traits may be told by name (k-anonymity's usual k)."
)
_add("label_error_rows", 100_000, "rows", "The interval's width is then known to a tenth, whatever the table's size.")
_add("check_clipped", 0.01, "share", "A hundredth of all scores at one end is a wall, not a tail.")
_add("rules_alarm", 0.001, "share", "A suggested rule fires by chance on one in a thousand new tables or periods.")
_add("check_scale", 0.001, "score", "Rounded probabilities add up to 1 within a thousandth.")
_add("q", 0.05, "share", "False-discovery rate a result may claim over its whole frame.")


def setting(name: str) -> float | int | str:
    """The value in force: the environment's if given, else the default, in the default's type.

    >>> setting("small_group")
    30
    """
    definition = SETTINGS.get(name)
    text = os.environ.get(definition.variable)
    if text is None or text == "":
        return definition.default
    kind = type(definition.default)
    try:
        return kind(text)
    except ValueError as error:
        raise BadRequest(f"{definition.variable}={text!r} is not a number of {definition.unit}.") from error


def number(name: str) -> float:
    """A numeric setting as a float."""
    return float(setting(name))


def whole(name: str) -> int:
    """A numeric setting as an integer."""
    return int(setting(name))
