"""Measures through the terminal twin against scikit-learn, metric by metric, group by group."""

import re
import warnings
from datetime import date

import duckdb
import numpy as np
import pytest
import sklearn.metrics as sk

from analysis.core.expression import parse
from analysis.core.words import number
from analysis.metrics import METRICS
from tests.metrics.calibration_oracles import ORACLES as CALIBRATION
from tests.metrics.operations import spearman as rank_correlation
from tests.questions.twin import Said, ask, flowers, loans, prices, write

CONTRACT = {
    "binary": "accuracy precision recall specificity f1 mcc balanced_accuracy kappa roc_auc average_precision "
    "log_loss brier ks gini ece selection_rate prevalence negative_predictive_value false_positive_rate "
    "false_negative_rate false_discovery_rate f2 f0_5 informedness lift mce calibration_in_the_large "
    "calibration_slope calibration_intercept brier_reliability brier_resolution brier_uncertainty brier_remainder "
    "throughput missing_prediction_rate",
    "multiclass": "accuracy precision recall f1 mcc balanced_accuracy kappa log_loss brier macro_precision "
    "macro_recall macro_f1 weighted_precision weighted_f1 roc_auc_ovr roc_auc_ovo top_2_accuracy top_3_accuracy "
    "classwise_ece top_label_ece roc_auc_by_class average_precision_by_class missing_prediction_rate",
    "regression": "mae rmse r2 median_ae bias mape wape smape spearman over_prediction_share under_prediction_share "
    "missing_prediction_rate",
}
ROWS = {"loans": loans(), "flowers": flowers(), "prices": prices()}
TASK = {"loans": "binary", "flowers": "multiclass", "prices": "regression"}
GIVEN = {
    "loans": ["--label", "paid", "--prediction", "decision", "--score", "score", "--time", "day", "--id", "id"],
    "flowers": [
        *["--label", "kind", "--prediction", "guess", "--id", "id"],
        *[word for name in ("ash", "birch", "cedar") for word in ("--score", f"{name}=score {name}")],
    ],
    "prices": ["--label", "price", "--prediction", "forecast", "--id", "id"],
}
CLASSES = ["ash", "birch", "cedar"]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("twin")
    for name, rows in ROWS.items():
        for suffix, more in (("", []), (" weighed", ["--weight", "weight"])):
            held = rows if more else [{key: row[key] for key in row if key != "weight"} for row in rows]
            assert ask(folder / "w", "ingest", write(folder / f"{name}{suffix}.csv", held)).status == 0
            words = ["--name", name + suffix, "--task", TASK[name], *GIVEN[name], *more]
            said = ask(folder / "w", "evaluate", name + suffix, *words, "--json")
            assert said.json["receipt"]["rows"] == len(rows)
    scores = ["--label", "paid", "--score", "score", "--name", "undecided", "--task", "binary"]
    assert ask(folder / "w", "evaluate", "loans", *scores).status == 0
    both = ["--model", "old:prediction=decision", "--model", "new:score=score", "--label", "paid", "--name", "two"]
    assert ask(folder / "w", "evaluate", "loans", *both, "--task", "binary", "--positive", "yes").status == 0
    return folder / "w"


def measured(workspace, *words):
    return ask(workspace, "measure", *words, "--json").json


def weights(rows, weighted):
    return np.array([row["weight"] if weighted else 1.0 for row in rows])


def ratio(part, whole):
    return None if whole == 0 else float(part / whole)


def missing(rows, weighted, *columns):
    """{metric: (value, n)} of the rows that are empty in every one of these columns."""
    empty = [all(row[column] is None for column in columns) for row in rows]
    return {"missing_prediction_rate": (np.average(empty, weights=weights(rows, weighted)), len(rows))}


def daily(rows):
    """{metric: (value, n)} of the answers a day."""
    days = [date.fromisoformat(row["day"]) for row in rows]
    count = sum(row["decision"] is not None or row["score"] is not None for row in rows)
    return {"throughput": (count / ((max(days) - min(days)).days + 1), count)}


