"""Models in the workspace: what is kept, what is refused and leaves nothing, and that they answer as recorded."""

import gzip
import io
import json
import os
import pickle
import subprocess
import sys
import threading
import zipfile
import zlib
from functools import partial

import joblib
import numpy as np
import onnx
import pandas as pd
import polars as pl
import pytest
import skops.io
from onnx import TensorProto, helper
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from analysis.core.errors import AssayError, BadFile, BadRequest, LimitReached, NotFound, StorageError
from analysis.store import modelfile, models, workers
from analysis.store.sample import FOLDER
from analysis.store.workspace import Workspace
from tests.store import modelfaults, processes
from tests.store.onnxmaking import external, pipeline_onnx
from tests.store.serving import FEATURES


@pytest.fixture(autouse=True)
def no_worker_left():
    yield
    workers._end_all()


@pytest.fixture(scope="module")
def loans():
    """The rows of the sample in which a model's score is as it gave it, by version."""
    frame = pl.read_csv(FOLDER / "loans.csv", null_values=["n/a"], infer_schema_length=None)
    return {
        "v1": frame.filter(
            (pl.col("decided_at") < pl.lit("2026-04-27")) | (pl.col("decided_at") >= pl.lit("2026-05-04"))
        ),
        "v2": frame.filter(
            ~((pl.col("channel") == "broker") & (pl.col("product") == "car")).fill_null(False)
            & (pl.col("region") != "North").fill_null(True)
            & pl.col("score_v2").is_not_null()
        ),
    }


# What is kept ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["onnx", "skops"])
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_samples_models_give_the_recorded_scores(workspace, loans, version, ending):
    model, new = models.add(workspace, FOLDER / f"loan_{version}.{ending}", name=version, evaluation="loans")
    assert new
    assert (model.kind, model.classes, model.inputs, model.width) == (ending, ("no", "yes"), (), 9)
    rows = loans[version]
    assert len(rows) > 12_000
    answers = models.scorer(workspace, model).predict(rows.select(FEATURES))
    assert answers.classes == ("no", "yes")
    np.testing.assert_allclose(answers.scores[:, 1], rows[f"score_{version}"].to_numpy(), rtol=0, atol=1e-6)
    np.testing.assert_allclose(answers.scores.sum(axis=1), 1, atol=1e-6)
    assert answers.labels.to_list() == np.where(answers.scores[:, 1] > answers.scores[:, 0], "yes", "no").tolist()


def test_a_model_is_an_immutable_file_and_a_record(workspace):
    source = FOLDER / "loan_v1.onnx"
    model, _ = models.add(workspace, source, name="first", evaluation="loans", label="../../x.onnx")
    file = workspace.file("model", model.id)
    assert file.read_bytes() == source.read_bytes()
    assert oct(file.stat().st_mode & 0o777) == "0o444"
    assert (model.actor, model.source, model.bytes, model.label) == ("tester", "../../x.onnx", 765, "first@1")
    assert set(model.libraries) == {"onnxruntime"}
    assert models.add(workspace, source, name="first", evaluation="loans") == (model, False)
    other, new = models.add(workspace, FOLDER / "loan_v2.onnx", name="first", evaluation="loans")
    assert (new, other.version) == (True, 2)
    assert [each.label for each in models.listed(workspace)] == ["first@2", "first@1"]
    assert models.find(workspace, "first") == other
    assert models.find(workspace, "first@1") == models.find(workspace, model.id) == model
    with pytest.raises(NotFound, match=r"has no version 7; it has 2, 1\."):
        models.find(workspace, "first@7")
    with pytest.raises(NotFound, match="Did you mean 'first'"):
        models.find(workspace, "frist")
    models.delete(workspace, model)
    assert not file.exists()
    assert models.listed(workspace) == [other]
    assert not list((workspace.root / "staging").iterdir())


