"""The terminal: what every command shares. The app, the workspace it opens, its progress, and how lists are written."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

import typer

from analysis.store import jobs
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


@dataclass
class _Chosen:
    workspace: str | None = None


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
    opened = Workspace.open(CHOSEN.workspace)
    try:
        jobs.sweep(opened)
        yield opened
    finally:
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
