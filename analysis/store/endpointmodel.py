"""The worker's side of an endpoint: rows in batches, several at once, tried again where that helps, never asked twice.

Only in a worker process, so that what an endpoint answers is read behind the same walls as a model's file.
"""

import os
import random
import threading
import time
from collections import OrderedDict
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import numpy as np
import polars as pl

from analysis.core import words
from analysis.core.errors import BadRequest, ModelFailed
from analysis.core.model import Answers
from analysis.core.settings import number, whole
from analysis.store import endpoint, endpointprotocol, httpcall
from analysis.store.endpoint import MLFLOW, Row
from analysis.store.endpointprotocol import visible
from analysis.store.httpcall import Called, CallFailed

BUSY = (429, 503)
SHARE = 0.9  # of the time the parent waits: what is left is for saying what came of it
FIRST_WAIT = 0.25
CAPS = " (settings endpoint_calls, for a question, and endpoint_calls_day)"
NAMES = {MLFLOW: "MLflow scoring", endpoint.JSON: "JSON"}
Kept = tuple[tuple[float, ...], str | None]


class EndpointModel:
    """An endpoint one can ask. budget: the calls it may make for the question under way. spent: those it made."""

    def __init__(self, content: bytes) -> None:
        self.endpoint = endpoint.read(content)
        self.place = self.endpoint.place
        self.secrets = {header: os.environ.get(variable, "") for header, variable in self.endpoint.headers}
        self.begin(None)
        self.known: OrderedDict[Row, Kept] = OrderedDict()
        self.classes, self.version = self.endpoint.classes, ""
        self.shape: tuple[int, bool] | None = None
        self.lock = threading.Lock()

    def facts(self) -> dict[str, Any]:
        kept = self.endpoint
        notes = [
            "It answers at an address, so another model may stand there tomorrow: "
            f"{words.plural(len(kept.rows), 'row')} kept since it was added are asked again at each check."
        ]
        if kept.numbers == endpoint.LABELS:
            notes.append("Its numbers are all names of classes, so they are taken as labels, not as scores.")
        return {
            "inputs": [{"name": name, "type": "any"} for name in kept.features],
            "width": 0,
            "classes": list(kept.classes),
            "scores": kept.labels is None or any(kept.scores),
            "made": f"{NAMES[kept.protocol]} at {kept.address}",
            "libraries": {"endpoint": kept.version} if kept.version else {},
            "notes": notes,
        }

    def begin(self, calls: int | None) -> None:
        """A new question, for which so many calls may be made; None: as many as the settings say."""
        self.budget, self.spent = whole("endpoint_calls") if calls is None else calls, 0

    def predict(self, frame: pl.DataFrame) -> Answers:
        """What it says of rows; the frame's columns are its features in order.

        Rows that were answered before are not asked again, also where the question they were part of failed.
        """
        rows = [tuple(endpoint.sent(each) for each in row) for row in frame.iter_rows()]
        found = self._asked(rows)
        width = max((len(scores) for scores, _ in found.values()), default=0)
        scores = np.array([found[row][0] for row in rows], dtype=float).reshape(len(rows), width)
        named = [found[row][1] for row in rows]
        labels = pl.Series(named, dtype=pl.String) if any(each is not None for each in named) else None
        return Answers(scores, self.classes, labels)

    def standing(self) -> dict[str, Any]:
        """What it says now of itself and of its probe; answers kept in memory go where that differs from then."""
        deadline = time.monotonic() + SHARE * whole("model_seconds")
        version = self._of_itself(deadline)
        if self.endpoint.rows:
            answers, called = self._batch(list(self.endpoint.rows), deadline)
            version = version or called
        else:
            answers = Answers(np.empty((0, 0)))
        if endpoint.standing(self.endpoint, version, answers).changed:
            self.known.clear()
        return {
            "version": version,
            "classes": list(answers.classes),
            "scores": [[float(each) if np.isfinite(each) else None for each in row] for row in answers.scores],
            "labels": None if answers.labels is None else answers.labels.to_list(),
        }

    def _of_itself(self, deadline: float) -> str:
        """What an MLflow server says at /version; "" where it does not, which is its right."""
        path = self.place.path
        if self.endpoint.protocol != MLFLOW or not path.endswith("/invocations"):
            return ""
        try:
            self._count()
            seconds = min(number("endpoint_seconds"), deadline - time.monotonic())
            asked = self.place.beside(path.removesuffix("invocations") + "version")
            called = httpcall.call(asked, "GET", self.secrets, None, seconds=seconds, most=200)
        except (CallFailed, BadRequest):
            return ""
        text = called.body.decode("ascii", "replace").strip().strip('"')
        return f"MLflow {text}" if called.status == 200 and text.replace(".", "").isalnum() else ""

    def _asked(self, rows: list[Row]) -> dict[Row, Kept]:
        """The answer of each different row, from memory or from the endpoint."""
        found = {row: self.known[row] for row in rows if row in self.known}
        missing = [row for row in dict.fromkeys(rows) if row not in found]
        size = max(1, whole("endpoint_rows"))
        batches = [missing[at : at + size] for at in range(0, len(missing), size)]
        left = self.budget - self.spent
        if len(batches) > left:
            raise ModelFailed(
                f"{words.plural(len(missing), 'row')} would take {words.plural(len(batches), 'call')} to the endpoint; "
                f"{f'{left:,}' if left else 'none'} may be made now{CAPS}."
            )
        deadline = time.monotonic() + SHARE * whole("model_seconds")
        with ThreadPoolExecutor(max(1, whole("endpoint_together"))) as pool:
            asked = {pool.submit(self._batch, batch, deadline): batch for batch in batches}
            _, rest = wait(asked, return_when=FIRST_EXCEPTION)
            for each in rest:
                each.cancel()
        failed = None
        for future, batch in asked.items():
            if future.cancelled():
                continue
            error = future.exception()
            if error is None:
                found |= self._kept(batch, future.result()[0])
            else:
                failed = failed or error
        if failed is not None:
            done_rows = sum(row in found for row in missing)
            if isinstance(failed, ModelFailed) and done_rows:
                raise ModelFailed(
                    f"{failed} {done_rows:,} of {words.plural(len(missing), 'row')} were answered and are kept in "
                    "memory; asking again goes on from there."
                ) from failed
            raise failed
        return found

    def _kept(self, batch: list[Row], answers: Answers) -> dict[Row, Kept]:
        labels = [None] * len(batch) if answers.labels is None else answers.labels.to_list()
        shape = (answers.scores.shape[1], answers.labels is not None)
        if shape != (self.shape or shape) or answers.classes != (self.classes or answers.classes):
            self.known.clear()
            self.shape = None
            raise ModelFailed("The endpoint answered some rows in another shape than others; ask again.")
        self.shape, self.classes = shape, answers.classes
        made = {
            row: (tuple(scores), label)
            for row, scores, label in zip(batch, answers.scores.tolist(), labels, strict=True)
        }
        self.known.update(made)
        while len(self.known) > whole("endpoint_cache_rows"):
            self.known.popitem(last=False)
        return made

    def _batch(self, rows: list[Row], deadline: float) -> tuple[Answers, str]:
        """One batch's answers and what the endpoint calls itself in them, tried again where that may help."""
        body = endpointprotocol.request(self.endpoint, rows)
        headers = {**self.secrets, "Content-Type": "application/json", "Accept": "application/json"}
        for attempt in range(1, max(1, whole("endpoint_attempts")) + 1):
            self._count()
            try:
                seconds = min(number("endpoint_seconds"), deadline - time.monotonic())
                if seconds <= 0:
                    raise ModelFailed(f"The endpoint was not done within {self._seconds()} (setting model_seconds).")
                most = whole("endpoint_answer_mb") << 20
                called = httpcall.call(self.place, "POST", headers, body, seconds=seconds, most=most)
            except CallFailed as error:
                if not error.again or attempt >= whole("endpoint_attempts"):
                    raise ModelFailed(f"The endpoint {error}{_tries(attempt)}.") from error
                self._pause(attempt, None, deadline)
                continue
            except BadRequest as error:
                raise ModelFailed(str(error)) from error
            if called.status not in BUSY or attempt >= whole("endpoint_attempts"):
                self._sound(called, attempt)
                said = endpointprotocol.parsed(called.body)
                return endpointprotocol.answers(self.endpoint, said, len(rows)), endpointprotocol.version(said)
            self._pause(attempt, called.headers.get("retry-after"), deadline)
        raise AssertionError  # the last attempt returns or raises

    def _count(self) -> None:
        with self.lock:
            if self.spent >= self.budget:
                raise ModelFailed(f"The calls to the endpoint that may be made now are used up{CAPS}.")
            self.spent += 1

    def _pause(self, attempt: int, asked: str | None, deadline: float) -> None:
        """Wait before another try: as long as the endpoint asks for, else twice as long each time."""
        most = number("endpoint_wait_seconds")
        told = _told(asked)
        if told is not None and told > most:
            raise ModelFailed(
                f"The endpoint is busy and asks to be left alone for {told:,.0f} s, longer than {most:,.0f} s "
                "(setting endpoint_wait_seconds); ask again later."
            )
        drawn = FIRST_WAIT * 2 ** (attempt - 1) * random.uniform(0.5, 1)  # noqa: S311 - to spread tries, no secret
        pause = min(drawn if told is None else max(told, 0.05), most)
        if time.monotonic() + pause > deadline:
            raise ModelFailed(f"The endpoint was not ready within {self._seconds()} (setting model_seconds).")
        time.sleep(pause)

    def _seconds(self) -> str:
        return f"{SHARE * whole('model_seconds'):,.0f} s"

    def _sound(self, called: Called, attempt: int) -> None:
        """ModelFailed unless this is an answer in JSON."""
        if 300 <= called.status < 400:
            raise ModelFailed(
                f"The endpoint answers with a redirect ({called.status}), which is never followed; add the address it "
                "leads to, where that is meant."
            )
        if called.status != 200:
            raise ModelFailed(f"The endpoint answers {called.status}{_tries(attempt)}{self._complaint(called)}.")
        kind = called.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json" and not kind.endswith("+json"):
            raise ModelFailed(f"The endpoint answers '{visible(kind)[:60] or 'no content type'}', not JSON.")
        if called.headers.get("content-encoding", "identity").lower() != "identity":
            raise ModelFailed("The endpoint packs its answer though it was asked not to.")

    def _complaint(self, called: Called) -> str:
        """What it says is wrong, in a line, without the secrets it was sent."""
        try:
            said = endpointprotocol.parsed(called.body)
        except ModelFailed:
            return ""
        known = said if isinstance(said, dict) else {}
        texts = [known.get(key) for key in ("message", "error", "detail")]
        text = visible(next((each for each in texts if isinstance(each, str)), ""))
        for secret in self.secrets.values():
            for part in (secret, secret.rpartition(" ")[2]):
                text = text.replace(part, "***") if part else text
        return f": {text[:300]}".rstrip(".: ") if text else ""


def _tries(attempt: int) -> str:
    return f" after {attempt:,} tries" if attempt > 1 else ""


def _told(asked: str | None) -> float | None:
    """The seconds a Retry-After header asks for, as a number or a date; None where it is neither."""
    if not asked:
        return None
    try:
        if asked.isdigit() and len(asked) < 10:
            return float(asked)
        return (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
