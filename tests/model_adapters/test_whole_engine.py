"""Shared prefixes in every architecture that can have them, against transformers' own `generate` prompt by prompt."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_architectures import END, IMAGE, PAD, build
from torch.utils.flop_counter import FlopCounterMode

from model_adapters.engine.decoder import ARCHITECTURES, why_not_decoder
from model_adapters.engine.rows import Choice, Row
from model_adapters.engine.sizes import geometry, vision_cost
from model_adapters.engine.whole import WholeEngine
from model_adapters.engine.work import Work

BUDGET = 8


@pytest.fixture(scope="module", params=sorted(ARCHITECTURES))
def made(request):
    return build(request.param)


def loaded(made):
    return SimpleNamespace(
        model=made.model,
        device=torch.device("cpu"),
        image_token_id=IMAGE,
        end_token_ids=frozenset({END}),
        context=512,
    )


def words(rng, count):
    return tuple(rng.randrange(3, 140) for _ in range(count))


def inputs(made, ids, pixels):
    if not pixels:
        return {}
    types = {made.token_types: torch.tensor([[int(token == IMAGE) for token in ids]])} if made.token_types else {}
    return {**pixels, **types}


def draw_rows(made, seed, questions):
    """Rows on several images, `questions` of each; the first is asked with choices, the last is without an image."""
    rng, numbers = random.Random(seed), torch.Generator().manual_seed(seed)
    rows = []
    for image, count in enumerate(questions):
        pixels = made.pixels(numbers)
        head = (1, *words(rng, rng.randrange(1, 4)), *[IMAGE] * made.image_tokens, 7)
        for _ in range(count):
            ids = head + words(rng, rng.randrange(1, 9))
            choices = tuple(Choice(str(k), ids + words(rng, k), k) for k in (1, 3)) if not image else ()
            rows.append(Row(None, "", ids, (str(image),), (), BUDGET, choices, inputs(made, ids, pixels)))
    rows.append(Row(None, "", (1, *words(rng, 5)), (), (), BUDGET))
    return rows


def fresh(made):
    # Qwen's models remember how far positions moved in the last prompt.
    if hasattr(made.model.model, "rope_deltas"):
        made.model.model.rope_deltas = None


@torch.inference_mode()
def by_generate(made, row):
    fresh(made)
    ids = torch.tensor([row.ids])
    output = made.model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=row.budget,
        do_sample=False,
        eos_token_id=END,
        pad_token_id=PAD,
        **row.inputs,
    )
    return output[0, ids.shape[1] :].tolist()


@torch.inference_mode()
def by_forward(made, row, choice):
    fresh(made)
    pixels = {name: value for name, value in row.inputs.items() if name != made.token_types}
    ids = torch.tensor([choice.ids])
    output = made.model(
        input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False, **inputs(made, choice.ids, pixels)
    )
    logprobs = output.logits[0].log_softmax(-1)
    first = len(choice.ids) - choice.scored
    return [logprobs[first + turn - 1, choice.ids[first + turn]].item() for turn in range(choice.scored)]


def ended(ids):
    return list(ids[: ids.index(END) + 1] if END in ids else ids)


def check(made, rows, answers):
    for row, answer in zip(rows, answers, strict=True):
        assert ended(list(answer.ids)) == ended(by_generate(made, row)), row.ids
        for choice, scores in zip(row.choices, answer.scores, strict=True):
            assert list(scores) == pytest.approx(by_forward(made, row, choice), abs=1e-4)


@pytest.mark.parametrize(("seed", "questions"), [(0, (5, 3, 1, 4, 2)), (1, (1,)), (2, (12, 1))])
def test_answers_are_those_of_generate_for_each_prompt_alone(made, seed, questions):
    rows = draw_rows(made, seed, questions)
    with torch.inference_mode():
        answers = WholeEngine(loaded(made), 64, 512).answer(rows)
    check(made, rows, answers)
    # Otherwise nothing would be shown about the questions.
    assert len(rows) < 5 or len({answer.ids for answer in answers}) > len(rows) / 2


@pytest.mark.slow
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(10, 10_000),
    questions=st.lists(st.integers(1, 60), min_size=1, max_size=4).filter(lambda counts: sum(counts) <= 70),
    rows=st.sampled_from([3, 16, 256]),
    chunk=st.sampled_from([40, 2048]),
)
def test_one_to_sixty_questions_an_image_in_batches_and_passes_of_any_size(made, seed, questions, rows, chunk):
    asked = draw_rows(made, seed, questions)
    with torch.inference_mode():
        answers = WholeEngine(loaded(made), rows, chunk).answer(asked)
    check(made, asked, answers)


def test_each_image_is_read_once(made):
    rows = [row for row in draw_rows(made, 3, (4, 4)) if row.images]
    asked = []
    handle = made.model.model.register_forward_pre_hook(
        lambda _, __, given: asked.append(given["input_ids"].shape[1]), with_kwargs=True
    )
    with torch.inference_mode():
        WholeEngine(loaded(made), 64, 512).answer(rows)
    handle.remove()
    assert len(asked) == 2


@torch.inference_mode()
def counted(run):
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


def test_what_an_image_and_a_token_cost_at_least_is_what_torch_counts(made):
    """Tokens one by one without a cache, each sees itself alone; an image as the whole less its decoder."""
    fresh(made)
    row = draw_rows(made, 4, (1,))[0]
    tensors = {"input_ids": torch.tensor([row.ids]), **row.inputs}
    vision = vision_cost(made.model, tensors, IMAGE)
    assert vision.tokens == made.image_tokens
    fresh(made)
    ids = torch.tensor([[5] * len(row.ids)])
    whole = counted(lambda: made.model.model(**tensors, use_cache=False))
    text = counted(lambda: made.model.model(input_ids=ids, use_cache=False))
    assert vision.operations == pytest.approx(whole - text, rel=0.02)
    sizes = geometry(made.model, vision, made.image_tokens)
    assert sizes.vision_operations == vision.operations
    tokens = torch.tensor([[5]] * 7)
    says = counted(lambda: made.model(input_ids=tokens, use_cache=False))
    assert sizes.operations(Work(answer_tokens=7, answer_pairs=7))["answers"] == pytest.approx(says, rel=0.02)


def test_an_image_after_what_the_questions_share_is_read_with_its_own(made):
    rng, numbers = random.Random(5), torch.Generator().manual_seed(5)
    pixels = made.pixels(numbers)
    rows = []
    for _ in range(3):
        ids = (1, *words(rng, 3), *[IMAGE] * made.image_tokens, *words(rng, 4))
        rows.append(Row(None, "", ids, ("one",), (), BUDGET, (), inputs(made, ids, pixels)))
    with torch.inference_mode():
        check(made, rows, WholeEngine(loaded(made), 64, 512).answer(rows))


def test_prompts_beyond_a_sliding_window_do_not_fit(made):
    engine = WholeEngine(loaded(made), 64, 512)
    long = Row(None, "", (1,) * 5000, (), (), BUDGET)
    short = Row(None, "", (1,) * 5, (), (), BUDGET)
    slides = made.model.config.model_type in {"aya_vision", "gemma3", "mistral3"}
    assert engine.fits(short)
    assert engine.fits(long) != slides


def test_an_architecture_that_was_not_held_to_generate_is_asked_plainly():
    model = SimpleNamespace(config=SimpleNamespace(model_type="paligemma"))
    assert why_not_decoder(model) == "models of type 'paligemma' are asked one prompt at a time"


def test_a_rotary_embedding_of_the_whole_batch_is_asked_plainly():
    text = SimpleNamespace(rope_parameters={"full_attention": {"rope_type": "dynamic"}})
    config = SimpleNamespace(model_type="gemma3", get_text_config=lambda: text)
    assert "'dynamic'" in why_not_decoder(SimpleNamespace(config=config))
