"""What the first page waits for: the frame imports nothing slow, and a fresh server answers soon."""

import json
import subprocess
import sys

import pytest

from tests.benchmarks.serving import ROOT, serving

SLOW = ("sklearn", "lime", "scipy.stats", "matplotlib")
HEALTHY_S = 5.0
LOOK = "import json, sys, {}; print(json.dumps(sorted(sys.modules)))"


def _imported(module: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", LOOK.format(module)], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def _slow(names: set[str]) -> set[str]:
    return {name for name in names for slow in SLOW if name == slow or name.startswith(f"{slow}.")}


@pytest.mark.parametrize("module", ["pages.ui.frame", "analysis.questions", "analysis.telling.charts"])
def test_what_every_page_imports_is_quick(module):
    seen = _imported(module)
    assert module in seen
    assert not _slow(seen)


def test_the_look_sees_slow_modules():
    assert set(SLOW) <= _slow(_imported(", ".join(SLOW)))


def test_server_is_healthy_soon(tmp_path):
    def seconds() -> float:
        with serving(tmp_path / "workspace", tmp_path / "log") as server:
            return server.seconds

    # Whatever else the machine does only ever adds time: a second start decides.
    assert any(seconds() < HEALTHY_S for _ in range(2))
