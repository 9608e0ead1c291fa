"""Which unit is asked next, what the death of a worker costs, and when a unit is given up. Knows nothing of Ray."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lrm_eval.cluster.parcels import Unit
from lrm_eval.types import Response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lrm_eval.types import Request

# How often a unit is asked before it is given up: twice whole, then each of its images alone.
TRIES = 3


@dataclass(eq=False, slots=True)
class Work:
    """A unit in the hands of a worker.

    Attributes:
        unit: what was asked.
        tries: how many workers died or broke while they answered it.
        left: what is not answered yet, by key.
    """

    unit: Unit
    tries: int = 0
    left: dict[str, Request] = field(default_factory=dict)


class Schedule:
    """Hands out units; those of dead workers before new ones.

    Args:
        units: in the order in which they are asked; taken one by one, as workers become free.
        tries: how often a unit is asked before it is given up.
    """

    def __init__(self, units: Iterator[Unit], tries: int = TRIES) -> None:
        self._units, self._tries = units, tries
        self._again: deque[tuple[Unit, int]] = deque()

    def take(self) -> Work | None:
        """The next unit, or None where all are handed out."""
        unit, tries = self._again.popleft() if self._again else (next(self._units, None), 0)
        if unit is None:
            return None
        return Work(unit, tries, {request.key: request for request in unit.requests})

    def waiting(self) -> bool:
        """Whether there is a unit that nobody was asked yet."""
        if not self._again:
            unit = next(self._units, None)
            if unit is None:
                return False
            self._again.append((unit, 0))
        return True

    def lost(self, work: Work, why: str, blamed: bool) -> list[Response]:
        """What a worker did not answer goes back, or is given up.

        Args:
            work: what it had.
            why: how it ended, in one line.
            blamed: this unit may be the cause: the worker was answering it, and its machine lives on.

        Returns:
            Error responses of what is given up; what a command types again is asked again.
        """
        if not work.left:
            return []
        tries = work.tries + blamed
        unit = Unit(tuple(work.left.values()), work.unit.plan)
        if tries >= self._tries:
            text = f"given up: {tries} workers ended while they answered the questions on this image (the last: {why})"
            return [Response(key, finish_reason="error", error=text) for key in work.left]
        whole = tries < self._tries - 1 or not blamed
        back = [unit] if whole else unit.split()
        self._again.extendleft((one, tries) for one in reversed(back))
        return []
