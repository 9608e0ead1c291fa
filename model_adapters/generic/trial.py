"""What a model and its processor take, found out by trial at loading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lrm_eval.types import Capabilities, ImagePart, ImageRef, TextPart
from model_adapters.llava_prompts import RequestError
from model_adapters.templates import PromptError

if TYPE_CHECKING:
    from PIL.Image import Image

    from model_adapters.generic.encoding import Encoder
    from model_adapters.generic.loading import LoadedModel
    from model_adapters.templates import PromptTemplate

# As wide as most pictures, neither a square nor a multiple of any patch.
_TRIAL = (500, 333)


def closing_ids(tokenizer: Any, closing: str) -> frozenset[int]:
    """The special token that a template closes an answer with, if it is one token."""
    added = tokenizer.get_added_vocab()
    found = [token for token in added if token.strip() and closing.lstrip().startswith(token)]
    return frozenset({int(added[max(found, key=len)])} if found else ())


def capabilities_of(loaded: LoadedModel, template: PromptTemplate, encoder: Encoder) -> Capabilities:
    """What model and processor take, by trial where the family does not say."""
    family = loaded.family
    needs_image = family.needs_image
    if needs_image is None:
        needs_image = not _encodes(encoder, template, 0)
    most = family.most_images
    if most is None and not _encodes(encoder, template, 2):
        most = 1
    return Capabilities(
        choices=True,
        batch=True,
        deterministic=True,
        text_only=not needs_image,
        images=most,
        system=template.takes_system,
        shots=template.takes_shots,
    )


def _encodes(encoder: Encoder, template: PromptTemplate, images: int) -> bool:
    try:
        encoder.tensors(trial_prompt(template, images), [trial_picture()] * images)
    except (RequestError, PromptError):
        return False
    return True


def trial_picture() -> Image:
    """A grey picture."""
    from PIL import Image

    return Image.new("RGB", _TRIAL, (128, 128, 128))


def trial_prompt(template: PromptTemplate, images: int) -> str:
    """A prompt with so many images."""
    shown = tuple(ImagePart(ImageRef("trial", None, bytes)) for _ in range(images))
    return template.render((*shown, TextPart("What is in the image?")))
