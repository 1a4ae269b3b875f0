"""Thresholds through the terminal twin against scikit-learn, and goals against a search over the rows."""

import re
from collections import Counter, defaultdict
from contextlib import contextmanager

import duckdb
import numpy as np
import pytest
import sklearn.metrics as sk
from scipy import stats

from analysis.core.cutoffs import Band, ByGroup
from analysis.core.expression import parse
from analysis.core.goal import read_goal
from analysis.core.value import read_values
from analysis.core.words import number
from analysis.engine.duckdb import Engine
from analysis.metrics import METRICS
from analysis.questions import measure, thresholds
from analysis.store import evaluations
from analysis.store.workspace import Workspace
from analysis.telling import curverows, moving
from tests.questions.twin import ask, loans, write

ROWS = loans(seed=21, size=900)
COUNTED = {
    "precision": lambda y, p, w: sk.precision_score(y, p, sample_weight=w, zero_division=np.nan),
    "recall": lambda y, p, w: sk.recall_score(y, p, sample_weight=w),
    "f1": lambda y, p, w: sk.f1_score(y, p, sample_weight=w),
    "f2": lambda y, p, w: sk.fbeta_score(y, p, beta=2, sample_weight=w),
    "f0_5": lambda y, p, w: sk.fbeta_score(y, p, beta=0.5, sample_weight=w),
    "specificity": lambda y, p, w: sk.recall_score(~y, ~p, sample_weight=w),
    "accuracy": lambda y, p, w: sk.accuracy_score(y, p, sample_weight=w),
    "mcc": lambda y, p, w: sk.matthews_corrcoef(y, p, sample_weight=w),
}
AT = (0.1, 0.35, 0.5, 0.805)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("twin")
    roles = ["--label", "paid", "--score", "score", "--time", "day", "--id", "id", "--amount", "amount"]
    for name, more in (("loans", []), ("weighed", ["--weight", "weight"])):
        rows = ROWS if more else [{key: row[key] for key in row if key != "weight"} for row in ROWS]
        assert ask(folder / "w", "ingest", write(folder / f"{name}.csv", rows)).status == 0
        words = ["--name", name, "--task", "binary", *roles, "--prediction", "decision", "--positive", "yes", *more]
        assert ask(folder / "w", "evaluate", name, *words).status == 0
    for name, columns in (("undecided", ("id", "paid", "score")), ("decided", ("id", "paid", "decision"))):
        rows = [{key: row[key] for key in columns} for row in ROWS]
        assert ask(folder / "w", "ingest", write(folder / f"{name}.csv", rows)).status == 0
        given = ["--name", name, "--task", "binary", "--label", "paid", "--id", "id", "--positive", "yes"]
        given += ["--score" if "score" in columns else "--prediction", columns[2]]
        assert ask(folder / "w", "evaluate", name, *given).status == 0
    return folder / "w"


def asked(workspace, *words):
    return ask(workspace, "thresholds", *words, "--json").json


def arrays(rows=ROWS, weighted=False):
    """(label, score, weight, amount with nan) of the labelled and scored rows."""
    kept = [row for row in rows if row["paid"] is not None and row["score"] is not None]
    y = np.array([row["paid"] == "yes" for row in kept])
    s = np.array([row["score"] for row in kept])
    w = np.array([row["weight"] if weighted else 1.0 for row in kept])
    a = np.array([np.nan if row["amount"] is None else row["amount"] for row in kept])
    return y, s, w, a


def best(values, at, *, last=True):
    """The threshold of the largest value; of the highest one where several are alike."""
    top = np.flatnonzero(np.isclose(values, np.nanmax(values), rtol=1e-12))
    return float(at[top[-1 if last else 0]])


@contextmanager
def opened(workspace, name):
    """An evaluation one can ask."""
    held = Workspace.open(workspace)
    yield Engine(held).open(evaluations.find(held, name))
    held.close()


