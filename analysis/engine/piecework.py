"""Piecework: a long answer made of pieces. Each is kept in the workspace as soon as it is made, so that work that was
cancelled, failed or cut off goes on where it stopped, and whatever shares a piece is quicker.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from analysis import __version__
from analysis.core import words
from analysis.core.errors import Interrupted
from analysis.engine.query import OpenEvaluation

Progress = Callable[[float, str], None]
Report = Callable[[float], None]


@dataclass(frozen=True)
class Piece:
    """mark: all that its frame follows from besides the evaluation, JSON-able: a model by its fingerprint, rows, seeds.

    doing: what is done, in a few words. make(report): the frame; it reports the share done, 0 to 1, and whatever it
    raises ends the work. size: how much of the work it is, in the unit of the other pieces.
    """

    mark: Mapping[str, Any]
    doing: str
    make: Callable[[Report], pl.DataFrame]
    size: float = 1.0


def _key(piece: Piece) -> str:
    return f"piece {__version__} {json.dumps(piece.mark, sort_keys=True)}"


def missing(opened: OpenEvaluation, pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces nobody has made yet."""
    return [each for each in pieces if not opened.kept.holds(opened.facts.id, _key(each))]


def made(
    opened: OpenEvaluation,
    pieces: Sequence[Piece],
    *,
    progress: Progress = lambda share, doing: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[pl.DataFrame]:
    """The frame of each piece in turn, kept ones from the workspace. progress: the share of what had to be made, so
    that the time left follows from measured pieces alone. Interrupted between two pieces where it was cancelled.
    """
    new = missing(opened, pieces)
    total, done = sum(each.size for each in new), 0.0
    had = len(pieces) - len(new)
    for place, piece in enumerate(pieces):
        if cancelled():
            raise Interrupted(f"Cancelled. {kept_words(place)}")
        frame = opened.kept.get(opened.facts.id, _key(piece))
        if frame is None:

            def report(share: float, piece: Piece = piece, done: float = done) -> None:
                if cancelled():
                    raise Interrupted(f"Cancelled. {kept_words(place)}")  # noqa: B023 - called within this turn
                progress(min(1.0, (done + share * piece.size) / max(total, piece.size)), said)  # noqa: B023

            said = f"{piece.doing} ({place + 1} of {len(pieces)}{f', {had} kept from before' if had else ''})"
            report(0.0)
            frame = piece.make(report)
            opened.kept.put(opened.facts.id, _key(piece), frame)
            done += piece.size
        yield frame


def kept_words(count: int) -> str:
    """What is not lost, in a sentence."""
    if not count:
        return "Nothing was done yet."
    return (
        f"{words.plural(count, 'part')} of the work {'is' if count == 1 else 'are'} kept; starting again goes on there."
    )
