"""What a run has to compute and to move at least, and the least time in which this machine could.

Counted is what no arrangement can avoid: each image through the vision tower once, each group's prefix once, each
different question once, each answer token once; of the last layer only what is read. Of bytes: the weights once a
phase, and once more for each further answer token (they come one after the other, but all rows of a run could take the
step together), and keys and values once for each time they are needed. Time is at least operations over the rate of
matrix products, and at least bytes over the rate of copying, phase by phase.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from model_adapters.engine.grouping import form_groups, same_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch

    from model_adapters.engine.rows import Row


@dataclass(slots=True)
class Work:
    """Counts of tokens and of (query, key) pairs; each is added where it is done.

    Attributes:
        images: through the vision tower.
        prefix_tokens, prefix_pairs: of the groups' common beginnings.
        question_tokens, question_pairs: of what is left of each prompt.
        first_tokens, first_pairs: answer tokens that the questions themselves give.
        answer_tokens, answer_pairs: further ones, fed back.
        answer_cache: tokens whose keys and values the further ones must read.
        steps: most further tokens of any answer.
        choice_tokens, choice_pairs: of scored choices.
        question_cache: prefix tokens whose keys and values the questions must read.
    """

    images: int = 0
    prefix_tokens: int = 0
    prefix_pairs: int = 0
    question_tokens: int = 0
    question_pairs: int = 0
    question_cache: int = 0
    first_tokens: int = 0
    first_pairs: int = 0
    answer_tokens: int = 0
    answer_pairs: int = 0
    answer_cache: int = 0
    steps: int = 0
    choice_tokens: int = 0
    choice_pairs: int = 0

    def __add__(self, other: Work) -> Work:
        """Both together. Steps of different batches could be taken together: the longest counts."""
        sums = {name: value + getattr(other, name) for name, value in asdict(self).items()}
        return Work(**{**sums, "steps": max(self.steps, other.steps)})


def needed(rows: Sequence[Row], answers: Sequence[int], image_token: int) -> Work:
    """What a batch needs, whatever engine answers it; images are counted where they are looked at.

    Args:
        rows: of the batch.
        answers: tokens that each answered, end token included.
        image_token: id of the image token.
    """
    work = Work()
    unique = sorted(set(same_rows(rows)))
    asked = [rows[number] for number in unique]
    for group in form_groups(asked, image_token):
        prefix = group.prefix
        lengths = [(len(asked[place].ids) - prefix, answers[unique[place]]) for place in group.rows]
        work.prefix_tokens += prefix
        work.prefix_pairs += prefix * (prefix + 1) // 2
        work.question_cache += prefix
        work.answer_cache += prefix * max(0, *(tokens - 1 for _, tokens in lengths))
        for own, tokens in lengths:
            _question(work, prefix, own, tokens)
    for row in asked:
        for choice in row.choices:
            work.choice_tokens += choice.scored
            work.choice_pairs += choice.scored * (len(choice.ids) - 1) - choice.scored * (choice.scored - 1) // 2
    return work


def _question(work: Work, prefix: int, own: int, tokens: int) -> None:
    work.question_tokens += own
    work.question_pairs += own * prefix + own * (own + 1) // 2
    if tokens:
        work.first_tokens += 1
        work.first_pairs += prefix + own
        # Token number 1 is fed back behind `own` tokens of its row and sees itself too.
        seen = [own + turn for turn in range(1, tokens)]
        work.answer_tokens += len(seen)
        work.answer_pairs += sum(prefix + one for one in seen)
        work.answer_cache += sum(seen)
        work.steps = max(work.steps, len(seen))


@dataclass(frozen=True, slots=True)
class Geometry:
    """Sizes of a LLaVA model, as far as operations and bytes depend on them.

    Attributes:
        layers: of the language model.
        mixing: weights of one layer's query and output projections.
        keys: weights of one layer's key and value projections.
        mlp: weights of one layer's MLP.
        width: heads x head size of the queries; a (query, key) pair costs 4 x width operations a layer.
        cache: numbers that one token leaves in one layer's cache.
        head: weights of the output head.
        vision_operations: of one image through the vision tower and projector.
        vision_weights: weights of both.
        element: bytes of a number.
    """

    layers: int
    mixing: int
    keys: int
    mlp: int
    width: int
    cache: int
    head: int
    vision_operations: int
    vision_weights: int
    element: int

    @classmethod
    def of(cls, model: Any, image_tokens: int) -> Geometry:
        """Read the sizes off a LlavaForConditionalGeneration.

        Args:
            model: the model.
            image_tokens: features of one image.
        """
        config = model.config.get_text_config()
        attention, mlp = model.model.language_model.layers[0].self_attn, model.model.language_model.layers[0].mlp
        query = attention.q_proj.weight
        tower, projector = model.model.vision_tower, model.model.multi_modal_projector
        operations, weights = _vision(tower, projector, image_tokens)
        return cls(
            layers=int(config.num_hidden_layers),
            mixing=query.numel() + attention.o_proj.weight.numel(),
            keys=attention.k_proj.weight.numel() + attention.v_proj.weight.numel(),
            mlp=linear_weights(mlp),
            width=query.shape[0],
            cache=attention.k_proj.weight.shape[0] + attention.v_proj.weight.shape[0],
            head=model.lm_head.weight.numel(),
            vision_operations=operations,
            vision_weights=weights,
            element=query.element_size(),
        )

    def operations(self, work: Work) -> dict[str, int]:
        """Floating-point operations by phase; a multiplication with its addition counts as two."""
        inner, whole = self.layers - 1, 2 * (self.mixing + self.keys + self.mlp)
        silent = inner * whole + 2 * self.keys
        spoken = 2 * (self.mixing + self.mlp + self.head)
        pair = 4 * self.width
        return {
            "vision": work.images * self.vision_operations,
            "prefix": work.prefix_tokens * silent + work.prefix_pairs * inner * pair,
            "questions": work.question_tokens * silent
            + work.question_pairs * inner * pair
            + work.first_tokens * spoken
            + work.first_pairs * pair,
            "answers": work.answer_tokens * (silent + spoken) + work.answer_pairs * self.layers * pair,
            "choices": work.choice_tokens * (silent + spoken) + work.choice_pairs * self.layers * pair,
        }

    def bytes(self, work: Work) -> dict[str, int]:
        """Bytes by phase: weights once (for answers once a step), keys and values as often as they are needed."""
        body = self.layers * (self.mixing + self.keys + self.mlp)
        cached = self.layers * self.cache
        questions = (work.question_cache + work.question_tokens) * cached
        numbers = {
            "vision": self.vision_weights if work.images else 0,
            "prefix": body + work.prefix_tokens * cached if work.prefix_tokens else 0,
            "questions": body + self.head + questions if work.question_tokens else 0,
            "answers": work.steps * (body + self.head) + work.answer_cache * cached,
            "choices": body + self.head if work.choice_tokens else 0,
        }
        return {phase: count * self.element for phase, count in numbers.items()}


@dataclass(frozen=True, slots=True)
class Rates:
    """What a machine can do at its best.

    Attributes:
        operations: floating-point operations a second in large matrix products.
        bytes: bytes a second, read and written, in copying.
    """

    operations: float
    bytes: float


def least_seconds(geometry: Geometry, work: Work, rates: Rates) -> dict[str, float]:
    """The least time of each phase."""
    operations, moved = geometry.operations(work), geometry.bytes(work)
    return {phase: max(operations[phase] / rates.operations, moved[phase] / rates.bytes) for phase in operations}


def measure_rates(
    device: torch.device,
    dtype: torch.dtype,
    seconds: float = 0.1,
    clock: Callable[[], float] = time.perf_counter,
) -> Rates:
    """Measure this machine, with as many threads as torch uses now; the best of several tries.

    Args:
        device: where the model runs.
        dtype: of its weights.
        seconds: to spend on each of the two.
        clock: tells seconds; on a shared machine, those that this process computed.
    """
    import torch

    side = 1024 if device.type == "cpu" else 8192
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    into = torch.empty_like(left)
    products = _best(lambda: torch.mm(left, right, out=into), device, seconds, clock)
    # Well beyond the caches of a core, or of a card.
    size = 2**26 if device.type == "cpu" else 2**30
    source, target = torch.ones(size // 4, device=device), torch.empty(size // 4, device=device)
    copies = _best(lambda: target.copy_(source), device, seconds, clock)
    return Rates(operations=2 * side**3 / products, bytes=2 * size / copies)


def _best(work: Callable[[], object], device: torch.device, seconds: float, clock: Callable[[], float]) -> float:
    import torch

    best, spent = math.inf, 0.0
    with torch.inference_mode():
        work()
        while spent < seconds:
            _wait(device)
            start = clock()
            work()
            _wait(device)
            took = clock() - start
            # A clock of computing may tick seldom: what it did not see took no time and tells nothing.
            best = min(best, took or math.inf)
            spent += max(took, 1e-4)
    return best


def _wait(device: torch.device) -> None:
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)


def linear_weights(module: Any) -> int:
    """Weights of a module's matrices."""
    import torch

    return sum(part.weight.numel() for part in module.modules() if isinstance(part, torch.nn.Linear))


def _vision(tower: Any, projector: Any, image_tokens: int) -> tuple[int, int]:
    """Operations of one image, and weights, of the encoder layers that are run and the projector."""
    import torch

    encoder = tower.encoder
    patch = next(part for part in tower.modules() if isinstance(part, torch.nn.Conv2d)).weight
    config = tower.config
    patches = (int(config.image_size) // int(config.patch_size)) ** 2
    # CLIP puts a class token before the patches.
    tokens = patches + (1 if hasattr(tower.embeddings, "class_embedding") else 0)
    layers = len(encoder.layers)
    body = linear_weights(encoder)
    operations = 2 * patches * patch.numel() + 2 * tokens * body + layers * 4 * tokens**2 * int(config.hidden_size)
    operations += 2 * image_tokens * linear_weights(projector)
    return operations, body + patch.numel() + linear_weights(projector)
