"""A child process that is asked in messages: started, written to, listened to with a clock, and always ended.

Reading and writing have a thread each: a child that hangs can neither block what is written nor what is awaited.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import IO

SEPARATOR = b"\x1e"
_TAIL = 40
_GRACE_SECONDS = 5.0
_END = object()


class ChildProcess:
    """A process that answers messages.

    Args:
        command: program and arguments.
        name: what it is, for messages.

    Raises:
        RunError: it cannot be started.
    """

    def __init__(self, command: Sequence[str], name: str) -> None:
        self._name = name
        try:
            # A group of its own: Ctrl-C is for us to handle, and whatever it starts can be ended with it.
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
            )
        except OSError as error:
            raise RunError(f"{name}: {command[0]} cannot be started: {error.strerror or error}") from error
        self._tail: deque[str] = deque(maxlen=_TAIL)
        self._incoming: queue.Queue[Any] = queue.Queue()
        self._outgoing: queue.Queue[bytes | None] = queue.Queue()
        self._threads = [
            threading.Thread(target=target, args=(stream,), name=f"lrm-eval {what}", daemon=True)
            for target, stream, what in (
                (self._listen, self._process.stdout, "answers"),
                (self._note, self._process.stderr, "log"),
                (self._write, self._process.stdin, "questions"),
            )
        ]
        for thread in self._threads:
            thread.start()

    def send(self, message: Mapping[str, Any]) -> None:
        """Give the child a message; returns at once."""
        self._outgoing.put(SEPARATOR + json.dumps(message).encode("ascii") + b"\n")

    def receive(self, seconds: float, awaited: str) -> dict[str, Any]:
        """The next message.

        Args:
            seconds: how long to wait.
            awaited: what for, for the message of an error.

        Raises:
            RunError: the child ended, or said nothing in time; it is gone then.
        """
        try:
            message = self._incoming.get(timeout=seconds)
        except queue.Empty:
            self.end(0)
            raise RunError(
                f"{self._name}: no {awaited} after {seconds:g} s; its process was ended{self._said()}"
            ) from None
        if message is _END:
            self._process.wait()
            # What it said last explains its end.
            self._threads[1].join(timeout=_GRACE_SECONDS)
            raise RunError(f"{self._name}: its process ended {self._how()} before the {awaited}{self._said()}")
        return dict(message)

    def end(self, grace: float = _GRACE_SECONDS) -> None:
        """End the child: its questions end, and after `grace` seconds it and all it started are killed."""
        self._outgoing.put(None)
        try:
            self._process.wait(timeout=grace)
        except subprocess.TimeoutExpired:
            self._kill()
        # Whatever it started itself may still hold the pipes.
        self._kill()
        for thread in self._threads:
            thread.join(timeout=_GRACE_SECONDS)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _kill(self) -> None:
        with contextlib.suppress(OSError):
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _listen(self, stream: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in stream:
                noise, separator, text = line.rpartition(SEPARATOR)
                if noise.strip():
                    self._keep(noise)
                try:
                    message = json.loads(text) if separator else None
                except ValueError:
                    message = None
                if isinstance(message, dict):
                    self._incoming.put(message)
                else:
                    self._keep(text)
        self._incoming.put(_END)

    def _note(self, stream: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in stream:
                self._keep(line)

    def _keep(self, line: bytes) -> None:
        # A progress bar draws itself anew over a carriage return: its last state is the line.
        text = line.decode("utf-8", errors="replace").rstrip().rpartition("\r")[2].strip()
        if text:
            self._tail.append(text)

    def _write(self, stream: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):
            while (data := self._outgoing.get()) is not None:
                stream.write(data)
                if self._outgoing.empty():
                    stream.flush()
        with contextlib.suppress(OSError):
            stream.close()

    def _how(self) -> str:
        status = self._process.returncode
        if status is not None and status < 0:
            with contextlib.suppress(ValueError):
                return f"by {signal.Signals(-status).name}"
        return f"with status {status}"

    def _said(self) -> str:
        """The last it printed, an exception before anything else."""
        deadline = time.monotonic() + 0.2
        while not self._tail and time.monotonic() < deadline:
            time.sleep(0.01)
        lines = list(self._tail)
        telling = [line for line in lines if "Error" in line or "error" in line]
        last = (telling or lines)[-1:]
        return f"; it said last: {last[0][:300]}" if last else ""
