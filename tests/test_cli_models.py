"""Models in the terminal: kept and checked, or refused in a sentence with nothing stored."""

import pytest

from analysis.store import evaluations, workers
from analysis.store.sample import FOLDER, load
from analysis.store.workspace import Workspace
from tests.questions.twin import ask
from tests.store.serving import FEATURES, loans_server, served

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

    explained = ask(place, "explain", "loans", "--row", "A00000049", "--json").json
    assert explained["frame"][0].keys() >= {"feature", "value", "weight", "low", "high", "settled"}
    assert 0.9 < explained["fit"] <= 1
    assert {row["feature"] for row in explained["frame"]} >= {"income", "savings", "savings is missing"}
    assert explained["receipt"]["options"]["libraries"].keys() >= {"onnxruntime", "lime"}
    one = ask(place, "explain", "loans", "--row", "A00000049", "--model", "v1@1", "--class", "no", "--repeats", "1")
    assert "Trust: not checked yet." in one.out
    assert "No row of 'loans' has the id 'A0'" in ask(place, "explain", "loans", "--row", "A0").refusal
    short = ("explain", "loans", "--row", "A00000049", "--samples", "500", "--repeats", "4")
    wide = ask(place, *short, "--kernel-widths", "0.5,1,2", "--json").json
    assert wide["receipt"]["options"]["kernel_widths"] == [0.5, 2.0]
    assert "kernel widths" in [each["check"] for each in wide["frames"]["checks"]]
    assert "give numbers as in 0.5,2" in ask(place, *short, "--kernel-widths", "wide").refusal
    assert "'region' is no text the model reads. Its texts: none." in ask(place, *short, "--text", "region").refusal

    few = ("explain-segment", "loans", "--where", "region = 'West'", "--rows", "12", "--samples", "300")
    wrong = ask(place, *few, "--against", "correct", "--json").json
    assert wrong["frame"][0].keys() >= {
        "feature",
        "here",
        "there",
        "difference",
        "p_adjusted",
        "verdict",
        "n",
        "n_other",
    }
    assert [side["side"] for side in wrong["frames"]["sides"]] == ["wrong", "correct"]
    assert wrong["receipt"]["options"]["libraries"].keys() == {"onnxruntime"}
    assert "lean_here" in ask(place, *few).out
    assert "not 'others'" in ask(place, *few, "--against", "others").refusal
    assert "are the same file" in ask(place, *few, "--versus", "v1").refusal

    few = ("explain-segment", "loans", "--where", "region = 'West'", "--rows", "12", "--samples", "300")
    wrong = ask(place, *few, "--against", "correct", "--json").json
    assert wrong["frame"][0].keys() >= {
        "feature",
        "here",
        "there",
        "difference",
        "p_adjusted",
        "verdict",
        "n",
        "n_other",
    }
    assert [side["side"] for side in wrong["frames"]["sides"]] == ["wrong", "correct"]
    assert wrong["receipt"]["options"]["libraries"].keys() == {"onnxruntime"}
    assert "lean_here" in ask(place, *few).out
    assert "not 'others'" in ask(place, *few, "--against", "others").refusal
    assert "are the same file" in ask(place, *few, "--versus", "v1").refusal

    gated = ("models", "check", "v1", "--fail-below", "0.999")
    assert ask(place, *gated).status == 1
    assert ask(place, *gated, "--where", AS_MODELLED).status == 0
    assert "has no version 3" in ask(place, "models", "check", "v1@3").refusal
    assert ask(place, "models", "delete", "v1").out.startswith("Deleted v1@1.")
    assert ask(place, "models", "list", "--json").json["frame"] == []
    assert list((place / "models").iterdir()) == []
    assert "Add the one that made its scores: python -m analysis models add" in (
        ask(place, "explain", "loans", "--row", "A00000049").refusal
    )


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


BY_V2 = "region != 'North' and not (channel = 'broker' and product = 'car')"


