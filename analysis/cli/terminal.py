"""The terminal: what every command shares. The app, the workspace it opens, its progress, and how lists are written."""

import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

import typer

from analysis.core import cutoffs
from analysis.core.errors import BadRequest
from analysis.core.evaluation import Evaluation
from analysis.core.savedsegment import Conditions, read
from analysis.core.segment import Segment
from analysis.store import jobs, policies, segments
from analysis.store.workspace import Workspace

app = typer.Typer(
    help="Assay, the AI performance analyst's workbench, from a terminal.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object: sentence, frame, receipt.")]
Text = str | None
Named = Annotated[str, typer.Argument(help="The evaluation, as name or name@version.")]
Versions = Annotated[list[str] | None, typer.Option("--model", help="A model version; default: all.")]
Kept = Annotated[
    Text,
    typer.Option("--model", help="The kept model, as name or name@version; default: the newest of the evaluation."),
]
Where = Annotated[
    str | None, typer.Option("--where", metavar="EXPRESSION", help="Only rows where, as in: region = 'West'")
]
Since = Annotated[str | None, typer.Option("--from", help="First day, as 2026-01-05.")]
Until = Annotated[str | None, typer.Option("--to", help="Last day.")]


def _finite(value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise BadRequest(f"--threshold is a number, not {value}.")
    return value


Threshold = Annotated[
    float | None, typer.Option("--threshold", callback=_finite, help="Decide positive from this score on.")
]

PolicyName = Annotated[Text, typer.Option("--policy", metavar="NAME", help="Decide as this saved policy says.")]


def rule(
    workspace: Workspace, evaluation: Evaluation, threshold: float | None, policy: str | None
) -> cutoffs.Threshold | None:
    """The decision rule of the options --threshold and --policy; None where the recorded decisions rule."""
    if policy is None:
        return threshold
    if threshold is not None:
        raise BadRequest("Say either --threshold or --policy, not both.")
    return policies.find(workspace, evaluation, policy).rule


def _level(value: float) -> float:
    if not 0.5 <= value <= 0.999999:
        raise BadRequest(f"--level is a share from 0.5 to 0.999999, not {value}.")
    return value


Bins = Annotated[
    list[str] | None,
    typer.Option(
        "--bins",
        metavar="COLUMN=HOW",
        help="Cut a column of --by: quantile:4, width:8, week, month, quarter, year, or edges: 18,25,40; repeatable.",
    ),
]
Level = Annotated[float, typer.Option("--level", callback=_level, help="The intervals' level.")]


def segment(text: str | None, types: Mapping[str, str]) -> Segment | None:
    """The segment of an option, its saved segments looked up in the workspace; None where it was not given."""
    return read(text, types, saved) if text else None


def saved() -> Conditions:
    """The conditions of the open workspace's saved segments."""
    return segments.conditions(CHOSEN.opened) if CHOSEN.opened is not None else {}


@dataclass
class _Chosen:
    """workspace: the folder the command line names. opened: the workspace while a command has it open."""

    workspace: str | None = None
    opened: Workspace | None = None


CHOSEN = _Chosen()


@app.callback()
def _options(
    workspace: Annotated[
        str | None, typer.Option(help="The workspace folder; default: ASSAY_WORKSPACE, else workspace/ beside the app.")
    ] = None,
) -> None:
    CHOSEN.workspace = workspace


@contextmanager
def workspace() -> Iterator[Workspace]:
    CHOSEN.opened = opened = Workspace.open(CHOSEN.workspace)
    try:
        jobs.sweep(opened)
        yield opened
    finally:
        CHOSEN.opened = None
        opened.close()


@contextmanager
def progress() -> Iterator[Callable[[float, str], None]]:
    """A progress bar on standard error where somebody watches, silence where nobody does."""
    if not sys.stderr.isatty():
        yield lambda share, doing: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Starting", total=1.0)
        yield lambda share, doing: bar.update(task, completed=share, description=doing)


def binnings(given: list[str] | None) -> dict[str, str]:
    """{column: how it is cut} of the --bins options."""
    found = {}
    for text in given or ():
        name, _, how = text.rpartition("=")
        if not name.strip() or not how.strip():
            raise BadRequest(f"--bins takes COLUMN=HOW, as in age=quantile:4 or age=18,25,40, not '{text}'.")
        found[name.strip()] = how.strip()
    return found


def columns(listed: str | None, known: list[str]) -> tuple[str, ...]:
    """The columns of an option A,B,...; a name with a comma in it is taken whole where there is such a column."""
    if listed is None:
        return ()
    if listed in known:
        return (listed,)
    return names(listed)


def names(listed: str | None) -> tuple[str, ...]:
    """The parts of an option A,B,..."""
    return tuple(each.strip() for each in (listed or "").split(",") if each.strip())