def test_features_may_be_named_for_a_model_that_does_not(workspace):
    source = FOLDER / "loan_v1.onnx"
    model, _ = models.add(workspace, source, name="m", features=FEATURES)
    assert [each.name for each in model.inputs] == FEATURES
    with pytest.raises(BadRequest, match="The model takes 9 features, and 8 are named"):
        models.add(workspace, source, name="n", features=FEATURES[:8])
    assert [each.name for each in models.listed(workspace)] == ["m"]


def test_a_damaged_file_is_told(workspace):
    model, _ = models.add(workspace, FOLDER / "loan_v1.onnx", name="m")
    workers._end_all()
    file = workspace.file("model", model.id)
    file.chmod(0o644)
    file.write_bytes((FOLDER / "loan_v2.onnx").read_bytes())
    with pytest.raises(StorageError, match="The file of the model 'm@1' is damaged"):
        models.scorer(workspace, model).predict(pl.DataFrame({str(at): [1.0] for at in range(9)}))


# Raw columns ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pipeline():
    """(a fitted pipeline on named columns, some of them text, its rows as polars, and as pandas)."""
    rng = np.random.default_rng(3)
    rows = pd.DataFrame(
        {
            "region": rng.choice(["West", "East", "North"], 400),
            "pay": rng.normal(40, 9, 400),
            "years": rng.integers(0, 30, 400),
            "product": rng.choice(["car", "home"], 400),
        }
    )
    label = np.where(rows.pay + 8 * (rows.region == "West") + rng.normal(0, 4, 400) > 42, "paid", "lost")
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["product", "region"]),
        (make_pipeline(SimpleImputer(), StandardScaler()), ["years", "pay"]),
    )
    model = make_pipeline(columns, LogisticRegression()).fit(rows, label)
    return model, pl.DataFrame({name: rows[name].to_list() for name in rows}), rows


@pytest.mark.parametrize("ending", ["onnx", "skops"])
def test_a_pipeline_takes_raw_columns_by_name(workspace, tmp_path, pipeline, ending):
    fitted, frame, rows = pipeline
    file = tmp_path / f"pipe.{ending}"
    file.write_bytes(pipeline_onnx(fitted, rows) if ending == "onnx" else skops.io.dumps(fitted))
    model, _ = models.add(workspace, file, name="pipe")
    assert [each.name for each in model.inputs] == ["region", "pay", "years", "product"]
    assert model.classes == ("lost", "paid")
    answers = models.scorer(workspace, model).predict(frame)
    np.testing.assert_allclose(answers.scores, fitted.predict_proba(rows), atol=1e-6)
    with_gaps = frame.with_columns(pl.when(pl.col("years") > 20).then(None).otherwise(pl.col("years")).alias("years"))
    gaps = rows.assign(years=rows.years.where(rows.years <= 20))
    if ending == "skops":
        answers = models.scorer(workspace, model).predict(with_gaps)
        np.testing.assert_allclose(answers.scores, fitted.predict_proba(gaps), atol=1e-12)
    with pytest.raises(AssayError, match=r"(could not convert|takes numbers, and|Cannot use|non-numeric)"):
        models.scorer(workspace, model).predict(frame.with_columns(pl.lit("much").alias("pay")))


# What is refused ------------------------------------------------------------------------------------------------


class Canary:
    """What runs when a pickle is opened."""

    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


def archive(**entries):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in entries.items():
            opened.writestr(name, content)
    return made.getvalue()


def hostile_schema(mark):
    """A skops file that names a function of the system."""
    schema = {
        "__class__": "system",
        "__module__": "posix",
        "__loader__": "FunctionNode",
        "content": "",
        "protocol": 2,
        "_skops_version": "0.16.0",
    }
    return archive(**{"schema.json": json.dumps(schema)})


def canary(mark, **how):
    return pickle.dumps(Canary(mark), **how)


