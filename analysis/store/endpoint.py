"""Endpoints: a model that answers at an address. What the workspace keeps of one is a small JSON file, its definition.

The definition holds where it is, how one speaks with it, what it takes, and what it said when it was added: its
version and its answers to a few rows (its probe). Of a header that carries a secret it holds the name of the
environment variable with the value, never the value. So the sha256 of the file is the fingerprint of all that, and a
model that was exchanged behind its address becomes another version when it is added again.
"""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from analysis.core import words
from analysis.core.classorder import class_text
from analysis.core.errors import BadFile, BadRequest, ModelFailed
from analysis.core.model import Answers, Standing
from analysis.store import modelhosts
from analysis.store.modelhosts import Place

MLFLOW, JSON = "mlflow", "json"
PROTOCOLS = (MLFLOW, JSON)
SCORES, LABELS = "scores", "labels"
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")  # a token of RFC 9110
OWN = ("host", "content-length", "content-type", "transfer-encoding", "connection", "accept", "accept-encoding")
CLOSE = 1e-6  # absolute or relative; what rounding in a server's arithmetic may move
ADVICE = " Add it again to keep what it is now as a version of its own."
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Endpoint:
    """A definition. features: their names in order. headers: {header: environment variable with its value}.

    numbers: what single numbers are it answers, SCORES or LABELS. version: what it says of itself, "" where nothing.
    rows: its probe, a value a feature each (None: missing); scores (a list a row, None for no number) and labels (None
    where it gives none): what it answered.
    """

    address: str
    protocol: str
    features: tuple[str, ...]
    classes: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    numbers: str = SCORES
    version: str = ""
    rows: tuple[Row, ...] = ()
    scores: tuple[tuple[float | None, ...], ...] = ()
    labels: tuple[str | None, ...] | None = None

    @property
    def place(self) -> Place:
        return modelhosts.place(self.address)

    def content(self) -> bytes:
        """The definition's bytes; the same definition gives the same ones."""
        return json.dumps(asdict(self), ensure_ascii=False, allow_nan=False, sort_keys=True).encode() + b"\n"


def endpoint(
    address: str,
    protocol: str,
    *,
    features: Sequence[str],
    classes: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
) -> Endpoint:
    """A definition that may be asked. headers: {header: environment variable}. BadRequest where something is amiss.

    The address of an MLflow server may leave out `/invocations`.
    """
    if protocol not in PROTOCOLS:
        raise BadRequest(f"There is no protocol '{protocol}'; there are {words.listed(list(PROTOCOLS))}.")
    place = modelhosts.place(address)
    if protocol == MLFLOW and place.path == "/":
        place = place.beside("/invocations")
    modelhosts.allow(place)
    if not features:
        raise BadRequest(
            "An endpoint takes features by name; name them by --features, or give the role feature to the columns."
        )
    given = tuple(sorted((headers or {}).items()))
    for header, variable in given:
        if not HEADER.fullmatch(header) or header.lower() in OWN:
            raise BadRequest(f"'{header[:100]}' is no header one may give.")
        if not VARIABLE.fullmatch(variable):
            raise BadRequest(f"The header {header} takes the name of an environment variable, not a value.")
    if given and place.scheme == "http" and place.host not in (modelhosts.LOCAL, "127.0.0.1", "::1"):
        raise BadRequest("A header with a secret goes over https only, or to this machine; anybody could read it.")
    made = Endpoint(place.text, protocol, tuple(features), tuple(classes), given)
    secrets(made)
    return made


def read(content: bytes) -> Endpoint:
    """A definition from its bytes; BadFile where they are none."""
    try:
        kept = json.loads(content)
        kept["headers"] = tuple((header, variable) for header, variable in kept["headers"])
        for name in ("rows", "scores"):
            kept[name] = tuple(tuple(row) for row in kept[name])
        kept["labels"] = None if kept["labels"] is None else tuple(kept["labels"])
        return Endpoint(**{**kept, "features": tuple(kept["features"]), "classes": tuple(kept["classes"])})
    except (ValueError, KeyError, TypeError) as error:
        raise BadFile("The definition of the endpoint is damaged; delete the model and add it again.") from error


