"""What the first page waits for: the frame imports nothing slow, and a fresh server answers soon."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SLOW = ("sklearn", "lime", "scipy.stats", "matplotlib")
HEALTHY_WITHIN = 5.0
LOOK = "import json, sys, {}; print(json.dumps(sorted(sys.modules)))"


def _imported(module: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", LOOK.format(module)], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("module", ["pages.ui.frame", "analysis.questions", "analysis.telling.charts"])
def test_what_every_page_imports_is_quick(module):
    seen = _imported(module)
    assert module in seen
    assert not {name for name in seen if name.startswith(SLOW)}


@pytest.mark.parametrize("module", SLOW)
def test_the_look_sees_a_slow_module(module):
    assert module in _imported(module)


def test_server_is_healthy_soon(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    began = time.perf_counter()
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    try:
        while not _healthy(port):
            assert server.poll() is None, (tmp_path / "log").read_text()
            assert time.perf_counter() - began < HEALTHY_WITHIN
            time.sleep(0.05)
    finally:
        server.terminate()
        server.wait(timeout=20)


def _healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2) as answer:
            return answer.read() == b"ok"
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
