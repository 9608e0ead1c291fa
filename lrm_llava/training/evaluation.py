"""Scores while training: every so many steps the model as it is goes through lrm-eval on a fixed slice."""

from __future__ import annotations

import random
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from transformers import TrainerCallback

from lrm_eval.errors import LrmEvalError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lrm_llava.training.trainer import LlavaTrainer

PREFIX = "eval_"  # TensorBoard shows eval_x as eval/x


class Evaluation(TrainerCallback):  # type: ignore[misc]
    """Runs `evaluate(checkpoint folder, step)`; its scores go to the log, TensorBoard and `tell`.

    Of a sharded model all processes gather the weights; the first one evaluates and the others wait. An evaluation
    that fails is told and does not stop the training.
    """

    def __init__(
        self, trainer: LlavaTrainer, every: int, evaluate: Callable[[Path, int], dict[str, float]],
        tell: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._trainer, self._every, self._evaluate, self._tell = trainer, every, evaluate, tell

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """What a stop left out at the step that training goes on from."""
        if state.global_step:
            self._when_due(state)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Evaluate at multiples of `every`; not where a stop was asked for, which is in a hurry."""
        if not control.should_training_stop or state.global_step == state.max_steps:
            self._when_due(state)

    def _when_due(self, state: Any) -> None:
        step = state.global_step
        known = any(line.get("step") == step and any(name.startswith(PREFIX) for name in line)
                    for line in state.log_history)  # fmt: skip
        if step % self._every or known:
            return
        folder = Path(self._trainer.args.output_dir) / f".evaluated-{step}"
        shutil.rmtree(folder, ignore_errors=True)
        with _untouched_randomness():
            self._trainer.export(folder)
            scores: dict[str, float] = {}
            if self._trainer.is_world_process_zero():
                try:
                    scores = self._evaluate(folder, step)
                    self._tell(f"step {step}: " + "  ".join(f"{name} {value:.1f}" for name, value in scores.items()))
                except LrmEvalError as error:
                    self._tell(f"step {step}: not evaluated: {error}")
                finally:
                    shutil.rmtree(folder, ignore_errors=True)
            self._trainer.accelerator.wait_for_everyone()
        if scores:
            # Logging takes back the wish to log this step's loss, for which the other processes would wait.
            control = self._trainer.control
            wanted = control.should_log
            self._trainer.log({f"{PREFIX}{name.replace('/', '_')}": value for name, value in scores.items()})
            control.should_log = wanted
        self._trainer.model.train()


@contextmanager
def _untouched_randomness() -> Iterator[None]:
    """Whatever an evaluation draws, the training draws what it would have drawn."""
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        yield
    random.setstate(python)
    np.random.set_state(numpy)


def harness(
    folder: Path, tasks: Sequence[str], languages: Sequence[str], limit: int
) -> Callable[[Path, int], dict[str, float]]:
    """An `evaluate` that runs lrm-eval's tiny or full tasks on the first `limit` questions; runs land in `folder`.

    Raises:
        UsageError: an unknown task or language: before any training.
    """
    from lrm_eval import languages as registry
    from lrm_eval.tasks import load_task

    for task in tasks:
        load_task(task)
    for language in languages:
        registry.get(language)

    def evaluate(checkpoint: Path, step: int) -> dict[str, float]:
        import lrm_eval

        out = folder / f"step-{step}"
        # Of a training that was killed after it and came here again: possibly with weights that differ in a last bit.
        shutil.rmtree(out, ignore_errors=True)
        result = lrm_eval.run(
            model=f"hf:{checkpoint}", langs=",".join(languages), tasks=",".join(tasks), limit=limit,
            suite="tiny" if all(task.startswith("tiny-") for task in tasks) else "full", out=out, report=False,
        )  # fmt: skip
        return {
            f"{row.task}/{row.language}": row.value
            for row in result.scores
            if row.primary and row.rules == "multilingual" and row.value is not None
        }

    return evaluate
