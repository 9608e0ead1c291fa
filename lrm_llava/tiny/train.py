"""Training of the tiny models: one optimizer loop; what it trains, and on what, are its arguments."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from lrm_llava.tiny import dialogues
from lrm_llava.tiny.packing import IGNORE, Encoder, PackedBatch, pack

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from transformers import LlavaForConditionalGeneration

    from lrm_llava.tiny.config import Phase
    from lrm_llava.tiny.dialogues import Mix
    from lrm_llava.tiny.world import Scene

ATTENTION = "sdpa_fp32"
EMBEDDING_LR = 1.0  # times the phase's rate


def _sdpa_fp32(
    module: nn.Module, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, attention_mask: torch.Tensor | None,
    scaling: float | None = None, **_: object,
) -> tuple[torch.Tensor, None]:  # fmt: skip
    """Attention in fp32 in a bf16 region: the CPU's bf16 backward is twice as slow. [B, H, T, D] -> [B, T, H, D]."""
    with torch.autocast(query.device.type, enabled=False):
        out = F.scaled_dot_product_attention(
            query.float(), key.float(), value.float(), attn_mask=attention_mask, scale=scaling
        )
    return out.transpose(1, 2).contiguous(), None


ALL_ATTENTION_FUNCTIONS.register(ATTENTION, _sdpa_fp32)
ALL_MASK_ATTENTION_FUNCTIONS.register(ATTENTION, ALL_MASK_ATTENTION_FUNCTIONS["sdpa"])

Batch = tuple[PackedBatch, "torch.Tensor | None"]
Row = tuple["Sequence[int]", "Sequence[tuple[list[int], int]]"]  # prefix; exchanges as (ids, prompt length)
POOL = 4  # batches drawn at once, and dealt out by length
COMPILE_FROM = 1000  # steps; compiling takes about a minute and makes a step nearly twice as fast


