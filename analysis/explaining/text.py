"""Local explanations of a text: what each of its words is worth, as LIME's text explainer has it.

Neighbours are the row's own text without some of its words, every other feature as it is; they count by the cosine
distance of their words to the text's. With the same seed the weights are those of the `lime` package (`by_lime`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from analysis.core.errors import BadRequest, ModelFailed
from analysis.explaining.local import SCHEMA, Options, Scores, answered, ridge

WORD = "word"
WIDTH, FURTHER = 25.0, 100.0
"""The kernel's width, and what a cosine distance is multiplied by."""
MOST_WORDS = 2000
SPLIT = re.compile(r"(\W+)|$")
SAME = 1e-12


@dataclass(frozen=True)
class Text:
    """A text in pieces that joined give it again. terms: its different words in the order they come, lower case where
    `folded`. places: per piece the place of its term, -1 of what stands between words."""

    pieces: tuple[str, ...]
    terms: tuple[str, ...]
    places: tuple[int, ...]
    folded: bool

    def without(self, kept: np.ndarray) -> str:
        """The text with only the terms of this mask (terms,); what stands between words stays."""
        return "".join(piece for piece, at in zip(self.pieces, self.places, strict=True) if at < 0 or kept[at])


def split(text: str, folded: bool) -> Text:
    """The words of a text. folded: words that differ only in case are one.

    >>> split("Late, late pay", True).terms
    ('late', 'pay')
    """
    pieces = tuple(each for each in SPLIT.split(text) if each)
    known: dict[str, int] = {}
    places = []
    for piece in pieces:
        if SPLIT.match(piece):
            places.append(-1)
        else:
            places.append(known.setdefault(piece.lower() if folded else piece, len(known)))
    return Text(pieces, tuple(known), tuple(places), folded)


@dataclass(frozen=True)
class TextAsked:
    """A row whose text is explained. row: {feature: value}. column: the text's. folds: whether the model gives the
    same answer to the text in lower and in upper case, which is asked."""

    scores: Scores
    row: Mapping[str, Any]
    kinds: Mapping[str, Any]
    column: str
    words: Text

    def asked(self, texts: list[str]) -> np.ndarray:
        """(n,) what the model says of the row with each of these texts."""
        others = [
            pl.repeat(self.row[name], len(texts), dtype=self.kinds[name], eager=True).alias(name) for name in self.kinds
        ]
        frame = pl.DataFrame(others).with_columns(pl.Series(self.column, texts, dtype=pl.String))
        return answered(self.scores, frame.select(list(self.kinds)))


def opened(scores: Scores, rows: pl.DataFrame, column: str) -> TextAsked:
    """rows: the row as the model takes it. BadRequest where it has no words in this column, or more than 2,000."""
    row, kinds = rows.row(0, named=True), dict(rows.schema)
    text = row[column]
    plain = TextAsked(scores, row, kinds, column, split(text or "", False))
    if not plain.words.terms:
        raise BadRequest(f"The row has no words in '{column}', so there is nothing to explain by.")
    found = plain.words
    lower, upper = text.lower(), text.upper()
    if lower != upper and len(split(lower, False).pieces) == len(found.pieces):
        said = plain.asked([text, lower, upper])
        if np.ptp(said) <= SAME * max(1.0, float(np.abs(said).max())):
            found = split(text, True)
    if len(found.terms) > MOST_WORDS:
        raise BadRequest(
            f"The text in '{column}' has {len(found.terms):,} different words; {MOST_WORDS:,} can be told."
        )
    return TextAsked(scores, row, kinds, column, found)


def draw(terms: int, seed: int, samples: int) -> np.ndarray:
    """(samples, terms) which words a neighbour keeps, as lime's text explainer draws them; the first keeps all."""
    random = np.random.RandomState(seed)
    sizes = random.randint(1, terms + 1, samples - 1)
    kept = np.ones((samples, terms), dtype=bool)
    for at, size in enumerate(sizes, start=1):
        kept[at, random.choice(terms, size, replace=False)] = False
    return kept


def explained(asked: TextAsked, options: Options, seed: int, place: int) -> pl.DataFrame:
    """A row a word: the frame of explaining/local.py. place: of the text's column among the features."""
    words = asked.words
    kept = draw(len(words.terms), seed, options.samples)
    answers = asked.asked([words.without(each) for each in kept])
    apart = FURTHER * (1 - np.sqrt(kept.sum(axis=1) / len(words.terms)))
    width = WIDTH if options.kernel_width is None else options.kernel_width
    nearness = np.exp(-(apart**2) / (2 * width**2))
    weights, surrogate, fit = ridge(kept.T.astype(float), answers, nearness, options.alpha)
    return _framed(words, place, seed, weights, float(answers[0]), surrogate, fit)


def _framed(
    words: Text, place: int, seed: int, weights: np.ndarray, prediction: float, surrogate: float, fit: float
) -> pl.DataFrame:
    said = (0.0, prediction, surrogate, fit)
    rows = [
        (0, seed, term, place, WORD, float(weight), *said) for term, weight in zip(words.terms, weights, strict=True)
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def occluded(asked: TextAsked) -> pl.DataFrame:
    """A row a word: the prediction less the one without it; the frame of explaining/occlusion.py."""
    words = asked.words
    count = len(words.terms)
    said = asked.asked([asked.row[asked.column], *(words.without(each) for each in ~np.eye(count, dtype=bool))])
    made = {
        "term": words.terms,
        "usual": ["left out"] * count,
        "steps": [1.0] * count,
        "occlusion": said[0] - said[1:],
    }
    return pl.DataFrame(made)


def by_lime(asked: TextAsked, options: Options, seed: int, place: int) -> pl.DataFrame:
    """What the package's text explainer says, given the text as the model reads it; the frame of `explained`."""
    from lime.lime_text import LimeTextExplainer
    from sklearn.linear_model import Ridge

    words, seen = asked.words, []

    def both(texts: list[str]) -> np.ndarray:
        seen.append(asked.asked(texts))
        return np.column_stack([-seen[-1], seen[-1]])

    explainer = LimeTextExplainer(
        kernel_width=WIDTH if options.kernel_width is None else options.kernel_width,
        feature_selection="none",
        random_state=seed,
    )
    text = "".join(piece.lower() if words.folded else piece for piece in words.pieces)
    said = explainer.explain_instance(
        text, both, num_features=len(words.terms), num_samples=options.samples, model_regressor=Ridge(options.alpha)
    )
    weights = np.zeros(len(words.terms))
    for at, weight in said.local_exp[1]:
        weights[at] = weight
    if len(said.local_exp[1]) != len(words.terms):
        raise ModelFailed("The lime package splits this text into other words.")
    return _framed(words, place, seed, weights, float(seen[0][0]), float(said.local_pred[0]), float(said.score))
