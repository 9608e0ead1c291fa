"""What is done about a failure: another attempt, an outcome of the question, or the end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from lrm_eval.errors import RunError
from lrm_eval.remote.waiting import back_off
from model_adapters.servers.faults import (
    Again,
    Fault,
    Filtered,
    Missing,
    Refused,
    Stop,
    TooLarge,
    names_model,
    no_such_path,
    unknown_model,
)
from model_adapters.servers.prompts import Dialect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from model_adapters.servers.endpoints import Endpoint

_KINDS = 40


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long.

    Attributes:
        attempts: of one question; a time-out counts as two.
        crowded: further attempts where the server says that it has too much to do (429, 503).
        first_wait: seconds before the second attempt, twice as long before each further one.
        row: failures in a row, on at least `images` images, that end the run.
        images: see `row`. Questions on one image stand together: one that a server cannot read is no reason to end.
        grace: seconds that answers under way may take when the run must end.
    """

    attempts: int = 6
    crowded: int = 30
    first_wait: float = 1.0
    row: int = 16
    images: int = 3
    grace: float = 10.0


@dataclass(eq=False, slots=True)
class Job:
    """One question.

    Attributes:
        key: the request's key.
        build: the JSON as it is sent, in a dialect.
        budget: its token budget.
        group: what identifies its images: questions on one image go to one server, which may keep what it read.
        payload: whatever the one who hands it in wants back.
        failed: attempts that failed.
        crowded: attempts for which the server had no room.
        dialect: that of the last attempt.
        avoid: a server that could not be reached in the last attempt.
    """

    key: str
    build: Callable[[Dialect], bytes]
    budget: int
    group: str
    payload: Any = None
    failed: int = 0
    crowded: int = 0
    dialect: Dialect | None = None
    avoid: Endpoint | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """Another attempt, after so many seconds."""

    wait: float = 0.0


Ruling: TypeAlias = Retry | Refused | Filtered | TooLarge | Stop


@dataclass(eq=False)
class Referee:
    """Rules on each failure. Used on one event loop only.

    Attributes:
        endpoints: the servers.
        model: what they call the model.
        patience: how often and how long.
        dialect: what the servers understand, as far as it is known.
        retries: attempts beside the first ones, by problem.
    """

    endpoints: Sequence[Endpoint]
    model: str
    patience: Patience
    dialect: Dialect = field(default_factory=Dialect)
    retries: Counter[str] = field(default_factory=Counter)
    _row: list[str] = field(default_factory=list)

    def answered(self) -> None:
        """A question was answered: failures so far are not in a row with later ones."""
        self._row.clear()

    async def rule(self, endpoint: Endpoint, job: Job, number: int, fault: Fault, said: bytes, now: float) -> Ruling:
        """What is done about a failure.

        Args:
            endpoint: the server that was asked.
            job: the question.
            number: of the attempt, as its limiter counts them.
            fault: what went wrong.
            said: what the server said to it.
            now: time of the loop.
        """
        if isinstance(fault, Again):
            return await self._again(endpoint, job, number, fault, now)
        if isinstance(fault, Missing):
            if names_model(said, self.model):
                return Stop(unknown_model(self.model, endpoint.names, endpoint.url, fault.problem))
            return Stop(no_such_path(endpoint.url, fault.problem))
        if isinstance(fault, Refused):
            return self._refused(endpoint, job, fault, said)
        return fault

    def hopeless(self, endpoint: Endpoint, job: Job, fault: Refused) -> RunError | None:
        """Whether so many questions in a row have failed, this one the last, that the rest would, too."""
        self._row.append(job.group)
        if len(self._row) < self.patience.row or len(set(self._row)) < self.patience.images:
            return None
        return RunError(f"{endpoint.url}: {len(self._row)} questions in a row failed, the last with: {fault.problem}")

    def _refused(self, endpoint: Endpoint, job: Job, fault: Refused, said: bytes) -> Ruling:
        changed = self.dialect if job.dialect != self.dialect else self.dialect.without(fault.problem)
        if changed is not None:
            self.dialect = changed
            return Retry()
        if endpoint.answered == 0 and self.model not in endpoint.names and names_model(said, self.model):
            return Stop(unknown_model(self.model, endpoint.names, endpoint.url, fault.problem))
        return fault

    async def _again(self, endpoint: Endpoint, job: Job, number: int, fault: Again, now: float) -> Ruling:
        gone = None if fault.reached else endpoint.ended()
        if gone is not None:
            return Stop(gone)
        if fault.crowded:
            endpoint.limiter.too_much(number)
        if fault.wait is not None:
            endpoint.rest(now + fault.wait)
        if fault.crowded and fault.reached:
            job.crowded += 1
        else:
            job.failed += 2 if fault.crowded else 1
        if job.crowded > self.patience.crowded or job.failed >= self.patience.attempts:
            return await self._exhausted(endpoint, job, fault)
        kind = fault.problem[:60]
        self.retries[kind if kind in self.retries or len(self.retries) < _KINDS else "other"] += 1
        others = any(one is not endpoint and not one.down for one in self.endpoints)
        job.avoid = endpoint if others and not fault.reached else None
        if job.avoid is None:
            return Retry(max(back_off(job.failed + job.crowded - 1, self.patience.first_wait), fault.wait or 0.0))
        if endpoint.missed(number):
            # The others do its work while it rests; each time it is tried again it rests longer.
            endpoint.rest(now + back_off(endpoint.misses - 1, self.patience.first_wait))
            endpoint.down = endpoint.misses >= self.patience.attempts
        return Retry()

    async def _exhausted(self, endpoint: Endpoint, job: Job, fault: Again) -> Ruling:
        """No more attempts: is it the question or the server?"""
        there = fault.reached
        if not there:
            seen = await endpoint.look()
            there = not isinstance(seen, Again) or seen.reached
        if there and endpoint.answered:
            return Refused(f"{fault.problem}, again and again")
        endpoint.down = True
        if all(one.down for one in self.endpoints):
            attempts = f"{job.failed + job.crowded} times"
            return Stop(RunError(f"{endpoint.url}: {fault.problem}, {attempts}; answers so far are kept"))
        job.failed = job.crowded = 0
        job.avoid = None
        return Retry()
