"""The app in a real server on a free loopback port, and a real browser to drive it."""

import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.fresh import ROOT

PATIENCE = 60.0
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


@dataclass(frozen=True)
class Server:
    """A healthy server. seconds: from its start to its first `ok`."""

    process: subprocess.Popen[bytes]
    url: str
    seconds: float

    def rss_mb(self) -> float:
        """The server process's resident memory now, in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1000

    def healthy(self) -> bool:
        """Whether the health check answers."""
        asked = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=5)
        try:
            asked.request("GET", "/_stcore/health")
            return asked.getresponse().read() == b"ok"
        except OSError:
            return False
        finally:
            asked.close()


@contextlib.contextmanager
def serving(workspace: Path, log: Path) -> Iterator[Server]:
    """A server of this workspace from start to healthy, ended on the way out; what it says goes to `log`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    began = time.perf_counter()
    with log.open("wb") as said:
        environment = {**os.environ, "ASSAY_WORKSPACE": str(workspace)}
        # A session of its own, as from a terminal: the system shares the processors out by session.
        process = subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=said, env=environment, start_new_session=True)
    try:
        server = Server(process, f"http://127.0.0.1:{port}", 0.0)
        while not server.healthy():
            if process.poll() is not None or time.perf_counter() - began > PATIENCE:
                raise RuntimeError(f"The server did not start:\n{log.read_text()}")
            time.sleep(0.02)
        yield Server(process, server.url, time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait(timeout=20)


@contextlib.contextmanager
def browsing() -> Iterator[Any]:
    """A Chromium without a window: the system's where there is one, else Playwright's own."""
    from playwright.sync_api import sync_playwright

    system = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=system, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def ready(page: Any, view: str) -> float:
    """Wait until a run of this page is done; the server's time for it in ms."""
    mark = page.locator(f'[data-testid=assay-ready][data-view^="{view}"]')
    mark.wait_for(state="attached", timeout=PATIENCE * 1000)
    return float(mark.get_attribute("data-ms"))
