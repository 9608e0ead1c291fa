"""Prompts of any architecture as rows of the shared-prefix engine, where the architecture allows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_adapters.engine.decoder import why_not_decoder
from model_adapters.engine.rows import Choice, Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_adapters.decoding import Decoding
    from model_adapters.generic.encoding import Encoded
    from model_adapters.generic.loading import LoadedModel

# What the engine makes itself.
_OWN = frozenset({"input_ids", "attention_mask"})


def why_not_shared(loaded: LoadedModel, decoding: Decoding) -> str | None:
    """Why a model with these settings is asked one prompt after the other; None if prompts can share."""
    if decoding.for_transformers() != {"do_sample": False, "num_beams": 1}:
        return "it decodes greedily, without sampling, beams or penalties"
    if loaded.remote_code:
        return "the checkpoint's own code may read an image as it likes"
    return why_not_decoder(loaded.model)


def as_row(encoded: Encoded, images: Sequence[str]) -> Row:
    """The same prompt for the engine.

    Args:
        encoded: as the model's processor made it.
        images: what identifies its images; rows with the same ones share.
    """
    ids = tuple(encoded.tensors["input_ids"][0].tolist())
    choices = tuple(Choice(choice.text, ids[: choice.kept] + choice.ids, len(choice.ids)) for choice in encoded.choices)
    inputs = {name: value for name, value in encoded.tensors.items() if name not in _OWN}
    return Row(encoded.request, encoded.prompt, ids, tuple(images), (), encoded.budget, choices, inputs)
