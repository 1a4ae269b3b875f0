"""Score codes: exact while few, and what binning costs where they are many."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from analysis.engine.query import Query
from analysis.questions import measure
from analysis.store.codes import binned_codes, exact_codes, quantile_edges
from tests.engine.making import Folder, binary, opened, stored

MOST = 8192
LOOKED_FOR = np.unique(np.concatenate([np.arange(1, 15) / 15, np.arange(1, 100) / 100]))
ROWS = 200_000


def shapes():
    random = np.random.default_rng(11)
    tied = np.round(random.beta(2, 5, ROWS), 2)
    return {
        "uniform": random.random(ROWS),
        "skewed": random.beta(0.5, 20, ROWS),
        "lognormal": np.clip(random.lognormal(-4, 1.2, ROWS), 0, 1),
        "tied": np.where(random.random(ROWS) < 0.7, tied, random.random(ROWS)),
        "one value": np.where(random.random(ROWS) < 0.5, 0.3, random.beta(1, 50, ROWS)),
    }


SHAPES = shapes()


def coded(values, extra=LOOKED_FOR):
    return binned_codes(values, low=float(values.min()), high=float(values.max()), most=MOST, extra=extra)


@pytest.mark.parametrize("shape", SHAPES)
def test_codes_cover_the_range_in_order_and_hold_what_they_say(shape):
    values = SHAPES[shape]
    codes = coded(values)
    assert len(codes.low) <= MOST
    assert np.all(np.diff(codes.low) > 0)
    assert np.all(codes.low[1:] >= codes.high[:-1])
    code = codes.of(values)
    low, high = codes.low[code], codes.high[code]
    last = code == len(codes.low) - 1
    assert np.all(values >= low)
    assert np.all((values < high) | (low == high) | last)
    assert np.all(values[low == high] == low[low == high])
    assert np.all(values[last] <= codes.high[-1])


@pytest.mark.parametrize("shape", SHAPES)
def test_edges_analysts_look_for_are_edges(shape):
    values = SHAPES[shape]
    threshold = float(np.median(values)) + 1.2345e-7
    codes = coded(values, np.append(LOOKED_FOR, threshold))
    inside = [edge for edge in [*LOOKED_FOR, threshold] if values.min() < edge < values.max()]
    assert inside
    assert np.isin(inside, codes.low).all()
    for edge in inside:  # so a decision at an edge loses no row
        assert np.array_equal(codes.of(values) >= np.searchsorted(codes.low, edge), values >= edge)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_binning_costs_the_auc_stays_below_one_in_ten_thousand(shape):
    values = SHAPES[shape]
    random = np.random.default_rng(3)
    label = random.random(ROWS) < np.clip(0.02 + values, 0, 0.9)
    codes = coded(values)
    code = codes.of(values)
    positives, negatives = (np.bincount(code[label == side], minlength=len(codes.low)) for side in (True, False))
    below = np.cumsum(negatives) - negatives / 2
    pairs = float(positives.sum()) * float(negatives.sum())
    found = float((positives * below).sum() / pairs)
    unsure = codes.low < codes.high
    bound = float((positives * negatives)[unsure].sum() / pairs / 2)
    assert bound < 1e-4
    assert abs(found - roc_auc_score(label, values)) <= bound + 1e-12


def test_a_heavy_value_is_a_code_of_its_own():
    values = SHAPES["one value"]
    codes = coded(values)
    code = int(codes.of(np.array([0.3]))[0])
    assert codes.low[code] == codes.high[code] == 0.3


def test_exact_codes_are_the_values():
    values = np.array([0.5, -1.0, 3.0])
    codes = exact_codes(values)
    assert codes.exact
    assert codes.low.tolist() == [-1.0, 0.5, 3.0]
    assert codes.of(np.array([3.0, -1.0, 0.5, -7.0])).tolist() == [2, 0, 1, 0]


def test_equally_full_bins():
    values = np.random.default_rng(2).normal(size=10_000)
    edges = quantile_edges(values, 10)
    counts = np.histogram(values, edges)[0]
    assert len(counts) == 10
    assert counts.min() >= 998
    assert quantile_edges(np.ones(5), 10).tolist() == [1.0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("evaluations"))
    yield made
    made.close()


@pytest.mark.parametrize(("distinct", "exact"), [(MOST, True), (MOST + 1, False)])
def test_up_to_8192_distinct_scores_nothing_is_lost(folder, distinct, exact):
    values = (np.arange(distinct) / (distinct - 1)).tolist()
    table, roles = binary(y=("INTEGER", [i % 2 for i in range(distinct)]), s=("DOUBLE", values))
    made = opened(folder, table, task="binary", roles=roles)
    assert made.facts.models[0].exact is exact
    row = measure(made, metrics=["roc_auc"]).frame.row(0, named=True)
    assert (row["bound"] == 0) is exact
    wanted = roc_auc_score([i % 2 for i in range(distinct)], values)
    assert abs(row["value"] - wanted) <= (1e-12 if exact else row["bound"] + 1e-12)


@pytest.fixture(scope="module")
def binned(folder):
    random = np.random.default_rng(6)
    score = random.beta(0.5, 4, 30_000)
    label = (random.random(30_000) < score).astype(int)
    cut = 0.123456789
    table, roles = binary(
        y=("INTEGER", label.tolist()), s=("DOUBLE", score.tolist()), p=("INTEGER", (score >= cut).astype(int).tolist())
    )
    return opened(folder, table, task="binary", roles=roles), score, label, cut


def test_the_recorded_threshold_is_found_and_is_an_edge(folder, binned):
    made, score, _, cut = binned
    model = made.facts.models[0]
    assert not model.exact
    assert model.threshold == score[score >= cut].min()
    edges = stored(folder, made.facts, "SELECT low FROM codes WHERE name = 'b0' ORDER BY code")["low"].to_numpy()
    assert model.threshold in edges
    assert np.isin([edge for edge in LOOKED_FOR if edge < score.max()], edges).all()
    answer = made.ask(Query("m", frozenset({"decisions"}), threshold=model.threshold))
    assert answer.threshold == model.threshold
    assert np.array_equal(answer.cube.confusion.n, made.ask(Query("m", frozenset({"decisions"}))).cube.confusion.n)


@pytest.mark.parametrize("threshold", [0.25, 1 / 15, 0.07])
def test_a_threshold_on_an_edge_is_exact(binned, threshold):
    made, score, label, _ = binned
    answer = made.ask(Query("m", frozenset({"decisions"}), threshold=threshold))
    assert answer.threshold == threshold
    assert answer.cube.confusion.n[0, 1, 1] == np.sum((score >= threshold) & (label == 1))


def test_a_threshold_between_edges_snaps_to_one_and_says_so(binned):
    made, score, label, _ = binned
    result = measure(made, metrics=["recall"], threshold=0.0314159)
    snapped = made.ask(Query("m", frozenset({"decisions"}), threshold=0.0314159)).threshold
    assert snapped != 0.0314159
    assert abs(snapped - 0.0314159) < 1e-3
    assert any(f"{snapped:.6g} was used" in note for note in result.receipt.notes)
    found = result.frame["value"][0]
    assert found == pytest.approx(np.mean(score[label == 1] >= snapped), rel=1e-12)


@pytest.mark.parametrize(("threshold", "share"), [(-1.0, 1.0), (0.0, 1.0), (1.0, 0.0), (7.0, 0.0)])
def test_thresholds_beyond_the_scores_select_all_or_none(binned, threshold, share):
    made, _, _, _ = binned
    result = measure(made, metrics=["selection_rate"], threshold=threshold)
    assert result.frame["value"][0] == share
    assert not result.receipt.notes
