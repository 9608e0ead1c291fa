"""Every family through the generic adapter, on a tiny random checkpoint of its real classes."""

from __future__ import annotations

import warnings

import pytest
from tiny_checkpoint import COLOURS, QUESTIONS, image_ref, make_request, picture_bytes
from tiny_families import FAMILIES, build_family

from lrm_eval.types import Shot, TextPart
from model_adapters import load_model, resolve_model

# Image tokens of pictures of 20 x 14 and of 40 x 14 pixels, counted by hand.
# Qwen: rounded to multiples of 8 (16 x 16, 40 x 16), a token each 8 x 8.
# InternVL, Aya: tiles of 16 x 16, 4 tokens each: one, or three in a row and the whole.
# Idefics3, SmolVLM: enlarged to a side of 32, cut into 2 x 2 or 2 x 1 tiles of 4 tokens, and the whole.
# LLaVA-NeXT, OneVision: 16 of the whole, and of a canvas of 32 x 16 what the picture covers (6 x 4 and 8 x 2 patches),
# each row with a line break.
IMAGE_TOKENS = {
    "qwen2_vl": (4, 10),
    "qwen2_5_vl": (4, 10),
    "qwen3_vl": (4, 10),
    "internvl": (4, 16),
    "aya_vision": (4, 16),
    "gemma3": (4, 4),
    "paligemma": (16, 16),
    "idefics3": (20, 12),
    "smolvlm": (20, 12),
    "llava_onevision": (44, 34),
    "llava_next": (44, 34),
    "instructblip": (3, 3),
    "blip-2": (3, 3),
    "mblip": (3, 3),
    "mllama": (1, 1),
}
ALONE = {"instructblip", "blip-2", "mblip", "paligemma"}
CHOICES = ("yes", "a red circle", "አዎ")
SHAREABLE = set(FAMILIES) - ALONE - {"mllama"}


@pytest.fixture(scope="module", params=list(FAMILIES))
def family(request, tmp_path_factory):
    if request.param == "smolvlm":
        pytest.importorskip("num2words", reason="SmolVLM's processor needs it: pip install num2words")
    return request.param, build_family(tmp_path_factory.mktemp("families") / request.param, request.param)


@pytest.fixture(scope="module")
def plain(family):
    return load_model(resolve_model(f"hf:{family[1]}"), device="cpu", batch_size=8, engine="plain")


def one_by_one(adapter, asked):
    """The answers of batches of one."""
    adapter.batch_size = 1
    try:
        return {response.key: response for response in adapter.generate(asked)}
    finally:
        adapter.batch_size = 8


def picture(number=0, size=(20, 14)):
    return image_ref(picture_bytes(COLOURS[number], size), f"{number}-{size}.png")


def ragged(**options):
    """Eight requests of different lengths on pictures of two shapes; ends before the budget and at it."""
    sizes = [(20, 14), (40, 14)]
    return [
        make_request(f"q/{number}/{place}@en", question, picture(number, size), **options)
        for place, size in enumerate(sizes)
        for number, question in enumerate(QUESTIONS[:4])
    ]


def extended(inputs, ids, family):
    """The processor's inputs with more tokens behind the prompt, as the model takes them while it answers."""
    import torch

    made = dict(inputs)
    more = torch.tensor([list(ids)])
    for name, value in inputs.items():
        if name == "input_ids":
            made[name] = torch.cat([value, more], 1)
        elif name == "cross_attention_mask":
            made[name] = torch.cat([value, value[:, -1:].expand(-1, len(ids), -1, -1)], 1)
        elif name in ("attention_mask", "token_type_ids", "mm_token_type_ids"):
            # In PaliGemma what is answered is of the other type: it sees only what stands before it.
            kind = 1 if name == "attention_mask" or family == "paligemma" else 0
            made[name] = torch.cat([value, torch.full_like(more, kind)], 1)
    return made


def processed(adapter, name, text, image):
    from model_adapters.images import decode_image

    processor = adapter._loaded.processor
    images = [decode_image(image)]
    begin = processor.tokenizer.bos_token
    options = {"add_special_tokens": False} if begin and text.startswith(begin) else {}
    nested = images if FAMILIES[name].model_type in ("blip-2", "instructblip") else [images]
    with warnings.catch_warnings():
        # PaliGemma's processor and NumPy 2.
        warnings.simplefilter("ignore", DeprecationWarning)
        made = processor(text=[text], images=nested, return_tensors="pt", **options)
    return {key: value for key, value in made.items() if key not in ("labels", "num_crops")}