def expect_binary(rows, weighted, threshold=None):
    """{metric: (value, n)} of some loans."""
    operation = missing(rows, weighted, "decision", "score") | daily(rows)
    if threshold is not None:
        rows = [{**row, "decision": None if row["score"] is None else int(row["score"] >= threshold)} for row in rows]
    decided = [row for row in rows if row["paid"] is not None and row["decision"] is not None]
    y, p = (np.array([row[key] in ("yes", 1) for row in decided]) for key in ("paid", "decision"))
    w = weights(decided, weighted)
    found = {
        "accuracy": (sk.accuracy_score(y, p, sample_weight=w), len(y)),
        "precision": (sk.precision_score(y, p, sample_weight=w), int(p.sum())),
        "recall": (sk.recall_score(y, p, sample_weight=w), int(y.sum())),
        "specificity": (sk.recall_score(~y, ~p, sample_weight=w), int((~y).sum())),
        "f1": (sk.f1_score(y, p, sample_weight=w), int((y | p).sum())),
        "mcc": (sk.matthews_corrcoef(y, p, sample_weight=w), len(y)),
        "balanced_accuracy": (sk.balanced_accuracy_score(y, p, sample_weight=w), len(y)),
        "kappa": (sk.cohen_kappa_score(y, p, sample_weight=w), len(y)),
    }
    (_, fpr), (fnr, _) = sk.confusion_matrix(y, p, sample_weight=w, normalize="true")
    found |= {
        "negative_predictive_value": (sk.precision_score(~y, ~p, sample_weight=w), int((~p).sum())),
        "false_positive_rate": (fpr, int((~y).sum())),
        "false_negative_rate": (fnr, int(y.sum())),
        "false_discovery_rate": (1 - found["precision"][0], int(p.sum())),
        "f2": (sk.fbeta_score(y, p, beta=2, sample_weight=w), int((y | p).sum())),
        "f0_5": (sk.fbeta_score(y, p, beta=0.5, sample_weight=w), int((y | p).sum())),
        "informedness": (sk.balanced_accuracy_score(y, p, sample_weight=w, adjusted=True), len(y)),
        "lift": (found["precision"][0] / np.average(y, weights=w), len(y)),
    }
    answered = [row for row in rows if row["decision"] is not None]
    flagged, w = np.array([row["decision"] == 1 for row in answered]), weights(answered, weighted)
    found["selection_rate"] = (ratio(w[flagged].sum(), w.sum()), len(answered))
    labelled = [row for row in rows if row["paid"] is not None]
    positive, w = np.array([row["paid"] == "yes" for row in labelled]), weights(labelled, weighted)
    found["prevalence"] = (ratio(w[positive].sum(), w.sum()), len(labelled))
    scored = [row for row in labelled if row["score"] is not None]
    y, s = np.array([row["paid"] == "yes" for row in scored]), np.array([row["score"] for row in scored])
    w = weights(scored, weighted)
    area = sk.roc_auc_score(y, s, sample_weight=w)
    fpr, tpr, _ = sk.roc_curve(y, s, sample_weight=w, drop_intermediate=False)
    bins = np.minimum((s * 15).astype(int), 14)
    gaps = [abs((w * (y - s))[bins == place].sum()) for place in range(15)]
    return found | {
        **operation,
        "roc_auc": (area, len(y)),
        "gini": (2 * area - 1, len(y)),
        "average_precision": (sk.average_precision_score(y, s, sample_weight=w), int(y.sum())),
        "log_loss": (sk.log_loss(y, s, sample_weight=w), len(y)),
        "brier": (sk.brier_score_loss(y, s, sample_weight=w), len(y)),
        "ks": (np.abs(tpr - fpr).max(), len(y)),
        "ece": (sum(gaps) / w.sum(), len(y)),
        **{name: (float(oracle(y.astype(float), s, w)), len(y)) for name, oracle in CALIBRATION.items()},
    }


def gaps(hit, share, w):
    """The calibration error over 15 equal bins."""
    bins = np.minimum((share * 15).astype(int), 14)
    return sum(abs((w * (hit - share))[bins == place].sum()) for place in range(15)) / w.sum()


