"""Local explanations: the weights of the lime package, one by one and many at once, and what is refused."""

import itertools
import math

import numpy as np
import polars as pl
import pytest
from lime.lime_tabular import LimeTabularExplainer

from analysis.core.errors import BadRequest, ModelFailed
from analysis.explaining import local, reference
from analysis.explaining.local import Options, explain_many, ridge
from analysis.explaining.occlusion import occluded
from analysis.explaining.shapley import shapley
from tests.explaining.glass import chance, known, mixed

OPTIONS = Options(samples=1500)


@pytest.fixture(scope="module")
def table():
    return mixed()


def coded(table, background):
    """The table as lime's users write it: categories as their place among the values."""
    columns = []
    for feature in background.features:
        column = table[feature.name]
        places = {value: place for place, (value, _) in enumerate(feature.values)}
        columns.append([places[each] for each in column] if places else column.cast(pl.Float64).to_numpy())
    return np.column_stack(columns).astype(float)


@pytest.mark.parametrize("seed", [0, 11])
@pytest.mark.parametrize("width", [None, 1.3])
def test_the_weights_are_those_of_the_lime_package_on_the_same_table(table, seed, width):
    table = table.drop("gap")
    background = known(table)
    matrix = coded(table, background)

    def ours(frame):
        return chance(frame.with_columns(pl.lit(1.0).alias("gap")))

    def probabilities(values):
        asked = {}
        for place, feature in enumerate(background.features):
            names = [value for value, _ in feature.values]
            column = values[:, place]
            asked[feature.name] = [names[int(each)] for each in column] if names else column
        score = ours(pl.DataFrame(asked))
        return np.column_stack([1 - score, score])

    package = LimeTabularExplainer(
        matrix,
        categorical_features=[2, 3],
        kernel_width=width,
        discretize_continuous=False,
        sample_around_instance=True,
        feature_selection="none",
        random_state=seed,
    )
    said = package.explain_instance(matrix[7], probabilities, num_features=4, num_samples=1500)
    own = explain_many(ours, background, [table.row(7, named=True)], Options(1500, width), [seed])[0]
    np.testing.assert_allclose(own.weights, [weight for _, weight in sorted(said.local_exp[1])], rtol=0, atol=1e-9)
    assert own.fit == pytest.approx(said.score, abs=1e-9)
    assert own.surrogate == pytest.approx(said.local_pred[0], abs=1e-9)
    assert own.prediction == pytest.approx(said.predict_proba[1], abs=1e-12)


def rows_of(table):
    """Rows of every kind: with gaps, with a value nobody else has, without a category."""
    rows = [table.row(at, named=True) for at in range(24)]
    rows[3]["region"], rows[4]["region"], rows[5]["pay"] = "Nowhere", None, float("nan")
    assert any(row["gap"] is None for row in rows)
    return rows


def gapless(frame):
    """The mixed model for rows that may lack their pay."""
    return chance(frame.with_columns(pl.col("pay").fill_null(20_000.0), pl.col("region").fill_null("")))


def test_many_rows_at_once_are_as_one_by_one_and_as_lime_has_them(table, monkeypatch):
    background, rows = known(table), rows_of(table)
    seeds = [3] * 12 + list(range(12))
    sizes = []

    def counting(frame):
        sizes.append(len(frame))
        return gapless(frame)

    monkeypatch.setattr(local, "STACKED", 15_000)
    many = explain_many(counting, background, rows, OPTIONS, seeds)
    assert sizes == [15_000, 15_000, 6_000]
    for row, seed, each in zip(rows, seeds, many, strict=True):
        alone = explain_many(gapless, background, [row], OPTIONS, [seed])[0]
        package, _ = reference.by_lime(gapless, background, row, OPTIONS, seed)
        for other in (alone, package):
            assert [term.name for term in other.layout.terms] == [term.name for term in each.layout.terms]
            np.testing.assert_allclose(each.weights, other.weights, rtol=0, atol=1e-9)
            assert each.fit == pytest.approx(other.fit, abs=1e-9)
            assert each.surrogate == pytest.approx(other.surrogate, abs=1e-9)


def test_a_gap_gets_a_flag_only_where_there_are_gaps(table):
    background, rows = known(table), rows_of(table)
    names = [
        [term.name for term in each.layout.terms]
        for each in explain_many(gapless, background, [rows[0], rows[5]], OPTIONS, [0, 0])
    ]
    assert names[0] == ["pay", "years", "region", "gap", "own", "gap is missing"]
    assert names[1] == ["pay", "years", "region", "gap", "own", "pay is missing", "gap is missing"]


