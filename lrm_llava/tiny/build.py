"""The whole chain of the tiny world: tower, text model, two stages for each arm, benchmarks.

    vision tower (frozen from here on) -> language model on text -> stage 1 -> stage 2   (arm lrm-llava)
                                                                 -> stage 1 -> stage 2   (arm llava-tiny)

The arms share everything up to stage 1 and differ in one thing: the language of the exchanges about
images. Each step leaves its result in the work folder and is not done again.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import torch

from lrm_llava.tiny import probe
from lrm_llava.tiny.dialogues import Mix, corpus
from lrm_llava.tiny.grammar import languages
from lrm_llava.tiny.model import build_model, build_processor, parts, scale_projector, train_tokenizer
from lrm_llava.tiny.packing import Encoder
from lrm_llava.tiny.train import ATTENTION, image_batches, interleave, optimize, text_batches
from lrm_llava.tiny.vision import scene_features, train_vision
from lrm_llava.tiny.world import Scene, draw_scene

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from transformers import LlavaForConditionalGeneration, LlavaProcessor

    from lrm_llava.tiny.config import Phase, TinyRecipe

ARMS = ("lrm-llava", "llava-tiny")
_TOKENIZER_SCENES = 1500


@dataclass(frozen=True)
class Base:
    """What both arms start from."""

    model: LlavaForConditionalGeneration
    processor: LlavaProcessor
    scenes: list[Scene]
    features: torch.Tensor  # [N, 9, D_v], of the frozen tower

    @property
    def encoder(self) -> Encoder:
        """Texts to ids for this tokenizer."""
        return Encoder(self.processor.tokenizer, self.features.shape[1])


def device() -> torch.device:
    """A GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def low_precision() -> bool:
    """Whether bf16 matrices are multiplied in hardware; where they are not, bf16 is slower than fp32."""
    return torch.cuda.is_available() or bool(torch.cpu._is_amx_tile_supported())


def training_scenes(recipe: TinyRecipe) -> list[Scene]:
    """The scenes of the train bucket that are ever shown."""
    rng = random.Random(recipe.seed)
    return [draw_scene(rng, "train") for _ in range(recipe.scenes)]


def build_base(recipe: TinyRecipe, work: Path, log: Callable[[str], None]) -> None:
    """Tokenizer, vision tower and language model, saved in work/base."""
    target = work / "base"
    if (target / "done.json").is_file():
        log("base: already there")
        return
    started = time.monotonic()
    tags = languages()
    scenes = training_scenes(recipe)
    tokenizer = train_tokenizer(corpus(tags, scenes[:_TOKENIZER_SCENES], recipe.seed), recipe.language.vocab_size)
    model, processor = build_model(recipe, tokenizer), build_processor(tokenizer, recipe)
    model.to(device())
    accuracy = train_vision(model, processor, recipe, log)
    vision_seconds = time.monotonic() - started
    log(f"vision: {100 * accuracy:.1f} % of dev scenes read without a fault")
    model.set_attn_implementation({"text_config": ATTENTION})
    encoder = Encoder(tokenizer, model.config.image_seq_length)
    phase = recipe.text

    def check() -> str:
        return probe.summary(probe.probe(model, encoder, probe.dev_scenes(60), None, ("en", "sw", "ru")))

    done = optimize(
        model,
        parts(model)["language"].parameters(),
        text_batches(scenes, encoder, phase, lambda share: _mix(phase, share, tags), random.Random(recipe.seed + 1)),
        phase, log, "text", check, low_precision=low_precision(),
    )  # fmt: skip
    features = scene_features(model, processor, scenes, random.Random(recipe.seed + 2))
    scale_projector(model, features.to(model.device))
    _save(model, processor, target)
    torch.save(features, target / "features.pt")
    facts = {"vision_dev_accuracy": accuracy, "vision_seconds": vision_seconds, "text": asdict(done)}
    (target / "done.json").write_text(json.dumps(facts), encoding="utf-8")


