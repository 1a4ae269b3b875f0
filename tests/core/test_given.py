"""Given roles: what an analyst said on the command line, as roles."""

import pytest

from analysis.core import given
from analysis.core.errors import BadRequest, UnknownName
from analysis.core.roles import ModelColumns

COLUMNS = ["y", "p", "s", "s=2", "a,b", "new:s", "t", "q", "class=x"]


def roles(**said):
    return given.roles(COLUMNS, single=said.pop("single", {}), many=said.pop("many", {}), **said)


def test_one_model_from_its_columns():
    made = roles(single={"label": "y", "positive": "whatever"}, prediction="p", scores=["s"], latency="t")
    assert made.label == "y"
    assert made.positive == "whatever"
    assert made.zone == "UTC"
    assert made.models == (ModelColumns("model", "p", ((None, "s"),), (), "t"),)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("s", (None, "s")),
        ("s=2", (None, "s=2")),  # an exact column name wins over its '='
        ("yes=s", ("yes", "s")),
        ("yes=s=2", ("yes", "s=2")),
        ("a=b=s", ("a=b", "s")),
        ("x=class=x", ("x", "class=x")),
    ],
)
def test_scores_with_and_without_a_class(text, meant):
    assert roles(scores=[text]).models[0].scores == (meant,)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("new:score=s", ModelColumns("new", None, ((None, "s"),))),
        ("new:score=s,prediction=p", ModelColumns("new", "p", ((None, "s"),))),
        ("v 1:score=s=2,latency=t", ModelColumns("v 1", None, ((None, "s=2"),), (), "t")),
        ("new:prediction=a,b,score=s", ModelColumns("new", "a,b", ((None, "s"),))),
        ("new:score[yes]=s,score[no]=p", ModelColumns("new", None, (("yes", "s"), ("no", "p")))),
        ("new:q0.1=q,q0.9=s", ModelColumns("new", None, (), ((0.1, "q"), (0.9, "s")))),
        ("new:score=new:s", ModelColumns("new", None, ((None, "new:s"),))),
    ],
)
def test_models_of_wide_files(text, meant):
    assert roles(models=[text]).models == (meant,)


@pytest.mark.parametrize(
    ("said", "error", "words"),
    [
        ({"single": {"label": "z"}}, UnknownName, "column 'z'"),
        ({"many": {"segments": ("y", "z")}}, UnknownName, "column 'z'"),
        ({"scores": ["yes=z"]}, UnknownName, "column 'z'"),
        ({"models": ["new"]}, BadRequest, "NAME:score=COLUMN"),
        ({"models": [":score=s"]}, BadRequest, "NAME:score=COLUMN"),
        ({"models": ["new:scroe=s"]}, BadRequest, "'scroe=s'"),
        ({"models": ["new:score=z"]}, UnknownName, "column 'z'"),
        ({"models": ["new:score=s"], "prediction": "p"}, BadRequest, "Say either --model"),
        ({"quantiles": ["q"]}, BadRequest, "0.1=COLUMN"),
        ({"quantiles": ["1.5=q"]}, BadRequest, "between 0 and 1"),
    ],
)
def test_what_makes_no_sense_is_refused(said, error, words):
    with pytest.raises(error, match=words):
        roles(**said)


def test_lines_of_a_form():
    assert given.class_scores("yes=s\n\n no=p ", COLUMNS) == (("yes", "s"), ("no", "p"))
    assert given.quantile_columns("0.1=q\n0.9=s", COLUMNS) == ((0.1, "q"), (0.9, "s"))
    with pytest.raises(BadRequest, match="'s' alone"):
        given.class_scores("s", COLUMNS)
    with pytest.raises(UnknownName):
        given.quantile_columns("0.1=z", COLUMNS)


def test_a_reference_period():
    assert given.reference("") is None
    assert given.reference("2026-01-05:2026-03-01") == ("2026-01-05", "2026-03-01")
    for text in ("2026-01-05", "2026-01-05:", "2026-03-01:2026-01-05"):
        with pytest.raises(BadRequest):
            given.reference(text)
