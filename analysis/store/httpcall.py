"""One HTTP call, bounded in time and bytes: to addresses that were checked, through no proxy, following no redirect.

Built on http.client, which knows neither; whatever the environment says of proxies is not read.
"""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass

from analysis.core.settings import setting
from analysis.store import modelhosts
from analysis.store.modelhosts import Place

BLOCK = 1 << 16
HEAD = 8 << 20  # 100 headers of 64 kB, which is what http.client takes
TOO_MUCH = "answers more than {:,.3g} MB (setting endpoint_answer_mb)"


class CallFailed(Exception):
    """A call that brought no answer; the text completes "The endpoint ...". again: whether another try may help."""

    def __init__(self, said: str, *, again: bool = False) -> None:
        super().__init__(said)
        self.again = again


@dataclass(frozen=True)
class Called:
    """What came back. headers: by lower-case name, of a repeated one the last."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def call(
    at: Place, method: str, headers: Mapping[str, str], body: bytes | None, *, seconds: float, most: int
) -> Called:
    """Ask a place and read its whole answer, of at most `most` bytes, within `seconds` from now.

    CallFailed where there is none; BadRequest where the place may not be asked.
    """
    deadline = time.monotonic() + seconds
    try:
        line = _connected(at, deadline, most + HEAD)
        try:
            asked = http.client.HTTPConnection(at.host, at.port)
            asked.sock = line
            own = {"Host": at.authority, "Accept-Encoding": "identity", "Connection": "close"}
            asked.request(method, at.path, body, {**headers, **own})
            answer = asked.getresponse()
            with answer:
                said = {name.lower(): value for name, value in answer.getheaders()}
                return Called(answer.status, said, _read(answer, most))
        finally:
            line.end()
    except TimeoutError as error:
        raise CallFailed(f"did not answer within {seconds:,.3g} s") from error
    except ssl.SSLCertVerificationError as error:
        raise CallFailed(f"shows a certificate that is not trusted: {error.verify_message}") from error
    except http.client.RemoteDisconnected as error:
        raise CallFailed("closed the connection without an answer", again=True) from error
    except http.client.IncompleteRead as error:
        raise CallFailed("broke off in the middle of its answer", again=True) from error
    except (http.client.HTTPException, ValueError) as error:  # a chunk of negative length is a ValueError there
        raise CallFailed(f"does not speak HTTP as it should ({type(error).__name__})") from error
    except socket.gaierror as error:
        raise CallFailed(f"is nowhere: the name '{at.host}' leads to no address", again=True) from error
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise CallFailed(f"cannot be reached: {why}", again=not isinstance(error, ssl.SSLError)) from error


def _read(answer: http.client.HTTPResponse, most: int) -> bytes:
    found = bytearray()
    while block := answer.read(min(BLOCK, most + 1 - len(found))):
        found += block
        if len(found) > most:
            raise CallFailed(TOO_MUCH.format(most / (1 << 20)))
    if answer.length:
        raise http.client.IncompleteRead(b"")
    return bytes(found)


def _connected(at: Place, deadline: float, most: int) -> "_Line":
    """A connection to the first of the place's addresses that takes one."""
    failed: OSError | None = None
    for address in modelhosts.addresses(at):
        try:
            opened = socket.create_connection((address, at.port), timeout=_left(deadline))
        except OSError as error:
            failed = error
            continue
        if at.scheme == "http":
            return _Line(opened, deadline, most)
        try:
            trusted = ssl.create_default_context(cafile=str(setting("model_ca")) or None)
            opened.settimeout(_left(deadline))
            return _Line(trusted.wrap_socket(opened, server_hostname=at.host), deadline, most)
        except OSError:
            opened.close()
            raise
    raise failed or OSError("no address")


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _Line:
    """A connection as http.client wants it; it gives up at one moment, however slowly the other side drips.

    Nor does it take in more than `most` bytes, whatever is said of their length: http.client reads a chunk of length -1
    to the end.
    """

    def __init__(self, opened: socket.socket, deadline: float, most: int) -> None:
        self.opened, self.deadline, self.most = opened, deadline, most

    def sendall(self, data: bytes) -> None:
        self.opened.settimeout(_left(self.deadline))
        self.opened.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Dripping(self))

    def close(self) -> None:
        """Nothing: http.client closes before the answer is read; `end` is called when it is."""

    def end(self) -> None:
        self.opened.close()


class _Dripping(io.RawIOBase):
    def __init__(self, line: _Line) -> None:
        self.line, self.left = line, line.most

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int:  # type: ignore[override]
        self.line.opened.settimeout(_left(self.line.deadline))
        found = self.line.opened.recv_into(into)
        self.left -= found
        if self.left < 0:
            raise CallFailed(TOO_MUCH.format(self.line.most / (1 << 20)))
        return found