def answer_logits(
    model: LlavaForConditionalGeneration,
    batch: PackedBatch,
    features: torch.Tensor | None,
    language: Callable[..., Any] | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits and labels at the supervised positions: [M, V], [M].

    Args:
        model: the whole model; the vision tower is not run.
        batch: packed rows, each with its image tokens in the prefix if `features` is given.
        features: frozen patch features, [B, 9, D_v]; None for text.
        language: the language model's forward if not the plain one (a compiled one).
    """
    embeds = model.model.language_model.embed_tokens(batch.ids)  # [B, T, D]
    if features is not None:
        projected = model.model.multi_modal_projector(features)  # [B, 9, D]
        where = (batch.ids == model.config.image_token_index).unsqueeze(-1)
        embeds = embeds.masked_scatter(where, projected.to(embeds.dtype))
    bias = torch.zeros(batch.allowed.shape, device=batch.ids.device).masked_fill_(
        ~batch.allowed, torch.finfo(torch.float32).min
    )  # [B, 1, T, T]
    hidden = (language or model.model.language_model)(
        inputs_embeds=embeds, attention_mask=bias, position_ids=batch.positions, use_cache=False
    ).last_hidden_state
    supervised = batch.labels != IGNORE
    logits: torch.Tensor = model.lm_head(hidden[supervised])
    return logits, batch.labels[supervised]


def text_batches(
    scenes: Sequence[Scene], encoder: Encoder, phase: Phase, mix: Callable[[float], Mix], rng: random.Random
) -> Iterator[Batch]:
    """Endless text-only batches. `mix` gives the mixture at a share (0-1) of the phase's steps."""
    for step in range(0, 10**9, POOL):
        now = mix(step / phase.steps)
        rows = []
        for _ in range(POOL * phase.rows):
            prefix, exchanges = dialogues.text_row(rng.choice(scenes), now, phase.segments, rng)
            rows.append((encoder.text_prefix(prefix), [encoder.exchange(one) for one in exchanges]))
        for chunk in by_length(rows, phase.rows, rng):
            yield pack([rows[number] for number in chunk], encoder.pad), None


def image_batches(
    scenes: Sequence[Scene],
    features: torch.Tensor,
    encoder: Encoder,
    phase: Phase,
    mix: Callable[[float], Mix],
    rng: random.Random,
) -> Iterator[Batch]:
    """Endless batches about images, whose features [N, 9, D_v] are given."""
    for step in range(0, 10**9, POOL):
        now = mix(step / phase.steps)
        picks = [rng.randrange(len(scenes)) for _ in range(POOL * phase.rows)]
        rows = [
            (
                encoder.image_prefix,
                [encoder.exchange(dialogues.image_exchange(scenes[pick], now, rng)) for _ in range(phase.segments)],
            )
            for pick in picks
        ]
        for chunk in by_length(rows, phase.rows, rng):
            yield pack([rows[number] for number in chunk], encoder.pad), features[[picks[number] for number in chunk]]


def by_length(rows: Sequence[Row], size: int, rng: random.Random) -> list[list[int]]:
    """Numbers of rows in batches of `size`, each of rows of like length, in random order.

    LLaVA groups its samples by length over 50 batches; a few do here, and halve the padding.
    """
    lengths = [len(prefix) + sum(len(ids) for ids, _ in exchanges) for prefix, exchanges in rows]
    order = sorted(range(len(rows)), key=lambda number: (lengths[number], number))
    chunks = [order[start : start + size] for start in range(0, len(order), size)]
    rng.shuffle(chunks)
    return chunks


def interleave(main: Iterator[Batch], other: Iterator[Batch], share: float, rng: random.Random) -> Iterator[Batch]:
    """`main`, with `share` of the steps from `other`: one modality a step, as LLaVA groups its batches."""
    while True:
        yield next(other if rng.random() < share else main)


@dataclass
class Progress:
    """What a phase has done."""

    steps: int = 0
    tokens: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0  # of this process: what the phase takes when nothing else runs on its cores
    loss: float = float("nan")


def optimize(
    model: LlavaForConditionalGeneration,
    trained: Iterable[nn.Parameter],
    batches: Iterator[Batch],
    phase: Phase,
    log: Callable[[str], None],
    name: str,
    check: Callable[[], str] | None = None,
    every: int = 500,
    low_precision: bool = False,
) -> Progress:
    """AdamW with warm-up, constant rate and linear cool-down over `trained`; everything else is frozen.

    Raises:
        FloatingPointError: the loss is not a number; nothing is saved.
    """
    trained = list(trained)
    chosen = {id(parameter) for parameter in trained}
    for parameter in model.parameters():
        parameter.requires_grad_(id(parameter) in chosen)
    table = model.get_input_embeddings().weight
    groups = [
        {"params": [p for p in trained if p.ndim >= 2 and p is not table], "weight_decay": 0.05},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
        # A row of the table is touched only when its token occurs, and starts larger than a matrix's entries.
        {"params": [p for p in trained if p is table], "weight_decay": 0.0, "lr": EMBEDDING_LR * phase.lr},
    ]
    optimizer = torch.optim.AdamW(
        [group for group in groups if group["params"]], lr=phase.lr, betas=(0.9, 0.98), fused=True
    )
    # Inductor writes C++; without a compiler the same sums are done one by one.
    fast = phase.steps >= COMPILE_FROM and shutil.which("g++") is not None
    language = torch.compile(model.model.language_model.forward, dynamic=True) if fast else None

    def rate(step: int) -> float:
        cool = phase.steps * (1 - phase.cooldown)
        return min(1.0, (step + 1) / phase.warmup, max(0.02, (phase.steps - step) / (phase.steps - cool)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    done = Progress()
    start, cpu_start, average = time.monotonic(), time.process_time(), 0.0
    model.train()
    for step in range(phase.steps):
        batch, features = next(batches)
        batch, features = batch.to(model.device), None if features is None else features.to(model.device)
        with torch.autocast(model.device.type, torch.bfloat16, enabled=low_precision):
            logits, labels = answer_logits(model, batch, features, language)
        # Deviation: LLaVA means over tokens; here an answer of one word would drown among descriptions.
        weights = batch.weights[batch.labels != IGNORE]
        loss = (F.cross_entropy(logits.float(), labels, reduction="none") * weights).sum() / weights.sum()
        if not torch.isfinite(loss):
            raise FloatingPointError(f"{name}: the loss is {loss.item()} at step {step}")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        average = loss.item() if step == 0 else 0.98 * average + 0.02 * loss.item()
        done.tokens += batch.ids.numel()
        if (step + 1) % 100 == 0 or step + 1 == phase.steps:
            done.seconds = time.monotonic() - start
            log(
                f"{name} {step + 1:5d}/{phase.steps}  loss {average:.4f}  "
                f"{done.tokens / done.seconds / 1000:.1f}k tokens/s  {done.seconds:.0f} s"
            )
        if check is not None and (step + 1) % every == 0:
            model.eval()
            log(f"{name} {step + 1:5d}/{phase.steps}  {check()}")
            model.train()
    model.eval()
    done.steps, done.loss, done.seconds = phase.steps, average, time.monotonic() - start
    done.cpu_seconds = time.process_time() - cpu_start
    return done
