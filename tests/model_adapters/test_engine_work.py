from __future__ import annotations

import pytest
import torch
from tiny_checkpoint import COLOURS, build_checkpoint, image_ref, make_request, picture_bytes
from torch.utils.flop_counter import FlopCounterMode

from model_adapters import load_model, resolve_model
from model_adapters.engine.rows import Choice, Row
from model_adapters.engine.work import Geometry, Rates, Work, least_seconds, measure_rates, needed


def row(ids, images=("a",), choices=()):
    return Row(make_request("q@en", "?"), "?", tuple(ids), images, (), 4, tuple(choices))


def test_what_is_needed_is_counted_by_hand():
    """Prefix 9 9 1; questions of 2 and 3 tokens with answers of 3 and 1; the third asks what the first asks."""
    rows = [row([9, 9, 1, 2, 3]), row([9, 9, 1, 4, 5, 6]), row([9, 9, 1, 2, 3])]
    work = needed(rows, [3, 1, 3], image_token=9)
    assert (work.prefix_tokens, work.prefix_pairs, work.question_cache) == (3, 6, 3)
    assert (work.question_tokens, work.question_pairs) == (5, 2 * 3 + 3 + 3 * 3 + 6)
    assert (work.first_tokens, work.first_pairs) == (2, 5 + 6)
    # Two further tokens of the first row: they see 3 + 3 and 3 + 4 tokens.
    assert (work.answer_tokens, work.answer_pairs, work.steps) == (2, 6 + 7, 2)
    assert work.answer_cache == 2 * 3 + 3 + 4


def test_choices_are_counted_without_their_prompt():
    work = needed([row([9, 1, 2], choices=[Choice("x", (9, 1, 2, 5, 6), 2)])], [0], image_token=9)
    assert (work.choice_tokens, work.choice_pairs) == (2, 4 + 3)
    assert (work.first_tokens, work.answer_tokens) == (0, 0)


def test_batches_add_up_and_the_longest_answer_counts_for_steps():
    assert Work(images=1, steps=5) + Work(images=2, steps=3) == Work(images=3, steps=5)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    folder = build_checkpoint(tmp_path_factory.mktemp("work") / "tiny", vision_layers=3)
    loaded = load_model(resolve_model(f"hf:{folder}"), device="cpu", engine="plain")._loaded
    # torch's counter does not know the fused attention of CPUs.
    loaded.model.set_attn_implementation("eager")
    return loaded


def counted(work):
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        work()
    return counter.get_total_flops()


def test_operations_of_an_image_are_those_that_torch_counts(loaded):
    geometry = Geometry.of(loaded.model, loaded.image_tokens)
    pixels = torch.zeros(1, 3, 16, 16)
    assert geometry.vision_operations == counted(lambda: loaded.features(pixels))


def test_operations_of_answer_tokens_are_those_that_torch_counts(loaded):
    """Tokens one by one without a cache: each sees itself alone."""
    geometry = Geometry.of(loaded.model, loaded.image_tokens)
    ids = torch.tensor([[5]] * 7)
    torch_says = counted(lambda: loaded.model(input_ids=ids, use_cache=False))
    assert geometry.operations(Work(answer_tokens=7, answer_pairs=7))["answers"] == torch_says


def test_a_prefix_leaves_out_what_nobody_reads_of_the_last_layer(loaded):
    geometry = Geometry.of(loaded.model, loaded.image_tokens)
    prefix = geometry.operations(Work(prefix_tokens=10))["prefix"]
    whole = geometry.operations(Work(answer_tokens=10))["answers"]
    assert whole - prefix == 10 * 2 * (geometry.mixing + geometry.mlp + geometry.head)


def test_the_least_time_is_the_slower_of_computing_and_moving(loaded):
    geometry = Geometry.of(loaded.model, loaded.image_tokens)
    work = Work(images=4, answer_tokens=6, answer_pairs=60, steps=3)
    computing = least_seconds(geometry, work, Rates(1e3, 1e30))
    moving = least_seconds(geometry, work, Rates(1e30, 1e3))
    assert computing["vision"] == pytest.approx(4 * geometry.vision_operations / 1e3)
    assert moving["vision"] == pytest.approx(4 * geometry.vision_weights / 1e3)
    text = sum(
        p.numel() for n, p in loaded.model.named_parameters() if "layers" in n and "language" in n and p.dim() > 1
    )
    assert moving["answers"] == pytest.approx(3 * 4 * (text + geometry.head) / 1e3)


def test_rates_are_measured_and_positive():
    rates = measure_rates(torch.device("cpu"), torch.float32, seconds=0.01)
    assert rates.operations > 1e8
    assert rates.bytes > 1e7


@pytest.mark.parametrize("engine", ["shared", "plain"])
def test_a_run_says_how_far_from_the_least_time_it_was(llava_folder, engine):
    adapter = load_model(resolve_model(f"hf:{llava_folder}"), device="cpu", batch_size=4, engine=engine)
    assert adapter.performance() == {}
    pictures = [image_ref(picture_bytes(colour)) for colour in COLOURS[:2]]
    list(adapter.generate([make_request(f"{p}/{n}@en", f"{n}?", pictures[p]) for p in range(2) for n in range(5)]))
    said = adapter.performance()
    assert said["prompts"] == 10
    assert said["counts"]["images"] == 2
    # Whichever engine answered, what had to be done is the same.
    assert said["counts"]["prefix_tokens"] < said["counts"]["question_tokens"] + 30
    assert said["times_least"] == pytest.approx(said["seconds"] / sum(said["least_seconds"].values()))
    assert said["times_least"] > 1
