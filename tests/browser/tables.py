"""Tables the browser tests upload, and the figures a person with the file and a pencil would get from them."""

import csv
import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from analysis.core.expression import parse
from analysis.store import segments
from analysis.store.workspace import Workspace

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data" / "loans.csv"
CHECKED, RELEASES = "outcome checked", ("2025.1", "2025.2")
Row = dict[str, str]


def cases(file: Path, *, count: int = 700, seed: int = 7) -> list[Row]:
    """Write a semicolon file of cases judged by two releases, a row for each; the rows as written."""
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        happened = draw.random() < 0.35
        seen = happened if draw.random() < 0.9 else not happened
        day = date(2025, 1, 6) + timedelta(days=draw.randrange(140))
        area = draw.choice(["Harbour", "Old town", "Hills"])
        for release, skill in zip(RELEASES, (0.25, 0.4), strict=True):
            p = min(0.99, max(0.01, 0.5 + (skill if seen else -skill) + draw.gauss(0, 0.25)))
            rows.append(
                {
                    "case no": f"C{number:05}",
                    "day": day.isoformat(),
                    "outcome": "yes" if happened else "no",
                    CHECKED: "yes" if seen else "no",
                    "release": release,
                    "p of yes": f"{p:.3f}",
                    "said": "yes" if p >= 0.5 else "no",
                    "area": area,
                }
            )
    write(file, rows, delimiter=";")
    return rows


def write(file: Path, rows: list[Row], *, delimiter: str = ",") -> Path:
    """The rows as CSV."""
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return file


def loans() -> list[Row]:
    """The sample's main file."""
    with SAMPLE.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def recall(rows: list[Row], actual: str, flagged: Callable[[Row], bool | None], *, yes: str = "yes") -> tuple[str, str]:
    """(recall as the page writes it, n as the page writes it): of the actual positives that were judged."""
    judged = [flagged(row) for row in rows if row[actual] == yes and flagged(row) is not None]
    return f"{100 * sum(map(bool, judged)) / len(judged):.1f}%", f"n {len(judged):,}"


def decided(column: str, *, yes: str = "yes") -> Callable[[Row], bool | None]:
    """What a recorded decision says; None where there is none."""
    return lambda row: row[column] == yes if row[column] else None


def above(column: str, threshold: float) -> Callable[[Row], bool | None]:
    """What a score says at a threshold; None where there is none."""
    return lambda row: float(row[column]) >= threshold if row[column] else None


def save(folder: Path, named: dict[str, str]) -> None:
    """Make these the saved segments of a workspace, {name: expression}, and no others."""
    workspace = Workspace.open(folder)
    for each in segments.listed(workspace):
        segments.delete(workspace, each.name)
    for name, text in named.items():
        segments.save(workspace, name, parse(text))
    workspace.close()
