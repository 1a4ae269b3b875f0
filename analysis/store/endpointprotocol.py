"""How one speaks with an endpoint: what is sent for rows, and what its JSON answer says of them.

MLflow's scoring protocol takes `{"dataframe_split": {"columns": [...], "data": [[...], ...]}}` and answers
`{"predictions": [...]}`, a row each: a number, a label, a list of class scores, or an object of named outputs.

The plain protocol takes `{"rows": [{feature: value, ...}, ...]}` and answers
`{"scores": [[...], ...], "classes": [...], "labels": [...], "version": "..."}`: scores (a list a row, or a number a
row) or labels must be there, the rest may be left out. null is a missing value in both directions.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from analysis.core import words
from analysis.core.classorder import class_text
from analysis.core.errors import ModelFailed
from analysis.core.model import Answers
from analysis.store.endpoint import LABELS, MLFLOW, Endpoint, Row, as_labels

MOST_SCORES = 1000


def request(endpoint: Endpoint, rows: Sequence[Row]) -> bytes:
    """The body that asks about rows."""
    asked: dict[str, Any]
    if endpoint.protocol == MLFLOW:
        asked = {"dataframe_split": {"columns": list(endpoint.features), "data": [list(row) for row in rows]}}
    else:
        asked = {"rows": [dict(zip(endpoint.features, row, strict=True)) for row in rows]}
    return json.dumps(asked, ensure_ascii=False, allow_nan=False).encode()


def parsed(body: bytes) -> Any:
    """JSON from an answer, also with NaN and Infinity as Python's servers write them; ModelFailed where it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ModelFailed("The endpoint's answer is no JSON, or it is cut short.") from error


def answers(endpoint: Endpoint, said: Any, rows: int) -> Answers:
    """What an answer says of `rows` rows; ModelFailed where it is of another shape."""
    if endpoint.protocol == MLFLOW:
        made = _mlflow(endpoint, said, rows)
    else:
        made = _plain(said, rows)
    if endpoint.numbers == LABELS and made.labels is None and made.scores.shape[1] == 1:
        made = as_labels(made)
    if endpoint.classes and made.classes and made.classes != endpoint.classes:
        raise ModelFailed(
            f"The endpoint names its classes {_quoted(made.classes)}; it was added with {_quoted(endpoint.classes)}."
        )
    if endpoint.classes and made.scores.shape[1] not in (0, 1, len(endpoint.classes)):
        count = words.plural(len(endpoint.classes), "class", "classes")
        raise ModelFailed(f"The endpoint gives {made.scores.shape[1]:,} scores a row and was added with {count}.")
    return Answers(made.scores, endpoint.classes or made.classes, made.labels)


def _mlflow(endpoint: Endpoint, said: Any, rows: int) -> Answers:
    if not isinstance(said, dict) or "predictions" not in said:
        raise ModelFailed("The endpoint's answer has no \"predictions\"; MLflow's scoring protocol gives them.")
    found = _column(said["predictions"], "predictions", rows)
    if found and all(isinstance(each, dict) for each in found):
        return _named(endpoint, found)
    if found and all(isinstance(each, str | bool | None) for each in found) and any(each is not None for each in found):
        return Answers(np.empty((rows, 0)), (), _texts(found))
    return Answers(_numbers(found, "predictions"))


