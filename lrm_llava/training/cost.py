"""What a stage of a recipe costs on given GPUs, on paper: operations, hours, and memory of one GPU under FSDP2."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lrm_eval.errors import UsageError, unknown
from lrm_llava.training.geometry import Geometry

if TYPE_CHECKING:
    from lrm_llava.recipes import Recipe

_LLAMA_13B = Geometry(layers=40, width=5120, mlp=13824, heads=40, key_heads=40, head_size=128, rows=32064)
# config.json of each model; rows: its vocabulary, <image> and <pad>, padded to a multiple of 64.
GEOMETRIES: dict[str, Geometry] = {
    "vicuna-13b": _LLAMA_13B,
    "vicuna-7b": Geometry(layers=32, width=4096, mlp=11008, heads=32, key_heads=32, head_size=128, rows=32064),
    "llama2-13b": _LLAMA_13B,
    "llama3-8b": Geometry(layers=32, width=4096, mlp=14336, heads=32, key_heads=8, head_size=128, rows=128320),
}


@dataclass(frozen=True)
class Card:
    """A GPU, by its maker's datasheet.

    Attributes:
        tflops: dense bf16, in 10^12 operations a second.
        gigabytes: of memory, in 10^9 bytes.
        link: GB/s to the other GPUs, both directions together.
    """

    tflops: float
    gigabytes: float
    link: float


# NVIDIA's datasheets of the SXM cards; the A800 is an A100 with a third less of NVLink.
CARDS: dict[str, Card] = {
    "a800": Card(312, 80, 400),
    "a100": Card(312, 80, 600),
    "h800": Card(989, 80, 400),
    "h100": Card(989, 80, 900),
    "h200": Card(989, 141, 900),
}


@dataclass(frozen=True)
class Load:
    """What goes through a stage.

    Attributes:
        samples: in one epoch.
        text_tokens: mean of a sample, image apart.
        with_image: share of the samples.
    """

    samples: int
    text_tokens: float
    with_image: float = 1.0


# Section "Data" says 4.8 M pairs in its introduction; 2.4 M a stage fits that, the sources and the hours.
# Deviation: the paper gives no token counts. Assumed here: 210 English tokens of caption and question (ShareGPT4V
# tells of 826 characters) or 300 of dialogue, 45 of system sentence and roles, and 1.8 times as many for the half
# that is in other languages. LLaVA-1.5's mixture has images in 94 % of its samples.
PAPER_LOADS: dict[int, Load] = {1: Load(2_400_000, 340.0), 2: Load(2_400_000, 465.0, 0.95)}


@dataclass(frozen=True)
class Cost:
    """One stage.

    Attributes:
        tokens: in all.
        flops: operations that are needed, in all.
        hours: at the assumed share of the datasheet's peak, after the assumed loss to communication.
        state: GB a GPU of weights, gradients and Adam's moments.
        typical: GB a GPU at its peak in a micro-batch of mean length.
        longest: GB a GPU at its peak in a micro-batch in which every sample is of the longest length.
        exchanged: GB that a GPU sends and receives for one micro-batch.
    """

    tokens: float
    flops: float
    hours: float
    state: float
    typical: float
    longest: float
    exchanged: float


def stage_cost(
    recipe: Recipe, number: int, load: Load, card: Card, gpus: int, mfu: float, loss: float, geometry: Geometry
) -> Cost:
    """What a stage costs.

    Args:
        recipe: says what is trained and in what batches.
        number: 1 or 2.
        load: what goes through it.
        card: the GPU.
        gpus: how many.
        mfu: needed operations over those of the datasheet's peak in the same time, of one GPU alone.
        loss: share of the time that is lost to communication.
        geometry: of the model.
    """
    stage = recipe.stage(number)
    images = load.samples * load.with_image * stage.epochs
    mean = load.text_tokens + geometry.patches * load.with_image
    tokens = mean * load.samples * stage.epochs
    # Of samples of one length: that lengths differ adds a share of 1.5 %.
    flops = geometry.flops(round(tokens), round(images), tokens * mean / 2, stage)
    seconds = flops / (card.tflops * 1e12 * gpus * mfu * (1 - loss))
    state = state_bytes(geometry, geometry.trained(stage), gpus)
    peaks = [
        state + working_bytes(geometry, stage.micro_batch * length, stage.checkpoint_activations)
        for length in (mean, stage.max_length)
    ]
    exchanged = exchanged_bytes(geometry, geometry.trained(stage), gpus)
    return Cost(tokens, flops, seconds / 3600, state / 1e9, peaks[0] / 1e9, peaks[1] / 1e9, exchanged / 1e9)


def state_bytes(geometry: Geometry, trained: int, gpus: int) -> float:
    """Of one GPU under FSDP2: weights in fp32, and gradient and two moments in fp32 of what is trained, all sharded."""
    return (4 * geometry.weights + 12 * trained) / gpus


def working_bytes(geometry: Geometry, tokens: float, checkpointed: bool) -> float:
    """Of one GPU beside the state: gathered weights, activations and logits of a micro-batch of so many tokens.

    Weights are gathered in bf16, layer by layer, the next one ahead; embedding table and output matrix apart. Kept
    of each layer: its input in bf16 (checkpointed), or everything its backward pass reads. Logits are there in bf16
    and fp32, and so are their gradients, with one copy for the softmax: 16 bytes each.
    """
    queries, keys = geometry.heads * geometry.head_size, geometry.key_heads * geometry.head_size
    # Inputs of the two norms, their outputs, queries, keys, values, attention's output, and the MLP's four.
    inside = 2 * (4 * geometry.width + 2 * queries + 2 * keys + 4 * geometry.mlp)
    kept = 2 * geometry.width * geometry.layers + inside if checkpointed else inside * geometry.layers
    gathered = 2 * (2 * geometry.layer + 2 * geometry.rows * geometry.width + geometry.projector)
    return gathered + tokens * (kept + 16 * geometry.rows)


def exchanged_bytes(geometry: Geometry, trained: int, gpus: int) -> float:
    """That a GPU sends for one micro-batch: every weight gathered twice in bf16, every gradient reduced in fp32."""
    return (2 * 2 * geometry.weights + 4 * trained) * (gpus - 1) / gpus


def paper_costs(
    recipe: Recipe, card: str, gpus: int, mfus: tuple[float, float], loss: float, text_tokens: tuple[float, ...] = ()
) -> list[Cost]:
    """Both stages at the paper's sizes.

    Raises:
        UsageError: an unknown card, a backbone whose sizes are not known, or a share that is none.
    """
    if card not in CARDS:
        raise unknown("GPU", card, CARDS)
    if recipe.backbone not in GEOMETRIES:
        raise UsageError(
            f"recipe {recipe.name}: the sizes of backbone {recipe.backbone} are not known; known: "
            f"{', '.join(GEOMETRIES)}"
        )
    if not all(0 < share <= 1 for share in mfus) or not 0 <= loss < 1 or gpus < 1:
        raise UsageError("--mfu is above 0 and at most 1, --loss at least 0 and below 1, --gpus at least 1")
    if text_tokens and (len(text_tokens) != len(PAPER_LOADS) or min(text_tokens) <= 0):
        raise UsageError("--text-tokens takes two numbers above 0, one for each stage: 340,465")
    found = []
    for number, load in PAPER_LOADS.items():
        now = replace(load, text_tokens=text_tokens[number - 1]) if text_tokens else load
        mfu = mfus[number - 1]
        found.append(stage_cost(recipe, number, now, CARDS[card], gpus, mfu, loss, GEOMETRIES[recipe.backbone]))
    return found
