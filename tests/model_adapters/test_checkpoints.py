from __future__ import annotations

import json
import re
import shutil

import pytest
from tiny_checkpoint import build_checkpoint

from lrm_eval.errors import RunError, UsageError
from model_adapters import load_model, resolve_model
from model_adapters.checkpoints import content_hash, locate, parameter_count, parse_checkpoint
from model_adapters.spec import CheckpointRef


@pytest.fixture
def copy(llava_folder, tmp_path):
    return shutil.copytree(llava_folder, tmp_path / "copy")


def refused(folder, message):
    with pytest.raises(UsageError, match=message) as caught:
        load_model(resolve_model(f"hf:{folder}"), device="cpu")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 450


def test_truncated_weights_are_refused(copy):
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    refused(copy, r"model\.safetensors: truncated \(\d+ bytes, \d+ expected\)")


def test_weights_cut_inside_the_header_are_refused(copy):
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    refused(copy, r"model\.safetensors: truncated \(100 bytes\)")


def test_weights_that_are_no_safetensors_are_refused(copy):
    (copy / "model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    refused(copy, r"model\.safetensors: not a safetensors file")


def test_pickled_weights_are_refused(copy):
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    refused(copy, r"only pickled weights")


def test_no_weights_at_all_are_refused(copy):
    (copy / "model.safetensors").unlink()
    refused(copy, r"has no model\.safetensors")


def test_a_missing_shard_is_named(copy):
    (copy / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "model-2-of-2.safetensors"}}))
    refused(copy, r"model-2-of-2\.safetensors is missing")


def test_a_missing_config_is_named(copy):
    (copy / "config.json").unlink()
    refused(copy, r"config\.json is missing")


def test_a_broken_config_is_named_with_its_line(copy):
    (copy / "config.json").write_text('{"model_type": "llava",\n "oops" }')
    refused(copy, r"config\.json:2: not valid JSON")


def test_another_architecture_is_refused_by_name(copy):
    (copy / "config.json").write_text(json.dumps({"model_type": "bert"}))
    refused(copy, r"model_type 'bert': not an image-text-to-text architecture of transformers")


def test_a_config_of_a_far_larger_model_than_the_weights_is_refused_before_memory_is_taken(copy):
    (copy / "config.json").write_text(json.dumps({"model_type": "qwen2_vl"}))
    refused(copy, r"config\.json describes a model of \d+ parameters, its weights hold \d+")


@pytest.mark.parametrize("name", ["tokenizer.json", "processor_config.json"])
def test_a_missing_processor_file_is_named(copy, name):
    (copy / name).unlink()
    refused(copy, r"has no (tokenizer|image processor)")


def test_a_checkpoint_without_a_chat_template_is_refused(copy):
    (copy / "chat_template.jinja").unlink()
    refused(copy, r"has no chat template")


def test_weights_that_are_left_out_are_refused_instead_of_drawn_at_random(copy):
    from safetensors.torch import load_file, save_file

    weights = load_file(copy / "model.safetensors")
    name = next(name for name in weights if "linear_2.weight" in name)
    del weights[name]
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    refused(copy, r"1 weights are missing, .*linear_2\.weight the first")


def test_a_folder_that_is_not_there_is_refused_before_anything_is_loaded(tmp_path):
    with pytest.raises(UsageError, match=r"no such folder"):
        resolve_model(f"hf:{tmp_path}/nothing")


def test_a_hub_id_is_understood_and_nothing_is_downloaded():
    assert parse_checkpoint("llava-hf/llava-1.5-7b-hf@main") == CheckpointRef(
        hub_id="llava-hf/llava-1.5-7b-hf", revision="main"
    )
    assert resolve_model("hf:llava-hf/bakLlava-v1-hf").name == "hf:llava-hf/bakLlava-v1-hf"


def test_a_hub_that_cannot_be_reached_is_one_line_that_says_what_to_do(monkeypatch, tmp_path):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(RunError, match=re.escape("give a local copy with --checkpoint FOLDER")) as caught:
        locate(CheckpointRef(hub_id="nobody/nothing-here"))
    assert "\n" not in str(caught.value)


def test_the_hash_is_of_the_content_and_not_of_the_path(llava_folder, copy):
    before = content_hash(llava_folder)
    assert content_hash(copy) == before
    (copy / "README.md").write_text("a card decides nothing")
    assert content_hash(copy) == before


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja"])
def test_a_changed_byte_in_any_file_that_decides_answers_changes_the_hash(copy, name):
    before = content_hash(copy)
    data = bytearray((copy / name).read_bytes())
    data[-5] ^= 1
    (copy / name).write_bytes(bytes(data))
    assert content_hash(copy) != before


def test_parameters_are_counted_from_the_headers(llava_folder):
    from transformers import LlavaForConditionalGeneration

    model = LlavaForConditionalGeneration.from_pretrained(llava_folder)
    assert parameter_count(llava_folder) == sum(weight.numel() for weight in model.parameters())


def test_other_weights_under_the_same_path_get_another_hash(tmp_path):
    folder = build_checkpoint(tmp_path / "x", seed=0)
    before = content_hash(folder)
    assert content_hash(build_checkpoint(folder, seed=1)) != before


def test_the_files_and_names_of_a_llava_hf_checkpoint_give_the_same_answers(llava_folder, copy):
    from safetensors.torch import load_file, save_file
    from tiny_checkpoint import ragged_requests

    # As in llava-hf/llava-1.5-7b-hf: preprocessor_config.json, chat_template.json, vision_tower.vision_model.*
    settings = json.loads((copy / "processor_config.json").read_text())
    images = settings.pop("image_processor") | {"image_processor_type": "CLIPImageProcessor"}
    (copy / "preprocessor_config.json").write_text(json.dumps(images))
    (copy / "processor_config.json").write_text(json.dumps(settings))
    template = (copy / "chat_template.jinja").read_text()
    (copy / "chat_template.jinja").unlink()
    (copy / "chat_template.json").write_text(json.dumps({"chat_template": template}))
    weights = load_file(copy / "model.safetensors")
    renamed = {
        re.sub(r"^vision_tower\.(?!vision_model)", "vision_tower.vision_model.", k): w for k, w in weights.items()
    }
    assert set(renamed) != set(weights)
    save_file(renamed, copy / "model.safetensors", metadata={"format": "pt"})
    old, new = (load_model(resolve_model(f"hf:{folder}"), device="cpu") for folder in (copy, llava_folder))
    assert list(old.generate(ragged_requests())) == list(new.generate(ragged_requests()))
