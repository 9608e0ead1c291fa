"""A signal is told by its name, also where the code that it interrupts raises something of its own."""

from __future__ import annotations

import contextlib
import os
import signal

import pytest

from lrm_eval.runs.signals import Terminated, reason, terminable


def interrupted_in_c() -> None:
    """As Ray's C code does: the handler's exception is dropped, and another one raised."""
    with contextlib.suppress(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)
    raise KeyboardInterrupt


def test_a_bare_interrupt_after_sigterm_is_sigterm() -> None:
    with pytest.raises(Terminated, match="stopped by SIGTERM") as stop, terminable():
        interrupted_in_c()
    assert stop.value.status == 143
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_ctrl_c_stays_what_it_is() -> None:
    with pytest.raises(KeyboardInterrupt) as stop, terminable():
        raise KeyboardInterrupt
    assert not isinstance(stop.value, Terminated)


def test_a_signal_of_an_earlier_run_is_forgotten() -> None:
    with pytest.raises(Terminated), terminable():
        interrupted_in_c()
    stop = KeyboardInterrupt()
    with terminable():
        assert reason(stop) is stop