def logprobs_by_hand(adapter, name, inputs, ids):
    """Log-probability of each of `ids` after the prompt, from one plain forward pass without a cache."""
    import torch

    model = adapter._loaded.model
    with torch.inference_mode():
        if name == "mblip":
            start = adapter._loaded.decoder_start
            logits = model(**inputs, decoder_input_ids=torch.tensor([[start, *ids[:-1]]])).logits[0]
        else:
            logits = model(**extended(inputs, ids[:-1], name) if len(ids) > 1 else inputs).logits[0][-len(ids) :]
    return logits.float().log_softmax(-1).gather(-1, torch.tensor(ids)[:, None])[:, 0].tolist()


def test_the_prompt_is_that_of_the_familys_template(family, plain):
    response = next(plain.generate([make_request("q/1@en", "Is it red?", picture())]))
    assert response.prompt == FAMILIES[family[0]].prompt


def test_an_image_takes_as_many_tokens_as_counted_by_hand(family, plain):
    name = family[0]
    token = plain._loaded.processor.tokenizer.convert_tokens_to_ids(FAMILIES[name].image_token)
    counts = []
    for size in ((20, 14), (40, 14)):
        inputs = processed(plain, name, FAMILIES[name].prompt, picture(0, size))
        counts.append(int((inputs["input_ids"] == token).sum()))
    assert tuple(counts) == IMAGE_TOKENS[name]


def test_a_batch_of_eight_answers_as_one_by_one(plain):
    asked = ragged(choices=CHOICES, max_new_tokens=6)
    alone = one_by_one(plain, asked)
    together = {response.key: response for response in plain.generate(asked)}
    assert [one.error for one in alone.values()] == [None] * 8
    for key, response in together.items():
        assert (response.text, response.finish_reason) == (alone[key].text, alone[key].finish_reason)
        sums = [score.logprob_sum for score in response.choices]
        assert sums == pytest.approx([score.logprob_sum for score in alone[key].choices], abs=1e-3)


def test_answers_are_the_likeliest_tokens_one_after_the_other(family, plain):
    adapter = plain
    for request, response in zip(ragged()[:2], list(adapter.generate(ragged(max_new_tokens=3))), strict=False):
        inputs = processed(adapter, family[0], response.prompt, request.parts[0].image)
        said: list[int] = []
        while len(said) < 3 and (not said or said[-1] not in adapter._loaded.end_token_ids):
            scores = _next_scores(adapter, family[0], inputs, said)
            said.append(int(scores.argmax()))
        assert response.text == adapter.decode(said)
        assert response.completion_tokens == len(said)


def _next_scores(adapter, name, inputs, said):
    import torch

    with torch.inference_mode():
        if name == "mblip":
            tokens = torch.tensor([[adapter._loaded.decoder_start, *said]])
            return adapter._loaded.model(**inputs, decoder_input_ids=tokens).logits[0, -1]
        return adapter._loaded.model(**(extended(inputs, said, name) if said else inputs)).logits[0, -1]


def test_log_probabilities_of_choices_equal_a_hand_computation(family, plain):
    name, adapter = family[0], plain
    request = make_request("q/1@en", "Is it red?", picture(), choices=CHOICES, max_new_tokens=0)
    response = next(adapter.generate([request]))
    inputs = processed(adapter, name, response.prompt, request.parts[0].image)
    prompt = inputs["input_ids"][0].tolist()
    tokenizer = adapter._loaded.processor.tokenizer
    for score in response.choices:
        if name in ("mblip", "paligemma"):
            ids = tokenizer(score.text, add_special_tokens=False)["input_ids"]
        else:
            text = response.prompt + FAMILIES[name].separator + score.text
            together = processed(adapter, name, text, request.parts[0].image)["input_ids"][0].tolist()
            assert together[: len(prompt)] == prompt
            ids = together[len(prompt) :]
        by_hand = logprobs_by_hand(adapter, name, inputs, ids)
        assert score.tokens == len(ids)
        assert score.logprob_sum == pytest.approx(sum(by_hand), abs=2e-3)
        assert score.logprob_mean == pytest.approx(sum(by_hand) / len(ids), abs=2e-3)


