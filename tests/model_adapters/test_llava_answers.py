from __future__ import annotations

import pytest
from tiny_checkpoint import COLOURS, QUESTIONS, image_ref, make_request, picture_bytes, ragged_requests

from lrm_eval.types import ImagePart, TextPart
from model_adapters import load_model, resolve_model
from model_adapters.engine.rows import Answer


def load(folder, **options):
    return load_model(resolve_model(f"hf:{folder}"), device="cpu", **options)


def token_ids(adapter, requests):
    """Generated token ids by key, as the adapter reads them, next to the responses."""
    seen = {}
    respond = adapter._response

    def spy(row, answer):
        made = respond(row, answer)
        seen[row.request.key] = list(answer.ids)[: made.completion_tokens]
        return made

    adapter._response = spy
    responses = {response.key: response for response in adapter.generate(requests)}
    return seen, responses


@pytest.fixture(scope="module")
def one_by_one(llava_folder):
    return token_ids(load(llava_folder, batch_size=1), ragged_requests(max_new_tokens=12))


@pytest.mark.parametrize("size", [2, 8])
def test_in_float32_the_batch_size_never_changes_an_answer(llava_folder, one_by_one, size):
    ids, responses = token_ids(load(llava_folder, batch_size=size), ragged_requests(max_new_tokens=12))
    assert ids == one_by_one[0]
    assert responses == one_by_one[1]


def test_the_requests_of_that_test_are_ragged_at_both_ends(one_by_one):
    responses = one_by_one[1].values()
    assert len({response.prompt_tokens for response in responses}) >= 4
    assert len({response.completion_tokens for response in responses}) >= 4
    assert {response.finish_reason for response in responses} == {"stop", "length"}
    assert len({response.text for response in responses}) >= 15


def test_answers_equal_plain_transformers_at_batch_one(llava_folder, one_by_one):
    import torch
    from transformers import AutoProcessor, LlavaForConditionalGeneration

    from model_adapters.images import decode_image

    model = LlavaForConditionalGeneration.from_pretrained(llava_folder).eval()
    processor = AutoProcessor.from_pretrained(llava_folder)
    for request in ragged_requests(max_new_tokens=12):
        images = [decode_image(part.image) for part in request.parts if isinstance(part, ImagePart)]
        content = [{"type": "image"}] * len(images) + [
            {"type": "text", "text": part.text} for part in request.parts if isinstance(part, TextPart)
        ]
        prompt = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
        inputs = processor(images=images or None, text=prompt, return_tensors="pt")
        with torch.inference_mode():
            output = model.generate(**inputs, max_new_tokens=12, do_sample=False)
        response = one_by_one[1][request.key]
        assert output[0, inputs["input_ids"].shape[1] :].tolist() == one_by_one[0][request.key]
        assert response.prompt == prompt
        assert response.prompt_tokens == inputs["input_ids"].shape[1]


def test_the_blank_that_the_template_puts_before_an_answer_is_not_part_of_it(llava_folder):
    adapter = load(llava_folder)
    row = adapter._prompts.row(make_request("q@en", "Is there text only?"), (), (), 8)
    new = adapter._loaded.processor.tokenizer(" yes", add_special_tokens=False)["input_ids"]
    assert adapter._response(row, Answer((*new, 1))).text == "yes"


def test_finish_reason_and_token_counts_tell_where_the_answer_ended(one_by_one):
    ids, responses = one_by_one
    for key, response in responses.items():
        assert response.completion_tokens == len(ids[key])
        assert (response.finish_reason == "length") == (len(ids[key]) == 12 and ids[key][-1] not in range(40, 90))


def test_features_of_an_image_are_computed_once_for_all_its_requests(llava_folder, monkeypatch):
    from model_adapters.llava_loading import LoadedLlava

    adapter, calls = load(llava_folder, batch_size=3), []
    compute = LoadedLlava.features
    monkeypatch.setattr(
        LoadedLlava, "features", lambda self, pixels: calls.append(len(pixels)) or compute(self, pixels)
    )
    list(adapter.generate(ragged_requests(max_new_tokens=2)))
    assert calls == [1] * 4


def test_two_images_under_one_name_are_not_mixed_up(llava_folder):
    pictures = [image_ref(picture_bytes(colour), "same.png") for colour in COLOURS[:2]]
    both = [make_request(f"q/{i}@en", QUESTIONS[0], picture) for i, picture in enumerate(pictures)]
    together = list(load(llava_folder, batch_size=2).generate(both))
    alone = [next(load(llava_folder).generate([request])) for request in both]
    assert together == alone
    assert together[0].text != together[1].text