def test_the_life_of_a_model_behind_an_endpoint(place, monkeypatch):
    with served(loans_server(), version="2.17.0") as serving:
        adding = ("models", "add", "--endpoint", serving.url, "--name", "far", "--evaluation", "loans")
        adding += ("--features", ",".join(FEATURES), "--classes", "no,yes")
        assert "setting model_hosts" in ask(place, *adding, "--protocol", "mlflow").refusal
        monkeypatch.setenv("ASSAY_MODEL_HOSTS", serving.host)
        assert "There is no protocol ''; there are mlflow and json." in ask(place, *adding).refusal
        adding += ("--protocol", "mlflow")
        assert "Give a file, or --endpoint URL." in ask(place, *adding, FOLDER / "loan_v1.onnx").refusal
        assert "takes NAME=VARIABLE" in ask(place, *adding, "--header-env", "Authorization").refusal
        assert (
            "UNSET_TOKEN, for the endpoint's header X, is not set"
            in ask(place, *adding, "--header-env", "X=UNSET_TOKEN").refusal
        )
        assert not serving.seen
        said = ask(place, *adding)
        assert f"Kept far@1, endpoint (MLflow scoring at {serving.url}/invocations), 9 named features." in said.out
        assert "It answers as what is kept already: far@1" in ask(place, *adding).out
        checked = ask(place, "models", "check", "far", "--where", BY_V2, "--json").json
        rows = {(row["code"], row["model"]): row for row in checked["frame"]}
        assert (rows["M04", "v2"]["value"], rows["M07", ""]["outcome"]) == (1.0, "clear")
        assert "another model may stand there tomorrow" in checked["receipt"]["notes"][0]

        serving.does = loans_server("v1")
        changed = ask(place, "models", "check", "far", "--where", BY_V2, "--json").json
        assert changed["sentence"].startswith("The endpoint answers 20 of the 20 rows kept when it was added otherwise")
        assert next(row for row in changed["frame"] if row["code"] == "M07")["outcome"] == "found"
    gone = ask(place, "models", "check", "far", "--json").json
    assert "could not be compared with what is recorded. The endpoint cannot be reached" in gone["sentence"]
    assert ask(place, "models", "delete", "far").status == 0


def test_a_redirect_is_refused_and_nothing_is_stored(place, monkeypatch):
    def does(handler, asked):
        handler.say(b"", status=307, Location="http://10.0.0.1/invocations")

    with served(does) as serving:
        monkeypatch.setenv("ASSAY_MODEL_HOSTS", serving.host)
        adding = ("models", "add", "--endpoint", serving.url, "--protocol", "json", "--name", "far")
        assert "redirect (307), which is never followed" in ask(place, *adding, "--evaluation", "loans").refusal
    assert list((place / "models").iterdir()) == list((place / "staging").iterdir()) == []


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
    assert "is a number, not nan" in ask(place, "flip", *words, "--threshold", "nan").refusal
    many = ("--samples", "1000000", "--repeats", "200")
    assert "200,000,000 neighbours are too many" in ask(place, "explain", *words, *many).refusal
    assert "A seed is a whole number" in ask(place, "importance", "loans", "--seed", "-5").refusal
    assert "A seed is a whole number" in ask(place, "explain-segment", "loans", "--seed", "-5").refusal
    assert "0.5 to 0.999999" in ask(place, "importance", "loans", "--level", "0.9999999999999999").refusal
    turned = ask(place, "flip", *words, "--threshold", "0.5").json
    assert turned["receipt"]["options"]["version"] == "v2"
    assert {row["decision"] for row in turned["frame"]} == {"yes"}
    found = ask(place, "opposite", *words, "--limit", "2").json
    assert len({row["row"] for row in found["frame"]}) == 2
    assert {row["prediction"] for row in found["frame"]} == {"no"}
    assert "takes FEATURE=VALUE" in ask(place, "what-if", "loans", "--row", "A00000001", "--set", "income").refusal
    assert "has the id 'x'" in ask(place, "what-if", "loans", "--row", "x").refusal
    assert ask(place, "models", "delete", "v2").status == 0
