"""Many requests at once, on one event loop in a thread of its own.

The thread that evaluates hands in jobs and takes what came of them; meanwhile this one asks. A job waits in a queue
until a server has room for it; one that failed waits for its next attempt without taking up room.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from lrm_eval.errors import LrmEvalError, RunError
from model_adapters.servers.answers import Answer
from model_adapters.servers.faults import Fault, Filtered, Refused, Stop, TooLarge
from model_adapters.servers.referee import Job, Referee, Retry

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from model_adapters.servers.endpoints import Endpoint

Outcome: TypeAlias = Answer | Refused | Filtered | TooLarge | Stop
# Which server an image's questions went to: as many images as are under way, and more.
_HOMES = 4096


@dataclass(eq=False)
class Pool:
    """Asks servers.

    Attributes:
        endpoints: the servers.
        referee: says what is done about a failure.
    """

    endpoints: Sequence[Endpoint]
    referee: Referee

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
        self.referee.answered()

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
        job.dialect = self.referee.dialect
        try:
            found = await endpoint.ask(job.build(job.dialect), job.budget)
        finally:
            endpoint.limiter.end()
        if isinstance(found, Answer):
            endpoint.answered += 1
            endpoint.misses = 0
            endpoint.limiter.went_well()
            self.referee.answered()
            self._done.put((job, found))
            return
        await self._failed(endpoint, job, number, *found)

    async def _failed(self, endpoint: Endpoint, job: Job, number: int, fault: Fault, said: bytes) -> None:
        if self._stopping:
            return
        ruling = await self.referee.rule(endpoint, job, number, fault, said, self._loop.time())
        if self._stopping:
            return
        if isinstance(ruling, Retry):
            self._timers[job] = self._loop.call_later(ruling.wait, self._return, job)
        elif isinstance(ruling, Stop):
            self._stop(ruling.error)
        else:
            self._done.put((job, ruling))
            error = self.referee.hopeless(endpoint, job, ruling) if isinstance(ruling, Refused) else None
            if error is not None:
                self._stop(error)

    def _return(self, job: Job) -> None:
        self._timers.pop(job, None)
        self._waiting.appendleft(job)
        self._pump()

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
            await asyncio.wait(under_way, timeout=self.referee.patience.grace)
        self._done.put((None, Stop(error)))
