"""The decoder of a language model, layer by layer, over packed tokens and without what nobody reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_adapters.engine.attention import NAME, register

if TYPE_CHECKING:
    import torch

    from model_adapters.engine.attention import Pass

# Families whose layers are norm, attention, norm, MLP with two plain residuals, and whose attention is causal with
# nothing added to the scores. Others are asked by the plain engine.
FAMILIES = frozenset({"llama", "mistral", "qwen2", "qwen3"})
# Rotary embeddings that depend on a token's position alone, not on the longest sequence of the batch.
_ROPES = frozenset({"default", "linear", "llama3", "yarn"})


def why_not(model: Any) -> str | None:
    """Why a LLaVA model's language model cannot be run by `Trunk`, or None if it can."""
    config = model.config.get_text_config()
    if config.model_type not in FAMILIES:
        return f"language models of type {config.model_type!r} are asked one prompt at a time"
    rope = (getattr(config, "rope_parameters", None) or {}).get("rope_type", "default")
    if rope not in _ROPES:
        return f"rotary embeddings of type {rope!r} depend on the whole batch"
    return None


class Trunk:
    """Runs decoder layers and the head of a LLaVA model.

    Args:
        model: LlavaForConditionalGeneration of one of `FAMILIES`; its language model's attention is replaced by
            `attention.register`'s, which without a `Pass` is what it was.
    """

    def __init__(self, model: Any) -> None:
        register()
        self._decoder: Any = model.model.language_model
        self._decoder.set_attn_implementation(NAME)
        self._head: Any = model.lm_head
        self.layers = len(self._decoder.layers)
        # Tokens that attention reaches back, or None for all. Within a window a sliding one makes no difference.
        self.window: int | None = getattr(model.config.get_text_config(), "sliding_window", None)

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        """Embeddings [N, D] of ids [N]."""
        embedded: torch.Tensor = self._decoder.embed_tokens(ids)
        return embedded

    def run(
        self, hidden: torch.Tensor, positions: torch.Tensor, how: Pass, keep: torch.Tensor | None
    ) -> torch.Tensor | None:
        """One forward pass.

        Of the last layer only keys and values are made for tokens that are not kept: nothing reads the rest.

        Args:
            hidden: embeddings [N, D].
            positions: of each token in its own sequence, [N].
            how: who sees whom, and where keys and values go.
            keep: tokens [K] whose final hidden state is wanted; None if keys and values are all.

        Returns:
            Final hidden states [K, D], or None.
        """
        hidden = hidden[None]
        rope = self._decoder.rotary_emb(hidden, position_ids=positions[None])
        last = self.layers - 1
        how.keys_only = last if keep is None else -1
        for number, layer in enumerate(self._decoder.layers):
            mixed, _ = layer.self_attn(
                hidden_states=layer.input_layernorm(hidden),
                position_embeddings=rope,
                attention_mask=None,
                shared_pass=how,
            )
            if number == last:
                if keep is None:
                    return None
                hidden, mixed = hidden[:, keep], mixed[:, keep]
            hidden = hidden + mixed
            hidden = hidden + layer.mlp(layer.post_attention_layernorm(hidden))
        final: torch.Tensor = self._decoder.norm(hidden)[0]
        return final

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Scores of the next token [K, V], float32, of final hidden states [K, D]."""
        scores: torch.Tensor = self._head(hidden)
        return scores.float()
