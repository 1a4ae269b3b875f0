"""Models in the terminal: kept and checked, or refused in a sentence with nothing stored."""

import pytest

from analysis.store import evaluations, workers
from analysis.store.sample import FOLDER, load
from analysis.store.workspace import Workspace
from tests.questions.twin import ask

AS_MODELLED = "not (decided_at >= '2026-04-27' and decided_at < '2026-05-04')"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A workspace with the sample's main evaluation."""
    root = tmp_path_factory.mktemp("models") / "w"
    opened = Workspace.open(root)
    load(opened, first_only=True)
    opened.close()
    yield root
    workers._end_all()


def test_the_life_of_a_model(place):
    said = ask(place, "models", "add", FOLDER / "loan_v1.onnx", "--name", "v1", "--evaluation", "loans")
    assert said.status == 0, said.err
    assert "Kept v1@1, ONNX (skl2onnx 1.20.0: Imputer, Scaler, LinearClassifier)" in said.out
    assert "reproduces most but not all of the recorded predictions of v1" in said.out
    again = ask(place, "models", "add", FOLDER / "loan_v1.onnx", "--name", "v1", "--evaluation", "loans")
    assert "Byte for byte the same is kept already: v1@1" in again.out
    assert [row["name"] for row in ask(place, "models", "list", "--json").json["frame"]] == ["v1"]

    checked = ask(place, "models", "check", "v1", "--where", AS_MODELLED, "--json").json
    agreed = next(row for row in checked["frame"] if (row["code"], row["model"]) == ("M04", "v1"))
    assert (agreed["outcome"], agreed["value"], agreed["n"]) == ("clear", 1.0, 2000)
    largest = next(row for row in checked["frame"] if (row["code"], row["model"]) == ("M05", "v1"))
    assert largest["value"] < 1e-6
    options = checked["receipt"]["options"]
    assert len(options["model_fingerprint"]) == 64
    assert options["libraries"].keys() == {"onnxruntime"}
    first = next(row for row in checked["frame"] if row["code"] == "M01")
    assert "does not name its features; it is given the first 9 of the 11" in first["sentence"]

    gated = ("models", "check", "v1", "--fail-below", "0.999")
    assert ask(place, *gated).status == 1
    assert ask(place, *gated, "--where", AS_MODELLED).status == 0
    assert "has no version 3" in ask(place, "models", "check", "v1@3").refusal
    assert ask(place, "models", "delete", "v1").out.startswith("Deleted v1@1.")
    assert ask(place, "models", "list", "--json").json["frame"] == []
    assert list((place / "models").iterdir()) == []


def test_a_refused_file_is_a_sentence_and_nothing_is_stored(place, tmp_path):
    file = tmp_path / "model.joblib"
    file.write_bytes(b"\x80\x04K\x01.")
    words = ("models", "add", file, "--name", "m", "--evaluation", "loans")
    assert "is a pickle" in ask(place, *words).refusal
    file = tmp_path / "model.onnx"
    file.write_bytes(b"\x08\x08")
    assert "no ONNX file" in ask(place, "models", "add", file, "--name", "m", "--evaluation", "loans").refusal
    good = FOLDER / "loan_v1.onnx"
    wrong = ask(place, "models", "add", good, "--name", "m", "--evaluation", "loans", "--features", "age,incom")
    assert "no column 'incom'. Did you mean 'income'" in wrong.refusal
    assert "There is no evaluation 'x'" in ask(place, "models", "add", good, "--name", "m", "--evaluation", "x").refusal
    assert "There is no file" in ask(place, "models", "add", "gone", "--name", "m", "--evaluation", "loans").refusal
    assert ask(place, "models", "list", "--json").json["frame"] == []
    assert list((place / "models").iterdir()) == list((place / "staging").iterdir()) == []


def test_a_renamed_evaluation_keeps_its_models(place):
    assert ask(place, "models", "add", FOLDER / "loan_v1.onnx", "--name", "r", "--evaluation", "loans").status == 0
    opened = Workspace.open(place)
    try:
        evaluations.rename(opened, evaluations.find(opened, "loans"), "credit")
        assert ask(place, "models", "check", "r", "--rows", "50").status == 0
        evaluations.rename(opened, evaluations.find(opened, "credit"), "loans")
    finally:
        opened.close()
    assert ask(place, "models", "delete", "r").status == 0


def test_features_in_another_order_are_found_out(place):
    names = "income,age,amount_requested,loan_to_income,employment_years,credit_history_months,prior_defaults"
    words = ("--features", f"{names},credit_utilisation,savings", "--json")
    said = ask(
        place, "models", "add", FOLDER / "loan_v1.onnx", "--name", "turned", "--evaluation", "loans", *words
    ).json
    assert "does not reproduce the recorded predictions of v" in said["sentence"]
    assert ask(place, "models", "delete", "turned").status == 0


def test_one_row_otherwise(place):
    none = ask(place, "flip", "loans", "--row", "A00000001").refusal
    assert "No model is kept for 'loans'" in none
    assert "models surrogate loans" in none
    assert ask(place, "models", "add", FOLDER / "loan_v2.onnx", "--name", "v2", "--evaluation", "loans").status == 0
    words = ("loans", "--row", "A00000001", "--json")
    said = ask(place, "what-if", *words, "--set", "income=90000", "--set", "savings=", "--threshold", "0.5").json
    assert {row["feature"]: (row["to"], row["where"]) for row in said["frame"]} == {
        "income": ("90000", "observed"),
        "savings": ("missing", "missing"),
    }
    before, after = said["frames"]["together"]
    assert before["prediction"] == pytest.approx(0.478524, abs=1e-6)
    assert before["recorded"] == pytest.approx(0.478524)
    assert (before["decision"], before["high"]) == ("no", 0.5)
    assert after["shared"] == pytest.approx(
        after["prediction"] - before["prediction"] - sum(row["change"] for row in said["frame"])
    )
    turned = ask(place, "flip", *words, "--threshold", "0.5").json
    assert turned["receipt"]["options"]["version"] == "v2"
    assert {row["decision"] for row in turned["frame"]} == {"yes"}
    found = ask(place, "opposite", *words, "--limit", "2").json
    assert len({row["row"] for row in found["frame"]}) == 2
    assert {row["prediction"] for row in found["frame"]} == {"no"}
    assert "takes FEATURE=VALUE" in ask(place, "what-if", "loans", "--row", "A00000001", "--set", "income").refusal
    assert "has the id 'x'" in ask(place, "what-if", "loans", "--row", "x").refusal
    assert ask(place, "models", "delete", "v2").status == 0
