"""Explanations of words: the weights of lime's text explainer, the case the model reads, what is refused."""

import numpy as np
import polars as pl
import pytest
from lime.lime_text import LimeTextExplainer

from analysis.core.errors import BadRequest
from analysis.explaining import text
from analysis.explaining.local import Options
from tests.explaining.notes import fitted, notes, scores

OPTIONS = Options(samples=600)
ODD = "LATE again: late, LATE! the client's letter (overdue) 3 paid\nstraße İstanbul"


@pytest.fixture(scope="module")
def rows():
    return notes()


@pytest.fixture(scope="module")
def model(rows):
    return fitted(rows)


@pytest.fixture(scope="module")
def cased(rows):
    return fitted(rows, lowercase=False)


def row_of(rows, note):
    return rows.select(pl.lit(note).alias("note"), "amount").head(1)


def package(asked, note, amount, seed, width=25):
    """{word: weight}, the fit and the surrogate as lime's users get them."""

    def probabilities(texts):
        score = asked(pl.DataFrame({"note": texts, "amount": [amount] * len(texts)}))
        return np.column_stack([1 - score, score])

    explainer = LimeTextExplainer(kernel_width=width, feature_selection="none", random_state=seed)
    said = explainer.explain_instance(note, probabilities, num_features=1000, num_samples=OPTIONS.samples)
    return dict(said.as_list()), said.score, said.local_pred[0]


@pytest.mark.parametrize("seed", [0, 9])
@pytest.mark.parametrize("width", [None, 40.0])
def test_the_weights_are_those_of_the_lime_package(rows, model, seed, width):
    asked = scores(model)
    amount = rows["amount"][0]
    for note in (rows["note"][4], ODD.replace("İ", "I")):
        opened = text.opened(asked, row_of(rows, note), "note")
        assert opened.words.folded
        own = text.explained(opened, Options(OPTIONS.samples, width), seed, 0)
        said, fit, surrogate = package(asked, note.lower(), amount, seed, width or 25)
        assert own["term"].to_list() == list(dict.fromkeys(own["term"]))
        assert set(own["term"]) == set(said)
        for term, weight in own.select("term", "weight").iter_rows():
            assert weight == pytest.approx(said[term], abs=1e-9)
        assert own["fit"][0] == pytest.approx(fit, abs=1e-9)
        assert own["surrogate"][0] == pytest.approx(surrogate, abs=1e-9)
        reference = text.by_lime(opened, Options(OPTIONS.samples, width), seed, 0)
        np.testing.assert_allclose(own["weight"], reference["weight"], rtol=0, atol=1e-9)


def test_words_keep_their_case_where_the_model_tells_it_apart(rows, model, cased):
    of = {
        name: text.opened(scores(each), row_of(rows, "Late late pay"), "note")
        for name, each in (("folds", model), ("tells", cased))
    }
    assert of["folds"].words.terms == ("late", "pay")
    assert of["tells"].words.terms == ("Late", "late", "pay")
    said, *_ = package(scores(cased), "Late late pay", rows["amount"][0], 2)
    own = text.explained(of["tells"], OPTIONS, 2, 0)
    assert dict(own.select("term", "weight").iter_rows()) == pytest.approx(said, abs=1e-9)


def test_a_text_in_pieces_is_the_text_and_a_word_left_out_is_gone_everywhere():
    words = text.split(ODD, True)
    kept = np.ones(len(words.terms), dtype=bool)
    assert words.without(kept) == ODD
    kept[words.terms.index("late")] = False
    assert words.without(kept) == " again: , ! the client's letter (overdue) 3 paid\nstraße İstanbul"


def test_a_word_left_out_alone_is_what_occlusion_says(rows, model):
    asked = scores(model)
    opened = text.opened(asked, row_of(rows, "overdue and paid"), "note")
    found = text.occluded(opened)
    amount = rows["amount"][0]
    whole, without = asked(pl.DataFrame({"note": ["overdue and paid", " and paid"], "amount": [amount] * 2}))
    assert found["occlusion"][0] == pytest.approx(whole - without, abs=1e-12)
    assert found["term"].to_list() == ["overdue", "and", "paid"]


@pytest.mark.parametrize("note", [None, "", " ... !"])
def test_a_text_without_words_is_refused(rows, model, note):
    frame = rows.select(pl.lit(note, dtype=pl.String).alias("note"), "amount").head(1)
    with pytest.raises(BadRequest, match="no words in 'note'"):
        text.opened(scores(model), frame, "note")


def test_too_many_words_are_refused(rows, model):
    note = " ".join(f"w{at}" for at in range(text.MOST_WORDS + 1))
    with pytest.raises(BadRequest, match="2,001 different words; 2,000 can be told"):
        text.opened(scores(model), row_of(rows, note), "note")
