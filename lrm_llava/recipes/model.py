"""What a recipe says: two stages, their data and their optimizer, as nested frozen data."""

from __future__ import annotations

from dataclasses import dataclass

from lrm_eval.errors import UsageError

PRECISIONS = ("bf16", "fp32")


@dataclass(frozen=True)
class Source:
    """A set of LLaVA conversations.

    Attributes:
        name: as the model card and the data card call it.
        file: its JSON or JSONL, relative to the data folder.
        images: its folder of images, relative to the data folder.
        translate: False where a set stays English (the paper keeps mathematics-like data English, since its
            translation is unreliable).
        origin: where it comes from.
    """

    name: str
    file: str
    images: str
    translate: bool = True
    origin: str = ""


@dataclass(frozen=True)
class Instructions:
    """Shares of the three task instructions among exchanges that are not in English."""

    mvqa: float = 1.0
    ep_vqa: float = 0.0
    bvqa: float = 0.0


@dataclass(frozen=True)
class Lora:
    """Low-rank adapters on the language model's linear layers, instead of training its weights.

    Attributes:
        rank: 0 for none. LLaVA-1.5's script has 128, with alpha 256 (scripts/v1_5/finetune_lora.sh).
        alpha: the adapters' product is scaled by alpha / rank.
        dropout: before the adapters, while training.
    """

    rank: int = 0
    alpha: float = 256.0
    dropout: float = 0.05


@dataclass(frozen=True)
class Stage:
    """One stage of training.

    Attributes:
        trains: components that change: "projector", "language". The vision tower never does.
        sources: what it is trained on.
        instructions: the cross-modal regularizer in this stage.
        learning_rate: of AdamW at its peak.
        batch: samples a step over all devices.
        micro_batch: samples a device takes at once; the rest is gradient accumulation.
        epochs: times every sample is seen.
        max_steps: stop after so many steps; 0 for all epochs.
        max_length: tokens of a sample, those of the image included; whole turns over it are dropped.
        warmup: share of the steps with a rising rate; then cosine to zero.
        weight_decay: of AdamW.
        checkpoint_activations: trade a third more arithmetic for memory.
        save_every: steps between checkpoints.
        evaluate_every: steps between evaluations by lrm-eval; 0 for none.
        lora: adapters in the language model's place.
    """

    trains: tuple[str, ...]
    sources: tuple[Source, ...]
    instructions: Instructions
    learning_rate: float
    batch: int
    micro_batch: int
    epochs: float = 1.0
    max_steps: int = 0
    max_length: int = 2048
    warmup: float = 0.03
    weight_decay: float = 0.0
    checkpoint_activations: bool = True
    save_every: int = 1000
    evaluate_every: int = 0
    lora: Lora = Lora()


@dataclass(frozen=True)
class Recipe:
    """One model of the paper.

    Attributes:
        name: what `--recipe` takes.
        backbone: a key of lrm_llava.backbones: language model, chat template, special tokens.
        vision: folder or hub id of the vision tower.
        language: folder or hub id of the language model; "" for the backbone's own.
        languages: English first; the others share the data that is not English alike.
        non_english: data in other languages as a share of the English data: 1.0 is half of everything (figure 6).
        seed: of data and training.
        precision: "bf16" or "fp32".
        stage1: pre-training.
        stage2: instruction fine-tuning.
        liger: use liger-kernel's fused operations (a GPU and the package are needed).
    """

    name: str
    backbone: str
    vision: str
    languages: tuple[str, ...]
    stage1: Stage
    stage2: Stage
    language: str = ""
    non_english: float = 1.0
    seed: int = 42
    precision: str = "bf16"
    liger: bool = False

    def stage(self, number: int) -> Stage:
        """Stage 1 or 2."""
        return {1: self.stage1, 2: self.stage2}[number]


def check_recipe(recipe: Recipe) -> Recipe:
    """The recipe itself, if its values can be trained with: else they would end in a model of something else.

    Raises:
        UsageError: a value that no training can have; names the first.
    """
    tags = recipe.languages
    wrong = _first_wrong(recipe) or _first_wrong_of_stage(recipe.stage1, 1) or _first_wrong_of_stage(recipe.stage2, 2)
    if wrong:
        raise UsageError(f"recipe {recipe.name}: {wrong}")
    if tags[:1] != ("en",) or len(set(tags)) < len(tags):
        raise UsageError(f"recipe {recipe.name}: languages={list(tags)}: English comes first, and each of them once")
    return recipe


def _first_wrong(recipe: Recipe) -> str:
    if recipe.precision not in PRECISIONS:
        return f"precision={recipe.precision} is not one of {', '.join(PRECISIONS)}"
    return f"non_english={recipe.non_english} is below 0" if recipe.non_english < 0 else ""


def _first_wrong_of_stage(stage: Stage, number: int) -> str:
    shares = stage.instructions
    each = (shares.mvqa, shares.ep_vqa, shares.bvqa)
    if min(each) < 0 or not sum(each):
        return f"stage{number}.instructions={each}: shares are at least 0, and not all of them 0"
    if not stage.trains:
        return f"stage{number}.trains=[]: nothing would change; e.g. [projector]"
    bounds = (
        ("learning_rate", stage.learning_rate > 0, "above 0"),
        ("epochs", stage.epochs > 0, "above 0"),
        ("max_steps", stage.max_steps >= 0, "at least 0"),
        ("max_length", stage.max_length > 0, "at least 1"),
        ("warmup", 0 <= stage.warmup <= 1, "a share from 0 to 1"),
        ("weight_decay", stage.weight_decay >= 0, "at least 0"),
        ("save_every", stage.save_every > 0, "at least 1"),
        ("evaluate_every", stage.evaluate_every >= 0, "at least 0"),
    )
    for name, fine, words in bounds:
        if not fine:
            return f"stage{number}.{name}={getattr(stage, name)} is not {words}"
    return ""
