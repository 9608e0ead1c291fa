"""Random checkpoints of every architecture that shares prefixes: small, but with the real classes and their quirks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
import transformers as hf

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGE, END, PAD = 150, 2, 0
TEXT = {
    "vocab_size": 200,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "bos_token_id": 1,
    "eos_token_id": END,
    "pad_token_id": PAD,
}
_TOWER = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
_QWEN_TOWER = {"num_heads": 4, "patch_size": 4, "spatial_merge_size": 2, "temporal_patch_size": 2}
_MROPE = {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 1e4}


class Architecture(NamedTuple):
    """A model, its image tokens an image, a draw of its pixel inputs, and what it takes a token."""

    model: Any
    image_tokens: int
    pixels: Callable[[torch.Generator], dict[str, torch.Tensor]]
    token_types: str | None = None


def build(kind: str) -> Architecture:
    """A random model in evaluation mode whose greedy answers differ from prompt to prompt."""
    torch.manual_seed(1)
    made = _QWENS[kind]() if kind in _QWENS else _OTHERS[kind]()
    made.model.eval()
    made.model.generation_config = hf.GenerationConfig()
    with torch.no_grad():
        for weight in made.model.parameters():
            if weight.ndim >= 2:
                # As drawn, every prompt would be answered alike.
                weight.mul_(4)
    return made


def _clip() -> Any:
    return hf.CLIPVisionConfig(image_size=28, patch_size=14, **{**_TOWER, "num_hidden_layers": 3})


def _siglip(size: int = 28) -> Any:
    return hf.SiglipVisionConfig(image_size=size, patch_size=14, **_TOWER)


def _draw(*shape: int, **others: Any) -> Callable[[torch.Generator], dict[str, torch.Tensor]]:
    fixed = {name: torch.tensor(value) for name, value in others.items()}
    return lambda numbers: {"pixel_values": torch.randn(*shape, generator=numbers), **fixed}


def _qwen(config: Any, model: Any, tower: dict[str, Any], text: dict[str, Any]) -> Architecture:
    made = config(
        text_config={**TEXT, **text},
        vision_config={**_QWEN_TOWER, **tower},
        image_token_id=IMAGE,
        video_token_id=IMAGE + 1,
        vision_start_token_id=IMAGE + 2,
        vision_end_token_id=IMAGE + 3,
    )
    # 6 x 8 patches, four of them a token: positions in three dimensions that run behind the number of tokens.
    return Architecture(model(made), 12, _draw(48, 96, image_grid_thw=[[1, 6, 8]]), "mm_token_type_ids")


_QWENS: dict[str, Callable[[], Architecture]] = {
    "qwen2_vl": lambda: _qwen(
        hf.Qwen2VLConfig,
        hf.Qwen2VLForConditionalGeneration,
        {"depth": 2, "embed_dim": 32, "hidden_size": 64, "mlp_ratio": 2},
        {"rope_parameters": _MROPE},
    ),
    "qwen2_5_vl": lambda: _qwen(
        hf.Qwen2_5_VLConfig,
        hf.Qwen2_5_VLForConditionalGeneration,
        {
            "depth": 2, "hidden_size": 32, "out_hidden_size": 64, "intermediate_size": 48, "window_size": 16,
            "fullatt_block_indexes": [1],
        },
        {"rope_parameters": _MROPE},
    ),
    "qwen3_vl": lambda: _qwen(
        hf.Qwen3VLConfig,
        hf.Qwen3VLForConditionalGeneration,
        {
            "depth": 3, "hidden_size": 32, "out_hidden_size": 64, "intermediate_size": 48,
            "deepstack_visual_indexes": [0, 1], "num_position_embeddings": 64,
        },
        {"head_dim": 16, "rope_parameters": {**_MROPE, "mrope_interleaved": True}},
    ),
}  # fmt: skip


def _llava() -> Architecture:
    config = hf.LlavaConfig(
        vision_config=_clip(), text_config=hf.LlamaConfig(**TEXT), image_token_index=IMAGE, image_seq_length=4
    )
    return Architecture(hf.LlavaForConditionalGeneration(config), 4, _draw(1, 3, 28, 28))


def _llava_next() -> Architecture:
    config = hf.LlavaNextConfig(
        vision_config=_clip(),
        text_config=hf.MistralConfig(**TEXT, sliding_window=None),
        image_token_index=IMAGE,
        image_grid_pinpoints=[[28, 56]],
    )
    # The whole image, two tiles, and a new-line feature a row.
    return Architecture(
        hf.LlavaNextForConditionalGeneration(config), 14, _draw(1, 3, 3, 28, 28, image_sizes=[[28, 56]])
    )


def _llava_onevision() -> Architecture:
    config = hf.LlavaOnevisionConfig(
        vision_config=_siglip(),
        text_config=hf.Qwen2Config(**TEXT),
        image_token_index=IMAGE,
        image_grid_pinpoints=[[28, 56]],
    )
    return Architecture(
        hf.LlavaOnevisionForConditionalGeneration(config), 14, _draw(1, 3, 3, 28, 28, image_sizes=[[28, 56]])
    )


def _internvl() -> Architecture:
    config = hf.InternVLConfig(
        vision_config={**_TOWER, "image_size": [28, 28], "patch_size": [7, 7]},
        text_config=hf.Qwen2Config(**TEXT),
        image_token_id=IMAGE,
        image_seq_length=4,
        downsample_ratio=0.5,
    )
    return Architecture(hf.InternVLForConditionalGeneration(config), 4, _draw(1, 3, 28, 28))


def _gemma3() -> Architecture:
    # Image tokens see each other both ways; five layers of six see a window only.
    text = hf.Gemma3TextConfig(**{**TEXT, "head_dim": 16, "sliding_window": 64, "num_hidden_layers": 7})
    config = hf.Gemma3Config(
        vision_config=_siglip(),
        text_config=text,
        mm_tokens_per_image=4,
        image_token_index=IMAGE,
        boi_token_index=IMAGE + 1,
        eoi_token_index=IMAGE + 2,
    )
    return Architecture(hf.Gemma3ForConditionalGeneration(config), 4, _draw(1, 3, 28, 28), "token_type_ids")


def _aya_vision() -> Architecture:
    # Attention and MLP side by side; layers with a window, and layers without positions.
    text = hf.Cohere2Config(**{**TEXT, "sliding_window": 64, "layer_norm_eps": 1e-5, "num_hidden_layers": 5})
    config = hf.AyaVisionConfig(
        vision_config=_siglip(56),
        text_config=text,
        image_token_index=IMAGE,
        downsample_factor=2,
        alignment_intermediate_size=64,
    )
    return Architecture(hf.AyaVisionForConditionalGeneration(config), 4, _draw(1, 3, 56, 56))


def _idefics(config: Any, model: Any) -> Architecture:
    made = config(
        vision_config={**_TOWER, "image_size": 56, "patch_size": 14},
        text_config=hf.LlamaConfig(**TEXT),
        image_token_id=IMAGE,
        scale_factor=2,
        pad_token_id=PAD,
    )
    return Architecture(model(made), 8, _draw(1, 2, 3, 56, 56))


def _mistral3() -> Architecture:
    config = hf.Mistral3Config(
        vision_config=hf.PixtralVisionConfig(image_size=56, patch_size=14, **_TOWER),
        text_config=hf.MistralConfig(**TEXT, head_dim=16),
        image_token_index=IMAGE,
        spatial_merge_size=2,
    )
    return Architecture(hf.Mistral3ForConditionalGeneration(config), 4, _draw(1, 3, 56, 56, image_sizes=[[56, 56]]))


_OTHERS: dict[str, Callable[[], Architecture]] = {
    "aya_vision": _aya_vision,
    "gemma3": _gemma3,
    "idefics3": lambda: _idefics(hf.Idefics3Config, hf.Idefics3ForConditionalGeneration),
    "internvl": _internvl,
    "llava": _llava,
    "llava_next": _llava_next,
    "llava_onevision": _llava_onevision,
    "mistral3": _mistral3,
    "smolvlm": lambda: _idefics(hf.SmolVLMConfig, hf.SmolVLMForConditionalGeneration),
}
