"""The shared-prefix engine against the plain one, which test_llava_answers.py holds to transformers itself."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_checkpoint import COLOURS, build_checkpoint, image_ref, make_request, picture_bytes, ragged_requests

from lrm_eval.errors import UsageError
from model_adapters import load_model, resolve_model

PICTURES = [image_ref(picture_bytes(colour), f"{place}.png") for place, colour in enumerate(COLOURS)]
# "Is there a dog?" and the like, in the twelve languages of the bundled models.
WORDS = {
    "am": "በምስሉ ላይ ውሻ አለ?",
    "ar": "هل يوجد كلب في الصورة؟",
    "bn": "ছবিতে কি একটি কুকুর আছে?",
    "de": "Ist auf dem Bild ein Hund zu sehen?",
    "en": "Is there a dog in the image?",
    "es": "¿Hay un perro en la imagen?",
    "fr": "Y a-t-il un chien sur l'image ?",
    "hi": "क्या चित्र में कुत्ता है?",
    "ru": "Есть ли на картинке собака?",
    "sw": "Je, kuna mbwa kwenye picha?",
    "tr": "Resimde köpek var mı?",
    "zh": "图片里有狗吗?",
}
CHOICES = ("yes", "ndiyo", "a red circle in the image", "አዎ")


def load(folder, **options):
    options.setdefault("dtype", "float32")
    return load_model(resolve_model(f"hf:{folder}"), device="cpu", **options)


def answers(adapter, requests):
    return {response.key: response for response in adapter.generate(requests)}


def same(left, right):
    """Equal tokens, texts and finish reasons; choices equal up to rounding."""
    assert left.keys() == right.keys()
    for key, one in left.items():
        other = right[key]
        assert (one.text, one.finish_reason, one.completion_tokens, one.error) == (
            other.text,
            other.finish_reason,
            other.completion_tokens,
            other.error,
        ), key
        assert (one.prompt, one.prompt_tokens) == (other.prompt, other.prompt_tokens)
        for a, b in zip(one.choices, other.choices, strict=True):
            assert (a.text, a.tokens) == (b.text, b.tokens)
            assert a.logprob_sum == pytest.approx(b.logprob_sum, abs=1e-4)


@pytest.fixture(scope="module")
def pair(llava_folder):
    return load(llava_folder, batch_size=16), load(llava_folder, batch_size=1, engine="plain")


@st.composite
def batches(draw, most=60):
    """1 to `most` questions an image, on 1 to 3 images, in any of twelve languages, of very different lengths."""
    budget, scored = draw(st.integers(1, 12)), draw(st.booleans())
    counts = draw(st.lists(st.integers(1, most), min_size=1, max_size=3))
    requests = []
    for image, count in enumerate(counts):
        for number in range(count):
            language = draw(st.sampled_from(sorted(WORDS)))
            text = WORDS[language] * draw(st.integers(1, 3)) + " " * draw(st.integers(0, 2)) + str(number % 7)
            requests.append(
                make_request(
                    f"{image}/{number}@{language}",
                    text,
                    PICTURES[image],
                    language=language,
                    max_new_tokens=budget,
                    choices=CHOICES[: draw(st.integers(1, 4))] if scored else (),
                )
            )
    return requests


@given(batches(most=12))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_batch_gets_the_answers_of_prompts_asked_alone(pair, requests):
    shared, plain = pair
    same(answers(shared, requests), answers(plain, requests))


@pytest.mark.slow
@given(batches())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_large_batch_gets_the_answers_of_prompts_asked_alone(pair, requests):
    shared, plain = pair
    same(answers(shared, requests), answers(plain, requests))


def test_sixty_questions_on_one_image_in_twelve_languages(pair):
    requests = [
        make_request(f"{turn}@{language}", f"{text} {turn}", PICTURES[0], language=language, max_new_tokens=12)
        for turn in range(5)
        for language, text in WORDS.items()
    ]
    shared, plain = pair
    alone = answers(plain, requests)
    same(answers(shared, requests), alone)
    # Otherwise the test would show nothing about rows that end at different times.
    assert {response.finish_reason for response in alone.values()} == {"stop", "length"}
    assert len({response.completion_tokens for response in alone.values()}) >= 4


def test_many_images_with_prefixes_of_different_lengths_go_on_together(llava_folder, pair, monkeypatch):
    """What the questions on an image have in common is longer for some: their prefixes end in different places."""
    requests = [
        make_request(f"{p}/{n}@en", "Is there a dog " * (p + n // 2) + f"{n}?", PICTURES[p], max_new_tokens=9)
        for p in range(5)
        for n in range(3)
    ]
    from model_adapters.engine import shared as module

    # The first batch is an eighth of this, and must hold all five images.
    shared, grids = load(llava_folder, batch_size=128), []
    parts = module.prefix_parts
    monkeypatch.setattr(module, "prefix_parts", lambda *given: grids.append(parts(*given)) or grids[-1])
    got = answers(shared, requests)
    same(got, answers(pair[1], requests))
    assert any(grid.bias is not None for _, found in grids for grid in found)


@pytest.mark.parametrize("count", [1, 2])
def test_few_questions_on_an_image_share_as_well(pair, count):
    requests = [make_request(f"{n}@en", f"Is there a dog {n}?", PICTURES[0]) for n in range(count)]
    shared, plain = pair
    same(answers(shared, requests), answers(plain, requests))


FAMILIES = {
    "mistral": {"sliding_window": None},
    "qwen2": {},
    "qwen3": {"head_dim": 8},
    "llama": {"num_key_value_heads": 4, "rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}},
}


@pytest.mark.parametrize("family", FAMILIES)
def test_other_text_models_give_the_same_answers(tmp_path, family):
    folder = build_checkpoint(tmp_path / family, family=family, vision_layers=3, **FAMILIES[family])
    shared, plain = load(folder, batch_size=8), load(folder, batch_size=1, engine="plain")
    assert shared.settings()["engine"] == "shared"
    requests = ragged_requests(max_new_tokens=9, choices=CHOICES)
    same(answers(shared, requests), answers(plain, requests))


def test_prompts_beyond_a_sliding_window_are_asked_plainly_and_the_others_share(tmp_path):
    folder = build_checkpoint(tmp_path / "window", family="mistral", sliding_window=48)
    shared, plain = load(folder, batch_size=8), load(folder, batch_size=1, engine="plain")
    requests = ragged_requests(max_new_tokens=9)
    alone = answers(plain, requests)
    lengths = [response.prompt_tokens + 9 for response in alone.values()]
    assert min(lengths) <= 48 < max(lengths)
    same(answers(shared, requests), alone)


def test_a_text_model_of_another_build_is_asked_plainly(tmp_path):
    adapter = load(build_checkpoint(tmp_path / "gemma", family="gemma", head_dim=8))
    assert adapter.settings()["engine"] == "plain"
    assert answers(adapter, ragged_requests()[:3])


def test_sharing_where_it_cannot_be_had_is_refused_in_one_line(llava_folder, tmp_path):
    folder = build_checkpoint(tmp_path / "gemma", family="gemma", head_dim=8)
    with pytest.raises(UsageError, match=r"engine 'shared' cannot be had: language models of type 'gemma'"):
        load(folder, engine="shared")
    with pytest.raises(UsageError, match=r"cannot be had: it decodes greedily"):
        load(llava_folder, engine="shared", gen_kwargs={"num_beams": 2})
    with pytest.raises(UsageError, match=r"unknown engine 'share'.*shared"):
        load(llava_folder, engine="share")


def test_rotary_embeddings_that_look_at_the_whole_batch_are_not_shared(tmp_path):
    rope = {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4}
    folder = build_checkpoint(tmp_path / "dynamic", rope_parameters=rope)
    assert load(folder).settings()["engine"] == "plain"


def test_an_image_after_the_question_is_found_all_the_same(llava_folder, pair):
    from dataclasses import replace

    requests = [
        replace(request, parts=tuple(reversed(request.parts)))
        for request in ragged_requests(max_new_tokens=6)
        if len(request.parts) == 2
    ]
    flat = load_model(resolve_model("llava-1.5-7b", str(llava_folder)), device="cpu", batch_size=16)
    alone = load_model(resolve_model("llava-1.5-7b", str(llava_folder)), device="cpu", batch_size=1, engine="plain")
    got = answers(flat, requests)
    same(got, answers(alone, requests))
    # Vicuna's conversation keeps the order of the parts: the image comes last there.
    assert all("?" in response.prompt.split("<image>")[0] for response in got.values())


def test_two_images_in_one_request_share_with_those_of_the_same_two(llava_folder):
    from lrm_eval.types import ImagePart

    def asked(key, text, *pictures):
        request = make_request(key, text, PICTURES[0], max_new_tokens=6)
        from dataclasses import replace

        return replace(request, parts=(*(ImagePart(PICTURES[p]) for p in pictures), request.parts[-1]))

    requests = [asked(f"{n}@en", f"Which is it, {n}?", 0, 1 + n % 2) for n in range(6)]
    preset = resolve_model("llava-1.5-7b", str(llava_folder))
    shared = load_model(preset, device="cpu", batch_size=8)
    plain = load_model(preset, device="cpu", batch_size=1, engine="plain")
    same(answers(shared, requests), answers(plain, requests))


def test_every_question_that_stops_at_once(llava_folder, pair):
    _, plain = pair
    requests = ragged_requests(max_new_tokens=1)
    first = {tuple(plain._loaded.processor.tokenizer(r.text)["input_ids"]) for r in plain.generate(requests)}
    shared, alone = load(llava_folder, batch_size=16), load(llava_folder, batch_size=1, engine="plain")
    ends = frozenset(range(400))
    for adapter in (shared, alone):
        adapter._loaded.end_token_ids = ends
    requests = ragged_requests(max_new_tokens=9)
    got = answers(shared, requests)
    same(got, answers(alone, requests))
    assert {response.completion_tokens for response in got.values()} == {1}
    assert len(first) > 1


def test_an_answer_longer_than_the_room_made_for_it(pair):
    requests = [make_request(f"{n}@en", f"Tell me {n}", PICTURES[n % 2], max_new_tokens=60) for n in range(6)]
    shared, plain = pair
    alone = answers(plain, requests)
    same(answers(shared, requests), alone)
    assert max(response.completion_tokens for response in alone.values()) > 20


def test_the_same_question_twice_is_computed_once(pair, monkeypatch):
    shared, plain = pair
    twice = [make_request(f"pope/{split}/{n}@en", f"dog {n}?", PICTURES[0]) for split in "ab" for n in range(3)]
    rows = []
    forward = type(shared._shared)._forward
    monkeypatch.setattr(
        type(shared._shared),
        "_forward",
        lambda self, seats, *rest: rows.append(len(seats)) or forward(self, seats, *rest),
    )
    got = answers(shared, twice)
    assert rows[:2] == [1, 3]
    same(got, answers(plain, twice))


def test_the_prefix_is_in_memory_once_however_many_questions(llava_folder):
    from model_adapters.engine.store import Store

    adapter, sizes = load(llava_folder, batch_size=64), []
    shared = adapter._shared
    forward = type(shared)._forward

    def watched(self, seats, tokens, keep):
        out = forward(self, seats, tokens, keep)
        sizes.append([prefix.store.rows for prefix in self._prefixes.values()])
        assert all(isinstance(seat.store, Store) for seat in seats)
        # A question's own store holds its own tokens and room for the answer, never the image's.
        assert max(seat.store.capacity for seat in seats) < 120
        return out

    shared._forward = watched.__get__(shared)
    list(adapter.generate([make_request(f"{n}@en", f"{n}?", PICTURES[0]) for n in range(40)]))
    assert sizes[-1] == [1]


def test_in_bfloat16_sharing_changes_no_more_than_another_batch_size_does(llava_folder):
    def scores(**options):
        adapter = load(llava_folder, dtype="bfloat16", **options)
        requests = ragged_requests(max_new_tokens=1, choices=CHOICES)
        return [choice.logprob_mean for response in answers(adapter, requests).values() for choice in response.choices]

    alone = scores(engine="plain", batch_size=1)
    together = scores(engine="plain", batch_size=8)
    shared = scores(engine="shared", batch_size=8)
    exact = [
        choice.logprob_mean
        for response in answers(load(llava_folder), ragged_requests(max_new_tokens=1, choices=CHOICES)).values()
        for choice in response.choices
    ]

    def mean_gap(left, right):
        return sum(abs(a - b) for a, b in zip(left, right, strict=True)) / len(left)

    # Both are rounded; neither is nearer to the truth by much, nor is sharing farther from it.
    assert mean_gap(alone, together) > 0
    assert mean_gap(shared, exact) < 1.5 * mean_gap(alone, exact)
