"""What rows are made of: counted row by row, tested as others test, honest about what is not known."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint, proportions_ztest

from analysis.core import words
from analysis.core.errors import BadRequest
from analysis.core.expression import parse
from analysis.questions import composition
from tests.engine.making import Folder, binary, opened

SIZE = 900


def table(seed, *, null=False):
    random = np.random.default_rng(seed)
    region = [None if random.random() < 0.06 else str(random.choice(["North", "South", "it's"])) for _ in range(SIZE)]
    score = random.beta(2, 2, SIZE).round(3)
    label = [None if random.random() < 0.1 else int(random.random() < each) for each in score]
    wrong = [0.3 if null else 0.75 if each == "South" else 0.15 for each in region]
    said = [int((each >= 0.5) != (random.random() < bad)) for each, bad in zip(score, wrong, strict=True)]
    return binary(
        y=("VARCHAR", [None if each is None else ["no", "yes"][each] for each in label]),
        p=("VARCHAR", ["no" if each == 0 else "yes" for each in said]),
        s=("DOUBLE", score.tolist()),
        region=("VARCHAR", region),
        kind=("VARCHAR", random.choice(["a", "b", "c", "d"], SIZE).tolist()),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("composition"))
    yield made
    made.close()


MISSED = parse("label_ = 'yes' and prediction_ = 'no'")


def test_shares_are_those_of_the_rows_themselves(folder):
    data, roles = table(1)
    result = composition(opened(folder, data, task="binary", roles=roles), MISSED, by=["region", "kind"])
    rows = list(zip(*(data.values(name) for name in ("y", "p", "region", "kind")), strict=True))
    known = [row for row in rows if row[0] is not None]
    inside = [row for row in known if row[:2] == ("yes", "no")]
    assert result.frames["total"].row(0) == (len(inside), len(known), len(inside) / len(known))
    for place, column in ((2, "region"), (3, "kind")):
        found = {row["value"]: row for row in result.frame.iter_rows(named=True) if row["column"] == column}
        assert set(found) == {row[place] for row in known}
        for value, row in found.items():
            n = sum(each[place] == value for each in known)
            k = sum(each[place] == value for each in inside)
            assert (row["rows"], row["of"]) == (k, n)
            assert (row["share"], row["part"]) == (pytest.approx(k / n), pytest.approx(k / len(inside)))
            assert row["rest"] == pytest.approx((n - k) / (len(known) - len(inside)))
            assert (row["low"], row["high"]) == pytest.approx(proportion_confint(k, n, method="wilson"))
            two = (k, len(inside), n - k, len(known) - len(inside))
            ends = confint_proportions_2indep(*two, method="newcomb", compare="diff", correction=False)
            assert (row["difference_low"], row["difference_high"]) == pytest.approx(ends, abs=1e-9)
            assert row["p"] == pytest.approx(proportions_ztest(two[0::2], two[1::2])[1])
    p = result.frame["p"].to_list()
    assert result.frame["p_adjusted"].to_list() == pytest.approx(multipletests(p, method="fdr_bh")[1].tolist())
    assert (result.receipt.m, result.receipt.q) == (len(p), 0.05)


def test_the_planted_column_is_said_first_and_every_number_is_in_the_frames(folder):
    data, roles = table(2)
    evaluation = opened(folder, data, task="binary", roles=roles)
    result = composition(evaluation, MISSED)
    row = result.frame.filter((result.frame["column"] == "region") & (result.frame["value"] == "South")).row(
        0, named=True
    )
    assert row["verdict"] == "more"
    assert "What sets them apart: region is South in " + words.number(row["part"], "share") in result.sentence
    one = composition(evaluation, MISSED, by=["region"])
    total = one.frames["total"].row(0, named=True)
    ends = words.between(row["low"], row["high"], "share")
    share = words.number(row["share"], "share")
    assert one.sentence.startswith(f"{total['rows']:,} rows of {total['of']:,} (")
    assert f"highest where region is South, {share} ({ends}, n {row['of']:,}) and lowest where it is" in one.sentence


def test_rows_without_a_label_are_outside_of_nothing_unless_it_is_what_is_asked(folder):
    data, roles = table(3)
    evaluation = opened(folder, data, task="binary", roles=roles)
    waiting = composition(evaluation, parse("label_ is missing"), by=["kind"])
    total = waiting.frames["total"].row(0, named=True)
    assert (total["rows"], total["of"]) == (sum(each is None for each in data.values("y")), SIZE)
    assert waiting.receipt.options["known"] == ""
    known = composition(evaluation, parse("not (label_ = 'yes')"), by=["kind"]).frames["total"].row(0, named=True)
    assert known["of"] == sum(each is not None for each in data.values("y"))
    assert known["rows"] == sum(each == "no" for each in data.values("y"))


def test_the_filter_and_the_threshold_hold(folder):
    data, roles = table(4)
    evaluation = opened(folder, data, task="binary", roles=roles)
    result = composition(
        evaluation, parse("prediction_ = 'yes'"), by=["region"], where=parse("kind = 'a'"), threshold=0.7
    )
    scores, kinds = data.values("s"), data.values("kind")
    total = result.frames["total"].row(0, named=True)
    assert total["of"] == kinds.count("a")
    assert total["rows"] == sum(score >= 0.7 and kind == "a" for score, kind in zip(scores, kinds, strict=True))


def test_where_there_is_nothing_to_compare_it_says_so(folder):
    data, roles = table(5)
    evaluation = opened(folder, data, task="binary", roles=roles)
    for text in ("everything", "not (everything)"):
        result = composition(evaluation, parse(text), by=["kind"])
        assert "nothing to set them apart from" in result.sentence
        assert set(result.frame["verdict"]) == {"not enough data"}
        assert result.receipt.m is None
    with pytest.raises(BadRequest, match="no column 'kid'"):
        composition(evaluation, MISSED, by=["kid"])


@pytest.mark.slow
def test_on_nothing_few_tables_raise_an_alarm(folder):
    alarms = 0
    for seed in range(200):
        data, roles = table(1000 + seed, null=True)
        result = composition(opened(folder, data, task="binary", roles=roles), parse("s > 0.5"), by=["region", "kind"])
        alarms += bool(set(result.frame["verdict"]) & {"more", "fewer"})
    assert alarms <= 18  # 5 % of 200 is 10; 99.5 % of binomials stay at 18 or below