def test_the_regression_is_the_one_of_scikit_learn():
    from sklearn.linear_model import Ridge

    random = np.random.default_rng(1)
    x, y, w = random.normal(size=(300, 6)), random.normal(size=300), random.uniform(size=300)
    fitted = Ridge(alpha=2.5).fit(x, y, sample_weight=w)
    weights, first, fit = ridge(x.T, y, w, 2.5)
    np.testing.assert_allclose(weights, fitted.coef_, atol=1e-12)
    assert first == pytest.approx(fitted.predict(x[:1])[0], abs=1e-12)
    assert fit == pytest.approx(fitted.score(x, y, sample_weight=w), abs=1e-12)
    assert np.isnan(ridge(x.T, np.full(300, 0.1), w, 1.0)[2])


def test_occlusion_is_the_prediction_less_the_one_with_the_usual_value(table):
    background = known(table)
    row = table.filter(pl.col("region") == "North", pl.col("gap").is_not_null()).row(0, named=True)
    found = occluded(chance, background, row)
    usual = {"pay": background.feature("pay").median, "region": "East", "gap": None}
    whole = chance(pl.DataFrame([row], schema=table.schema))[0]
    for term, column in (("pay", "pay"), ("region", "region"), ("gap is missing", "gap")):
        changed = chance(pl.DataFrame([row | {column: usual[column]}], schema=table.schema))[0]
        said = found.filter(pl.col("term") == term).row(0, named=True)
        assert said["occlusion"] == pytest.approx(whole - changed, abs=1e-12)
    steps = found.filter(pl.col("term") == "pay")["steps"][0]
    assert steps == pytest.approx((row["pay"] - usual["pay"]) / background.feature("pay").deviation)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (lambda frame: np.where(frame["pay"].to_numpy() > 30_000, np.nan, 0.5), r"no number \(nan or infinity\) for "),
        (lambda frame: np.ones(3), "answered 3 when asked about 1,500 rows"),
        (lambda frame: np.ones((len(frame), 2)), "answered 1,500 x 2 when asked about"),
    ],
)
def test_answers_that_cannot_be_explained_are_refused_in_a_sentence(table, model, said):
    with pytest.raises(ModelFailed, match=said):
        explain_many(model, known(table), [table.row(0, named=True)], OPTIONS, [0])


def test_a_width_that_no_neighbour_counts_under_is_refused(table):
    with pytest.raises(BadRequest, match="so small that no neighbour"):
        explain_many(chance, known(table), [table.row(0, named=True)], Options(300, kernel_width=0.01), [0])


def test_a_table_without_any_variety_explains_nothing():
    table = pl.DataFrame({"a": [1.0] * 9, "b": ["x"] * 9})
    with pytest.raises(BadRequest, match="No feature of the model varies"):
        explain_many(lambda frame: np.zeros(len(frame)), known(table), [table.row(0, named=True)], OPTIONS, [0])


def mixtures(model, row, usual):
    """The Shapley values by their definition: over all orders in which columns get their own values."""
    names = list(usual)
    worth = {}
    for mask in range(2 ** len(names)):
        own = {name for at, name in enumerate(names) if mask >> at & 1}
        mixed = row | {name: usual[name] for name in names if name not in own}
        worth[frozenset(own)] = model(pl.DataFrame([mixed], schema=mixed_schema(row)))[0]
    count = len(names)
    found = {}
    for name in names:
        rest = [each for each in names if each != name]
        subsets = [set(each) for size in range(count) for each in itertools.combinations(rest, size)]
        found[name] = sum(
            math.factorial(len(each))
            * math.factorial(count - len(each) - 1)
            / math.factorial(count)
            * (worth[frozenset(each | {name})] - worth[frozenset(each)])
            for each in subsets
        )
    return found


def mixed_schema(row):
    return {name: pl.String if name in ("region", "own") else pl.Float64 for name in row}


def test_shap_values_are_those_of_the_definition(table):
    pytest.importorskip("shap")
    background = known(table)
    row = table.filter(pl.col("gap").is_not_null(), pl.col("own") == "yes").row(0, named=True)
    usual = {name: background.feature(name).median for name in ("pay", "years", "gap")}
    usual |= {"region": "East" if row["region"] == "North" else "North", "own": "no"}
    found, exact = shapley(chance, background, row, 0)
    said = dict(found.iter_rows())
    assert exact
    assert said.pop("gap is missing") is None
    wanted = mixtures(chance, row, usual)
    assert said == pytest.approx(wanted, abs=1e-9)
