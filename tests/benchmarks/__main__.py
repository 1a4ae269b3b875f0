"""`python -m tests.benchmarks`: measure every promise of speed and memory, and print one table at the end."""

import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer

from tests.benchmarks import (
    background,
    build,
    discover,
    groupings,
    intake,
    overview,
    peers,
    segments,
    server,
    thresholds,
)
from tests.benchmarks.fresh import ROOT
from tests.benchmarks.table import Line, table

MEMORY_BEYOND_MB = 2000.0

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def _intake(rows: int, folder: Path) -> list[Line]:
    lines = []
    for each in intake.run(rows, folder):
        ours, bare = (f"{each[f'{side}_s']} s, {each[f'{side}_mb']:,} MB" for side in ("ours", "bare"))
        beyond = float(each["ours_mb"]) - float(each["bare_mb"])
        name = f"intake, {each['name']}"
        lines.append(Line(name, ours, f"bare {bare}", float(each["ratio"]), float(each["bound"]), "x"))
        lines.append(Line(f"{name}, memory beyond", "", "", beyond, MEMORY_BEYOND_MB, "MB"))
    return lines


PARTS: dict[str, Callable[[int, Path], Iterable[Line]]] = {
    "intake": _intake,
    "build": build.run,
    "overview": overview.run,
    "groupings": groupings.run,
    "peers": peers.run,
    "thresholds": thresholds.run,
    "segments": segments.run,
    "discover": discover.run,
    "background": background.run,
    "server": server.run,
}


@app.command()
def main(
    rows: Annotated[int, typer.Option(min=1000, help="Rows of the tables; the bounds are meant for ten million.")] = (
        10_000_000
    ),
    only: Annotated[str, typer.Option(help=f"One part: {', '.join(PARTS)}.")] = "",
    folder: Annotated[Path, typer.Option(help="Where to work; emptied of the run's files at its end.")] = ROOT
    / ".bench",
) -> None:
    """Exit status 1 when a bound is broken."""
    if only and only not in PARTS:
        raise typer.BadParameter(f"There is no part '{only}'; there are {', '.join(PARTS)}.")
    lines: list[Line] = []
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix="run-", dir=folder) as name:
            for part, run in PARTS.items():
                if only in ("", part):
                    began = time.perf_counter()
                    print(f"{part} ...", file=sys.stderr, flush=True)
                    lines += run(rows, Path(name))
                    print(f"{part}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    finally:
        print(f"\n{rows:,} rows\n{table(lines)}")
    if not all(line.ok for line in lines):
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
