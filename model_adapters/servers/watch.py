"""Runs a server so that it never outlives the one who started it.

    python watch.py DESCRIPTOR PROGRAM ARGUMENT…

DESCRIPTOR is the reading end of a pipe of which only the starter holds the writing end. When that closes, because it
was closed or because its process is gone, even by kill -9, the program and everything that it started are ended. Ends
with the program's own status. Standard library only: it is run as a file, not imported.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time

_PATIENCE = 10.0


def main(arguments: list[str]) -> int:
    """Run the program until it ends or the pipe closes."""
    pipe = int(arguments[0])
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    # A child that ends writes to `wake`, so that nothing has to be polled.
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Ctrl-C reaches only the starter, which closes the pipe when it is ready.
        signal.signal(number, signal.SIG_IGN)
    # One thread only, so that preparing the child is safe.
    child = subprocess.Popen(
        arguments[1:], start_new_session=True, stdin=subprocess.DEVNULL, preexec_fn=_end_with_parent
    )
    while child.poll() is None:
        ready, _, _ = select.select([pipe, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
        if pipe in ready and not os.read(pipe, 4096):
            _end(child)
    # What it started itself goes with it.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _end_with_parent() -> None:
    """Linux: the child is killed when this program is, by kill -9 too."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ask the whole group to end, and end it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, number)
        until = time.monotonic() + _PATIENCE
        while child.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        if child.poll() is not None:
            return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
