"""Tiny random checkpoints of many families, in the layout of their hub repositories: real classes, nothing downloaded.

Every checkpoint has config.json, model.safetensors, tokenizer files, preprocessor_config.json and, where the family has
one, a chat template. The templates are ours; each has the shape of the one that comes with the checkpoint named beside
it, which is what decides the prompt.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_CORPUS = [
    "Is there a red circle in the image? Answer the question using a single word or phrase. yes no",
    "Je, kuna duara jekundu kwenye picha? Jibu swali kwa neno moja. ndiyo hapana",
    "በምስሉ ላይ ቀይ ክብ አለ? አዎ አይ",
    "A. red B. green C. blue D. yellow Answer with the option's letter from the given choices directly.",
    "user assistant system model User Assistant You are a helpful assistant.",
]
_TEXT = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
}
_SIGLIP = {
    "model_type": "siglip_vision_model",
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 16,
    "patch_size": 4,
    "vision_use_head": False,
}
_GRID = [[16, 16], [16, 32], [32, 16], [32, 32]]
_MROPE = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1]}


@dataclass(frozen=True)
class TinyFamily:
    """How to build one.

    Attributes:
        model_type: of config.json.
        processor: class named in preprocessor_config.json.
        image_processor: its class, with settings.
        tokens: special tokens beside begin, end and pad.
        template: chat template; "" for none.
        prompt: what a question with one image must be rendered as.
        named: tokens that the tokenizer gives by name.
        begin, end: begin and end token; "" for none.
        processor_options: processor_config.json.
        config: of the whole model; `{image}` stands for the id of the image token, and so on.
        choice: text between prompt and choice; None where the choice is tokenised by itself.
    """

    model_type: str
    processor: str
    image_processor: tuple[str, dict[str, Any]]
    tokens: tuple[str, ...]
    config: Any
    template: str = ""
    prompt: str = ""
    named: dict[str, str] = field(default_factory=dict)
    begin: str = "<s>"
    end: str = "</s>"
    processor_options: dict[str, Any] = field(default_factory=dict)
    image_token: str = "<image>"
    separator: str = ""
    qformer: bool = False


# Qwen/Qwen2-VL-7B-Instruct, chat_template.json: a default system turn, images between vision tokens.
_QWEN2 = (
    "{% for m in messages %}{% if loop.first and m['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}"
    "{{ '<|im_start|>' + m['role'] + '\n' }}"
    "{% for c in m['content'] %}{% if c['type'] == 'image' %}{{ '<|vision_start|><|image_pad|><|vision_end|>' }}"
    "{% else %}{{ c['text'] }}{% endif %}{% endfor %}{{ '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
_QWEN2_PROMPT = (
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
    "<|vision_start|><|image_pad|><|vision_end|>Is it red?<|im_end|>\n<|im_start|>assistant\n"
)
_CHATML = ("<|im_start|>", "<|im_end|>")
_QWEN_TOKENS = (*_CHATML, "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
_QWEN_IMAGES = {
    "patch_size": 4,
    "merge_size": 2,
    "temporal_patch_size": 2,
    "size": {"shortest_edge": 64, "longest_edge": 1024},
}


def _qwen_config(ids: Any, text: str, vision: dict[str, Any], rope: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "text_config": _text(ids, text, rope_parameters=rope, **more),
        "vision_config": vision,
        "image_token_id": ids["<|image_pad|>"],
        "video_token_id": ids["<|video_pad|>"],
        "vision_start_token_id": ids["<|vision_start|>"],
        "vision_end_token_id": ids["<|vision_end|>"],
    }


def _text(ids: Any, kind: str, **more: Any) -> dict[str, Any]:
    special = {"bos_token_id": ids["bos"], "eos_token_id": ids["eos"], "pad_token_id": ids["pad"]}
    return {"model_type": kind, **_TEXT, "vocab_size": ids["vocabulary"], **special, **more}


_BLIP_IMAGES = ("BlipImageProcessor", {"size": {"height": 16, "width": 16}})
_BLIP_VISION = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 16,
    "patch_size": 4,
}


def _blip(ids: Any, text: dict[str, Any]) -> dict[str, Any]:
    qformer = {
        "vocab_size": ids["vocabulary"],
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "encoder_hidden_size": 16,
        "max_position_embeddings": 256,
        "pad_token_id": ids["pad"],
    }
    return {
        "vision_config": _BLIP_VISION,
        "qformer_config": qformer,
        "text_config": text,
        "num_query_tokens": 3,
        "image_token_index": ids["<image>"],
    }


FAMILIES: dict[str, TinyFamily] = {
    "qwen2_vl": TinyFamily(
        "qwen2_vl",
        "Qwen2VLProcessor",
        ("Qwen2VLImageProcessor", _QWEN_IMAGES),
        _QWEN_TOKENS,
        lambda ids: _qwen_config(
            ids,
            "qwen2_vl_text",
            {
                "depth": 2, "embed_dim": 16, "hidden_size": 32, "num_heads": 2, "mlp_ratio": 2, "patch_size": 4,
                "spatial_merge_size": 2, "temporal_patch_size": 2,
            },
            _MROPE,
        ),
        template=_QWEN2,
        prompt=_QWEN2_PROMPT,
        begin="",
        end="<|im_end|>",
        image_token="<|image_pad|>",
    ),
    "qwen2_5_vl": TinyFamily(
        "qwen2_5_vl",
        "Qwen2_5_VLProcessor",
        ("Qwen2VLImageProcessor", _QWEN_IMAGES),
        _QWEN_TOKENS,
        lambda ids: _qwen_config(
            ids,
            "qwen2_5_vl_text",
            {
                "depth": 2, "hidden_size": 16, "intermediate_size": 32, "out_hidden_size": 32, "num_heads": 2,
                "patch_size": 4, "spatial_merge_size": 2, "temporal_patch_size": 2, "window_size": 16,
                "fullatt_block_indexes": [1],
            },
            _MROPE,
        ),
        template=_QWEN2,
        prompt=_QWEN2_PROMPT,
        begin="",
        end="<|im_end|>",
        image_token="<|image_pad|>",
    ),
    # Qwen/Qwen3-VL-8B-Instruct: Qwen2-VL's turns without the default system turn.
    "qwen3_vl": TinyFamily(
        "qwen3_vl",
        "Qwen3VLProcessor",
        ("Qwen2VLImageProcessor", {**_QWEN_IMAGES, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}),
        _QWEN_TOKENS,
        lambda ids: _qwen_config(
            ids,
            "qwen3_vl_text",
            {
                "depth": 2, "hidden_size": 16, "intermediate_size": 32, "out_hidden_size": 32, "num_heads": 2,
                "patch_size": 4, "spatial_merge_size": 2, "temporal_patch_size": 2, "num_position_embeddings": 16,
                "deepstack_visual_indexes": [0],
            },
            {**_MROPE, "mrope_interleaved": True},
            head_dim=8,
        ),
        template=_QWEN2.replace(_QWEN2[_QWEN2.index("{% if loop.first") : _QWEN2.index("{{ '<|im_start|>' + m")], ""),
        prompt=_QWEN2_PROMPT.partition("<|im_end|>\n")[2],
        begin="",
        end="<|im_end|>",
        image_token="<|image_pad|>",
    ),
    # OpenGVLab/InternVL3-8B-hf: ChatML, a line break behind each image.
    "internvl": TinyFamily(
        "internvl",
        "InternVLProcessor",
        (
            "GotOcr2ImageProcessor",
            {"size": {"height": 16, "width": 16}, "crop_to_patches": True, "min_patches": 1, "max_patches": 4},
        ),
        (*_CHATML, "<img>", "</img>", "<IMG_CONTEXT>", "<video>"),
        lambda ids: {
            "vision_config": {
                "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
                "image_size": [16, 16], "patch_size": [4, 4],
            },
            "text_config": _text(ids, "qwen2"),
            "image_token_id": ids["<IMG_CONTEXT>"],
            "image_seq_length": 4,
            "downsample_ratio": 0.5,
            "tie_word_embeddings": False,
        },
        template=(
            "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' }}"
            "{% for c in m['content'] %}{% if c['type'] == 'image' %}{{ '<IMG_CONTEXT>\n' }}"
            "{% else %}{{ c['text'] }}{% endif %}{% endfor %}{{ '<|im_end|>\n' }}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
        ),
        prompt="<|im_start|>user\n<IMG_CONTEXT>\nIs it red?<|im_end|>\n<|im_start|>assistant\n",
        named={
            "start_image_token": "<img>",
            "end_image_token": "</img>",
            "context_image_token": "<IMG_CONTEXT>",
            "video_token": "<video>",
        },
        begin="",
        end="<|im_end|>",
        processor_options={"image_seq_length": 4},
        image_token="<IMG_CONTEXT>",
    ),
    # google/gemma-3-4b-it: the begin token, turns of user and model, a system text at the head of the first user turn.
    "gemma3": TinyFamily(
        "gemma3",
        "Gemma3Processor",
        ("Gemma3ImageProcessor", {"size": {"height": 16, "width": 16}}),
        ("<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<end_of_image>", "<image_soft_token>"),
        lambda ids: {
            "text_config": _text(
                ids, "gemma3_text", head_dim=8, query_pre_attn_scalar=8, sliding_window=64, tie_word_embeddings=False
            ),
            "tie_word_embeddings": False,
            "vision_config": _SIGLIP,
            "mm_tokens_per_image": 4,
            "boi_token_index": ids["<start_of_image>"],
            "eoi_token_index": ids["<end_of_image>"],
            "image_token_index": ids["<image_soft_token>"],
        },
        template=(
            "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
            "{% set first = messages[0]['content'][0]['text'] + '\n\n' %}{% set rest = messages[1:] %}"
            "{% else %}{% set first = '' %}{% set rest = messages %}{% endif %}"
            "{% for m in rest %}{{ '<start_of_turn>' + ('model' if m['role'] == 'assistant' else m['role']) + '\n' }}"
            "{% if loop.first %}{{ first }}{% endif %}"
            "{% for c in m['content'] %}{% if c['type'] == 'image' %}{{ '<start_of_image>' }}"
            "{% else %}{{ c['text'] }}{% endif %}{% endfor %}{{ '<end_of_turn>\n' }}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
        ),
        prompt="<bos><start_of_turn>user\n<start_of_image>Is it red?<end_of_turn>\n<start_of_turn>model\n",
        named={
            "boi_token": "<start_of_image>", "eoi_token": "<end_of_image>", "image_token": "<image_soft_token>"
        },
        begin="<bos>",
        end="<eos>",
        processor_options={"image_seq_length": 4},
        image_token="<image_soft_token>",
    ),
    # CohereLabs/aya-vision-8b: turns with tokens for the roles, a response between tokens of its own.
    "aya_vision": TinyFamily(
        "aya_vision",
        "AyaVisionProcessor",
        (
            "GotOcr2ImageProcessor",
            {"size": {"height": 16, "width": 16}, "crop_to_patches": True, "min_patches": 1, "max_patches": 4},
        ),
        (
            "<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>", "<|USER_TOKEN|>", "<|CHATBOT_TOKEN|>",
            "<|SYSTEM_TOKEN|>",
            "<|START_RESPONSE|>", "<|END_RESPONSE|>", "<image>", "<|START_OF_IMG|>", "<|END_OF_IMG|>", "<|IMG_PATCH|>",
            "<|IMG_LINE_BREAK|>", "TILE_1", "TILE_2", "TILE_3", "TILE_4", "TILE_GLOBAL",
        ),
        lambda ids: {
            "text_config": _text(ids, "cohere2", head_dim=8, sliding_window=64, tie_word_embeddings=False),
            "tie_word_embeddings": False,
            "vision_config": _SIGLIP,
            "image_token_index": ids["<|IMG_PATCH|>"],
            "downsample_factor": 2,
        },
        template=(
            "{{ bos_token }}{% for m in messages %}{{ '<|START_OF_TURN_TOKEN|>' }}"
            "{% if m['role'] == 'user' %}{{ '<|USER_TOKEN|>' }}{% elif m['role'] == 'system' %}{{ '<|SYSTEM_TOKEN|>' }}"
            "{% else %}{{ '<|CHATBOT_TOKEN|><|START_RESPONSE|>' }}{% endif %}"
            "{% for c in m['content'] %}{% if c['type'] == 'image' %}{{ '<image>' }}{% else %}"
            "{{ c['text'] }}{% endif %}{% endfor %}{% if m['role'] == 'assistant' %}{{ '<|END_RESPONSE|>' }}{% endif %}"
            "{{ '<|END_OF_TURN_TOKEN|>' }}{% endfor %}"
            "{% if add_generation_prompt %}"
            "{{ '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|><|START_RESPONSE|>' }}{% endif %}"
        ),
        prompt=(
            "<BOS_TOKEN><|START_OF_TURN_TOKEN|><|USER_TOKEN|><image>Is it red?<|END_OF_TURN_TOKEN|>"
            "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|><|START_RESPONSE|>"
        ),
        begin="<BOS_TOKEN>",
        end="<|END_OF_TURN_TOKEN|>",
        processor_options={"patch_size": 4, "img_size": 16, "downsample_factor": 2},
        image_token="<|IMG_PATCH|>",
    ),
    # google/paligemma2-3b-mix-224 has no template: the processor puts images first and closes with a line break.
    "paligemma": TinyFamily(
        "paligemma",
        "PaliGemmaProcessor",
        ("SiglipImageProcessor", {"size": {"height": 16, "width": 16}, "image_seq_length": 16}),
        ("<image>",),
        lambda ids: {
            "text_config": _text(
                ids, "gemma2", head_dim=8, query_pre_attn_scalar=8, sliding_window=64, tie_word_embeddings=False
            ),
            "tie_word_embeddings": False,
            "vision_config": {**_SIGLIP, "projection_dim": 32},
            "projection_dim": 32,
            "image_token_index": ids["<image>"],
        },
        prompt="<image>Is it red?",
        named={"image_token": "<image>"},
        begin="<bos>",
        end="<eos>",
    ),
    # HuggingFaceTB/SmolVLM-Instruct: the same turns as Idefics3, which begins otherwise.
    "idefics3": TinyFamily(
        "idefics3",
        "Idefics3Processor",
        ("Idefics3ImageProcessor", {"size": {"longest_edge": 32}, "max_image_size": {"longest_edge": 16}}),
        (
            "<|im_start|>", "<end_of_utterance>", "<fake_token_around_image>", "<image>", "<global-img>",
            *(f"<row_{row}_col_{column}>" for row in range(1, 3) for column in range(1, 3)),
        ),
        lambda ids: {
            "text_config": _text(ids, "llama"),
            "vision_config": {
                "model_type": "idefics3_vision", "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
                "num_attention_heads": 2, "image_size": 16, "patch_size": 4,
            },
            "image_token_id": ids["<image>"],
            "scale_factor": 2,
        },
        template=(
            "{{ '<|im_start|>' }}{% for m in messages %}{{ m['role'] | capitalize }}"
            "{% if m['content'][0]['type'] == 'image' %}{{ ':' }}{% else %}{{ ': ' }}{% endif %}"
            "{% for c in m['content'] %}{% if c['type'] == 'image' %}{{ '<image>' }}{% else %}"
            "{{ c['text'] }}{% endif %}{% endfor %}{{ '<end_of_utterance>\n' }}{% endfor %}"
            "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
        ),
        prompt="<|im_start|>User:<image>Is it red?<end_of_utterance>\nAssistant:",
        begin="<|im_start|>",
        end="<end_of_utterance>",
        processor_options={"image_seq_len": 4},
        separator=" ",
    ),
    # llava-hf/llava-onevision-qwen2-7b-ov-hf: ChatML, a blank behind the role, no line break behind a turn.
    "llava_onevision": TinyFamily(
        "llava_onevision",
        "LlavaOnevisionProcessor",
        ("LlavaOnevisionImageProcessor", {"size": {"height": 16, "width": 16}, "image_grid_pinpoints": _GRID}),
        (*_CHATML, "<image>", "<video>"),
        lambda ids: {
            "text_config": _text(ids, "qwen2"),
            "vision_config": _SIGLIP,
            "image_token_index": ids["<image>"],
            "video_token_index": ids["<video>"],
            "image_grid_pinpoints": _GRID,
        },
        template=(
            "{% for m in messages %}{{ '<|im_start|>' + m['role'] + ' ' }}"
            "{% for c in m['content'] if c['type'] == 'image' %}{{ '<image>\n' }}{% endfor %}"
            "{% for c in m['content'] if c['type'] == 'text' %}{{ c['text'] }}{% endfor %}"
            "{{ '<|im_end|>' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
        ),
        prompt="<|im_start|>user <image>\nIs it red?<|im_end|><|im_start|>assistant\n",
        begin="",
        end="<|im_end|>",
        processor_options={"num_image_tokens": 16, "vision_feature_select_strategy": "full"},
    ),
    # llava-hf/llava-v1.6-mistral-7b-hf: Mistral's instruction marks.
    "llava_next": TinyFamily(
        "llava_next",
        "LlavaNextProcessor",
        (
            "LlavaNextImageProcessor",
            {
                "size": {"shortest_edge": 16}, "crop_size": {"height": 16, "width": 16}, "image_grid_pinpoints": _GRID
            },
        ),
        ("<image>",),
        lambda ids: {
            "text_config": _text(ids, "mistral"),
            "vision_config": {**_SIGLIP, "model_type": "clip_vision_model"},
            "image_token_index": ids["<image>"],
            "vision_feature_layer": -1,
            "image_grid_pinpoints": _GRID,
        },
        template=(
            "{% for m in messages %}{% if m['role'] == 'user' %}{{ '[INST] ' }}"
            "{% for c in m['content'] if c['type'] == 'image' %}{{ '<image>\n' }}{% endfor %}"
            "{% for c in m['content'] if c['type'] == 'text' %}{{ c['text'] }}{% endfor %}{{ ' [/INST]' }}"
            "{% elif m['role'] == 'assistant' %}{{ ' ' + m['content'][0]['text'] + '</s> ' }}"
            "{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}"
        ),
        prompt="[INST] <image>\nIs it red? [/INST]",
        processor_options={
            "patch_size": 4, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1
        },
        separator=" ",
    ),
    # Salesforce/instructblip-vicuna-7b: no template; the processor puts query tokens before the begin token.
    "instructblip": TinyFamily(
        "instructblip",
        "InstructBlipProcessor",
        _BLIP_IMAGES,
        ("<image>",),
        lambda ids: _blip(ids, _text(ids, "llama")),
        prompt="Is it red?",
        processor_options={"num_query_tokens": 3},
        separator=" ",
        qformer=True,
    ),
    # Salesforce/blip2-opt-2.7b.
    "blip-2": TinyFamily(
        "blip-2",
        "Blip2Processor",
        _BLIP_IMAGES,
        ("<image>",),
        lambda ids: _blip(ids, _text(ids, "opt", ffn_dim=48, word_embed_proj_dim=32, tie_word_embeddings=False)),
        prompt="Is it red?",
        processor_options={"num_query_tokens": 3},
        separator=" ",
    ),
    # Gregor/mblip-mt0-xl: BLIP-2 with mT0, an encoder-decoder.
    "mblip": TinyFamily(
        "blip-2",
        "Blip2Processor",
        _BLIP_IMAGES,
        ("<image>",),
        lambda ids: _blip(
            ids,
            {
                "model_type": "mt5", "vocab_size": ids["vocabulary"], "d_model": 32, "d_ff": 48, "d_kv": 8,
                "num_layers": 2, "num_decoder_layers": 2, "num_heads": 4, "decoder_start_token_id": ids["pad"],
                "eos_token_id": ids["eos"], "pad_token_id": ids["pad"], "dense_act_fn": "gelu_new",
            },
        ),
        prompt="Is it red?",
        processor_options={"num_query_tokens": 3},
    ),
    # meta-llama/Llama-3.2-11B-Vision-Instruct: headers around the roles, one token an image, cross-attention.
    "mllama": TinyFamily(
        "mllama",
        "MllamaProcessor",
        ("MllamaImageProcessor", {"size": {"height": 16, "width": 16}, "max_image_tiles": 4}),
        ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|image|>", "<|python_tag|>"),
        lambda ids: {
            "text_config": _text(
                ids,
                "mllama_text_model",
                num_hidden_layers=4,
                cross_attention_layers=[1, 3],
                rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
            ),
            "vision_config": {
                "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_global_layers": 1,
                "attention_heads": 2, "image_size": 16, "patch_size": 4, "max_num_tiles": 4,
                "intermediate_layers_indices": [0, 1], "vision_output_dim": 48,
                "supported_aspect_ratios": [[1, 1], [1, 2], [1, 3], [1, 4], [2, 1], [2, 2], [3, 1], [4, 1]],
            },
            "image_token_index": ids["<|image|>"],
        },
        template=(
            "{{ bos_token }}{% for m in messages %}{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' }}"
            "{% for c in m['content'] %}{% if c['type'] == 'image' %}{{ '<|image|>' }}{% else %}"
            "{{ c['text'] }}{% endif %}{% endfor %}{{ '<|eot_id|>' }}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
        ),
        prompt=(
            "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n<|image|>Is it red?<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n"
        ),
        named={"image_token": "<|image|>"},
        begin="<|begin_of_text|>",
        end="<|eot_id|>",
        image_token="<|image|>",
    ),
}  # fmt: skip
FAMILIES["smolvlm"] = TinyFamily(
    **{
        **{name: getattr(FAMILIES["idefics3"], name) for name in TinyFamily.__dataclass_fields__},
        "model_type": "smolvlm",
        "processor": "SmolVLMProcessor",
        "image_processor": ("SmolVLMImageProcessor", FAMILIES["idefics3"].image_processor[1]),
        "config": lambda ids: {
            **FAMILIES["idefics3"].config(ids),
            "vision_config": {**FAMILIES["idefics3"].config(ids)["vision_config"], "model_type": "smolvlm_vision"},
        },
    }
)


@cache
def _trained() -> str:
    """A byte-level BPE as JSON: 256 bytes and a hundred merges."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=360, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    raw.train_from_iterator(_CORPUS, trainer)
    return str(raw.to_str())


