"""A model in exactly the layout of llava-hf/llava-1.5-*: what transformers and the servers that read LLaVA expect.

transformers 5 flattened CLIP's tower and moved LLaVA's parts; what it saves depends on what the model was
loaded from. The names are therefore written here, once, and tested against a golden list.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import RunError, UsageError
from lrm_llava.faults import is_disk_full
from lrm_llava.lora import merge, scale_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import torch

    from lrm_llava.recipes import Recipe

_SHARD = "5GB"
# Longest first: what the parameter is called in a running model -> in llava-1.5-*-hf.
_PREFIXES = (
    ("model.vision_tower.vision_model.", "vision_tower.vision_model."),
    ("model.vision_tower.", "vision_tower.vision_model."),
    ("model.multi_modal_projector.", "multi_modal_projector."),
    ("model.language_model.", "language_model.model."),
    ("lm_head.", "language_model.lm_head."),
)


def exported_name(name: str) -> str:
    """The llava-1.5 name of a parameter.

    Raises:
        ValueError: a parameter that a LLaVA does not have.
    """
    for prefix, new in _PREFIXES:
        if name.startswith(prefix):
            return new + name.removeprefix(prefix)
    raise ValueError(f"{name}: not a parameter of a LLaVA")


def export_state(model: Any, state: dict[str, torch.Tensor] | None = None) -> dict[str, torch.Tensor]:
    """All weights under their llava-1.5 names; adapters merged; a tied output matrix left to the embedding table.

    Args:
        model: a LlavaForConditionalGeneration.
        state: its weights where they were gathered from several devices; else its own.
    """
    state = model.state_dict() if state is None else state
    scale = scale_of(model)
    if scale is not None:
        state = merge(state, scale)
    tied = bool(model.config.tie_word_embeddings)
    return {
        exported_name(name): value.detach().cpu().contiguous()
        for name, value in state.items()
        if not (tied and name.startswith("lm_head.")) and not name.endswith("position_ids")
    }


def write_model(
    model: Any, processor: Any, folder: Path, dtype: str | None = None, state: dict[str, torch.Tensor] | None = None
) -> None:
    """Weights, configuration, processor and template into a folder.

    Args:
        model: a LlavaForConditionalGeneration.
        processor: its processor.
        folder: made if it is not there.
        dtype: "bfloat16", "float16" or "float32"; None leaves the weights as they are.
        state: as for `export_state`.
    """
    import torch
    from huggingface_hub import save_torch_state_dict

    folder.mkdir(parents=True, exist_ok=True)
    found = export_state(model, state)
    if dtype is not None:
        found = {name: value.to(getattr(torch, dtype)) for name, value in found.items()}
    save_torch_state_dict(found, folder, max_shard_size=_SHARD)
    config = model.config.to_dict()
    _set_dtype(config, str(next(iter(found.values())).dtype).removeprefix("torch."))
    config["architectures"] = ["LlavaForConditionalGeneration"]
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    model.generation_config.save_pretrained(folder)
    processor.save_pretrained(folder)


def export_model(
    model: Any, processor: Any, out: Path, dtype: str | None = None, card: str = "",
    state: dict[str, torch.Tensor] | None = None, beside: Callable[[Path], None] | None = None,
) -> None:  # fmt: skip
    """`write_model` to a new folder, with a card, all or nothing.

    Args:
        model: a LlavaForConditionalGeneration.
        processor: its processor.
        out: a folder that is not there yet or is empty.
        dtype: as for `write_model`.
        card: README.md.
        state: as for `export_state`.
        beside: writes what else belongs into the folder, before it gets its name.

    Raises:
        UsageError: `out` holds something.
        RunError: the disk is full.
    """
    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out}: is there already and not empty; give another --out")
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        write_model(model, processor, partial, dtype, state)
        if card:
            (partial / "README.md").write_text(card, encoding="utf-8")
        if beside is not None:
            beside(partial)
    except Exception as error:
        shutil.rmtree(partial, ignore_errors=True)
        if is_disk_full(error):
            raise RunError(f"{out}: cannot be written: the disk is full") from error
        raise
    if out.exists():
        out.rmdir()
    partial.rename(out)


def model_card(recipe: Recipe, stage: int, log: list[dict[str, Any]]) -> str:
    """What was trained, on what, and the last loss."""
    losses = [line for line in log if "loss" in line]
    last = f"{float(losses[-1]['loss']):.4f} at step {losses[-1].get('step', '?')}" if losses else "unknown"
    now = recipe.stage(stage)
    sources = ", ".join(source.name + ("" if source.translate else " (English)") for source in now.sources)
    share = now.instructions
    return "\n".join(
        [
            f"# {recipe.name}, stage {stage}",
            "",
            "An LRM-LLaVA (Li et al., AAAI 2025): CLIP tower, two-layer MLP, language model.",
            "",
            f"- **Recipe**: `{recipe.name}`, seed {recipe.seed}; backbone {recipe.backbone}; tower {recipe.vision}.",
            f"- **Trained**: {', '.join(now.trains)}; the vision tower is frozen.",
            f"- **Languages**: {', '.join(recipe.languages)}; other languages are {recipe.non_english:.0%} of the"
            " English data.",
            f"- **Instructions** (share of what is not English): MVQA {share.mvqa:.2f}, EP-VQA {share.ep_vqa:.2f},"
            f" BVQA {share.bvqa:.2f}.",
            f"- **Data**: {sources}.",
            f"- **Last training loss**: {last}.",
            "",
        ]
    )


def _set_dtype(config: dict[str, Any], name: str) -> None:
    for part in (config, config.get("text_config"), config.get("vision_config")):
        if isinstance(part, dict):
            part["dtype"] = name
            part.pop("torch_dtype", None)
