"""SIGTERM and a closed terminal end a run as Ctrl-C does: what was answered is kept, and run.json says so."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

# SIGHUP is not there on Windows.
_NAMES = ("SIGTERM", "SIGHUP")


class Terminated(KeyboardInterrupt):
    """A signal asked the process to end; `status` is what a shell expects of it (128 and the signal's number)."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.status = 128 + number


# The signal that is ending the process. Code in C may tell of it by a KeyboardInterrupt of its own (Ray's does).
_received: list[Terminated] = []


def reason(stop: KeyboardInterrupt) -> KeyboardInterrupt:
    """Why a run is stopped: the signal if there was one, else what was raised."""
    return _received[0] if _received and not isinstance(stop, Terminated) else stop


def _raise(number: int, _frame: FrameType | None) -> None:
    # Once: a second signal while the folder is written down must not end that.
    signal.signal(number, signal.SIG_IGN)
    _received.append(Terminated(number))
    raise _received[0]


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Raise `Terminated` at SIGTERM and SIGHUP as long as the block runs.

    Signals that are ignored (nohup) or handled by the program around it stay as they are, and so does everything
    outside the main thread, which gets no signals.
    """
    numbers = []
    _received.clear()
    if threading.current_thread() is threading.main_thread():
        known = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
        numbers = [number for number in known if signal.getsignal(number) == signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, _raise)
    try:
        yield
    except KeyboardInterrupt as stop:
        if hasattr(stop, "status") or reason(stop) is stop:
            raise
        raise reason(stop) from None
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)
