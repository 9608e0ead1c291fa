"""A processor made from its parts, images through PIL: no torchvision, no parts for video or sound.

transformers' own AutoProcessor also loads a video processor for the families that have one, and video processors exist
for torchvision alone. Benchmarks of images never reach it, so it is left out here.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Pictures whose processed form is kept: questions on one image come together.
_KEPT = 16


def load_processor(folder: Path, config: Any, image_options: Mapping[str, Any], trust_remote_code: bool) -> Any:
    """The processor of a checkpoint.

    Args:
        folder: the checkpoint.
        config: its configuration.
        image_options: settings of the image processor other than the checkpoint's.
        trust_remote_code: whether code in the folder may run.

    Raises:
        Exception: whatever transformers stumbles over in a damaged checkpoint; ValueError if no processor is known.
    """
    from transformers import AutoImageProcessor, AutoProcessor, AutoTokenizer

    common: dict[str, Any] = {"local_files_only": True, "trust_remote_code": trust_remote_code}
    if trust_remote_code and _brings_code(folder):
        return _remembering(AutoProcessor.from_pretrained(folder, **common))
    kind = _processor_class(folder, config)
    settings = kind.get_processor_dict(folder, local_files_only=True)[0]
    parts: list[Any] = []
    for name in kind.get_attributes():
        if name == "tokenizer":
            parts.append(AutoTokenizer.from_pretrained(folder, **common))
        elif "tokenizer" in name:
            parts.append(AutoTokenizer.from_pretrained(folder, subfolder=name, **common))
        elif name == "image_processor":
            parts.append(AutoImageProcessor.from_pretrained(folder, backend="pil", **common, **image_options))
        else:
            parts.append(Absent())
    made = _images_only(kind).from_args_and_dict(parts, settings)
    if not getattr(made, "chat_template", None):
        made.chat_template = getattr(made.tokenizer, "chat_template", None)
    return _remembering(made)


class Absent(dict[str, Any]):
    """Stands for a processor of video or sound: without settings, also where SmolVLM's looks at two of them."""

    num_frames = fps = None


def _brings_code(folder: Path) -> bool:
    for name in ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json"):
        path = folder / name
        if path.is_file() and "AutoProcessor" in json.loads(path.read_text(encoding="utf-8")).get("auto_map", {}):
            return True
    return False


def _processor_class(folder: Path, config: Any) -> Any:
    """The class that the checkpoint names, else that of its architecture."""
    import transformers
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

    for name in ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json"):
        path = folder / name
        if not path.is_file():
            continue
        named = json.loads(path.read_text(encoding="utf-8")).get("processor_class")
        if isinstance(named, str) and hasattr(transformers, named):
            return getattr(transformers, named)
    if type(config) in PROCESSOR_MAPPING:
        return PROCESSOR_MAPPING[type(config)]
    raise ValueError(f"transformers {transformers.__version__} knows no processor for {config.model_type!r}")


def _images_only(kind: Any) -> Any:
    """The same class, content with an absent processor for video and sound."""

    def check(self: Any, name: str, part: Any) -> Any:
        return None if isinstance(part, Absent) else kind.check_argument_for_proper_class(self, name, part)

    return type(kind.__name__, (kind,), {"check_argument_for_proper_class": check})


def _remembering(processor: Any) -> Any:
    processor.image_processor = RememberingImageProcessor(processor.image_processor)
    return processor


class RememberingImageProcessor:
    """An image processor that does not process the same picture objects twice in a row of questions.

    Args:
        inner: the real one; every attribute is its own.
    """

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self._kept: OrderedDict[Any, tuple[Any, Any]] = OrderedDict()

    def __getattr__(self, name: str) -> Any:
        if name == "inner":
            # A copy that is being made has none yet.
            raise AttributeError(name)
        return getattr(self.inner, name)

    def __call__(self, images: Any = None, *args: Any, **options: Any) -> Any:
        """As the real one; a picture is recognised by the object that it is."""
        key = (_identity(images), repr(args), repr(sorted(options.items(), key=lambda item: item[0])))
        if key not in self._kept:
            # The pictures are kept too: an identity must not be given to another object meanwhile.
            self._kept[key] = (images, self.inner(images, *args, **options))
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        made = self._kept[key][1]
        # A copy: processors take out what the model does not read.
        return type(made)(dict(made))

    def forget(self) -> None:
        """Let go of all pictures."""
        self._kept.clear()


def _identity(images: Any) -> Any:
    return tuple(_identity(one) for one in images) if isinstance(images, (list, tuple)) else id(images)
