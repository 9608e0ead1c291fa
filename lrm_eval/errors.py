"""The errors a user can meet, and the words they are told in.

    LrmEvalError
    ├── UsageError      what was typed cannot be done      exit status 2
    └── RunError        what was asked failed on the way   exit status 1

A message is one line: what is wrong, where, the nearest valid name, what to type instead.
The command line prints it without a traceback. Anything that is not an LrmEvalError is a bug.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class LrmEvalError(Exception):
    """Base of all errors that are the user's to mend."""

    exit_status = 1


class UsageError(LrmEvalError):
    """A name, option or file that cannot be used as given."""

    exit_status = 2


class RunError(LrmEvalError):
    """Work that was rightly asked for and failed on the way."""


def nearest(name: str, valid: Iterable[str], count: int = 3) -> list[str]:
    """Up to `count` valid names closest to `name`, best first; empty if none is close.

    Case is ignored. The valid names are returned as they were given.
    """
    by_fold: dict[str, str] = {}
    for candidate in valid:
        by_fold.setdefault(candidate.casefold(), candidate)
    return [by_fold[match] for match in difflib.get_close_matches(name.casefold(), list(by_fold), n=count, cutoff=0.6)]


def unknown(what: str, name: str, valid: Iterable[str], listing: str | None = None) -> UsageError:
    """The one form of an unknown-name error.

    Args:
        what: the kind of thing, e.g. "task".
        name: what the user typed.
        valid: all valid names.
        listing: a command that lists them, e.g. "lrm-eval tasks".
    """
    names = list(valid)
    close = nearest(name, names)
    if close:
        hint = f"did you mean {' or '.join(repr(item) for item in close)}?"
    elif len(names) <= 20:
        hint = f"valid: {', '.join(names)}."
    else:
        hint = ""
    tail = f" `{listing}` lists them all." if listing else ""
    return UsageError(f"unknown {what} {name!r}: {hint}{tail}".replace(":  ", ": ").rstrip(": "))
