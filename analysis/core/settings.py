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
_add("model_check_rows", 2000, "rows", "On so many rows a model that disagrees on 1 in 500 shows with 98 % certainty.")
_add(
    "model_agreement",
    0.999,
    "share",
    "Below this share of equal answers a model is not the one that gave the recorded ones.",
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
