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
from lrm_llava.training.sampler import GroupedSampler

if TYPE_CHECKING:
    from lrm_llava.training.dataset import ConversationData

COMPLETE = "complete.json"


class LlavaTrainer(Trainer):  # type: ignore[misc]
    """A Trainer over ConversationData.

    Args:
        data: the samples; `measure` has been called.
        step_batch: samples a step over all devices and accumulation steps.
        **kwargs: as for Trainer.
    """

    def __init__(self, *, data: ConversationData, step_batch: int, **kwargs: Any) -> None:
        self.conversations = data
        self.step_batch = step_batch
        self.unreadable: list[str] = []
        super().__init__(train_dataset=data, **kwargs)

    def _get_train_sampler(self, train_dataset: Any = None) -> GroupedSampler:
        return GroupedSampler(self.conversations.lengths, self.step_batch, self.args.seed)

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
        outputs = model(**inputs, use_cache=False, num_items_in_batch=num_items_in_batch)
        loss = outputs.loss
        if num_items_in_batch is not None and int(num_items_in_batch) == 0:
            loss = outputs.logits.float().sum() * 0.0  # nothing supervised in the whole step: 0 / 0 otherwise
        if self.args.world_size > 1 and "pixel_values" not in inputs:
            loss = loss + self._untouched(model)
        self._check(loss, inputs, index, num_items_in_batch)
        return (loss, outputs) if return_outputs else loss

    def _untouched(self, model: Any) -> torch.Tensor:
        """Nothing, but through tower and projector: sharded training waits for every parameter's gradient."""
        config = self.model.config.vision_config
        dtype = next(self.model.parameters()).dtype
        blank = torch.zeros(1, 3, config.image_size, config.image_size, dtype=dtype, device=self.args.device)
        features = self.model.get_image_features(pixel_values=blank, return_dict=True).pooler_output
        return 0.0 * torch.stack([part.float().sum() for part in features]).sum()

    def _check(self, loss: torch.Tensor, inputs: dict[str, Any], index: torch.Tensor, items: Any) -> None:
        # The loss of a micro-batch is a share of the step's: scaled back to a mean over its own tokens.
        supervised = int((inputs["labels"][:, 1:] >= 0).sum())
        mean = loss.item() * (float(items) / supervised if items is not None and supervised else 1.0)
        if items is not None and self.args.world_size > 1 and self.args.average_tokens_across_devices:
            mean /= self.args.world_size
        limit = 3 * math.log(self.model.config.get_text_config().vocab_size)
        if math.isfinite(mean) and mean <= limit:
            return
        step = self.state.global_step
        samples = [str(self.conversations.place(int(number))) for number in index.tolist()]
        folder = Path(self.args.output_dir) / f"diverged-step-{step}"
        folder.mkdir(parents=True, exist_ok=True)
        facts = {"step": step, "loss": repr(mean), "samples": samples}
        (folder / "batch.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
        from safetensors.torch import save_file

        kept = {name: value.contiguous().cpu() for name, value in inputs.items() if isinstance(value, torch.Tensor)}
        save_file(kept, folder / "batch.safetensors")
        what = "is not a number" if not math.isfinite(mean) else f"is {mean:.1f}, three times that of guessing"
        raise RunError(
            f"step {step}: the loss {what}; the batch ({samples[0]} …) is saved in {folder}. "
            "Lower the learning rate, or look at these samples, and go on from the last checkpoint"
        )

    def _note_unreadable(self, indices: list[int]) -> None:
        for number in indices:
            place = str(self.conversations.place(int(number)))
            if place not in self.unreadable:
                self.unreadable.append(place)

    # --- checkpoints ---------------------------------------------------------------------------

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        """Weights under the names the model has while it runs.

        transformers' own `_save` writes LLaVA's older names, which `_load_from_checkpoint` (5.23) then does not find:
        it would go on from the starting weights with a warning (its issues 43701 and 40187).
        """
        if not self.args.should_save:
            return
        target = Path(output_dir or self.args.output_dir)
        target.mkdir(parents=True, exist_ok=True)
        model = self.accelerator.unwrap_model(self.model)
        model.save_pretrained(target, state_dict=state_dict, save_original_format=False)
        if self.processing_class is not None:
            self.processing_class.save_pretrained(target)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """A checkpoint counts only once complete.json is in it; a full disk leaves the ones before."""
        folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
        limit, self.args.save_total_limit = self.args.save_total_limit, None  # old ones go only when the new is whole
        try:
            super()._save_checkpoint(model, trial)
            if self.args.should_save:
                (folder / COMPLETE).write_text(json.dumps({"step": self.state.global_step}), encoding="utf-8")
        except Exception as error:
            if not _is_disk_full(error):
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


def complete_checkpoints(folder: Path) -> list[Path]:
    """Whole checkpoints, oldest first."""
    found = [path.parent for path in folder.glob(f"checkpoint-*/{COMPLETE}")]
    return sorted(found, key=lambda path: int(path.name.rpartition("-")[2]))


def last_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint; those that a crash left half-written do not count."""
    found = complete_checkpoints(folder)
    return found[-1] if found else None


def _is_disk_full(error: BaseException) -> bool:
    import errno

    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    # safetensors and torch wrap the system's error in one of their own.
    text = str(error).lower()
    return "no space left" in text or "enospc" in text or "disk quota" in text or "unexpected pos" in text
