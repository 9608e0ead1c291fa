"""Which adapter a checkpoint needs, by what its config.json says it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from lrm_eval.errors import UsageError
from model_adapters.checkpoints import read_config

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_adapters.spec import LoadOptions, ModelSpec

# The adapter "hf" stands for whichever of them fits.
ANY = "hf"


def settle(spec: ModelSpec, options: LoadOptions) -> ModelSpec:
    """The same model with the adapter that loads it. A checkpoint in the original LLaVA's format is converted first.

    Args:
        spec: what was asked for; only the adapter "hf" is replaced.
        options: whether pickled weights and code of the checkpoint are allowed.

    Raises:
        UsageError: config.json is missing or damaged, or the checkpoint cannot be converted as it is.
        RunError: a download failed.
    """
    if spec.adapter != ANY:
        return spec
    if spec.checkpoint is None:
        raise UsageError(f"model {spec.name}: needs a checkpoint; give --checkpoint FOLDER or ORG/NAME")
    kind = architecture(read_config(spec.checkpoint))
    if kind == "original":
        from model_adapters.conversion import converted

        return replace(spec, adapter="llava", checkpoint=converted(spec.checkpoint, allow_pickle=options.allow_pickle))
    return replace(spec, adapter=kind)


def architecture(config: Mapping[str, Any]) -> Literal["llava", "generic", "original"]:
    """What a config.json describes: transformers' LLaVA, the original LLaVA's format, or anything else.

    LLaVA with Pixtral's tower reads images of every size as they are: that is the generic adapter's.
    """
    if "mm_vision_tower" in config:
        return "original"
    vision = config.get("vision_config")
    pixtral = isinstance(vision, dict) and vision.get("model_type") == "pixtral"
    return "llava" if config.get("model_type") == "llava" and not pixtral else "generic"
