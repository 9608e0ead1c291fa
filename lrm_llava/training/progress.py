"""What a running training tells: speed, share of the hardware's rate, and a clean stop when asked to end."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Any

import torch
from transformers import TrainerCallback

if TYPE_CHECKING:
    from collections.abc import Callable

    from lrm_llava.training.dataset import ConversationData


def step_flops(model: Any, tokens: int, images: int, attended: float, trains: tuple[str, ...]) -> float:
    """Floating-point operations that a step needs, without recomputed activations.

    2 a weight and token forward; as much again for the gradient of the activations; as much again for the gradient
    of the weights where they are trained (Kaplan et al. 2020, section 2.1). Attention adds 4 L D per pair of tokens
    that see each other, forward. The frozen tower runs forward only.

    Args:
        model: a LlavaForConditionalGeneration.
        tokens: tokens of the step, padding apart.
        images: images of the step.
        attended: pairs of tokens that see each other, sum of T^2 / 2 over the samples.
        trains: components that are trained.
    """
    text = model.config.get_text_config()
    # Looking a token up costs nothing, the head as much as the table has weights: together, the table once.
    language = sum(p.numel() for p in model.model.language_model.parameters())
    tower = sum(p.numel() for p in model.model.vision_tower.parameters())
    projector = sum(p.numel() for p in model.model.multi_modal_projector.parameters())
    patches = model.config.image_seq_length + 1
    passes = 3 if "language" in trains else 2
    attention = 4 * text.num_hidden_layers * text.hidden_size * attended
    return float(
        2 * passes * language * tokens
        + passes * attention
        + 2 * tower * patches * images
        + 6 * projector * model.config.image_seq_length * images
    )


def matmul_rate(device: torch.device, dtype: torch.dtype, seconds: float = 0.5) -> float:
    """Measured FLOP/s of a large square matrix product on this device."""
    side = 4096 if device.type == "cuda" else 1024
    left = torch.randn(side, side, device=device, dtype=dtype)
    for _ in range(3):
        left @ left
    _wait(device)
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        for _ in range(4):
            left @ left
        _wait(device)
        count += 4
    return 2 * side**3 * count / (time.perf_counter() - start)


class Speed(TrainerCallback):  # type: ignore[misc]
    """Adds samples/s, tokens/s and MFU (against the measured matmul rate) to every line that is logged."""

    def __init__(
        self, data: ConversationData, order: Any, step_batch: int, trains: tuple[str, ...], rate: float
    ) -> None:
        self._data, self._order, self._batch, self._trains, self._rate = data, order, step_batch, trains, rate
        self._since: tuple[float, int] | None = None

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start the clock at the first step of this process: a resumed one starts in the middle."""
        if self._since is None:
            self._since = (time.perf_counter(), state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, model: Any = None, **kwargs: Any) -> None:
        """Rates since the last line."""
        if logs is None or "loss" not in logs or self._since is None:
            return
        _wait(args.device)
        now, (then, first) = time.perf_counter(), self._since
        lengths = self._lengths(first, state.global_step)
        seconds = max(now - then, 1e-9)
        count = abs(lengths)
        flops = step_flops(
            model, int(count.sum()), int((lengths > 0).sum()), float((count.astype(float) ** 2).sum()) / 2, self._trains
        )
        logs["samples_per_s"] = round(len(lengths) / seconds, 3)
        logs["tokens_per_s"] = round(float(count.sum()) / seconds, 1)
        logs["mfu"] = round(flops / seconds / (self._rate * args.world_size), 4)
        self._since = (now, state.global_step)

    def _lengths(self, first: int, last: int) -> Any:
        import numpy as np

        per_epoch = len(self._order(0)) // self._batch
        parts = []
        for step in range(first, last):
            order = self._order(step // per_epoch)
            start = (step % per_epoch) * self._batch
            parts.append(self._data.lengths[order[start : start + self._batch]])
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int32)


class CleanStop(TrainerCallback):  # type: ignore[misc]
    """SIGTERM and Ctrl-C end the step, save, and stop; a second one stops at once."""

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
        if self.stopped and state.global_step < state.max_steps:
            control.should_save = True
            control.should_training_stop = True
        return control


def _wait(device: Any) -> None:
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize()