def expect_class_scores(y, shares, w):
    """{metric: (value, n)} of the scores of three classes."""
    pairs = [(i, j, (y == i) | (y == j)) for i in range(3) for j in range(3) if i != j]
    areas = [sk.roc_auc_score(y[mine] == i, shares[mine, i], sample_weight=w[mine]) for i, _, mine in pairs]
    return {
        "roc_auc_ovr": (sk.roc_auc_score(y, shares, multi_class="ovr", sample_weight=w), len(y)),
        "roc_auc_ovo": (np.mean(areas), len(y)),
        "top_2_accuracy": (sk.top_k_accuracy_score(y, shares, k=2, sample_weight=w), len(y)),
        "top_3_accuracy": (None, len(y)),
        "classwise_ece": (np.mean([gaps(y == k, shares[:, k], w) for k in range(3)]), len(y)),
        "top_label_ece": (gaps(y == shares.argmax(axis=1), shares.max(axis=1), w), len(y)),
    }


def expect_multiclass(rows, weighted):
    """{metric or (metric, class): (value, n)} of some flowers."""
    decided = [row for row in rows if row["kind"] is not None and row["guess"] is not None]
    y, p = (np.array([row[key] for row in decided]) for key in ("kind", "guess"))
    w, size = weights(decided, weighted), len(decided)
    scored = [row for row in rows if row["kind"] is not None]
    truth = np.array([row["kind"] for row in scored])
    shares = np.array([[float(row[f"score {name}"]) for name in CLASSES] for row in scored])
    losses, each = sk.log_loss(truth, shares, labels=CLASSES, sample_weight=weights(scored, weighted)), []
    for place, row in enumerate(scored):
        each.append(((shares[place] - [float(row["kind"] == name) for name in CLASSES]) ** 2).sum() / 2)
    found = {
        "accuracy": (sk.accuracy_score(y, p, sample_weight=w), size),
        "balanced_accuracy": (sk.balanced_accuracy_score(y, p, sample_weight=w), size),
        "mcc": (sk.matthews_corrcoef(y, p, sample_weight=w), size),
        "kappa": (sk.cohen_kappa_score(y, p, sample_weight=w), size),
        "macro_precision": (sk.precision_score(y, p, average="macro", sample_weight=w), size),
        "macro_recall": (sk.recall_score(y, p, average="macro", sample_weight=w), size),
        "macro_f1": (sk.f1_score(y, p, average="macro", sample_weight=w), size),
        **missing(rows, weighted, *(f"score {name}" for name in CLASSES)),
        "log_loss": (losses, len(scored)),
        "brier": (np.average(each, weights=weights(scored, weighted)), len(scored)),
    }
    found |= expect_class_scores(np.array([CLASSES.index(name) for name in truth]), shares, weights(scored, weighted))
    y_of, w_of = np.array([row["kind"] for row in scored]), weights(scored, weighted)
    for place, name in enumerate(CLASSES):
        own, share = y_of == name, shares[:, place]
        found["roc_auc_by_class", name] = (sk.roc_auc_score(own, share, sample_weight=w_of), len(own))
        area = sk.average_precision_score(own, share, sample_weight=w_of)
        found["average_precision_by_class", name] = (area, int(own.sum()))
    for name, function in (("weighted_precision", sk.precision_score), ("weighted_f1", sk.f1_score)):
        found[name] = (function(y, p, average="weighted", sample_weight=w), size)
    parts = sk.precision_recall_fscore_support(y, p, labels=CLASSES, sample_weight=w)
    for place, name in enumerate(CLASSES):
        own, said = y == name, p == name
        counts = {"precision": said, "recall": own, "f1": own | said}
        for at, (metric, mask) in enumerate(counts.items()):
            found[metric, name] = (parts[at][place], int(mask.sum()))
    return found


