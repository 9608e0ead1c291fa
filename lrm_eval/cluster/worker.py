"""What runs in a process of Ray's, beside the model: loads it, answers units, and tells what goes wrong as a value.

An exception would arrive at the other end as a page of Ray's own words; a `Failed` is one line.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lrm_eval.errors import LrmEvalError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lrm_eval.cluster.parcels import Parcel
    from lrm_eval.types import Adapter, Capabilities, Response
    from model_adapters import ModelSpec

# Answers in one message: each message costs a fraction of a millisecond on either side.
_MESSAGE = 16
_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Order:
    """What every worker is to load.

    Attributes:
        spec: the model; its folder, if any, lies at the same place on every machine.
        options: arguments of `model_adapters.load_model`.
        include_paths: folders with adapters and languages, at the same place on every machine.
        bundled: the checkpoint is this one of lrm-llava, wherever that is installed.
    """

    spec: ModelSpec
    options: Mapping[str, Any]
    include_paths: tuple[Path, ...] = ()
    bundled: str | None = None

    @classmethod
    def of(cls, spec: ModelSpec, options: Mapping[str, Any], include_paths: Sequence[Path]) -> Order:
        """An order in which no path depends on the folder that a process runs in."""
        from model_adapters.checkpoints import bundled_checkpoint

        own, where = spec.preset.checkpoint, spec.checkpoint
        bundled = own.bundled if own is not None else None
        if bundled is not None and where != bundled_checkpoint(bundled):
            bundled = None
        if where is not None and where.path is not None:
            spec = replace(spec, checkpoint=replace(where, path=where.path.resolve()))
        whole = {name: value.resolve() if isinstance(value, Path) else value for name, value in options.items()}
        return cls(spec, whole, tuple(path.resolve() for path in include_paths), bundled)

    def on(self, gpus: float) -> Order:
        """The same for workers with so many GPUs each: within its process those are all that there are."""
        options = {**self.options, "device": "cuda" if gpus else "cpu"}
        if gpus > 1:
            options["device_map"] = "auto"
        return replace(self, options=options)

    def here(self) -> ModelSpec:
        """The model as it is found on this machine."""
        if self.bundled is None:
            return self.spec
        from model_adapters.checkpoints import bundled_checkpoint

        return replace(self.spec, checkpoint=bundled_checkpoint(self.bundled))


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a worker came to be.

    Attributes:
        node: Ray's id of the machine.
        host: its name.
        pid: its process there.
        code: hashes of the Python files that it runs, see `runs.environment.code_hashes`.
    """

    node: str
    host: str
    pid: int
    code: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model ready in a worker; the fields are those of the adapter.

    Attributes:
        capabilities: what it can do.
        fingerprint: what decides its answers, as JSON values.
        settings: how it runs, as JSON values.
        environment: the machine.
        batch_size: requests that it asks its model at once.
        batch_invariant: the composition of a batch never changes an answer.
    """

    capabilities: Capabilities
    fingerprint: Mapping[str, Any]
    settings: Mapping[str, Any]
    environment: Mapping[str, Any]
    batch_size: int
    batch_invariant: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """What went wrong.

    Attributes:
        kind: "usage" and "run" are the two errors of lrm_eval, "broke" is anything else.
        text: one line.
    """

    kind: Literal["usage", "run", "broke"]
    text: str


class Worker:
    """A model in a process of its own."""

    def __init__(self) -> None:
        self._adapter: Adapter | None = None

    def place(self) -> Placed:
        """Where this is, and what code it runs."""
        from lrm_eval.runs.environment import code_hashes

        ray: Any = importlib.import_module("ray")
        return Placed(ray.get_runtime_context().get_node_id(), platform.node(), os.getpid(), code_hashes())

    def load(self, order: Order) -> Loaded | Failed:
        """Load the model, as a run in one process would."""
        from lrm_eval.runs.environment import environment
        from lrm_eval.runs.manifest import plain_json
        from model_adapters import load_model

        try:
            _include(order.include_paths)
            self._adapter = adapter = load_model(order.here(), **order.options)
            return Loaded(
                capabilities=adapter.capabilities,
                fingerprint=plain_json(adapter.fingerprint()),
                settings=plain_json(adapter.settings()),
                environment=environment(order.options.get("device")),
                batch_size=int(getattr(adapter, "batch_size", 1)),
                batch_invariant=bool(getattr(adapter, "batch_invariant", True)),
            )
        except Exception as error:
            return _failed(error)

    def answer(self, parcel: Parcel) -> Iterator[tuple[Response, ...] | Failed]:
        """Answer a unit, a few answers a message; the last message is a Failed if the model broke."""
        held: list[Response] = []
        since = time.monotonic()
        try:
            adapter = self._adapter
            if adapter is None:
                raise RuntimeError("asked before it was loaded")
            prepare = getattr(adapter, "prepare", None)
            if callable(prepare):
                prepare(parcel.requests)
            for response in adapter.generate(parcel.unpacked()):
                held.append(response)
                if len(held) >= _MESSAGE or time.monotonic() - since > _SECONDS:
                    yield tuple(held)
                    held, since = [], time.monotonic()
        except Exception as error:
            if held:
                yield tuple(held)
            yield _failed(error)
        else:
            if held:
                yield tuple(held)

    def close(self) -> None:
        """Give back memory, servers, files."""
        if self._adapter is not None:
            self._adapter.close()
            self._adapter = None


def _include(paths: Sequence[Path]) -> None:
    from lrm_eval import languages

    for path in paths:
        if not path.is_dir():
            raise UsageError(f"--include-path {path}: no such folder on this machine")
        if str(path.resolve()) not in sys.path:
            sys.path.append(str(path.resolve()))
    languages.include(paths)


def _failed(error: Exception) -> Failed:
    text = " ".join(str(error).split())
    if isinstance(error, LrmEvalError):
        return Failed("usage" if isinstance(error, UsageError) else "run", text)
    return Failed("broke", f"{type(error).__name__}: {text[:300]}".rstrip(": "))
