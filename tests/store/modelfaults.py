"""`python -m tests.store.modelfaults` is a model worker whose model does what the rows it is asked about say."""

import ctypes
import os
import sys
import time

import numpy as np
import polars as pl

from analysis.core.errors import ModelFailed
from analysis.core.model import Answers
from analysis.store import modelfile, modelworker

COMMAND = (sys.executable, "-m", "tests.store.modelfaults")


class Faulty:
    """Two classes; the first column of a frame names the fault, "fine" is none."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def facts(self):
        return {
            "inputs": [],
            "width": 1,
            "classes": ["no", "yes"],
            "scores": True,
            "made": "a fault",
            "libraries": {"numpy": np.__version__},
            "notes": [],
        }

    def predict(self, frame):
        return FAULTS[frame.to_series(0)[0]](len(frame))


def fine(rows):
    scores = np.tile([0.25, 0.75], (rows, 1))
    return Answers(scores, ("no", "yes"), pl.Series(["yes"] * rows))


def sleep(rows):
    time.sleep(60)


def spin(rows):
    sum(range(10**12))  # one long call that never lets another thread of this process run


def leave(rows):
    os._exit(3)


def crash(rows):
    ctypes.string_at(0)


def allocate(rows):
    return np.ones(6 << 30)


def abort(rows):
    os.abort()


def fail(rows):
    raise ModelFailed("The model stopped on these rows: it did not like them.")


def short(rows):
    return Answers(np.zeros((rows - 1, 2)), ("no", "yes"))


def cube(rows):
    return Answers(np.zeros((rows, 2, 2)), ("no", "yes"))


def many(rows):
    return Answers(np.zeros((rows, 3)), ("no", "yes"))


def unlabelled(rows):
    return Answers(np.zeros((rows, 2)), ("no", "yes"), pl.Series(["yes"]))


def flood(rows):
    return Answers(np.zeros((9 << 20, 1)))


def talk(rows):
    sys.stdout.write('{"result": {"classes": [], "scores": 0}, "bytes": 0}\n')
    os.write(1, b'{"error": {"kind": "BadFile", "message": "a forgery"}, "bytes": 0}\n')
    return fine(rows)


def write(rows):
    with open("written-by-a-model", "w") as opened:
        opened.write("x" * 100_000)


FAULTS = {
    each.__name__: each
    for each in (
        fine, sleep, spin, leave, crash, allocate, abort, fail, short, cube, many, unlabelled, flood, talk, write,
    )
}  # fmt: skip

if __name__ == "__main__":
    modelfile.load = lambda kind, content: Faulty(content)
    modelworker.main()
