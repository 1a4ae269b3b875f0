"""The question explain of a text: its words signed as they were made to be, its pieces, its checks; as a kept model."""

import json

import polars as pl
import pytest
import skops.io

from analysis import questions
from analysis.core.errors import BadRequest
from analysis.core.expression import parse
from analysis.core.model import Answers, Input, Model, Scorer
from analysis.core.roles import ModelColumns, Roles
from analysis.engine.duckdb import Engine
from analysis.explaining.asked import explained
from analysis.store import datasets, evaluations, models
from analysis.telling import explainrows, letter
from tests.explaining.notes import BAD, GOOD, fitted, notes, scores


@pytest.fixture(scope="module")
def rows():
    made = notes()
    return made.with_columns(pl.Series("score", scores(fitted(made))(made)))


@pytest.fixture(scope="module")
def opened(kept, rows, tmp_path_factory):
    file = tmp_path_factory.mktemp("notes") / "notes.csv"
    rows.write_csv(file)
    dataset, _ = datasets.ingest(kept, file, name="notes")
    roles = Roles(
        id=("id",),
        label="bad",
        positive="yes",
        features=("note", "amount"),
        text=("note",),
        models=(ModelColumns("m", scores=((None, "score"),)),),
    )
    return Engine(kept).open(evaluations.create(kept, dataset, name="notes", task="binary", roles=roles)[0])


@pytest.fixture(scope="module")
def scorer(rows):
    asked = fitted(rows)

    def answers(frame):
        columns = frame.rename(dict(zip(frame.columns, ("note", "amount"), strict=True)))
        return Answers(asked.predict_proba(columns.to_pandas()), ("no", "yes"))

    model = Model("t", "own", 1, "skops", "t" * 64, "own", 10, inputs=(Input("note"), Input("amount")))
    return Scorer(model, answers, lambda question: explained(answers, question))


def told(rows):
    """A row with words of both kinds."""
    both = (pl.col("note").str.contains(f"(?i){'|'.join(each)}") for each in (BAD, GOOD))
    return rows.filter(*both).row(0, named=True)


def test_words_have_the_signs_they_were_made_with_and_the_text_is_told_in_pieces(opened, scorer, rows):
    row = told(rows)
    result = questions.explain(opened, scorer, row=row["id"], text="note", samples=1500)
    signs = {each["feature"]: each["weight"] for each in result.frame.filter("settled").iter_rows(named=True)}
    for word in {each.lower() for each in (*BAD, *GOOD)} & set(signs):
        assert (signs[word] > 0) == (word in {each.lower() for each in BAD}), word
    assert len(signs) > 1
    assert result.frame["kind"].unique().to_list() == ["word"]
    pieces = result.frames["pieces"]
    assert "".join(pieces["piece"]) == row["note"]
    weights = dict(result.frame.select("feature", "weight").iter_rows())
    for each in pieces.filter(pl.col("feature").is_not_null()).iter_rows(named=True):
        assert each["feature"] == each["piece"].lower()
        assert each["weight"] == weights[each["feature"]]
    checks = {each["check"]: each for each in result.frames["checks"].iter_rows(named=True)}
    assert checks["lime package"]["outcome"] == "clear"
    assert checks["outside"]["outcome"] == "not applicable"
    assert "Left out, " in checks["occlusion"]["sentence"]
    assert result.receipt.options["text"] == "note"
    assert result.receipt.options["kernel_width"] == 25
    assert "mostly because '" in result.sentence
    again = questions.explain(opened, scorer, row=row["id"], text="note", samples=1500)
    assert again.frame.equals(result.frame)
    shown = explainrows.highlighted(result)
    assert "".join(piece for piece, *_ in shown) == row["note"]
    assert {tone for _, tone, _ in shown} >= {"more", "less", ""}
    assert {piece.lower() for piece, _, strong in shown if strong} >= {result.frame["feature"][0]}
    assert "the word" in letter.paragraph(result)
    assert json.loads(explainrows.told(result, True))["frame"][0]["per"] == "this word instead of none"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"text": "amount"}, "'amount' is no text the model reads. Its texts: note"),
        ({"text": "bad"}, "'bad' is no text the model reads"),
        ({"text": "note", "where": parse("amount > 90")}, "leave out the segment"),
    ],
)
def test_what_is_no_text_of_the_model_is_refused(opened, scorer, asked, said):
    with pytest.raises(BadRequest, match=said):
        questions.explain(opened, scorer, row="N1", **asked)


@pytest.mark.slow
def test_a_kept_pipeline_is_explained_in_its_worker(kept, opened, scorer, rows, tmp_path):
    file = tmp_path / "notes.skops"
    file.write_bytes(skops.io.dumps(fitted(rows)))
    model, _ = models.add(kept, file, name="m", evaluation="notes")
    options = {"row": told(rows)["id"], "text": "note", "samples": 500, "repeats": 3}
    far = questions.explain(opened, models.scorer(kept, model), **options)
    near = questions.explain(opened, scorer, **options)
    assert far.frame["feature"].to_list() == near.frame["feature"].to_list()
    assert (far.frame["weight"] - near.frame["weight"]).abs().max() < 1e-9
    assert far.frames["checks"].filter(pl.col("check") == "recorded")["outcome"][0] == "clear"
    models.delete(kept, model)
