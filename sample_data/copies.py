"""Copies: rows that occur again, wholly or nearly."""

import numpy as np

from sample_data.fault import Scene, Touch
from sample_data.world import Batch

COPIES = {"repeated_rows": 0.003, "copies_under_new_id": 0.002, "near_copies": 0.0025, "contradictory_copies": 0.00125}
"""Copied rows of each kind, as a share of all rows."""
TITLES = {
    "repeated_rows": "Rows that occur twice",
    "copies_under_new_id": "Rows that occur twice under two ids",
    "near_copies": "Applications sent twice within minutes",
    "contradictory_copies": "One id, two outcomes",
}
EXPECT = {
    "repeated_rows": "Every cell equals that of another row, the id included.",
    "copies_under_new_id": "Every cell but the id equals that of another row.",
    "near_copies": "Another row of the same customer but for id, reference, time (minutes later) and latency.",
    "contradictory_copies": "The id and all else equal those of another row, but the outcome is the opposite one.",
}


def copied(rows: int) -> dict[str, int]:
    """How many of this many rows are copies, by kind."""
    return {kind: max(3, round(share * rows)) for kind, share in COPIES.items()}


def with_copies(scene: Scene, batch: Batch, first: int, rows: int) -> tuple[Batch, dict[str, Touch]]:
    """The batch filled up to `rows` rows with copies, in order of time, numbered from `first` on."""
    rng, base = scene.rng("copies"), np.arange(batch.n)
    noisy = batch.columns["branch"] == scene.code("branch", scene.places.branch)
    free = (batch.columns["label"] >= 0) & ~noisy
    counts = copied(rows)
    source = rng.choice(base[free], sum(counts.values()), replace=False)
    kind = np.concatenate([np.zeros(batch.n, dtype=int), np.repeat(np.arange(1, 5), list(counts.values()))])
    whole = batch.take(np.concatenate([base, source]))
    whole.columns["source"] = np.concatenate([base, source])
    near, opposite = kind == 3, kind == 4
    columns = whole.columns
    columns["time"] = columns["time"] + near * (60 * rng.integers(1, 10, whole.n) + rng.integers(0, 60, whole.n))
    for slot in ("latency_1", "latency_2"):
        columns[slot] = columns[slot] + near * rng.integers(1, 9, whole.n)
    columns["label"] = np.where(opposite, 1 - columns["label"], columns["label"])
    order = np.argsort(columns["time"], kind="stable")
    whole, kind = whole.take(order), kind[order]
    number = np.arange(whole.n)
    original = np.empty(batch.n, dtype=np.int64)
    original[whole.columns["source"][kind == 0]] = number[kind == 0]
    original = original[whole.columns["source"]]
    whole.columns["id"] = first + np.where((kind == 1) | (kind == 4), original, number)
    whole.columns["token"] = first + np.where(kind == 3, number, original)
    slots = {"contradictory_copies": ("id", "label"), "near_copies": ("id", "token", "time", "latency_1", "latency_2")}
    touches = {}
    for position, code in enumerate(COPIES, start=1):
        touches[code] = Touch(slots.get(code, ("id",)), kind == position, EXPECT[code])
    return whole, touches
