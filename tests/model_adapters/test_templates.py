from __future__ import annotations

import shutil

import pytest
from tiny_checkpoint import COLOURS, image_ref, make_request, picture_bytes

from lrm_eval.errors import UsageError
from model_adapters import load_model, resolve_model


def test_llava_15_gets_the_vicuna_v1_conversation_with_its_system_sentence(llava_folder):
    adapter = load_model(resolve_model("llava-1.5-7b", str(llava_folder)), device="cpu")
    text = "Is there a dog?\nAnswer the question using a single word or phrase."
    response = next(adapter.generate([make_request("q@en", text, image_ref(picture_bytes(COLOURS[0])))]))
    # haotian-liu/LLaVA c121f04: conv_vicuna_v1.get_prompt(), the question after "<image>\n" (model_vqa_loader.py).
    assert response.prompt == (
        "A chat between a curious user and an artificial intelligence assistant. "
        "The assistant gives helpful, detailed, and polite answers to the user's questions. "
        "USER: <image>\nIs there a dog?\n"
        "Answer the question using a single word or phrase. ASSISTANT:"
    )


def test_other_checkpoints_get_their_own_template(llava_folder):
    adapter = load_model(resolve_model(f"hf:{llava_folder}"), device="cpu")
    response = next(adapter.generate([make_request("q@en", "Is there a dog?", image_ref(picture_bytes(COLOURS[0])))]))
    assert response.prompt == "USER: <image>\nIs there a dog? ASSISTANT:"


def test_padding_equals_llavas_expand2square(llava_folder):
    import numpy as np
    from PIL import Image

    from model_adapters.llava_loading import load_llava
    from model_adapters.spec import CheckpointRef

    loaded = load_llava(CheckpointRef(path=llava_folder), "cpu", "float32", "pad")
    plain = load_llava(CheckpointRef(path=llava_folder), "cpu", "float32", "checkpoint")
    rng = np.random.default_rng(0)
    for width, height in ((40, 16), (16, 40), (31, 30), (24, 24)):
        picture = Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
        side = max(width, height)
        # llava/mm_utils.py: the background is the mean colour, cut to integers, the picture is pasted in the middle.
        square = Image.new("RGB", (side, side), (122, 116, 104))
        square.paste(picture, ((side - width) // 2, (side - height) // 2))
        ours = loaded.processor.image_processor(images=picture, return_tensors="np")["pixel_values"]
        theirs = plain.processor.image_processor(images=square, return_tensors="np")["pixel_values"]
        assert np.abs(ours - theirs).max() == 0


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ messages[0]['nothing']['more'] }}", "its chat template fails"),
        ("{{ 'USER: no image' }}", "does not render one <image> and the question"),
        ("{% if %}", "its chat template fails"),
    ],
)
def test_a_template_that_cannot_be_used_is_one_line(llava_folder, tmp_path, template, message):
    copy = shutil.copytree(llava_folder, tmp_path / "copy")
    (copy / "chat_template.jinja").write_text(template)
    with pytest.raises(UsageError, match=message) as caught:
        load_model(resolve_model(f"hf:{copy}"), device="cpu")
    assert "\n" not in str(caught.value)


def test_a_template_that_writes_the_begin_token_gets_no_second_one(llava_folder, tmp_path):
    copy = shutil.copytree(llava_folder, tmp_path / "copy")
    template = (copy / "chat_template.jinja").read_text()
    (copy / "chat_template.jinja").write_text("{{ '<s>' }}" + template)
    request = make_request("q@en", "Is there a dog?", image_ref(picture_bytes(COLOURS[0])))
    counts = [
        next(load_model(resolve_model(f"hf:{f}"), device="cpu").generate([request])) for f in (llava_folder, copy)
    ]
    assert counts[0].prompt_tokens == counts[1].prompt_tokens
    assert counts[0].text == counts[1].text