def _named(endpoint: Endpoint, found: list[dict[str, Any]]) -> Answers:
    """Of named outputs: those called after the known classes are scores, else every one that holds numbers; one that
    holds text is the label.
    """
    names = list(found[0])
    if any(list(each) != names for each in found):
        raise ModelFailed("The endpoint names other outputs for some rows than for others.")
    columns = {name: [each[name] for each in found] for name in names}
    text = [name for name in names if any(isinstance(each, str) for each in columns[name])]
    labels = _texts(columns[text[0]]) if text else None
    chosen = [name for name in endpoint.classes if name in names]
    if endpoint.classes and len(chosen) == len(endpoint.classes):
        classes = tuple(chosen)
    else:
        chosen = [name for name in names if name not in text]
        numbered = chosen == [str(at) for at in range(len(chosen))]  # a frame without column names: places, not classes
        classes = tuple(chosen) if len(chosen) > 1 and not numbered else ()
        listed = len(chosen) == 1 and any(isinstance(each, list) for each in columns[chosen[0]])
        if listed:
            return Answers(_numbers(columns[chosen[0]], chosen[0]), (), labels)
    if not chosen:
        return Answers(np.empty((len(found), 0)), (), labels)
    single = [_numbers(columns[name], name) for name in chosen]
    if any(each.shape[1] != 1 for each in single):
        raise ModelFailed("The endpoint names several outputs, some of them lists; it should give one score a class.")
    return Answers(np.column_stack(single), classes, labels)


def _plain(said: Any, rows: int) -> Answers:
    if not isinstance(said, dict) or (said.get("scores") is None and said.get("labels") is None):
        raise ModelFailed('The endpoint\'s answer has neither "scores" nor "labels".')
    labels = None
    if said.get("labels") is not None:
        labels = _texts(_column(said["labels"], "labels", rows))
    scores = np.empty((rows, 0))
    if said.get("scores") is not None:
        scores = _numbers(_column(said["scores"], "scores", rows), "scores")
    classes = said.get("classes") or []
    if not isinstance(classes, list) or any(isinstance(each, list | dict | None) for each in classes):
        raise ModelFailed('The endpoint\'s "classes" are no list of names.')
    if classes and scores.shape[1] not in (0, 1, len(classes)):
        raise ModelFailed(f"The endpoint names {len(classes):,} classes and gives {scores.shape[1]:,} scores a row.")
    return Answers(scores, tuple(class_text(each) for each in classes), labels)


def version(said: Any) -> str:
    """What an answer of the plain protocol says of the model that gave it."""
    found = said.get("version") if isinstance(said, dict) else None
    return visible(str(found))[:100] if isinstance(found, str | int | float) else ""


def visible(text: str) -> str:
    """A text of another program's in one line, without what would steer a terminal."""
    return "".join(each for each in " ".join(text.split()) if each.isprintable())


def _column(found: Any, name: str, rows: int) -> list[Any]:
    if not isinstance(found, list):
        raise ModelFailed(f'The endpoint\'s "{name}" are no list.')
    if len(found) != rows:
        raise ModelFailed(f'The endpoint gives {len(found):,} "{name}" for {words.plural(rows, "row")}.')
    return found


def _numbers(found: list[Any], name: str) -> np.ndarray:
    """(rows, k) of a number, or a list of k of them, a row."""
    listed = [each if isinstance(each, list) else [each] for each in found]
    width = len(listed[0]) if listed else 1
    if any(len(each) != width for each in listed) or not 1 <= width <= MOST_SCORES:
        raise ModelFailed(f'The endpoint\'s "{name}" are of different lengths, empty, or longer than {MOST_SCORES:,}.')
    made = np.full((len(listed), width), np.nan)
    for at, row in enumerate(listed):
        for place, each in enumerate(row):
            if isinstance(each, bool | int | float):
                made[at, place] = _float(each)
            elif each is not None:
                raise ModelFailed(f'The endpoint\'s "{name}" hold {_kind(each)} where a number belongs.')
    return made


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number beyond what a float holds
        return float("inf")


def _texts(found: list[Any]) -> pl.Series:
    if any(isinstance(each, list | dict) for each in found):
        raise ModelFailed("The endpoint gives a list or an object where a label belongs.")
    return pl.Series([None if each is None else class_text(each) for each in found], dtype=pl.String)


def _kind(value: Any) -> str:
    return "text" if isinstance(value, str) else "a list" if isinstance(value, list) else "an object"


def _quoted(names: Sequence[str]) -> str:
    return words.listed([f"'{name[:40]}'" for name in names[:6]])
