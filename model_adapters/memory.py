"""Running out of memory: halve the batch, go on, remember."""

from __future__ import annotations

import gc
import math
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

T = TypeVar("T")
R = TypeVar("R")

# "auto" on a CPU: enough to keep two cores busy on a small model, one row at a time for a large one.
_CPU_BUDGET = 2**30
# By (CUDA, prefix shared).
_MOST_ROWS = {(False, False): 32, (True, False): 64, (False, True): 256, (True, True): 512}
_TEXT_TOKENS, _QUESTION_TOKENS = 256, 128


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that a device or the machine had no memory left."""
    import torch

    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)


def release_memory() -> None:
    """Give freed memory back to the device."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


class Halving:
    """Runs work on pieces of a list; when memory runs out, on pieces half as long from then on.

    Attributes:
        limit: most rows in one piece; shrinks, never grows.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def run(self, rows: Sequence[T], work: Callable[[Sequence[T]], Sequence[R]]) -> list[R | None]:
        """The result of each row, in order; None for a row that does not fit even alone."""
        results: list[R | None] = []
        while len(results) < len(rows):
            left = len(rows) - len(results)
            # Even pieces: a full one and a scrap take longer than two halves.
            piece = rows[len(results) : len(results) + math.ceil(left / math.ceil(left / self.limit))]
            try:
                results.extend(work(piece))
                continue
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            # Outside the except block: the traceback, and with it the tensors of the failed piece, is gone by now.
            release_memory()
            if len(piece) == 1:
                results.append(None)
            else:
                self.limit = len(piece) // 2
        return results


def auto_batch_size(
    text_config: Mapping[str, Any],
    image_tokens: int,
    weight_bytes: int,
    element_bytes: int,
    device_bytes: int | None,
    shared: bool = False,
) -> int:
    """Rows of a batch that fit the device: a pure function of model and machine, so that it is the same on resume.

    Counts for each row the KV cache and activations of one prompt (image tokens and 256 text tokens) and the logits.
    Where a prefix is shared, a row holds its text tokens alone, and a share of its image's cache.

    Args:
        text_config: of the language model, in the names of transformers' LlamaConfig.
        image_tokens: features of one image.
        weight_bytes: size of the weights in memory.
        element_bytes: size of one number.
        device_bytes: memory of the CUDA device; None on a CPU.
        shared: rows of one image share the cache of their common beginning.
    """
    hidden = int(text_config["hidden_size"])
    heads = int(text_config["num_attention_heads"])
    kv_heads = int(text_config.get("num_key_value_heads") or heads)
    head_width = int(text_config.get("head_dim") or hidden // heads)
    # Questions are short; with eight on an image, an eighth of its cache is a row's.
    tokens = _QUESTION_TOKENS + image_tokens // 8 if shared else _TEXT_TOKENS + image_tokens
    cache = 2 * int(text_config["num_hidden_layers"]) * kv_heads * head_width * tokens * element_bytes
    # Widest moment of a layer: hidden states in and out, and the two halves of the gated MLP. Where a prefix is shared,
    # passes over prompts are cut by tokens and not by rows.
    wide = 4 * hidden + 3 * int(text_config.get("intermediate_size") or 4 * hidden)
    activations = 0 if shared else tokens * wide * element_bytes
    logits = 2 * int(text_config["vocab_size"]) * 4
    budget = _CPU_BUDGET if device_bytes is None else int(0.8 * device_bytes) - weight_bytes
    most = _MOST_ROWS[device_bytes is not None, shared]
    fitting = max(1, budget // (cache + activations + logits))
    return int(min(most, 1 << (int(fitting).bit_length() - 1)))
