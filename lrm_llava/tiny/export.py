"""The tiny world in the formats that training at full size reads: parts, conversations, translations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrm_llava.tiny.install import CHECKPOINTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def write_parts(out: Path, log: Callable[[str], None], checkpoint: Path | None = None) -> None:
    """Tower and language model of a tiny checkpoint as a CLIPVisionModel and a LlamaForCausalLM with its tokenizer."""
    from transformers import CLIPVisionModel, LlamaForCausalLM, LlavaForConditionalGeneration, LlavaProcessor

    source = checkpoint or CHECKPOINTS / "lrm-llava"
    model = LlavaForConditionalGeneration.from_pretrained(source)
    processor = LlavaProcessor.from_pretrained(source)
    tower = CLIPVisionModel(model.config.vision_config)
    tower.load_state_dict(model.model.vision_tower.state_dict())
    tower.save_pretrained(out / "vision")
    processor.image_processor.save_pretrained(out / "vision")
    language = LlamaForCausalLM(model.config.text_config)
    language.model.load_state_dict(model.model.language_model.state_dict())
    language.tie_weights()
    language.save_pretrained(out / "language")
    processor.tokenizer.save_pretrained(out / "language")
    log(f"{out}: vision, language")
