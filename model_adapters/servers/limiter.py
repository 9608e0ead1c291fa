"""How many requests are under way at one server: as many as it bears.

Additive increase, multiplicative decrease (Chiu and Jain 1989), begun with TCP's slow start (RFC 5681): the limit grows
by one with each answer until the first sign of too much, then by one with each round of answers; a sign of too much
(status 429 or 503, a timeout) halves it. Signs of one round count once: requests that were sent before the limit was
halved say nothing about the new one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

_FIRST = 8


@dataclass
class Limiter:
    """The limit of one server. Not for several threads.

    Attributes:
        most: upper bound.
        limit: requests that may be under way now.
        under_way: requests that are.
        halved: how often the limit was halved.
        highest: the most requests that were under way at once.
        sent: requests so far; the number of the last one.
    """

    most: int
    limit: float = field(init=False)
    under_way: int = field(default=0, init=False)
    halved: int = field(default=0, init=False)
    highest: int = field(default=0, init=False)
    _threshold: float = field(default=float("inf"), init=False)
    sent: int = field(default=0, init=False)
    _round: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.limit = float(min(_FIRST, self.most))

    @property
    def free(self) -> int:
        """Requests that may be sent now."""
        return max(0, int(self.limit) - self.under_way)

    def begin(self) -> int:
        """A request is sent; returns its number, for `too_much`."""
        self.under_way += 1
        self.highest = max(self.highest, self.under_way)
        self.sent += 1
        return self.sent

    def end(self) -> None:
        """A request is over, whatever came of it."""
        self.under_way -= 1

    def went_well(self) -> None:
        """It was answered. The limit grows only where it was in the way."""
        if self.under_way + 1 < int(self.limit) or self.limit >= self.most:
            return
        grown = self.limit + (1.0 if self.limit < self._threshold else 1.0 / self.limit)
        self.limit = min(grown, float(self.most))

    def too_much(self, number: int) -> None:
        """The request of that number was refused for lack of room, or timed out."""
        if number <= self._round:
            return
        self._round = self.sent
        self.limit = self._threshold = max(1.0, self.limit / 2)
        self.halved += 1