def expect_regression(rows, weighted):
    """{metric: (value, n)} of some prices."""
    known = [row for row in rows if row["price"] is not None and row["forecast"] is not None]
    y, p = (np.array([row[key] for row in known]) for key in ("price", "forecast"))
    w = weights(known, weighted)
    error = np.abs(p - y)
    order = np.argsort(error)
    upto = np.cumsum(w[order])
    median = error[order][np.argmax(upto >= upto[-1] / 2)] if weighted else sk.median_absolute_error(y, p)
    found = {
        "mae": sk.mean_absolute_error(y, p, sample_weight=w),
        "rmse": sk.root_mean_squared_error(y, p, sample_weight=w),
        "r2": sk.r2_score(y, p, sample_weight=w),
        "median_ae": median,
        "bias": np.average(p - y, weights=w),
        "mape": sk.mean_absolute_percentage_error(y, p, sample_weight=w),
        "wape": (w * error).sum() / (w * np.abs(y)).sum(),
        "smape": np.average(2 * error / (np.abs(y) + np.abs(p)), weights=w),
        "spearman": rank_correlation(y, p, w),
        "over_prediction_share": np.average(p > y, weights=w),
        "under_prediction_share": np.average(p < y, weights=w),
    }
    return {name: (value, len(known)) for name, value in found.items()} | missing(rows, weighted, "forecast")


EXPECT = {"loans": expect_binary, "flowers": expect_multiclass, "prices": expect_regression}


def agrees(frame, wanted, tolerance=1e-12):
    """Whether a frame's rows are exactly these values and counts."""
    found = {(row["metric"], row["class"]) if row.get("class") else row["metric"]: row for row in frame}
    assert set(found) == set(wanted)
    for name, (value, n) in wanted.items():
        row = found[name]
        assert row["n"] == n, (name, row["n"], n)
        if value is None:
            assert (row["value"], row["low"], row["high"]) == (None, None, None)
            assert row["reason"]
            continue
        assert row["value"] == pytest.approx(value, rel=tolerance, abs=1e-12), name
        assert row["low"] is None or row["low"] <= row["value"] <= row["high"], name
        assert row["reason"] is None
        assert row["bound"] == 0


def test_every_metric_of_the_contract_is_there():
    for task, names in CONTRACT.items():
        assert set(names.split()) <= {metric.name for metric in METRICS if task in metric.tasks}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ROWS)
def test_every_metric_is_scikit_learns(workspace, name, weighted):
    said = measured(workspace, name + " weighed" * weighted)
    agrees(said["frame"], EXPECT[name](ROWS[name], weighted))
    assert {row["metric"] for row in said["frame"]} == set(CONTRACT[TASK[name]].split())


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.621])
def test_at_a_threshold(workspace, weighted, threshold):
    said = measured(workspace, "loans" + " weighed" * weighted, "--threshold", threshold)
    agrees(said["frame"], expect_binary(ROWS["loans"], weighted, threshold))


def split(rows, keys):
    found = {}
    for row in rows:
        found.setdefault(tuple(row[key] for key in keys), []).append(row)
    return found


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("name", "by"),
    [("loans", ["region"]), ("loans", ["metric", "region"]), ("flowers", ["region"]), ("prices", ["region"])],
)
def test_by_columns_with_the_missing_as_a_group(workspace, name, by, weighted):
    said = measured(workspace, name + " weighed" * weighted, "--by", ",".join(by))
    shown = ["metric_" if key == "metric" else key for key in by]
    groups = split(ROWS[name], by)
    found = split(said["frame"], shown)
    assert set(found) == set(groups)
    assert name != "loans" or any(None in key for key in found)
    for key, rows in groups.items():
        agrees(found[key], EXPECT[name](rows, weighted))


