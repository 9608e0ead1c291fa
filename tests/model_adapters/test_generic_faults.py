"""Bad checkpoints, bad requests and too little memory, through the generic adapter."""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import replace

import pytest
from tiny_checkpoint import COLOURS, image_ref, make_request, picture_bytes
from tiny_families import build_family

from lrm_eval.errors import UsageError
from lrm_eval.types import TextPart
from model_adapters import load_model, resolve_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build_family(tmp_path_factory.mktemp("generic") / "qwen2_vl", "qwen2_vl")


@pytest.fixture(scope="module")
def adapter(folder):
    return load_model(resolve_model(f"hf:{folder}"), device="cpu", batch_size=8, engine="plain")


@pytest.fixture
def copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copy")


def asked(count=4, **options):
    return [
        make_request(f"q/{n}@en", f"Is there a {n}?", image_ref(picture_bytes(COLOURS[n % 5])), **options)
        for n in range(count)
    ]


def refused(copy, message, **options):
    with pytest.raises(UsageError, match=message) as caught:
        load_model(resolve_model(f"hf:{copy}"), device="cpu", **options)
    assert "\n" not in str(caught.value)


def test_a_shard_that_was_not_downloaded_is_named_with_what_to_do(copy):
    (copy / "model.safetensors").rename(copy / "model-00001-of-00002.safetensors")
    shards = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (copy / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    refused(copy, r"model-00002-of-00002\.safetensors is missing .*was the download broken off\?.*`hf download`")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("config.json", r"config\.json is missing"),
        ("tokenizer.json", "has no tokenizer"),
        ("chat_template.jinja", "has no chat template"),
    ],
)
def test_a_file_that_is_missing_is_named(copy, name, message):
    (copy / name).unlink()
    refused(copy, message)


def test_gits_stand_in_for_a_file_is_told_from_a_broken_one(copy):
    (copy / "model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    refused(copy, "git's stand-in for one; type `git lfs pull`")


def test_code_of_a_checkpoint_is_run_only_when_it_is_trusted(copy, monkeypatch, tmp_path):
    import transformers.dynamic_module_utils

    monkeypatch.setattr(transformers.dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr("sys.path", [*sys.path])
    (copy / "modeling_own.py").write_text("raise RuntimeError('the code of the checkpoint ran')\n")
    config = json.loads((copy / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "modeling_own.OwnConfig"}}
    (copy / "config.json").write_text(json.dumps(config))
    refused(copy, "comes with code of its own, which is never run unasked; .*--trust-remote-code")
    refused(copy, "the code of the checkpoint ran", trust_remote_code=True)


def test_an_architecture_that_reads_no_images_is_refused_by_name(copy):
    (copy / "config.json").write_text(json.dumps({"model_type": "bert"}))
    refused(copy, "model_type 'bert': not an image-text-to-text architecture")


def test_the_shared_engine_is_refused_where_it_cannot_be_had(folder):
    refused(folder, "engine 'shared' cannot be had: it decodes greedily", engine="shared", gen_kwargs={"num_beams": 2})


def test_a_request_that_cannot_be_asked_is_an_error_of_its_own(adapter):
    broken = make_request("q/broken@en", "?", image_ref(b"GIF89a"))
    long = make_request("q/long@en", "word " * 600, image_ref(picture_bytes(COLOURS[0])))
    marked = make_request("q/marked@en", "Is <|image_pad|> red?", image_ref(picture_bytes(COLOURS[0])))
    empty = make_request("q/empty@en", "?", image_ref(picture_bytes(COLOURS[0])), choices=("yes", ""))
    answers = {one.key: one for one in adapter.generate([*asked(2), broken, long, marked, empty])}
    words = {
        "q/broken@en": "cannot be decoded|not an image file",
        "q/long@en": r"the prompt has \d+ tokens and the model a context of 512",
        "q/marked@en": "holds '<|image_pad|>', the placeholder of an image",
        "q/empty@en": "the choice '' has no token of its own",
    }
    for key, text in words.items():
        message = answers[key].error or ""
        assert text in message or re.search(text, message), message
    assert [answers[f"q/{n}@en"].error for n in range(2)] == [None, None]


def test_when_memory_runs_out_the_batch_is_halved_and_the_answers_stay(folder, adapter, monkeypatch):
    import torch

    small = load_model(resolve_model(f"hf:{folder}"), device="cpu", batch_size=8, engine="plain")
    generate, rows = small._loaded.model.generate, []

    def limited(**inputs):
        rows.append(len(inputs["input_ids"]))
        if rows[-1] > 2:
            raise torch.OutOfMemoryError("out of memory")
        return generate(**inputs)

    monkeypatch.setattr(small._loaded.model, "generate", limited)
    texts = [one.text for one in small.generate(asked(8))]
    assert texts == [one.text for one in adapter.generate(asked(8))]
    assert rows[:3] == [8, 4, 2]
    assert small.settings()["batch_size"] == 2


def test_a_request_that_fits_no_memory_even_alone_is_an_error_of_its_own(folder, monkeypatch):
    small = load_model(resolve_model(f"hf:{folder}"), device="cpu", batch_size=2, engine="plain")

    def never(**_):
        raise MemoryError

    monkeypatch.setattr(small._loaded.model, "generate", never)
    assert {one.error for one in small.generate(asked(2))} == {"out of memory with this request alone"}


def test_what_is_drawn_depends_on_seed_and_key_and_not_on_the_neighbours(folder):
    def drawn(size, seed):
        spec = resolve_model(f"hf:{folder}")
        warm = {"temperature": 2.0}
        made = load_model(spec, device="cpu", batch_size=size, seed=seed, gen_kwargs=warm)
        return {one.key: one.text for one in made.generate(asked(3))}

    assert drawn(1, 7) == drawn(3, 7)
    assert drawn(3, 7) != drawn(3, 8)


def test_a_blind_model_sees_the_same_whatever_the_image(folder):
    blind = load_model(resolve_model(f"blind:hf:{folder}"), device="cpu", batch_size=4)
    pictures = [
        image_ref(picture_bytes(colour, size)) for colour, size in zip(COLOURS, [(20, 14), (90, 30)], strict=False)
    ]
    same = [replace(make_request(f"q/{n}@en", "Is it red?", one)) for n, one in enumerate(pictures)]
    answers = list(blind.generate(same))
    assert answers[0].text == answers[1].text
    assert answers[0].prompt_tokens == answers[1].prompt_tokens
    assert blind.fingerprint()["blind"] is True


def test_text_around_a_hidden_image_is_asked_alone(adapter):
    request = make_request("q/hidden@en", "Is it red?")
    assert request.parts == (TextPart("Is it red?"),)
    response = next(adapter.generate([request]))
    assert response.error is None
    assert "<|image_pad|>" not in (response.prompt or "")


def test_settings_of_the_image_processor_are_the_presets(folder, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine.yaml").write_text(
        "name: mine\ntitle: Mine\nadapter: hf\ncheckpoint: {id: me/mine, revision: null}\n"
        "image_options: {max_pixels: 64, min_pixels: 64}\n"
    )
    small = load_model(resolve_model("mine", str(folder), [tmp_path]), device="cpu", engine="plain")
    wide = make_request("q@en", "Is it red?", image_ref(picture_bytes(COLOURS[0], (80, 80))))
    # 64 pixels are one token, and the prompt has as many others as without a picture.
    without = next(small.generate([make_request("t@en", "Is it red?")])).prompt_tokens
    assert next(small.generate([wide])).prompt_tokens == without + 1 + 2
    assert small.fingerprint()["image_options"] == {"max_pixels": 64, "min_pixels": 64}
