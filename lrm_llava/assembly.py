"""The model of the paper from its parts: vision tower, new projector, language model; and what each stage trains."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from lrm_eval.errors import UsageError
from lrm_llava.faults import UNREADABLE, brief
from lrm_llava.lora import is_adapter

if TYPE_CHECKING:
    from transformers import LlavaForConditionalGeneration, LlavaProcessor

    from lrm_llava.backbones import Backbone

COMPONENTS = ("vision", "projector", "language")


def assemble(
    vision: str, language: str, backbone: Backbone, dtype: torch.dtype = torch.float32, seed: int = 42
) -> tuple[LlavaForConditionalGeneration, LlavaProcessor]:
    """CLIP tower + two-layer MLP + language model as one LlavaForConditionalGeneration, with its processor.

    The projector is drawn at random (paper, "The model": H = s(W1 Z + b1), M = W2 H + b2). The paper does not name s;
    LLaVA-1.5's GELU is used, as is its choice of features: the layer before the last, without CLS.

    Args:
        vision: folder or hub id of a CLIP vision model (a whole CLIP model will do).
        language: folder or hub id of a causal language model with its tokenizer.
        backbone: template and special tokens.
        dtype: of all weights.
        seed: of the projector and the new rows of the embedding table.

    Raises:
        UsageError: a part is missing, cannot be read, or already has another token in the image token's place.
    """
    from transformers import LlavaConfig, LlavaForConditionalGeneration

    tower = load_vision(vision, dtype)
    model_language, tokenizer = _load_language(language, dtype)
    add_tokens(tokenizer, backbone, language)
    torch.manual_seed(seed)
    rows = max(len(tokenizer), model_language.config.vocab_size)
    model_language.resize_token_embeddings(rows, pad_to_multiple_of=backbone.rows)
    side = tower.config.image_size // tower.config.patch_size
    deep = tower.config.num_hidden_layers > _SHALLOW
    config = LlavaConfig(
        vision_config=tower.config,
        text_config=model_language.config,
        image_token_index=tokenizer.convert_tokens_to_ids(backbone.image_token),
        projector_hidden_act="gelu",
        vision_feature_select_strategy="default",
        vision_feature_layer=-2 if deep else -1,
        image_seq_length=side * side,
        tie_word_embeddings=bool(model_language.config.tie_word_embeddings),
    )
    model = LlavaForConditionalGeneration._from_config(config, dtype=dtype)
    _copy(tower, model.model.vision_tower, vision)
    _copy(model_language.model, model.model.language_model, language)
    if not config.tie_word_embeddings:
        model.lm_head.load_state_dict(model_language.lm_head.state_dict())
    set_generation(model, tokenizer, backbone)
    return model, build_processor(vision, tokenizer, backbone, tower.config.patch_size)


# Deviation: LLaVA reads the last layer but one of 24; of a tower of two or three that would throw much of it away.
_SHALLOW = 4


def components(model: LlavaForConditionalGeneration) -> dict[str, list[torch.nn.Parameter]]:
    """Parameters by the paper's names, each once; a tied output matrix belongs to the language model."""
    found = {
        "vision": list(model.model.vision_tower.parameters()),
        "projector": list(model.model.multi_modal_projector.parameters()),
        "language": list(model.model.language_model.parameters()),
    }
    seen = {id(parameter) for parameters in found.values() for parameter in parameters}
    found["language"] += [parameter for parameter in model.lm_head.parameters() if id(parameter) not in seen]
    return found


def set_trainable(model: LlavaForConditionalGeneration, names: tuple[str, ...]) -> int:
    """Let exactly these components change; of a language model with adapters, these. The number of weights that do.

    Raises:
        UsageError: an unknown component, or the vision tower, which the paper freezes in both stages.
    """
    for name in names:
        if name not in COMPONENTS:
            from lrm_eval.errors import unknown

            raise unknown("component", name, COMPONENTS)
        if name == "vision":
            raise UsageError(
                'the vision tower is frozen in both stages (paper, "The model"); train projector, language'
            )
    adapted = any(is_adapter(name) for name, _ in model.named_parameters())
    for name, parameters in components(model).items():
        for parameter in parameters:
            parameter.requires_grad_(name in names)
    if adapted:
        for name, parameter in model.model.language_model.named_parameters():
            parameter.requires_grad_("language" in names and is_adapter(name))
        model.lm_head.requires_grad_(False)
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def load_vision(source: str, dtype: torch.dtype, allow_pickle: bool = False) -> Any:
    """A CLIP vision model from a folder or the hub, whole or not at all (UsageError); pickled only where allowed."""
    from transformers import CLIPVisionModel

    try:
        tower, info = CLIPVisionModel.from_pretrained(
            source, dtype=dtype, output_loading_info=True, use_safetensors=None if allow_pickle else True
        )
    except UNREADABLE as error:
        raise UsageError(f"vision tower {source}: {brief(error)}") from error
    if info["missing_keys"]:
        missing = sorted(info["missing_keys"])
        raise UsageError(f"vision tower {source}: {len(missing)} weights are missing, {missing[0]} the first")
    return tower


