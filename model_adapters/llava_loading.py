"""A LLaVA checkpoint in memory: weights, tokenizer, PIL image processor, and the numbers the adapter needs."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from lrm_eval.errors import UsageError
from model_adapters.checkpoints import check_llava, locate
from model_adapters.devices import device_memory, placement
from model_adapters.images import ImageError, uniform_image
from model_adapters.memory import is_out_of_memory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from PIL.Image import Image

    from model_adapters.spec import CheckpointRef


@dataclass(slots=True)
class LoadedLlava:
    """A model with everything that belongs to it.

    Attributes:
        folder: the local folder it came from.
        model: transformers' LlavaForConditionalGeneration in evaluation mode; None after closing.
        processor: its LlavaProcessor, with a PIL image processor.
        device: where the weights are.
        dtype: "float32", "bfloat16" or "float16".
        image_processing: "checkpoint" or "pad".
        image_token: placeholder of an image in a prompt.
        image_token_id: its id.
        pad_token_id: fills the left of short prompts.
        end_token_ids: an answer ends at any of them.
        context: most tokens of prompt and answer together.
        image_tokens: features of one image.
        hidden_image: colour and side of the uniform image that a blind model is shown: the processor's mean colour, so
            that its normalised pixels are 0.
        vision_feature_layer: layer of the vision tower that is read, as the checkpoint numbers it.
        weight_bytes: size of the weights in memory.
        element_bytes: size of one number.
        device_bytes: memory of the CUDA device; None on a CPU.
    """

    folder: Path
    model: Any
    processor: Any
    device: torch.device
    dtype: str
    image_processing: str
    image_token: str
    image_token_id: int
    pad_token_id: int
    end_token_ids: frozenset[int]
    context: int
    image_tokens: int
    hidden_image: tuple[tuple[int, int, int], int]
    vision_feature_layer: int | list[int]
    weight_bytes: int
    element_bytes: int
    device_bytes: int | None

    def pixels(self, picture: Image) -> torch.Tensor:
        """One RGB image as the vision tower takes it, [1, 3, H, W], on the CPU. May be called from several threads.

        Raises:
            ImageError: the processor cannot handle the image.
        """
        try:
            made: torch.Tensor = self.processor.image_processor(images=picture, return_tensors="pt")["pixel_values"]
        except (ValueError, TypeError, ArithmeticError, OSError) as error:
            raise ImageError(
                f"image of {picture.width} x {picture.height} pixels: cannot be processed: {error}"
            ) from error
        return made

    def features(self, pixels: torch.Tensor) -> list[torch.Tensor]:
        """Projected features of images [B, 3, H, W], each [T_image, D]."""
        given = pixels.to(self.device, self.model.dtype)
        return list(self.model.get_image_features(pixel_values=given, return_dict=True).pooler_output)


def load_llava(
    reference: CheckpointRef, device: str, dtype: str, image_processing: str, device_map: str = "one"
) -> LoadedLlava:
    """Find, check and load a checkpoint.

    Args:
        reference: a folder, or a repository of the hub (downloaded).
        device: as `check_device` gives it.
        dtype: as `check_device` gives it.
        image_processing: "checkpoint" or "pad".
        device_map: see `model_adapters.devices.placement`.

    Raises:
        UsageError: missing, damaged, of another architecture, or too large for the device; one line.
        RunError: the download failed.
    """
    folder = locate(reference)
    check_llava(folder)
    with quiet(), torch.no_grad():
        processor = _processor(folder, image_processing)
        model = _model(folder, device, dtype, device_map)
        tokenizer, config = processor.tokenizer, model.config
        image_token_id = int(config.image_token_id)
        layer = config.vision_feature_layer
        drop_unread_layers(model)
        hidden = mean_image(processor.image_processor)
    ends = {tokenizer.eos_token_id, *_ids(model.generation_config.eos_token_id)} - {None}
    pad = next((i for i in (tokenizer.pad_token_id, *sorted(ends)) if i is not None), 0)
    loaded = LoadedLlava(
        folder=folder,
        model=_own_decoding(model),
        processor=processor,
        device=torch.device(device),
        dtype=dtype,
        image_processing=image_processing,
        image_token=_image_token(tokenizer, image_token_id, folder),
        image_token_id=image_token_id,
        pad_token_id=int(pad),
        end_token_ids=frozenset(int(end) for end in ends),
        context=int(getattr(config.get_text_config(), "max_position_embeddings", None) or 2**31),
        image_tokens=0,
        hidden_image=hidden,
        vision_feature_layer=layer,
        weight_bytes=sum(weight.numel() * weight.element_size() for weight in model.parameters()),
        element_bytes=torch.empty(0, dtype=getattr(torch, dtype)).element_size(),
        device_bytes=device_memory(device, model),
    )
    loaded.image_tokens = _image_tokens(loaded)
    return loaded


def drop_unread_layers(model: Any) -> None:
    """Remove the layers of a CLIP vision tower that lie behind the one whose output is read.

    LLaVA reads the last but one: the last is 1 / 24 of the tower's time and memory, and nothing sees its output.
    """
    config, tower = model.config, model.model.vision_tower
    layer, count = config.vision_feature_layer, len(getattr(getattr(tower, "encoder", None), "layers", ()))
    if tower.config.model_type != "clip_vision_model" or not isinstance(layer, int):
        return
    # Number 0 is the input of the first layer; negative numbers count from the last output.
    read = layer if layer >= 0 else count + 1 + layer
    if 0 < read < count:
        tower.encoder.layers = tower.encoder.layers[:read]
        tower.config.num_hidden_layers = config.vision_feature_layer = read


def _image_tokens(loaded: LoadedLlava) -> int:
    """Features of one image, counted in a pass that shows that image processor, tower and projector fit together."""
    parts, config = loaded.model.model, loaded.model.config
    try:
        pixels = loaded.pixels(uniform_image(*loaded.hidden_image))
        with torch.no_grad():
            if config.vision_config.model_type != "clip_vision_model" or not isinstance(
                config.vision_feature_layer, int
            ):
                return len(loaded.features(pixels)[0])
            # The layers of a CLIP tower change no shape, and are nearly all of its time.
            hidden = parts.vision_tower.embeddings(pixels.to(loaded.device, loaded.model.dtype))
            first = 1 if config.vision_feature_select_strategy == "default" else 0
            return int(parts.multi_modal_projector(hidden[:, first:]).shape[1])
    except (ImageError, RuntimeError, ValueError, TypeError, IndexError) as error:
        raise UsageError(
            f"checkpoint {loaded.folder}: image processor and vision tower do not fit: {_line(error)}"
        ) from error


def _model(folder: Path, device: str, dtype: str, device_map: str) -> Any:
    from transformers import LlavaForConditionalGeneration

    try:
        model, info = LlavaForConditionalGeneration.from_pretrained(
            folder,
            dtype=getattr(torch, dtype),
            use_safetensors=True,
            local_files_only=True,
            attn_implementation="sdpa",
            # Straight to where it will run: no second copy in the machine's memory.
            device_map=placement(device, device_map),
            output_loading_info=True,
        )
        model = model.eval()
    except Exception as error:  # transformers reports a damaged checkpoint by whatever its code stumbles over
        if is_out_of_memory(error):
            raise UsageError(f"checkpoint {folder}: does not fit the memory of {device} as {dtype}") from error
        raise UsageError(f"checkpoint {folder}: cannot be loaded: {_line(error)}") from error
    # transformers draws missing weights at random and only warns: the scores would be those of noise.
    missing = sorted(info["missing_keys"])
    if missing:
        raise UsageError(f"checkpoint {folder}: {len(missing)} weights are missing, {missing[0]} the first")
    return model


def _processor(folder: Path, image_processing: str) -> Any:
    from transformers import AutoImageProcessor, AutoTokenizer, LlavaProcessor
    from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

    try:
        image_processor = AutoImageProcessor.from_pretrained(
            folder, backend="pil", local_files_only=True, trust_remote_code=False
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        if image_processing == "pad":
            # Source: haotian-liu/LLaVA c121f04, llava/mm_utils.py expand2square, used by every v1.5 evaluation.
            settings = image_processor.to_dict()
            names = ("resample", "image_mean", "image_std", "size", "crop_size", "rescale_factor")
            image_processor = LlavaImageProcessorPil(
                do_pad=True, **{name: settings[name] for name in names if settings.get(name) is not None}
            )
        template = LlavaProcessor.get_processor_dict(folder, local_files_only=True)[0].get("chat_template")
        return LlavaProcessor(image_processor=image_processor, tokenizer=tokenizer, chat_template=template)
    except Exception as error:  # as in _model
        raise UsageError(
            f"checkpoint {folder}: tokenizer or image processor cannot be loaded: {_line(error)}"
        ) from error


def _own_decoding(model: Any) -> Any:
    """Forget the checkpoint's own generation settings: what is not asked for by name must not apply."""
    from transformers import GenerationConfig

    model.generation_config = GenerationConfig()
    return model


def mean_image(image_processor: Any) -> tuple[tuple[int, int, int], int]:
    """Colour and side of an image whose normalised pixels are 0."""
    mean = list(getattr(image_processor, "image_mean", None) or (0.5, 0.5, 0.5))
    red, green, blue = (round(255 * float(value)) for value in mean[:3])
    size: Any = getattr(image_processor, "crop_size", None) or image_processor.size
    sides = [value for value in dict(size).values() if isinstance(value, int)]
    return (red, green, blue), max(sides, default=224)


def _image_token(tokenizer: Any, image_token_id: int, folder: Path) -> str:
    token = tokenizer.convert_ids_to_tokens(image_token_id)
    if token is None or tokenizer(str(token), add_special_tokens=False)["input_ids"] != [image_token_id]:
        raise UsageError(
            f"checkpoint {folder}: its tokenizer does not know the image token {image_token_id} of config.json"
        )
    return str(token)


def _ids(value: int | list[int] | None) -> list[int]:
    if value is None:
        return []
    return [value] if isinstance(value, int) else list(value)


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' bars and advice off the screen while loading; restored afterwards."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