def load_base(recipe: TinyRecipe, work: Path) -> Base:
    """What build_base left."""
    from transformers import LlavaForConditionalGeneration, LlavaProcessor

    folder = work / "base"
    model = LlavaForConditionalGeneration.from_pretrained(folder).to(device())
    model.set_attn_implementation({"text_config": ATTENTION})
    features = torch.load(folder / "features.pt", weights_only=True)
    return Base(model, LlavaProcessor.from_pretrained(folder), training_scenes(recipe), features)


def _mix(phase: Phase, share: float, tags: tuple[str, ...], **changes: object) -> Mix:
    piece = phase.piece(share)
    values = {
        "english": piece.english, "describe": piece.describe, "open": piece.open, "where": piece.where, **changes,
    }  # fmt: skip
    return Mix(tags, **values)  # type: ignore[arg-type]


def train_arm(arm: str, recipe: TinyRecipe, work: Path, log: Callable[[str], None]) -> None:
    """Stage 1 and stage 2 of one arm, saved in work/<arm>.

    Stage 1 trains the projector alone with MVQA, stage 2 projector and language model with all three
    instructions (paper, "Training"). The arm llava-tiny sees images with English only, in both stages
    (paper, table 3, "w/o all task instructions"); text-only steps are the same in both arms.
    """
    target = work / arm
    if (target / "done.json").is_file():
        log(f"{arm}: already there")
        return
    tags = languages()
    base = load_base(recipe, work)
    model, encoder = base.model, base.encoder
    if arm == "llava-tiny":
        changes: dict[str, object] = {"english": 1.0}
        changes2 = changes
    else:
        changes, changes2 = {}, {"instructions": recipe.instructions}
    dev = probe.dev_scenes(100)
    dev_features = scene_features(model, base.processor, dev, random.Random(3))

    def check() -> str:
        _save(model, base.processor, work / f"{arm}-latest")  # to look at while it trains
        return probe.summary(probe.probe(model, encoder, dev, dev_features, ("en", "sw", "ru", "am")))

    component = parts(model)
    one, two = recipe.stage1, recipe.stage2
    rng = random.Random(recipe.seed + 10)
    first = optimize(
        model, component["projector"].parameters(),
        image_batches(base.scenes, base.features, encoder, one, lambda share: _mix(one, share, tags, **changes), rng),
        one, log, f"{arm} stage 1", check, low_precision=low_precision(),
    )  # fmt: skip
    images = image_batches(
        base.scenes, base.features, encoder, two, lambda share: _mix(two, share, tags, **changes2), rng
    )
    texts = text_batches(
        base.scenes, encoder, two, lambda share: _mix(recipe.text, 1.0, tags), random.Random(recipe.seed + 11)
    )
    second = optimize(
        model, [*component["projector"].parameters(), *component["language"].parameters()],
        interleave(images, texts, two.text_only, random.Random(recipe.seed + 12)),
        two, log, f"{arm} stage 2", check, low_precision=low_precision(),
    )  # fmt: skip
    _save(model, base.processor, target)
    table = probe.probe(model, encoder, dev, dev_features, tags)
    facts = {"stage1": asdict(first), "stage2": asdict(second), "dev": table}
    (target / "done.json").write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")
    log(f"{arm}: {probe.summary(table)}")


def train_arms(work: Path, arms: tuple[str, ...], overrides: list[str]) -> None:
    """Both arms side by side, a process and a thread each: twice one thread beats one process of two.

    Raises:
        RuntimeError: an arm's process failed; its last words are on standard error.
    """
    command = [sys.executable, "-m", "lrm_llava.cli", "tiny", "arm"]
    running = {
        arm: subprocess.Popen([*command, arm, "--work", str(work), *(f"--set={item}" for item in overrides)])
        for arm in arms
    }
    failed = [arm for arm, process in running.items() if process.wait() != 0]
    if failed:
        raise RuntimeError(f"training failed: {', '.join(failed)}")


def _save(model: LlavaForConditionalGeneration, processor: LlavaProcessor, folder: Path) -> None:
    model.set_attn_implementation({"text_config": "sdpa"})
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    model.set_attn_implementation({"text_config": ATTENTION})
