from __future__ import annotations

import pytest
from tiny_checkpoint import COLOURS, QUESTIONS, image_ref, make_request, picture_bytes

from model_adapters import load_model, resolve_model

CHOICES = ("yes", "ndiyo", "a red circle in the image", "አዎ", "A")


def load(folder, **options):
    return load_model(resolve_model(f"hf:{folder}"), device="cpu", **options)


def asked(budget=4):
    pictures = [image_ref(picture_bytes(colour)) for colour in COLOURS[:2]]
    return [
        make_request(f"q/{p}/{q}@en", question, picture, choices=CHOICES[: 2 + q], max_new_tokens=budget)
        for p, picture in enumerate(pictures)
        for q, question in enumerate(QUESTIONS[:4])
    ]


def test_log_probabilities_equal_a_hand_computation(llava_folder):
    import torch
    from transformers import AutoProcessor, LlavaForConditionalGeneration

    from model_adapters.images import decode_image

    model = LlavaForConditionalGeneration.from_pretrained(llava_folder).eval()
    processor = AutoProcessor.from_pretrained(llava_folder)
    for request in asked():
        response = next(load(llava_folder).generate([request]))
        picture = decode_image(request.parts[0].image)
        before = processor(images=picture, text=response.prompt, return_tensors="pt")["input_ids"].shape[1]
        assert [score.text for score in response.choices] == list(request.choices)
        for score in response.choices:
            # The template puts one blank between "ASSISTANT:" and an answer.
            inputs = processor(images=picture, text=f"{response.prompt} {score.text}", return_tensors="pt")
            with torch.inference_mode():
                logprobs = model(**inputs).logits[0].log_softmax(-1)
            ids = inputs["input_ids"][0]
            by_hand = [float(logprobs[place - 1, ids[place]]) for place in range(before, len(ids))]
            assert score.tokens == len(by_hand)
            assert score.logprob_sum == pytest.approx(sum(by_hand), abs=1e-4)
            assert score.logprob_mean == pytest.approx(sum(by_hand) / len(by_hand), abs=1e-4)


@pytest.mark.parametrize("size", [2, 8])
def test_scores_do_not_depend_on_the_batch_size(llava_folder, size):
    alone = {r.key: r for r in load(llava_folder, batch_size=1).generate(asked())}
    for response in load(llava_folder, batch_size=size).generate(asked()):
        sums = [score.logprob_sum for score in response.choices]
        assert sums == pytest.approx([score.logprob_sum for score in alone[response.key].choices], abs=1e-5)
        assert response.text == alone[response.key].text


def test_a_budget_of_nothing_scores_the_choices_alone(llava_folder):
    response = next(load(llava_folder).generate(asked(budget=0)))
    assert response.text == ""
    assert response.error is None
    assert len(response.choices) == 2


def test_an_empty_choice_is_the_error_of_its_request_alone(llava_folder):
    picture = image_ref(picture_bytes(COLOURS[0]))
    requests = [make_request("bad@en", QUESTIONS[0], picture, choices=("yes", "")), asked()[0]]
    bad, good = load(llava_folder, batch_size=2).generate(requests)
    assert (bad.finish_reason, bad.error) == ("error", "the choice '' has no token of its own")
    assert good.error is None