# The metrics ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["loans", "weighed"])
def test_every_metric_at_a_threshold_is_scikit_learns(workspace, name):
    weighted = name == "weighed"
    y, s, w, _ = arrays(weighted=weighted)
    words = [word for at in AT for word in ("--threshold", at)]
    said = asked(workspace, name, "--metrics", ",".join([*COUNTED, "selection_rate"]), *words)
    rows = {(row["metric"], row["threshold"]): row for row in said["frame"]}
    assert len(rows) == (len(COUNTED) + 1) * len(AT)
    for at in AT:
        p = s >= at
        for metric, oracle in COUNTED.items():
            row = rows[metric, at]
            assert row["value"] == pytest.approx(oracle(y, p, w), rel=1e-9), (metric, at)
            assert row["low"] <= row["value"] <= row["high"]
        assert rows["recall", at]["n"] == y.sum()
        assert rows["precision", at]["n"] == p.sum()
        every = [(row["score"] >= at, row["weight"] if weighted else 1) for row in ROWS if row["score"] is not None]
        chosen, known = sum(w for flag, w in every if flag), sum(w for _, w in every)
        assert rows["selection_rate", at]["value"] == pytest.approx(chosen / known)
        assert rows["selection_rate", at]["n"] == len(every)


@pytest.mark.parametrize("name", ["loans", "weighed"])
def test_a_threshold_says_the_same_as_measure(workspace, name):
    metrics = "precision,recall,f1,mcc,balanced_accuracy,kappa,selection_rate,prevalence"
    mine = asked(workspace, name, "--metrics", metrics, "--threshold", "0.35")["frame"]
    theirs = ask(workspace, "measure", name, "--metrics", metrics, "--threshold", "0.35", "--json").json["frame"]
    assert len(mine) == 8
    for one, other in zip(mine, theirs, strict=True):
        for key in ("metric", "n", "method"):
            assert one[key] == other[key]
        for key in ("value", "low", "high", "baseline"):
            expected = None if other[key] is None else pytest.approx(other[key], rel=1e-9)
            assert one[key] == expected, (one["metric"], key)


def test_without_a_word_the_grid_holds_precision_recall_and_f1(workspace):
    said = asked(workspace, "loans")
    assert Counter(row["metric"] for row in said["frame"]).keys() == {"precision", "recall", "f1"}
    at = [row["threshold"] for row in said["frame"] if row["metric"] == "f1"]
    assert at == sorted(set(at))
    assert 100 < len(at) <= 203
    y, s, _, _ = arrays()
    for row in said["frame"]:
        value = COUNTED[row["metric"]](y, s >= row["threshold"], None)
        assert row["value"] == (pytest.approx(value) if row["value"] is not None else None)
    (advice,) = said["receipt"]["recommended"]
    assert advice["goal"] == "max f1"
    tops = max((row for row in said["frame"] if row["metric"] == "f1"), key=lambda row: row["value"])
    assert (tops["threshold"], tops["value"]) == (advice["threshold"], advice["value"])


