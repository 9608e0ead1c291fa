"""The workers of a run: placed by Ray, loaded, asked, and replaced when they die."""

from __future__ import annotations

import contextlib
import math
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lrm_eval.cluster.connection import Connection, why_of
from lrm_eval.cluster.machines import Machines
from lrm_eval.cluster.parcels import pack
from lrm_eval.cluster.schedule import TRIES
from lrm_eval.cluster.worker import Failed, Loaded, Placed, Worker
from lrm_eval.errors import LrmEvalError, RunError, UsageError
from lrm_eval.runs.environment import code_hashes
from lrm_eval.runs.manifest import compare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lrm_eval.cluster.options import ClusterOptions
    from lrm_eval.cluster.schedule import Schedule, Work
    from lrm_eval.cluster.worker import Order
    from lrm_eval.types import Response

# Units that a worker holds: one that it answers, and one so that it need not wait for the next.
_HELD = 2
# Workers that end one after the other without an answer of any, before the run stops.
_FRUITLESS = 2 * TRIES
# Workers that die one after the other while they load, before one fewer is wanted.
_LOADS = 3
# Seconds: until a wait is explained; for a last word.
_EXPLAIN, _GOODBYE = 15.0, 5.0


@dataclass(eq=False)
class _Member:
    """A worker as seen from here.

    Attributes:
        actor: Ray's handle.
        pending: the answer to what it was told before it is ready: to say where it is, then to load.
        placed: where it is, once it is somewhere.
        ready: it has loaded the model.
        held: what it was asked, as Ray's stream of messages and the work; it answers the first.
    """

    actor: Any
    pending: Any
    placed: Placed | None = None
    ready: bool = False
    held: deque[tuple[Any, Work]] = field(default_factory=deque)

    @property
    def name(self) -> str:
        return "a worker" if self.placed is None else f"the worker on {self.placed.host} (process {self.placed.pid})"


