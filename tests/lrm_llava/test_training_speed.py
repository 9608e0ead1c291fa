"""Samples a second, tokens a second and MFU against a calculation by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig

from lrm_llava.recipes import load_recipe
from lrm_llava.training.geometry import Geometry
from lrm_llava.training.progress import Lines, Speed

CONFIG = LlavaConfig(
    vision_config=CLIPVisionConfig(
        hidden_size=4, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2, image_size=8, patch_size=4,
        projection_dim=4,
    ),
    text_config=LlamaConfig(
        vocab_size=10, hidden_size=4, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2,
    ),
    image_seq_length=4,
)  # fmt: skip
# A step: two samples with an image (8 and 12 tokens), then two of text alone (3 and 5).
LENGTHS = np.array([8, 12, -3, -5], dtype=np.int32)


def logged(stage: int, seconds: float, world: int, first: int = 0, last: int = 2) -> dict[str, float]:
    times = iter([100.0, 100.0 + seconds])
    data = SimpleNamespace(lengths=LENGTHS)
    asked = load_recipe("tiny", [f"stage{stage}.batch=2"]).stage(stage)
    speed = Speed(data, lambda _: np.arange(4), asked, rate=1e6, clock=lambda: next(times))
    args = SimpleNamespace(device="cpu", world_size=world)
    speed.on_step_begin(args, SimpleNamespace(global_step=first), None)
    logs = {"loss": 1.0}
    speed.on_log(args, SimpleNamespace(global_step=last), None, logs=logs, model=SimpleNamespace(config=CONFIG))
    return logs


def test_samples_and_tokens_a_second_count_every_sample_once() -> None:
    assert logged(2, 0.5, 1)["samples_per_s"] == 4 / 0.5
    assert logged(2, 0.5, 1)["tokens_per_s"] == (8 + 12 + 3 + 5) / 0.5
    # From the second step of one epoch to the second of the next: text alone, then images again.
    assert logged(2, 0.5, 1, first=1, last=3)["tokens_per_s"] == (3 + 5 + 8 + 12) / 0.5


def test_mfu_is_what_is_needed_over_what_could_be_done() -> None:
    # Matrices of the language model: 160 in its layer (4 of 4x4, 3 of 4x8), 40 in its head: 6 operations each and
    # token; attention: 12 * 4 for each pair, of which there are T^2 / 2.
    language = 6 * (160 + 40) * 28 + 48 * (64 + 144 + 9 + 25) / 2
    # Tower: 4 patches of 3*4*4 numbers, 5 tokens through 4*16 + 2*32 weights, 4 * 4 * 25 in attention; projector: 16
    # weights in each layer for 4 tokens, the first without a gradient of what goes in.
    image = 2 * 48 * 4 * 4 + 2 * 128 * 5 + 4 * 4 * 25 + 4 * (4 * 16 + 6 * 16)
    assert Geometry.of(CONFIG).image_flops == image
    assert logged(2, 0.5, 1)["mfu"] == pytest.approx((language + 2 * image) / 0.5 / 1e6, abs=1e-4)
    # Two devices could do twice as much.
    assert logged(2, 0.5, 2)["mfu"] == pytest.approx((language + 2 * image) / 0.5 / 2e6, abs=1e-4)


def test_a_line_without_a_loss_gets_no_speed() -> None:
    speed = Speed(SimpleNamespace(lengths=LENGTHS), lambda _: np.arange(4), load_recipe("tiny").stage1, rate=1e6)
    speed.on_step_begin(None, SimpleNamespace(global_step=0), None)
    logs = {"eval_tiny-pope_en": 50.0}
    speed.on_log(SimpleNamespace(device="cpu", world_size=1), SimpleNamespace(global_step=1), None, logs=logs)
    assert logs == {"eval_tiny-pope_en": 50.0}


def test_a_line_tells_step_loss_speed_and_what_is_left() -> None:
    told: list[str] = []
    times = iter([0.0, 50.0])
    lines = Lines(told.append, clock=lambda: next(times))
    lines.on_step_begin(None, SimpleNamespace(global_step=10), None)
    logs = {"loss": 1.5, "learning_rate": 1e-3, "samples_per_s": 12.3456, "tokens_per_s": 1234.5, "mfu": 0.4321}
    lines.on_log(None, SimpleNamespace(global_step=20, max_steps=120), None, logs=logs)
    assert told == [
        "step 20 of 120  loss 1.5000  rate 1.00e-03  12.35 samples/s  1,234 tokens/s  MFU 43.2%  0:08:20 left"
    ]
