"""How many workers, of what size, on which cluster."""

from __future__ import annotations

import importlib.util
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrm_eval.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

AUTO = "auto"
LOCAL = "local"


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """What is asked of a cluster.

    Attributes:
        address: "auto" (the cluster of this machine or of RAY_ADDRESS, else a new one on this machine), "local" (always
            a new one on this machine), or HOST:PORT of a cluster's head.
        workers: how many; None takes as many as the cluster has room for, and more as machines join.
        gpus: GPUs of each; a part (0.5) puts several on one, more than one spreads a model over them. None: one where
            the cluster has GPUs and `--device` names no other device, else none.
        cpus: CPU slots of each.
    """

    address: str = AUTO
    workers: int | None = None
    gpus: float | None = None
    cpus: float = 1

    def check(self, device: str | None) -> None:
        """Refuse what cannot be, before anything is loaded.

        Args:
            device: what was typed after `--device`.

        Raises:
            UsageError: a number out of range, an address of another kind, a device that is not Ray's to give, or Ray is
                not installed.
        """
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"--workers {self.workers}: ask for at least one, or leave it out to take all there is")
        if self.cpus <= 0 or not math.isfinite(self.cpus):
            raise UsageError(f"--cpus-per-worker {self.cpus:g}: a worker needs more than none")
        gpus = self.gpus
        if gpus is not None and (not math.isfinite(gpus) or gpus < 0 or (gpus > 1 and gpus != int(gpus))):
            raise UsageError(f"--gpus-per-worker {gpus:g}: type a whole number, a part of one (0.5), or 0")
        self._check_device((device or AUTO).lower())
        if self.address.startswith("ray://"):
            raise UsageError(
                f"--ray {self.address}: answers cannot be streamed through Ray Client; run the command on a machine of "
                "the cluster (`ray job submit -- lrm-eval run …`) with --ray alone"
            )
        if self.address not in (AUTO, LOCAL) and not _is_host_and_port(self.address):
            raise UsageError(f"--ray {self.address}: type HOST:PORT of the cluster's head, local, or nothing")
        if importlib.util.find_spec("ray") is None:
            raise UsageError("--ray needs Ray, which is not installed: type `pip install 'lrm-eval[ray]'`")

    def _check_device(self, device: str) -> None:
        if device.startswith("cuda:"):
            raise UsageError(f"--device {device}: with --ray each worker gets its GPUs from Ray; type --device cuda")
        if device == "mps":
            raise UsageError("--device mps: Ray hands out no Metal devices; leave out --ray")
        if device == "cpu" and self.gpus:
            raise UsageError(f"--device cpu and --gpus-per-worker {self.gpus:g} exclude each other")
        if device == "cuda" and self.gpus == 0:
            raise UsageError("--device cuda and --gpus-per-worker 0 exclude each other")

    def gpus_each(self, device: str | None, nodes: Iterable[Mapping[str, float]]) -> float:
        """GPUs of one worker, now that it is known what the cluster has.

        Args:
            device: what was typed after `--device`.
            nodes: resources of each machine in Ray's names ("CPU", "GPU").
        """
        if self.gpus is not None:
            return self.gpus
        asked = (device or AUTO).lower()
        if asked == AUTO:
            return 1.0 if any(node.get("GPU", 0) >= 1 for node in nodes) else 0.0
        return 1.0 if asked == "cuda" else 0.0


def _is_host_and_port(address: str) -> bool:
    host, _, port = address.rpartition(":")
    return bool(host) and port.isdecimal() and 0 < int(port) < 65536


def room(nodes: Iterable[Mapping[str, float]], gpus: float, cpus: float) -> int:
    """How many workers the machines hold, none of them spread over two.

    Args:
        nodes: resources of each machine in Ray's names.
        gpus: GPUs of a worker.
        cpus: CPU slots of a worker.
    """
    return sum(_room(node, gpus, cpus) for node in nodes)


def _room(node: Mapping[str, float], gpus: float, cpus: float) -> int:
    # A little more than nothing, so that ten workers of a tenth fit.
    by_cpu = int(node.get("CPU", 0) / cpus + 1e-9)
    if not gpus:
        return by_cpu
    has = node.get("GPU", 0)
    return min(by_cpu, int(has) * int(1 / gpus + 1e-9) if gpus < 1 else int(has / gpus))


def lacking(nodes: Iterable[Mapping[str, float]], gpus: float, cpus: float) -> str:
    """Why no machine holds a worker, in words for the user."""
    largest = max(nodes, key=lambda node: (node.get("GPU", 0), node.get("CPU", 0)), default={})
    slots = f"{cpus:g} CPU{'s' * (cpus > 1)}"
    each = f"{gpus:g} GPU{'s' * (gpus > 1)} and {slots}" if gpus else slots
    has = f"{largest.get('GPU', 0):g} GPUs and {largest.get('CPU', 0):g} CPUs"
    return f"a worker needs {each} of one machine, and the largest of the cluster has {has}"
