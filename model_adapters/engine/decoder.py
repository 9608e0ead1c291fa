"""The language model of an architecture that `trunk` does not know, through its own forward, over packed tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from model_adapters.engine.attention import NAME, register

if TYPE_CHECKING:
    from model_adapters.engine.attention import Pass

# Architectures whose image features do not depend on the question, whose text tokens see what stands before them and
# nothing else, and whose head is a matrix: each is held to `generate` by a test. In InstructBLIP, PaliGemma and Mllama
# the question changes how an image is read, or is read both ways: they are asked one prompt after the other.
ARCHITECTURES = frozenset({
    "aya_vision", "gemma3", "idefics3", "internvl", "llava", "llava_next", "llava_onevision", "mistral3",
    "qwen2_5_vl", "qwen2_vl", "qwen3_vl", "smolvlm",
})  # fmt: skip
# Rotary embeddings that depend on a token's position alone, not on the longest sequence of the batch.
_ROPES = frozenset({"default", "linear", "llama3", "mrope", "yarn"})


def why_not_decoder(model: Any) -> str | None:
    """Why a model cannot be asked over shared prefixes by its own forward, or None if it can."""
    if model.config.model_type not in ARCHITECTURES:
        return f"models of type {model.config.model_type!r} are asked one prompt at a time"
    ropes = getattr(model.config.get_text_config(), "rope_parameters", None) or {}
    # Some architectures have a rotary embedding a type of layer.
    for rope in [ropes] if "rope_type" in ropes or not ropes else ropes.values():
        kind = rope.get("rope_type", "default") if isinstance(rope, dict) else "default"
        if kind not in _ROPES:
            return f"rotary embeddings of type {kind!r} depend on the whole batch"
    return None


class Decoder:
    """Runs a language model and its head, whatever its layers are made of.

    Args:
        model: of one of `ARCHITECTURES`; its language model's attention is replaced by `attention.register`'s, which
            without a `Pass` is what it was.
    """

    def __init__(self, model: Any) -> None:
        register()
        self.decoder: Any = model.get_decoder()
        self.decoder.set_attn_implementation(NAME)
        self._head: Any = model.lm_head
        config = model.config.get_text_config()
        windows = getattr(config, "layer_types", None)
        slides = windows is None or any(kind != "full_attention" for kind in windows)
        # Within a window a sliding one makes no difference.
        self.window: int | None = getattr(config, "sliding_window", None) if slides else None

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        """Embeddings [N, D] of ids [N]."""
        embedded: torch.Tensor = self.decoder.get_input_embeddings()(ids)
        return embedded

    def run(
        self, hidden: torch.Tensor, positions: torch.Tensor, how: Pass, keep: torch.Tensor | None
    ) -> torch.Tensor | None:
        """One forward pass; arguments and result as those of `Trunk.run`."""
        how.keys_only = -1
        output = self.decoder(
            inputs_embeds=hidden[None],
            position_ids=positions[None],
            # `how` says who sees whom. A mask of four dimensions is passed on as it is, and this one is never read.
            attention_mask=torch.zeros(1, 1, 1, 1, dtype=torch.bool, device=hidden.device),
            use_cache=False,
            shared_pass=how,
        )
        final: torch.Tensor = output.last_hidden_state[0]
        return None if keep is None else final[keep]

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Scores of the next token [K, V], float32, of final hidden states [K, D]."""
        scores: torch.Tensor = self._head(hidden)
        return scores.float()