def _load_language(source: str, dtype: torch.dtype) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        model, info = AutoModelForCausalLM.from_pretrained(
            source, dtype=dtype, output_loading_info=True, use_safetensors=True, trust_remote_code=False
        )
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
    except UNREADABLE as error:
        raise UsageError(f"language model {source}: {brief(error)}") from error
    if info["missing_keys"]:
        missing = sorted(info["missing_keys"])
        raise UsageError(f"language model {source}: {len(missing)} weights are missing, {missing[0]} the first")
    return model, tokenizer


def add_tokens(tokenizer: Any, backbone: Backbone, source: str) -> None:
    """<image>, then <pad>: for Vicuna they become 32000 and 32001, as in the llava-hf checkpoints."""
    from tokenizers import AddedToken

    for token in (backbone.image_token, backbone.pad_token):
        if len(tokenizer.tokenize(token)) != 1 or tokenizer.convert_tokens_to_ids(token) == tokenizer.unk_token_id:
            tokenizer.add_tokens(AddedToken(token, special=True, normalized=False), special_tokens=True)
    tokenizer.pad_token = backbone.pad_token
    if backbone.end:
        end = tokenizer.convert_tokens_to_ids(backbone.end)
        if end is None or end == tokenizer.unk_token_id:
            raise UsageError(f"language model {source}: its tokenizer has no {backbone.end!r}, which ends an answer")
    tokenizer.chat_template = None  # the processor's is the one
    tokenizer.padding_side = "right"


def _copy(source: Any, target: Any, name: str) -> None:
    result = target.load_state_dict(source.state_dict(), strict=False)
    lost = [key for key in (*result.missing_keys, *result.unexpected_keys) if not key.endswith("position_ids")]
    if lost:
        raise UsageError(f"{name}: its weights do not fit a LLaVA: {len(lost)} differ, {lost[0]} the first")


def set_generation(model: Any, tokenizer: Any, backbone: Backbone) -> None:
    """Which tokens begin, end and fill an answer."""
    ends = [tokenizer.eos_token_id]
    if backbone.end:
        ends.insert(0, tokenizer.convert_tokens_to_ids(backbone.end))
    model.generation_config.eos_token_id = ends if len(ends) > 1 else ends[0]
    model.generation_config.bos_token_id = tokenizer.bos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id


def build_processor(vision: str, tokenizer: Any, backbone: Backbone, patch_size: int) -> LlavaProcessor:
    """Tokenizer with the conversation, and LLaVA-1.5's image processing: padded to a square, then CLIP's."""
    from transformers import LlavaProcessor
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
    from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

    try:
        clip = CLIPImageProcessorPil.from_pretrained(vision)
    except UNREADABLE as error:
        raise UsageError(f"vision tower {vision}: its image processor cannot be read: {brief(error)}") from error
    settings = clip.to_dict()
    names = ("resample", "image_mean", "image_std", "size", "crop_size", "do_center_crop", "rescale_factor")
    kept = {name: settings[name] for name in names if settings.get(name) is not None}
    return LlavaProcessor(
        image_processor=LlavaImageProcessorPil(do_pad=True, **kept),
        tokenizer=tokenizer,
        patch_size=patch_size,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,  # CLS, which "default" drops again
        image_token=backbone.image_token,
        chat_template=backbone.chat_template(),
    )


def is_checkpoint(folder: str | Path) -> bool:
    """Whether a folder holds a whole LLaVA."""
    path = Path(folder) / "config.json"
    return path.is_file() and '"llava"' in path.read_text(encoding="utf-8")
