"""Calibration through the terminal twin and as a question: bins, sentence, segments, fits, export, derived versions."""

import json
import re

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from analysis.core.errors import BadRequest
from analysis.core.expression import parse
from analysis.core.mapping import METHODS, Mapping
from analysis.core.words import number
from analysis.metrics.calibrationframes import definition
from analysis.questions import calibration, measure
from tests.engine.making import Folder, binary, opened
from tests.engine.test_receipts import agree
from tests.questions.twin import ask, flowers, loans, write

ROLES = ["--label", "paid", "--prediction", "decision", "--score", "score", "--time", "day", "--id", "id"]
NUMBER = re.compile(r"(?<![\w.])−?\d[\d,]*(?:\.\d+)?")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("evaluations"))
    yield made
    made.close()


def columns(seed=1, n=4000, lift=0.8, digits=3):
    """Rows whose scores are `lift` too high in log odds in group b, and calibrated in group a."""
    random = np.random.default_rng(seed)
    line, group = random.normal(-0.8, 1.2, n), random.choice(["a", "b"], n)
    y = random.random(n) < 1 / (1 + np.exp(-line))
    s = np.round(1 / (1 + np.exp(-(line + lift * (group == "b")))), digits)
    return {
        "id": ("INTEGER", list(range(n))),
        "y": ("INTEGER", [int(each) if random.random() > 0.05 else None for each in y]),
        "s": ("DOUBLE", [float(each) if random.random() > 0.05 else None for each in s]),
        "p": ("INTEGER", [int(each > 0.5) for each in s]),
        "g": ("VARCHAR", group.tolist()),
    }


@pytest.fixture(scope="module")
def given():
    return columns()


@pytest.fixture(scope="module")
def evaluation(folder, given):
    table, roles = binary(**given)
    return opened(folder, table, task="binary", roles=roles)


def known(given, group=None):
    """(y, s) of the rows that have both."""
    rows = zip(given["y"][1], given["s"][1], given["g"][1], strict=True)
    kept = [(y, s) for y, s, g in rows if y is not None and s is not None and group in (None, g)]
    return tuple(np.array(each, dtype=float) for each in zip(*kept, strict=True))


def value(result, name, **group):
    return result.frames["summary"].filter(metric=name, **group).row(0, named=True)


def test_a_bin_is_a_count_of_its_rows(evaluation, given):
    y, s = known(given)
    frame = calibration(evaluation).frame
    assert frame["n"].sum() == len(y)
    for row in frame.iter_rows(named=True):
        inside = np.minimum((s * 15).astype(int), 14) == row["bin"]
        assert row["n"] == inside.sum()
        assert row["score"] == pytest.approx(s[inside].mean(), rel=1e-12)
        assert row["value"] == pytest.approx(y[inside].mean(), rel=1e-12, abs=1e-15)
        assert row["low"] <= row["value"] <= row["high"]
        assert row["marked"] == (row["n"] < 10)


def test_a_group_that_is_off_is_named_with_its_size(evaluation, given):
    result = calibration(evaluation, by=["g"])
    y, s = known(given, "b")
    row = value(result, "calibration_in_the_large", g="b")
    assert (row["n"], row["value"]) == (len(y), pytest.approx(y.mean() - s.mean(), rel=1e-9))
    assert row["high"] < 0
    said = f"m in b are {number(-row['value'], 'share')[:-1]} points too high on average"
    assert said in result.sentence
    fine = value(result, "calibration_in_the_large", g="a")
    assert fine["low"] < 0 < fine["high"]
    assert result.frame.filter(g="b")["n"].sum() == len(y)


@pytest.mark.parametrize("way", ["plain", "by", "filter", "count", "fine"])
def test_every_number_of_the_sentence_is_in_the_frame(folder, evaluation, way):
    if way == "fine":
        table, roles = binary(**columns(seed=5, lift=0.0))
        result = calibration(opened(folder, table, task="binary", roles=roles))
        assert "right on average as far as can be told" in result.sentence
    else:
        where = parse("g = 'b'", columns=evaluation.facts.types())
        options = {"plain": {}, "by": {"by": ["g"]}, "filter": {"where": where}, "count": {"binning": "count"}}
        result = calibration(evaluation, **options[way])
    spoken = result.sentence.split(" Among rows")[0].replace("where 1 is right", "")
    shown = set()
    for row in result.frames["summary"].iter_rows(named=True):
        unit = definition(row["metric"]).unit
        for key in ("value", "low", "high"):
            text = number(row[key], unit).rstrip("%")
            shown |= {text, text.lstrip("−")}
        shown.add(f"{row['n']:,}")
    found = set(NUMBER.findall(spoken))
    assert len(found) >= 3
    assert found <= shown


def test_the_summary_is_what_measure_says(evaluation):
    whole = {row["metric"]: row for row in measure(evaluation, by=["g"]).frame.filter(g="a").iter_rows(named=True)}
    rows = calibration(evaluation, by=["g"]).frames["summary"].filter(g="a")
    compared = 0
    for row in rows.iter_rows(named=True):
        if row["metric"] in whole:
            assert row["value"] == whole[row["metric"]]["value"]
            compared += 1
    assert compared == 9
    assert len(rows) == 11


