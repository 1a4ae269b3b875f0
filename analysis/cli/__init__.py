"""The terminal twin: the same questions, words and answers as in the browser, as text or as JSON.

Exit status 0: answered. 1: the data breaks a rule that was asked for. 2: the request or the file is wrong, with one
sentence on standard error and nothing stored. Progress goes to standard error.
"""

import sys

import typer

from analysis.cli import (  # noqa: F401
    aims,
    calibrating,
    checking,
    comparing,
    contrasting,
    data,
    deciding,
    discovering,
    doubting,
    erring,
    evaluating,
    explaining,
    leaning,
    measuring,
    modelling,
    own,
    ruling,
    segmenting,
    whatif,
)
from analysis.cli.terminal import app
from analysis.core.errors import AssayError

__all__ = ["app", "main"]


def main() -> None:
    """Run one command; an error an analyst can act on is one sentence and exit status 2."""
    try:
        app()
    except AssayError as error:
        typer.echo(str(error), err=True)
        sys.exit(2)