def test_curves_are_scikit_learns(workspace):
    with opened(workspace, "weighed") as evaluation:
        result = thresholds(evaluation)
    y, s, w, _ = arrays(weighted=True)
    fpr, tpr, at = sk.roc_curve(y, s, sample_weight=w, drop_intermediate=False)
    found = {float(t): (f, r) for t, f, r in zip(at[1:], fpr[1:], tpr[1:], strict=True)}
    line = result.frames["roc"].filter(here=False)
    compared = 0
    for row in line.iter_rows(named=True):
        if row["threshold"] in found:
            assert (row["fpr"], row["tpr"]) == pytest.approx(found[row["threshold"]], rel=1e-9)
            assert row["tpr_low"] <= row["tpr"] <= row["tpr_high"]
            compared += 1
    assert compared > 100
    precision, recall, at = sk.precision_recall_curve(y, s, sample_weight=w)
    found = {float(t): (r, p) for t, r, p in zip(at, recall, precision, strict=False)}
    points = [row for row in result.frames["pr"].filter(here=False).iter_rows(named=True) if row["threshold"] in found]
    assert len(points) > 100
    for row in points:
        assert (row["recall"], row["precision"]) == pytest.approx(found[row["threshold"]], rel=1e-9)
    for row in result.frames["gain"].filter(here=False).iter_rows(named=True):
        flagged = s >= row["threshold"]
        if not flagged.any():
            continue
        selected, gain = w[flagged].sum() / w.sum(), w[flagged & y].sum() / w[y].sum()
        assert (row["selected"], row["gain"]) == pytest.approx((selected, gain), rel=1e-9)
        assert row["lift"] == pytest.approx(gain / selected, rel=1e-9)
        assert row["lift"] == 0 or row["lift_low"] <= row["lift"] <= row["lift_high"]
    lie = result.frames["distribution"]
    scored = Counter(row["paid"] or "no label yet" for row in ROWS if row["score"] is not None)
    assert {label: lie.filter(label=label)["n"].sum() for label in lie["label"].unique()} == scored
    assert lie.group_by("label").len()["len"].max() <= 60
    cells = {row["cell"]: row["n"] for row in result.frames["confusion"].iter_rows(named=True)}
    p = s >= result.receipt.options["in_force"]["model"]
    tn, fp, fn, tp = sk.confusion_matrix(y, p).ravel()
    assert cells == {"tp": tp, "fn": fn, "fp": fp, "tn": tn}


# Goals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["loans", "weighed"])
@pytest.mark.parametrize("metric", ["f1", "f2", "f0.5", "mcc"])
def test_the_best_threshold_is_the_one_a_search_over_the_rows_finds(workspace, name, metric):
    y, s, w, _ = arrays(weighted=name == "weighed")
    at = np.unique(s)
    found = [COUNTED[metric.replace(".", "_")](y, s >= each, w) for each in at]
    said = asked(workspace, name, "--goal", f"max {metric}")
    (advice,) = said["receipt"]["recommended"]
    assert advice["value"] == pytest.approx(max(found), rel=1e-9)
    assert advice["threshold"] == best(found, at)
    assert advice["reached"]
    (row,) = [
        row for row in said["frame"] if (row["threshold"], row["metric"]) == (advice["threshold"], advice["metric"])
    ]
    assert row["value"] == advice["value"]


@pytest.mark.parametrize(
    ("goal", "choose"),
    [
        ("recall >= 80%", lambda at, found: max(t for t in at if found("recall", t) >= 0.8)),
        ("precision >= 0.6", lambda at, found: min(t for t in at if found("precision", t) >= 0.6)),
        ("specificity >= 0.9", lambda at, found: min(t for t in at if found("specificity", t) >= 0.9)),
    ],
)
def test_a_bound_is_kept_and_the_rest_is_as_good_as_it_gets(workspace, goal, choose):
    y, s, w, _ = arrays()
    enough = [t for t in np.unique(s) if (s >= t).sum() >= 30] if "precision" in goal else np.unique(s)
    (advice,) = asked(workspace, "loans", "--goal", goal)["receipt"]["recommended"]
    assert advice["threshold"] == choose(enough, lambda metric, t: COUNTED[metric](y, s >= t, w))


def test_a_goal_out_of_reach_says_so_with_the_closest(workspace):
    said = asked(workspace, "loans", "--goal", "precision >= 0.999")
    (advice,) = said["receipt"]["recommended"]
    assert not advice["reached"]
    y, s, _, _ = arrays()
    closest = max((sk.precision_score(y, s >= t), t) for t in np.unique(s) if (s >= t).sum() >= 30)
    assert (advice["value"], advice["threshold"]) == pytest.approx(closest)
    assert "does not reach precision >= 0.999" in said["sentence"]
    assert number(closest[0], "share") in advice["sentence"]