WHOLE = FOLDER / "loan_v2.onnx"
HOSTILE = {
    "pickle": (
        "m.pkl",
        canary,
        BadFile,
        "is a pickle .* runs whatever code .* so Assay does not; save the model as ONNX",
    ),
    "pickle called onnx": ("m.onnx", canary, BadFile, "is a pickle"),
    "pickle called skops": ("m.skops", canary, BadFile, "is a pickle"),
    "old pickle": ("m.pickle", partial(canary, protocol=0), BadFile, "is a pickle"),
    "old pickle, other name": ("m.bin", partial(canary, protocol=0), BadFile, "is neither"),
    "joblib, packed": ("m.model", lambda mark: zlib.compress(canary(mark)), BadFile, "is a pickle"),
    "gzip": ("m.gz", lambda mark: gzip.compress(canary(mark)), BadFile, "is packed with gzip"),
    "pickle in a zip": ("m.skops", lambda mark: archive(**{"data.pkl": canary(mark)}), BadFile, "has no schema.json"),
    "function of the system": ("m.skops", hostile_schema, BadFile, "run code of their own: posix.system"),
    "no schema": (
        "m.skops",
        lambda mark: archive(**{"schema.json": "[]"}),
        BadFile,
        "no skops file, or it is damaged",
    ),
    "cut zip": (
        "m.skops",
        lambda mark: (FOLDER / "loan_v1.skops").read_bytes()[:2000],
        BadFile,
        "no skops file, or it is",
    ),
    "zip bomb": (
        "m.skops",
        lambda mark: archive(**{"schema.json": "{}", "1.npy": bytes(300 << 20)}),
        LimitReached,
        "inflate to 300 MB",
    ),
    "schema bomb": (
        "m.skops",
        lambda mark: archive(**{"schema.json": " " * (257 << 20)}),
        LimitReached,
        "inflate to 257 MB",
    ),
    "external data": ("m.onnx", lambda mark: external("../../../etc/passwd"), BadFile, "values in other files"),
    "external data, absolute": ("m.onnx", lambda mark: external("/etc/passwd"), BadFile, "values in other files"),
    "external data, in a branch": (
        "m.onnx",
        lambda mark: external("x", nested=True),
        BadFile,
        "values in other files",
    ),
    "cut onnx": ("m.onnx", lambda mark: WHOLE.read_bytes()[:20_000], BadFile, "no ONNX file, or it is damaged"),
    "noise": ("m.onnx", lambda mark: np.random.default_rng(1).bytes(5000), BadFile, "no ONNX file, or it is damaged"),
    "empty": ("m.onnx", lambda mark: b"", BadFile, "no ONNX file, or it is damaged"),
    "picture": (
        "m.png",
        lambda mark: b"\x89PNG\r\n\x1a\n" + bytes(100),
        BadFile,
        "is neither an ONNX model nor",
    ),
}
"""{what: (file name, its bytes made of the path of the canary's mark, kind of error, what is said)}."""


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_is_refused_and_leaves_nothing(workspace, tmp_path, monkeypatch, what):
    monkeypatch.setenv("ASSAY_MODEL_INFLATED_MB", "256")
    name, made, kind, said = HOSTILE[what]
    file = tmp_path / name
    file.write_bytes(made(tmp_path / "canary"))
    with pytest.raises(kind, match=said) as refused:
        models.add(workspace, file, name="m")
    assert "\n" not in str(refused.value)
    assert str(refused.value).endswith(".")
    assert models.listed(workspace) == []
    assert not (tmp_path / "canary").exists()
    for folder in ("models", "staging"):
        assert not list((workspace.root / folder).iterdir())
    assert not workers._workers


def test_the_canary_would_sing(tmp_path):
    pickle.loads(pickle.dumps(Canary(tmp_path / "canary")))  # noqa: S301 - it is our own
    assert (tmp_path / "canary").exists()


@pytest.fixture(scope="module")
def pickled():
    """(an estimator, its pickle as joblib writes it, packed)."""
    rng = np.random.default_rng(2)
    fitted = LogisticRegression().fit(rng.normal(size=(50, 3)), rng.integers(0, 2, 50))
    whole = io.BytesIO()
    joblib.dump(fitted, whole, compress=3)
    return fitted, whole.getvalue()


