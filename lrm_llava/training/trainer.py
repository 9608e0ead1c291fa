"""transformers' Trainer with what LLaVA needs: one modality a step, exact resume, a stop with a name on divergence."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import Trainer

from lrm_eval.errors import RunError
from lrm_llava.export import write_model
from lrm_llava.faults import is_disk_full
from lrm_llava.lora import save_trained
from lrm_llava.training.sampler import GroupedSampler

if TYPE_CHECKING:
    from collections.abc import Callable

    from lrm_llava.recipes import Stage
    from lrm_llava.training.dataset import ConversationData

COMPLETE = "complete.json"
SCHEDULER_NAME = "scheduler.pt"  # transformers' name


class LlavaTrainer(Trainer):  # type: ignore[misc]
    """A Trainer over ConversationData.

    Args:
        data: the samples; `measure` has been called.
        stage: what is trained, in which batches.
        base: the folder that adapters belong to.
        **kwargs: as for Trainer.
    """

    is_fsdp_enabled: bool  # transformers'

    def __init__(self, *, data: ConversationData, stage: Stage, base: str = "", **kwargs: Any) -> None:
        self.conversations = data
        self.stage = stage
        self.base = base
        self.unreadable: list[str] = []
        super().__init__(train_dataset=data, **kwargs)

    def create_accelerator_and_postprocess(self) -> None:
        """Shard on CPUs too, where accelerate would train copies of the whole model without a word."""
        super().create_accelerator_and_postprocess()
        if self.args.world_size > 1 and not self.is_fsdp_enabled:
            from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin

            state = self.accelerator.state
            state.fsdp_plugin = FullyShardedDataParallelPlugin(**self.args.fsdp_plugin_args)
            state.distributed_type = DistributedType.FSDP
            self.is_fsdp_enabled = True

    def _get_train_sampler(self, train_dataset: Any = None) -> GroupedSampler:
        return GroupedSampler(self.conversations.lengths, self.stage.batch, self.args.seed)

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Mean cross-entropy over all supervised tokens of the step.

        Deviation: LLaVA means over each micro-batch and then over devices, so that a token of a short answer weighs
        more on some devices than on others; here every supervised token of a step weighs the same.

        Raises:
            RunError: the loss is not finite or three times that of guessing; the batch is saved and named.
        """
        inputs = dict(inputs)
        index, unreadable = inputs.pop("index"), inputs.pop("unreadable", None)
        if unreadable is not None and bool(unreadable.any()):
            self._note_unreadable(index[unreadable.bool()].tolist())
        # Where not one token of the whole step is supervised, 0 over 1.
        items = None if num_items_in_batch is None else num_items_in_batch.clamp(min=1)
        outputs = model(**inputs, use_cache=False, num_items_in_batch=items)
        # Gradients are averaged over devices, and this loss is a sum's share already.
        loss = outputs.loss * self.args.world_size
        self._check(loss.detach(), inputs, index, items)
        return (loss, outputs) if return_outputs else loss

    def _check(self, loss: torch.Tensor, inputs: dict[str, Any], index: torch.Tensor, items: Any) -> None:
        # The loss of a micro-batch is a share of the step's: scaled back to a mean over its own tokens.
        supervised = int((inputs["labels"][:, 1:] >= 0).sum())
        mean = (
            loss.item() / self.args.world_size * (float(items) / supervised if items is not None and supervised else 1)
        )
        limit = 3 * math.log(self.model.config.get_text_config().vocab_size)
        if math.isfinite(mean) and mean <= limit:
            return
        step = self.state.global_step
        samples = [str(self.conversations.place(int(number))) for number in index.tolist()]
        device = f"-device-{self.args.process_index}" if self.args.world_size > 1 else ""
        folder = Path(self.args.output_dir) / f"diverged-step-{step}{device}"
        folder.mkdir(parents=True, exist_ok=True)
        facts = {"step": step, "loss": repr(mean), "samples": samples}
        (folder / "batch.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
        from safetensors.torch import save_file

        kept = {name: value.contiguous().cpu() for name, value in inputs.items() if isinstance(value, torch.Tensor)}
        save_file(kept, folder / "batch.safetensors")
        what = "is not a number" if not math.isfinite(mean) else f"is {mean:.1f}, three times that of guessing"
        raise RunError(
            f"step {step}: the loss {what}; the batch ({samples[0]} …) is saved in {folder}. "
            "Look at these samples; the same command goes on from the last checkpoint. A lower learning rate is "
            "another recipe: give another --out, or remove this one's checkpoints"
        )

    def _note_unreadable(self, indices: list[int]) -> None:
        for number in indices:
            place = str(self.conversations.place(int(number)))
            if place not in self.unreadable:
                self.unreadable.append(place)

    def all_unreadable(self) -> list[str]:
        """Places of the images that no process could read; all processes call it."""
        if self.args.world_size == 1:
            return self.unreadable
        from accelerate.utils import gather_object

        return sorted(set(gather_object(self.unreadable)))

    # --- checkpoints ---------------------------------------------------------------------------

    def full_state(self, trained_only: bool = False) -> dict[str, torch.Tensor]:
        """The weights, gathered from all processes to the first; all call it, the others get nothing.

        Args:
            trained_only: only what is trained.
        """
        if not self.is_fsdp_enabled:
            return dict(self.model.state_dict())
        from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

        options = StateDictOptions(full_state_dict=True, cpu_offload=True, ignore_frozen_params=trained_only)
        found: dict[str, Any] = get_model_state_dict(self.model, options=options)
        return {name: _own(value) for name, value in found.items()}

    def export(self, folder: Path, card: str = "", beside: Callable[[Path], None] | None = None) -> None:
        """The model as it is, adapters merged, as a plain LLaVA in a new folder; all processes call it.

        Args:
            folder: is not there yet, or empty.
            card: README.md.
            beside: writes what else belongs into the folder, before it gets its name.
        """
        state = self.full_state()
        if self.is_world_process_zero():
            from lrm_llava.export import export_model

            export_model(self.model, self.processing_class, folder, card=card, state=state, beside=beside)
        self.accelerator.wait_for_everyone()

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Weights into a checkpoint: a plain LLaVA, or what is trained if that is adapters.

        transformers' own saves names that its `_load_from_checkpoint` (5.23) then does not find: it would go on from
        the starting weights with a warning (its issues 43701 and 40187). Of a sharded model it saves shards only.
        """
        adapted = bool(self.stage.lora.rank)
        state = self.full_state(trained_only=adapted)
        if not self.args.should_save:
            return
        target = Path(output_dir or self.args.output_dir)
        target.mkdir(parents=True, exist_ok=True)
        if adapted:
            save_trained(target, state, self.model, self.base, self.stage.lora)
        else:
            write_model(self.model, self.processing_class, target, state=state)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Nothing: the model was built with the checkpoint's weights (lrm_llava.training.setup)."""

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        """Of a sharded model, each process writes its part of the optimizer's state, and no weights once more."""
        if not self.is_fsdp_enabled:
            super()._save_optimizer_and_scheduler(output_dir)
            return
        from accelerate.utils import save_fsdp_optimizer

        plugin = self.accelerator.state.fsdp_plugin
        save_fsdp_optimizer(plugin, self.accelerator, self.optimizer, self.model, output_dir)
        if self.args.should_save:
            torch.save(self.lr_scheduler.state_dict(), Path(output_dir) / SCHEDULER_NAME)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """A checkpoint counts only once complete.json is in it; a full disk leaves the ones before."""
        folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
        limit, self.args.save_total_limit = self.args.save_total_limit, None  # old ones go only when the new is whole
        try:
            super()._save_checkpoint(model, trial)
            self.accelerator.wait_for_everyone()
            if self.args.should_save:
                (folder / COMPLETE).write_text(json.dumps({"step": self.state.global_step}), encoding="utf-8")
        except Exception as error:
            if not is_disk_full(error):
                raise
            shutil.rmtree(folder, ignore_errors=True)
            last = last_checkpoint(Path(self.args.output_dir))
            kept = f"{last} is whole" if last else "no checkpoint is left"
            raise RunError(
                f"step {self.state.global_step}: cannot write {folder}: the disk is full; {kept}. "
                "Make room and type the same command again"
            ) from error
        finally:
            self.args.save_total_limit = limit
        if self.args.should_save and limit:
            for old in complete_checkpoints(Path(self.args.output_dir))[:-limit]:
                shutil.rmtree(old, ignore_errors=True)


def _own(value: torch.Tensor) -> torch.Tensor:
    """A tensor with nothing beside it in its storage: gathered ones share theirs with padding."""
    padded = value.untyped_storage().nbytes() > value.numel() * value.element_size()
    return value.clone() if padded else value


def complete_checkpoints(folder: Path) -> list[Path]:
    """Whole checkpoints, oldest first."""
    found = [path.parent for path in folder.glob(f"checkpoint-*/{COMPLETE}")]
    return sorted(found, key=lambda path: int(path.name.rpartition("-")[2]))


def last_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint; those that a crash left half-written do not count."""
    found = complete_checkpoints(folder)
    return found[-1] if found else None
