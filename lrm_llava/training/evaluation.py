"""Scores while training: every so many steps the model as it is goes through lrm-eval on a fixed slice."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import torch
from transformers import TrainerCallback

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


class Evaluation(TrainerCallback):  # type: ignore[misc]
    """Runs `evaluate(checkpoint folder, step)` and tells its line.

    One process only: of a sharded model no process has all weights; evaluate its checkpoints with `lrm-eval run`.
    """

    def __init__(
        self, processor: Any, folder: Path, every: int, evaluate: Callable[[Path, int], str],
        tell: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._processor, self._folder, self._every = processor, folder, every
        self._evaluate, self._tell = evaluate, tell

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        """Evaluate at multiples of `every`, without touching the training's random numbers."""
        if state.global_step % self._every or args.world_size > 1:
            return
        checkpoint = self._folder / f".evaluated-{state.global_step}"
        with torch.random.fork_rng():
            model.save_pretrained(checkpoint)
            self._processor.save_pretrained(checkpoint)
            try:
                self._tell(f"step {state.global_step}: {self._evaluate(checkpoint, state.global_step)}")
            finally:
                shutil.rmtree(checkpoint, ignore_errors=True)
        model.train()


def harness(folder: Path, tasks: Sequence[str], languages: Sequence[str], limit: int) -> Callable[[Path, int], str]:
    """An `evaluate` that runs lrm-eval's tiny or full tasks on the first `limit` questions; runs land in `folder`."""

    def evaluate(checkpoint: Path, step: int) -> str:
        import lrm_eval

        result = lrm_eval.run(
            model=f"hf:{checkpoint}", langs=",".join(languages), tasks=",".join(tasks), limit=limit,
            suite="tiny" if all(task.startswith("tiny-") for task in tasks) else "full",
            out=folder / f"step-{step}", report=False,
        )  # fmt: skip
        rows = [row for row in result.scores if row.primary and row.rules == "multilingual" and row.value is not None]
        return "  ".join(f"{row.task}/{row.language} {row.value:.1f}" for row in rows)

    return evaluate
