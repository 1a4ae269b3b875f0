"""Quotes: where in a piece of a CSV a text is inside a quoted field.

A quote opens a field only at the field's start (spaces before it are left out); two quotes inside stand for one; the
closing quote is followed by the delimiter or the line's end (spaces between are left out). A quote elsewhere is text.
"""

from dataclasses import dataclass, field

import numpy as np

from analysis.store.csvdialect import Dialect

SPACE, RETURN = 32, 13


@dataclass(frozen=True)
class Quotes:
    """toggles: (K,) places where being inside changes. drops: spans of spaces around quoted fields. broken: the place
    of the quote whose field is not closed properly (-1: it was open before the piece began), None where all is well.
    """

    toggles: np.ndarray
    drops: list[tuple[int, int]] = field(default_factory=list)
    broken: int | None = None

    def inside(self, places: np.ndarray, quoted: bool) -> np.ndarray:
        """Which places are inside a quoted field, `quoted` telling whether the piece begins inside one."""
        return ((np.searchsorted(self.toggles, places) + quoted) & 1).astype(bool)

    def last_opened(self, quoted: bool) -> int | None:
        """The last place where a field was opened (a doubled quote reopens one and is passed over)."""
        at = len(self.toggles) - 1
        at -= (at + quoted) & 1
        while at > 0 and self.toggles[at - 1] == self.toggles[at] - 1:
            at -= 2
        return int(self.toggles[at]) if at >= 0 else None


NONE = Quotes(np.empty(0, dtype=np.int64))


def find(piece: bytes, bytes_: np.ndarray, dialect: Dialect, *, quoted: bool) -> Quotes:
    """The quotes of a piece that begins at a line's start and ends with a newline. bytes_: the same bytes, (N,)."""
    quote = dialect.quote.encode()
    if not quote or (quote not in piece and not quoted):
        return NONE
    places = np.flatnonzero(bytes_ == quote[0])
    delimiter = dialect.delimiter.encode()
    opening, closing = places[int(quoted) :: 2], places[1 - int(quoted) :: 2]
    edge = np.zeros(256, dtype=bool)
    edge[[dialect.newline[0], quote[0]]] = True
    if len(delimiter) == 1:
        edge[delimiter[0]] = True
    before = edge[bytes_[opening - 1]]
    before[opening == 0] = True
    edge[RETURN] = True
    after = edge[bytes_[closing + 1]]
    if len(delimiter) > 1:
        before |= _is_at(bytes_, opening - len(delimiter), delimiter)
        after |= _is_at(bytes_, closing + 1, delimiter)
    if before.all() and after.all():
        return Quotes(places)
    return _walk(piece, places.tolist(), quote[0], delimiter, dialect.newline[0], quoted)


def _is_at(bytes_: np.ndarray, places: np.ndarray, delimiter: bytes) -> np.ndarray:
    fine = (places >= 0) & (places + len(delimiter) <= len(bytes_))
    for step, each in enumerate(delimiter):
        fine[fine] = bytes_[places[fine] + step] == each
    return fine


def _walk(piece: bytes, places: list[int], quote: int, delimiter: bytes, newline: int, quoted: bool) -> Quotes:
    toggles: list[int] = []
    drops: list[tuple[int, int]] = []
    opened, at = -1, 0
    padding = SPACE if delimiter != b" " else -1
    while at < len(places):
        place = places[at]
        at += 1
        if not quoted:
            start = place
            while start > 0 and piece[start - 1] == padding:
                start -= 1
            if start == 0 or piece[start - 1] == newline or piece.endswith(delimiter, 0, start):
                quoted, opened = True, place
                toggles.append(place)
                if start < place:
                    drops.append((start, place))
        elif piece[place + 1] == quote:
            at += 1
        else:
            end = place + 1
            while piece[end] == padding:
                end += 1
            if piece[end] not in (newline, RETURN) and not piece.startswith(delimiter, end):
                return Quotes(np.array(toggles, dtype=np.int64), drops, opened)
            quoted = False
            toggles.append(place)
            if end > place + 1:
                drops.append((place + 1, end))
    return Quotes(np.array(toggles, dtype=np.int64), drops)
