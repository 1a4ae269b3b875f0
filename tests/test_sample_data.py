"""The sample data: the files are what the generator makes, and each planted fault is in them as the key says."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import polars as pl
import pytest
import skops.io
from sklearn.datasets import load_diabetes, load_digits
from sklearn.metrics import accuracy_score, r2_score, roc_auc_score
from sklearn.model_selection import PredefinedSplit, cross_val_predict

from analysis.core.roles import TASKS, Roles
from sample_data import generate, places, recipes, scorers, shipped
from sample_data.schema import CLAIMS, LOANS, SCHEMAS, Schema

HERE = Path(generate.__file__).parent
TEXTS = (".csv", ".json")


@dataclass(frozen=True)
class Sample:
    """One generated table, read back. file: as it is. table: by slot, with `y` (1, 0, null), `at` and `week`."""

    folder: Path
    schema: Schema
    key: dict[str, Any]
    file: pl.DataFrame
    table: pl.DataFrame

    @property
    def faults(self) -> dict[str, dict[str, Any]]:
        return {each["code"]: each for each in self.key["faults"]}

    @property
    def place(self) -> dict[str, Any]:
        return self.key["places"]


def read(folder: Path, schema: Schema) -> Sample:
    key = json.loads((folder / "answer_key.json").read_text(encoding="utf-8"))[f"{schema.name}.csv"]
    file = pl.read_csv(folder / f"{schema.name}.csv", infer_schema_length=None)
    table = file.rename({name: slot for slot, name in schema.columns.items()}).with_columns(
        y=(pl.col("label") == schema.positive).cast(pl.Int8), at=pl.col("time").str.to_datetime(schema.stamp)
    )
    days = (pl.col("at") - pl.lit(schema.start).cast(pl.Datetime)).dt.total_days()
    return Sample(folder, schema, key, file, table.with_columns(week=days // 7 + 1))


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("again")
    generate.write(out=folder)
    return folder


@pytest.fixture(scope="module", params=["committed", "claims in chunks", "another seed"])
def sample(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Sample:
    if request.param == "committed":
        return read(HERE, LOANS)
    folder = tmp_path_factory.mktemp("sample")
    if request.param == "claims in chunks":
        generate.write(schema="claims", seed=3, rows=16_000, out=folder, chunk=4_000)
        return read(folder, CLAIMS)
    fitted = scorers.fit(LOANS, places.draw(LOANS, 11), 11)
    generate.write_table(LOANS, seed=11, rows=20_000, out=folder, fitted=fitted)
    return read(folder, LOANS)


def mean(values: pl.Series) -> float:
    """The mean of the values there are; also of booleans."""
    return float(values.drop_nulls().cast(pl.Float64).to_numpy().mean())


def auc(table: pl.DataFrame, score: str) -> float:
    known = table.drop_nulls(["y", score])
    return float(roc_auc_score(known["y"], known[score]))


def matching(file: pl.DataFrame, expression: str) -> pl.DataFrame:
    """The rows of a key's expression, read as SQL."""
    condition = expression.replace("is missing", "IS NULL")
    condition = re.sub(r"(\w+) contains '([^']*)'", r"\1 LIKE '%\2%'", condition)
    return file.sql(f"SELECT * FROM self WHERE {condition}")


# --- the files ---------------------------------------------------------------------------------------------------


def test_the_committed_files_are_what_the_generator_makes(again: Path) -> None:
    made = sorted(path.name for path in again.iterdir())
    assert [name for name in made if not (HERE / name).exists()] == []
    differing = [n for n in made if n.endswith(TEXTS) and (HERE / n).read_bytes() != (again / n).read_bytes()]
    assert differing == []


def test_the_committed_models_score_as_the_generated_ones(again: Path) -> None:
    inputs = read(HERE, LOANS).file.select(LOANS.features).to_numpy().astype(np.float32)
    for stem in ("loan_v1", "loan_v2"):
        old, new = (onnx_scores(folder / f"{stem}.onnx", inputs) for folder in (HERE, again))
        assert np.abs(old - new).max() < 1e-6
        old, new = (skops_scores(folder / f"{stem}.skops", inputs) for folder in (HERE, again))
        assert np.abs(old - new).max() < 1e-6


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        generate.write(schema="claims", seed=5, rows=1200, out=tmp_path / name, chunk=500)
    files = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert len(files) == 7
    assert all((tmp_path / "first" / n).read_bytes() == (tmp_path / "second" / n).read_bytes() for n in files)


