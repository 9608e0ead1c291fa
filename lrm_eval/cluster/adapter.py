"""Many workers as one adapter: to the runner a cluster is one more way of reaching a model."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from lrm_eval.cluster.parcels import number_images, unit_size, units
from lrm_eval.cluster.pool import Pool
from lrm_eval.cluster.schedule import Schedule
from lrm_eval.cluster.worker import Order
from lrm_eval.runs.plan import image_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from lrm_eval.cluster.options import ClusterOptions
    from lrm_eval.cluster.worker import Loaded
    from lrm_eval.runs.observer import Observer
    from lrm_eval.types import Request, Response
    from model_adapters import ModelSpec


class ClusterAdapter:
    """Answers with the workers of a pool.

    In float32 the answers are those of one process. Where the composition of a batch may change an answer, units are
    cut from the whole plan in a way that depends on neither the number of workers nor what is answered already.

    Args:
        pool: opened.
        loaded: what its first worker said.
    """

    def __init__(self, pool: Pool, loaded: Loaded) -> None:
        self._pool, self._loaded = pool, loaded
        self.capabilities = loaded.capabilities
        self._numbers: dict[str, int] = {}
        self._plans: dict[int, list[Request]] = {}
        self._answered, self._seconds = 0, 0.0

    def prepare(self, requests: Sequence[Request]) -> None:
        """Cut the whole plan into units."""
        invariant = self._loaded.batch_invariant
        size = unit_size(self._loaded.batch_size, len(requests), self._pool.wanted, invariant)
        self._numbers = number_images(requests, size)
        self._plans = {}
        if not invariant:
            for request in requests:
                self._plans.setdefault(self._numbers[image_key(request.sample)], []).append(request)

    def generate(self, requests: Iterable[Request]) -> Iterator[Response]:
        """Answer each request once.

        Raises:
            UsageError, RunError: as `Pool.answers`.
        """
        start = time.perf_counter()
        schedule = Schedule(units(requests, self._numbers, self._plans))
        for response in self._pool.answers(schedule):
            self._answered += 1
            yield response
        self._seconds += time.perf_counter() - start

    def fingerprint(self) -> Mapping[str, Any]:
        """That of every worker: one with another is not admitted."""
        return self._loaded.fingerprint

    def settings(self) -> Mapping[str, Any]:
        """The settings of the first worker, its machine, and that it is one of several."""
        return {**self._loaded.settings, "worker": dict(self._loaded.environment), "workers": self._pool.wanted}

    def performance(self) -> Mapping[str, Any]:
        """Answers, time from first question to last answer, and how many workers there were at most and died."""
        if not self._answered or not self._seconds:
            return {}
        return {
            "prompts": self._answered,
            "wall_seconds": self._seconds,
            "prompts_per_second": self._answered / self._seconds,
            "most_workers": self._pool.most,
            "workers_ended": self._pool.deaths,
        }

    def close(self) -> None:
        """End the workers."""
        self._pool.close()


def load_on_cluster(
    cluster: ClusterOptions,
    spec: ModelSpec,
    options: Mapping[str, Any],
    include_paths: Sequence[Path],
    observer: Observer,
) -> ClusterAdapter:
    """The model in workers on a Ray cluster, one of them ready.

    Args:
        cluster: how many workers, of what size, where.
        spec: the model.
        options: arguments of `load_model`; the device becomes what Ray gives.
        include_paths: folders with adapters and languages, at the same place on every machine.
        observer: told how many workers there are.

    Raises:
        UsageError: no such cluster, no room for a worker, or the model cannot be loaded as asked.
        RunError: Ray does not start, or workers die while they load.
    """
    pool = Pool(cluster, Order.of(spec, options, include_paths), observer.notice, observer.workers)
    try:
        return ClusterAdapter(pool, pool.open())
    except BaseException:
        pool.close()
        raise
