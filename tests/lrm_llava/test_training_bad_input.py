"""Weights, tokenizers, shards, packages and options that do not fit: one line each, before the first step."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from lrm_llava_small_parts import record, save_samples, save_small_data, small_recipe, small_training
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, CLIPVisionConfig

from lrm_eval.errors import UsageError
from lrm_llava.assembly import assemble
from lrm_llava.backbones import load_backbone
from lrm_llava.export import export_model
from lrm_llava.training import setup
from lrm_llava.training.command import Slice, train_command
from lrm_llava.training.setup import Where, load_checkpoint, start_model, training_arguments


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return save_small_data(tmp_path_factory.mktemp("data"))


@pytest.fixture
def checkpoint(data, tmp_path) -> Path:
    model, processor = assemble(str(data / "vision"), str(data / "language"), load_backbone("vicuna-7b"))
    export_model(model, processor, tmp_path / "checkpoint")
    return tmp_path / "checkpoint"


def parts(data: Path, folder: Path) -> Path:
    for part in ("vision", "language"):
        (folder / part).symlink_to(data / part)
    return folder


def change(path: Path, **fields: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_a_checkpoint_with_a_weight_of_another_shape_is_one_line(checkpoint) -> None:
    weights = load_file(checkpoint / "model.safetensors")
    weights["multi_modal_projector.linear_1.weight"] = torch.zeros(3, 3)
    save_file(weights, checkpoint / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UsageError, match=rf"{checkpoint}: "):
        load_checkpoint(checkpoint)


def test_a_checkpoint_without_a_weight_names_it(checkpoint) -> None:
    weights = load_file(checkpoint / "model.safetensors")
    del weights["multi_modal_projector.linear_1.bias"]
    save_file(weights, checkpoint / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UsageError, match=r"1 weights are missing, .*linear_1.bias the first"):
        load_checkpoint(checkpoint)


def test_damaged_weights_are_one_line(data, checkpoint, tmp_path) -> None:
    (checkpoint / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(UsageError, match=r"cannot be loaded"):
        load_checkpoint(checkpoint)
    (tmp_path / "vision").mkdir()
    for path in (data / "vision").iterdir():
        (tmp_path / "vision" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "vision" / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(UsageError, match="vision tower"):
        assemble(str(tmp_path / "vision"), str(data / "language"), load_backbone("vicuna-7b"))


def test_a_tower_that_does_not_fit_its_config_is_one_line(data, tmp_path) -> None:
    (tmp_path / "vision").mkdir()
    for path in (data / "vision").iterdir():
        (tmp_path / "vision" / path.name).write_bytes(path.read_bytes())
    CLIPVisionConfig.from_pretrained(data / "vision", hidden_size=32).save_pretrained(tmp_path / "vision")
    with pytest.raises(UsageError, match="vision tower"):
        assemble(str(tmp_path / "vision"), str(data / "language"), load_backbone("vicuna-7b"))


def test_a_tokenizer_without_the_image_token_is_refused(data, checkpoint) -> None:
    AutoTokenizer.from_pretrained(data / "language").save_pretrained(checkpoint)
    with pytest.raises(UsageError, match=r"config.json has the image token at \d+; its tokenizer has none there"):
        load_checkpoint(checkpoint)


def test_a_template_without_marks_of_what_is_supervised_is_replaced_and_told(data, checkpoint, tmp_path) -> None:
    # As the template of llava-hf/llava-1.5-7b-hf.
    (checkpoint / "chat_template.jinja").write_text("{% for message in messages %}USER:{% endfor %}")
    told: list[str] = []
    where = Where(data, tmp_path / "out", checkpoint)
    _, processor, _ = start_model(small_recipe(), 1, where, None, told.append)
    assert "endgeneration" in processor.chat_template
    assert any("does not say what is supervised; taken: that of vicuna-7b" in line for line in told)


def test_an_empty_shard_beside_others_is_told_and_left_out(data, tmp_path) -> None:
    root = parts(data, tmp_path)
    shard = save_samples(root, 1, [record(n, "Is it?", "Yes") for n in range(8)])
    empty = shard.with_name("a-empty.jsonl")
    empty.write_text("\n")
    told: list[str] = []
    small_training(1, root, tmp_path / "out", told, max_steps=1)
    assert f"{empty}: empty shard (left out)" in told
    assert any(line.startswith("stage 1: 8 samples") for line in told)


def test_empty_shards_alone_are_refused(data, tmp_path) -> None:
    root = parts(data, tmp_path)
    (root / "stage1").mkdir()
    (root / "stage1" / "a.jsonl").write_text("")
    with pytest.raises(UsageError, match=r"a.jsonl: empty shard"):
        small_training(1, root, tmp_path / "out")


def test_turns_over_the_length_are_dropped_whole_and_counted(data, tmp_path) -> None:
    root = parts(data, tmp_path)
    long = record(0, "Is it red?", "Yes")
    long["conversations"] += long["conversations"][1:] * 0 + [
        turn for _ in range(40) for turn in ({"from": "human", "value": "And blue?"}, {"from": "gpt", "value": "No"})
    ]
    hopeless = record(1, "Is it? " * 200, "Yes")
    save_samples(root, 1, [long, hopeless, *(record(n, "Is it?", "Yes") for n in range(2, 8))])
    told: list[str] = []
    small_training(1, root, tmp_path / "out", told, max_steps=1)
    assert any(line.endswith("turns dropped at the end of samples over the length limit") for line in told)
    assert any(":2: its first turn is longer than 256 tokens (left out)" in line for line in told)
    stored = next((root / "stage1" / ".cache").glob("*.npz"))
    with np.load(stored) as found:
        assert found["lengths"][0] <= 256 and found["lengths"][1] == 0


def test_liger_kernels_are_never_silently_left_out(tmp_path, monkeypatch) -> None:
    recipe = small_recipe()
    asked = type(recipe)(**{**vars(recipe), "liger": True})
    monkeypatch.setattr(setup, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="the package liger-kernel is not installed; `pip install liger-kernel`"):
        training_arguments(asked, 1, tmp_path, "none", "cpu")
    monkeypatch.setattr(setup, "find_spec", lambda name: object())
    with pytest.raises(UsageError, match="its kernels need a GPU, and there is none here"):
        training_arguments(asked, 1, tmp_path, "none", "cpu")


@pytest.mark.parametrize(
    ("changes", "tasks", "message"),
    [
        ([], "tiny-pope", "needs --eval-every STEPS too"),
        (["stage1.evaluate_every=2"], "", "needs --eval-tasks TASKS too"),
    ],
)
def test_half_an_evaluation_is_refused(tmp_path, changes, tasks, message) -> None:
    where = Where(tmp_path, tmp_path)
    with pytest.raises(UsageError, match=message):
        train_command("tiny", 1, where, changes, "cpu", "none", Slice(tasks, "en", 4), lambda line: None)


@pytest.mark.parametrize(
    ("device", "log", "message"),
    [("gpu", "none", "unknown device 'gpu'"), ("cpu", "tensorbord", "did you mean 'tensorboard'")],
)
def test_names_that_are_none_are_refused(tmp_path, device, log, message) -> None:
    where = Where(tmp_path, tmp_path)
    with pytest.raises(UsageError, match=message):
        train_command("tiny", 1, where, [], device, log, Slice("", "en", 4), lambda line: None)


def test_a_recipe_file_that_is_damaged_is_named(data, tmp_path) -> None:
    (tmp_path / "stage1").mkdir()
    (tmp_path / "stage1" / "recipe.json").write_text("{")
    with pytest.raises(UsageError, match=r"recipe.json: cannot be read: .*give another --out, or remove it"):
        small_training(1, data, tmp_path)


def test_no_option_is_taken_for_one_of_torchrun() -> None:
    # torchrun reads the whole line, and gives up where an option of ours could be the beginning of two of its own.
    import typer
    from torch.distributed.run import get_args_parser

    from lrm_llava.cli import app

    train = typer.main.get_command(app).commands["train"]
    for option in (name for parameter in train.params for name in parameter.opts):
        line = ["--nproc-per-node=2", "-m", "lrm_llava.cli", "train", option, "x"]
        found = get_args_parser().parse_args(line)
        assert found.training_script_args == ["train", option, "x"]
