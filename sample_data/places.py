"""Places: where the faults of one seed sit."""

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from sample_data.schema import DRIFTABLE, GENDERS, Schema

WEEKS = 26
DRIFT_WEEK = 18
LATE_PRODUCT_WEEK = 21
LATE_LABEL_SHARES = {23: 0.85, 24: 0.6, 25: 0.35, 26: 0.1}
"""Share of rows whose outcome is known, by week; all earlier weeks are complete."""


@dataclass(frozen=True)
class Places:
    """Weeks count from 1. The first eight weeks hold no fault of time, so they can serve as the reference."""

    unit_week: int
    low_week: int
    inverted_week: int
    latency_week: int
    drifting: tuple[str, str]
    area: str
    branch: str
    channel: str
    product: str
    gap_channel: str
    biased_product: str
    gender: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def draw(schema: Schema, seed: int) -> Places:
    """The places of this seed. Faults of outcome and of score never share a region, a channel or a product."""
    rng = np.random.default_rng([seed, 1])

    def one(values: list[str]) -> str:
        return values[int(rng.integers(len(values)))]

    unit_week, low_week = (int(week) for week in rng.permutation(np.arange(9, 14))[:2])
    area = one(list(schema.areas))
    branch = one([branch for other, branches in schema.areas.items() if other != area for branch in branches])
    channel = one(list(schema.choices["channel"])[1:3])
    product = one(list(schema.choices["product"])[1:3])
    drifting = sorted(str(slot) for slot in rng.permutation(np.array(DRIFTABLE))[:2])
    return Places(
        unit_week=unit_week,
        low_week=low_week,
        inverted_week=int(rng.integers(14, 18)),
        latency_week=int(rng.integers(15, 21)),
        drifting=(drifting[0], drifting[1]),
        area=area,
        branch=branch,
        channel=channel,
        product=product,
        gap_channel=one([each for each in schema.choices["channel"] if each != channel]),
        biased_product=one([each for each in schema.choices["product"] if each != product]),
        gender=one(list(GENDERS)[:2]),
    )


def monday(schema: Schema, week: int) -> date:
    """The first day of a week; week 27 is the day after the last."""
    return schema.start + timedelta(weeks=week - 1)


def sunday(schema: Schema, week: int) -> date:
    """The last day of a week."""
    return monday(schema, week + 1) - timedelta(days=1)


def during(schema: Schema, week: int) -> str:
    """The expression of one week."""
    column = schema.columns["time"]
    return f"{column} >= '{monday(schema, week)}' and {column} < '{monday(schema, week + 1)}'"


def since(schema: Schema, week: int) -> str:
    """The expression of a week and all that follow."""
    return f"{schema.columns['time']} >= '{monday(schema, week)}'"
