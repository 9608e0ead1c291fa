"""Checkpoints in the original LLaVA's format (LLaVA-1.5, LVIS-Instruct4V, ShareGPT4V, PALO) as transformers LLaVAs.

The original keeps Llama's own names with the projector as `model.mm_projector.{0,2}` beside them, and mostly
without the vision tower, which its config names (haotian-liu/LLaVA, llava/model/llava_arch.py).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import torch

_TOWER = "model.vision_tower.vision_tower."
_PROJECTOR = {"model.mm_projector.0.": "linear_1.", "model.mm_projector.2.": "linear_2."}
# "share4v" is ShareGPT4V's name for the same architecture, "palo" PALO's.
_TYPES = ("llava", "llava_llama", "share4v", "palo")


def read_original_config(folder: Path) -> dict[str, Any]:
    """config.json of an original-format checkpoint.

    Raises:
        UsageError: no such file, another architecture, or a projector that LLaVA-1.5 does not have.
    """
    path = folder / "config.json"
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such file; give the folder of an original-format LLaVA") from error
    except ValueError as error:
        raise UsageError(f"{path}: not JSON: {error}") from error
    if config.get("model_type") not in _TYPES or "mm_vision_tower" not in config:
        if "vision_config" in config:
            raise UsageError(f"{folder}: is a transformers LLaVA already; use it with --model hf:{folder}")
        raise UsageError(f"{path}: model_type {config.get('model_type')!r} is not an original-format LLaVA ({_TYPES})")
    if config.get("mm_projector_type") != "mlp2x_gelu":
        raise UsageError(f"{path}: projector {config.get('mm_projector_type')!r}; only mlp2x_gelu (LLaVA-1.5) is known")
    if config.get("mm_vision_select_feature", "patch") != "patch":
        raise UsageError(f"{path}: mm_vision_select_feature is {config['mm_vision_select_feature']!r}, not patch")
    return config


def read_weights(folder: Path, allow_pickle: bool = False) -> Iterator[tuple[str, torch.Tensor]]:
    """Names and tensors of all weight files, one file at a time.

    Raises:
        UsageError: only pickled weights, which can run any code when loaded, without `allow_pickle`; or a damaged file.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    safe = sorted(folder.glob("*.safetensors"))
    pickled = sorted(folder.glob("pytorch_model*.bin"))
    if not safe and not pickled:
        raise UsageError(f"{folder}: no weights (*.safetensors)")
    if not safe and not allow_pickle:
        raise UsageError(
            f"{folder}: only pickled weights (*.bin), which are read with --allow-pickle if you trust their origin"
        )
    for path in safe or pickled:
        try:
            if safe:
                yield from load_file(path).items()
            else:
                import torch

                # weights_only: tensors and nothing that could run.
                yield from torch.load(path, map_location="cpu", weights_only=True).items()
        except (SafetensorError, OSError, RuntimeError, EOFError, ValueError) as error:
            raise UsageError(f"{path}: cannot be read: {' '.join(str(error).split())[:160]}") from error


def import_checkpoint(
    folder: Path, vision: str | None = None, dtype: str = "float32", allow_pickle: bool = False
) -> tuple[Any, Any]:
    """An original-format checkpoint as LlavaForConditionalGeneration and processor.

    Args:
        folder: the checkpoint.
        vision: folder or hub id of its tower; None takes what its config names. ShareGPT4V has a tower of its own.
        dtype: of the weights.
        allow_pickle: read *.bin files.

    Raises:
        UsageError: a part is missing or does not fit; one line.
    """
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, LlavaConfig, LlavaForConditionalGeneration

    from lrm_llava.assembly import add_tokens, build_processor, load_vision, set_generation
    from lrm_llava.backbones import Backbone

    config = read_original_config(folder)
    kind = getattr(torch, dtype)
    tower = load_vision(vision or config["mm_vision_tower"], kind, allow_pickle)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder}: its tokenizer cannot be read: {' '.join(str(error).split())[:160]}") from error
    backbone = Backbone("", "vicuna_v1")
    known = {name: value for name, value in config.items() if name in LlamaConfig().to_dict() and name != "model_type"}
    language = LlamaForCausalLM._from_config(LlamaConfig(**known), dtype=kind)
    projector, own_tower = _fill(language, folder, allow_pickle)
    if own_tower:
        _load_tower(tower, own_tower, folder)
    add_tokens(tokenizer, backbone, str(folder))
    language.resize_token_embeddings(max(len(tokenizer), language.config.vocab_size), pad_to_multiple_of=backbone.rows)
    side = tower.config.image_size // tower.config.patch_size
    model = LlavaForConditionalGeneration._from_config(
        LlavaConfig(
            vision_config=tower.config, text_config=language.config,
            image_token_index=tokenizer.convert_tokens_to_ids(backbone.image_token), projector_hidden_act="gelu",
            vision_feature_select_strategy="default", image_seq_length=side * side,
            vision_feature_layer=int(config.get("mm_vision_select_layer", -2)),
            tie_word_embeddings=bool(language.config.tie_word_embeddings),
        ),
        dtype=kind,
    )  # fmt: skip
    model.model.vision_tower.load_state_dict(tower.state_dict())
    model.model.language_model.load_state_dict(language.model.state_dict())
    model.lm_head.load_state_dict(language.lm_head.state_dict())
    try:
        model.model.multi_modal_projector.load_state_dict(projector)
    except RuntimeError as error:
        raise UsageError(f"{folder}: its projector does not fit: {' '.join(str(error).split())[:160]}") from error
    set_generation(model, tokenizer, backbone)
    return model, build_processor(vision or config["mm_vision_tower"], tokenizer, backbone, tower.config.patch_size)


def _fill(language: Any, folder: Path, allow_pickle: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Load Llama's weights in place; gives back the projector's and the tower's, by transformers' names."""
    own, projector, tower = language.state_dict(), {}, {}
    missing = set(own)
    import torch

    with torch.no_grad():
        for name, value in read_weights(folder, allow_pickle):
            prefix = next((prefix for prefix in _PROJECTOR if name.startswith(prefix)), None)
            if prefix is not None:
                projector[_PROJECTOR[prefix] + name.removeprefix(prefix)] = value
            elif name.startswith(_TOWER):
                tower[name.removeprefix(_TOWER)] = value
            elif name in own:
                if own[name].shape != value.shape:
                    shape = tuple(own[name].shape)
                    raise UsageError(f"{folder}: {name} is {tuple(value.shape)}, config.json says {shape}")
                own[name].copy_(value)
                missing.discard(name)
            elif not name.endswith("rotary_emb.inv_freq"):
                raise UsageError(f"{folder}: {name}: not a weight of an original-format LLaVA")
    if language.config.tie_word_embeddings:
        missing.discard("lm_head.weight")
    if missing:
        raise UsageError(f"{folder}: {len(missing)} weights are missing, {min(missing)} the first")
    if not projector:
        raise UsageError(f"{folder}: no projector (model.mm_projector.*): is it a LoRA or a stage 1 checkpoint?")
    return projector, tower


def _load_tower(tower: Any, weights: dict[str, Any], folder: Path) -> None:
    """The checkpoint's own tower over the one its config names (ShareGPT4V trained its last layers)."""
    plain = {name.removeprefix("vision_model."): value for name, value in weights.items()}
    own = tower.state_dict()
    prefix = "vision_model." if any(name.startswith("vision_model.") for name in own) else ""
    result = tower.load_state_dict({prefix + name: value for name, value in plain.items()}, strict=False)
    if result.missing_keys:
        raise UsageError(f"{folder}: its vision tower lacks {len(result.missing_keys)} weights")
