"""compare-groups through the terminal twin and as a question: the right rows on either side, and few false claims."""

import re
from datetime import date

import duckdb
import numpy as np
import pytest
import sklearn.metrics as sk
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportions_ztest

from analysis.core import words
from analysis.core.errors import BadRequest
from analysis.core.expression import parse
from analysis.core.roles import ModelColumns, Roles
from analysis.metrics import METRICS
from analysis.questions import compare_groups
from tests.engine.making import Folder, Table, binary, opened
from tests.engine.test_pair import table as two_versions
from tests.questions.twin import ask, some, write

REGIONS = ("North", "South", "West")
GIVEN = ["--label", "paid", "--time", "day", "--id", "id", "--task", "binary", "--positive", "yes"]


def loans(seed=3, size=1500):
    """Two model versions; the first is worse in the West."""
    random = np.random.default_rng(seed)
    rows = []
    for place in range(size):
        region = str(random.choice(REGIONS))
        score = round(float(random.beta(2, 3)), 3)
        noisy = score if region != "West" or random.random() < 0.4 else round(float(random.random()), 3)
        rows.append(
            {
                "id": place,
                "paid": some(random, ["no", "yes"][int(random.random() < score)], 0.05),
                "old": some(random, noisy, 0.04),
                "new": some(random, score, 0.06),
                "old said": int(noisy >= 0.4),
                "new said": some(random, int(score >= 0.5), 0.03),
                "region": some(random, region, 0.05),
                "age": int(random.integers(18, 80)),
                "day": f"2026-{1 + place % 3:02d}-{1 + place % 28:02d}",
                "value": "x",
            }
        )
    return rows


ROWS = loans()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("twin")
    assert ask(folder / "w", "ingest", write(folder / "loans.csv", ROWS)).status == 0
    models = ["--model", "old:score=old,prediction=old said", "--model", "new:score=new,prediction=new said"]
    assert ask(folder / "w", "evaluate", "loans", "--name", "loans", *GIVEN, *models).status == 0
    return folder / "w"


def compared(workspace, *words):
    return ask(workspace, "compare-groups", "loans", *words, "--json").json


def kept(test=lambda row: True, *models):
    """Labelled rows that pass and every one of the models decided."""
    return [row for row in ROWS if row["paid"] and test(row) and all(row[f"{m} said"] is not None for m in models)]


def recall(rows, model):
    said = [row[f"{model} said"] for row in rows if row["paid"] == "yes"]
    return sum(said), len(said)


def test_columns_cut_into_bins_are_groups(workspace):
    made = compared(workspace, "--by", "age", "--bins", "age=40", "--metrics", "recall", "--model", "old")
    sides = [recall(kept(lambda row, old=old: (row["age"] >= 40) == old, "old"), "old") for old in (False, True)]
    assert [row["age"] for row in made["frame"]] == ["below 40", "40 and above"]
    assert [(row["value"], row["n"]) for row in made["frame"]] == [(pytest.approx(k / n), n) for k, n in sides]
    said = ask(workspace, "measure", "loans", "--by", "age", "--bins", "age=40", "--metrics", "recall", "--json").json
    assert [(row["value"], row["n"]) for row in said["frame"][:2]] == [(pytest.approx(k / n), n) for k, n in sides]
    said = ask(workspace, "measure", "loans", "--by", "day", "--bins", "day=month", "--metrics", "prevalence", "--json")
    assert {row["day"] for row in said.json["frame"]} == {"Jan 2026", "Feb 2026", "Mar 2026"}
    assert "--by too" in ask(workspace, "measure", "loans", "--bins", "age=40").refusal
    assert "COLUMN=HOW" in ask(workspace, "measure", "loans", "--by", "age", "--bins", "age").refusal


