"""How long the Thresholds page of a large evaluation takes: its first opening, and each move of the threshold."""

import statistics
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from analysis.store import evaluations
from analysis.store.workspace import Workspace
from tests.benchmarks import build
from tests.benchmarks.serving import PATIENCE, browsing, serving
from tests.benchmarks.table import Line

FIRST_S, MOVE_MS = 3.0, 150.0
MOVES = 40
MARK = "[data-testid=assay-ready]"
RAN = f"before => Number(document.querySelector('{MARK}')?.dataset.run) > before"


def run(rows: int, folder: Path) -> list[Line]:
    """Server times, as the page's own mark tells them; the moves by typing into the context bar."""
    root, name = build.evaluation(rows, folder)
    workspace = Workspace.open(root)
    mark = evaluations.find(workspace, name).mark
    workspace.close()
    with browsing() as browser, serving(root, folder / "thresholds.log") as server:
        page = browser.new_page()
        page.goto(server.url)  # what the first visitor of a server pays, imports above all, is another promise
        page.locator(MARK).wait_for(state="attached", timeout=PATIENCE * 1000)
        for cube in (root / "cubes").glob("*"):
            cube.unlink()
        page.goto(f"{server.url}/thresholds?{urlencode({'e': mark})}")
        opened = page.locator(f'{MARK}[data-view^="thresholds"]')
        opened.wait_for(state="attached", timeout=PATIENCE * 1000)
        first = float(opened.get_attribute("data-ms")) / 1000
        times = [_move(page, f"{0.2 + 0.6 * place / MOVES:.3f}") for place in range(MOVES)]
        page.close()
    slow = statistics.quantiles(times, n=20)[-1]
    said = f"median {statistics.median(times):.0f} ms, p95 {slow:.0f} ms of {MOVES}"
    return [
        Line("thresholds, first opening", f"{first:.2f} s", "", first, FIRST_S, "s"),
        Line("thresholds, a move of the threshold", said, "", slow, MOVE_MS, "ms"),
    ]


def _move(page: Any, threshold: str) -> float:
    """Type a threshold; the server's time for the run that follows, in ms."""
    before = int(page.locator(MARK).get_attribute("data-run"))
    field = page.get_by_test_id("stNumberInput").filter(has_text="Threshold").locator("input").first
    field.fill(threshold)
    field.press("Enter")
    page.wait_for_function(RAN, arg=before, timeout=PATIENCE * 1000)
    return float(page.locator(MARK).get_attribute("data-ms"))