def _tokenizer(family: TinyFamily) -> Any:
    from tokenizers import AddedToken, Tokenizer, processors
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer.from_str(_trained())
    specials = dict.fromkeys([*([family.begin] if family.begin else []), family.end, "<pad>", *family.tokens])
    raw.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in specials])
    if family.begin:
        # As SentencePiece tokenizers do: the begin token unless the template wrote it.
        begin = raw.token_to_id(family.begin)
        raw.post_processor = processors.TemplateProcessing(
            single=f"{family.begin} $A", pair=f"{family.begin} $A $B", special_tokens=[(family.begin, begin)]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        bos_token=family.begin or None,
        eos_token=family.end,
        pad_token="<pad>",
        padding_side="right",
        extra_special_tokens=dict(family.named),
    )


def build_family(folder: Path, name: str, seed: int = 0) -> Path:
    """Save a random model of a family with its processor's parts."""
    import torch
    import transformers
    from transformers import AutoConfig, AutoModelForImageTextToText

    family = FAMILIES[name]
    tokenizer = _tokenizer(family)
    names = dict.fromkeys([*family.tokens, family.end, "<pad>"])
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in names}
    ids |= {"bos": tokenizer.bos_token_id, "eos": tokenizer.eos_token_id, "pad": tokenizer.pad_token_id}
    ids["vocabulary"] = len(tokenizer)
    config = AutoConfig.for_model(family.model_type, **family.config(ids))
    torch.manual_seed(seed)
    model = AutoModelForImageTextToText.from_config(config).eval()
    with torch.no_grad():
        for label, weight in model.named_parameters():
            if weight.dim() > 1:
                # Wide enough that logits differ clearly, so that answers vary and no two tokens tie.
                scale = 1.0 if "embed_tokens" in label or "shared" in label else 1.2 / weight.shape[-1] ** 0.5
                weight.normal_(0, scale)
            elif label.endswith("gate"):
                # Mllama's gates begin at zero, where an image would change nothing.
                weight.fill_(0.7)
    # A few ordinary tokens end an answer, so that batches are ragged at both ends.
    ends = [tokenizer.eos_token_id, *range(60, 60 + 48)]
    for one in (model, getattr(model, "language_model", None)):
        if getattr(one, "generation_config", None) is not None:
            one.generation_config.eos_token_id = ends
            one.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if family.qformer:
        tokenizer.save_pretrained(folder / "qformer_tokenizer")
    kind, options = family.image_processor
    getattr(transformers, f"{kind}Pil")(**options).save_pretrained(folder)
    written = json.loads((folder / "preprocessor_config.json").read_text())
    written |= {"image_processor_type": kind, "processor_class": family.processor}
    (folder / "preprocessor_config.json").write_text(json.dumps(written))
    named = {"processor_class": family.processor, **family.processor_options}
    (folder / "processor_config.json").write_text(json.dumps(named))
    if family.template:
        (folder / "chat_template.jinja").write_text(family.template, encoding="utf-8")
    return folder
