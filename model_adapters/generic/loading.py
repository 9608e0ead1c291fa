"""A checkpoint of any image-text-to-text architecture in memory, and the numbers the adapter needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from lrm_eval.errors import UsageError
from model_adapters.checkpoints import check_complete, locate, parameter_count
from model_adapters.devices import device_memory, placement
from model_adapters.generic.families import Family, family_of
from model_adapters.generic.processors import load_processor
from model_adapters.llava_loading import mean_image, quiet
from model_adapters.memory import is_out_of_memory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from model_adapters.spec import CheckpointRef


@dataclass(slots=True)
class LoadedModel:
    """A model with everything that belongs to it.

    Attributes:
        folder: the local folder it came from.
        model: in evaluation mode; None after closing.
        processor: its processor, images through PIL.
        family: what its family needs.
        model_type: as config.json has it.
        device: where its first weights are.
        dtype: "float32", "bfloat16" or "float16".
        image_token: placeholder of an image in a prompt.
        image_token_id: token that stands for a part of an image; -1 where config.json names none.
        pad_token_id: fills the left of short prompts.
        end_token_ids: an answer ends at any of them.
        decoder_start: first token of an encoder-decoder's answer; None for all others.
        context: most tokens of prompt and answer together.
        hidden_image: colour and side of the uniform image that a blind model is shown.
        remote_code: whether code of the checkpoint may run.
        weight_bytes: size of the weights in memory.
        element_bytes: size of one number.
        device_bytes: memory of the CUDA device; None on a CPU.
        text: sizes of the language model, in the names of transformers' LlamaConfig.
    """

    folder: Path
    model: Any
    processor: Any
    family: Family
    model_type: str
    device: torch.device
    dtype: str
    image_token: str
    image_token_id: int
    pad_token_id: int
    end_token_ids: frozenset[int]
    decoder_start: int | None
    context: int
    hidden_image: tuple[tuple[int, int, int], int]
    remote_code: bool
    weight_bytes: int
    element_bytes: int
    device_bytes: int | None
    text: dict[str, int] = field(default_factory=dict)

    @property
    def encoder_decoder(self) -> bool:
        """Whether the prompt is read by an encoder of its own."""
        return self.decoder_start is not None


def load_generic(
    reference: CheckpointRef,
    device: str,
    dtype: str,
    image_options: Mapping[str, Any],
    trust_remote_code: bool = False,
    device_map: str = "one",
) -> LoadedModel:
    """Find, check and load a checkpoint.

    Args:
        reference: a folder, or a repository of the hub (downloaded).
        device: as `check_device` gives it.
        dtype: as `check_device` gives it.
        image_options: settings of the image processor other than the checkpoint's.
        trust_remote_code: whether code in the checkpoint may run.
        device_map: see `model_adapters.devices.placement`.

    Raises:
        UsageError: missing, damaged, of an unknown architecture, or too large for the device; one line.
        RunError: the download failed.
    """
    folder = locate(reference, remote_code=trust_remote_code)
    check_complete(folder)
    with quiet(), torch.no_grad():
        config = _config(folder, trust_remote_code)
        _check_size(folder, config, trust_remote_code)
        processor = _processor(folder, config, image_options, trust_remote_code)
        model = _model(folder, config, placement(device, device_map), dtype, trust_remote_code)
        ends, start = _ends(model, processor.tokenizer)
        _own_decoding(model)
    tokenizer, text = processor.tokenizer, config.get_text_config()
    pad = next((i for i in (tokenizer.pad_token_id, *sorted(ends)) if i is not None), 0)
    family = family_of(config.model_type)
    placeholder = family.placeholder
    return LoadedModel(
        folder=folder,
        model=model,
        processor=processor,
        family=family,
        model_type=str(config.model_type),
        device=torch.device(device),
        dtype=dtype,
        image_token=_image_token(processor, tokenizer, config) if placeholder is None else placeholder,
        image_token_id=next(_numbers(config), -1),
        pad_token_id=int(pad),
        end_token_ids=frozenset(ends),
        decoder_start=start,
        context=int(getattr(text, "max_position_embeddings", None) or 2**31),
        hidden_image=_hidden_image(processor.image_processor),
        remote_code=trust_remote_code,
        weight_bytes=sum(weight.numel() * weight.element_size() for weight in model.parameters()),
        element_bytes=torch.empty(0, dtype=getattr(torch, dtype)).element_size(),
        device_bytes=device_memory(device, model),
        text=_sizes(text),
    )


def _config(folder: Path, trust: bool) -> Any:
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=trust)
    except Exception as error:  # transformers reports a damaged checkpoint by whatever its code stumbles over
        raise _unloadable(folder, "config.json cannot be used", error) from error


def _processor(folder: Path, config: Any, image_options: Mapping[str, Any], trust: bool) -> Any:
    try:
        return load_processor(folder, config, image_options, trust)
    except Exception as error:  # as in _config
        raise _unloadable(folder, "tokenizer or image processor cannot be loaded", error) from error


def _check_size(folder: Path, config: Any, trust: bool) -> None:
    """Refuse a config.json that describes another model than the weights, before memory is taken for it.

    transformers would make all of it, draw at random what the files lack, and only then say so.
    """
    if getattr(config, "quantization_config", None) is not None:
        return  # packed weights hold fewer numbers than the model has
    kind = _auto_class(config, trust)
    try:
        with torch.device("meta"):
            described = kind.from_config(config, trust_remote_code=trust).num_parameters()
    except Exception as error:  # a configuration whose numbers do not fit each other
        raise _unloadable(folder, "config.json cannot be used", error) from error
    held = parameter_count(folder)
    if described > 2 * held:
        raise UsageError(
            f"checkpoint {folder}: config.json describes a model of {described} parameters, its weights hold {held}"
        )


def _model(folder: Path, config: Any, device: str | dict[str, str], dtype: str, trust: bool) -> Any:
    try:
        model, info = _auto_class(config, trust).from_pretrained(
            folder,
            config=config,
            dtype=getattr(torch, dtype),
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=trust,
            # Straight to where it will run: no second copy in the machine's memory.
            device_map=device,
            output_loading_info=True,
        )
    except Exception as error:  # as in _config
        if is_out_of_memory(error):
            raise UsageError(f"checkpoint {folder}: does not fit the memory of {_words(device)} as {dtype}") from error
        raise _unloadable(folder, "cannot be loaded", error) from error
    # transformers draws missing weights at random and only warns: the scores would be those of noise.
    missing = sorted(info["missing_keys"])
    if missing:
        raise UsageError(f"checkpoint {folder}: {len(missing)} weights are missing, {missing[0]} the first")
    return model.eval()


def _words(device: str | dict[str, str]) -> str:
    return "all devices together" if isinstance(device, str) else device[""]


def _auto_class(config: Any, trust: bool) -> Any:
    import transformers
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING,
        MODEL_FOR_MULTIMODAL_LM_MAPPING,
    )

    own = getattr(config, "auto_map", None) or {}
    for mapping, name in (
        (MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING, "AutoModelForImageTextToText"),
        (MODEL_FOR_MULTIMODAL_LM_MAPPING, "AutoModelForMultimodalLM"),
    ):
        if type(config) in mapping or (trust and name in own):
            return getattr(transformers, name)
    if trust and "AutoModelForCausalLM" in own:
        return transformers.AutoModelForCausalLM
    raise UsageError(
        f"model_type {config.model_type!r}: not an image-text-to-text architecture of transformers "
        f"{transformers.__version__}; a server that has it can be asked instead (docs/models.md)"
    )


def _ends(model: Any, tokenizer: Any) -> tuple[set[int], int | None]:
    """End tokens of tokenizer and checkpoint, and the token an encoder-decoder's answer begins with."""
    inner = getattr(model, "language_model", None)
    configs = [model.generation_config, getattr(inner, "generation_config", None)]
    ends = {tokenizer.eos_token_id, *(i for one in configs if one is not None for i in _ids(one.eos_token_id))}
    text = model.config.get_text_config()
    if not (getattr(model.config, "is_encoder_decoder", False) or getattr(text, "is_encoder_decoder", False)):
        return {int(end) for end in ends if end is not None}, None
    starts = [getattr(one, "decoder_start_token_id", None) for one in (*configs, text, model.config)]
    start = next((int(one) for one in starts if one is not None), int(tokenizer.pad_token_id or 0))
    return {int(end) for end in ends if end is not None}, start


