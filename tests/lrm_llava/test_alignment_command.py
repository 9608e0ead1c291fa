"""`lrm-llava analyze alignment` on the bundled models and on files of the user's own."""

import io
import json

import pytest
import torch
from PIL import Image
from transformers import LlavaForConditionalGeneration, LlavaProcessor
from typer.testing import CliRunner

from lrm_eval.errors import UsageError
from lrm_llava.analysis.alignment import analyze
from lrm_llava.analysis.features import extract, read_parallel, tiny_parallel
from lrm_llava.cli import app
from lrm_llava.tiny.install import CHECKPOINTS


def test_two_models_are_measured_in_every_language_and_drawn(tmp_path) -> None:
    command = ["analyze", "alignment", "--model", "lrm-llava", "--model", "llava-tiny", "--count", "40"]
    result = CliRunner().invoke(app, [*command, "--out", str(tmp_path)], catch_exceptions=False)
    assert result.exit_code == 0
    facts = json.loads((tmp_path / "alignment.json").read_text())
    assert set(facts["models"]) == {"lrm-llava", "llava-tiny"} and len(facts["models"]["lrm-llava"]) == 12
    assert set(facts["models"]["lrm-llava"]["sw"]) == {"centroid_distance", "cka", "mutual_neighbours", "retrieval"}
    with Image.open(tmp_path / "figure.png") as picture:
        assert picture.width > picture.height > 300
    assert "<svg" in (tmp_path / "figure.svg").read_text()


@pytest.fixture(scope="module")
def bundled():
    folder = CHECKPOINTS / "lrm-llava"
    return LlavaForConditionalGeneration.from_pretrained(folder).eval(), LlavaProcessor.from_pretrained(folder)


@torch.no_grad()
def test_the_visual_feature_is_the_mean_of_what_stands_in_the_images_place_in_a_prompt(bundled) -> None:
    model, processor = bundled
    samples = tiny_parallel(3)
    found = extract(model, processor, samples)
    picture = Image.open(io.BytesIO(samples[1].image)).convert("RGB")
    inputs = processor(images=picture, text="USER: <image>\nHi ASSISTANT:", return_tensors="pt")
    seen = {}

    def keep(_, args, kwargs):
        seen["embeds"] = kwargs["inputs_embeds"]

    hook = model.model.language_model.register_forward_pre_hook(keep, with_kwargs=True)
    model(**inputs)
    hook.remove()
    wanted = seen["embeds"][inputs["input_ids"] == model.config.image_token_id].mean(0)
    assert found.visual[1] == pytest.approx(wanted.numpy(), abs=1e-5)


def test_a_deeper_layer_gives_other_features_and_one_too_deep_is_refused(bundled) -> None:
    model, processor = bundled
    samples = tiny_parallel(4)
    shallow, deep = extract(model, processor, samples), extract(model, processor, samples, layer=4)
    assert shallow.visual.shape == deep.visual.shape and abs(shallow.visual - deep.visual).max() > 0.01
    with pytest.raises(UsageError, match=r"layer 5: the language model has 0 \(embeddings\) to 4"):
        extract(model, processor, samples, layer=5)


def test_padding_does_not_change_a_texts_feature(bundled) -> None:
    model, processor = bundled
    samples = tiny_parallel(6)
    for layer in (0, 4):
        together = extract(model, processor, samples, layer=layer)
        alone = extract(model, processor, samples, layer=layer, batch=1)
        assert together.text["am"] == pytest.approx(alone.text["am"], abs=2e-5)


def test_samples_of_the_users_own_are_read_and_faults_named(tmp_path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    path = tmp_path / "samples.jsonl"
    good = {"id": 1, "image": "a.png", "texts": {"en": "star", "swahili": "nyota"}}
    path.write_text(json.dumps(good) + "\n")
    assert read_parallel(path)[0].texts == {"en": "star", "sw": "nyota"}
    for line, words in (
        ("{", r"samples.jsonl:2: expected"),
        (json.dumps(good | {"image": "none.png"}), r"samples.jsonl:2: image none.png cannot be read"),
        (json.dumps(good | {"texts": {"en": "x"}}), r"samples.jsonl:2: other languages"),
    ):
        path.write_text(json.dumps(good) + "\n" + line + "\n")
        with pytest.raises(UsageError, match=words):
            read_parallel(path)
    with pytest.raises(UsageError, match="no such file"):
        read_parallel(tmp_path / "none.jsonl")


def test_a_model_without_weights_and_too_few_samples_are_one_line(tmp_path) -> None:
    with pytest.raises(UsageError, match="has no weights"):
        analyze(["random"], tmp_path, print, count=5)
    with pytest.raises(UsageError, match="at least 3"):
        analyze(["lrm-llava"], tmp_path, print, count=2)