def test_receipts_give_the_same_numbers(evaluation, folder, monkeypatch):
    result = calibration(evaluation, by=["g"])
    monkeypatch.chdir(folder.root)
    frame = result.frames["summary"]

    class Shown:
        receipt = result.receipt

    Shown.frame = frame
    assert agree(Shown, ["g"]) == 2 * 8 + 2
    assert not calibration(evaluation, bins=10).receipt.sql


def test_other_bins_change_what_is_read_from_bins_alone(evaluation, given):
    y, s = known(given)
    result = calibration(evaluation, bins=5)
    home = np.minimum((s * 5).astype(int), 4)
    gaps = [abs((y - s)[home == k].sum()) for k in range(5)]
    assert value(result, "ece")["value"] == pytest.approx(sum(gaps) / len(y), rel=1e-9)
    assert "5 equal-width bins" in value(result, "ece")["method"]
    even = calibration(evaluation, bins=5, binning="count")
    sizes = even.frame["n"].to_numpy()
    assert sizes.max() - sizes.min() < 0.05 * len(y)
    for name in ("calibration_slope", "calibration_in_the_large", "spiegelhalter_z"):
        assert value(even, name)["value"] == value(result, name)["value"]


def test_a_fit_is_made_on_one_half_and_measured_on_the_other(evaluation, folder, given):
    result = calibration(evaluation, fits=METHODS)
    mappings, fits = result.frames["mappings"], result.frames["fits"]
    y, _ = known(given)
    assert mappings["n"][0] + fits["n"][0] == len(y)
    assert 0.45 < fits["n"][0] / len(y) < 0.55
    with folder.reader.open(folder.file("evaluation", evaluation.facts.id)) as (cursor, alias):
        kept = f"FROM {alias}.rows WHERE y IS NOT NULL AND s0 IS NOT NULL AND half"
        rows = cursor.sql(f"SELECT y, s0 AS s {kept}").pl()
        other = cursor.sql(f"SELECT y, s0 AS s {kept.replace('AND half', 'AND NOT half')}").pl()
    x = np.log(np.clip(rows["s"].to_numpy(), 1e-6, 1 - 1e-6))
    x = x - np.log1p(-np.clip(rows["s"].to_numpy(), 1e-6, 1 - 1e-6))
    theirs = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000, solver="newton-cholesky")
    theirs.fit(x[:, None], rows["y"].to_numpy())
    platt = Mapping.from_dict(json.loads(mappings.filter(fit="platt")["mapping"][0]))
    assert dict(platt.parameters)["slope"] == pytest.approx(theirs.coef_[0, 0], rel=1e-7)
    p, label = platt.apply(other["s"].to_numpy()), other["y"].to_numpy()
    row = fits.filter(fit="platt", metric="brier").row(0, named=True)
    assert row["after"] == pytest.approx(np.mean((p - label) ** 2), rel=1e-9)
    assert row["before"] == pytest.approx(np.mean((other["s"].to_numpy() - label) ** 2), rel=1e-9)
    assert row["change"] == pytest.approx(row["after"] - row["before"], rel=1e-6)
    assert (row["verdict"], result.receipt.m) == ("better", 6)
    assert fits.filter(metric="ece")["verdict"].null_count() == 3
    assert set(result.frames["checked"]["fit"]) == {"before", *METHODS}


def test_a_fit_that_cannot_be_made_says_why(folder):
    given = columns(seed=2, n=60)
    table, roles = binary(**given)
    result = calibration(opened(folder, table, task="binary", roles=roles), fits=["platt"])
    assert "rows of one class to fit on" in result.frames["mappings"]["reason"][0]
    assert len(result.frames["fits"]) == 0
    assert result.receipt.m is None


def test_calibrated_scores_hardly_ever_earn_a_fit_a_better_verdict(folder):
    claims = 0
    for seed in range(25):
        table, roles = binary(**columns(seed=100 + seed, n=1500, lift=0.0))
        fits = calibration(opened(folder, table, task="binary", roles=roles), fits=METHODS).frames["fits"]
        claims += int((fits["verdict"] == "better").any())
    assert claims <= 2


def test_scores_that_are_no_probabilities_are_named_so_and_can_be_fitted(folder):
    given = columns(seed=3)
    given["s"] = ("DOUBLE", [None if each is None else 10 * each - 4 for each in given["s"][1]])
    table, roles = binary(**given)
    result = calibration(opened(folder, table, task="binary", roles=roles), fits=METHODS)
    assert "no probabilities" in result.sentence
    assert value(result, "ece")["value"] is None
    assert "no probabilities" in value(result, "ece")["reason"]
    assert len(result.frame) > 10
    fits = result.frames["fits"]
    assert set(fits["fit"]) == {"platt", "isotonic"}
    assert fits["before"].null_count() == len(fits)
    assert fits["after"].null_count() == 0
    assert "no probabilities" in result.frames["mappings"].filter(fit="beta")["reason"][0]