def test_an_answer_stops_at_an_end_token_of_the_checkpoint_or_of_the_template(family, plain):
    answers = list(plain.generate(ragged(max_new_tokens=30)))
    stopped = [one for one in answers if one.finish_reason == "stop"]
    assert stopped
    assert all(one.completion_tokens <= 30 for one in stopped)
    loaded = plain._loaded
    # What a template closes a turn with, where that is not the tokenizer's end token.
    closing = {"aya_vision": "<|END_RESPONSE|>", "gemma3": "<end_of_turn>"}.get(family[0], FAMILIES[family[0]].end)
    assert loaded.processor.tokenizer.convert_tokens_to_ids(closing) in loaded.end_token_ids


def test_prefixes_shared_between_questions_change_no_answer(family, plain):
    sharing = load_model(resolve_model(f"hf:{family[1]}"), device="cpu", batch_size=8)
    assert sharing.settings()["engine"] == ("shared" if family[0] in SHAREABLE else "plain")
    if family[0] not in SHAREABLE:
        return
    asked = ragged(choices=CHOICES, max_new_tokens=6)
    alone = one_by_one(plain, asked)
    for response in sharing.generate(asked):
        assert response.text == alone[response.key].text
        sums = [score.logprob_sum for score in response.choices]
        assert sums == pytest.approx([score.logprob_sum for score in alone[response.key].choices], abs=1e-3)


def test_a_run_that_shares_says_how_far_from_the_least_time_it_was(family):
    adapter = load_model(resolve_model(f"hf:{family[1]}"), device="cpu", batch_size=8)
    assert adapter.performance() == {}
    asked = ragged()
    list(adapter.generate(asked))
    said = adapter.performance()
    assert said["prompts"] == len(asked)
    if family[0] in SHAREABLE:
        assert said["counts"]["images"] > 0
        assert said["operations"]["vision"] > 0
        assert said["times_least"] == pytest.approx(said["seconds"] / sum(said["least_seconds"].values()))
    else:
        assert "least_seconds" not in said


def test_what_a_family_takes_is_known_before_anything_is_asked(family, plain):
    takes = plain.capabilities
    assert takes.choices
    assert takes.text_only == (family[0] not in ALONE)
    assert takes.images == (1 if FAMILIES[family[0]].model_type in ("blip-2", "instructblip") else None)
    assert takes.shots == takes.system == (family[0] not in ALONE) or family[0] == "llava_next"
    if family[0] == "llava_next":
        # Mistral's template raises on a system turn.
        assert takes.shots
        assert not takes.system


def test_text_alone_and_two_images_are_answered_where_the_family_takes_them(plain):
    adapter = plain
    two = make_request("q/two@en", "Are they alike?", picture(0))
    asked = []
    if adapter.capabilities.text_only:
        asked.append(make_request("q/none@en", "Is there text only?"))
    if adapter.capabilities.images is None:
        from dataclasses import replace

        from lrm_eval.types import ImagePart

        asked.append(replace(two, parts=(ImagePart(picture(0)), ImagePart(picture(1, (40, 14))), two.parts[1])))
    for response in adapter.generate(asked):
        assert (response.error, response.prompt_tokens > 3) == (None, True)


def test_system_text_and_examples_stand_in_the_prompt_in_their_order(plain):
    from dataclasses import replace

    from lrm_eval.types import ImagePart

    adapter = plain
    shot = Shot((ImagePart(picture(1)), TextPart("Is it blue?")), "no")
    request = replace(make_request("q/1@en", "Is it red?", picture()), shots=(shot,))
    if adapter.capabilities.system:
        request = replace(request, system="Be brief.")
    response = next(adapter.generate([request]))
    if not adapter.capabilities.shots:
        assert response.error == "this model takes a question alone, without a system text or examples"
        return
    places = [response.prompt.find(text) for text in ("Is it blue?", "no", "Is it red?")]
    assert response.error is None
    assert -1 < places[0] < places[1] < places[2]
    if adapter.capabilities.system:
        assert -1 < response.prompt.find("Be brief.") < places[0]
