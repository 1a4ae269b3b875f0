"""The app in a real server of its own: started on a free loopback port, restarted on the same one, ended."""

import http.client
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STARTS_WITHIN = 60.0


class Server:
    """A server of one workspace. Its words go to a file: a pipe would fill and block it.

    model_port: where on this machine it may ask models.
    """

    def __init__(self, folder: Path) -> None:
        self.workspace = folder / "workspace"
        self.log = folder / "server.log"
        with socket.socket() as free, socket.socket() as other:
            free.bind(("127.0.0.1", 0))
            other.bind(("127.0.0.1", 0))
            self.port, self.model_port = free.getsockname()[1], other.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Server":
        """Start it and return when it is healthy."""
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port)]
        allowed = {"ASSAY_MODEL_HOSTS": f"127.0.0.1:{self.model_port}"}
        environment = {**os.environ, **allowed, "ASSAY_WORKSPACE": str(self.workspace)}
        with self.log.open("ab") as said:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=said, env=environment)
        ends = time.monotonic() + STARTS_WITHIN
        while not self.healthy():
            if self.process.poll() is not None or time.monotonic() > ends:
                raise RuntimeError(f"The server did not start:\n{self.log.read_text()}")
            time.sleep(0.1)
        return self

    def stop(self) -> None:
        """End it and wait until it is gone."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=20)
            self.process = None

    def restart(self) -> None:
        """A fresh process on the same workspace and port, so that links still lead here."""
        self.stop()
        self.start()

    def healthy(self) -> bool:
        """Whether the health check answers."""
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            asked.request("GET", "/_stcore/health")
            return asked.getresponse().read() == b"ok"
        except OSError:
            return False
        finally:
            asked.close()

    def children(self) -> list[int]:
        """The processes the server has started and not yet seen end."""
        assert self.process is not None
        tasks = Path(f"/proc/{self.process.pid}/task")
        return [int(child) for task in tasks.iterdir() for child in (task / "children").read_text().split()]

    def files(self, kind: str) -> list[str]:
        """What lies in a folder of the workspace."""
        folder = self.workspace / kind
        return sorted(file.name for file in folder.iterdir()) if folder.exists() else []