def test_capacity_is_a_mean_daily_load_with_its_95th_percentile(workspace):
    scored = [row for row in ROWS if row["score"] is not None]
    days = sorted({row["day"] for row in ROWS})

    def loads(at):
        by_day = Counter(row["day"] for row in scored if row["score"] >= at)
        return np.array([by_day[day] for day in days])

    for most in (2, 3.5):
        fit = min(at for at in {row["score"] for row in scored} if loads(at).mean() <= most)
        (advice,) = asked(workspace, "loans", "--goal", f"at most {most} a day")["receipt"]["recommended"]
        assert advice["threshold"] == fit
        assert advice["load"] == pytest.approx(loads(fit).mean())
        assert advice["load_95"] == pytest.approx(np.quantile(loads(fit), 0.95))
        assert advice["checked_low"] < advice["checked_value"] < advice["checked_high"]


def test_a_band_reviews_its_share_and_measures_the_rest(workspace):
    scores = np.array(sorted(row["score"] for row in ROWS if row["score"] is not None))
    y, s, _, _ = arrays()
    for goal, low, high in (("review 10%", 0.085, 0.115), ("band 0.05", 0.0, 1.0)):
        (advice,) = asked(workspace, "loans", "--goal", goal)["receipt"]["recommended"]
        start, end = advice["band"]
        between = ((scores >= start) & (scores < end)).mean()
        assert advice["review"] == pytest.approx(between)
        assert low <= between <= high
        kept = (s < start) | (s >= end)
        assert advice["value"] == pytest.approx(sk.precision_score(y[kept], s[kept] >= end))
        assert advice["review_load"] == pytest.approx(between * len(scores) / len({row["day"] for row in ROWS}))
    first = asked(workspace, "loans", "--threshold", "0.4", "--goal", "band 0.05")["receipt"]["recommended"][0]
    assert first["band"] == pytest.approx([0.35, 0.45])


def halves(workspace, name):
    """{id: half} as the evaluation's file has it."""
    listed = ask(workspace, "evaluations", "--json").json["frame"]
    made = next(row["fingerprint"] for row in listed if row["name"] == name)
    for file in sorted((workspace / "evaluations").glob("*.duckdb")):
        with duckdb.connect(str(file), read_only=True) as connection:
            columns = [row[0] for row in connection.execute("DESCRIBE rows").fetchall()]
            weighted = "w" in columns
            if "half" in columns and weighted == (name == "weighed") and "t" in columns:
                return dict(connection.execute("SELECT c0, half FROM rows").fetchall())
    raise AssertionError(made)


def test_a_choice_is_checked_on_the_half_it_was_not_made_on(workspace):
    half = halves(workspace, "loans")
    own, other = ([row for row in ROWS if half[row["id"]] == each] for each in (False, True))
    (advice,) = asked(workspace, "loans", "--goal", "max f1")["receipt"]["recommended"]
    y, s, _, _ = arrays(own)
    at = np.unique(arrays()[1])
    found = [sk.f1_score(y, s >= each) for each in at]
    assert advice["half_threshold"] == best(found, at)
    assert advice["chosen_value"] == pytest.approx(max(found))
    y, s, _, _ = arrays(other)
    assert advice["checked_value"] == pytest.approx(sk.f1_score(y, s >= advice["half_threshold"]))
    assert advice["checked_n"] == int((y | (s >= advice["half_threshold"])).sum())
    assert advice["checked_low"] < advice["checked_value"] < advice["checked_high"]


def test_equal_recall_gives_each_group_the_threshold_nearest_to_the_overall_recall(workspace):
    said = asked(workspace, "loans", "--goal", "equal recall by metric")
    (advice,) = said["receipt"]["recommended"]
    y, s, _, _ = arrays()
    aim = sk.recall_score(y, s >= advice["threshold"])
    every = np.unique(s)
    for own in advice["thresholds"]:
        y, s, _, _ = arrays([row for row in ROWS if row["metric"] == own["group"]])
        gaps = np.array([abs(sk.recall_score(y, s >= each) - aim) for each in every])
        assert own["threshold"] == best(-gaps, every)
    assert {own["group"] for own in advice["thresholds"]} == {"x", "y"}