def test_each_group_against_the_rest(workspace):
    made = compared(workspace, "--by", "region", "--metrics", "recall,roc_auc", "--model", "old")
    by_size = sorted(REGIONS, key=lambda name: -sum(row["region"] == name for row in ROWS))
    assert [row["region"] for row in made["frame"] if row["metric"] == "recall"] == [*by_size, None]
    for row in made["frame"]:
        assert (row["model"], row["other"]) == ("old", "the rest")
        mine, rest = (kept(lambda r, s=s, of=row["region"]: (r["region"] == of) is s, "old") for s in (True, False))
        if row["metric"] == "recall":
            (k1, n1), (k2, n2) = recall(mine, "old"), recall(rest, "old")
            assert (row["n"], row["other_n"]) == (n1, n2)
            assert row["difference"] == pytest.approx(k1 / n1 - k2 / n2, abs=1e-12)
            assert row["p"] == pytest.approx(proportions_ztest([k1, k2], [n1, n2])[1], rel=1e-9)
        else:
            sides = [[(r["paid"] == "yes", r["old"]) for r in side if r["old"] is not None] for side in (mine, rest)]
            areas = [sk.roc_auc_score(*zip(*side, strict=True)) for side in sides]
            assert (row["value"], row["other_value"]) == pytest.approx(tuple(areas), rel=1e-12)
        assert row["difference_low"] <= row["difference"] <= row["difference_high"]
        assert row["detectable"] > 0
    p = [row["p"] for row in made["frame"]]
    np.testing.assert_allclose([row["p_adjusted"] for row in made["frame"]], multipletests(p, method="fdr_bh")[1])
    assert (made["receipt"]["m"], made["receipt"]["q"]) == (8, 0.05)
    west = next(row for row in made["frame"] if row["region"] == "West" and row["metric"] == "roc_auc")
    assert west["verdict"] == "worse"
    assert "West" in made["sentence"]


def test_each_cell_against_its_row_and_column_as_segments_does(workspace):
    words = ("--by", "region,age", "--bins", "age=40", "--model", "old")
    made = compared(workspace, *words, "--against", "parents", "--metrics", "recall,roc_auc")["frame"]
    west = kept(lambda row: row["region"] == "West" and row["age"] < 40, "old")
    row = kept(lambda row: row["region"] == "West" and row["age"] >= 40, "old")
    column = kept(lambda row: row["region"] != "West" and row["age"] < 40, "old")
    other = kept(lambda row: row["region"] != "West" and row["age"] >= 40, "old")
    a, b, c, d = (k / n for k, n in (recall(side, "old") for side in (west, row, column, other)))
    cell = next(
        each for each in made if (each["region"], each["age"], each["metric"]) == ("West", "below 40", "recall")
    )
    assert cell["difference"] == pytest.approx((a - b) - (c - d), abs=1e-12)
    assert (cell["other"], cell["other_value"]) == ("its row and column", pytest.approx(b + c - d))
    assert cell["difference_low"] < cell["difference"] < cell["difference_high"]
    assert "two columns" in ask(workspace, "compare-groups", "loans", "--by", "region", "--against", "parents").refusal


@pytest.mark.parametrize(("how", "then"), [("before", "2026-02-05"), ("weekdays", "2026-02-01")])
def test_each_group_against_itself_at_an_earlier_time(workspace, how, then):
    first, last = date(2026, 2, 15), date(2026, 2, 24)
    begin = date.fromisoformat(then)
    words = ("--by", "region", "--metrics", "recall", "--model", "old", "--from", str(first), "--to", str(last))
    made = compared(workspace, *words, "--against", how)["frame"]
    for row in made:
        sides = [
            recall(
                kept(
                    lambda r, f=f, of=row["region"]: (
                        r["region"] == of and 0 <= (date.fromisoformat(r["day"]) - f).days <= 9
                    ),
                    "old",
                ),
                "old",
            )
            for f in (first, begin)
        ]
        assert (row["n"], row["other_n"]) == (sides[0][1], sides[1][1])
        assert row["difference"] == pytest.approx(sides[0][0] / sides[0][1] - sides[1][0] / sides[1][1], abs=1e-12)
        assert row["other"] == f"{begin} to {begin + (last - first)}"
    assert "--from" in ask(workspace, "compare-groups", "loans", "--by", "region", "--against", "season").refusal


def test_claims_are_corrected_by_holm(workspace):
    made = compared(workspace, "--by", "region", "--metrics", "recall,accuracy", "--claims")
    p = [row["p"] for row in made["frame"]]
    np.testing.assert_allclose([row["p_adjusted"] for row in made["frame"]], multipletests(p, method="holm")[1])
    assert made["receipt"]["options"]["correction"] == "Holm"


