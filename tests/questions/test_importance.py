"""Importance and dependence: numbers against scikit-learn's, intervals that hold the truth, work that is not lost."""

import threading

import numpy as np
import polars as pl
import pytest
from sklearn import inspection
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from analysis import questions
from analysis.core.errors import BadRequest, Interrupted, ModelFailed, Undecided, UnknownName
from analysis.core.evaluation import Evaluation
from analysis.core.expression import parse
from analysis.core.model import NUMBER, Answers, Input, Model, Scorer
from analysis.core.roles import ModelColumns, Roles
from analysis.engine import asking, held
from analysis.engine.duckdb import Engine
from analysis.metrics import METRICS, shuffled
from analysis.metrics.association import STRONG, association
from analysis.questions import Shuffles
from tests.engine.making import Folder, Table, opened
from tests.questions import twin

SEED, SIZE = 20_260, 1200
INPUTS = (Input("pay", NUMBER), Input("region"), Input("years", NUMBER), Input("twin", NUMBER), Input("idle", NUMBER))
NAMES = [each.name for each in INPUTS]


def margin(frame):
    """The log odds, of columns pay, region, years, twin, idle; the last one is never looked at."""
    pay, region, years, twin_, _ = (column.to_numpy() for column in frame.get_columns())
    return 1.2 * pay + 0.8 * (region == "West") - 0.25 * years + 0.3 * twin_


def chance(frame):
    return 1 / (1 + np.exp(-margin(frame)))


def two(score):
    return Answers(np.column_stack([1 - score, score]), ("no", "yes"), pl.Series(np.where(score >= 0.5, "yes", "no")))


def three(frame):
    """The scores of the classes a, b, c."""
    score = chance(frame)
    parts = np.column_stack([0.2 + 0.5 * score, 0.6 * (1 - score), 0.2 - 0.1 * score])
    return parts / parts.sum(axis=1, keepdims=True)


def graded(frame):
    return Answers(three(frame)[:, [2, 0, 1]], ("c", "a", "b"))


def right(frame):
    return two(chance(frame))


