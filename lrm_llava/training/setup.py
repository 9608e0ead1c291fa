"""What a stage needs before its first step: the model, its data, and transformers' arguments."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from lrm_eval.errors import UsageError
from lrm_llava.assembly import add_tokens, assemble, build_processor, is_checkpoint, set_trainable
from lrm_llava.backbones import load_backbone
from lrm_llava.data.shards import shard_files
from lrm_llava.encoding import ConversationEncoder
from lrm_llava.faults import UNREADABLE, brief
from lrm_llava.lora import inject, is_adapter_checkpoint, load_trained, read_adapter_checkpoint
from lrm_llava.training.dataset import ConversationData

if TYPE_CHECKING:
    from collections.abc import Callable

    from lrm_llava.recipes import Recipe, Stage

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


def start_model(
    recipe: Recipe, number: int, where: Where, resume: Path | None, tell: Callable[[str], None]
) -> tuple[Any, Any, str]:
    """The model with the weights of the last checkpoint, the start, or its parts, ready to be trained.

    Adapters are put in anew, and filled from the last checkpoint.

    Returns:
        The model, its processor, and the folder that adapters would belong to; "" for none.

    Raises:
        UsageError: a part or the start is missing or does not fit.
    """
    stage, backbone = recipe.stage(number), load_backbone(recipe.backbone)
    adapted = bool(stage.lora.rank)
    if adapted and "language" not in stage.trains:
        raise UsageError(f"stage{number}.lora.rank={stage.lora.rank}: stage {number} does not train the language model")
    start = where.start if adapted else resume or where.start
    if start is None and number == 2:
        start = where.out / "stage1" / FINAL
        if not is_checkpoint(start):
            raise UsageError(f"{start}: no model of stage 1; run `lrm-llava train --stage 1` first, or give --from")
    if start is not None:
        model, processor = load_checkpoint(start)
        if "endgeneration" not in (processor.chat_template or ""):
            tell(f"{start}: its chat template does not say what is supervised; taken: that of {recipe.backbone}")
            processor.chat_template = backbone.chat_template()
    else:
        vision = _part(recipe.vision, where.data)
        language = _part(recipe.language or backbone.hub_id, where.data)
        tell(f"assembling {vision} + projector + {language}")
        model, processor = assemble(vision, language, backbone, torch.float32, recipe.seed)
    if adapted:
        if start is None:
            raise UsageError("adapters belong to a checkpoint: train stage 1 first, or give --from")
        inject(model, stage.lora, recipe.seed)
    trained = set_trainable(model, stage.trains)
    if adapted and resume is not None:
        load_trained(resume, model)
    total = sum(parameter.numel() for parameter in model.parameters())
    what = ", ".join(f"adapters of rank {stage.lora.rank}" if adapted and n == "language" else n for n in stage.trains)
    tell(f"stage {number}: training {what}: {trained:,} of {total:,} weights")
    return model, processor, "" if start is None else str(start.resolve())


def load_checkpoint(folder: Path) -> tuple[Any, Any]:
    """A LLaVA in fp32 (bf16 is for the arithmetic) and its processor, whole.

    Raises:
        UsageError: there is none, or weights are missing.
    """
    from transformers import LlavaForConditionalGeneration, LlavaProcessor

    if is_adapter_checkpoint(folder):
        raise UsageError(f"{folder}: holds adapters; `lrm-llava export {folder} OUT` merges them, then start from OUT")
    if not is_checkpoint(folder):
        raise UsageError(f"{folder}: is not a LLaVA checkpoint (no config.json with model_type llava)")
    try:
        model, info = LlavaForConditionalGeneration.from_pretrained(
            folder, dtype=torch.float32, output_loading_info=True, local_files_only=True, use_safetensors=True
        )
        processor = LlavaProcessor.from_pretrained(folder, local_files_only=True)
    except UNREADABLE as error:
        raise UsageError(f"{folder}: cannot be loaded: {brief(error)}") from error
    if info["missing_keys"]:
        raise UsageError(
            f"{folder}: {len(info['missing_keys'])} weights are missing, {min(info['missing_keys'])} the first"
        )
    image = model.config.image_token_id
    if processor.tokenizer.convert_tokens_to_ids(processor.image_token) != image:
        raise UsageError(f"{folder}: config.json has the image token at {image}; its tokenizer has none there")
    return model, processor


def load_adapted(folder: Path) -> tuple[Any, Any]:
    """A checkpoint of adapters in the model that they belong to, and its processor.

    Raises:
        UsageError: a part of it is missing or does not fit.
    """
    base, lora = read_adapter_checkpoint(folder)
    model, processor = load_checkpoint(base)
    inject(model, lora, seed=0)
    load_trained(folder, model)
    return model, processor


def _part(source: str, data: Path) -> str:
    """A folder of the data folder, a folder, or an id of the hub."""
    for path in (data / source, Path(source)):
        if path.is_dir():
            return str(path)
    return source


def load_processor(recipe: Recipe, data: Path, model: Path | None = None) -> tuple[Any, int]:
    """The processor that a recipe, or a checkpoint, trains with, and the tokens of one image; no weights are read.

    Raises:
        UsageError: a part of it is missing.
    """
    from transformers import AutoTokenizer, CLIPVisionConfig, LlavaConfig, LlavaProcessor

    try:
        if model is not None:
            if not is_checkpoint(model):
                raise UsageError(f"{model}: is not a LLaVA checkpoint (no config.json with model_type llava)")
            processor = LlavaProcessor.from_pretrained(model, local_files_only=True)
            return processor, int(LlavaConfig.from_pretrained(model).image_seq_length)
        backbone = load_backbone(recipe.backbone)
        language, vision = _part(recipe.language or backbone.hub_id, data), _part(recipe.vision, data)
        tokenizer = AutoTokenizer.from_pretrained(language, trust_remote_code=False)
        tower = CLIPVisionConfig.from_pretrained(vision)
    except UNREADABLE as error:
        raise UsageError(f"recipe {recipe.name}: {brief(error)}") from error
    add_tokens(tokenizer, backbone, language)
    return build_processor(vision, tokenizer, backbone, tower.patch_size), (tower.image_size // tower.patch_size) ** 2


def find_shards(recipe: Recipe, number: int, data: Path) -> list[Path]:
    """The shards of a stage.

    Raises:
        UsageError: there are none.
    """
    folder = data / f"stage{number}"
    shards = shard_files(folder)
    if not shards:
        command = f"lrm-llava data build --recipe {recipe.name} --stage {number}"
        raise UsageError(f"{folder}: no shards (*.jsonl, *.tar); `{command}` makes them")
    return shards


def load_data(
    recipe: Recipe, number: int, data: Path, processor: Any, model: Any, tell: Callable[[str], None]
) -> ConversationData:
    """The shards of a stage, measured.

    Raises:
        UsageError: there are none, one is empty, or nothing in them can be trained on.
    """
    shards, stage = find_shards(recipe, number, data), recipe.stage(number)
    encoder = ConversationEncoder(processor, model.config.image_seq_length, stage.max_length)
    found = ConversationData(shards, data, encoder)
    key = json.dumps(
        [processor.chat_template, processor.tokenizer.backend_tokenizer.to_str(), model.config.image_seq_length,
         stage.max_length]
    )  # fmt: skip
    found.measure(shards[0].parent / ".cache", tell, key, images_only="language" not in stage.trains)
    tell(f"stage {number}: {len(found):,} samples, {abs(found.lengths).sum():,} tokens")
    return found


def training_arguments(recipe: Recipe, number: int, target: Path, report_to: str, device: str) -> Any:
    """Transformers' arguments; with more than one process (torchrun sets WORLD_SIZE), FSDP2.

    Raises:
        UsageError: a batch that the processes cannot share, a device that is not there, or liger-kernel without what
            it needs.
    """
    from transformers import TrainingArguments

    stage = recipe.stage(number)
    world = int(os.environ.get("WORLD_SIZE", "1"))
    share = stage.micro_batch * world
    if min(stage.batch, stage.micro_batch) < 1 or stage.batch % share:
        raise UsageError(
            f"stage{number}.batch={stage.batch} is not a multiple of {stage.micro_batch} samples x {world} devices; "
            f"change stage{number}.micro_batch or stage{number}.batch with --set"
        )
    cuda = torch.cuda.is_available() and device != "cpu"
    if device == "cuda" and not cuda:
        raise UsageError("--device cuda: there is no CUDA device here; use --device cpu")
    if recipe.liger:
        _check_liger(cuda)
    settings = _checkpointing(stage) if world == 1 else _sharding(stage)
    return TrainingArguments(
        output_dir=str(target), per_device_train_batch_size=stage.micro_batch,
        gradient_accumulation_steps=stage.batch // share, num_train_epochs=stage.epochs,
        max_steps=stage.max_steps or -1, learning_rate=stage.learning_rate, weight_decay=stage.weight_decay,
        warmup_steps=stage.warmup, lr_scheduler_type="cosine", max_grad_norm=1.0, optim="adamw_torch_fused",
        bf16=recipe.precision == "bf16" and cuda, seed=recipe.seed, data_seed=recipe.seed, use_cpu=not cuda,
        logging_steps=max(1, min(10, (stage.max_steps or 1000) // 10)), logging_nan_inf_filter=False,
        save_strategy="steps", save_steps=stage.save_every, save_total_limit=2, report_to=report_to,
        remove_unused_columns=False, dataloader_num_workers=4 if cuda else 0, dataloader_pin_memory=cuda,
        use_liger_kernel=recipe.liger, ddp_timeout=_PATIENCE, disable_tqdm=True, **settings,
    )  # fmt: skip


# Seconds: the other processes wait while one measures millions of samples, or evaluates.
_PATIENCE = 6 * 3600


def _check_liger(cuda: bool) -> None:
    if find_spec("liger_kernel") is None:
        raise UsageError("liger=true: the package liger-kernel is not installed; `pip install liger-kernel`")
    if not cuda:
        raise UsageError("liger=true: its kernels need a GPU, and there is none here; leave it false")


def _checkpointing(stage: Stage) -> dict[str, Any]:
    from transformers import TrainingArguments

    if not stage.checkpoint_activations:
        return {}
    # Renamed in transformers 5.2x; the older name warns there.
    known = {field.name for field in fields(TrainingArguments)}
    name = "activation_checkpointing" if "activation_checkpointing" in known else "gradient_checkpointing"
    return {name: True, f"{name}_kwargs": {"use_reentrant": False}}


def _sharding(stage: Stage) -> dict[str, Any]:
    """FSDP2: each process keeps its share of every layer, and gathers the rest when it comes to the layer."""
    # accelerate's checkpointing draws other dropout masks when it computes a layer again; transformers' the same ones,
    # at the price of gathering every layer once more.
    own = not (stage.lora.rank and stage.lora.dropout)
    config = {
        "reshard_after_forward": True,
        "transformer_layer_cls_to_wrap": ["LlamaDecoderLayer", "CLIPEncoderLayer"],
        # Of the optimizer's state, each process writes its own part; weights are written whole (trainer.py).
        "state_dict_type": "SHARDED_STATE_DICT",
        "activation_checkpointing": stage.checkpoint_activations and own,
    }
    # Between micro-batches gradients are summed in shards: unsharded, those of 13 B weights fill a GPU.
    accumulation = {"gradient_accumulation_kwargs": {"sync_each_batch": True}}
    return {
        "fsdp": True, "fsdp_config": config, "average_tokens_across_devices": True,
        "accelerator_config": accumulation, **({} if own else _checkpointing(stage)),
    }  # fmt: skip
