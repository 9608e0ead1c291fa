"""Rows of one shared prefix and many independent exchanges, trained in one forward pass.

    prefix (image or text) | exchange 1 | exchange 2 | ... | padding

A 4-D mask lets every exchange see the prefix and itself and nothing else, and positions restart after
the prefix, so the logits equal those of each exchange asked alone (tested). The same mask is what lets
inference read an image once for many questions.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedTokenizerFast

    from lrm_llava.instructions import Exchange

IGNORE = -100


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """A batch of rows; T is the longest row.

    Attributes:
        ids: token ids, int64 [B, T].
        positions: restarting after the prefix, int64 [B, T].
        allowed: who sees whom, bool [B, 1, T, T].
        labels: the next token where it is supervised, else IGNORE, int64 [B, T].
        weights: 1 / length of the supervised answer, so that every exchange weighs the same, float32 [B, T].
        exchange: number of the exchange a token belongs to, -1 for prefix and padding, int64 [B, T].
    """

    ids: torch.Tensor
    positions: torch.Tensor
    allowed: torch.Tensor
    labels: torch.Tensor
    weights: torch.Tensor
    exchange: torch.Tensor

    def to(self, device: torch.device) -> PackedBatch:
        """The same batch on a device."""
        return PackedBatch(*(getattr(self, field.name).to(device) for field in fields(self)))


class Encoder:
    """Texts to token ids, as the processor's chat template would give them."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, image_tokens: int) -> None:
        self._backend = tokenizer.backend_tokenizer
        self._eos = int(tokenizer.eos_token_id)
        self._encode = lru_cache(maxsize=200_000)(self._encode_text)
        image_id = int(tokenizer.convert_tokens_to_ids("<image>"))
        self.pad = int(tokenizer.pad_token_id)
        self.image_prefix: list[int] = [*self._encode("USER: "), *[image_id] * image_tokens, *self._encode("\n")]

    def _encode_text(self, text: str) -> tuple[int, ...]:
        return tuple(self._backend.encode(text, add_special_tokens=False).ids)

    def text_prefix(self, text: str) -> list[int]:
        """The prefix of a text-only row."""
        return list(self._encode_text(f"USER: {text}\n"))

    def exchange(self, one: Exchange) -> tuple[list[int], int]:
        """Token ids of an exchange, and how many of them are the prompt; the rest is supervised."""
        # A prompt's first line varies with the question, the rest hardly: cached apart, joined as one string would be.
        prompt: list[int] = []
        for line in (f"{one.prompt} ASSISTANT:").splitlines(keepends=True):
            prompt += self._encode(line)
        answer = [*self._encode(f" {one.answer}"), self._eos]
        return prompt + answer, len(prompt)


def pack(rows: Sequence[tuple[Sequence[int], Sequence[tuple[list[int], int]]]], pad: int) -> PackedBatch:
    """Lay rows of (prefix ids, exchanges as (ids, prompt length)) side by side."""
    longest = max(len(prefix) + sum(len(ids) for ids, _ in exchanges) for prefix, exchanges in rows)
    shape = (len(rows), longest)
    ids = np.full(shape, pad, dtype=np.int64)
    positions = np.zeros(shape, dtype=np.int64)
    labels = np.full(shape, IGNORE, dtype=np.int64)
    weights = np.zeros(shape, dtype=np.float32)
    part = np.full(shape, -2, dtype=np.int64)  # -2 padding, -1 prefix, 0.. exchanges
    for row, (prefix, exchanges) in enumerate(rows):
        start = len(prefix)
        ids[row, :start] = prefix
        positions[row, :start] = np.arange(start)
        part[row, :start] = -1
        at = start
        for number, (tokens, prompt) in enumerate(exchanges):
            end = at + len(tokens)
            ids[row, at:end] = tokens
            positions[row, at:end] = np.arange(start, start + len(tokens))
            part[row, at:end] = number
            labels[row, at + prompt - 1 : end - 1] = tokens[prompt:]
            weights[row, at + prompt - 1 : end - 1] = (len(tokens) - prompt) ** -0.5
            at = end
    allowed = (part[:, :, None] == part[:, None, :]) | (part[:, None, :] == -1)
    allowed &= np.tril(np.ones((longest, longest), dtype=bool))
    return PackedBatch(
        torch.from_numpy(ids),
        torch.from_numpy(positions),
        torch.from_numpy(allowed[:, None]),
        torch.from_numpy(labels),
        torch.from_numpy(weights),
        torch.from_numpy(np.maximum(part, -1)),
    )
