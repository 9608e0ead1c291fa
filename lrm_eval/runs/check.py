"""One thing that `lrm-eval verify` looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked.

    Attributes:
        what: the thing.
        ok: true if it holds, false if it does not, None if it is only worth knowing.
        detail: the finding.
    """

    what: str
    ok: bool | None
    detail: str = ""