def test_against_one_group_and_against_the_whole(workspace):
    made = compared(workspace, "--by", "region", "--against", "West", "--metrics", "recall", "--model", "new")["frame"]
    k, n = recall(kept(lambda r: r["region"] == "West", "new"), "new")
    assert {row["region"] for row in made} == {"North", "South", None}
    assert {(row["other"], row["other_n"]) for row in made} == {("West", n)}
    assert all(row["other_value"] == pytest.approx(k / n, rel=1e-12) for row in made)
    whole = compared(workspace, "--by", "region", "--against", "overall", "--metrics", "recall", "--model", "new")
    k, n = recall(kept(lambda r: True, "new"), "new")
    assert {(row["other"], row["other_n"]) for row in whole["frame"]} == {("overall", n)}
    assert any("too wide" in note for note in whole["receipt"]["notes"])


def test_two_segments(workspace):
    options = ["--a", "age < 30", "--b", "age >= 50", "--metrics", "recall", "--model", "new"]
    (row,) = compared(workspace, *options)["frame"]
    (k1, n1), (k2, n2) = (
        recall(kept(test, "new"), "new") for test in (lambda r: r["age"] < 30, lambda r: r["age"] >= 50)
    )
    assert row["difference"] == pytest.approx(k1 / n1 - k2 / n2, abs=1e-12)
    assert (row["n"], row["other_n"]) == (n1, n2)
    (alone,) = compared(workspace, "--a", "age < 30", "--metrics", "recall", "--model", "new")["frame"]
    assert alone["other_n"] == recall(kept(lambda r: r["age"] >= 30, "new"), "new")[1]


def test_two_periods(workspace):
    periods = "2026-01-01:2026-01-31,2026-03-01:2026-03-31"
    (row,) = compared(workspace, "--periods", periods, "--metrics", "recall", "--model", "new")["frame"]
    sides = [recall(kept(lambda r, m=m: r["day"][5:7] == m, "new"), "new") for m in ("01", "03")]
    assert row["difference"] == pytest.approx(sides[0][0] / sides[0][1] - sides[1][0] / sides[1][1], abs=1e-12)
    assert row["period"] == "2026-01-01 to 2026-01-31"


def test_two_model_versions_on_the_same_rows(workspace):
    made = compared(workspace, "--models", "new,old", "--metrics", "accuracy,roc_auc,log_loss")
    rows = {row["metric"]: row for row in made["frame"]}
    both = kept(lambda r: True, "new", "old")
    right = [[(r["paid"] == "yes") == bool(r[f"{m} said"]) for r in both] for m in ("new", "old")]
    table = [
        [sum(a == x and b == y for a, b in zip(*right, strict=True)) for y in (True, False)] for x in (True, False)
    ]
    wanted = mcnemar(table, exact=table[0][1] + table[1][0] < 25, correction=False)
    assert rows["accuracy"]["p"] == pytest.approx(wanted.pvalue, rel=1e-9)
    assert rows["accuracy"]["n"] == rows["accuracy"]["other_n"] == len(both)
    scored = [r for r in ROWS if r["paid"] and r["new"] is not None and r["old"] is not None]
    y = np.array([r["paid"] == "yes" for r in scored])
    scores = {m: np.array([r[m] for r in scored]) for m in ("new", "old")}
    area = sk.roc_auc_score(y, scores["new"]) - sk.roc_auc_score(y, scores["old"])
    assert rows["roc_auc"]["difference"] == pytest.approx(area, abs=1e-12)
    eps = np.finfo(float).eps
    loss = {m: -np.log(np.clip(np.where(y, s, 1 - s), eps, 1 - eps)) for m, s in scores.items()}
    assert rows["log_loss"]["p"] == pytest.approx(stats.ttest_rel(loss["new"], loss["old"]).pvalue, rel=1e-8)
    assert all(row["method"].startswith("paired") for row in rows.values())
    assert made["receipt"]["rows"][0]["model"] == "new and old"
    assert any("rows both answered" in note for note in made["receipt"]["notes"])


def test_two_versions_in_each_group(workspace):
    made = compared(workspace, "--models", "new,old", "--by", "region", "--metrics", "accuracy")["frame"]
    for row in made:
        assert row["n"] == len(kept(lambda r, of=row["region"]: r["region"] == of, "new", "old"))
    assert {row["region"] for row in made} == {*REGIONS, None}