@pytest.mark.slow  # scikit-learn is imported anew
def test_an_operator_may_allow_pickles(workspace, tmp_path, monkeypatch, pickled):
    fitted, packed = pickled
    monkeypatch.setenv("ASSAY_MODEL_PICKLES", "1")
    rows = np.random.default_rng(4).normal(size=(40, 3))
    (tmp_path / "m.joblib").write_bytes(packed)
    model, _ = models.add(workspace, tmp_path / "m.joblib", name="m")
    assert (model.kind, model.classes, set(model.libraries)) == ("pickle", ("0", "1"), {"scikit-learn", "joblib"})
    assert "ran the code in it: an operator allowed that" in model.notes[0]
    answers = models.scorer(workspace, model).predict(pl.DataFrame(rows, schema=["a", "b", "c"]))
    np.testing.assert_array_equal(answers.scores, fitted.predict_proba(rows))
    monkeypatch.delenv("ASSAY_MODEL_PICKLES")
    workers._end_all()
    with pytest.raises(BadFile, match="The model is a pickle"):
        models.scorer(workspace, model).predict(pl.DataFrame(rows, schema=["a", "b", "c"]))


@pytest.mark.parametrize("settings", [{"MODEL_PICKLES": "1", "ACCESS": "shared"}, {"MODEL_PICKLES": "0"}, {}])
def test_a_pickle_is_refused_where_others_could_bring_one(workspace, tmp_path, monkeypatch, settings):
    for name, value in settings.items():
        monkeypatch.setenv(f"ASSAY_{name}", value)
    file = tmp_path / "m.pkl"
    file.write_bytes(pickle.dumps(Canary(tmp_path / "canary")))
    with pytest.raises(BadFile, match="Opening a pickle runs whatever code its author put in"):
        models.add(workspace, file, name="m")
    monkeypatch.setattr(modelfile, "kind", lambda file, label: "pickle")  # the worker asks for itself
    with pytest.raises(BadFile, match="The model is a pickle"):
        models.add(workspace, file, name="m")
    assert not (tmp_path / "canary").exists()
    assert models.listed(workspace) == []


def test_a_damaged_pickle_is_told(workspace, tmp_path, monkeypatch):
    monkeypatch.setenv("ASSAY_MODEL_PICKLES", "1")
    file = tmp_path / "m.pkl"
    for content, said in (
        (pickle.dumps([1, 2, 3])[:9], "cannot be opened"),
        (pickle.dumps([1]), "holds list, which cannot predict"),
    ):
        file.write_bytes(content)
        with pytest.raises(BadFile, match=said):
            models.add(workspace, file, name="m")
    assert models.listed(workspace) == []