def forecast(frame):
    return Answers(margin(frame)[:, None])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("importance"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def cases(folder):
    """{task: an evaluation}; the model leans on pay much more in the second half of the year."""
    rng = np.random.default_rng(5)
    pay = rng.normal(size=SIZE).round(6)
    table = {
        "id": ("VARCHAR", [f"C{at}" for at in range(SIZE)]),
        "t": ("DATE", [f"2026-0{1 + at * 3 // SIZE}-{1 + at % 28:02}" for at in range(SIZE)]),
        "pay": ("DOUBLE", pay.tolist()),
        "region": ("VARCHAR", rng.choice(["West", "East", "North"], SIZE).tolist()),
        "years": ("BIGINT", rng.integers(0, 9, SIZE).tolist()),
        "twin": ("DOUBLE", (pay + rng.normal(0, 0.5, SIZE)).round(6).tolist()),
        "idle": ("DOUBLE", rng.normal(size=SIZE).tolist()),
        "customer": ("BIGINT", (np.arange(SIZE) // 3).tolist()),
        "w": ("DOUBLE", rng.uniform(0.5, 2, SIZE).tolist()),
    }
    frame = pl.DataFrame({name: table[name][1] for name in NAMES})
    score = chance(frame)
    late = np.arange(SIZE) >= SIZE * 2 // 3
    luck = np.where(late & (rng.uniform(size=SIZE) < 0.9), 0.5, score)  # in the last month the model knows little
    table["y"] = ("VARCHAR", np.where(rng.uniform(size=SIZE) < luck, "yes", "no").tolist())
    table["amount"] = ("DOUBLE", (margin(frame) + rng.normal(size=SIZE)).tolist())
    table["s"] = ("DOUBLE", score.tolist())
    drawn_ = [rng.choice(list("abc"), p=each) for each in three(frame)]
    table["grade"] = ("VARCHAR", [str(each) for each in drawn_])
    table |= {f"of_{name}": ("DOUBLE", three(frame)[:, at].tolist()) for at, name in enumerate("abc")}
    roles = Roles(id=("id",), time="t", label="y", positive="yes", models=(ModelColumns("m", scores=((None, "s"),)),))
    number = roles.with_(label="amount", positive=None, models=(ModelColumns("m", prediction="s"),))
    scores = ModelColumns("m", scores=tuple((name, f"of_{name}") for name in "abc"))
    classes = roles.with_(label="grade", positive=None, models=(scores,))
    plain = {"multiclass": ("multiclass", classes), "binary": ("binary", roles), "regression": ("regression", number)}
    plain |= {"units": ("binary", roles.with_(unit="customer")), "weighted": ("binary", roles.with_(weight="w"))}
    return {name: opened(folder, Table(table), task=task, roles=each) for name, (task, each) in plain.items()}


def scorer(predict, mark="a", **changes):
    """A model of this test's own, another one for each mark."""
    facts = {"inputs": INPUTS, "classes": ("no", "yes"), "libraries": {"none": "1"}} | changes
    return Scorer(Model("id", "own", 1, "onnx", mark * 64, "own.onnx", 10, **facts), predict)


def row(result, feature):
    return result.frame.row(by_predicate=pl.col("feature") == feature, named=True)


class Wrapped(ClassifierMixin, BaseEstimator):
    """The same model as scikit-learn asks it: rows of numbers, the region by its code."""

    classes_ = np.array([0, 1])
    regions = np.array(["East", "North", "West"])

    def fit(self, x, y):
        return self

    def __sklearn_is_fitted__(self):
        return True

    def frame(self, x):
        columns = [self.regions[x[:, at].astype(int)] if at == 1 else x[:, at] for at in range(5)]
        return pl.DataFrame(dict(zip(NAMES, columns, strict=True)))

    def predict_proba(self, x):
        score = chance(self.frame(x))
        return np.column_stack([1 - score, score])

    def predict(self, x):
        return self.predict_proba(x).argmax(axis=1)


class Grading(Wrapped):
    classes_ = np.array([0, 1, 2])

    def predict_proba(self, x):
        return three(self.frame(x))


class Forecasting(RegressorMixin, Wrapped):
    def predict(self, x):
        return margin(self.frame(x))


def drawn(evaluation, model):
    return asking.draw(evaluation, model, where=None, period=None, limit=5000, seed=SEED, truth=True)


def as_numbers(frame):
    return np.column_stack(
        [
            frame["v1"].replace_strict({"East": 0, "North": 1, "West": 2}) if at == 1 else frame[f"v{at}"]
            for at in range(5)
        ]
    ).astype(float)


@pytest.mark.parametrize(
    ("task", "metric", "theirs"),
    [
        ("binary", "roc_auc", "roc_auc"),
        ("binary", "accuracy", "accuracy"),
        ("binary", "log_loss", "neg_log_loss"),
        ("binary", "average_precision", "average_precision"),
        ("multiclass", "log_loss", "neg_log_loss"),
        ("multiclass", "macro_f1", "f1_macro"),
        ("weighted", "brier", "neg_brier_score"),
        ("regression", "r2", "r2"),
        ("regression", "mae", "neg_mean_absolute_error"),
    ],
)
def test_the_same_shuffles_lose_what_scikit_learn_says(cases, monkeypatch, task, metric, theirs):
    """Its shuffles are those of one seed for every column, each on top of the one before."""
    asked = {"regression": scorer(forecast, classes=()), "multiclass": scorer(graded, classes=())}
    model = asked.get(task, scorer(right))
    rows = drawn(cases[task], model).frame
    x, y = as_numbers(rows), rows["y"].to_numpy()
    seed = np.random.RandomState(3).randint(np.iinfo(np.int32).max + 1)
    random, order, given = np.random.RandomState(seed), np.arange(len(x)), [np.arange(len(x))]
    for _ in range(4):
        random.shuffle(order)
        given.append(given[-1][order])
    monkeypatch.setattr(shuffled, "dealt", lambda rows, shuffles, seed: np.stack(given[1:]))
    result = questions.importance(cases[task], model, Shuffles(metric=metric, repeats=4))
    estimator = {"regression": Forecasting, "multiclass": Grading}.get(task, Wrapped)()
    weights = rows["w"].to_numpy() if task == "weighted" else None
    found = inspection.permutation_importance(
        estimator, x, y, scoring=theirs, n_repeats=4, random_state=3, sample_weight=weights
    )
    got = [row(result, name)["importance"] for name in NAMES]
    np.testing.assert_allclose(got, found.importances_mean, atol=1e-9)


@pytest.mark.parametrize("task", ["binary", "weighted", "multiclass", "regression"])
def test_every_metric_is_the_one_that_is_measured(cases, task):
    """Of a model that made the recorded scores, over all rows: what `measure` says of the version."""
    evaluation = cases[task]
    answers = {"regression": lambda frame: Answers(chance(frame)[:, None]), "multiclass": graded}.get(task, right)
    model = scorer(answers, "z", classes=())
    drawn_ = drawn(evaluation, model)
    said = answers(drawn_.inputs)
    read = asking.reading(drawn_, said)
    rows = read.held(drawn_, said, decide=True)
    known = [metric for metric in METRICS if held.measurable(metric, evaluation.facts)]
    assert len(known) >= {"regression": 7, "multiclass": 10}.get(task, 18)
    threshold = 0.5 if task in ("binary", "weighted") else None
    if task == "multiclass":  # no decision is recorded of it
        known = [metric for metric in known if "decisions" not in metric.needs]
    names = [metric.name for metric in known]
    measured = questions.measure(evaluation, metrics=names, threshold=threshold).frame
    for metric in known:
        value, n = held.terms(evaluation.facts, rows, metric).value(metric)
        theirs = measured.row(by_predicate=pl.col("metric") == metric.name, named=True)
        assert value == pytest.approx(theirs["value"], abs=1e-9), metric.name
        assert n == theirs["n"], metric.name


def test_what_it_says(cases):
    result = questions.importance(cases["binary"], scorer(right, "b"))
    assert result.frame["feature"][0] == "pay"
    assert result.frame["rank"].to_list() == [1, 2, 3, 4, 5]
    idle = row(result, "idle")
    assert (idle["importance"], idle["low"], idle["high"], idle["p"]) == (0.0, 0.0, 0.0, 1.0)
    assert (idle["verdict"], idle["direction"]) == ("not shown", None)
    assert (row(result, "pay")["direction"], row(result, "years")["direction"]) == ("rises", "falls")
    assert row(result, "region")["direction"] is None
    assert (row(result, "pay")["related"], row(result, "twin")["related"]) == ("twin", "pay")
    assert result.frames["related"]["association"][0] > STRONG
    pay = row(result, "pay")
    assert result.sentence.startswith(f"own@1 leans most on pay: shuffling it costs {pay['importance']:.3f} of ROC AUC")
    assert "Related features, pay and twin" in result.sentence
    assert result.receipt.m == 5
    assert result.receipt.options["model_fingerprint"] == "b" * 64
    assert result.receipt.used[0].used == SIZE
    together = questions.importance(cases["binary"], scorer(right, "b"), Shuffles(related=True))
    assert set(together.frame["feature"]) == {"pay + twin", "region", "years", "idle"}
    assert row(together, "pay + twin")["importance"] > pay["importance"]
    named = questions.importance(cases["binary"], scorer(right, "b"), Shuffles(groups=(("years", "region"),)))
    assert "years + region" in named.frame["feature"].to_list()
    mixed = questions.importance(
        cases["binary"], scorer(lambda frame: two(chance(frame.with_columns(pl.first() ** 2))), "c")
    )
    assert row(mixed, "pay")["direction"] in ("mixed", None)


def test_whether_it_changed(cases):
    result = questions.importance(cases["binary"], scorer(right, "d"), Shuffles(by="month"))
    periods, changes = result.frames["periods"], result.frames["changes"]
    assert periods.filter(pl.col("feature") == "pay")["n"].to_list() == [400, 400, 400]
    verdicts = dict(zip(changes["feature"], changes["verdict"], strict=True))
    assert verdicts["pay"] == "changed"
    assert verdicts["idle"] == "not shown"
    assert "It changed for pay" in result.sentence
    alone = questions.importance(cases["binary"], scorer(right, "d"), Shuffles(where=parse("t < '2026-02-01'")))
    first = periods.filter((pl.col("feature") == "pay") & (pl.col("from").dt.month() == 1)).row(0, named=True)
    assert row(alone, "pay")["importance"] == pytest.approx(first["importance"], abs=1e-12)


def test_units_widen_the_interval(cases):
    """Rows of three of a customer, whose labels and features are drawn alone: hardly wider."""
    alone, units = (questions.importance(cases[name], scorer(right, "e")) for name in ("binary", "units"))
    one, other = row(alone, "pay"), row(units, "pay")
    assert one["importance"] == other["importance"]
    assert 0.8 < (other["high"] - other["low"]) / (one["high"] - one["low"]) < 1.25
    assert other["high"] != one["high"]


def test_what_is_done_is_kept(cases, folder):
    """Cancelled in the middle, failed, taken up again: no part is asked twice, whatever the metric, also later."""
    calls = []

    def predict(frame):
        calls.append(len(frame))
        return right(frame)

    stop = threading.Event()

    def progress(share, doing):
        if len(calls) == 3:
            stop.set()

    evaluation, model = cases["binary"], scorer(predict, "f")
    with pytest.raises(Interrupted, match="3 parts of the work are kept; starting again goes on there"):
        questions.importance(evaluation, model, progress=progress, cancelled=stop.is_set)
    assert calls == [SIZE, 5 * SIZE, 5 * SIZE]
    assert questions.importance_left(evaluation, model, Shuffles()) == (3, 6)
    seen = []
    with pytest.raises(ModelFailed, match="the endpoint died"):
        questions.importance(evaluation, scorer(fails, "f"))
    first = questions.importance(evaluation, model, progress=lambda share, doing: seen.append((share, doing)))
    assert calls == [SIZE] + [5 * SIZE] * 5
    assert seen[0] == (0.0, "Shuffling years (4 of 6, 3 kept from before)")
    assert [share for share, _ in seen] == sorted(share for share, _ in seen)
    questions.importance(evaluation, model, Shuffles(metric="log_loss"))
    again = questions.importance(Engine(folder).open(evaluation.facts), scorer(fails, "f"))
    assert len(calls) == 6
    assert again.frame.equals(first.frame)
    assert (again.receipt.cached, again.receipt.id) == (True, first.receipt.id)
    questions.importance(evaluation, scorer(predict, "g"), Shuffles(repeats=1))
    assert len(calls) == 12


def fails(frame):
    raise ModelFailed("the endpoint died")


def test_what_cannot_be_asked(cases):
    binary, model = cases["binary"], scorer(right)

    def refused(predict=right, evaluation=binary, error=BadRequest, mark="h", asked=None, **changes):
        with pytest.raises(error) as caught:
            questions.importance(evaluation, scorer(predict, mark, **changes), asked or Shuffles())
        return str(caught.value)

    gaps = lambda frame: two(np.where(np.arange(len(frame)) == 7, np.nan, chance(frame)))  # noqa: E731
    assert "no number (nan or infinity) for 1 of 1,200 rows" in refused(gaps, error=ModelFailed)
    assert "'yes' is not among them" in refused(lambda frame: Answers(right(frame).scores, ("no", "maybe")), mark="i")
    assert "one number is forecast" in refused(right, cases["regression"], mark="j")
    assert "It is not known what a single row does to 'ece'" in refused(asked=Shuffles(metric="ece"))
    assert "has no worse side" in refused(asked=Shuffles(metric="selection_rate"))
    assert "is for regression" in refused(asked=Shuffles(metric="r2"))
    assert "takes no feature 'w'" in refused(asked=Shuffles(groups=(("pay", "w"),)))
    assert "outside 0 to 1" in refused(
        lambda frame: Answers(np.column_stack([-margin(frame), margin(frame)]), ("no", "yes")),
        mark="k",
        asked=Shuffles(metric="log_loss"),
    )
    scores_only = lambda frame: Answers(right(frame).scores, ("no", "yes"))  # noqa: E731
    assert "--threshold" in refused(scores_only, error=Undecided, mark="l", asked=Shuffles(metric="accuracy"))
    assert "none of the evaluation's classes" in refused(
        lambda frame: Answers(np.empty((len(frame), 0)), (), pl.Series(["perhaps"] * len(frame))),
        error=ModelFailed,
        mark="m",
        scores=False,
    )
    assert "no labelled row here" in refused(asked=Shuffles(where=parse("pay > 1000")))
    labels_only = lambda frame: Answers(np.empty((len(frame), 0)), (), right(frame).labels)  # noqa: E731
    result = questions.importance(binary, scorer(labels_only, "n", scores=False))
    at = questions.importance(binary, scorer(scores_only, "l"), Shuffles(metric="accuracy", threshold=0.5))
    assert result.frame["importance"].to_list() == at.frame["importance"].to_list()
    few = questions.importance(binary, model, Shuffles(limit=20))
    assert set(few.frame["verdict"]) == {"not enough data"}


def test_a_curve_is_scikit_learns(cases):
    model = scorer(right, "o")
    result = questions.dependence(cases["binary"], model, feature="years", row="C7")
    rows = asking.draw(cases["binary"], model, where=None, period=None, limit=500, seed=20_260, truth=False).frame
    grid = result.frame["at"].to_numpy()
    theirs = inspection.partial_dependence(
        Wrapped(),
        as_numbers(rows),
        [2],
        custom_values={2: grid},
        method="brute",
        kind="both",
        response_method="predict_proba",
    )
    np.testing.assert_allclose(result.frame["mean"], theirs["average"][0], atol=1e-9)
    curves = result.frames["curves"]
    single = curves.filter(~pl.col("own"))["score"].to_numpy().reshape(30, len(grid))
    np.testing.assert_allclose(single, theirs["individual"][0][:30], atol=1e-9)
    own = curves.filter("own")
    assert own["row"].unique().to_list() == ["C7"]
    here = result.frames["here"].row(0, named=True)
    asked = asking.draw(cases["binary"], model, where=parse("id = 'C7'"), period=None, limit=1, seed=0, truth=False)
    assert here["score"] == pytest.approx(right(asked.inputs).scores[0, 1], abs=1e-12)
    assert here["value"] == str(asked.frame["v2"][0])
    assert f"Row C7 has {here['value']} there and gets {here['score']:.3f}" in result.sentence
    spread = theirs["individual"][0].std(axis=0, ddof=1) / np.sqrt(500)
    half = (result.frame["high"] - result.frame["low"]).to_numpy() / 2
    np.testing.assert_allclose(half, 1.9647 * spread, rtol=1e-4)
    assert result.sentence.startswith("The mean score of 'yes' by own@1 falls from")
    assert result.frames["spread"]["n"].sum() == SIZE
    words = questions.dependence(cases["binary"], model, feature="region")
    assert words.frame["value"].to_list() == ["East", "North", "West"]
    assert "highest" in words.sentence
    flat = questions.dependence(cases["regression"], scorer(forecast, "p", classes=()), feature="idle")
    assert "does not depend on idle" in flat.sentence
    with pytest.raises(BadRequest, match="takes no feature 'w'"):
        questions.dependence(cases["binary"], model, feature="w")


def test_a_class_the_curve_is_not_of_is_refused(cases):
    with pytest.raises(BadRequest, match="of the positive one, 'yes'"):
        questions.dependence(cases["binary"], scorer(right), feature="pay", of_class="no")
    with pytest.raises(UnknownName, match="perhaps"):
        questions.dependence(cases["binary"], scorer(right), feature="pay", of_class="perhaps")
    with pytest.raises(BadRequest, match="has no classes"):
        questions.dependence(cases["regression"], scorer(forecast, "f", classes=()), feature="pay", of_class="yes")


def test_another_q_is_another_answer(cases, monkeypatch):
    asked, model = Shuffles(limit=300), scorer(right, "q")
    questions.importance(cases["binary"], model, asked)
    assert questions.importance_known(cases["binary"], model, asked) is not None
    monkeypatch.setenv("ASSAY_Q", "0.2")
    assert questions.importance_known(cases["binary"], model, asked) is None


def test_association_of_any_two_columns():
    rng = np.random.default_rng(2)
    x, group = rng.normal(size=4000), rng.integers(0, 4, 4000)
    assert association(x, np.exp(x))[0] == pytest.approx(1)
    assert association(group, 3 - group)[0] == pytest.approx(1)
    assert association(group, group + 1e-3 * rng.normal(size=4000))[0] > 0.95
    for other in (rng.normal(size=4000), rng.integers(0, 6, 4000)):
        assert association(x, other)[0] < 0.06
        assert association(group, other)[0] < 0.06


def test_in_the_terminal(cases, folder, monkeypatch):
    facts = cases["binary"].facts
    monkeypatch.setattr("analysis.cli.leaning.evaluations.find", lambda workspace, name: facts)
    monkeypatch.setattr("analysis.cli.leaning.models.find", lambda workspace, name: scorer(right, "q").model)
    monkeypatch.setattr("analysis.cli.leaning.models.scorer", lambda workspace, model: scorer(right, "q"))
    monkeypatch.setattr("analysis.cli.leaning.Engine.open", lambda self, found: cases["binary"])
    said = twin.ask(
        folder.root, "importance", "e", "--model", "own", "--together", "pay,twin", "--rows", 300, "--json"
    ).json
    assert said["frame"][0]["feature"] == "pay + twin"
    assert set(said["frames"]) == {"related"}
    said = twin.ask(
        folder.root, "dependence", "e", "--model", "own", "--feature", "years", "--row", "C7", "--json"
    ).json
    assert [row["value"] for row in said["frame"]] == [str(at) for at in range(9)]
    assert (
        "no column 'yeras'" in twin.ask(folder.root, "dependence", "e", "--model", "own", "--feature", "yeras").refusal
    )
    assert (
        "--by-period is one of"
        in twin.ask(folder.root, "importance", "e", "--model", "own", "--by-period", "moon").refusal
    )


# How often the interval holds what is lost of all rows there could be ---------------------------------------------


def world(rng, n, task, each=1):
    """(x, y, unit) of n rows; each: rows of a unit, which share most of their first feature and their luck."""
    unit = np.arange(n) // each
    x = rng.normal(size=(n, 4))
    if each > 1:
        x[:, 0] = np.sqrt(0.8) * rng.normal(size=n)[unit] + np.sqrt(0.2) * x[:, 0]
    x[:, 1] = 0.5 * x[:, 0] + np.sqrt(0.75) * x[:, 1]
    lin = x[:, 0] + 0.6 * x[:, 1] - 0.3 * x[:, 2] + 0.4 * x[:, 0] * x[:, 2]
    lin += rng.normal(size=n)[unit] if each > 1 else 0
    if task == "regression":
        return x, lin + rng.normal(size=n), unit
    return x, (rng.uniform(size=n) < 1 / (1 + np.exp(0.8 - lin))).astype(int), unit


def judged(facts, x, y, metric):
    lin = 0.9 * x[:, 0] + 0.5 * x[:, 1] - 0.3 * x[:, 2] + 0.4 * x[:, 0] * x[:, 2]
    score = 1 / (1 + np.exp(0.8 - lin))
    if facts.task == "regression":
        return held.terms(facts, held.Held(facts, y, lin), metric)
    return held.terms(facts, held.Held(facts, y, (score >= 0.5).astype(int), score), metric)


def shuffles(facts, x, y, metric, given):
    """[[rows with each of three features shuffled]] of each shuffle."""
    for order in given:
        made = []
        for feature in range(3):
            changed = x.copy()
            changed[:, feature] = x[order, feature]
            made.append(judged(facts, changed, y, metric))
        yield made


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "n", "repeats", "each"),
    [
        *((name, 300, 5, 1) for name in ("roc_auc", "accuracy", "log_loss", "f1", "average_precision", "r2", "mae")),
        *((name, 300, 1, 1) for name in ("roc_auc", "accuracy")),
        *((name, 1500, 5, 1) for name in ("roc_auc", "accuracy")),
        *((name, 1200, 5, 4) for name in ("roc_auc", "accuracy")),
    ],
)
def test_the_interval_holds_the_truth(name, n, repeats, each):
    """The truth: the mean of 30 times 100,000 rows, whose own error is a fiftieth of the interval's."""
    task = "regression" if name in ("r2", "mae") else "binary"
    classes = ("no", "yes") if task == "binary" else ()
    facts = Evaluation("e", "e", 1, "f", task, Roles(label="y"), (), (), 10, 10, classes=classes)
    metric, draws = METRICS.get(name), 2000 if name == "average_precision" else 500
    sign = -1 if metric.better == "higher" else 1
    random, far = np.random.default_rng(1), []
    for _ in range(30):
        x, y, _ = world(random, 100_000, task, each)
        value = judged(facts, x, y, metric).value(metric)[0]
        (made,) = shuffles(facts, x, y, metric, [random.permutation(len(x))])
        far.append([sign * (one.value(metric)[0] - value) for one in made])
    truth, holds = np.mean(far, axis=0), np.zeros(3)
    for draw in range(draws):
        x, y, unit = world(np.random.default_rng([draw, n]), n, task, each)
        given, whole = shuffled.dealt(n, repeats, draw), judged(facts, x, y, metric)
        value, influence = whole.value(metric)[0], whole.influence(metric)
        found = list(shuffles(facts, x, y, metric, given))
        for feature in range(3):
            ones = [made[feature] for made in found]
            values = np.array([sign * (one.value(metric)[0] - value) for one in ones])
            moved = np.stack([sign * (one.influence(metric) - influence) for one in ones])
            units = unit if each > 1 else None
            low, high = shuffled.loss(values, moved, given, units, same=False).ends(0.95)
            holds[feature] += low <= truth[feature] <= high
    assert ((holds / draws >= 0.925) & (holds / draws <= 0.975)).all(), holds / draws
