"""A small HTTP server on this machine for tests of endpoints: what it does is a function of the request."""

import http.server
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnxruntime

from analysis.store.sample import FOLDER

FEATURES = [
    "age",
    "income",
    "amount_requested",
    "loan_to_income",
    "employment_years",
    "credit_history_months",
    "prior_defaults",
    "credit_utilisation",
    "savings",
]
ENDS_AFTER = 30.0  # no test needs a connection longer


@dataclass
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows asked about, by either protocol."""
        said = json.loads(self.body)
        if "rows" in said:
            return said["rows"]
        split = said["dataframe_split"]
        return [dict(zip(split["columns"], row, strict=True)) for row in split["data"]]


@dataclass
class Serving:
    """url: where it is. seen: the POST requests so far. does: what it does next; see `served`."""

    url: str
    does: Callable[["Handler", Asked], None]
    version: str = ""
    seen: list[Asked] = field(default_factory=list)

    @property
    def host(self) -> str:
        return self.url.partition("://")[2]


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection. What a test's function does with it is up to it."""

    serving: Serving
    timeout = ENDS_AFTER

    def do_GET(self) -> None:
        if self.path == "/version" and self.serving.version:
            return self.say(self.serving.version.encode(), kind="text/html")
        return self.say(b"", status=404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked = Asked("POST", self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        self.serving.seen.append(asked)
        self.serving.does(self, asked)

    def say(self, body: bytes, *, status: int = 200, kind: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def answer(self, said: Any, **options: Any) -> None:
        self.say(json.dumps(said).encode(), **options)

    def drip(self, content: bytes, pause: float) -> None:
        """Write a byte at a time, until the other side has had enough."""
        ends = time.monotonic() + ENDS_AFTER
        for at in range(len(content)):
            if time.monotonic() > ends:
                return
            self.wfile.write(content[at : at + 1])
            time.sleep(pause)

    def log_message(self, *_: object) -> None:
        """Nothing: the tests look at what was seen."""


class Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Nothing: that the other side hangs up is what the tests are about."""


@contextmanager
def served(
    does: Callable[[Handler, Asked], None], version: str = "", port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[Serving]:
    """A server for the length of the block; on a port of the machine's choice, unless one is named."""
    serving = Serving("", does, version)
    server = Quiet(("127.0.0.1", port), type("Own", (Handler,), {"serving": serving}))
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    serving.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield serving
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def loans_server(version: str = "v2") -> Callable[[Handler, Asked], None]:
    """What a server of one of the sample's models does, as MLflow would."""
    session = onnxruntime.InferenceSession(str(FOLDER / f"loan_{version}.onnx"), providers=["CPUExecutionProvider"])

    def does(handler: Handler, asked: Asked) -> None:
        rows = [[row[name] for name in FEATURES] for row in asked.rows]
        given = np.array([[np.nan if each is None else each for each in row] for row in rows], dtype=np.float32)
        found = session.run(None, {session.get_inputs()[0].name: given})[1]
        handler.answer({"predictions": [[float(each) for each in row] for row in found]})

    return does
