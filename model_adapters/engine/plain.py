"""Every prompt whole, padded on the left, through transformers' own `generate`: the reference.

It knows every decoding setting. Nothing is shared between rows but the features of an image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from model_adapters.decoding import request_seed
from model_adapters.engine.rows import Answer
from model_adapters.memory import Halving

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_adapters.decoding import Decoding
    from model_adapters.engine.rows import Choice, Row
    from model_adapters.llava_loading import LoadedLlava


class PlainEngine:
    """Left-padded batches through `generate`.

    Args:
        loaded: the model.
        decoding: settings of `generate`.
        seed: of the run.
        rows: most rows at once.
    """

    name = "plain"

    def __init__(self, loaded: LoadedLlava, decoding: Decoding, seed: int, rows: int) -> None:
        self._loaded, self._decoding, self._seed = loaded, decoding, seed
        self._halving = Halving(rows)

    @property
    def limit(self) -> int:
        """Most rows at once, as far as memory has shown it by now."""
        return self._halving.limit

    def answer(self, rows: Sequence[Row]) -> list[Answer | None]:
        """Answers of rows; where budgets differ, the largest is given to all and what is beyond one's own is cut."""
        if self._decoding.num_beams > 1 and len({row.budget for row in rows}) > 1:
            # Where a beam search may end depends on its budget: a neighbour's must not change an answer.
            return [self.answer([row])[0] for row in rows]
        budget = max((row.budget for row in rows), default=0)
        new: list[list[int] | None] = [[] for _ in rows]
        if budget:
            new = self._halving.run(rows, lambda piece: self._generate(piece, budget))
        return [None if ids is None else self._scored(row, ids) for row, ids in zip(rows, new, strict=True)]

    def _scored(self, row: Row, ids: list[int]) -> Answer | None:
        scores = self._halving.run(row.choices, lambda piece: self._score(row, piece))
        found = tuple(tuple(score) for score in scores if score is not None)
        return Answer(tuple(ids), found) if len(found) == len(scores) else None

    def _generate(self, rows: Sequence[Row], budget: int) -> list[list[int]]:
        if not self._decoding.do_sample:
            return self._together(rows, budget)
        new: list[list[int]] = []
        for row in rows:
            # One at a time from a seed of its own: what is drawn must not depend on the neighbours.
            devices = [self._loaded.device] if self._loaded.device.type == "cuda" else []
            with torch.random.fork_rng(devices=devices):
                torch.manual_seed(request_seed(self._seed, row.request.key))
                new.extend(self._together([row], budget))
        return new

    def _together(self, rows: Sequence[Row], budget: int) -> list[list[int]]:
        from transformers import GenerationConfig

        tokens, mask, embeds = self._padded(rows, [row.ids for row in rows])
        config = GenerationConfig(
            max_new_tokens=budget,
            eos_token_id=sorted(self._loaded.end_token_ids),
            pad_token_id=self._loaded.pad_token_id,
            **self._decoding.for_transformers(),
        )
        output = self._loaded.model.generate(
            input_ids=tokens, inputs_embeds=embeds, attention_mask=mask, generation_config=config
        )
        return [list(row) for row in output[:, tokens.shape[1] :].tolist()]

    def _padded(self, rows: Sequence[Row], ids: Sequence[tuple[int, ...]]) -> tuple[torch.Tensor, ...]:
        """Left-padded ids [B, T], attention mask [B, T] and input embeddings [B, T, D] with image features in place."""
        longest, pad, device = max(len(row_ids) for row_ids in ids), self._loaded.pad_token_id, self._loaded.device
        tokens = torch.tensor([[pad] * (longest - len(row_ids)) + list(row_ids) for row_ids in ids], device=device)
        lengths = torch.tensor([[longest - len(row_ids)] for row_ids in ids], device=device)
        mask = (torch.arange(longest, device=device)[None] >= lengths).long()
        # A model whose layers lie on several devices gives each tensor where it was made.
        embeds = self._loaded.model.get_input_embeddings()(tokens).to(device)
        features = [one for row in rows for one in row.features]
        if features:
            # The pad token may be any token, the image token included: padding holds no image.
            places = (tokens == self._loaded.image_token_id) & mask.bool()
            embeds = embeds.masked_scatter(places[..., None], torch.cat(features).to(device, embeds.dtype))
        return tokens, mask, embeds

    def _score(self, row: Row, asked: Sequence[Choice]) -> list[list[float]]:
        """Log-probability of each token of each choice, in nats."""
        tokens, mask, embeds = self._padded([row] * len(asked), [choice.ids for choice in asked])
        longest = max(choice.scored for choice in asked)
        output: Any = self._loaded.model(
            inputs_embeds=embeds,
            attention_mask=mask,
            position_ids=(mask.cumsum(-1) - 1).clamp(min=0),
            use_cache=False,
            logits_to_keep=longest + 1,
        )
        # The logits at one place are about the next token. [B, K, V] -> [B, K]
        logprobs = output.logits[:, :-1].float().log_softmax(-1)
        scored = logprobs.gather(-1, tokens[:, -longest:, None].to(logprobs.device))[..., 0].tolist()
        return [values[longest - choice.scored :] for values, choice in zip(scored, asked, strict=True)]
