"""What stands between a name after `--model` and a loaded adapter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from model_adapters.presets import Preset
    from model_adapters.servers.options import ServerOptions

ENGINES = ("auto", "shared", "plain")
DEVICE_MAPS = ("one", "auto")


@dataclass(frozen=True, slots=True)
class CheckpointRef:
    """Where weights lie: a local folder or a repository of the model hub; exactly one is set.

    Attributes:
        path: a local folder.
        hub_id: `ORG/NAME` on the model hub.
        revision: commit, tag or branch of the repository; None means its default branch.
    """

    path: Path | None = None
    hub_id: str | None = None
    revision: str | None = None

    def __str__(self) -> str:
        if self.path is not None:
            return str(self.path)
        return f"{self.hub_id}@{self.revision}" if self.revision else str(self.hub_id)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model that was asked for, checked as far as it can be without loading it.

    Attributes:
        name: as it stands in tables and in run.json; holds no local path, so that a run can be moved.
        adapter: name of the adapter, see the entry-point group `lrm_eval.adapters`.
        preset: the data it was made from.
        default_suite: "tiny" for bundled checkpoints, "full" for everything else.
        checkpoint: the weights; None for a model without any.
        blind: the image is hidden from the model.
        argument: what stood after `ADAPTER:` for an adapter of another package.
    """

    name: str
    adapter: str
    preset: Preset
    default_suite: Literal["tiny", "full"]
    checkpoint: CheckpointRef | None = None
    blind: bool = False
    argument: str = ""

    @property
    def folder(self) -> str:
        """The name as one component of a path, for `results/<model>/`."""
        return "".join(char if char.isalnum() or char in "._-" else "-" for char in self.name).strip(".-") or "model"


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How a model is to be loaded; the same for every adapter.

    Attributes:
        device: "cpu", "cuda", "cuda:1"; None or "auto" takes CUDA where there is one.
        dtype: "float32", "bfloat16", "float16"; None or "auto" is bfloat16 on CUDA, float32 elsewhere.
        batch_size: requests asked at once; "auto" fits the device's memory.
        gen_kwargs: decoding settings as typed after `--gen-kwargs`.
        seed: seed of everything that is drawn.
        engine: "shared" reads what prompts have in common once, "plain" each prompt whole; "auto" shares where it can.
        feature_cache: folder that keeps image features across runs; None keeps none.
        trust_remote_code: code that comes with this checkpoint may run.
        allow_pickle: this checkpoint's pickled weights may be read, tensors and nothing that could run.
        server: how a server is asked; None: nothing was said of it.
        device_map: "one" puts all weights on the device, "auto" spreads them over the GPUs of this machine.
    """

    device: str | None = None
    dtype: str | None = None
    batch_size: int | Literal["auto"] = "auto"
    gen_kwargs: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    engine: Literal["auto", "shared", "plain"] = "auto"
    feature_cache: Path | None = None
    trust_remote_code: bool = False
    allow_pickle: bool = False
    server: ServerOptions | None = None
    device_map: Literal["one", "auto"] = "one"