def test_sizes() -> None:
    files = [path for path in HERE.iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 6_000_000
    assert all(path.stat().st_size < 300_000 for path in files if path.suffix in (".onnx", ".skops"))


def test_weeks_and_rows(sample: Sample) -> None:
    weeks = sample.table["week"].value_counts()
    assert sample.table.height == sample.key["rows"]
    assert sorted(weeks["week"]) == list(range(1, 27))
    assert sample.schema.start.weekday() == 0
    assert sample.table["at"].is_sorted()
    assert 0.05 < mean(sample.table["y"]) < 0.35


@pytest.mark.parametrize("rows", [500, 777, 2001])
def test_the_number_of_rows_is_respected(rows: int, tmp_path: Path, fitted: scorers.Scorers) -> None:
    generate.write_table(LOANS, seed=2, rows=rows, out=tmp_path, fitted=fitted, chunk=600)
    found = read(tmp_path, LOANS)
    assert found.table.height == rows
    assert all(each["rows"] > 0 for each in found.key["faults"])


@pytest.fixture(scope="module")
def fitted() -> scorers.Scorers:
    return scorers.fit(LOANS, places.draw(LOANS, 2), 2)


def test_too_few_rows_are_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert generate.main(["--rows", "20", "--out", str(tmp_path)]) == 2
    assert "--rows 20 is too few" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


# --- the key -----------------------------------------------------------------------------------------------------


def test_every_place_holds_the_rows_the_key_says(sample: Sample) -> None:
    assert len(sample.faults) >= 15
    for code, each in sample.faults.items():
        found = sample.file if each["where"] is None else matching(sample.file, each["where"])
        assert (code, found.height) == (code, each["place_rows"])
        assert 0 < each["rows"] <= each["place_rows"]
        assert set(each["columns"]) <= set(sample.file.columns)
        if each.get("ids"):
            assert len(each["ids"]) == each["rows"]
            assert set(each["ids"]) <= set(found[sample.schema.columns["id"]])


def missing(sample: Sample, slot: str) -> int:
    return sample.table[slot].null_count()


def mismatched(sample: Sample, which: int, threshold: float) -> pl.DataFrame:
    """Rows whose decision is not what the score and the threshold say."""
    says = (pl.col(f"score_{which}") >= threshold) != (pl.col(f"decision_{which}") == sample.schema.positive)
    return sample.table.filter(says)


def repeated(table: pl.DataFrame, without: tuple[str, ...]) -> int:
    """Rows beyond the first among those equal in all columns but these."""
    rest = table.drop(*without, "at", "week", "y", strict=False)
    return rest.height - rest.n_unique()


def spelled_like(sample: Sample, slot: str) -> int:
    """Rows whose value is another one but for case and blanks, and not the more frequent of the two."""
    counts = sample.table[slot].value_counts(sort=True)
    plain = counts[slot].str.strip_chars().str.to_lowercase()
    return int(counts.filter(plain.is_duplicated() & ~plain.is_first_distinct())["count"].sum())


def beyond_numbers(sample: Sample, slot: str) -> int:
    numbers = sample.table[slot].cast(pl.String).cast(pl.Int64, strict=False)
    return numbers.null_count()


def by_regex(sample: Sample, pattern: str) -> int:
    return int(sample.table["note"].str.contains(pattern).sum())


NOT_THE_ROW = ("id", "token", "time", "latency_1", "latency_2")
COUNTS: dict[str, Callable[[Sample], int]] = {
    "low_volume": lambda s: s.table["week"].value_counts()["count"].sort()[0],
    "drift": lambda s: s.table.filter(pl.col("week") >= 18).height,
    "new_category": lambda s: s.table.filter(~pl.col("product").is_in(list(s.schema.choices["product"]))).height,
    "missing_not_at_random": lambda s: missing(s, "savings"),
    "unit_change": lambda s: s.table.filter(pl.col("money") < 500).height,
    "placeholder_number": lambda s: s.table.filter(pl.col("address") > s.schema.shapes["address"].high).height,
    "missing_predictions": lambda s: missing(s, "score_2"),
    "unfair_decisions": lambda s: mismatched(s, 2, s.schema.threshold).height,
    "overridden_decisions": lambda s: mismatched(s, 1, s.schema.threshold).height,
    "crossed_quantiles": lambda s: s.table.filter(pl.col("low") > pl.col("high")).height,
    "late_labels": lambda s: missing(s, "label"),
    "leaking_feature": lambda s: s.table["leak"].len() - missing(s, "leak"),
    "spelled_missing": lambda s: s.table.filter(~pl.col("work").is_in(list(s.schema.choices["work"]))).height,
    "spelled_missing_number": lambda s: beyond_numbers(s, "household"),
    "spellings": lambda s: spelled_like(s, "device"),
    "future_dates": lambda s: s.table.filter(pl.col("begun").str.to_date() > pl.col("at").dt.date()).height,
    "e_mail_addresses": lambda s: by_regex(s, r"\w@\w+\.\w"),
    "telephone_numbers": lambda s: by_regex(s, r"\+\d\d( \d+){3}"),
    "constant_column": lambda s: s.table.height if s.table["constant"].n_unique() == 1 else 0,
    "repeated_rows": lambda s: repeated(s.table, ()),
    "copies_under_new_id": lambda s: repeated(s.table, ("id",)) - repeated(s.table, ()),
    "near_copies": lambda s: repeated(s.table, NOT_THE_ROW) - repeated(s.table, ("id",)),
    "contradictory_copies": lambda s: repeated(s.table, ("label",)) - repeated(s.table, ()),
}


@pytest.mark.parametrize("code", sorted(COUNTS))
def test_each_fault_is_in_as_many_rows_as_the_key_says(sample: Sample, code: str) -> None:
    assert COUNTS[code](sample) == sample.faults[code]["rows"]


def test_faults_of_scores_and_outcomes_show_where_the_key_says(sample: Sample) -> None:
    table, place, name = sample.table, sample.place, sample.schema.columns
    assert sample.faults.keys() - COUNTS.keys() == {
        "pair_failure",
        "miscalibrated_group",
        "inverted_scores",
        "latency_jump",
        "biased_forecast",
        "label_noise",
        "id_like_column",
    }
    pair = table.filter((pl.col("channel") == place["channel"]) & (pl.col("product") == place["product"]))
    assert auc(pair, "score_2") < 0.58 < 0.68 < auc(pair, "score_1")
    both = table.drop_nulls(["y", "score_2"])
    assert 0.7 < auc(both, "score_1") < auc(both, "score_2") < 0.86

    fair = table.filter(pl.col("branch") != place["branch"]).drop_nulls(["y", "score_2"])
    over = {str(area[0]): mean(part["score_2"]) - mean(part["y"]) for area, part in fair.group_by("area")}
    assert over.pop(place["area"]) > 0.07
    assert max(abs(each) for each in over.values()) < 0.04

    weeks = {int(str(week[0])): auc(part, "score_1") for week, part in table.group_by("week") if int(str(week[0])) < 23}
    assert weeks.pop(place["inverted_week"]) < 0.4
    assert min(weeks.values()) > 0.6

    slow = table.group_by(pl.col("week") >= place["latency_week"]).agg(pl.col("latency_2").median()).sort("week")
    assert slow["latency_2"][1] / slow["latency_2"][0] == pytest.approx(2.6, rel=0.05)

    known = table.drop_nulls("loss").filter(pl.col("low") <= pl.col("high"))
    inside = (pl.col("loss").is_between("low", "high")).mean().alias("inside")
    cover = dict(known.group_by("product").agg(inside).iter_rows())
    assert cover.pop(place["biased_product"]) < 0.74
    assert min(cover.values()) > 0.72

    branches = {str(b[0]): auc(part, "score_1") for b, part in table.group_by("branch")}
    assert min(branches, key=lambda each: branches[each]) == place["branch"]
    rate = {str(noisy[0]): mean(part["y"]) for noisy, part in table.group_by(pl.col("branch") == place["branch"])}
    flipped = (rate["True"] - rate["False"]) / (1 - 2 * rate["False"])
    labelled = table.filter(pl.col("branch") == place["branch"]).drop_nulls("y").height
    assert flipped == pytest.approx(sample.faults["label_noise"]["rows"] / labelled, abs=0.06)
    copied = sum(
        sample.faults[code]["rows"] for code in ("repeated_rows", "copies_under_new_id", "contradictory_copies")
    )
    assert table["token"].n_unique() == table.height - copied
    assert set(sample.faults["label_noise"]["columns"]) == {name["branch"], name["label"]}


def test_faults_of_inputs_have_their_size(sample: Sample) -> None:
    table, place, schema = sample.table, sample.place, sample.schema
    blank = dict(table.drop_nulls("y").group_by("label").agg(pl.col("savings").is_null().mean()).iter_rows())
    assert blank[schema.positive] > 4 * blank[schema.negative] > 0.1

    early, late = table.filter(pl.col("week") < 18), table.filter(pl.col("week") >= 18)
    shifts = {}
    for slot in ("tenure", "history", "use"):
        shape = schema.shapes[slot]
        if shape.kind == "share":
            inside = pl.col(slot).clip(0.002, 0.998)
            line = (inside / (1 - inside)).log()
        else:
            line = pl.col(slot).clip(0.05).log()
        before, after = early.select(line).to_series(), late.select(line).to_series()
        shifts[schema.columns[slot]] = (mean(after) - mean(before)) / float(before.to_numpy().std())
    planned = sample.faults["drift"]["size"]["standard_deviations"]
    assert planned.keys() == set(place["drifting"])
    for column, shift in shifts.items():
        assert shift == pytest.approx(planned.get(column, 0.0), abs=0.08)

    share = dict(table.group_by("week").agg(pl.col("y").is_not_null().mean()).iter_rows())
    for week, expected in places.LATE_LABEL_SHARES.items():
        assert share[week] == pytest.approx(expected, abs=0.06)
    assert table.filter(pl.col("week") < 23)["y"].null_count() == 0

    assert roc_auc_score(table.drop_nulls("y")["y"], table.drop_nulls("y")["leak"]) > 0.98
    assert table.filter(pl.col("leak").is_null() != pl.col("y").is_null()).is_empty()
    first = table.filter(pl.col("product") == schema.late_product)["week"].min()
    assert first == places.LATE_PRODUCT_WEEK


def test_faults_of_decisions_touch_only_whom_the_key_says(sample: Sample) -> None:
    table, place, positive = sample.table, sample.place, sample.schema.positive
    assert set(table.filter(pl.col("score_2").is_null())["channel"]) == {place["gap_channel"]}
    assert table.filter(pl.col("score_2").is_null() != pl.col("decision_2").is_null()).is_empty()
    unfair = mismatched(sample, 2, sample.schema.threshold)
    assert set(unfair["gender"]) == {place["gender"]}
    assert set(unfair["decision_2"]) == {positive}
    assert float(unfair["score_2"].to_numpy().min()) >= sample.faults["unfair_decisions"]["size"]["threshold"]
    flagged = pl.col("decision_2") == positive
    other = next(group for group in ("female", "male") if group != place["gender"])
    rate = dict(table.drop_nulls("score_2").group_by("gender").agg(flagged.mean()).iter_rows())
    assert rate[place["gender"]] > 1.2 * rate[other]
    opposite = mismatched(sample, 1, sample.schema.threshold)
    assert sorted(opposite["id"]) == sorted(sample.faults["overridden_decisions"]["ids"])
    twice = table.group_by("id").agg(pl.col("label").n_unique()).filter(pl.col("label") == 2)
    assert sorted(twice["id"]) == sorted(sample.faults["contradictory_copies"]["ids"])


# --- the models --------------------------------------------------------------------------------------------------


def onnx_scores(path: Path, inputs: np.ndarray) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    return session.run(["probabilities"], {"X": inputs.astype(np.float32)})[0][:, -1]


def skops_scores(path: Path, inputs: np.ndarray) -> np.ndarray:
    return skops.io.load(path, trusted=scorers.TRUSTED).predict_proba(inputs)[:, -1]


@pytest.mark.parametrize("which", [0, 1])
def test_the_models_give_the_recorded_scores(which: int) -> None:
    sample = read(HERE, LOANS)
    version = LOANS.models[which]
    rows = matching(sample.file, sample.key["as_modelled"][version])
    assert rows.height > 0.6 * sample.file.height
    inputs = rows.select(sample.key["model_features"]).to_numpy().astype(float)
    recorded = rows[LOANS.columns[f"score_{which + 1}"]].to_numpy()
    assert np.abs(onnx_scores(HERE / f"loan_{version}.onnx", inputs) - recorded).max() < 1e-6
    assert np.abs(skops_scores(HERE / f"loan_{version}.skops", inputs) - recorded).max() < 1e-6
    assert set(skops.io.get_untrusted_types(file=HERE / f"loan_{version}.skops")) <= set(scorers.TRUSTED)


# --- the real data sets ------------------------------------------------------------------------------------------


def test_digits_are_predicted_out_of_fold() -> None:
    file = pl.read_csv(HERE / "digits.csv")
    x, y = load_digits(return_X_y=True)
    assert file["digit"].to_list() == y.tolist()
    assert sorted(file["fold"].unique()) == [1, 2, 3, 4, 5]
    assert file["fold"].value_counts()["count"].is_between(350, 370).all()
    split = PredefinedSplit(file["fold"].to_numpy() - 1)
    oracle = cross_val_predict(shipped.classifiers()["logreg"], x, y, cv=split, method="predict_proba")
    chance = file.select([f"logreg_proba_{digit}" for digit in range(10)]).to_numpy()
    assert np.abs(chance - oracle).max() < 1e-4
    for name in ("logreg", "forest"):
        chance = file.select([f"{name}_proba_{digit}" for digit in range(10)]).to_numpy()
        assert np.abs(chance.sum(axis=1) - 1).max() < 1e-4
        assert 0.93 < accuracy_score(y, file[f"{name}_prediction"]) < 0.99


def test_diabetes_is_predicted_out_of_fold() -> None:
    file = pl.read_csv(HERE / "diabetes.csv")
    x, y = load_diabetes(return_X_y=True, scaled=False)
    assert file["progression"].to_list() == y.tolist()
    split = PredefinedSplit(file["fold"].to_numpy() - 1)
    for name in ("linear_prediction", "linear_q90", "boosted_q10"):
        oracle = cross_val_predict(shipped.regressors()[name], x, y, cv=split)
        assert np.abs(file[name].to_numpy() - oracle).max() < 0.01
    for name in ("linear", "boosted"):
        assert 0.4 < r2_score(y, file[f"{name}_prediction"]) < 0.55
        inside = file["progression"].is_between(file[f"{name}_q10"], file[f"{name}_q90"])
        assert 0.7 < mean(inside) < 0.86


# --- places and recipes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=list(SCHEMAS))
def test_another_seed_moves_the_faults(schema: Schema) -> None:
    drawn = [places.draw(schema, seed) for seed in range(60)]
    for slot in drawn[0].to_dict():
        assert len({getattr(each, slot) for each in drawn}) > 1, slot
    assert len({str(each.to_dict()) for each in drawn}) >= 55
    for each in drawn:
        assert each.unit_week != each.low_week
        assert each.branch not in schema.areas[each.area]
        assert each.channel != each.gap_channel
        assert each.product != each.biased_product


def test_recipes_name_columns_of_their_files() -> None:
    plans = json.loads((HERE / "recipes.json").read_text(encoding="utf-8"))
    assert sorted(plans) == sorted(path.name for path in HERE.glob("*.csv"))
    names = [plan["name"] for each in plans.values() for plan in each]
    assert len(names) == len(set(names))
    for file, each in plans.items():
        frame = pl.read_csv(HERE / file, infer_schema_length=None)
        for plan in each:
            roles = Roles.from_dict(plan["roles"])
            assert json.loads(json.dumps(roles.to_dict())) == plan["roles"]
            assert set(roles.used()) <= set(frame.columns)
            assert plan["task"] in TASKS
            assert roles.reference in (None, ("2026-01-05", "2026-03-01"))
            if plan["task"] != "regression":
                check_classes(roles, frame)


def check_classes(roles: Roles, frame: pl.DataFrame) -> None:
    """The label's values are those that predictions and scores speak of."""
    assert roles.label is not None
    labels = {str(value) for value in frame[roles.label].drop_nulls()}
    for model in roles.models:
        assert model.prediction is not None
        assert {str(value) for value in frame[model.prediction].drop_nulls()} <= labels
        assert {name or roles.positive for name, _ in model.scores} <= labels


def test_recipes_of_claims_name_its_columns() -> None:
    for plan in recipes.of_table(CLAIMS):
        assert set(Roles.from_dict(plan["roles"]).used()) <= set(CLAIMS.columns.values())
