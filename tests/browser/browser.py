"""A Chromium to drive: the system's, else Playwright's own, else one installed now. Run as a module, it says which."""

import os
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

SYSTEM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NONE = (
    "There is no Chromium on this machine and none could be installed; install one "
    "(`sudo apt-get install chromium` or `python -m playwright install --with-deps chromium`) to run the browser tests."
)
WAYS = (
    [sys.executable, "-m", "playwright", "install", "chromium"],
    ["apt-get", "install", "-y", "--no-install-recommends", "chromium"],
)
MOST_SECONDS = 600


def system() -> str | None:
    """The path of an installed Chromium or Chrome."""
    return next((path for path in map(shutil.which, SYSTEM) if path), None)


def own() -> str | None:
    """The path of the Chromium that Playwright has downloaded for itself, if it has and it starts."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() and _starts(path) else None


def _starts(path: str) -> bool:
    """Whether the program runs here: a download without the system's libraries does not."""
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@lru_cache(maxsize=1)
def found() -> str | None:
    """The path of a Chromium that is here, None where there is none. Installs nothing."""
    return system() or own()


def install() -> str | None:
    """Get a Chromium in the ways this machine allows; its path, or None."""
    for way in WAYS:
        command = _permitted(way)
        if command is None:
            continue
        try:
            subprocess.run(command, stdout=sys.stderr, timeout=MOST_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            sys.stderr.write(f"{' '.join(way)}: {error}\n")
        found.cache_clear()
        if found():
            return found()
    return None


def _permitted(way: list[str]) -> list[str] | None:
    """The command as this user may run it: packages need root, or sudo without a password."""
    if way[0] != "apt-get":
        return way
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return way
    sudo = shutil.which("sudo")
    if sudo is None or subprocess.run([sudo, "-n", "true"], capture_output=True).returncode:
        return None
    return [sudo, "-n", *way]


if __name__ == "__main__":
    path = found() or install()
    (sys.stdout if path else sys.stderr).write(f"{path or NONE}\n")
    sys.exit(0 if path else 1)