def test_a_model_that_asks_for_more_memory_than_there_is(workspace, tmp_path):
    shape = helper.make_tensor("shape", TensorProto.INT64, [1], [3_000_000_000])
    one = helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0])
    nodes = [
        helper.make_node("Constant", [], ["size"], value=shape),
        helper.make_node("ConstantOfShape", ["size"], ["big"], value=one),
        helper.make_node("ReduceSum", ["big"], ["sum"], keepdims=1),
        helper.make_node("Add", ["X", "sum"], ["y"]),
    ]
    x = helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, 1])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])
    made = helper.make_model(helper.make_graph(nodes, "g", [x], [y]), opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 9
    file = tmp_path / "large.onnx"
    file.write_bytes(made.SerializeToString())

    def added_and_asked():
        model, _ = models.add(workspace, file, name="large")
        models.scorer(workspace, model).predict(pl.DataFrame({"X": [1.0, 2.0]}))

    with pytest.raises(AssayError, match=r"(memory|alloc)"):
        added_and_asked()


def test_types_beyond_the_list_are_the_operators_to_allow(workspace, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    fitted = KNeighborsClassifier().fit(rng.normal(size=(60, 2)), rng.integers(0, 2, 60))
    file = tmp_path / "near.skops"
    file.write_bytes(skops.io.dumps(fitted))
    types = "sklearn.metrics._dist_metrics.EuclideanDistance64, sklearn.neighbors._kd_tree.KDTree"
    with pytest.raises(BadFile, match=f"2 types that could run code of their own: {types}"):
        models.add(workspace, file, name="near")
    monkeypatch.setenv("ASSAY_MODEL_TRUSTED", types)
    model, _ = models.add(workspace, file, name="near")
    rows = rng.normal(size=(50, 2))
    answers = models.scorer(workspace, model).predict(pl.DataFrame(rows, schema=["a", "b"]))
    assert answers.classes == ("0", "1")
    np.testing.assert_array_equal(answers.scores, fitted.predict_proba(rows))


def test_what_is_no_estimator_is_refused(workspace, tmp_path):
    file = tmp_path / "list.skops"
    file.write_bytes(skops.io.dumps([1, 2, 3]))
    with pytest.raises(BadFile, match="holds list, which cannot predict"):
        models.add(workspace, file, name="m")


def test_a_file_beyond_the_limit(workspace, monkeypatch, tmp_path):
    file = tmp_path / "m.onnx"
    file.write_bytes(b"\x08" + bytes(2 << 20))
    monkeypatch.setenv("ASSAY_MODEL_MB", "1")
    with pytest.raises(LimitReached, match=r"m\.onnx has 2 MB; 1 MB is the limit \(setting model_mb\)"):
        models.add(workspace, file, name="m")


# Crashes and company --------------------------------------------------------------------------------------------

ADDING = """
import os, sys
from pathlib import Path
from analysis.store import modelfile, models, workers
from analysis.store.workspace import Workspace
from tests.store import modelfaults
workers.COMMAND = modelfaults.COMMAND
space, file, last = Workspace.open(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
models.add(space, file, name="m", step=lambda name: name == last and os._exit(9))
"""


@pytest.mark.parametrize("step", ["staged", "built", "verified", "sealed", "renamed", "recorded"])
def test_after_a_crash_a_model_is_wholly_there_or_not_at_all(workspace, tmp_path, monkeypatch, step):
    file = tmp_path / "m.onnx"
    file.write_bytes(b"\x08faulty")
    ran = subprocess.run([sys.executable, "-c", ADDING, str(workspace.root), str(file), step], cwd=processes.ROOT)
    assert ran.returncode == 9
    again = Workspace.open(workspace.root)
    try:
        known = models.listed(again)
        assert [each.name for each in known] == (["m"] if step == "recorded" else [])
        assert sorted((again.root / "models").iterdir()) == [again.file("model", each.id) for each in known]
        assert not list((again.root / "staging").iterdir())
    finally:
        again.close()


def test_two_that_add_at_once_get_two_versions(workspace, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "COMMAND", modelfaults.COMMAND)
    other = Workspace.open(workspace.root)
    files = [tmp_path / "a.onnx", tmp_path / "b.onnx"]
    for file in files:
        file.write_bytes(b"\x08" + file.name.encode())
    threads = [
        threading.Thread(target=models.add, args=(space, file), kwargs={"name": "m"})
        for space, file in zip((workspace, other), files, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        assert sorted(each.label for each in models.listed(other)) == ["m@1", "m@2"]
        assert models.listed(other) == models.listed(workspace)
    finally:
        other.close()


def test_the_reader_of_onnx_agrees_with_the_onnx_package():
    from analysis.store.onnxfile import held

    for name in ("loan_v1", "loan_v2"):
        content = (FOLDER / f"{name}.onnx").read_bytes()
        graph = onnx.load_from_string(content).graph
        found = held(content)
        assert found.operators == [node.op_type for node in graph.node]
        assert found.classes == ("no", "yes")
        assert not found.external
