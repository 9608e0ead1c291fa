"""What single families of models need beyond processor and chat template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Family:
    """How models of one `model_type` are asked.

    Attributes:
        prompt: "chat_template", or "plain": image placeholders, then the text as it is.
        placeholder: what stands for an image in a plain prompt; None takes the processor's image token.
        most_images: most images with a question; None lets a trial of two decide.
        needs_image: a question without an image cannot be asked; None lets a trial decide.
        choice_alone: a choice is tokenised by itself, because the processor closes the prompt with tokens of its own.
    """

    prompt: Literal["chat_template", "plain"] = "chat_template"
    placeholder: str | None = None
    most_images: int | None = None
    needs_image: bool | None = None
    choice_alone: bool = False


# The processors of BLIP put the image tokens before the begin token themselves; the models take one image.
_BLIP = Family("plain", placeholder="", most_images=1, needs_image=True)
FAMILIES = {
    "blip-2": _BLIP,
    "instructblip": _BLIP,
    # The prompt is a prefix that ends in a line break, the answer a suffix (Beyer et al. 2024, arXiv:2407.07726).
    "paligemma": Family("plain", needs_image=True, choice_alone=True),
}


def family_of(model_type: str) -> Family:
    """The entry of a `model_type`; families without one follow processor and chat template alone."""
    return FAMILIES.get(model_type, Family())
