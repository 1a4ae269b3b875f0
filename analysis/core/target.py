"""Targets: what a metric of an evaluation ought to reach, and whether the evidence says it does."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from analysis.core.bound import Bound, read_bound

OPS = (">=", "<=")
MET, MISSED, OPEN = "met", "missed", "not decided"


@dataclass(frozen=True)
class Target:
    """model: the version it is for; "" for every one."""

    bound: Bound
    model: str = ""

    @property
    def name(self) -> str:
        """What it is kept under: a metric has one target, and one more for a version of its own."""
        return f"{self.bound.metric} of {self.model}" if self.model else self.bound.metric

    def __str__(self) -> str:
        return f"{self.bound}{' of ' + self.model if self.model else ''}"

    def body(self) -> dict[str, Any]:
        return {"metric": self.bound.metric, "op": self.bound.op, "limit": self.bound.limit, "model": self.model}

    def verdict(self, low: float | None, high: float | None) -> str:
        """Met where the whole interval keeps to the bound, missed where none of it does, else not decided."""
        if low is None or high is None or math.isnan(low) or math.isnan(high):
            return OPEN
        near, far = (low, high) if self.bound.op == ">=" else (high, low)
        if self.bound.holds(near):
            return MET
        return OPEN if self.bound.holds(far) else MISSED


def read_target(text: str, model: str = "") -> Target:
    """A target as typed.

    >>> read_target("recall >= 0.6").verdict(0.61, 0.7), read_target("recall >= 0.6").verdict(0.58, 0.7)
    ('met', 'not decided')
    """
    return Target(read_bound(text, OPS, "a target"), model)


def kept_target(body: dict[str, Any]) -> Target:
    """A target as it was kept."""
    return Target(Bound(body["metric"], body["op"], body["limit"]), body["model"])


def for_row(targets: Sequence[Target], metric: str, model: str) -> Target | None:
    """The target of a metric of a model version; one of the version's own wins."""
    fitting = [each for each in targets if each.bound.metric == metric and each.model in ("", model)]
    return max(fitting, key=lambda each: bool(each.model), default=None)


def aimed(targets: Sequence[Target]) -> list[str]:
    """The metrics that have a target, each once."""
    return list(dict.fromkeys(each.bound.metric for each in targets))


def with_targets(frame: pl.DataFrame, targets: Sequence[Target]) -> pl.DataFrame:
    """The frame of estimates with, by metric and model, target_op, target (the bound) and target_verdict, or nulls."""
    found = [for_row(targets, row["metric"], row["model"]) for row in frame.iter_rows(named=True)]
    ends = zip(found, frame["low"].to_list(), frame["high"].to_list(), strict=True)
    return frame.with_columns(
        pl.Series("target_op", [each and each.bound.op for each in found], dtype=pl.String),
        pl.Series("target", [each and each.bound.limit for each in found], dtype=pl.Float64),
        pl.Series("target_verdict", [each and each.verdict(low, high) for each, low, high in ends], dtype=pl.String),
    )
