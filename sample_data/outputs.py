"""Outputs: faults of scores, decisions, outcomes and forecasts."""

import numpy as np

from sample_data.fault import Scene, Touch, fault, some
from sample_data.places import LATE_LABEL_SHARES, during, since
from sample_data.world import Batch

CALIBRATION_SHIFT = 0.8
UNFAIR_FACTOR = 0.6
GAP_SHARE = 0.4
NOISE_SHARE = 0.25
LATENCY_FACTOR = 2.6
FORECAST_FACTOR = 0.6


def decide(scene: Scene, batch: Batch, which: int) -> None:
    """Flag where the recorded score reaches the threshold; -1 where there is no score."""
    score = batch.columns[f"score_{which}"]
    flagged = np.where(np.isnan(score), -1, score >= scene.schema.threshold)
    batch.columns[f"decision_{which}"] = flagged.astype(np.int64)


@fault("outputs", "pair_failure", "The new model fails where two segments meet")
def pair_failure(scene: Scene, batch: Batch) -> Touch:
    places = scene.places
    pair = (batch.columns["channel"] == scene.code("channel", places.channel)) & (
        batch.columns["product"] == scene.code("product", places.product)
    )
    score = batch.columns["score_2"].copy()
    score[pair] = np.roll(score[pair], 1)
    batch.columns["score_2"] = score
    return Touch(
        ("channel", "product", "score_2"),
        pair,
        "Here each row carries the newer model's score of the row before, so that its AUC is near 0.5, while the "
        "older model is as good as elsewhere; either segment alone shows only part of it.",
        f"{scene.equals('channel', places.channel)} and {scene.equals('product', places.product)}",
        pair,
        {"model": scene.schema.models[1]},
    )


@fault("outputs", "miscalibrated_group", "Scores too high in one group")
def miscalibrated_group(scene: Scene, batch: Batch) -> Touch:
    group = batch.columns["area"] == scene.code("area", scene.places.area)
    score = np.clip(batch.columns["score_2"], 1e-6, 1 - 1e-6)
    odds = np.log(score / (1 - score)) + CALIBRATION_SHIFT
    batch.columns["score_2"] = np.where(group, np.round(1 / (1 + np.exp(-odds)), 6), batch.columns["score_2"])
    return Touch(
        ("area", "score_2"),
        group,
        "The newer model's mean score is well above the observed rate here; the ranking inside the group is unharmed.",
        scene.equals("area", scene.places.area),
        group,
        {"model": scene.schema.models[1], "log_odds_added": CALIBRATION_SHIFT},
    )


@fault("outputs", "inverted_scores", "A batch scored upside down")
def inverted_scores(scene: Scene, batch: Batch) -> Touch:
    week = batch.columns["week"] == scene.places.inverted_week
    score = batch.columns["score_1"]
    batch.columns["score_1"] = np.where(week, np.round(1 - score, 6), score)
    return Touch(
        ("score_1",),
        week,
        "In this week the older model's scores are one minus the score: AUC far below 0.5, most rows flagged.",
        during(scene.schema, scene.places.inverted_week),
        week,
        {"model": scene.schema.models[0], "week": scene.places.inverted_week},
    )


@fault("outputs", "missing_predictions", "One channel often lacks the new model's prediction")
def missing_predictions(scene: Scene, batch: Batch) -> Touch:
    channel = batch.columns["channel"] == scene.code("channel", scene.places.gap_channel)
    blank = channel & (scene.rng("missing_predictions").random(batch.n) < GAP_SHARE)
    for slot in ("score_2", "latency_2"):
        batch.columns[slot] = np.where(blank, np.nan, batch.columns[slot])
    decide(scene, batch, 1)
    decide(scene, batch, 2)
    return Touch(
        ("score_2", "decision_2", "latency_2"),
        blank,
        "About 40 % of this channel's rows lack the newer model's score, decision and latency; no other row does.",
        scene.equals("channel", scene.places.gap_channel),
        channel,
        {"model": scene.schema.models[1], "share": GAP_SHARE},
    )


@fault("outputs", "unfair_decisions", "A lower threshold for one protected group")
def unfair_decisions(scene: Scene, batch: Batch) -> Touch:
    group = batch.columns["gender"] == scene.code("gender", scene.places.gender)
    threshold = round(scene.schema.threshold * UNFAIR_FACTOR, 6)
    score = np.nan_to_num(batch.columns["score_2"], nan=-1.0)
    chosen = group & (score >= threshold) & (score < scene.schema.threshold)
    batch.columns["decision_2"] = np.where(chosen, 1, batch.columns["decision_2"])
    return Touch(
        ("gender", "decision_2"),
        chosen,
        "The newer model's decisions flag this group at 0.6 of the threshold: its selection rate is far higher "
        "although neither the outcome nor the scores differ.",
        scene.equals("gender", scene.places.gender),
        group,
        {"model": scene.schema.models[1], "threshold": threshold, "threshold_elsewhere": scene.schema.threshold},
    )


