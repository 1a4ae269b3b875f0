"""Errors an analyst can act on. Everything else is a bug and crashes loudly into the log."""

import difflib
from collections.abc import Iterable


class AssayError(Exception):
    """What went wrong and what to do, in one sentence the analyst reads as it is."""


class BadFile(AssayError):
    """A file that cannot be taken in: names the file, the line or column, and what to do."""


class BadRequest(AssayError):
    """A request that makes no sense here: an unknown option, a role that does not fit, a metric of another task."""


class NotFound(AssayError):
    """A name or fingerprint the workspace does not hold."""


class ChangedMeanwhile(BadRequest):
    """A change to something that is no longer as it was when the change was thought of; nothing was kept."""


class Undecided(BadRequest):
    """A question the data leaves open; the sentence names the option that answers it."""


class ModelFailed(AssayError):
    """A model that raised, or whose answer cannot be used: the wrong shape, no numbers."""


class Interrupted(AssayError):
    """Work the analyst cancelled; nothing was kept."""


class LimitReached(AssayError):
    """Work stopped at one of the limits in the settings table."""


class StorageError(AssayError):
    """The workspace could not be read or written: disk full, damaged file, no permission."""


class UnknownName(BadRequest):
    """A name that is not one of those known, with the nearest known one.

    >>> str(UnknownName("column", "regoin", ["region", "amount"]))
    "There is no column 'regoin'. Did you mean 'region'?"
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = [str(each) for each in known]
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
        if near:
            hint = f"Did you mean '{near[0]}'?"
        elif names:
            shown = ", ".join(f"'{each}'" for each in names[:12])
            hint = f"Known: {shown}{' and more' if len(names) > 12 else ''}."
        else:
            hint = "There is none yet."
        super().__init__(f"There is no {kind} '{name}'. {hint}")
        self.kind, self.name, self.known = kind, name, names