def test_what_cannot_be_asked_is_refused(evaluation, folder):
    for options, word in (
        ({"bins": 1}, "2 to 100"),
        ({"binning": "even"}, "width"),
        ({"fits": ["spline"]}, "platt, isotonic and beta"),
        ({"models": ["n"]}, "model version 'n'"),
        ({"by": ["h"]}, "column 'h'"),
    ):
        with pytest.raises(BadRequest, match=word):
            calibration(evaluation, **options)
    for lost, word in (("y", "no label"), ("s", "no score|has a score")):
        given = columns(n=100)
        del given[lost]
        table, roles = binary(**given)
        with pytest.raises(BadRequest, match=word):
            calibration(opened(folder, table, task="binary", roles=roles))


def test_a_filter_no_row_matches_is_no_error(evaluation):
    where = parse("g = 'nobody'", columns=evaluation.facts.types())
    result = calibration(evaluation, where=where, fits=METHODS)
    assert len(result.frame) == 0
    assert "undefined" in result.sentence
    assert result.frames["mappings"]["mapping"].null_count() == 3
    assert len(calibration(evaluation, where=where, by=["g"]).frame) == 0


def test_weights_leave_spiegelhalters_test_out(folder):
    given = columns(seed=4, n=800)
    given["w"] = ("DOUBLE", np.random.default_rng(1).gamma(2, 1, 800).tolist())
    table, roles = binary(**given)
    result = calibration(opened(folder, table, task="binary", roles=roles))
    assert "weights" in value(result, "spiegelhalter_z")["reason"]
    assert value(result, "ece")["value"] is not None


# The terminal ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    place = tmp_path_factory.mktemp("calibration")
    for name, rows in (("loans", loans(size=900, weighted=False)), ("flowers", flowers(size=60))):
        ask(place / "ws", "ingest", write(place / f"{name}.csv", rows), "--name", name)
    assert ask(place / "ws", "evaluate", "loans", "--name", "loans", *ROLES).status == 0
    kinds = ["--label", "kind", "--prediction", "guess", "--id", "id"]
    assert ask(place / "ws", "evaluate", "flowers", "--name", "flowers", *kinds).status == 0
    return place / "ws"


def test_the_terminal_says_the_same(workspace):
    said = ask(workspace, "calibration", "loans", "--fit", "platt", "--json").json
    assert {"model", "bin", "from", "to", "n", "score", "value", "low", "high", "marked"} <= set(said["frame"][0])
    assert {row["metric"] for row in said["frames"]["fits"]} == {"log_loss", "brier", "ece"}
    metrics = {row["metric"] for row in said["frames"]["summary"]}
    assert {"ece", "mce", "calibration_slope", "spiegelhalter_p", "brier_remainder"} <= metrics
    assert said["receipt"]["question"] == "calibration"
    text = ask(workspace, "calibration", "loans", "--by", "region", "--bins", "5")
    assert text.status == 0
    assert "Farthest off by region" in text.out
    assert " marked" in text.out


def test_a_mapping_is_exported_and_can_be_read_back(workspace, tmp_path):
    file = tmp_path / "mapping.json"
    said = ask(workspace, "calibration", "loans", "--fit", "isotonic", "--export", file, "--json").json
    body = json.loads(file.read_text())
    assert Mapping.from_dict(body["mapping"]).method == "isotonic"
    assert body["receipt"] == said["receipt"]["id"]
    assert body["fitted_on_rows"] + said["frames"]["fits"][0]["n"] == said["frames"]["summary"][0]["n"]
    nowhere = ask(workspace, "calibration", "loans", "--fit", "platt", "--export", tmp_path / "no" / "file.json")
    assert "cannot be written" in nowhere.refusal


def test_a_mapping_is_applied_as_a_derived_version(workspace):
    before = ask(workspace, "calibration", "loans@1", "--json").json
    model = before["frame"][0]["model"]
    said = ask(workspace, "calibration", "loans", "--apply", "platt", "--as", "even", "--json").json
    assert said["receipt"]["derived"]["evaluation"] == "loans@2"
    after = ask(workspace, "calibration", "loans", "--model", "even", "--json").json
    assert any("derived" in note for note in after["receipt"]["notes"])
    assert ask(workspace, "calibration", "loans@1", "--json").json["frame"] == before["frame"]
    again = ask(workspace, "calibration", "loans", "--model", model, "--apply", "platt", "--as", "even")
    assert "already" in again.refusal
    twice = ask(workspace, "calibration", "loans", "--model", "even", "--apply", "beta", "--as", "more")
    assert f"calibrate '{model}'" in twice.refusal


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["loans", "--apply", "platt"], "go together"),
        (["loans", "--as", "x"], "go together"),
        (["loans@1", "--fit", "platt", "--fit", "beta", "--export", "x.json"], "one --fit"),
        (["loans", "--fit", "spline"], "platt, isotonic and beta"),
        (["loans", "--bins", "1"], "2 to 100"),
        (["loans", "--binning", "even"], "'width'"),
        (["loans", "--level", "2"], "--level"),
        (["flowers"], "multiclass"),
    ],
)
def test_a_wrong_request_is_one_sentence(workspace, words, answer):
    assert answer in ask(workspace, "calibration", *words).refusal
