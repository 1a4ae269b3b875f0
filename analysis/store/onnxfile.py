"""What an ONNX file holds, read from its bytes before a runtime sees it: no memory is asked for on its word.

ONNX is Protocol Buffers; the field numbers are those of onnx.proto (onnx/onnx, version 1.x).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from analysis.core.errors import BadFile

DEEPEST = 64
RUN = re.compile(rb"(?:\x3d.{4})++|(?:\x40[\x80-\xff]*+[\x00-\x7f])++", re.DOTALL)  # an attribute's floats, or ints
MODEL, GRAPH, NODE, ATTRIBUTE, TENSOR, SPARSE, TRAINING, FUNCTION = range(8)
PARTS = {  # {message: {field: the message in it}}
    MODEL: {7: GRAPH, 20: TRAINING, 25: FUNCTION},
    GRAPH: {1: NODE, 5: TENSOR, 15: SPARSE},
    NODE: {5: ATTRIBUTE},
    ATTRIBUTE: {5: TENSOR, 6: GRAPH, 10: TENSOR, 11: GRAPH, 22: SPARSE, 23: SPARSE},
    SPARSE: {1: TENSOR, 2: TENSOR},
    TRAINING: {1: GRAPH, 2: GRAPH},
    FUNCTION: {7: NODE, 11: ATTRIBUTE},
    TENSOR: {},
}
PRODUCER, PRODUCER_VERSION = 2, 3
NODE_TYPE = 4
ATTRIBUTE_NAME, ATTRIBUTE_INTS, ATTRIBUTE_STRINGS = 1, 8, 9
EXTERNAL_DATA, DATA_LOCATION = 13, 14


@dataclass
class Held:
    """What was found. operators: their names in order. classes: the labels a classifier answers. external: whether
    values lie outside of the file."""

    producer: str = ""
    operators: list[str] = field(default_factory=list)
    classes: tuple[str, ...] = ()
    external: bool = False


def held(content: bytes) -> Held:
    """What an ONNX file holds; BadFile where it is none or damaged."""
    found = Held()
    try:
        _message(content, 0, len(content), MODEL, found, 0)
    except (IndexError, ValueError) as error:
        raise BadFile("This is no ONNX file, or it is damaged.") from error
    if not found.operators:
        raise BadFile("This is no ONNX file, or it is damaged.")
    return found


def _message(content: bytes, at: int, end: int, kind: int, found: Held, depth: int) -> None:
    if depth > DEEPEST:
        raise ValueError("nested too deeply")
    labels: list[str] = []
    name = b""
    for number, wire, value, start, stop in _fields(content, at, end, kind == ATTRIBUTE):
        part = PARTS[kind].get(number)
        if part is not None and wire == 2:
            _message(content, start, stop, part, found, depth + 1)
        elif kind == TENSOR and (number == EXTERNAL_DATA or (number == DATA_LOCATION and value)):
            found.external = True
        elif kind == NODE and number == NODE_TYPE:
            found.operators.append(content[start:stop].decode(errors="replace"))
        elif kind == ATTRIBUTE and number == ATTRIBUTE_NAME:
            name = content[start:stop]
        elif kind == ATTRIBUTE and number == ATTRIBUTE_STRINGS:
            labels.append(content[start:stop].decode(errors="replace"))
        elif kind == ATTRIBUTE and number == ATTRIBUTE_INTS and wire == 0:
            labels.append(str(value - (1 << 64) if value >= 1 << 63 else value))
        elif kind == MODEL and number in (PRODUCER, PRODUCER_VERSION):
            found.producer = f"{found.producer} {content[start:stop].decode(errors='replace')}".strip()[:100]
    if name.startswith(b"classlabels") and labels:
        found.classes = tuple(labels)


def _fields(content: bytes, at: int, end: int, skip: bool) -> Iterator[tuple[int, int, int, int, int]]:
    """(number, wire type, value, start, stop) of each field; runs of numbers in a long attribute are passed over."""
    while at < end:
        if skip and end - at > 4096:
            run = RUN.match(content, at, end)
            if run is not None:
                at = run.end()
                continue
        tag, at = _varint(content, at)
        number, wire = tag >> 3, tag & 7
        value, start, stop = 0, at, at
        if wire == 0:
            value, stop = _varint(content, at)
        elif wire == 1:
            stop = at + 8
        elif wire == 2:
            size, start = _varint(content, at)
            stop = start + size
        elif wire == 5:
            stop = at + 4
        else:
            raise ValueError("unknown wire type")
        if stop > end or not number:
            raise ValueError("a field reaches over its message")
        yield number, wire, value, start, stop
        at = stop


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("a number without an end")
