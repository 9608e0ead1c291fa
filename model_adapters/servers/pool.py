"""Many requests at once, on one event loop in a thread of its own.

The thread that evaluates hands in jobs and takes what came of them; meanwhile this one asks. A job waits in a queue
until a server has room for it; one that failed waits for its next attempt without taking up room.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from lrm_eval.errors import LrmEvalError, RunError
from lrm_eval.remote.waiting import back_off
from model_adapters.servers.answers import Answer
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
    from collections.abc import Callable, Coroutine, Sequence

    from model_adapters.servers.endpoints import Endpoint

Outcome: TypeAlias = Answer | Refused | Filtered | TooLarge | Stop
# Which server an image's questions went to: as many images as are under way, and more.
_HOMES = 4096
_KINDS = 40


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long.

    Attributes:
        attempts: of one question; a time-out counts as two.
        crowded: further attempts where the server says that it has too much to do (429, 503).
        first_wait: seconds before the second attempt, twice as long before each further one.
        row: failures in a row, on at least `images` images, that end the run.
        images: see `row`. Questions on one image stand together: a server that takes only that one not is no reason.
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


@dataclass(eq=False)
class Pool:
    """Asks servers.

    Attributes:
        endpoints: the servers.
        model: what they call the model.
        patience: how often and how long.
        dialect: what they understand.
        retries: attempts beside the first ones, by problem.
    """

    endpoints: Sequence[Endpoint]
    model: str
    patience: Patience = field(default_factory=Patience)
    dialect: Dialect = field(default_factory=Dialect)
    retries: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lrm-eval-servers", daemon=True)
        self._done: queue.SimpleQueue[tuple[Job | None, Outcome]] = queue.SimpleQueue()
        self._waiting: deque[Job] = deque()
        self._timers: dict[Job, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._homes: OrderedDict[str, Endpoint] = OrderedDict()
        self._alarm: asyncio.TimerHandle | None = None
        self._stopping = False
        self._row: list[str] = []
        self._thread.start()

    # Called by the thread that evaluates --------------------------------------------------------------------

    def call(self, work: Coroutine[Any, Any, Any], timeout: float | None = None) -> Any:
        """Run a coroutine on the loop and wait for what it returns.

        Raises:
            TimeoutError: it took longer than `timeout` seconds.
        """
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout)

    def submit(self, jobs: Sequence[Job]) -> None:
        """Hand in jobs."""
        self._loop.call_soon_threadsafe(self._accept, list(jobs))

    def take(self, wait: float | None = None) -> list[tuple[Job | None, Outcome]]:
        """What is done; a `Stop` comes without a job.

        Args:
            wait: seconds to wait for the first; None takes what is there.
        """
        found = []
        try:
            found.append(self._done.get(timeout=wait) if wait is not None else self._done.get_nowait())
            while True:
                found.append(self._done.get_nowait())
        except queue.Empty:
            return found

    @property
    def room(self) -> int:
        """Requests that may be under way at all servers together, as things stand."""
        return sum(int(endpoint.limiter.limit) for endpoint in self.endpoints if not endpoint.down)

    def clear(self) -> None:
        """Forget everything that waits or is under way."""
        self.call(self._clear(), 30)
        self.take()

    def close(self) -> None:
        """End connections, loop and thread."""
        if not self._thread.is_alive():
            return
        try:
            self.call(self._clear(), 30)
            for endpoint in self.endpoints:
                self.call(endpoint.close(), 30)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(30)
            if not self._thread.is_alive():
                self._loop.close()

    # On the loop ----------------------------------------------------------------------------------------------

    def _accept(self, jobs: list[Job]) -> None:
        self._waiting.extend(jobs)
        self._pump()

    async def _clear(self) -> None:
        self._waiting.clear()
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._stopping = False
        self._row.clear()

    def _pump(self) -> None:
        while self._waiting and not self._stopping:
            endpoint = self._choose(self._waiting[0])
            if endpoint is None:
                self._wake()
                return
            job = self._waiting.popleft()
            number = endpoint.limiter.begin()
            task = self._loop.create_task(self._ask(endpoint, job, number))
            self._tasks.add(task)
            task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._stop(RunError(f"asking a server failed: {type(task.exception()).__name__}: {task.exception()}"))
        self._pump()

    def _wake(self) -> None:
        """Look again when the first server has rested."""
        moments = [one.rests_until for one in self.endpoints if not one.down and one.rests_until > self._loop.time()]
        if moments and (self._alarm is None or self._alarm.cancelled() or self._alarm.when() <= self._loop.time()):
            self._alarm = self._loop.call_at(min(moments) + 0.001, self._pump)

    def _choose(self, job: Job) -> Endpoint | None:
        now = self._loop.time()
        there = [one for one in self.endpoints if not one.down]
        free = [one for one in there if one.rests_until <= now and one.limiter.free]
        if len(there) > 1:
            free = [one for one in free if one is not job.avoid]
        if not free:
            return None
        home = self._homes.get(job.group)
        if home in free:
            return home
        best = max(free, key=lambda one: one.limiter.free)
        if home is None or home.down:
            self._homes[job.group] = best
            if len(self._homes) > _HOMES:
                self._homes.popitem(last=False)
        return best

    async def _ask(self, endpoint: Endpoint, job: Job, number: int) -> None:
        job.dialect = self.dialect
        try:
            found = await endpoint.ask(job.build(job.dialect), job.budget)
        finally:
            endpoint.limiter.end()
        if isinstance(found, Answer):
            endpoint.answered += 1
            endpoint.limiter.went_well()
            self._row.clear()
            self._done.put((job, found))
            return
        await self._failed(endpoint, job, number, *found)

    async def _failed(self, endpoint: Endpoint, job: Job, number: int, fault: Fault, said: bytes) -> None:
        if self._stopping:
            return
        if isinstance(fault, Again):
            await self._again(endpoint, job, number, fault)
        elif isinstance(fault, Stop):
            self._stop(fault.error)
        elif isinstance(fault, Missing):
            known = names_model(said, self.model)
            self._stop(
                unknown_model(self.model, endpoint.names, endpoint.url, fault.problem)
                if known
                else no_such_path(endpoint.url, fault.problem)
            )
        elif isinstance(fault, Refused):
            self._refused(endpoint, job, fault, said)
        else:
            self._done.put((job, fault))

    def _refused(self, endpoint: Endpoint, job: Job, fault: Refused, said: bytes) -> None:
        changed = self.dialect if job.dialect != self.dialect else self.dialect.without(fault.problem)
        if changed is not None:
            self.dialect = changed
            self._waiting.appendleft(job)
        elif endpoint.answered == 0 and self.model not in endpoint.names and names_model(said, self.model):
            self._stop(unknown_model(self.model, endpoint.names, endpoint.url, fault.problem))
        else:
            self._give_back(job, fault, endpoint)

    async def _again(self, endpoint: Endpoint, job: Job, number: int, fault: Again) -> None:
        gone = None if fault.reached else endpoint.ended()
        if gone is not None:
            self._stop(gone)
            return
        if fault.crowded:
            endpoint.limiter.too_much(number)
        if fault.wait is not None:
            endpoint.rests_until = max(endpoint.rests_until, self._loop.time() + fault.wait)
        busy = fault.crowded and fault.reached
        job.crowded += busy
        job.failed += (2 if fault.crowded else 1) * (not busy)
        if job.crowded <= self.patience.crowded and job.failed < self.patience.attempts:
            kind = fault.problem[:60]
            self.retries[kind if kind in self.retries or len(self.retries) < _KINDS else "other"] += 1
            others = any(one is not endpoint and not one.down for one in self.endpoints)
            job.avoid = endpoint if others and not fault.reached else None
            wait = 0.0 if job.avoid else back_off(job.failed + job.crowded - 1, self.patience.first_wait)
            self._timers[job] = self._loop.call_later(max(wait, fault.wait or 0.0), self._return, job)
        else:
            await self._exhausted(endpoint, job, fault)

    def _return(self, job: Job) -> None:
        self._timers.pop(job, None)
        self._waiting.appendleft(job)
        self._pump()

    async def _exhausted(self, endpoint: Endpoint, job: Job, fault: Again) -> None:
        """No more attempts: is it the question or the server?"""
        there = fault.reached
        if not there:
            seen = await endpoint.look()
            there = not isinstance(seen, Again) or seen.reached
        if there and endpoint.answered:
            self._give_back(job, Refused(f"{fault.problem}, again and again"), endpoint)
            return
        endpoint.down = True
        if all(one.down for one in self.endpoints):
            attempts = f"{job.failed + job.crowded} times"
            self._stop(RunError(f"{endpoint.url}: {fault.problem}, {attempts}; answers so far are kept"))
            return
        job.failed = job.crowded = 0
        job.avoid = None
        self._waiting.appendleft(job)

    def _give_back(self, job: Job, fault: Refused, endpoint: Endpoint) -> None:
        self._done.put((job, fault))
        self._row.append(job.group)
        if len(self._row) >= self.patience.row and len(set(self._row)) >= self.patience.images:
            self._stop(
                RunError(f"{endpoint.url}: {len(self._row)} questions in a row failed, the last with: {fault.problem}")
            )

    def _stop(self, error: LrmEvalError) -> None:
        if self._stopping:
            return
        self._stopping = True
        self._waiting.clear()
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        # Answers that are under way are paid for: they are waited for, a while.
        under_way = [task for task in self._tasks if task is not asyncio.current_task(self._loop)]
        ending = self._loop.create_task(self._end(under_way, error))
        self._ending = ending

    async def _end(self, under_way: Sequence[asyncio.Task[None]], error: LrmEvalError) -> None:
        if under_way:
            await asyncio.wait(under_way, timeout=self.patience.grace)
        self._done.put((None, Stop(error)))
