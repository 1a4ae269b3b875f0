"""The terminal twin for tests: `python -m analysis` in this process, and the files it is shown."""

import csv
import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np

from analysis import cli

SIZE = 700


@dataclass(frozen=True)
class Said:
    """What one command said. json: of standard output, which with --json must be one object."""

    status: int
    out: str
    err: str

    @property
    def json(self):
        assert self.status == 0, self.err
        assert self.out.count("\n") == 1
        return json.loads(self.out, parse_constant=refuse)

    @property
    def refusal(self):
        """The one sentence of a refused request."""
        assert (self.status, self.out) == (2, ""), (self.status, self.out)
        assert self.err.count("\n") == 1, self.err
        return self.err.strip()


def refuse(constant):
    raise AssertionError(f"{constant} is not JSON")


def ask(workspace, *words):
    """One command of the twin, as a shell would give it."""
    out, err = io.StringIO(), io.StringIO()
    status = 0
    words = ["analysis", "--workspace", str(workspace), *map(str, words)]
    with patch.object(sys, "argv", words), redirect_stdout(out), redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as leaving:
            status = int(leaving.code or 0)
    return Said(status, out.getvalue(), err.getvalue())


def write(file: Path, rows):
    """Rows (dicts) as a CSV file; None is an empty field."""
    with file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


def some(random, value, share):
    """The value, or nothing in a share of the cases."""
    return None if random.random() < share else value


def loans(seed=7, size=SIZE, weighted=True):
    """Rows with a label spelled yes/no, decisions spelled 1/0, scores of three decimals, and columns to group by."""
    random = np.random.default_rng(seed)
    rows = []
    for place in range(size):
        score = round(float(random.beta(2, 3)), 3)
        rows.append(
            {
                "id": f"L{place:05d}",
                "paid": some(random, ["no", "yes"][int(random.random() < score)], 0.08),
                "decision": some(random, int(random.random() < 0.2 + 0.6 * score), 0.05),
                "score": some(random, score, 0.06),
                **({"weight": round(float(random.gamma(2, 1)), 4)} if weighted else {}),
                "region": some(random, str(random.choice(["North", "South", "it's, odd"])), 0.1),
                "metric": str(random.choice(["x", "y"])),
                "amount": some(random, round(float(random.gamma(2, 100)), 2), 0.05),
                "day": f"2026-{1 + place % 3:02d}-{1 + place % 28:02d}",
            }
        )
    return rows


def flowers(seed=8, size=SIZE):
    """Rows of three classes with a score each."""
    random = np.random.default_rng(seed)
    names, rows = ["ash", "birch", "cedar"], []
    for place in range(size):
        truth = int(random.choice(3, p=[0.5, 0.3, 0.2]))
        shares = random.dirichlet(np.ones(3) + 2 * np.eye(3)[truth])
        rows.append(
            {
                "id": place,
                "kind": some(random, names[truth], 0.05),
                "guess": some(random, names[int(np.argmax(shares)) if random.random() < 0.9 else 0], 0.05),
                **{f"score {name}": repr(float(share)) for name, share in zip(names, shares, strict=True)},
                "weight": round(float(random.gamma(2, 1)), 4),
                "region": str(random.choice(["North", "South"])),
            }
        )
    return rows


def prices(seed=9, size=SIZE):
    """Rows with a number to forecast."""
    random = np.random.default_rng(seed)
    rows = []
    for place in range(size):
        truth, region = round(float(random.normal(1e6, 50)), 2), str(random.choice(["North", "South"]))
        bias = -4 if region == "North" else 12
        rows.append(
            {
                "id": place,
                "price": some(random, truth, 0.05),
                "forecast": some(random, round(truth + float(random.normal(bias, 20)), 2), 0.05),
                "weight": round(float(random.gamma(2, 1)), 4),
                "region": region,
            }
        )
    return rows
