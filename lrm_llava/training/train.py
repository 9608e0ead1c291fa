"""One stage of a recipe, from shards to a checkpoint that loads as a plain LLaVA."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from lrm_eval.errors import RunError, UsageError
from lrm_llava.assembly import assemble, is_checkpoint, set_trainable
from lrm_llava.backbones import load_backbone
from lrm_llava.encoding import ConversationEncoder
from lrm_llava.training.collate import Collator
from lrm_llava.training.dataset import ConversationData
from lrm_llava.training.progress import CleanStop, Speed, matmul_rate
from lrm_llava.training.sampler import grouped_order
from lrm_llava.training.trainer import LlavaTrainer, last_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from lrm_llava.recipes import Recipe

RECIPE_FILE = "recipe.json"
FINAL = "final"


@dataclass(frozen=True)
class Where:
    """Folders of a training.

    Attributes:
        data: what `lrm-llava data build` wrote: stage1/ and stage2/ with shards, and the images they name.
        out: stage1/ and stage2/ are made in it.
        start: a LLaVA checkpoint to start from; None for the recipe's parts (stage 1) or out/stage1 (stage 2).
    """

    data: Path
    out: Path
    start: Path | None = None


def train_stage(
    recipe: Recipe, number: int, where: Where, tell: Callable[[str], None], *, report_to: str = "tensorboard",
    device: str = "auto", evaluate: Callable[[Path, int], str] | None = None,
) -> Path:  # fmt: skip
    """Train a stage, going on from its last whole checkpoint if there is one; the folder of the finished model.

    Args:
        recipe: what to do.
        number: 1 or 2.
        where: folders.
        tell: takes one line at a time.
        report_to: "tensorboard", "wandb" or "none".
        device: "auto", "cpu" or "cuda".
        evaluate: takes a checkpoint's folder and the step, gives one line of scores; run every `evaluate_every` steps.

    Raises:
        UsageError: data, parts or start are missing, or the folder holds another recipe.
        RunError: divergence, a full disk, or a stop that was asked for; what is done is kept.
    """
    stage, target = recipe.stage(number), where.out / f"stage{number}"
    final = target / FINAL
    if (final / "config.json").is_file():
        tell(f"stage {number}: already there: {final}")
        return final
    _check_recipe(recipe, number, target)
    model, processor = _start(recipe, number, where, last_checkpoint(target), tell)
    trained = set_trainable(model, stage.trains)
    total = sum(parameter.numel() for parameter in model.parameters())
    tell(f"stage {number}: training {', '.join(stage.trains)}: {trained:,} of {total:,} weights")
    data = _data(recipe, number, where, processor, model, tell)
    tell(f"stage {number}: {len(data):,} samples, {abs(data.lengths).sum():,} tokens")
    arguments = _arguments(recipe, number, target, report_to, device)
    rate = matmul_rate(arguments.device, torch.bfloat16 if arguments.bf16 else torch.float32)
    tell(f"{arguments.device}: {rate / 1e12:.2f} TFLOP/s measured in a matrix product")
    speed = Speed(data, partial(grouped_order, data.lengths, stage.batch, recipe.seed), stage.batch, stage.trains, rate)
    target.mkdir(parents=True, exist_ok=True)
    _write_json(target / RECIPE_FILE, {"stage": number, "recipe": asdict(recipe)})
    stop = CleanStop(tell)
    callbacks: list[Any] = [speed, stop]
    if evaluate is not None and stage.evaluate_every:
        from lrm_llava.training.evaluation import Evaluation

        callbacks.append(Evaluation(processor, target, stage.evaluate_every, evaluate, tell))
    trainer = LlavaTrainer(
        data=data, step_batch=stage.batch, model=model, args=arguments, processing_class=processor,
        data_collator=Collator(processor.image_processor, processor.tokenizer.pad_token_id), callbacks=callbacks,
    )  # fmt: skip
    resume = last_checkpoint(target)
    if resume is not None:
        tell(f"going on from {resume}")
    with stop:
        trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    if trainer.unreadable:
        tell(f"{len(trainer.unreadable)} images could not be read and taught nothing: {trainer.unreadable[0]} first")
    if stop.stopped and trainer.state.global_step < trainer.state.max_steps:
        raise RunError(
            f"stage {number}: stopped at step {trainer.state.global_step} of {trainer.state.max_steps}, saved; "
            "the same command goes on"
        )
    if trainer.is_world_process_zero():
        _finish(trainer, processor, recipe, number, final)
    trainer.accelerator.wait_for_everyone()
    tell(f"stage {number}: done: {final}")
    return final


def _check_recipe(recipe: Recipe, number: int, target: Path) -> None:
    path = target / RECIPE_FILE
    if not path.is_file():
        return
    before = json.loads(path.read_text(encoding="utf-8"))["recipe"]
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


def _differences(before: Any, now: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    if isinstance(before, dict) and isinstance(now, dict):
        found = []
        for key in {**before, **now}:
            found += _differences(before.get(key), now.get(key), f"{path}.{key}" if path else key)
        return found
    return [] if before == now else [(path, before, now)]


def _start(recipe: Recipe, number: int, where: Where, resume: Path | None, tell: Callable[[str], None]) -> Any:
    """The model and its processor: the last checkpoint's, the start's, or assembled from parts."""
    from transformers import LlavaForConditionalGeneration, LlavaProcessor

    dtype = torch.float32  # master weights; bf16 is for the arithmetic
    start = resume or where.start
    if start is None and number == 2:
        start = where.out / "stage1" / FINAL
        if not is_checkpoint(start):
            raise UsageError(f"{start}: no model of stage 1; run `lrm-llava train --stage 1` first, or give --start")
    if start is not None:
        if not is_checkpoint(start):
            raise UsageError(f"{start}: is not a LLaVA checkpoint")
        model, info = LlavaForConditionalGeneration.from_pretrained(start, dtype=dtype, output_loading_info=True)
        if info["missing_keys"]:
            raise UsageError(f"{start}: {len(info['missing_keys'])} weights are missing")
        return model, LlavaProcessor.from_pretrained(start)
    backbone = load_backbone(recipe.backbone)
    vision = _part(recipe.vision, where.data)
    language = _part(recipe.language or backbone.hub_id, where.data)
    tell(f"assembling {vision} + projector + {language}")
    return assemble(vision, language, backbone, dtype, recipe.seed)


def _part(source: str, data: Path) -> str:
    """A folder of the data folder, a folder, or an id of the hub."""
    for path in (data / source, Path(source)):
        if path.is_dir():
            return str(path)
    return source


def _data(
    recipe: Recipe, number: int, where: Where, processor: Any, model: Any, tell: Callable[[str], None]
) -> ConversationData:
    folder = where.data / f"stage{number}"
    shards = sorted(folder.glob("*.jsonl"))
    if not shards:
        command = f"lrm-llava data build --recipe {recipe.name} --stage {number}"
        raise UsageError(f"{folder}: no shards (*.jsonl); `{command}` makes them")
    stage = recipe.stage(number)
    encoder = ConversationEncoder(processor, model.config.image_seq_length, stage.max_length)
    data = ConversationData(shards, where.data, encoder)
    key = json.dumps(
        [processor.chat_template, processor.tokenizer.backend_tokenizer.to_str(), model.config.image_seq_length,
         stage.max_length]
    )  # fmt: skip
    data.measure(folder / ".cache", tell, key, images_only="language" not in stage.trains)
    return data


def _arguments(recipe: Recipe, number: int, target: Path, report_to: str, device: str) -> Any:
    from transformers import TrainingArguments

    stage = recipe.stage(number)
    world = int(os.environ.get("WORLD_SIZE", "1"))
    share = stage.micro_batch * world
    if stage.batch % share:
        raise UsageError(
            f"stage{number}.batch={stage.batch} is not a multiple of {stage.micro_batch} samples x {world} devices; "
            f"change stage{number}.micro_batch or stage{number}.batch with --set"
        )
    cuda = torch.cuda.is_available() and device != "cpu"
    if device == "cuda" and not cuda:
        raise UsageError("--device cuda: there is no CUDA device here; use --device cpu")
    checkpointing: dict[str, Any] = {}
    if stage.checkpoint_activations:
        # Renamed in transformers 5.2x; the older name warns there.
        known = {field.name for field in fields(TrainingArguments)}
        name = "activation_checkpointing" if "activation_checkpointing" in known else "gradient_checkpointing"
        checkpointing = {name: True, f"{name}_kwargs": {"use_reentrant": False}}
    sharding = {} if world == 1 else {"fsdp": True, "fsdp_config": _FSDP, "average_tokens_across_devices": True}
    return TrainingArguments(
        output_dir=str(target), per_device_train_batch_size=stage.micro_batch,
        gradient_accumulation_steps=stage.batch // share, num_train_epochs=stage.epochs,
        max_steps=stage.max_steps or -1, learning_rate=stage.learning_rate, weight_decay=stage.weight_decay,
        warmup_steps=stage.warmup, lr_scheduler_type="cosine", max_grad_norm=1.0, optim="adamw_torch_fused",
        bf16=recipe.precision == "bf16" and cuda, seed=recipe.seed, data_seed=recipe.seed, use_cpu=not cuda,
        logging_steps=max(1, min(10, (stage.max_steps or 1000) // 10)), logging_nan_inf_filter=False,
        save_strategy="steps", save_steps=stage.save_every, save_total_limit=2, report_to=report_to,
        remove_unused_columns=False, dataloader_num_workers=4 if cuda else 0, dataloader_pin_memory=cuda,
        use_liger_kernel=recipe.liger, **checkpointing, **sharding,
    )  # fmt: skip


# FSDP2. Weights are gathered layer by layer; LlavaForConditionalGeneration names its layers itself.
_FSDP = {"reshard_after_forward": True, "state_dict_type": "FULL_STATE_DICT"}


def _finish(trainer: LlavaTrainer, processor: Any, recipe: Recipe, number: int, final: Path) -> None:
    """The finished model, complete or not there at all."""
    from lrm_llava.export import export_model, model_card

    log = trainer.state.log_history
    card = model_card(recipe, number, log)
    export_model(trainer.accelerator.unwrap_model(trainer.model), processor, final, card=card)
    _write_json(final / RECIPE_FILE, {"stage": number, "recipe": asdict(recipe)})
    _write_json(final / "log.json", log)


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