def test_thresholds_by_group_serve_the_goal_in_each_and_say_what_they_gain(workspace):
    (advice,) = asked(workspace, "loans", "--goal", "max f1", "--by", "metric")["receipt"]["recommended"]
    half = halves(workspace, "loans")
    chosen = {}
    every = np.unique(arrays()[1])
    for group in ("x", "y"):
        for part, held in (("all", lambda row: True), ("own", lambda row: half[row["id"]] is False)):
            y, s, _, _ = arrays([row for row in ROWS if row["metric"] == group and held(row)])
            chosen[group, part] = best([sk.f1_score(y, s >= each) for each in every], every)
    assert {own["group"]: own["threshold"] for own in advice["thresholds"]} == {
        group: chosen[group, "all"] for group in ("x", "y")
    }
    other = [row for row in ROWS if half[row["id"]] and row["paid"] is not None and row["score"] is not None]
    y = np.array([row["paid"] == "yes" for row in other])
    apart = np.array([row["score"] >= chosen[row["metric"], "own"] for row in other])
    alone = np.array([row["score"] >= advice["half_threshold"] for row in other])
    assert advice["gain"] == pytest.approx(sk.f1_score(y, apart) - sk.f1_score(y, alone), abs=1e-12)
    assert advice["gain_low"] < advice["gain"] < advice["gain_high"]


# Values ---------------------------------------------------------------------------------------------------------

WORTH = {"tp": (100.0, 0.5), "fp": (-20.0, 0.0), "fn": (0.0, -0.25), "tn": (1.0, 0.0)}
GIVEN = ["--value", "tp=100,fp=-20,tn=1", "--amount", "tp=0.5,fn=-0.25"]


def worth(rows, at, weighted):
    """(worth a decision, rows) by hand."""
    total, weight, n = 0.0, 0.0, 0
    for row in rows:
        if None in (row["paid"], row["score"], row["amount"]):
            continue
        kind = {(True, True): "tp", (False, True): "fp", (True, False): "fn", (False, False): "tn"}[
            row["paid"] == "yes", row["score"] >= at
        ]
        fixed, share = WORTH[kind]
        w = row["weight"] if weighted else 1
        total, weight, n = total + w * (fixed + share * row["amount"]), weight + w, n + 1
    return total / weight, n


@pytest.mark.parametrize("name", ["loans", "weighed"])
def test_the_value_of_a_threshold_is_that_of_its_rows(workspace, name):
    said = asked(workspace, name, *GIVEN, "--goal", "max value")
    (advice,) = said["receipt"]["recommended"]
    at = sorted({row["score"] for row in ROWS if row["score"] is not None})
    found = [worth(ROWS, each, name == "weighed") for each in at]
    assert advice["value"] == pytest.approx(max(value for value, _ in found), rel=1e-9)
    assert advice["n"] == found[0][1]
    rows = [row for row in said["frame"] if row["metric"] == "value"]
    assert len(rows) > 100
    for row in rows[::10]:
        value, n = worth(ROWS, row["threshold"], name == "weighed")
        assert (row["value"], row["n"]) == (pytest.approx(value, rel=1e-9), n)
        assert row["low"] < row["value"] < row["high"]
    lost = sum(row["amount"] is None and row["score"] is not None for row in ROWS)
    assert any(f"{lost} scored rows" in note for note in said["receipt"]["notes"])


