"""World: rows as they truly are, before anything goes wrong with how they are recorded or scored.

A batch is a dict {slot: array of n values}; choices are small integers that index their list of values.
"""

from dataclasses import dataclass, field

import numpy as np

from sample_data.places import WEEKS, Places
from sample_data.schema import FEATURES, GENDERS, Schema, Shape

LOW_VOLUME = 0.25
HOURS = np.array([0] * 7 + [2, 6, 9, 10, 9, 7, 8, 9, 9, 8, 6, 4, 3, 1] + [0] * 3, dtype=float)
DAYS = np.array([1.15, 1.05, 1.0, 1.0, 0.95, 0.35, 0.2])


@dataclass
class Batch:
    """Some consecutive rows. columns: {slot: (n,) array}. touched, place: {fault code: (n,) mask}, see fault.py."""

    n: int
    columns: dict[str, np.ndarray]
    touched: dict[str, np.ndarray] = field(default_factory=dict)
    place: dict[str, np.ndarray] = field(default_factory=dict)

    def take(self, order: np.ndarray) -> "Batch":
        """These rows in this order; a row may come twice."""

        def pick(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            return {key: values[order] for key, values in arrays.items()}

        return Batch(len(order), pick(self.columns), pick(self.touched), pick(self.place))

    def inputs(self) -> np.ndarray:
        """(n, 9) what the models read: NaN where missing."""
        return np.column_stack([self.columns[slot].astype(float) for slot in FEATURES])


def shaped(shape: Shape, z: np.ndarray) -> np.ndarray:
    """Standard normal z as values of this shape."""
    line = shape.centre + shape.spread * z
    if shape.kind == "lognormal":
        line = np.exp(line)
    elif shape.kind == "share":
        line = 1.0 / (1.0 + np.exp(-line))
    return np.clip(np.round(line, shape.digits), shape.low, shape.high)


def back(shape: Shape, values: np.ndarray) -> np.ndarray:
    """The z of values of this shape, limited to [-4, 4]; the inverse of `shaped` but for rounding."""
    tiny = 10.0 ** -max(shape.digits, 0) / 2
    if shape.kind == "lognormal":
        line = np.log(np.maximum(values, tiny))
    elif shape.kind == "share":
        inside = np.clip(values, tiny, 1.0 - tiny)
        line = np.log(inside / (1.0 - inside))
    else:
        line = values
    return np.clip((line - shape.centre) / shape.spread, -4.0, 4.0)


def hashed(numbers: np.ndarray, salt: int) -> np.ndarray:
    """(n,) uniform [0, 1) values that belong to these numbers for good (the mix of splitmix64)."""
    mixed = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(salt * 0x2545F4914F6CDD1D % 2**64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11)).astype(float) / 2.0**53


def times(places: Places, share: np.ndarray) -> np.ndarray:
    """(n,) seconds since the first Monday for shares of the whole volume in [0, 1): busy hours, and one thin week."""
    weeks = np.ones(WEEKS)
    weeks[places.low_week - 1] = LOW_VOLUME
    hourly = (weeks[:, None, None] * DAYS[None, :, None] * HOURS[None, None, :]).ravel()
    ends = np.concatenate([[0.0], np.cumsum(hourly) / hourly.sum()])
    hour = np.minimum(np.searchsorted(ends, share, side="right") - 1, np.flatnonzero(hourly)[-1])
    inside = (share - ends[hour]) / (ends[hour + 1] - ends[hour])
    return (hour * 3600 + np.clip(np.floor(inside * 3600), 0, 3599)).astype(np.int64)


def draw(schema: Schema, places: Places, rng: np.random.Generator, share: np.ndarray, customers: int) -> Batch:
    """Rows at these shares of the volume, of this many customers. Features only; outcomes come by `outcomes`."""
    n = len(share)
    customer = rng.integers(0, customers, n)
    age = np.clip(np.round(43 + 14 * np.sqrt(2) * (hashed(customer, 1) + hashed(customer, 2) - 1) * 1.7), 18, 84)
    columns: dict[str, np.ndarray] = {"customer": customer, "time": times(places, share), "age": age.astype(np.int64)}
    columns["week"] = columns["time"] // (7 * 86400) + 1
    columns["begun"] = columns["time"] // 86400 - rng.integers(0, 6, n)
    columns["gender"] = np.searchsorted(np.cumsum(list(GENDERS.values())), hashed(customer, 3) * (1 - 1e-9))
    columns["band"] = np.searchsorted(np.array([26, 41, 61]), age, side="right")
    branches = [branch for group in schema.areas.values() for branch in group]
    area_of = np.repeat(np.arange(len(schema.areas)), [len(group) for group in schema.areas.values()])
    columns["branch"] = rng.integers(0, len(branches), n)
    columns["area"] = area_of[columns["branch"]]
    for slot, shares in schema.choices.items():
        columns[slot] = rng.choice(len(shares), n, p=list(shares.values()))
    for slot in ("money", "ratio", "tenure", "history", "use", "savings", "address"):
        columns[slot] = shaped(schema.shapes[slot], rng.standard_normal(n))
    columns["prior"] = np.minimum(rng.poisson(0.22 + 0.3 * columns["use"]), 6)
    columns["household"] = np.minimum(rng.poisson(1.4, n), 7)
    columns["weight"] = np.where(columns["area"] == 0, 2.5, 1.0)
    columns["note"] = np.where(rng.random(n) < 0.4, 1 + rng.integers(0, len(schema.notes), n), 0)
    return Batch(n, columns)


def finish(columns: dict[str, np.ndarray]) -> None:
    """Fill in the columns that follow from others: the amount from income and ratio."""
    columns["size"] = np.maximum(np.round(columns["money"] * columns["ratio"], -1), 50.0)


def log_odds(schema: Schema, columns: dict[str, np.ndarray]) -> np.ndarray:
    """(n,) the true log odds of a bad outcome: partly a straight line, partly steps and products of features that only
    a tree model can see, and a part that belongs to the customer."""
    z = {
        slot: back(schema.shapes[slot], columns[slot])
        for slot in ("money", "ratio", "tenure", "history", "use", "savings")
    }
    young = columns["age"] < 30
    line = (
        0.7 * z["ratio"]
        - 0.25 * z["money"]
        - 0.3 * z["tenure"]
        - 0.35 * z["history"]
        + 0.35 * columns["prior"]
        - 0.25 * z["savings"]
    )
    steps = 1.3 * (z["use"] > 0.9) - 1.1 * (young & (z["ratio"] < -0.3)) + 0.9 * (young & (z["ratio"] > 0.3))
    product = -0.6 * z["use"] * z["history"] + 1.0 * ((columns["prior"] == 0) & (z["ratio"] > 1.0))
    customer = 0.4 * (hashed(columns["customer"], 4) + hashed(columns["customer"], 5) - 1.0) * 2.45
    return schema.base + 1.3 * (line + steps + product) + customer


def outcomes(schema: Schema, columns: dict[str, np.ndarray], odds: np.ndarray, rng: np.random.Generator) -> None:
    """Add the true `label` (0 or 1) and the `loss` in whole money."""
    n = len(odds)
    columns["label"] = (rng.random(n) < 1.0 / (1.0 + np.exp(-odds))).astype(np.int64)
    spread = 0.45 * rng.standard_normal(n)
    columns["loss"] = np.maximum(
        np.round(columns["size"] * np.exp(schema.severity + 0.35 * odds + 0.4 * columns["label"] + spread)), 1.0
    )
