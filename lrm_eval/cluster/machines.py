"""The machines of a cluster: which live, and how many workers they hold."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from lrm_eval.cluster.options import lacking, room
from lrm_eval.errors import RunError, UsageError

if TYPE_CHECKING:
    from lrm_eval.cluster.connection import Connection
    from lrm_eval.cluster.options import ClusterOptions

# Seconds: between two looks; without any worker.
_LOOK, _PATIENCE = 5.0, 300.0


class Machines:
    """What the cluster has room for, looked at every few seconds: machines come and go.

    Args:
        connection: to the cluster.
        options: how many workers and of what size.
        device: what was typed after `--device`.

    Raises:
        UsageError: a cluster that was started for this run has no room for one worker.
    """

    def __init__(self, connection: Connection, options: ClusterOptions, device: str | None) -> None:
        self._connection, self._options = connection, options
        self._nodes = connection.nodes()
        self._looked = self._seen = time.monotonic()
        self.gpus = options.gpus_each(device, self._nodes.values())
        if connection.own and not self._room():
            raise UsageError(f"--ray: {self.lacking()}")

    def resources(self) -> dict[str, Any]:
        """Options of a worker, in Ray's words. Its death is told and not mended: what it held goes elsewhere."""
        return {"num_cpus": self._options.cpus, "num_gpus": self.gpus, "max_restarts": 0, "max_task_retries": 0}

    def wanted(self) -> int:
        """How many workers there should be."""
        self._look(_LOOK)
        # A number that was typed is asked for whether there is room or not: that is what makes a cluster grow.
        return self._options.workers or self._room()

    def lives(self, node: str) -> bool:
        """Whether a machine is alive, as far as the cluster knows."""
        self._look(0)
        return node in self._nodes

    def lacking(self) -> str:
        """Why no worker is placed, in words."""
        if self._room():
            return "other work holds the cluster, or it is slow"
        return lacking(self._nodes.values(), self.gpus, self._options.cpus)

    def wait_for_room(self, placed: bool) -> None:
        """Called again and again.

        Args:
            placed: some worker is on a machine.

        Raises:
            RunError: none has been for five minutes.
        """
        if placed:
            self._seen = time.monotonic()
        elif time.monotonic() - self._seen > _PATIENCE:
            raise RunError(f"no machine had room for a worker in {_PATIENCE:.0f} seconds: {self.lacking()}")

    def _room(self) -> int:
        return room(self._nodes.values(), self.gpus, self._options.cpus)

    def _look(self, seconds: float) -> None:
        if time.monotonic() - self._looked >= seconds:
            self._nodes, self._looked = self._connection.nodes(), time.monotonic()