@pytest.mark.parametrize(
    "options",
    [
        ["--by", "region"],
        ["--a", "age < 30"],
        ["--models", "new,old", "--metrics", "recall,f1,roc_auc,brier"],
        ["--models", "new,old", "--metrics", "recall,roc_auc", "--threshold", "0.45"],
    ],
    ids=" ".join,
)
def test_receipts_give_the_same_value_and_n_in_a_bare_duckdb(workspace, options, monkeypatch):
    made = (
        compared(workspace, *options, "--metrics", "recall,roc_auc,brier")
        if "--metrics" not in options
        else compared(workspace, *options)
    )
    monkeypatch.chdir(workspace)
    seen = 0
    for row in made["frame"]:
        names = [f"{row['metric']} ({row['model']})", f"{row['metric']} ({row['model']}, rows of {row['other']} too)"]
        names += [f"{row['metric']} ({row['model']}, {row.get('segment')})"]
        sql = next(made["receipt"]["sql"][name] for name in names if name in made["receipt"]["sql"])
        with duckdb.connect() as bare:
            for statement in sql.split(";\n"):
                found = bare.execute(statement)
            rows = found.fetchall()
        mine = [each for each in rows if "region" not in row or each[0] == row["region"]]
        assert len(mine) == 1
        assert mine[0][-1] == row["n"]
        assert mine[0][-2] == pytest.approx(row["value"], rel=1e-9)
        seen += 1
    assert seen


