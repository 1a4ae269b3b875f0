"""Scorers: two real models of the bad outcome and one of the loss, fitted on rows of their own, and their files."""

import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from sample_data import world
from sample_data.places import Places
from sample_data.schema import Schema

TRAINING_ROWS = 12_000
Z90 = 1.2815515655446004
TRUSTED = ["sklearn.tree._tree.Tree", "numpy.dtype"]
"""What skops.io.load must be told to trust, beyond its own list, to read the two files."""


@dataclass(frozen=True)
class Scorers:
    """models: the straight line and the boosted trees, both from nine features with NaN where missing to the two
    classes. loss: coefficients of the logarithm of the loss; spread: the deviation of its residuals."""

    models: tuple[Pipeline, Pipeline]
    loss: np.ndarray
    spread: float
    positive: str

    def scores(self, which: int, inputs: np.ndarray) -> np.ndarray:
        """(n,) the probability of the positive class by model 0 or 1, to six decimals."""
        model = self.models[which]
        chosen = int(np.flatnonzero(model.classes_ == self.positive)[0])
        with threadpool_limits(1):
            return np.round(model.predict_proba(inputs)[:, chosen], 6)

    def losses(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Three (n,) arrays in whole money: the expected loss and its 10 % and 90 % quantiles."""
        line = design(inputs) @ self.loss
        middle = np.exp(line + self.spread**2 / 2)
        return (
            np.round(middle),
            np.round(np.exp(line - Z90 * self.spread)),
            np.round(np.exp(line + Z90 * self.spread)),
        )


def design(inputs: np.ndarray) -> np.ndarray:
    """(n, 8) an intercept and the logarithms and values the log loss is a straight line of (no age, no savings)."""
    _age, money, size, ratio, tenure, history, prior, use, _ = inputs.T
    logs = [np.log(size), np.log(money), np.log(ratio), np.log1p(tenure), np.log(history)]
    return np.column_stack([np.ones(len(inputs)), *logs, prior, use])


def fit(schema: Schema, places: Places, seed: int) -> Scorers:
    """Fit on 12,000 rows that no file holds; nothing has gone wrong with them but the weeks' volumes."""
    rng = np.random.default_rng([seed, 2])
    share = (np.arange(TRAINING_ROWS) + 0.5) / TRAINING_ROWS
    batch = world.draw(schema, places, rng, share, TRAINING_ROWS)
    world.finish(batch.columns)
    world.outcomes(schema, batch.columns, world.log_odds(schema, batch.columns), rng)
    blank = rng.random(TRAINING_ROWS) < 0.03
    batch.columns["savings"] = np.where(blank, np.nan, batch.columns["savings"])
    inputs = batch.inputs()
    label = np.where(batch.columns["label"] == 1, schema.positive, schema.negative)
    line = Pipeline(
        [
            ("fill", SimpleImputer(strategy="median")),
            ("scale", StandardScaler()),
            ("line", LogisticRegression(max_iter=500)),
        ]
    )
    trees = GradientBoostingClassifier(
        n_estimators=60, max_depth=3, learning_rate=0.15, min_samples_leaf=40, subsample=0.8, random_state=seed
    )
    boosted = Pipeline([("fill", SimpleImputer(strategy="median")), ("trees", trees)])
    with threadpool_limits(1):
        line.fit(inputs, label)
        boosted.fit(inputs, label)
        # eight digits, so that another machine's last bits cannot reach the sixth decimal of a score
        line[-1].coef_ = np.round(line[-1].coef_, 8)
        line[-1].intercept_ = np.round(line[-1].intercept_, 8)
        matrix, target = design(inputs), np.log(batch.columns["loss"])
        loss = np.asarray(np.linalg.lstsq(matrix, target, rcond=None)[0]).round(8)
        spread = round(float(np.std(target - matrix @ loss)), 8)
    return Scorers((line, boosted), loss, spread, schema.positive)


def onnx_bytes(model: Pipeline, features: int, name: str) -> bytes:
    """The model as ONNX: float32 input `X` (n, features), outputs the label and the (n, 2) probabilities."""
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    shape = [("X", FloatTensorType([None, features]))]
    graph = to_onnx(model, initial_types=shape, options={"zipmap": False}, name=name, target_opset=17)
    versions = sorted(graph.opset_import, key=lambda each: each.domain)
    del graph.opset_import[:]
    graph.opset_import.extend(versions)
    return graph.SerializeToString(deterministic=True)


def skops_bytes(model: Pipeline) -> bytes:
    """The model as skops. Its file names members by address in memory and stamps them with the time of day; both are
    replaced by numbers in order of appearance and a fixed day, so that the same model gives the same bytes."""
    import skops.io

    numbers: dict[int, int] = {}

    def renamed(node: Any) -> Any:
        if isinstance(node, list):
            return [renamed(each) for each in node]
        if not isinstance(node, dict):
            return node
        fresh = {}
        for key, value in node.items():
            if key == "__id__":
                value = numbers.setdefault(value, len(numbers))
            elif key == "file":
                stem, _, ending = value.partition(".")
                value = f"{numbers.setdefault(int(stem), len(numbers))}.{ending}"
            fresh[key] = renamed(value)
        return fresh

    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(model))) as source:
        tree = renamed(json.loads(source.read("schema.json")))
        members = {"schema.json": json.dumps(tree, separators=(",", ":")).encode()}
        for old in sorted(
            (each for each in source.namelist() if each != "schema.json"), key=lambda each: numbers[stem(each)]
        ):
            members[f"{numbers[stem(old)]}.{old.partition('.')[2]}"] = source.read(old)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as target:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, date_time=(2026, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content, compresslevel=9)
    return packed.getvalue()


def stem(member: str) -> int:
    """The number before the dot of a member's name."""
    return int(member.partition(".")[0])
