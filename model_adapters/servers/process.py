"""A server that we start, wait for, use and stop."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lrm_eval.data.places import cache_dir
from lrm_eval.errors import LrmEvalError, RunError
from lrm_eval.runs.files import write_failed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_WATCH = Path(__file__).with_name("watch.py")
_HOST = "127.0.0.1"
# Logs of servers that are kept.
_LOGS = 20
_STARTS = 3
_END_SECONDS = 25.0
_NOISE = re.compile(r"^\s*$|^\s*(File \"|[\^~]+\s*$|Traceback )")


@dataclass
class ServerProcess:
    """A local server.

    Args of `start` say what is run. Its process group ends when `stop` is called and when this process is gone, however
    that came about; see `watch`.

    Attributes:
        name: for messages, "transformers serve".
        log: file with everything that it printed.
        port: on the loopback interface.
    """

    name: str
    log: Path
    port: int
    _process: subprocess.Popen[bytes]
    _pipe: int = field(repr=False)

    @property
    def url(self) -> str:
        """Its address, /v1 included."""
        return f"http://{_HOST}:{self.port}/v1"

    def ended(self) -> LrmEvalError | None:
        """Why it will never answer again; None while it runs."""
        # A connection breaks a moment before the process is gone.
        until = time.monotonic() + 1.0
        while self._process.poll() is None:
            if time.monotonic() > until:
                return None
            time.sleep(0.05)
        return RunError(
            f"{self.name} ended {self._status()}: {self._last()}; its log: {self.log}; answers so far are kept"
        )

    def stop(self) -> None:
        """End it and everything that it started, and wait for that."""
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _status(self) -> str:
        status = self._process.returncode
        return f"by signal {status - 128}" if status > 128 else f"with status {status}"

    def _last(self) -> str:
        """The last line of the log that says something."""
        with contextlib.suppress(OSError):
            text = self.log.read_bytes()[-20_000:].decode("utf-8", "replace")
            lines = [line.strip() for line in text.splitlines() if not _NOISE.match(line)]
            errors = [line for line in lines if re.match(r"[\w.]*(Error|Exception|error)\b.*", line)]
            if lines:
                return (errors or lines)[-1][:300]
        return "it printed nothing"


def start(
    name: str,
    command: Callable[[int], Sequence[str]],
    environment: Mapping[str, str],
    patience: float,
) -> ServerProcess:
    """Start a server and wait until it answers.

    Args:
        name: for messages and the name of the log.
        command: the program and its arguments, for a port.
        environment: of the program.
        patience: seconds until it must answer.

    Raises:
        RunError: it ends or does not answer in time; the message holds its last words and where its log is.
    """
    folder = cache_dir() / "servers"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime)[:-_LOGS]:
            old.unlink(missing_ok=True)
    except OSError as error:
        raise write_failed(folder, error) from error
    for attempt in range(_STARTS):
        port = _free_port()
        stamp = time.strftime("%Y%m%d-%H%M%S")
        log = folder / f"{stamp}-{os.getpid()}-{port}-{re.sub(r'[^a-z]+', '-', name.lower())}.log"
        server = _launch(name, command(port), environment, log, port)
        try:
            if _answers(server, time.monotonic() + patience):
                return server
        except BaseException:
            server.stop()
            raise
        taken = b"address already in use" in log.read_bytes().lower()
        problem = server.ended() or _slow(server, patience)
        server.stop()
        # Another program may take the port between the look and the start.
        if not taken or attempt + 1 == _STARTS:
            raise problem
    raise AssertionError("unreachable")


def _slow(server: ServerProcess, patience: float) -> RunError:
    return RunError(f"{server.name} did not answer within {patience:.0f} s; its log: {server.log}")


def _launch(name: str, command: Sequence[str], environment: Mapping[str, str], log: Path, port: int) -> ServerProcess:
    reading, writing = os.pipe()
    try:
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-I", str(_WATCH), str(reading), *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                pass_fds=[reading],
                start_new_session=True,
            )
    except BaseException:
        os.close(writing)
        raise
    finally:
        os.close(reading)
    return ServerProcess(name, log, port, process, writing)


def _answers(server: ServerProcess, until: float) -> bool:
    wait = 0.1
    while time.monotonic() < until:
        if server._process.poll() is not None:
            return False
        connection = http.client.HTTPConnection(_HOST, server.port, timeout=5)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return True
        time.sleep(wait)
        wait = min(1.0, wait * 1.3)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])