def test_the_interval_of_a_value_is_that_of_a_mean(workspace):
    (row,) = [
        row
        for row in asked(workspace, "loans", *GIVEN, "--threshold", "0.4", "--metrics", "value")["frame"]
        if row["metric"] == "value"
    ]
    each = [worth([row], 0.4, False)[0] for row in ROWS if None not in (row["paid"], row["score"], row["amount"])]
    half = 1.959964 * np.std(each, ddof=1) / np.sqrt(len(each))
    assert (row["low"], row["high"]) == pytest.approx((np.mean(each) - half, np.mean(each) + half), rel=1e-6)


def test_the_gain_in_value_of_groups_thresholds_is_that_of_the_same_rows(workspace):
    words = [*GIVEN, "--goal", "max value", "--by", "metric"]
    (advice,) = asked(workspace, "loans", *words)["receipt"]["recommended"]
    half = halves(workspace, "loans")
    every = sorted({row["score"] for row in ROWS if row["score"] is not None})
    most = {}
    for group in ("x", "y"):
        own = [row for row in ROWS if row["metric"] == group and not half[row["id"]]]
        found = [worth(own, each, False)[0] for each in every]
        most[group] = best(found, every)
    differences = []
    for row in ROWS:
        if half[row["id"]] and None not in (row["paid"], row["score"], row["amount"]):
            apart, alone = (worth([row], at, False)[0] for at in (most[row["metric"]], advice["half_threshold"]))
            differences.append(apart - alone)
    moved = np.count_nonzero(differences)
    spread = stats.t.ppf(0.975, moved - 1) * np.std(differences, ddof=1) / np.sqrt(len(differences))
    middle = np.mean(differences)
    assert advice["gain"] == pytest.approx(middle, rel=1e-9)
    assert (advice["gain_low"], advice["gain_high"]) == pytest.approx((middle - spread, middle + spread), rel=1e-5)


def test_groups_are_shown_in_the_unit_of_what_was_chosen_for(workspace):
    for goal, per_cent in (("max value", False), ("max f2", True)):
        with opened(workspace, "loans") as evaluation:
            result = thresholds(evaluation, goals=[read_goal(goal)], by="metric", values=read_values(*GIVEN[1::2]))
        table = curverows.groups(result, "model")
        assert table["metric"].to_list() == ["x", "y"] or table["metric"].to_list() == ["y", "x"]
        assert all(("%" in text) is per_cent for text in table["with its own"])


