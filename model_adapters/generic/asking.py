"""Generation through transformers' own `generate`, and choices forced through it token by token.

A choice is scored by making the model say it: `generate` is given its tokens one after the other, and their
log-probabilities are noted. So prefix attention, cross-attention, positions in two dimensions and encoder-decoders are
handled as when the model speaks for itself, whatever the architecture. Tests hold this to plain forward passes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from model_adapters.decoding import request_seed
from model_adapters.engine.rows import Answer
from model_adapters.generic.encoding import along_text, collate
from model_adapters.memory import Halving

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_adapters.decoding import Decoding
    from model_adapters.generic.encoding import Encoded, Forced
    from model_adapters.generic.loading import LoadedModel


class Asker:
    """Left-padded batches through `generate`.

    Args:
        loaded: the model.
        decoding: settings of `generate`.
        seed: of the run.
        rows: most rows at once.
    """

    def __init__(self, loaded: LoadedModel, decoding: Decoding, seed: int, rows: int) -> None:
        self._loaded, self._decoding, self._seed = loaded, decoding, seed
        self._halving = Halving(rows)

    @property
    def limit(self) -> int:
        """Most rows at once, as far as memory has shown it by now."""
        return self._halving.limit

    def answer(self, rows: Sequence[Encoded]) -> list[Answer | None]:
        """An answer a row, in order; None where not even the row alone fits the memory.

        Where budgets differ, the largest is given to all and what is beyond one's own is cut by the caller.
        """
        found: dict[int, Answer | None] = {}
        for numbers in self._groups(rows):
            group = [rows[number] for number in numbers]
            for number, answer in zip(numbers, self._group(group), strict=True):
                found[number] = answer
        return [found[number] for number in range(len(rows))]

    def _groups(self, rows: Sequence[Encoded]) -> list[list[int]]:
        groups: dict[tuple[Any, ...], list[int]] = {}
        for number, row in enumerate(rows):
            # Where a beam search may end depends on its budget: a neighbour's must not change an answer.
            budget = row.budget if self._decoding.num_beams > 1 else 0
            groups.setdefault((row.signature(), budget), []).append(number)
        return list(groups.values())

    def _group(self, rows: Sequence[Encoded]) -> list[Answer | None]:
        budget = max(row.budget for row in rows)
        new: list[list[int] | None] = [[] for _ in rows]
        if budget:
            new = self._halving.run(rows, lambda piece: self._generate(piece, budget))
        return [None if ids is None else self._scored(row, ids) for row, ids in zip(rows, new, strict=True)]

    def _generate(self, rows: Sequence[Encoded], budget: int) -> list[list[int]]:
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

    def _together(self, rows: Sequence[Encoded], budget: int) -> list[list[int]]:
        from transformers import GenerationConfig

        config = GenerationConfig(
            max_new_tokens=budget,
            eos_token_id=sorted(self._loaded.end_token_ids),
            **self._common(),
            **self._decoding.for_transformers(),
        )
        inputs = self._inputs([row.tensors for row in rows])
        output = self._loaded.model.generate(**inputs, generation_config=config)
        return self._new(inputs["input_ids"], output)

    def _common(self) -> dict[str, Any]:
        common: dict[str, Any] = {"pad_token_id": self._loaded.pad_token_id}
        if self._loaded.encoder_decoder:
            common["decoder_start_token_id"] = self._loaded.decoder_start
        return common

    def _inputs(self, rows: Sequence[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
        return self.placed(collate(rows, self._loaded.pad_token_id))

    def placed(self, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The same tensors where the model is, numbers of pixels in its type."""
        kind = getattr(torch, self._loaded.dtype)
        return {
            name: one.to(self._loaded.device, kind if one.is_floating_point() else None) for name, one in batch.items()
        }

    def _new(self, asked: torch.Tensor, output: torch.Tensor) -> list[list[int]]:
        """The generated tokens of each row: some models give back the prompt before them, some do not."""
        length = asked.shape[1]
        if self._loaded.encoder_decoder:
            output = output[:, 1:]
        elif output.shape[1] > length and torch.equal(output[:, :length], asked.to(output.device)):
            output = output[:, length:]
        return [list(row) for row in output.tolist()]

    # Choices --------------------------------------------------------------------------------------------------

    def _scored(self, row: Encoded, ids: list[int]) -> Answer | None:
        scores = self._halving.run(row.choices, lambda piece: self._score(row, piece))
        found = tuple(tuple(score) for score in scores if score is not None)
        return Answer(tuple(ids), found) if len(found) == len(scores) else None

    def _score(self, row: Encoded, choices: Sequence[Forced]) -> list[list[float]]:
        """Log-probability of each token of each choice, in nats."""
        from transformers import GenerationConfig, LogitsProcessorList

        said = _Said([choice.ids for choice in choices], self._loaded.pad_token_id)
        # No end token: what is to be said is said to its end.
        config = GenerationConfig(max_new_tokens=said.steps, do_sample=False, num_beams=1, **self._common())
        inputs = self._inputs([_beginning(row.tensors, row.length, choice.kept) for choice in choices])
        self._loaded.model.generate(**inputs, generation_config=config, logits_processor=LogitsProcessorList([said]))
        return said.logprobs()


def _beginning(tensors: dict[str, torch.Tensor], length: int, kept: int) -> dict[str, torch.Tensor]:
    """The same prompt without its last tokens."""
    if kept == length:
        return tensors
    return {name: one[:, :kept] if along_text(name, one, length) else one for name, one in tensors.items()}


class _Said:
    """Makes every row say the tokens given, and notes how probable each was. A transformers LogitsProcessor.

    Args:
        ids: tokens of each row.
        filler: said by rows that are through.
    """

    def __init__(self, ids: Sequence[tuple[int, ...]], filler: int) -> None:
        self.steps = max(len(one) for one in ids)
        self._ids, self._filler = ids, filler
        self._noted: list[list[float]] = [[] for _ in ids]
        self._step = 0

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores [B, V] that leave one token a row."""
        step = self._step
        self._step += 1
        wanted = [one[step] if step < len(one) else self._filler for one in self._ids]
        index = torch.tensor(wanted, device=scores.device)[:, None]
        noted = scores.float().log_softmax(-1).gather(-1, index)[:, 0].tolist()
        for row, (one, value) in enumerate(zip(self._ids, noted, strict=True)):
            if step < len(one):
                self._noted[row].append(value)
        return torch.full_like(scores, -torch.inf).scatter_(-1, index, 0.0)

    def logprobs(self) -> list[list[float]]:
        """Of each token of each row, in nats."""
        return self._noted
