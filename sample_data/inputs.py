"""Inputs: faults of the facts and of what the models read. Outcomes and scores follow from them."""

import numpy as np

from sample_data.fault import Scene, Touch, fault, some
from sample_data.places import DRIFT_WEEK, LATE_PRODUCT_WEEK, during, since
from sample_data.world import LOW_VOLUME, Batch, back, shaped

DRIFT = {"tenure": -0.6, "history": -0.6, "use": 0.6}
MISSING_BAD, MISSING_GOOD = 0.26, 0.04


@fault("world", "low_volume", "A week with few rows")
def low_volume(scene: Scene, batch: Batch) -> Touch:
    week = batch.columns["week"] == scene.places.low_week
    return Touch(
        ("time",),
        week,
        "This week has about a quarter of the rows of any other week.",
        during(scene.schema, scene.places.low_week),
        week,
        {"share_of_normal": LOW_VOLUME, "week": scene.places.low_week},
    )


@fault("world", "drift", "Two features drift")
def drift(scene: Scene, batch: Batch) -> Touch:
    late = batch.columns["week"] >= DRIFT_WEEK
    for slot in scene.places.drifting:
        shape = scene.schema.shapes[slot]
        moved = shaped(shape, back(shape, batch.columns[slot]) + DRIFT[slot])
        batch.columns[slot] = np.where(late, moved, batch.columns[slot])
    return Touch(
        scene.places.drifting,
        late,
        "Both columns' distributions shift from this week on and stay there; the outcome follows them.",
        since(scene.schema, DRIFT_WEEK),
        late,
        {"standard_deviations": {scene.name(slot): DRIFT[slot] for slot in scene.places.drifting}, "week": DRIFT_WEEK},
    )


@fault("world", "new_category", "A category appears late")
def new_category(scene: Scene, batch: Batch) -> Touch:
    late = batch.columns["week"] >= LATE_PRODUCT_WEEK
    chosen = late & (scene.rng("new_category").random(batch.n) < 0.1)
    value = scene.schema.late_product
    batch.columns["product"] = np.where(chosen, scene.code("product", value), batch.columns["product"])
    return Touch(
        ("product",),
        chosen,
        f"The value '{value}' does not occur before this week and holds about 10 % of the rows after.",
        scene.equals("product", value),
        chosen,
        {"share": 0.1, "week": LATE_PRODUCT_WEEK},
    )


@fault("inputs", "missing_not_at_random", "Missing where the outcome is bad")
def missing_not_at_random(scene: Scene, batch: Batch) -> Touch:
    rate = np.where(batch.columns["label"] == 1, MISSING_BAD, MISSING_GOOD)
    blank = scene.rng("missing_not_at_random").random(batch.n) < rate
    batch.columns["savings"] = np.where(blank, np.nan, batch.columns["savings"])
    return Touch(
        ("savings",),
        blank,
        "The column is missing about six times as often where the outcome is bad.",
        f"{scene.name('savings')} is missing",
        blank,
        {"missing": {scene.schema.positive: MISSING_BAD, scene.schema.negative: MISSING_GOOD}},
    )


@fault("inputs", "unit_change", "A week in other units")
def unit_change(scene: Scene, batch: Batch) -> Touch:
    week = batch.columns["week"] == scene.places.unit_week
    batch.columns["money"] = np.where(week, np.round(batch.columns["money"] / 1000, 2), batch.columns["money"])
    return Touch(
        ("money",),
        week,
        "In this week the values are a thousandth of those of any other week; both models read them so.",
        during(scene.schema, scene.places.unit_week),
        week,
        {"factor": 0.001, "week": scene.places.unit_week},
    )


@fault("inputs", "placeholder_number", "A number that stands for missing")
def placeholder_number(scene: Scene, batch: Batch) -> Touch:
    chosen = some(scene.rng("placeholder_number"), np.ones(batch.n, dtype=bool), 0.012)
    batch.columns["address"] = np.where(chosen, 999.0, batch.columns["address"])
    return Touch(
        ("address",),
        chosen,
        "999 occurs far more often than its neighbours and lies beyond every other value.",
        f"{scene.name('address')} = 999",
        chosen,
        {"value": 999},
    )
