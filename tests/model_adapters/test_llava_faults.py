from __future__ import annotations

import pytest
from tiny_checkpoint import (
    COLOURS,
    QUESTIONS,
    build_checkpoint,
    image_ref,
    make_request,
    picture_bytes,
    ragged_requests,
)

from lrm_eval.types import ImageRef
from model_adapters import load_model, resolve_model


def load(folder, **options):
    return load_model(resolve_model(f"hf:{folder}"), device="cpu", **options)


def missing_file() -> bytes:
    raise FileNotFoundError(2, "No such file or directory", "lost.png")


GOOD = picture_bytes(COLOURS[0], (64, 64))
BROKEN = {
    "missing": (ImageRef("lost.png", None, missing_file), "image lost.png: cannot be read: No such file or directory"),
    "empty": (image_ref(b"", "empty.png"), "image empty.png: the file is empty"),
    "text": (image_ref(b"GIF is not this", "words.jpg"), "image words.jpg: not an image file"),
    "truncated": (image_ref(GOOD[: len(GOOD) // 2], "half.png"), "image half.png: cannot be decoded: "),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_bad_image_is_the_error_of_its_request_and_the_others_go_on(llava_folder, fault):
    broken, message = BROKEN[fault]
    requests = ragged_requests()
    requests.insert(3, make_request("bad@sw", QUESTIONS[1], broken, language="sw"))
    responses = {r.key: r for r in load(llava_folder, batch_size=8).generate(requests)}
    bad = responses.pop("bad@sw")
    assert bad.finish_reason == "error"
    assert bad.error is not None
    assert bad.error.startswith(message)
    assert "\n" not in bad.error
    assert responses == {r.key: r for r in load(llava_folder, batch_size=1).generate(ragged_requests())}


def test_grey_palette_and_transparent_images_are_read_as_rgb():
    import io

    from PIL import Image

    from model_adapters.images import decode_image

    for mode in ("L", "P", "RGBA", "CMYK", "1"):
        out = io.BytesIO()
        Image.new(mode, (5, 4)).save(out, "TIFF")
        picture = decode_image(image_ref(out.getvalue()))
        assert (picture.mode, picture.size) == ("RGB", (5, 4))


def test_a_question_longer_than_the_context_is_an_error_and_the_others_go_on(llava_folder):
    picture = image_ref(GOOD)
    requests = [make_request("long@en", "word " * 400, picture), make_request("short@en", QUESTIONS[0], picture)]
    long, short = load(llava_folder, batch_size=2).generate(requests)
    assert long.error is not None
    assert "a context of 256" in long.error
    assert short.error is None


def test_an_answer_ends_where_the_context_ends(tmp_path):
    adapter = load(build_checkpoint(tmp_path / "short", context=24))
    response = next(adapter.generate([make_request("q@en", QUESTIONS[0], image_ref(GOOD), max_new_tokens=50)]))
    assert response.prompt_tokens + response.completion_tokens <= 24
    assert response.error is None


def test_a_question_that_holds_the_image_placeholder_is_an_error(llava_folder):
    response = next(load(llava_folder).generate([make_request("q@en", "What is <image> here?", image_ref(GOOD))]))
    assert response.error == "the text of the request holds '<image>', the placeholder of an image"


def failing_above(adapter, rows, error):
    """Make the engine run out of memory for more than `rows` rows, as a full device would."""
    sizes = []
    if adapter._shared is None:
        generate = adapter._loaded.model.generate

        def limited(**inputs):
            sizes.append(len(inputs["input_ids"]))
            if sizes[-1] > rows:
                raise error
            return generate(**inputs)

        adapter._loaded.model.generate = limited
        return sizes
    piece = adapter._shared._piece

    def smaller(seats):
        sizes.append(len(seats))
        if sizes[-1] > rows:
            # Half the work is done, as it would be.
            adapter._shared._read_prefixes(seats)
            raise error
        return piece(seats)

    adapter._shared._piece = smaller
    return sizes


@pytest.mark.parametrize("engine", ["plain", "shared"])
def test_out_of_memory_halves_the_batch_and_remembers_it(llava_folder, engine):
    import torch

    adapter = load(llava_folder, batch_size=8, engine=engine)
    sizes = failing_above(adapter, 2, torch.OutOfMemoryError("CUDA out of memory."))
    responses = {r.key: r for r in adapter.generate(ragged_requests())}
    assert responses == {r.key: r for r in load(llava_folder, batch_size=1, engine=engine).generate(ragged_requests())}
    # The first batch is the five questions on one image.
    assert sizes[:3] == ([8, 4, 2] if engine == "plain" else [5, 2, 2])
    assert max(sizes[2:]) == 2
    assert adapter.settings()["batch_size"] == 2


@pytest.mark.parametrize("engine", ["plain", "shared"])
def test_out_of_memory_with_one_request_alone_is_its_error(llava_folder, engine):
    adapter = load(llava_folder, batch_size=2, engine=engine)
    failing_above(adapter, 0, RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 1 byte"))
    responses = list(adapter.generate(ragged_requests()[:4]))
    assert {r.error for r in responses} == {"out of memory with this request alone"}
    assert len(responses) == 4


@pytest.mark.parametrize("engine", ["plain", "shared"])
def test_any_other_fault_of_the_model_is_not_swallowed(llava_folder, engine):
    adapter = load(llava_folder, engine=engine)
    failing_above(adapter, 0, RuntimeError("size mismatch"))
    with pytest.raises(RuntimeError, match="size mismatch"):
        list(adapter.generate(ragged_requests()))


def test_an_image_too_large_for_the_vision_tower_is_the_error_of_its_requests(llava_folder, monkeypatch):
    from model_adapters.llava_loading import LoadedLlava

    compute = LoadedLlava.features

    def limited(self, pixels):
        if pixels.mean() > 0.2:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        return compute(self, pixels)

    alone = {r.key: r for r in load(llava_folder, batch_size=1).generate(ragged_requests())}
    adapter = load(llava_folder, batch_size=8)
    monkeypatch.setattr(LoadedLlava, "features", limited)
    responses = {r.key: r for r in adapter.generate(ragged_requests())}
    failed = {key for key, response in responses.items() if response.error is not None}
    assert {key.split("/")[1] for key in failed} == {"3"}
    assert {responses[key].error for key in failed} == {"image 3.png: out of memory in the vision tower"}
    assert all(responses[key] == alone[key] for key in responses.keys() - failed)


def test_an_empty_answer_is_an_answer(llava_folder):
    adapter = load(llava_folder, batch_size=8)
    # The end token of every vocabulary: whatever comes first ends the answer.
    adapter._loaded.end_token_ids = frozenset(range(400))
    adapter._loaded.processor.tokenizer.decode = lambda ids, **_: "" if len(ids) == 1 else "more"
    for response in adapter.generate(ragged_requests()):
        assert (response.text, response.finish_reason, response.completion_tokens) == ("", "stop", 1)


def test_images_are_decoded_ahead_and_a_bad_one_among_them_harms_nobody(llava_folder):
    pictures = [image_ref(picture_bytes(colour)) for colour in COLOURS]
    pictures[2] = image_ref(GOOD[:60], "half.png")
    requests = [make_request(f"{p}/{n}@en", f"{n}?", pictures[p]) for p in range(5) for n in range(3)]
    adapter = load(llava_folder, batch_size=3)
    announced = []
    announce = adapter._vision.announce
    adapter._vision.announce = lambda images: announced.append(len(list(images))) or announce(images)
    responses = {r.key: r for r in adapter.generate(requests)}
    assert {key for key, r in responses.items() if r.error} == {f"2/{n}@en" for n in range(3)}
    assert len(announced) >= 5
