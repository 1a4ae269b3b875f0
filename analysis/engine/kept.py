"""Kept answers: results that took long, in the cache of cubes, so that a page or a link shows them again at once."""

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import polars as pl

from analysis import __version__
from analysis.core.receipt import Receipt, Result, Used
from analysis.core.settings import setting
from analysis.engine.cache import Shelf

VERDICTS = ("q", "small_group", "labelled_share")
"""Settings that any answer's verdicts may hang on: an answer under other ones is another answer."""


def _key(question: str, options: Mapping[str, Any]) -> str:
    judged = {name: setting(name) for name in VERDICTS}
    return f"{question} {__version__} {json.dumps({**options, 'settings': judged}, sort_keys=True)}"


def keep(shelf: Shelf, options: Mapping[str, Any], result: Result) -> None:
    """Keep a result under what was asked."""
    said = {"sentence": result.sentence, "receipt": asdict(result.receipt)}
    parts = {"": json.dumps(said).encode()}
    frames = {"frame": result.frame} | {f"frame {name}": each for name, each in result.frames.items()}
    for name, frame in frames.items():
        body = io.BytesIO()
        frame.write_ipc(body)
        parts[name] = body.getvalue()
    table = pl.DataFrame(
        {"part": list(parts), "body": list(parts.values())}, schema={"part": pl.String, "body": pl.Binary}
    )
    shelf.cache.put(shelf.id, _key(result.receipt.question, options), table)


def kept(shelf: Shelf, question: str, options: Mapping[str, Any]) -> Result | None:
    """The result kept under what is asked, marked as cached; None where there is none."""
    table = shelf.cache.get(shelf.id, _key(question, options))
    if table is None:
        return None
    parts = dict(table.iter_rows())
    said = json.loads(parts.pop(""))
    frames = {name: pl.read_ipc(io.BytesIO(body)) for name, body in parts.items()}
    made = said["receipt"]
    made["used"] = tuple(Used(**each) for each in made["used"])
    made["notes"], made["recommended"] = tuple(made["notes"]), tuple(made["recommended"])
    receipt = replace(Receipt(**made), cached=True)
    main = frames.pop("frame")
    return Result(main, said["sentence"], receipt, {name.removeprefix("frame "): each for name, each in frames.items()})