def secrets(found: Endpoint) -> dict[str, str]:
    """{environment variable: value} of its headers; ModelFailed where one is missing or cannot be a header."""
    made = {}
    for header, variable in found.headers:
        value = os.environ.get(variable, "")
        if not value:
            raise ModelFailed(f"The environment variable {variable}, for the endpoint's header {header}, is not set.")
        if not re.fullmatch(r"[ -~]{1,8000}", value):
            raise ModelFailed(f"The environment variable {variable} holds what no header may: use visible ASCII.")
        made[variable] = value
    return made


def needed(file: Path) -> dict[str, str]:
    """The secrets of a definition's file, as `secrets`."""
    return secrets(read(file.read_bytes()))


def introduced(found: Endpoint, version: str, answers: Answers, classes: Sequence[str]) -> Endpoint:
    """A definition with what the endpoint said of its probe. classes: those of the evaluation, () for a forecast.

    Numbers that are all whole and all among the classes are labels: nothing else tells the two apart.
    """
    known = found.classes or tuple(classes)
    made = replace(found, version=version, classes=found.classes or answers.classes)
    single = answers.scores.shape[1] == 1 and answers.labels is None and len(answers.scores) > 0
    if single and known and {class_text(each) for each in answers.scores[:, 0]} <= set(known):
        made = replace(made, numbers=LABELS)
        answers = as_labels(answers)
    return replace(
        made,
        scores=tuple(tuple(float(each) if np.isfinite(each) else None for each in row) for row in answers.scores),
        labels=None if answers.labels is None else tuple(answers.labels.to_list()),
    )


def as_labels(answers: Answers) -> Answers:
    """One number a row, read as the class it names."""
    named = [None if np.isnan(each) else class_text(each) for each in answers.scores[:, 0]]
    return Answers(np.empty((len(named), 0)), answers.classes, pl.Series(named, dtype=pl.String))


def standing(kept: Endpoint, version: str, answers: Answers) -> Standing:
    """Whether it still answers its probe as when it was added."""
    rows, count = len(kept.rows), words.plural(len(kept.rows), "row")
    then = np.array([[np.nan if each is None else each for each in row] for row in kept.scores], dtype=float)
    then = then.reshape(len(kept.scores), len(kept.scores[0]) if kept.scores else 0)
    labels = tuple(answers.labels.to_list()) if answers.labels is not None else None
    if answers.scores.shape != then.shape or (labels is None) != (kept.labels is None):
        return Standing(rows, rows, f"The endpoint answers in another shape than when it was added.{ADVICE}")
    equal = np.isclose(answers.scores, then, rtol=CLOSE, atol=CLOSE, equal_nan=True).all(axis=1)
    if labels is not None and kept.labels is not None:
        equal &= np.array([now == was for now, was in zip(labels, kept.labels, strict=True)], dtype=bool)
    other = int((~equal).sum())
    turned = f" It calls itself {version or 'nothing'} now and {kept.version or 'nothing'} then."
    if other:
        largest = np.abs(answers.scores - then)[np.isfinite(answers.scores - then)].max(initial=0.0)
        by = f", by up to {words.significant(float(largest))}" if largest else ""
        said = f"The endpoint answers {other:,} of the {count} kept when it was added otherwise than then{by}:"
        return Standing(rows, other, f"{said} another model stands behind its address.{ADVICE}")
    said = f"The endpoint answers the {count} kept when it was added as it did then."
    return Standing(rows, 0, said + (turned if version != kept.version else ""))


def sent(value: Any) -> Any:
    """A feature's value as JSON has it: missing and nan are null."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float | Decimal):
        return float(value) if np.isfinite(float(value)) else None
    return str(value)