@fault("outputs", "overridden_decisions", "Decisions that contradict the score")
def overridden_decisions(scene: Scene, batch: Batch) -> Touch:
    chosen = some(scene.rng("overridden_decisions"), batch.columns["decision_1"] >= 0, 0.004)
    batch.columns["decision_1"] = np.where(chosen, 1 - batch.columns["decision_1"], batch.columns["decision_1"])
    return Touch(
        ("score_1", "decision_1"),
        chosen,
        "The older model's decision is not what its score and the threshold say.",
        size={"model": scene.schema.models[0], "threshold": scene.schema.threshold},
    )


@fault("outputs", "latency_jump", "The new model becomes slow")
def latency_jump(scene: Scene, batch: Batch) -> Touch:
    late = batch.columns["week"] >= scene.places.latency_week
    slower = np.round(batch.columns["latency_2"] * LATENCY_FACTOR)
    batch.columns["latency_2"] = np.where(late, slower, batch.columns["latency_2"])
    return Touch(
        ("latency_2",),
        late & ~np.isnan(batch.columns["latency_2"]),
        "The newer model's response times multiply by about 2.6 from this week on.",
        since(scene.schema, scene.places.latency_week),
        late,
        {"model": scene.schema.models[1], "factor": LATENCY_FACTOR, "week": scene.places.latency_week},
    )


@fault("outputs", "biased_forecast", "Forecasts too low for one product")
def biased_forecast(scene: Scene, batch: Batch) -> Touch:
    product = batch.columns["product"] == scene.code("product", scene.places.biased_product)
    for slot in ("forecast", "low", "high"):
        lower = np.round(batch.columns[slot] * FORECAST_FACTOR)
        batch.columns[slot] = np.where(product, lower, batch.columns[slot])
    return Touch(
        ("forecast", "low", "high"),
        product,
        "Forecast and quantiles are 40 % too low here, so the bias is negative and the interval covers too little.",
        scene.equals("product", scene.places.biased_product),
        product,
        {"factor": FORECAST_FACTOR},
    )


@fault("outputs", "crossed_quantiles", "The lower quantile above the upper one")
def crossed_quantiles(scene: Scene, batch: Batch) -> Touch:
    low, high = batch.columns["low"], batch.columns["high"]
    chosen = some(scene.rng("crossed_quantiles"), low < high, 0.002)
    batch.columns["low"], batch.columns["high"] = np.where(chosen, high, low), np.where(chosen, low, high)
    return Touch(
        ("low", "high"),
        chosen,
        "The 10 % quantile is above the 90 % quantile.",
    )


@fault("outputs", "late_labels", "Outcomes not yet known")
def late_labels(scene: Scene, batch: Batch) -> Touch:
    first = min(LATE_LABEL_SHARES)
    late = batch.columns["week"] >= first
    shares = np.array([1.0] * first + [LATE_LABEL_SHARES[week] for week in sorted(LATE_LABEL_SHARES)])
    known = scene.rng("late_labels").random(batch.n) < shares[batch.columns["week"]]
    batch.columns["label"] = np.where(known, batch.columns["label"], -1)
    batch.columns["loss"] = np.where(known, batch.columns["loss"], np.nan)
    return Touch(
        ("label", "loss"),
        ~known,
        "The last four weeks are labelled only in part, less each week; metrics there rest on few and early rows.",
        since(scene.schema, first),
        late,
        {"labelled": {str(week): share for week, share in LATE_LABEL_SHARES.items()}},
    )


@fault("outputs", "label_noise", "Wrong labels in one branch")
def label_noise(scene: Scene, batch: Batch) -> Touch:
    branch = batch.columns["branch"] == scene.code("branch", scene.places.branch)
    label = batch.columns["label"]
    wrong = branch & (label >= 0) & (scene.rng("label_noise").random(batch.n) < NOISE_SHARE)
    batch.columns["label"] = np.where(wrong, 1 - label, label)
    return Touch(
        ("branch", "label"),
        wrong,
        "About a quarter of the known labels are the wrong way round: both models look poor in this branch alone, "
        "and many confident predictions are contradicted.",
        scene.equals("branch", scene.places.branch),
        branch,
        {"share": NOISE_SHARE},
    )


@fault("outputs", "leaking_feature", "A column known only after the outcome")
def leaking_feature(scene: Scene, batch: Batch) -> Touch:
    rng, label = scene.rng("leaking_feature"), batch.columns["label"]
    after = np.where(label == 1, 1 + rng.poisson(3.0, batch.n), rng.random(batch.n) < 0.02)
    batch.columns["leak"] = np.where(label >= 0, after, np.nan)
    return Touch(
        ("leak", "label"),
        label >= 0,
        "Alone it predicts the outcome almost perfectly, and it is missing exactly where the outcome is.",
        size={"above_zero": {scene.schema.positive: 1.0, scene.schema.negative: 0.02}},
    )
