"""LLaVA checkpoints of any geometry with random weights: what they cost is what a trained one costs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_adapters.checkpoints import bundled_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

# Tokenizer, template and image processing of the bundled model; its vocabulary knows all twelve languages.
_BUNDLED = "checkpoints/lrm-llava"


@dataclass(frozen=True, slots=True)
class Size:
    """A geometry.

    Attributes:
        vision: width, MLP width, layers and heads of the CLIP tower; patches of 14 pixels, images of 336.
        text: width, MLP width, layers and heads of the Llama.
        vocabulary: rows of the embedding; 0 takes the tokenizer's.
        dtype: of the weights.
    """

    vision: tuple[int, int, int, int]
    text: tuple[int, int, int, int]
    vocabulary: int = 0
    dtype: str = "float32"


SIZES = {
    # To try the program out.
    "1m": Size((32, 64, 2, 2), (64, 128, 2, 4)),
    "39m": Size((384, 1536, 12, 6), (512, 1376, 4, 8)),
    "112m": Size((768, 3072, 12, 12), (512, 1376, 8, 8)),
    # LLaVA-1.5: CLIP ViT-L/14 at 336 px with Vicuna (llava-hf/llava-1.5-7b-hf and -13b-hf, config.json).
    "7b": Size((1024, 4096, 24, 16), (4096, 11008, 32, 32), 32064, "bfloat16"),
    "13b": Size((1024, 4096, 24, 16), (5120, 13824, 40, 40), 32064, "bfloat16"),
}


def build(size: Size, folder: Path, device: str) -> int:
    """Write a random checkpoint whose answers never end early, so that their length is that of the budget.

    Args:
        size: the geometry.
        folder: where to; not made again if it is there.
        device: where the weights are drawn.

    Returns:
        Number of parameters.
    """
    import torch
    from transformers import AutoTokenizer, LlavaForConditionalGeneration

    source = bundled_checkpoint(_BUNDLED).path
    assert source is not None
    tokenizer = AutoTokenizer.from_pretrained(source)
    torch.manual_seed(0)
    with torch.device(device):
        model = LlavaForConditionalGeneration(_config(size, tokenizer)).to(getattr(torch, size.dtype))
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                # Wide enough that logits differ clearly: no two tokens tie, and the image is heard in the answer.
                weight.normal_(0, weight[0].numel() ** -0.5)
        model.model.language_model.embed_tokens.weight.normal_(0, 1)
        # A logit of 0 is never the largest of thousands: no answer ends before its budget.
        model.lm_head.weight[tokenizer.eos_token_id] = 0
    count = sum(weight.numel() for weight in model.parameters())
    if not (folder / "config.json").exists():
        model.generation_config.eos_token_id = tokenizer.eos_token_id
        model.generation_config.pad_token_id = tokenizer.pad_token_id
        model.save_pretrained(folder)
        for name in ("chat_template.jinja", "tokenizer.json", "tokenizer_config.json"):
            shutil.copy(source / name, folder / name)
        _processor(tokenizer, source).save_pretrained(folder)
    return int(count)


def _config(size: Size, tokenizer: Any) -> Any:
    from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig

    width, mlp, layers, heads = size.vision
    vision = CLIPVisionConfig(
        hidden_size=width,
        intermediate_size=mlp,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        image_size=336,
        patch_size=14,
    )
    width, mlp, layers, heads = size.text
    text = LlamaConfig(
        vocab_size=size.vocabulary or len(tokenizer),
        hidden_size=width,
        intermediate_size=mlp,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        max_position_embeddings=4096,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    image = tokenizer.convert_tokens_to_ids("<image>")
    return LlavaConfig(vision_config=vision, text_config=text, image_token_id=image, vision_feature_layer=-2)


def _processor(tokenizer: Any, source: Path) -> Any:
    from transformers import LlavaProcessor
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    return LlavaProcessor(
        image_processor=CLIPImageProcessorPil(size={"shortest_edge": 336}, crop_size={"height": 336, "width": 336}),
        tokenizer=tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=(source / "chat_template.jinja").read_text(encoding="utf-8"),
    )
