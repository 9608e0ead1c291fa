"""One arm: the base that all arms of its seed and size start from, then the paper's two stages."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from lrm_eval.runs.files import sha256_file, write_atomic
from lrm_llava.ablations.config import recipe_of
from lrm_llava.ablations.exchanges import Draw, hard_scenes, image_batches
from lrm_llava.tiny import probe
from lrm_llava.tiny.build import build_base, device, low_precision
from lrm_llava.tiny.dialogues import Mix
from lrm_llava.tiny.grammar import languages
from lrm_llava.tiny.model import parts
from lrm_llava.tiny.packing import Encoder
from lrm_llava.tiny.train import ATTENTION, interleave, optimize, text_batches
from lrm_llava.tiny.vision import scene_features
from lrm_llava.tiny.world import MAX_OBJECTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from transformers import LlavaForConditionalGeneration, LlavaProcessor

    from lrm_llava.ablations.arms import Arm
    from lrm_llava.ablations.config import Scale
    from lrm_llava.ablations.places import Places
    from lrm_llava.tiny.config import Phase

DONE = "done.json"
_FEATURES = "hard-features.pt"
_CURVE_KINDS = ("color_of", "shape_of", "where_is")
_CURVE_LANGUAGES = ("en", "de", "ru", "zh")


def make_base(scale: Scale, size: str, seed: int, places: Places, log: Callable[[str], None]) -> None:
    """Tower, language model and the features of the training scenes, once for all arms of a seed and size."""
    work = places.base(size, seed)
    recipe = recipe_of(scale, scale.size(size), seed)
    if places.given is None:
        build_base(recipe, work, log)
    elif not (work / "base" / DONE).is_file():
        # Deviation: one tower and language model for all seeds, which then differ in what the arms are shown alone.
        shutil.copytree(places.given, work / "base", dirs_exist_ok=True, ignore=shutil.ignore_patterns("features.pt"))
    target = work / _FEATURES
    if target.is_file():
        return
    model, processor = _load(work / "base")
    log(f"base {size}, seed {seed}: features of {scale.scenes:,} scenes")
    scenes = hard_scenes(recipe.seed, scale.scenes, scale.objects)
    features = scene_features(model, processor, scenes, random.Random(f"{seed}/pictures"))
    unfinished = target.with_suffix(".partial")
    torch.save(features, unfinished)
    unfinished.replace(target)


def _load(folder: Path) -> tuple[LlavaForConditionalGeneration, LlavaProcessor]:
    from transformers import LlavaForConditionalGeneration, LlavaProcessor

    model = LlavaForConditionalGeneration.from_pretrained(folder).to(device())
    model.set_attn_implementation({"text_config": ATTENTION})
    return model, LlavaProcessor.from_pretrained(folder)


def train_arm(arm: Arm, scale: Scale, seed: int, places: Places, log: Callable[[str], None]) -> None:
    """Stage 1 (projector), stage 2 (projector and language model); the checkpoint with what it stands for.

    All arms of a seed and size start from the same weights, take the same number of steps and are shown the same
    scenes; text-only steps are the same in all of them.
    """
    target = places.arm(arm.name, seed)
    if (target / DONE).is_file():
        log(f"{arm.name}, seed {seed}: already trained")
        return
    work = places.base(arm.size, seed)
    recipe = recipe_of(scale, scale.size(arm.size), seed)
    model, processor = _load(work / "base")
    scenes = hard_scenes(recipe.seed, scale.scenes, scale.objects)
    features = torch.load(work / _FEATURES, weights_only=True)
    encoder = Encoder(processor.tokenizer, model.config.image_seq_length)
    one, two = scale.stage1, scale.stage2
    component, name = parts(model), f"{arm.name}, seed {seed}"
    first = optimize(
        model, component["projector"].parameters(),
        image_batches(scenes, features, encoder, one, partial(draw_of, arm, scale, 1), f"{seed}/1"),
        one, log, f"{name}: stage 1", low_precision=low_precision(),
    )  # fmt: skip
    curve: list[dict[str, float]] = []
    dev = probe.dev_scenes(40)
    dev_features = scene_features(model, processor, dev, random.Random(3))

    def check() -> str:
        table = probe.probe(model, encoder, dev, dev_features, _CURVE_LANGUAGES)
        point = {tag: sum(table[tag][kind] for kind in _CURVE_KINDS) / len(_CURVE_KINDS) for tag in table}
        curve.append(point)
        return "  ".join(f"{tag} {100 * value:.0f}" for tag, value in point.items())

    images = image_batches(scenes, features, encoder, two, partial(draw_of, arm, scale, 2), f"{seed}/2")
    # The grammars count to four, and the language model has read of no more objects.
    readable = [scene for scene in scenes if len(scene.objects) <= MAX_OBJECTS]
    texts = text_batches(readable, encoder, two, lambda _: _text_mix(scale.text), random.Random(f"{seed}/text"))
    second = optimize(
        model, [*component["projector"].parameters(), *component["language"].parameters()],
        interleave(images, texts, two.text_only, random.Random(f"{seed}/which")),
        two, log, f"{name}: stage 2", check, scale.check_every, low_precision(),
    )  # fmt: skip
    model.set_attn_implementation({"text_config": "sdpa"})
    model.save_pretrained(target)
    processor.save_pretrained(target)
    facts: dict[str, Any] = {
        "table": arm.table(), "arm": asdict(arm), "seed": seed, "scale": asdict(scale),
        "base": base_identity(work / "base"), "base_given": places.given is not None,
        "stage1": asdict(first), "stage2": asdict(second), "curve": curve,
    }  # fmt: skip
    _write(target / "training.json", facts)
    _write(target / DONE, {"table": arm.table()})  # last: an arm counts only with it


def draw_of(arm: Arm, scale: Scale, stage: int, share: float) -> Draw:
    """What an arm is shown in a stage when a share (0-1) of its steps is done.

    With other languages English has the same share in every arm (figure 6 apart, which is about that share); in
    "w/o all task instructions" everything about images is English, so that it sees more English in as many steps.
    """
    phase = {1: scale.stage1, 2: scale.stage2}[stage]
    piece = phase.piece(share)
    multilingual = arm.stage1 if stage == 1 else arm.instructions is not None
    # Over the whole stage other languages have the arm's share, divided among its pieces as the scale divides them.
    others = (1 - piece.english) * (1 - arm.english(phase.english)) / (1 - phase.english) if multilingual else 0.0
    instructions = arm.instructions if stage == 2 and arm.instructions is not None else (1.0, 0.0, 0.0)
    return Draw(languages(), 1 - others, piece.describe, scale.shown, instructions)


def _text_mix(phase: Phase) -> Mix:
    piece = phase.pieces[-1]
    return Mix(languages(), piece.english, piece.describe, open=piece.open)


def base_identity(folder: Path) -> str:
    """SHA-256 over weights and tokenizer."""
    names = ("model.safetensors", "tokenizer.json")
    return hashlib.sha256("".join(sha256_file(folder / name) for name in names).encode()).hexdigest()[:16]


def _write(path: Path, value: Any) -> None:
    write_atomic(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")
