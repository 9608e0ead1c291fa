"""Sizes of any architecture whose decoder is made of the usual projections, for counting what a run needs at least."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_adapters.engine.work import Geometry, linear_weights

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch


@dataclass(frozen=True, slots=True)
class VisionCost:
    """What looking at one picture costs.

    Attributes:
        operations: of everything but the decoder; attention in fused kernels that PyTorch does not count is left out.
        tokens: image tokens that came of it.
    """

    operations: int
    tokens: int


def vision_cost(model: Any, tensors: Mapping[str, torch.Tensor], image_token: int) -> VisionCost:
    """Count one prompt with an image, in one forward pass.

    Args:
        model: a conditional-generation model of transformers.
        tensors: what its processor made of the prompt, on the model's device and in its type.
        image_token: id of the image token.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    decoder = model.get_decoder()
    inside = FlopCounterMode(display=False)
    spent = 0
    counting = False

    def enter(*_: Any) -> None:
        nonlocal spent, counting
        spent, counting = inside.get_total_flops(), True

    def leave(*_: Any) -> None:
        nonlocal spent
        spent = inside.get_total_flops() - spent

    hooks = decoder.register_forward_pre_hook(enter), decoder.register_forward_hook(leave)
    try:
        with torch.inference_mode(), inside:
            model.model(**tensors, use_cache=False)
    finally:
        for hook in hooks:
            hook.remove()
    assert counting
    return VisionCost(inside.get_total_flops() - spent, int((tensors["input_ids"] == image_token).sum()))


def geometry(model: Any, vision: VisionCost, image_tokens: float) -> Geometry:
    """Sizes of a model, its vision in proportion to the tokens of an image.

    Args:
        model: of one of `decoder.ARCHITECTURES`.
        vision: counted on one picture.
        image_tokens: of an image, on average.
    """
    decoder, head = model.get_decoder(), model.lm_head.weight
    attention = decoder.layers[0].self_attn
    query, key, value = attention.q_proj.weight, attention.k_proj.weight, attention.v_proj.weight
    everything = sum(weight.numel() for weight in model.parameters())
    language = sum(weight.numel() for weight in decoder.parameters())
    tied = head is decoder.get_input_embeddings().weight
    return Geometry(
        layers=len(decoder.layers),
        mixing=query.numel() + attention.o_proj.weight.numel(),
        keys=key.numel() + value.numel(),
        mlp=linear_weights(decoder.layers[0].mlp),
        width=query.shape[0],
        cache=key.shape[0] + value.shape[0],
        head=head.numel(),
        vision_operations=round(vision.operations * image_tokens / vision.tokens),
        vision_weights=everything - language - (0 if tied else head.numel()),
        element=query.element_size(),
    )
