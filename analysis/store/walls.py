"""Walls: what keeps a process that works on a user's file from harming anything but itself."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path

from analysis.core.settings import SETTINGS, setting

PR_SET_PDEATHSIG = 1
PRIORITY = 5  # of 19; at 10 a child starves on a machine busy with other work
SESSION_PRIORITY = Path("/proc/self/autogroup")
PRIVATE = ("catalog", "workspace")
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}


def told() -> dict[str, str]:
    """The settings a child may know, as environment variables."""
    return {each.variable: str(setting(each.name)) for each in SETTINGS if each.name not in PRIVATE}


def wall(limits: dict[str, int]) -> None:
    """Limit this process: address_mb, seconds (of processor time on each of `threads`), file_bytes it may write."""
    import resource

    def limit(which: int, value: int) -> None:
        _, hard = resource.getrlimit(which)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))

    if sys.platform == "linux":  # elsewhere address space cannot be limited usefully
        limit(resource.RLIMIT_AS, limits["address_mb"] << 20)
    limit(resource.RLIMIT_CPU, limits["seconds"] * limits["threads"])
    limit(resource.RLIMIT_FSIZE, limits["file_bytes"] * 2)
    limit(resource.RLIMIT_NOFILE, 256)
    limit(resource.RLIMIT_CORE, 0)


def step_back() -> None:
    """Leave the processors to the app wherever both want them: it answers people, this works in the background.

    Linux may share the processors out by session first, and only then by the priority within one; a child is a session.
    """
    os.nice(PRIORITY)
    with contextlib.suppress(OSError):  # no Linux, told not to, or asked too often: then by the priority alone
        SESSION_PRIORITY.write_text(str(PRIORITY))


def die_with_parent() -> None:
    """On Linux the kernel kills this process when the thread that started it ends, however busy either is."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and all it started, now."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def processor_time(seconds: int) -> None:
    """Let this process use so many more seconds of processor time, then end it; for one that works again and again."""
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds + 1, hard))