def _own_decoding(model: Any) -> None:
    """Forget the checkpoint's own generation settings: what is not asked for by name must not apply."""
    from transformers import GenerationConfig

    inner = getattr(model, "language_model", None)
    for one in (model,) if inner is None else (model, inner):
        if getattr(one, "generation_config", None) is not None:
            one.generation_config = GenerationConfig()


# Some processors give their sizes as numbers of pixels: a side of a million would be one.
_SIDE = 448


def _hidden_image(image_processor: Any) -> tuple[tuple[int, int, int], int]:
    colour, side = mean_image(image_processor)
    return colour, min(side, _SIDE)


def _image_token(processor: Any, tokenizer: Any, config: Any) -> str:
    """The placeholder that a chat template writes for an image."""
    for holder in (processor, tokenizer):
        token = getattr(holder, "image_token", None)
        if token is not None:
            return str(getattr(token, "content", token))
    for number in _numbers(config):
        return str(tokenizer.convert_ids_to_tokens(number))
    raise UsageError(f"model_type {config.model_type!r}: neither processor nor config.json names an image token")


def _numbers(config: Any) -> Iterator[int]:
    for name in ("image_token_id", "image_token_index"):
        if isinstance(getattr(config, name, None), int):
            yield int(getattr(config, name))


def _sizes(text: Any) -> dict[str, int]:
    """Sizes of a language model under one set of names; T5 and OPT call them otherwise and map these."""
    names = ("hidden_size", "num_attention_heads", "num_hidden_layers", "vocab_size")
    sizes = {name: int(getattr(text, name)) for name in names}
    for name in ("num_key_value_heads", "head_dim", "intermediate_size"):
        value = getattr(text, name, None)
        if isinstance(value, int):
            sizes[name] = value
    return sizes


def _ids(value: int | list[int] | None) -> list[int]:
    if value is None:
        return []
    return [value] if isinstance(value, int) else list(value)


def _unloadable(folder: Path, what: str, error: BaseException) -> UsageError:
    text = " ".join(str(error).split())
    if "trust_remote_code" in text or "custom code" in text:
        return UsageError(
            f"checkpoint {folder}: comes with code of its own, which is never run unasked; if you have read and trust "
            "it, add --trust-remote-code"
        )
    if "torchvision" in text.lower():
        return UsageError(f"checkpoint {folder}: its processor needs torchvision: type `pip install torchvision`")
    if "num2words" in text:
        return UsageError(f"checkpoint {folder}: its processor needs num2words: type `pip install num2words`")
    return UsageError(f"checkpoint {folder}: {what}: {type(error).__name__}: {text[:200]}")
