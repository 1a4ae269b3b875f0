"""A real server under a real browser: its memory after many uploads, and others' pages while one takes a file in."""

import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from analysis.store import sample
from analysis.store.workspace import Workspace
from tests.benchmarks import fresh, intake
from tests.benchmarks.serving import PATIENCE, Server, browsing, ready, serving
from tests.benchmarks.table import Line

FULL_ROWS = 10_000_000
UPLOADS, UPLOAD_MB = 5, 200
# The C library hands back freed blocks above 32 MB at once and keeps smaller ones for later, up to a few of them.
LEAST_UPLOAD_MB = 40
INGEST_MB, LEAST_INGEST_MB = 380, 50  # a little less than the browser may send, and for the scaled-down run
MEMORY, ANSWER_MS, HEALTHY_S = 1.2, 300.0, 5.0
LONG = 600_000
UPLOAD, KEEP, DISCARD = "stFileUploaderDropzoneInput", "Keep", "Discard"


def csv(file: Path, megabytes: float) -> Path:
    """A CSV of about this size, of the intake benchmark's 20 columns."""
    query = "(select {} from range({}) r(i))"
    with duckdb.connect() as con:
        con.execute(f"copy {query.format(intake.COLUMNS, 10_000)} to '{file}' (format csv, header)")
        rows = round(10_000 * megabytes * 1e6 / file.stat().st_size)
        con.execute(f"copy {query.format(intake.COLUMNS, rows)} to '{file}' (format csv, header)")
    return file


def load_sample(root: str) -> int:
    """In a process of its own: fill a workspace with the sample."""
    workspace = Workspace.open(root)
    made = sample.load(workspace)
    workspace.close()
    return len(made["evaluations"])


def run(rows: int, folder: Path) -> Iterator[Line]:
    """Uploads are 200 MB and the ingest 380 MB at 10 million rows, and smaller in proportion below."""
    share = min(1.0, rows / FULL_ROWS)
    root = folder / "served"
    fresh.call(load_sample, str(root))
    with browsing() as browser:
        file = csv(folder / "upload.csv", max(UPLOAD_MB * share, LEAST_UPLOAD_MB))
        with serving(root, folder / "server.log") as server:
            said = f"{server.seconds:.2f} s"
            yield Line("server, healthy after its start", said, "", server.seconds, HEALTHY_S, "s")
            yield uploads(server, browser, file)
        file.unlink()
        file = csv(folder / "ingest.csv", max(INGEST_MB * share, LEAST_INGEST_MB))
        with serving(root, folder / "server.log") as server:
            yield from others(server, browser, file)
        file.unlink()


def uploads(server: Server, browser: Any, file: Path) -> Line:
    """Upload, look, discard, five times over: the server's memory afterwards by that after the first time."""
    from playwright.sync_api import expect

    page = _opened(browser, server)
    before, left = server.rss_mb(), []
    for _ in range(UPLOADS):
        page.get_by_test_id(UPLOAD).set_input_files(file)
        page.get_by_role("button", name=KEEP, exact=True).wait_for(timeout=LONG)
        page.get_by_role("button", name=DISCARD, exact=True).click()
        page.get_by_role("button", name=DISCARD, exact=True).wait_for(state="detached", timeout=LONG)
        expect(page.get_by_test_id(UPLOAD)).to_have_count(1, timeout=LONG)
        left.append(_settled(server))
    page.close()
    name = f"server, memory after {UPLOADS} uploads of {file.stat().st_size / 1e6:.0f} MB"
    ours = " ".join(f"{each:.0f}" for each in left) + " MB"
    return Line(name, ours, f"{before:.0f} MB before", max(left[1:]) / left[0], MEMORY, "x")


def _settled(server: Server) -> float:
    """The server's memory once it has stopped falling, in MB."""
    seen = [server.rss_mb()]
    while len(seen) < 20 and (len(seen) < 5 or seen[-5] - seen[-1] > 2):
        time.sleep(0.25)
        seen.append(server.rss_mb())
    return seen[-1]


def others(server: Server, browser: Any, file: Path) -> list[Line]:
    """How long the server takes over another session's pages while one session uploads a file and keeps it."""
    other, own = _opened(browser, server), _opened(browser, server)
    for _ in range(3):
        _visit(other)
    pulse = _Pulse(server)
    idle = [each for _ in range(5) for each in _visit(other)]
    slowest_idle = pulse.stop()
    pulse = _Pulse(server)
    own.get_by_test_id(UPLOAD).set_input_files(file)
    keep = own.get_by_role("button", name=KEEP, exact=True)
    while_uploading = _until(keep, other)
    keep.click()
    own.get_by_text("Taking in").first.wait_for(timeout=LONG)
    while_ingesting = _until(own.get_by_text("Kept as").first, other)
    slowest = pulse.stop()
    own.close()
    other.close()
    size = f"{file.stat().st_size / 1e6:.0f} MB"
    yardstick = f"idle: {_said(idle)}"
    return [
        _line(f"server, other pages during an upload of {size}", while_uploading, yardstick),
        _line(f"server, other pages during its ingest of {size}", while_ingesting, yardstick),
        Line(
            "server, health check meanwhile",
            f"slowest {slowest:.0f} ms",
            f"idle: slowest {slowest_idle:.0f} ms",
            slowest,
            ANSWER_MS,
            "ms",
        ),
    ]


def _line(name: str, times: list[float], yardstick: str) -> Line:
    return Line(name, _said(times), yardstick, max(times), ANSWER_MS, "ms")


def _said(times: list[float]) -> str:
    return f"median {statistics.median(times):.0f} ms, slowest {max(times):.0f} ms of {len(times)} runs"


def _opened(browser: Any, server: Server) -> Any:
    """A session that came in by the front door, which leads to the overview, and went on to the datasets."""
    page = browser.new_page()
    page.goto(server.url)
    ready(page, "overview")
    _visit(page)
    return page


def _visit(page: Any) -> list[float]:
    """Two pages by the menu: the server's time of each, in ms."""
    times = []
    for title in ("Overview", "Datasets"):
        page.get_by_test_id("stSidebarNav").get_by_role("link", name=title).click()
        times.append(ready(page, title.lower()))
    return times


def _until(sign: Any, other: Any) -> list[float]:
    """Visit pages in one session until a sign shows in another; at least one visit."""
    times: list[float] = []
    ends = time.monotonic() + LONG / 1000
    while not times or not sign.is_visible():
        if time.monotonic() > ends:
            raise RuntimeError(f"Nothing came of it within {LONG / 1000:.0f} s.")
        times += _visit(other)
    return times


class _Pulse:
    """The health check, asked twenty times a second on a thread."""

    def __init__(self, server: Server) -> None:
        self.server, self.slowest, self.over = server, 0.0, threading.Event()
        self.thread = threading.Thread(target=self._beat, daemon=True)
        self.thread.start()

    def _beat(self) -> None:
        while not self.over.wait(0.05):
            began = time.perf_counter()
            answered = self.server.healthy()
            self.slowest = max(self.slowest, (time.perf_counter() - began) * 1000 if answered else float("inf"))

    def stop(self) -> float:
        """The slowest answer in ms; inf where there was none."""
        self.over.set()
        self.thread.join(PATIENCE)
        return self.slowest