@pytest.mark.parametrize(
    ("where", "keep"),
    [
        ("region = 'it''s, odd'", lambda row: row["region"] == "it's, odd"),
        ("not (region = 'North')", lambda row: row["region"] != "North"),
        ("amount >= 100 and amount < 300", lambda row: row["amount"] is not None and 100 <= row["amount"] < 300),
        ("amount is missing or paid = 'yes'", lambda row: row["amount"] is None or row["paid"] == "yes"),
        ("day >= 2026-02-01", lambda row: row["day"] >= "2026-02-01"),
    ],
)
def test_a_filter_and_its_complement(workspace, where, keep):
    kept = [row for row in ROWS["loans"] if keep(row)]
    asked = "accuracy,recall,precision,selection_rate,prevalence"
    frames = [measured(workspace, "loans", "--metrics", asked, *more)["frame"] for more in _sides(where)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's, where a filter leaves one class
        wanted = expect_binary_decisions(kept)
    agrees(frames[0], {name: wanted[name] for name in asked.split(",")})
    for inside, outside, whole in zip(*frames, strict=True):
        assert inside["n"] + outside["n"] == whole["n"]


def _sides(where):
    return [["--where", where], ["--where", f"not ({where})"], []]


def expect_binary_decisions(rows):
    """The decision metrics alone: a filter may leave a single class, of which there is no AUC."""
    made = [*rows, *({**row, "decision": None} for row in ROWS["loans"] if row["paid"] and row["score"] is not None)]
    full = expect_binary(made, False)
    labelled = [row for row in rows if row["paid"] is not None]
    full["prevalence"] = (ratio(sum(row["paid"] == "yes" for row in labelled), len(labelled)), len(labelled))
    return full


@pytest.mark.parametrize(
    ("first", "last"),
    [("2026-02-01", "2026-02-28"), ("2026-03-15", None), (None, "2026-01-01"), ("2026-01-05", "2026-01-05")],
)
def test_a_period_from_its_first_day_to_its_last(workspace, first, last):
    kept = [row for row in ROWS["loans"] if (first or "") <= row["day"] <= (last or "9")]
    words = [*(["--from", first] if first else []), *(["--to", last] if last else [])]
    frame = measured(workspace, "loans", "--metrics", "prevalence,selection_rate", *words)["frame"]
    labelled = [row for row in kept if row["paid"] is not None]
    decided = [row for row in kept if row["decision"] is not None]
    assert [row["n"] for row in frame] == [len(labelled), len(decided)]
    assert frame[0]["value"] == ratio(sum(row["paid"] == "yes" for row in labelled), len(labelled))


@pytest.mark.parametrize("name", ["loans", "flowers", "prices weighed"])
def test_what_groups_count_adds_up_to_the_total(workspace, name):
    total = measured(workspace, name)["frame"]
    parts = measured(workspace, name, "--by", "region")["frame"]
    for row in total:
        same = [each for each in parts if (each["metric"], each.get("class")) == (row["metric"], row.get("class"))]
        assert sum(each["n"] for each in same) == row["n"]


def test_undefined_is_null_with_its_reason(workspace):
    said = measured(workspace, "loans", "--threshold", "1.1")
    rows = {row["metric"]: row for row in said["frame"]}
    assert rows["recall"]["value"] == 0
    for name in ("precision", "mcc"):
        assert rows[name]["value"] is None
        assert rows[name]["low"] is None
        assert rows[name]["reason"]
    assert rows["precision"]["n"] == 0


def test_no_matching_row_is_no_error(workspace):
    for more in ([], ["--by", "region"]):
        said = measured(workspace, "loans", "--where", "amount > 1000000000", *more)
        assert all(row["value"] is None and row["n"] == 0 for row in said["frame"])
        assert said["receipt"]["rows"] == [{"model": "model", "rows": 0, "used": 0, "dropped": {}}]


def test_each_model_is_measured_on_its_own_rows(workspace):
    frame = measured(workspace, "two", "--metrics", "roc_auc,prevalence")["frame"]
    assert [row["model"] for row in frame] == ["old", "old", "new", "new"]
    rows = {(row["model"], row["metric"]): row for row in frame}
    assert rows["old", "roc_auc"]["value"] is None
    assert "score" in rows["old", "roc_auc"]["reason"]
    assert rows["new", "roc_auc"]["value"] == pytest.approx(expect_binary(ROWS["loans"], False)["roc_auc"][0])
    alone = measured(workspace, "two", "--model", "new", "--metrics", "roc_auc")["frame"]
    assert alone == [rows["new", "roc_auc"]]


def test_a_decision_nobody_took_is_asked_for_by_name_and_else_left_out(workspace):
    said = ask(workspace, "measure", "undecided", "--metrics", "recall,roc_auc", "--json")
    assert "--threshold" in said.refusal
    assert "'recall'" in said.refusal
    rows = {row["metric"]: row for row in measured(workspace, "undecided")["frame"]}
    assert rows["recall"]["value"] is None
    assert "--threshold" in rows["recall"]["reason"]
    assert rows["roc_auc"]["value"] is not None
    assert rows["prevalence"]["value"] is not None
    used = measured(workspace, "undecided", "--metrics", "prevalence")["receipt"]["rows"][0]
    scored = [row for row in ROWS["loans"] if row["paid"] is not None and row["score"] is not None]
    assert used["used"] == len(scored)
    decided = measured(workspace, "undecided", "--metrics", "recall", "--threshold", "0.5")["frame"][0]
    assert decided["value"] == expect_binary(ROWS["loans"], False, 0.5)["recall"][0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["loan"], "Did you mean 'loans'"),
        (["loans@7"], "no version 7"),
        (["loans", "--metrics", "recal"], "Did you mean 'recall'"),
        (["loans", "--metrics", "mae"], "metric of regression"),
        (["loans", "--by", "regin"], "Did you mean 'region'"),
        (["loans", "--model", "modle"], "Did you mean 'model'"),
        (["loans", "--where", "regoin = 'x'"], "Did you mean 'region'"),
        (["loans", "--where", "region ="], ""),
        (["loans", "--threshold", "nan"], "not nan"),
        (["loans", "--level", "1.5"], "--level"),
        (["loans", "--from", "soon"], "'soon' is not a date"),
        (["loans", "--from", "2026-02-01", "--to", "2026-01-01"], "before it begins"),
        (["prices", "--threshold", "0.5"], "between two classes"),
        (["prices", "--from", "2026-01-01"], "no time column"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_in_one_sentence(workspace, words, said):
    assert said in ask(workspace, "measure", *words, "--json").refusal


def test_an_older_version_is_found_by_its_number(workspace):
    assert measured(workspace, "loans@1")["receipt"]["evaluation"] == "loans@1"


def test_the_receipt_says_what_was_asked(workspace):
    words = ["--by", "region", "--where", "amount > 50", "--threshold", "0.4", "--from", "2026-01-02", "--level", "0.9"]
    receipt = measured(workspace, "loans", "--metrics", "recall", *words)["receipt"]
    options = receipt["options"]
    assert options["by"] == ["region"]
    assert options["threshold"] == 0.4
    assert options["from"] == "2026-01-02"
    assert options["level"] == 0.9
    assert options["positive"] == "yes"
    columns = {"amount": "DOUBLE"}
    assert parse(options["where"], columns=columns) == parse("amount > 50", columns=columns)
    used = receipt["rows"][0]
    assert used["rows"] == used["used"] + sum(used["dropped"].values())
    assert receipt["fingerprint"]
    again = measured(workspace, "loans", "--metrics", "recall", *words)["receipt"]
    assert again["id"] == receipt["id"]
    assert again["cached"]


def test_a_higher_level_is_a_wider_interval(workspace):
    widths = []
    for level in ("0.8", "0.95", "0.99"):
        row = measured(workspace, "loans", "--metrics", "recall", "--level", level)["frame"][0]
        widths.append(row["high"] - row["low"])
    assert widths == sorted(widths)
    assert widths[0] < widths[2]


NUMBER = re.compile(r"−?\d[\d,]*(?:\.\d+)?%?")


def said_numbers(text):
    return NUMBER.findall(text)


@pytest.mark.parametrize(
    "words",
    [
        ["loans"],
        ["loans", "--metrics", "log_loss", "--by", "region"],
        ["loans", "--metrics", "recall", "--by", "metric"],
        ["flowers", "--metrics", "recall"],
        ["prices", "--metrics", "bias", "--by", "region"],
        ["prices weighed", "--metrics", "mape"],
        ["two", "--metrics", "prevalence"],
    ],
)
def test_every_number_in_the_sentence_is_in_the_frame(workspace, words):
    said = measured(workspace, *words)
    known = set()
    for row in said["frame"]:
        unit = METRICS.get(row["metric"]).unit
        known |= {number(row[key], unit) for key in ("value", "low", "high")} | {f"{row['n']:,}"}
    found = said_numbers(said["sentence"])
    assert len(found) >= 3
    assert set(found) <= known, (said["sentence"], known)


def test_worst_and_best_follow_the_direction_of_the_metric(workspace):
    for metric, better in (("recall", max), ("log_loss", min)):
        said = measured(workspace, "loans", "--metrics", metric, "--by", "region")
        best = better((row for row in said["frame"] if row["n"] >= 30), key=lambda row: row["value"])
        assert f"best for {best['region'] or '(missing)'} (model)" in said["sentence"]
    said = measured(workspace, "prices", "--metrics", "bias", "--by", "region")
    best = min(said["frame"], key=lambda row: abs(row["value"]))
    assert f"best for {best['region']} (model)" in said["sentence"]
    said = measured(workspace, "loans", "--metrics", "selection_rate", "--by", "region")
    top = max(said["frame"], key=lambda row: row["value"])
    assert f"highest for {top['region'] or '(missing)'} (model)" in said["sentence"]
    assert "best" not in said["sentence"]


def test_text_for_people_says_the_same(workspace):
    said = ask(workspace, "measure", "loans", "--metrics", "recall")
    assert isinstance(said, Said)
    assert said.status == 0
    assert said.out.startswith(measured(workspace, "loans", "--metrics", "recall")["sentence"])


def bare(statement):
    """[(value, n)] of a receipt's statement in a DuckDB of its own."""
    with duckdb.connect() as connection:
        return connection.execute(statement).fetchall()


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ("label_ = 'yes'", lambda row: row["paid"] == "yes"),
        ("prediction_ = 'yes' and label_ = 'no'", lambda row: row["decision"] == 1 and row["paid"] == "no"),
        ("score_ >= 0.5", lambda row: row["score"] is not None and row["score"] >= 0.5),
    ],
)
def test_a_filter_may_ask_what_the_model_said(workspace, where, kept, monkeypatch):
    monkeypatch.chdir(workspace)
    said = ask(workspace, "measure", "loans", "--metrics", "accuracy", "--where", where, "--json").json
    rows = [row for row in ROWS["loans"] if kept(row) and row["paid"] is not None and row["decision"] is not None]
    hits = [(row["paid"] == "yes") == (row["decision"] == 1) for row in rows]
    assert said["frame"][0]["n"] == len(hits) > 0
    assert said["frame"][0]["value"] == pytest.approx(np.mean(hits), rel=1e-12)
    assert bare(next(iter(said["receipt"]["sql"].values()))) == [(said["frame"][0]["value"], len(hits))]


def test_a_filter_on_predictions_follows_the_threshold(workspace, monkeypatch):
    """And so does its receipt: asked with and without one in turn, neither is taken for the other."""
    monkeypatch.chdir(workspace)
    words = ["measure", "loans", "--metrics", "prevalence", "--where", "prediction_ = 'yes'", "--json"]
    for threshold in (0.3, None, 0.7, 0.3):
        said = ask(workspace, *words, *(["--threshold", threshold] if threshold else [])).json
        chosen = [
            row["paid"] == "yes"
            for row in ROWS["loans"]
            if row["paid"] is not None
            and (row["decision"] == 1 if threshold is None else row["score"] is not None and row["score"] >= threshold)
        ]
        row = said["frame"][0]
        assert (row["n"], row["value"]) == (len(chosen), pytest.approx(np.mean(chosen), rel=1e-12))
        assert bare(next(iter(said["receipt"]["sql"].values()))) == [(row["value"], row["n"])]
