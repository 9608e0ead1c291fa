"""What a running training tells: speed, share of the hardware's rate, and a clean stop when asked to end."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Any

import torch
from transformers import TrainerCallback

from lrm_llava.training.geometry import Geometry

if TYPE_CHECKING:
    from collections.abc import Callable

    from lrm_llava.recipes import Stage
    from lrm_llava.training.dataset import ConversationData


class Speed(TrainerCallback):  # type: ignore[misc]
    """Adds samples/s, tokens/s and MFU to every line that is logged.

    Counted are the samples of all devices, padding not; MFU is the operations that they need over those that all
    devices would do in matrix products in the same time.

    Args:
        data: its lengths.
        order: the order of an epoch.
        stage: says what is trained, in which batches.
        rate: measured FLOP/s of one device.
        clock: tells seconds.
    """

    def __init__(
        self, data: ConversationData, order: Callable[[int], Any], stage: Stage, rate: float,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:  # fmt: skip
        self._data, self._order, self._stage, self._rate, self._clock = data, order, stage, rate, clock
        self._since: tuple[float, int] | None = None

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start the clock at the first step of this process: a resumed one starts in the middle."""
        if self._since is None:
            self._since = (self._clock(), state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, model: Any = None, **kwargs: Any) -> None:
        """Rates since the last line."""
        if logs is None or "loss" not in logs or self._since is None:
            return
        _wait(args.device)
        now, (then, first) = self._clock(), self._since
        lengths = self._lengths(first, state.global_step)
        seconds = max(now - then, 1e-9)
        count = abs(lengths).astype(float)
        flops = Geometry.of(model.config).flops(
            int(count.sum()), int((lengths > 0).sum()), float((count**2).sum()) / 2, self._stage
        )
        logs["samples_per_s"] = round(len(lengths) / seconds, 3)
        logs["tokens_per_s"] = round(float(count.sum()) / seconds, 1)
        logs["mfu"] = round(flops / seconds / (self._rate * args.world_size), 4)
        self._since = (now, state.global_step)

    def _lengths(self, first: int, last: int) -> Any:
        import numpy as np

        batch = self._stage.batch
        per_epoch = len(self._order(0)) // batch
        parts = []
        for step in range(first, last):
            order = self._order(step // per_epoch)
            start = (step % per_epoch) * batch
            parts.append(self._data.lengths[order[start : start + batch]])
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int32)


class Lines(TrainerCallback):  # type: ignore[misc]
    """Tells every line that is logged: step, loss, learning rate, speed, and the time that is left.

    Args:
        tell: takes one line.
        clock: tells seconds.
    """

    def __init__(self, tell: Callable[[str], None], clock: Callable[[], float] = time.perf_counter) -> None:
        self._tell, self._clock = tell, clock
        self._since: tuple[float, int] | None = None

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start the clock at the first step of this process."""
        if self._since is None:
            self._since = (self._clock(), state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """One line for a loss."""
        if logs is None or "loss" not in logs or self._since is None:
            return
        then, first = self._since
        left = (self._clock() - then) / max(state.global_step - first, 1) * (state.max_steps - state.global_step)
        speed = ""
        if "mfu" in logs:
            speed = (
                f"{logs['samples_per_s']:.4g} samples/s  {logs['tokens_per_s']:,.0f} tokens/s  MFU {logs['mfu']:.1%}"
            )
        self._tell(
            f"step {state.global_step} of {state.max_steps}  loss {float(logs['loss']):.4f}  "
            f"rate {float(logs['learning_rate']):.2e}  {speed}  {_duration(left)} left"
        )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


class CleanStop(TrainerCallback):  # type: ignore[misc]
    """SIGTERM and Ctrl-C end the step, save, and stop; a second one stops at once.

    Of several processes all stop after the same step, as soon as one was asked to.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._before: dict[int, Any] = {}
        self.stopped = False

    def __enter__(self) -> CleanStop:
        """Take the signals over."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._stop)
        return self

    def __exit__(self, *_: object) -> None:
        """Give them back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _stop(self, number: int, frame: Any) -> None:
        if self.stopped:
            signal.signal(number, self._before[number])
            raise KeyboardInterrupt
        self.stopped = True
        self._tell("asked to stop: saving after this step (once more stops at once)")

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        """Save and stop if asked to."""
        if args.world_size > 1:
            asked = torch.tensor(int(self.stopped), device=args.device)
            torch.distributed.all_reduce(asked, torch.distributed.ReduceOp.MAX)
            self.stopped = bool(asked.item())
        if self.stopped and state.global_step < state.max_steps:
            control.should_save = True
            control.should_training_stop = True
        return control


def _wait(device: Any) -> None:
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize()
