"""How long the Segments page of a large evaluation takes: its first opening, another column, another metric."""

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from analysis.store import evaluations
from analysis.store.workspace import Workspace
from tests.benchmarks import build
from tests.benchmarks.serving import PATIENCE, browsing, serving
from tests.benchmarks.table import Line

FIRST_S, CHANGE_MS = 1.5, 300.0
METRICS = ("Precision", "Accuracy", "F1", "Log loss", "ROC AUC")
MARK = "[data-testid=assay-ready]"
RAN = f"before => Number(document.querySelector('{MARK}')?.dataset.run) > before"


def run(rows: int, folder: Path) -> list[Line]:
    """Server times, as the page's own mark tells them; columns and metrics are chosen in the page's own pickers."""
    root, name = build.evaluation(rows, folder)
    workspace = Workspace.open(root)
    facts = evaluations.find(workspace, name)
    workspace.close()
    columns = [column.name for column in facts.columns if column.encoding == "values"][:8]
    with browsing() as browser, serving(root, folder / "segments.log") as server:
        page = browser.new_page()
        page.goto(server.url)  # what the first visitor of a server pays, imports above all, is another promise
        page.locator(MARK).wait_for(state="attached", timeout=PATIENCE * 1000)
        for cube in (root / "cubes").glob("*"):
            cube.unlink()
        page.goto(f"{server.url}/segments?{urlencode({'e': facts.mark, 'segments_by': columns[0]})}")
        opened = page.locator(f'{MARK}[data-view^="segments"]')
        opened.wait_for(state="attached", timeout=PATIENCE * 1000)
        first = float(opened.get_attribute("data-ms")) / 1000
        by_column = [_choose(page, "Column", column) for column in columns[1:]]
        by_metric = [_choose(page, "Metric", metric) for metric in METRICS]
        page.close()
    return [
        Line("segments, first opening", f"{first:.2f} s", "", first, FIRST_S, "s"),
        Line("segments, another column", _said(by_column), "", max(by_column), CHANGE_MS, "ms"),
        Line("segments, another metric", _said(by_metric), "", max(by_metric), CHANGE_MS, "ms"),
    ]


def _said(times: list[float]) -> str:
    return ", ".join(f"{each:.0f}" for each in times) + " ms"


def _choose(page: Any, label: str, option: str) -> float:
    """Choose in a select box; the server's time for the run that follows, in ms."""
    before = int(page.locator(MARK).get_attribute("data-run"))
    name = page.get_by_test_id("stWidgetLabel").get_by_text(label, exact=True)
    field = page.get_by_test_id("stSelectbox").filter(has=name).get_by_role("combobox")
    field.click()
    field.fill(option)
    page.get_by_role("option", name=option, exact=True).first.click()
    page.wait_for_function(RAN, arg=before, timeout=PATIENCE * 1000)
    return float(page.locator(MARK).get_attribute("data-ms"))