@pytest.mark.parametrize("options", [["--by", "region"], ["--models", "new,old"], ["--a", "age < 30"]], ids=" ".join)
def test_every_number_of_the_sentence_is_in_the_frame(workspace, options):
    made = compared(workspace, *options)
    known = set()
    for row in made["frame"]:
        unit = METRICS.get(row["metric"]).unit
        known |= {words.number(row["value"], unit), f"{row['n']:,}", "30"}
        known |= {words.delta(row[name], unit).removesuffix(" pts") for name in row if name.startswith("difference")}
    found = re.findall(r"(?<![\w.])[−+]?\d[\d,]*(?:\.\d+)?%?", made["sentence"])
    spoken = {each.rstrip(",") for each in found}
    assert len(spoken) > 3
    assert spoken <= known


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "Say one thing to compare"),
        (["--by", "region", "--a", "age < 30"], "Say one thing to compare"),
        (["--b", "age < 30"], "give --a too"),
        (["--a", "age < 40", "--b", "age > 20"], "share"),
        (["--by", "region", "--against", "Wst"], "Did you mean 'West'"),
        (["--by", "regoin"], "Did you mean 'region'"),
        (["--models", "new"], "two different model versions"),
        (["--models", "new,odl"], "Did you mean 'old'"),
        (["--periods", "2026-01-01:2026-02-10,2026-02-01:2026-02-28"], "overlap"),
        (["--periods", "2026-01-01"], "two periods"),
        (["--periods", "2026-01-01:,2026-02-01:2026-02-28"], "first and its last day"),
        (["--by", "region", "--metrics", "mae"], "regression"),
        (["--by", "region", "--level", "2"], "--level"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_in_one_sentence(workspace, options, said):
    assert said in ask(workspace, "compare-groups", "loans", *options, "--json").refusal


def test_a_group_column_that_collides_is_renamed(workspace):
    made = compared(workspace, "--by", "value", "--metrics", "accuracy", "--model", "old")
    assert made["frame"][0]["value_"] == "x"
    assert made["frame"][0]["difference"] is None
    assert "Nothing could be compared" in made["sentence"]


# As a question ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("evaluations"))
    yield made
    made.close()


def shuffled(folder, seed, groups=20, size=2000):
    """Labels that know nothing of the group."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 2, size)
    table, roles = binary(
        y=("INTEGER", y.tolist()),
        p=("INTEGER", np.where(random.random(size) < 0.7, y, 1 - y).tolist()),
        s=("DOUBLE", np.round(random.random(size), 2).tolist()),
        g=("VARCHAR", [f"g{each}" for each in random.integers(0, groups, size)]),
    )
    return opened(folder, table, task="binary", roles=roles)


def claims(result):
    return result.frame.filter(result.frame["verdict"].is_in(["better", "worse", "different"]))


def test_on_nothing_one_result_hardly_claims_anything(folder):
    made = [compare_groups(shuffled(folder, seed), by=["g"]) for seed in range(4)]
    assert sum(len(each.frame) for each in made) == 320
    assert sum(len(claims(each)) for each in made) <= 2


@pytest.mark.slow
@pytest.mark.parametrize("holm", [False, True])
def test_on_nothing_results_with_a_claim_are_at_most_q(folder, holm):
    """On null data every claim is false, so the false-discovery rate is the share of results with a claim."""
    runs, wrong = 200, 0
    for seed in range(runs):
        made = shuffled(folder, 1000 + seed)
        wrong += bool(len(claims(compare_groups(made, by=["g"], claims=holm))))
        folder.file("evaluation", made.facts.id).unlink()
    assert wrong / runs <= 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5


def test_small_groups_and_missing_labels_earn_no_verdict(folder):
    random = np.random.default_rng(1)
    size = 1200
    y = [None if i % 4 == 0 and i < 200 else int(random.integers(0, 2)) for i in range(size)]
    g = ["unlabelled" if i < 200 else "tiny" if i < 220 else "large" if i < 700 else "wide" for i in range(size)]
    p = [1 - (each or 0) if name != "large" else each for each, name in zip(y, g, strict=True)]
    table, roles = binary(y=("INTEGER", y), p=("INTEGER", p), g=("VARCHAR", g))
    made = opened(folder, table, task="binary", roles=roles)
    said = dict(compare_groups(made, by=["g"], metrics=["accuracy"]).frame.select("g", "verdict").iter_rows())
    assert said == {"large": "better", "wide": "worse", "unlabelled": "not enough data", "tiny": "not enough data"}
    rates = compare_groups(made, by=["g"], metrics=["selection_rate"]).frame
    assert dict(rates.select("g", "verdict").iter_rows())["tiny"] == "not enough data"


def test_classes_and_numbers(folder):
    random = np.random.default_rng(2)
    names = np.array(["a", "b", "c"])
    y = random.choice(names, 900)
    p = [np.where(random.random(900) < share, y, random.choice(names, 900)).tolist() for share in (0.8, 0.5)]
    table = Table({"y": ("VARCHAR", y.tolist()), "p": ("VARCHAR", p[0]), "q": ("VARCHAR", p[1])})
    roles = Roles(label="y", models=(ModelColumns("one", "p"), ModelColumns("two", "q")))
    made = opened(folder, table, task="multiclass", roles=roles)
    frame = compare_groups(made, pair=["one", "two"], metrics=["recall", "macro_f1"]).frame
    assert frame["class"].to_list() == ["a", "b", "c", None]
    assert set(frame["verdict"]) == {"better"}
    truth = random.normal(50, 9, 600)
    columns = {"y": truth, "p": truth + random.normal(0, 1, 600), "q": truth + random.normal(0, 3, 600)}
    table = Table({name: ("DOUBLE", values.tolist()) for name, values in columns.items()})
    made = opened(folder, table, task="regression", roles=roles)
    frame = compare_groups(made, pair=["one", "two"], metrics=["mae", "rmse", "r2", "median_ae"]).frame
    assert frame["verdict"].to_list() == ["better"] * 4
    wanted = stats.ttest_rel(*(np.abs(columns[name] - truth) for name in "pq"))
    assert frame["p"][0] == pytest.approx(wanted.pvalue, rel=1e-6, abs=1e-300)
    assert frame["method"][3].startswith("as if unpaired")


def test_sides_that_share_rows_are_refused_with_their_number(folder):
    made = shuffled(folder, 5)
    types = made.facts.types()
    one, two = (parse(text, columns=types) for text in ("g in ('g1', 'g2')", "g in ('g2', 'g3')"))
    with pytest.raises(BadRequest, match=r"share \d+ rows"):
        compare_groups(made, a=one, b=two)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_every_metric_can_be_compared(folder, task, weighted):
    """By group and on shared rows: a difference lies within its interval, and what has none says why."""
    given, roles = two_versions(task, weighted)
    made = opened(folder, given, task=task, roles=roles)
    names = [metric.name for metric in METRICS if task in metric.tasks]
    for options in ({"by": ["region"]}, {"pair": ["one", "two"]}, {"pair": ["one", "two"], "by": ["region"]}):
        frame = compare_groups(made, metrics=names, **options).frame
        assert set(frame["metric"]) == set(names)
        for row in frame.iter_rows(named=True):
            if row["difference"] is None:
                assert row["reason"]
                continue
            assert row["difference_low"] - 1e-12 <= row["difference"] <= row["difference_high"] + 1e-12, row
            paired = row["method"].startswith(("paired", "as if unpaired"))
            assert paired == ("pair" in options)
            assert row["difference"] == pytest.approx(row["value"] - row["other_value"], rel=1e-9, abs=1e-12)
