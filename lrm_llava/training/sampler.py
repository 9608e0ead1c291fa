"""Batches of one modality and of like length.

LLaVA's grouping (llava/train/llava_trainer.py, LengthGroupedSampler) with three differences, each a
`Deviation:` below. A batch that mixes samples with and without images stalls sharded training, and one that
mixes lengths is mostly padding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from torch.utils.data import Sampler

if TYPE_CHECKING:
    from collections.abc import Iterator


def grouped_order(
    lengths: np.ndarray[Any, Any], batch: int, seed: int, epoch: int, pool: int = 50
) -> np.ndarray[Any, Any]:
    """The order of one epoch: int64 [M], M a multiple of `batch`.

    Deviation: lengths are exact token counts; LLaVA counts words, of which Chinese and Japanese have one a sentence.
    Deviation: the rest of each modality that does not fill a batch is filled up with samples drawn again from the
    same modality; LLaVA puts the two rests into one mixed batch.
    Deviation: batches are grouped within pools of 50 shuffled ones, not one megabatch at a time, so that the longest
    samples do not all come first.

    Args:
        lengths: signed token lengths [N]; negative for text alone.
        batch: samples a step over all devices and accumulation steps.
        seed: of the recipe.
        epoch: each has an order of its own.
        pool: batches among which lengths are sorted.
    """
    generator = np.random.default_rng([seed, epoch])
    batches: list[np.ndarray[Any, Any]] = []
    for chosen in (np.flatnonzero(lengths > 0), np.flatnonzero(lengths < 0)):
        if not len(chosen):
            continue
        order = generator.permutation(chosen)
        short = -len(order) % batch
        if short:
            order = np.concatenate([order, generator.choice(chosen, short, replace=short > len(chosen))])
        for start in range(0, len(order), pool * batch):
            part = order[start : start + pool * batch]
            part = part[np.argsort(np.abs(lengths[part]), kind="stable")]
            batches.extend(part.reshape(-1, batch))
    return np.concatenate([batches[number] for number in generator.permutation(len(batches))])


class GroupedSampler(Sampler[int]):
    """`grouped_order` for one epoch after another; ranks take their turns of micro-batches from it.

    Args:
        lengths: as in `grouped_order`.
        batch: samples a step over all devices and accumulation steps.
        seed: of the recipe.
    """

    def __init__(self, lengths: np.ndarray[Any, Any], batch: int, seed: int) -> None:
        self._lengths, self._batch, self._seed, self._epoch = lengths, batch, seed, 0
        self._size = len(grouped_order(lengths, batch, seed, 0))

    def set_epoch(self, epoch: int) -> None:
        """Called by accelerate before each epoch, and after a resume."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[int]:
        return iter(grouped_order(self._lengths, self._batch, self._seed, self._epoch).tolist())
