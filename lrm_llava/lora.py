"""LoRA adapters (Hu et al. 2021) on the language model, kept apart while training and merged into it at export.

peft makes them inside the model; names and merging are written out here, so that the weights of a sharded model can
be merged too, and what is exported is a plain LLaVA.
"""

from __future__ import annotations

import importlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import UsageError
from lrm_llava.faults import UNREADABLE, brief
from lrm_llava.recipes import Lora

if TYPE_CHECKING:
    import torch

LORA_FILE = "lora.json"
TRAINED_FILE = "trained.safetensors"
# LLaVA's choice (llava/train/train.py, find_all_linear_names): every matrix of every layer; not the output matrix.
_TARGETS = r"model\.language_model\.layers\.\d+\.(self_attn|mlp)\.\w+_proj"
_NAME = "default"
_WRAPPER = "_checkpoint_wrapped_module."  # torch puts it into names where activations are computed twice


def inject(model: Any, lora: Lora, seed: int) -> None:
    """Put adapters beside every matrix of the language model's layers; at first they change nothing.

    Raises:
        UsageError: peft is not installed, or the numbers make no adapter.
    """
    import torch

    if lora.rank < 1 or lora.alpha <= 0 or not 0 <= lora.dropout < 1:
        raise UsageError(f"lora: rank {lora.rank}, alpha {lora.alpha}, dropout {lora.dropout} make no adapter")
    try:
        peft: Any = importlib.import_module("peft")
    except ImportError as error:
        raise UsageError(
            "lora: the package peft is not installed; `pip install peft`, or leave lora.rank at 0"
        ) from error
    torch.manual_seed(seed)
    config = peft.LoraConfig(
        r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=_TARGETS, bias="none"
    )
    peft.inject_adapter_in_model(config, model, _NAME)


def is_adapter(name: str) -> bool:
    """Whether a parameter is part of an adapter."""
    return ".lora_" in name


def scale_of(model: Any) -> float | None:
    """What the adapters' product is scaled by; None for a model without any."""
    for module in model.modules():
        scaling = getattr(module, "scaling", None)
        if isinstance(scaling, dict) and _NAME in scaling:
            return float(scaling[_NAME])
    return None


def merge(state: dict[str, torch.Tensor], scale: float) -> dict[str, torch.Tensor]:
    """W + scale * B A for every matrix that has adapters, under its plain name; everything else as it is."""
    merged = {}
    for name, value in state.items():
        if is_adapter(name):
            continue
        stem, base, tail = name.partition(".base_layer.")
        if base and tail == "weight":
            down, up = (state[f"{stem}.lora_{side}.{_NAME}.weight"] for side in "AB")  # [r, in], [out, r]
            value = (value.float() + scale * (up.float() @ down.float())).to(value.dtype)
        merged[f"{stem}.{tail}" if base else name] = value
    return merged


def save_trained(folder: Path, state: dict[str, torch.Tensor], model: Any, base: str, lora: Lora) -> None:
    """The weights that are trained, and what they belong to.

    Args:
        folder: a checkpoint's.
        state: of the whole model, or of what is trained.
        model: says what is trained.
        base: what the model was before it was trained: a folder.
        lora: the adapters' numbers.
    """
    from safetensors.torch import save_file

    names = {name.replace(_WRAPPER, "") for name, one in model.named_parameters() if one.requires_grad}
    kept = {name: value.detach().cpu().contiguous() for name, value in state.items() if name in names}
    save_file(kept, folder / TRAINED_FILE, metadata={"format": "pt"})
    (folder / LORA_FILE).write_text(json.dumps({"base": base, "lora": asdict(lora)}, indent=1) + "\n", encoding="utf-8")


def load_trained(folder: Path, model: Any) -> None:
    """Put the weights of `save_trained` into a model with the same adapters.

    Raises:
        UsageError: they cannot be read, or do not fit.
    """
    from safetensors.torch import load_file

    path = folder / TRAINED_FILE
    try:
        state = load_file(path)
    except UNREADABLE as error:
        raise UsageError(f"{path}: cannot be read: {brief(error)}") from error
    result = model.load_state_dict(state, strict=False)
    lost = [name for name in result.missing_keys if is_adapter(name)]
    if lost or result.unexpected_keys:
        first = (*result.unexpected_keys, *lost)[0]
        raise UsageError(f"{path}: does not fit the model it was trained on: {first}")


def is_adapter_checkpoint(folder: Path) -> bool:
    """Whether a folder holds what `save_trained` writes."""
    return (folder / LORA_FILE).is_file() and (folder / TRAINED_FILE).is_file()


def read_adapter_checkpoint(folder: Path) -> tuple[Path, Lora]:
    """The folder that the adapters belong to, and their numbers.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        found = json.loads((folder / LORA_FILE).read_text(encoding="utf-8"))
        return Path(found["base"]), Lora(**found["lora"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{folder / LORA_FILE}: cannot be read: {error}") from error
