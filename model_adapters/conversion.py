"""Checkpoints in the original LLaVA's format, converted at first use and kept.

LVIS-Instruct4V, ShareGPT4V and PALO are published in the format of haotian-liu/LLaVA, which transformers does not read.
They are written once in llava-1.5's layout (`lrm_llava.importing`) and read from there by the LLaVA adapter.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import UsageError
from model_adapters.checkpoints import locate, read_config
from model_adapters.hub import download
from model_adapters.spec import CheckpointRef

if TYPE_CHECKING:
    from collections.abc import Mapping

# Raised when the same files would be converted to other weights.
_VERSION = 1
_TOWER = ("config.json", "preprocessor_config.json", "*.safetensors", "*.safetensors.index.json")
_PICKLED = ("pytorch_model*.bin", "pytorch_model.bin.index.json")


def converted(reference: CheckpointRef, allow_pickle: bool = False) -> CheckpointRef:
    """The converted checkpoint; made now if this is its first use.

    Args:
        reference: a folder or repository in the original format.
        allow_pickle: read pickled weights (*.bin): tensors and nothing that could run.

    Raises:
        UsageError: a part is missing, is only there as a pickle, or is of another architecture.
        RunError: a download failed.
    """
    folder = locate(reference, pickle=allow_pickle)
    out = _place(reference, folder)
    if (out / "config.json").is_file():
        return CheckpointRef(path=out)
    if not allow_pickle and not any(folder.glob("*.safetensors")):
        raise UsageError(
            f"checkpoint {reference}: only pickled weights (*.bin); if you trust their origin, add --allow-pickle"
        )
    config = read_config(CheckpointRef(path=folder))
    from lrm_llava.exchange import import_original

    out.parent.mkdir(parents=True, exist_ok=True)
    import_original(folder, out, _tower(config, allow_pickle), _dtype(config), allow_pickle)
    return CheckpointRef(path=out)


def is_converted(reference: CheckpointRef) -> bool:
    """Whether a repository's conversion lies here already; nothing is downloaded."""
    import huggingface_hub

    found = huggingface_hub.try_to_load_from_cache(
        str(reference.hub_id), "config.json", revision=reference.revision or "main"
    )
    return isinstance(found, str) and (_place(reference, Path(found).parent) / "config.json").is_file()


def _place(reference: CheckpointRef, folder: Path) -> Path:
    """Where a conversion is kept: by the files it is made of, and by name for people."""
    from lrm_eval.data.places import cache_dir

    digest = hashlib.sha256(str(_VERSION).encode())
    # A repository's folder is named by its commit, which is its content; a folder of one's own can change.
    if reference.path is None:
        digest.update(f"{reference.hub_id}\0{folder.name}".encode())
    else:
        for path in sorted(folder.iterdir()):
            status = path.stat()
            digest.update(f"{path.resolve()}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    name = str(reference.hub_id).replace("/", "--") if reference.path is None else folder.name
    return cache_dir() / "converted" / f"{name}-{digest.hexdigest()[:12]}"


def _tower(config: Mapping[str, Any], allow_pickle: bool) -> str:
    """The vision tower that a checkpoint names, fetched with what of it may be read."""
    named = str(config["mm_vision_tower"])
    if Path(named).is_dir():
        return named
    reference = CheckpointRef(hub_id=named)
    folder = download(reference, _TOWER)
    if any(folder.glob("*.safetensors")):
        return str(folder)
    if not allow_pickle:
        raise UsageError(
            f"vision tower {named}: only pickled weights (*.bin); if you trust their origin, add --allow-pickle"
        )
    return str(download(reference, [*_TOWER, *_PICKLED]))


def _dtype(config: Mapping[str, Any]) -> str:
    """The type that the weights were saved in."""
    named = str(config.get("torch_dtype") or config.get("dtype") or "bfloat16")
    return named if named in ("bfloat16", "float16", "float32") else "bfloat16"
