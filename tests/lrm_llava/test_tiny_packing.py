"""Packed rows give the very logits of each exchange asked alone, and the ids of the processor's chat template."""

import random

import pytest
import torch

from lrm_llava.tiny.config import LanguageConfig, TinyRecipe
from lrm_llava.tiny.dialogues import Mix, corpus, draw_query, image_exchange, plain_exchange
from lrm_llava.tiny.grammar import languages
from lrm_llava.tiny.model import build_model, build_processor, train_tokenizer
from lrm_llava.tiny.packing import IGNORE, Encoder, pack
from lrm_llava.tiny.train import answer_logits
from lrm_llava.tiny.vision import patch_features, pixels
from lrm_llava.tiny.world import draw_scene

TAGS = languages()
RECIPE = TinyRecipe(language=LanguageConfig(vocab_size=1500, width=32, layers=2, heads=2, mlp=64))
SCENES = [draw_scene(random.Random(seed), "train") for seed in range(4)]


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(corpus(TAGS, SCENES, 1), RECIPE.language.vocab_size)


@pytest.fixture(scope="module")
def model(tokenizer):
    return build_model(RECIPE, tokenizer).eval()


@pytest.fixture(scope="module")
def processor(tokenizer):
    return build_processor(tokenizer, RECIPE)


@torch.no_grad()
def test_packed_logits_equal_those_of_single_exchanges(model, tokenizer, processor) -> None:
    encoder = Encoder(tokenizer, 9)
    rng = random.Random(2)
    mix = Mix(TAGS, 0.3, 0.3, (0.4, 0.3, 0.3))
    rows = [
        [encoder.exchange(image_exchange(scene, mix, rng)) for _ in range(count)]
        for scene, count in zip(SCENES, (1, 5, 2, 3), strict=True)
    ]
    features = patch_features(model, pixels(SCENES, random.Random(3), processor))
    together, _ = answer_logits(model, pack([(encoder.image_prefix, row) for row in rows], encoder.pad), features)
    alone = [
        answer_logits(model, pack([(encoder.image_prefix, [one])], encoder.pad), features[number : number + 1])[0]
        for number, row in enumerate(rows)
        for one in row
    ]
    torch.testing.assert_close(together, torch.cat(alone), atol=2e-5, rtol=2e-5)


@torch.no_grad()
def test_packed_logits_equal_those_of_the_plain_model(model, tokenizer, processor) -> None:
    scene, rng = SCENES[1], random.Random(4)
    encoder = Encoder(tokenizer, 9)
    values = pixels([scene], random.Random(5), processor)
    ids, prompt = encoder.exchange(plain_exchange(draw_query(scene, rng), "sw"))
    packed, _ = answer_logits(
        model, pack([(encoder.image_prefix, [(ids, prompt)])], encoder.pad), patch_features(model, values)
    )
    whole = torch.tensor([encoder.image_prefix + ids])
    plain = model(input_ids=whole, pixel_values=values).logits[0, len(encoder.image_prefix) + prompt - 1 : -1]
    torch.testing.assert_close(packed, plain, atol=2e-5, rtol=2e-5)


@pytest.mark.parametrize("tag", TAGS)
def test_the_encoder_gives_the_ids_of_the_chat_template(tag: str, tokenizer, processor) -> None:
    from lrm_llava.tiny.world import render

    rng = random.Random(6)
    encoder = Encoder(tokenizer, 9)
    for scene in SCENES:
        one = plain_exchange(draw_query(scene, rng), tag)
        ids, prompt = encoder.exchange(one)
        messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": one.prompt}]}]
        text = processor.apply_chat_template(messages, add_generation_prompt=True)
        wanted = processor(images=[render(scene, rng)], text=[text], return_tensors="pt")["input_ids"][0].tolist()
        assert encoder.image_prefix + ids[:prompt] == wanted
        answered = [*messages, {"role": "assistant", "content": [{"type": "text", "text": one.answer}]}]
        assert tokenizer.encode(processor.apply_chat_template(answered)).count(tokenizer.eos_token_id) == 1


def test_only_answers_and_the_end_of_sequence_are_supervised(tokenizer) -> None:
    encoder = Encoder(tokenizer, 9)
    rng = random.Random(7)
    mix = Mix(TAGS, 0.0, 0.0, (0.0, 1.0, 0.0))
    exchanges = [image_exchange(SCENES[2], mix, rng) for _ in range(4)]
    batch = pack([(encoder.image_prefix, [encoder.exchange(one) for one in exchanges])], encoder.pad)
    for number, one in enumerate(exchanges):
        taught = batch.labels[(batch.exchange == number) & (batch.labels != IGNORE)]
        assert tokenizer.decode(taught) == f" {one.answer}</s>"
