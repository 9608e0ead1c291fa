"""One stage of a recipe, from shards to a checkpoint that loads as a plain LLaVA."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from transformers import PrinterCallback

from lrm_eval.errors import RunError, UsageError
from lrm_llava.training.collate import Collator
from lrm_llava.training.progress import CleanStop, Lines, Speed
from lrm_llava.training.sampler import grouped_order
from lrm_llava.training.setup import FINAL, Where, load_data, start_model, training_arguments
from lrm_llava.training.trainer import LlavaTrainer, last_checkpoint
from model_adapters.engine.work import measure_rates

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lrm_llava.recipes import Recipe

RECIPE_FILE = "recipe.json"


def train_stage(
    recipe: Recipe, number: int, where: Where, tell: Callable[[str], None], *, report_to: str = "tensorboard",
    device: str = "auto", evaluate: Callable[[Path, int], dict[str, float]] | None = None,
) -> Path:  # fmt: skip
    """Train a stage, going on from its last whole checkpoint if there is one; the folder of the finished model.

    Started by torchrun, all its processes train one model together (FSDP2); the first of them tells and writes.

    Args:
        recipe: what to do.
        number: 1 or 2.
        where: folders.
        tell: takes one line at a time.
        report_to: "tensorboard", "wandb" or "none".
        device: "auto", "cpu" or "cuda".
        evaluate: takes a checkpoint's folder and the step, gives scores by name; run every `evaluate_every` steps.

    Raises:
        UsageError: data, parts or start are missing, or the folder holds another recipe.
        RunError: divergence, a full disk, or a stop that was asked for; what is done is kept.
    """
    stage, target = recipe.stage(number), where.out / f"stage{number}"
    first = int(os.environ.get("RANK", "0")) == 0
    tell = tell if first else _say_nothing
    _check_recipe(recipe, number, target)
    final = target / FINAL
    if (final / "config.json").is_file():
        tell(f"stage {number}: already there: {final}")
        return final
    arguments = training_arguments(recipe, number, target, report_to, device)
    resume = last_checkpoint(target)
    _check_processes(resume, arguments.world_size)
    model, processor, base = start_model(recipe, number, where, resume, tell)
    with arguments.main_process_first(desc="measuring"):
        data = load_data(recipe, number, where.data, processor, model, tell)
    rate = measure_rates(arguments.device, torch.bfloat16 if arguments.bf16 else torch.float32, 0.5).operations
    tell(f"{arguments.device}: {rate / 1e12:.2f} TFLOP/s measured in a matrix product")
    order = partial(grouped_order, data.lengths, stage.batch, recipe.seed)
    stop = CleanStop(tell)
    trainer = LlavaTrainer(
        data=data, stage=stage, base=base, model=model, args=arguments, processing_class=processor,
        data_collator=Collator(processor.image_processor, processor.tokenizer.pad_token_id),
        callbacks=[Speed(data, order, stage, rate), Lines(tell), stop],
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    if evaluate is not None and stage.evaluate_every:
        from lrm_llava.training.evaluation import Evaluation

        trainer.add_callback(Evaluation(trainer, stage.evaluate_every, evaluate, tell))
    if first:
        target.mkdir(parents=True, exist_ok=True)
        _write_json(target / RECIPE_FILE, {"stage": number, "recipe": asdict(recipe)})
    if resume is not None:
        tell(f"going on from {resume}")
    with stop:
        trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    unreadable = trainer.all_unreadable()
    if unreadable:
        tell(f"{len(unreadable)} images could not be read and taught nothing: {unreadable[0]} first")
    if stop.stopped and trainer.state.global_step < trainer.state.max_steps:
        raise RunError(
            f"stage {number}: stopped at step {trainer.state.global_step} of {trainer.state.max_steps}, saved; "
            "the same command goes on"
        )
    _finish(trainer, recipe, number, final)
    tell(f"stage {number}: done: {final}")
    return final


def _say_nothing(line: str) -> None:
    """What the first process says, the others need not say again."""


def _check_recipe(recipe: Recipe, number: int, target: Path) -> None:
    path = target / RECIPE_FILE
    if not path.is_file():
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))["recipe"]
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}; give another --out, or remove it") from error
    # A training that stopped before its first checkpoint binds nobody: the mended command begins anew.
    if last_checkpoint(target) is None and not (target / FINAL / "config.json").is_file():
        return
    now = json.loads(json.dumps(asdict(recipe)))
    other = "stage2" if number == 1 else "stage1"
    # The other stage, and how often something is saved or looked at, may change: they decide nothing here.
    free = {f"{name}.{field}" for name in ("stage1", "stage2") for field in ("save_every", "evaluate_every")}
    differ = [
        f"{name}: {old!r} there, {new!r} asked"
        for name, old, new in _differences(before, now)
        if not name.startswith(other) and name not in free
    ]
    if differ:
        raise UsageError(f"{target}: made with another recipe ({'; '.join(differ[:4])}); give another --out")


def _check_processes(resume: Path | None, world: int) -> None:
    """The optimizer's state is whole in a file, or in parts of several processes; neither reads the other's."""
    if resume is None or (world == 1) == (resume / "optimizer.pt").is_file():
        return
    if world == 1:
        raise UsageError(f"{resume}: saved by several processes (FSDP2); go on with torchrun, of any number from two")
    raise UsageError(f"{resume}: saved by one process; go on without torchrun")


def _differences(before: Any, now: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    if isinstance(before, dict) and isinstance(now, dict):
        found = []
        for key in {**before, **now}:
            found += _differences(before.get(key), now.get(key), f"{path}.{key}" if path else key)
        return found
    return [] if before == now else [(path, before, now)]


def _finish(trainer: LlavaTrainer, recipe: Recipe, number: int, final: Path) -> None:
    """The finished model, complete or not there at all."""
    from lrm_llava.export import model_card

    log = trainer.state.log_history

    def beside(folder: Path) -> None:
        _write_json(folder / RECIPE_FILE, {"stage": number, "recipe": asdict(recipe)})
        _write_json(folder / "log.json", log)

    trainer.export(final, card=model_card(recipe, number, log), beside=beside)


def _write_json(path: Path, value: Any) -> None:
    partial_path = path.with_name(f".{path.name}.partial")
    partial_path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial_path.replace(path)
