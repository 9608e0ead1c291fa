"""To a Ray cluster and back: one that runs, or one of our own on this machine."""

from __future__ import annotations

import importlib
import os
import signal
import socket
import threading
from typing import TYPE_CHECKING, Any

from lrm_eval.cluster.options import AUTO, LOCAL
from lrm_eval.errors import RunError, UsageError
from lrm_eval.runs.execute import one_line

if TYPE_CHECKING:
    from lrm_eval.cluster.options import ClusterOptions

_SECONDS = 10.0


class Connection:
    """This process as a driver of a Ray cluster.

    Attributes:
        ray: the module.
        own: the cluster was started here and ends with the run.
    """

    def __init__(self, ray: Any, own: bool, leave: bool) -> None:
        self.ray, self.own, self._leave = ray, own, leave

    @classmethod
    def open(cls, options: ClusterOptions) -> Connection:
        """Connect, or start Ray on this machine.

        Raises:
            UsageError: no cluster at that address, or one of another version.
            RunError: Ray does not start.
        """
        ray: Any = importlib.import_module("ray")
        if ray.is_initialized():
            return cls(ray, own=False, leave=False)
        address = os.environ.get("RAY_ADDRESS") or AUTO if options.address == AUTO else options.address
        if address not in (AUTO, LOCAL):
            _check_port(address)
        _hush(ray)
        # Ray puts a handler of SIGTERM in place that ends the process on the spot.
        handler = signal.getsignal(signal.SIGTERM)
        try:
            own = address == LOCAL or not _joined(ray, address)
            if own:
                _start(ray, options)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise UsageError(f"--ray {address}: Ray does not connect: {one_line(error)}") from error
        finally:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, handler)
        return cls(ray, own=own, leave=True)

    def nodes(self) -> dict[str, dict[str, float]]:
        """Resources of each living machine by its id, in Ray's names."""
        return {node["NodeID"]: node["Resources"] for node in self.ray.nodes() if node["Alive"]}

    def close(self) -> None:
        """Leave the cluster; one of our own ends."""
        if self._leave:
            self.ray.shutdown()


def _hush(ray: Any) -> None:
    """Keep Ray's pages about dead workers off standard output, where `--json` promises JSON and nothing else.

    Their death is told in our own words. Ray has no setting for it (2.60): `log_to_driver` is about other lines.
    """
    printing: Any = getattr(ray._private, "worker", None)
    if hasattr(printing, "print_to_stdstream"):
        printing.print_to_stdstream = lambda *_, **__: None


_QUIET = {"log_to_driver": False, "logging_level": "ERROR"}


def _joined(ray: Any, address: str) -> bool:
    """Whether there is a cluster; where none was named there need not be one."""
    try:
        ray.init(address=address, **_QUIET)
    except ConnectionError:
        if address != AUTO:
            raise
        return False
    return True


def _start(ray: Any, options: ClusterOptions) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # As many slots as workers were typed, though they share cores.
    slots = max(os.cpu_count() or 1, int((options.workers or 0) * options.cpus + 0.999))
    try:
        ray.init(address=LOCAL, num_cpus=slots, include_dashboard=False, **_QUIET)
    except Exception as error:  # Ray raises a bare Exception where a node does not come up
        raise RunError(f"Ray did not start on this machine: {one_line(error)}") from error


def _check_port(address: str) -> None:
    """Ray tries a dead address for a minute and then ends the process: this finds out first."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS).close()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(
            f"--ray {address}: nothing answers there ({reason}); `ray start --head` on that machine starts a cluster"
        ) from error


def why_of(error: BaseException, exceptions: Any) -> str:
    """Ray's page about a failure as a few words.

    Args:
        error: an error of Ray.
        exceptions: the module `ray.exceptions`.
    """
    text = str(error)
    if isinstance(error, exceptions.OutOfMemoryError) or "low on memory" in text:
        return "the machine ran out of memory"
    cause = next((line for line in reversed(text.strip().splitlines()) if "Error: " in line), None)
    return "its process died" if cause is None else one_line(cause)