def test_requests_of_different_budgets_never_wait_for_each_other(llava_folder):
    picture = image_ref(picture_bytes(COLOURS[0]))
    asked = [make_request(f"q/{n}@en", QUESTIONS[3], picture, max_new_tokens=n) for n in (1, 3, 9)]
    responses = {r.key: r for r in load(llava_folder, batch_size=8).generate(asked)}
    assert [responses[f"q/{n}@en"].completion_tokens <= n for n in (1, 3, 9)] == [True] * 3
    assert responses["q/9@en"].text.startswith(responses["q/1@en"].text.rstrip("�"))


@pytest.mark.parametrize("settings", [{"num_beams": 3}, {"repetition_penalty": 1.7}, {"no_repeat_ngram_size": "1"}])
def test_decoding_settings_change_answers_and_stay_free_of_the_batch(llava_folder, one_by_one, settings):
    asked = ragged_requests(max_new_tokens=12)
    small = {r.key: r for r in load(llava_folder, batch_size=1, gen_kwargs=settings).generate(asked)}
    large = {r.key: r for r in load(llava_folder, batch_size=8, gen_kwargs=settings).generate(asked)}
    assert small == large
    assert small != one_by_one[1]


def test_sampling_depends_on_seed_and_key_alone(llava_folder):
    asked, settings = ragged_requests(max_new_tokens=6), {"temperature": "1.3"}
    first = {r.key: r.text for r in load(llava_folder, batch_size=8, gen_kwargs=settings, seed=5).generate(asked)}
    again = load(llava_folder, batch_size=2, gen_kwargs=settings, seed=5).generate(asked[::-1])
    other = load(llava_folder, batch_size=8, gen_kwargs=settings, seed=6).generate(asked)
    assert {r.key: r.text for r in again} == first
    assert {r.key: r.text for r in other} != first


def test_max_new_tokens_of_the_settings_replaces_the_task_budget(llava_folder):
    responses = load(llava_folder, gen_kwargs={"max_new_tokens": 2}).generate(ragged_requests(max_new_tokens=12))
    assert max(response.completion_tokens for response in responses) == 2


def test_a_blind_model_sees_the_same_image_everywhere_and_needs_none_readable(llava_folder):
    blind = load_model(resolve_model(f"blind:hf:{llava_folder}"), device="cpu")
    broken = image_ref(b"no image at all")
    asked = [
        make_request("a@en", QUESTIONS[0], image_ref(picture_bytes(COLOURS[0]))),
        make_request("b@en", QUESTIONS[0], broken),
    ]
    first, second = blind.generate(asked)
    seeing = next(load(llava_folder).generate(asked[:1]))
    assert first.error is None
    assert (first.text, first.prompt) == (second.text, second.prompt)
    assert first.text != seeing.text
    assert first.prompt == seeing.prompt


def test_the_hidden_image_is_zero_after_normalisation(llava_folder):
    loaded = load(llava_folder)._loaded
    from model_adapters.images import uniform_image

    pixels = loaded.processor.image_processor(images=uniform_image(*loaded.hidden_image), return_tensors="pt")
    # Rounding a mean to 8 bits leaves at most half a level: 0.5 / 255 / 0.26.
    assert pixels["pixel_values"].abs().max() < 0.0076
    assert pixels["pixel_values"].shape == (1, 3, 16, 16)


def test_fingerprint_tells_what_decides_answers_and_not_where_files_lie(llava_folder, tmp_path):
    import json
    import shutil

    from tiny_checkpoint import build_checkpoint

    copy = shutil.copytree(llava_folder, tmp_path / "elsewhere")
    here = load(llava_folder, batch_size=1).fingerprint()
    assert load(copy, batch_size=4).fingerprint() == here
    assert json.loads(json.dumps(here)) == here
    others = [
        load(build_checkpoint(tmp_path / "other", seed=1)),
        load(llava_folder, dtype="bfloat16"),
        load(llava_folder, gen_kwargs={"num_beams": 2}),
        load_model(resolve_model(f"blind:hf:{llava_folder}"), device="cpu"),
        load_model(resolve_model("llava-1.5-7b", str(llava_folder)), device="cpu"),
    ]
    for other in others:
        assert other.fingerprint() != here


def test_bfloat16_batches_are_those_of_the_plan_and_float32_ones_are_not_bound(llava_folder):
    assert load(llava_folder).batch_invariant
    half = load(llava_folder, dtype="bf16", batch_size=4)
    assert not half.batch_invariant
    plan = ragged_requests(max_new_tokens=12)
    half.prepare(plan)
    whole = {r.key: r for r in half.generate(plan)}
    half.prepare(plan)
    rest = {r.key: r for r in half.generate(plan[6:])}
    assert rest == {key: whole[key] for key in rest}
    assert len(rest) == len(plan) - 6