class Pool:
    """Workers on a cluster, between `open` and `close`.

    Args:
        options: how many and of what size.
        order: what each loads; its device is set here.
        notice: told of what a user should know.
        changed: told how many workers are ready and how many are wanted, when that changes.

    Attributes:
        wanted: how many workers there should be.
        most: how many were ready at once.
        deaths: how many ended before the run did.
    """

    def __init__(
        self,
        options: ClusterOptions,
        order: Order,
        notice: Callable[[str], None],
        changed: Callable[[int, int], None],
    ) -> None:
        self._options, self._order, self._notice, self._changed = options, order, notice, changed
        self._connection: Connection | None = None
        self._machines: Machines
        self._ray: Any = None
        self._actors: Any = None
        self._code = code_hashes()
        self._members: list[_Member] = []
        self._barred = self._load_deaths = self._fruitless = 0
        self._refusals: list[LrmEvalError] = []
        self._first: Loaded | None = None
        self._told = (-1, -1)
        self.wanted = self.deaths = self.most = 0

    # Beginning and end -------------------------------------------------------------------------------------------

    def open(self) -> Loaded:
        """Connect, place the workers, and wait until one is ready.

        Raises:
            UsageError: no such cluster, no machine with room for a worker, or the model cannot be loaded as asked.
            RunError: Ray does not start, or workers die while they load.
        """
        self._connection = Connection.open(self._options)
        self._ray = self._connection.ray
        self._actors = self._ray.remote(Worker)
        self._machines = Machines(self._connection, self._options, self._order.options.get("device"))
        self._order = self._order.on(self._machines.gpus)
        explain = time.monotonic() + _EXPLAIN
        while self._first is None:
            self._grow()
            self._check_alive()
            for member in self._speaking(1.0):
                self._settle(member)
            if self._first is None and time.monotonic() > explain:
                explain = math.inf
                placed = self._any_placed()
                self._notice(f"waiting for workers to {'load' if placed else f'start: {self._machines.lacking()}'}")
        return self._first

    def close(self) -> None:
        """Let idle workers give back what they hold, end them all, and leave the cluster."""
        if self._connection is None:
            return
        with contextlib.suppress(self._ray.exceptions.RayError):
            idle = [member.actor.close.remote() for member in self._members if member.ready and not member.held]
            if idle:
                self._ray.wait(idle, num_returns=len(idle), timeout=_GOODBYE)
        for member in self._members:
            with contextlib.suppress(self._ray.exceptions.RayError):
                self._ray.kill(member.actor)
        self._members.clear()
        self._connection.close()
        self._connection = None

    # Asking ------------------------------------------------------------------------------------------------------

    def answers(self, schedule: Schedule) -> Iterator[Response]:
        """Ask everything of a schedule; answers come in the order in which workers give them.

        Raises:
            UsageError, RunError: the model says that it cannot go on, workers end without an answer again and again, or
                no machine is left.
        """
        while True:
            self._grow()
            self._hand_out(schedule)
            if not any(member.held for member in self._members) and not schedule.waiting():
                return
            self._check_alive()
            for member in self._speaking(1.0):
                if member.ready:
                    yield from self._listen(member, schedule)
                else:
                    self._settle(member)

    def _hand_out(self, schedule: Schedule) -> None:
        # A first unit for each before a second for any: at the end of a run the last units are spread.
        for depth in range(1, _HELD + 1):
            for member in self._members:
                if member.ready and len(member.held) < depth:
                    work = schedule.take()
                    if work is None:
                        return
                    stream = member.actor.answer.options(num_returns="streaming").remote(pack(work.unit))
                    member.held.append((stream, work))

    def _listen(self, member: _Member, schedule: Schedule) -> Iterator[Response]:
        stream, work = member.held[0]
        try:
            message = self._ray.get(next(stream))
        except StopIteration:
            member.held.popleft()
            return
        except self._ray.exceptions.RayError as error:
            yield from self._ended(member, why_of(error, self._ray.exceptions), schedule)
            return
        if isinstance(message, Failed):
            if message.kind != "broke":
                raise _error(message.kind, f"{member.name}: {message.text}")
            yield from self._ended(member, message.text, schedule)
            return
        self._fruitless = 0
        for response in message:
            work.left.pop(response.key, None)
        yield from message

    def _ended(self, member: _Member, why: str, schedule: Schedule) -> Iterator[Response]:
        """A worker died or its model broke: what it held goes elsewhere."""
        machine_lives = self._remove(member)
        if machine_lives:
            self._notice(f"{member.name} ended ({why}); what it was asked goes to another")
            self._fruitless += 1
        else:
            self._notice(f"the machine of {member.name} is gone; what it was asked goes to another")
        blamed = next((work for _, work in member.held if work.left), None) if machine_lives else None
        for _, work in member.held:
            given_up = schedule.lost(work, why, work is blamed)
            if given_up:
                images = ", ".join(work.unit.images_shown())
                self._notice(f"given up: the questions on {images} ({len(given_up)}); the same command asks them again")
            yield from given_up
        if self._fruitless >= _FRUITLESS:
            raise RunError(f"{self._fruitless} workers ended one after the other without an answer (the last: {why})")

    def _settle(self, member: _Member) -> None:
        """The next step of a worker that is not ready."""
        try:
            told = self._ray.get(member.pending)
        except self._ray.exceptions.RayError as error:
            why = why_of(error, self._ray.exceptions)
            if "No module named" in str(error):
                self._refuse(member, "usage", f"{why}: every machine needs the same lrm-eval and Python packages")
            elif self._remove(member):
                self._load_deaths += 1
                if self._load_deaths >= _LOADS:
                    self._load_deaths = 0
                    self._refuse(member, "run", f"workers end while they load the model (the last: {why})")
            return
        if isinstance(told, Placed):
            member.placed = told
            other = [name for name, digest in self._code.items() if told.code.get(name) != digest]
            if other:
                what = f"{member.name}: its code is not the one that this run began with ({', '.join(other)})"
                self._refuse(member, "usage", f"{what}: every machine needs the same lrm-eval")
            else:
                member.pending = member.actor.load.remote(self._order)
        elif isinstance(told, Failed):
            self._refuse(member, told.kind, f"{member.name}: {told.text}")
        else:
            self._admit(member, told)

    def _admit(self, member: _Member, loaded: Loaded) -> None:
        if self._first is not None:
            differences = compare(self._first.fingerprint, loaded.fingerprint)
            if differences:
                shown = "; ".join(str(difference) for difference in differences[:3])
                self._refuse(member, "run", f"{member.name} loaded another model than the first ({shown})")
                return
        else:
            self._first = loaded
            for refusal in self._refusals:
                self._notice(f"one worker less: {refusal}")
        member.ready, self._load_deaths = True, 0

    def _refuse(self, member: _Member, kind: str, text: str) -> None:
        """Go on without this worker; if none is left, this is the error."""
        self._remove(member)
        self._barred += 1
        self._refusals.append(_error(kind, text))
        if self._first is not None:
            self._notice(f"one worker less: {text}")

    def _grow(self) -> None:
        self.wanted = max(0, self._machines.wanted() - self._barred)
        for _ in range(self.wanted - len(self._members)):
            actor = self._actors.options(**self._machines.resources()).remote()
            self._members.append(_Member(actor, actor.place.remote()))
        ready = sum(member.ready for member in self._members)
        self.most = max(self.most, ready)
        if (ready, self.wanted) != self._told:
            self._told = (ready, self.wanted)
            self._changed(ready, self.wanted)

    def _any_placed(self) -> bool:
        return any(member.placed is not None for member in self._members)

    def _check_alive(self) -> None:
        if self._refusals and not self._members:
            raise self._refusals[0]
        self._machines.wait_for_room(self._any_placed())

    def _speaking(self, seconds: float) -> list[_Member]:
        """Members that have something to say, at the latest after `seconds`."""
        waited = {member.held[0][0]: member for member in self._members if member.ready and member.held}
        waited |= {member.pending: member for member in self._members if not member.ready}
        if not waited:
            time.sleep(min(seconds, 0.1))
            return []
        found, _ = self._ray.wait(list(waited), num_returns=1, timeout=seconds)
        if found:
            found, _ = self._ray.wait(list(waited), num_returns=len(waited), timeout=0)
        return [waited[one] for one in found]

    def _remove(self, member: _Member) -> bool:
        """End a worker; whether its machine is alive."""
        if member in self._members:
            self._members.remove(member)
            self.deaths += 1
            with contextlib.suppress(self._ray.exceptions.RayError):
                self._ray.kill(member.actor)
        return member.placed is None or self._machines.lives(member.placed.node)


def _error(kind: str, text: str) -> LrmEvalError:
    return UsageError(text) if kind == "usage" else RunError(text)