# Requests and receipts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["loans", "--metrics", "roc_auc"], "does not depend on a threshold"),
        (["loans", "--metrics", "recal"], "Did you mean 'recall'"),
        (["loans", "--goal", "more"], "is no goal"),
        (["loans", "--goal", "max selection_rate"], "no better side"),
        (["loans", "--goal", "max value"], "--value"),
        (["loans", "--goal", "equal recall by regin"], "Did you mean 'region'"),
        (["loans", "--goal", "equal recall by id"], "too many"),
        (["loans", "--goal", "review 120%"], "below 1"),
        (["loans", "--value", "tp=x"], "tp=NUMBER"),
        (["loans", "--threshold", "nan"], "not nan"),
        (["undecided", "--amount", "tp=1"], "no amount column"),
        (["undecided", "--goal", "at most 5 a day"], "no time column"),
        (["decided"], "no score column"),
        (["loans", "--save", "0.4"], "could not tell it from a threshold"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_in_one_sentence(workspace, words, said):
    assert said in ask(workspace, "thresholds", *words, "--json").refusal


def test_scores_alone_are_enough(workspace):
    (advice,) = asked(workspace, "undecided")["receipt"]["recommended"]
    assert advice == {**asked(workspace, "loans")["receipt"]["recommended"][0], **halved(advice)}


def halved(advice):
    """What the halves of another evaluation's rows say; they are drawn anew."""
    return {key: value for key, value in advice.items() if key.startswith(("half", "checked", "chosen", "sentence"))}


def test_the_receipt_gives_the_same_number_in_a_bare_duckdb(workspace, monkeypatch):
    said = asked(workspace, "weighed", "--metrics", "precision,recall,f1,f2,mcc", "--threshold", "0.35")
    monkeypatch.chdir(workspace)
    assert len(said["receipt"]["sql"]) == 5
    for row in said["frame"]:
        with duckdb.connect() as bare:
            value, n = bare.execute(said["receipt"]["sql"][f"{row['metric']} (model)"]).fetchall()[0]
        assert (value, n) == (pytest.approx(row["value"], rel=1e-9), row["n"])


NUMBER = re.compile(r"−?\d[\d,]*(?:\.\d+)?%?")


@pytest.mark.parametrize(
    "words",
    [
        ["loans"],
        ["weighed", "--threshold", "0.3"],
        ["loans", "--goal", "precision >= 0.999", "--goal", "max mcc"],
        ["loans", *GIVEN, "--metrics", "value,recall"],
    ],
)
def test_every_number_in_the_sentence_is_in_the_frame(workspace, words):
    said = asked(workspace, *words)
    known = set()
    for row in said["frame"]:
        unit = "label" if row["metric"] == "value" else METRICS.get(row["metric"]).unit
        known |= {number(row[key], unit) for key in ("value", "low", "high")} | {f"{row['n']:,}"}
        known.add(number(row["threshold"], "score"))
    text = re.sub(r"\bF1\b|\bf1\b|>= [\d.]+", "", said["sentence"])
    found = NUMBER.findall(text)
    assert len(found) >= 3
    assert set(found) <= known, said["sentence"]


def test_a_policy_is_saved_under_a_name_and_listed(workspace):
    said = asked(workspace, "loans", "--goal", "recall >= 0.8", "--save", "find most")
    asked(workspace, "loans", "--goal", "review 10%", "--save", "ask a person")
    asked(workspace, "loans", "--goal", "equal recall by metric", "--save", "fair")
    rows = {row["name"]: row for row in ask(workspace, "policies", "loans", "--json").json["frame"]}
    assert set(rows) == {"find most", "ask a person", "fair"}
    assert rows["find most"]["threshold"] == said["receipt"]["recommended"][0]["threshold"]
    assert rows["find most"]["goal"] == "recall >= 0.8"
    assert "to a person" in rows["ask a person"]["rule"]
    assert "2 groups of metric" in rows["fair"]["rule"]
    assert ask(workspace, "policies", "weighed", "--json").json["frame"] == []


def test_what_people_read_says_how_the_choice_was_checked(workspace):
    said = ask(workspace, "thresholds", "loans", "--goal", "max f1")
    assert said.status == 0
    assert "chosen on one half of the rows" in said.out
    by_group = defaultdict(str)
    for line in ask(workspace, "thresholds", "loans", "--goal", "max f1", "--by", "metric").out.splitlines():
        by_group[line.split()[4] if len(line.split()) > 5 else ""] = line
    assert {"x", "y"} <= set(by_group)


# The rule in force ----------------------------------------------------------------------------------------------

GROUPS = {"North": 0.3, "South": 0.6}


def ruled(row, rule):
    """True, False or (for a person) None."""
    if isinstance(rule, Band):
        return True if row["score"] >= rule.high else False if row["score"] < rule.low else None
    return row["score"] >= GROUPS.get(row[rule.column], rule.threshold)


@pytest.mark.parametrize("name", ["loans", "weighed"])
@pytest.mark.parametrize("kind", ["band", "groups"])
def test_a_rule_of_several_thresholds_decides_as_row_by_row_and_as_measure_says(workspace, name, kind):
    rule = Band(0.3, 0.6) if kind == "band" else ByGroup(0.5, "region", tuple(GROUPS.items()))
    scored = [row for row in ROWS if row["score"] is not None]
    weights = {id(row): row["weight"] if name == "weighed" else 1 for row in scored}
    with opened(workspace, name) as evaluation:
        result = thresholds(evaluation, threshold=rule)
        asked = [*("recall", "precision", "selection_rate")]
        theirs = measure(evaluation, metrics=asked, threshold=rule).frame
    model = result.receipt.options["models"][0]
    assert result.receipt.options["rule"][model] == rule.to_dict()
    for metric in asked:
        mine = result.frames["current"].filter(metric=metric).row(0, named=True)
        other = theirs.filter(metric=metric).row(0, named=True)
        for key in ("value", "low", "high", "n"):
            assert mine[key] == pytest.approx(other[key], rel=1e-9), (metric, key)
    cells = Counter((row["paid"], ruled(row, rule)) for row in scored if row["paid"] is not None)
    found = {(row["actual"], row["predicted"]): row["n"] for row in result.frames["confusion"].iter_rows(named=True)}
    assert found == {(a, p): cells[a, p == "yes"] for a in ("yes", "no") for p in ("yes", "no")}
    if kind == "band":
        row = result.frames["review"].row(0, named=True)
        between = [each for each in scored if ruled(each, rule) is None]
        share = sum(weights[id(each)] for each in between) / sum(weights.values())
        assert (row["rows"], row["n"]) == (len(between), len(scored))
        assert row["value"] == pytest.approx(share)
        assert 0 < row["low"] < share < row["high"] < 1
        assert number(share, "share") in result.sentence
        assert moving.by_threshold(result, model).here["x"].unique().sort().to_list() == [0.3, 0.6]
    else:
        for row in result.frames["groups"].iter_rows(named=True):
            own = [each for each in scored if each["region"] == row["group"]]
            known = [each for each in own if each["paid"] is not None]
            hits = sum(each["paid"] == "yes" and ruled(each, rule) for each in known)
            assert row["threshold"] == GROUPS.get(row["group"], 0.5)
            assert row["tp"] == hits
            assert row["tp"] + row["fp"] == sum(bool(ruled(each, rule)) for each in known)
            assert row["recall_n"] == sum(each["paid"] == "yes" for each in known)
        assert moving.curve(result, model, "roc").here.height == 1


def test_what_stays_of_the_charts_is_the_same_wherever_the_rule_stands(workspace):
    rules = (0.3, 0.57, Band(0.2, 0.7))
    with opened(workspace, "loans") as evaluation:
        results = [thresholds(evaluation, threshold=rule, values=read_values("tp=9,fp=-2", None)) for rule in rules]
    for each in results[1:]:
        model = each.receipt.options["models"][0]
        for draw in (moving.by_threshold, moving.value, moving.distribution, lambda r, m: moving.curve(r, m, "lift")):
            first, other = draw(results[0], model), draw(each, model)
            assert first.rows.equals(other.rows)
            assert first.spec == other.spec
            assert first.over == other.over
            assert not first.here.equals(other.here)
            assert other.moving.height <= 8


@pytest.mark.parametrize("rule", [None, 0.3, Band(0.2, 0.7), ByGroup(0.5, "region", (("North", 0.2),))])
def test_a_filter_that_nothing_passes_is_answered(workspace, rule):
    with opened(workspace, "loans") as evaluation:
        nothing = parse("amount < -1e9", columns=evaluation.facts.types())
        result = thresholds(evaluation, threshold=rule, where=nothing, goals=[read_goal("max f1")])
    model = result.receipt.options["models"][0]
    assert result.sentence
    assert result.frames["current"]["value"].null_count() == len(result.frames["current"])
    assert result.frames["distribution"].is_empty()
    for draw in (moving.by_threshold, moving.distribution, lambda r, m: moving.curve(r, m, "roc")):
        assert draw(result, model).rows.is_empty()
    assert curverows.confusion(result, model)["count"].to_list() == ["0"] * 4


def test_the_terminal_answers_a_filter_that_nothing_passes(workspace):
    said = asked(workspace, "loans", "--where", "amount < -1e9")
    assert {row["value"] for row in said["frame"]} == {None}
