"""A stage of training: what changes, exact resume, and what happens when something goes wrong."""

import json
import os
import signal
from pathlib import Path

import pytest
import torch
from lrm_llava_small_parts import record, save_samples, save_small_data, small_recipe, small_training
from safetensors.torch import load_file

from lrm_eval.errors import RunError, UsageError
from lrm_llava.training import train as training
from lrm_llava.training.trainer import LlavaTrainer, complete_checkpoints, last_checkpoint


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return save_small_data(tmp_path_factory.mktemp("data"))


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


@pytest.fixture(scope="module")
def unbroken(data, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("unbroken")
    small_training(1, data, out)
    small_training(2, data, out)
    return out


def test_stage_1_changes_exactly_the_projector(data, unbroken, tmp_path) -> None:
    # Paper, "Training": pre-training trains the projector; tower and language model are frozen.
    from lrm_llava.assembly import assemble
    from lrm_llava.backbones import load_backbone
    from lrm_llava.export import export_state

    before = export_state(
        assemble(str(data / "vision"), str(data / "language"), load_backbone("vicuna-7b"), seed=small_recipe().seed)[0]
    )
    after = weights(unbroken / "stage1" / "final")
    changed = {name for name in after if not torch.equal(before[name], after[name])}
    assert changed == {name for name in after if name.startswith("multi_modal_projector.")}


def test_stage_2_changes_projector_and_language_model_and_never_the_tower(unbroken) -> None:
    before, after = weights(unbroken / "stage1" / "final"), weights(unbroken / "stage2" / "final")
    same = {name for name in after if torch.equal(before[name], after[name])}
    assert same == {name for name in after if name.startswith("vision_tower.")}


@pytest.mark.parametrize("number", [1, 2])
def test_two_and_two_steps_equal_four_bit_for_bit(data, unbroken, tmp_path, number: int, monkeypatch) -> None:
    # transformers 5.23 loses a LLaVA's weights on resume; lrm_llava.training.trainer says how that is avoided.
    if number == 2:
        (tmp_path / "stage1").symlink_to(unbroken / "stage1")
    end = training.CleanStop.on_step_end

    def stop_at_two(self, args, state, control, **more):
        if state.global_step == 2 and not self.stopped:
            os.kill(os.getpid(), signal.SIGTERM)
        return end(self, args, state, control, **more)

    with monkeypatch.context() as patch:
        patch.setattr(training.CleanStop, "on_step_end", stop_at_two)
        with pytest.raises(RunError, match="stopped at step 2 of 4, saved; the same command goes on"):
            small_training(number, data, tmp_path)
    told: list[str] = []
    again = weights(small_training(number, data, tmp_path, told))
    assert any("going on from" in line and line.endswith("checkpoint-2") for line in told)
    whole = weights(unbroken / f"stage{number}" / "final")
    assert all(torch.equal(again[name], value) for name, value in whole.items())


def test_a_finished_stage_is_not_trained_again(data, unbroken) -> None:
    told: list[str] = []
    small_training(1, data, unbroken, told)
    assert len(told) == 1 and "already there" in told[0]


def test_the_recipe_is_kept_with_the_checkpoint_and_another_is_refused(data, unbroken, tmp_path) -> None:
    kept = json.loads((unbroken / "stage2" / "final" / "recipe.json").read_text())
    assert kept["stage"] == 2 and kept["recipe"]["stage2"]["learning_rate"] == small_recipe().stage2.learning_rate
    with pytest.raises(UsageError, match=r"another recipe \(stage1.learning_rate: 0.001 there, 0.5 asked"):
        small_training(1, data, unbroken, learning_rate=0.5)  # finished
    (unfinished := tmp_path / "stage1" / "checkpoint-2").mkdir(parents=True)
    (unfinished / "complete.json").write_text("{}")
    (tmp_path / "stage1" / "recipe.json").write_text((unbroken / "stage1" / "recipe.json").read_text())
    with pytest.raises(UsageError, match=r"another recipe \(stage1.learning_rate: 0.001 there, 0.5 asked"):
        small_training(1, data, tmp_path, learning_rate=0.5)
    (unfinished / "complete.json").unlink()  # before its first checkpoint a training binds nobody
    small_training(1, data, tmp_path, learning_rate=0.002, max_steps=1)


def test_an_image_that_comes_later_is_trained_on(data, tmp_path) -> None:
    root = tmp_path / "data"
    save_samples(root, 1, [record(n, "Is it?", "Yes") for n in range(8)])
    for part in ("vision", "language"):
        (root / part).symlink_to(data / part)
    late = root / "images" / "5.png"
    late.rename(root / "late.png")
    told: list[str] = []
    small_training(1, root, tmp_path / "without", told, max_steps=1)
    again: list[str] = []
    small_training(1, root, tmp_path / "again", again, max_steps=1)
    for lines in (told, again):
        assert "1 of 8 samples left out: 1 with a missing image" in lines
    (root / "late.png").rename(late)
    whole: list[str] = []
    small_training(1, root, tmp_path / "with", whole, max_steps=1)
    assert any(line.startswith("stage 1: 8 samples") for line in whole)
    assert not any("left out" in line for line in whole)


def test_stage_2_without_stage_1_says_what_to_run(data, tmp_path) -> None:
    with pytest.raises(UsageError, match="run `lrm-llava train --stage 1` first"):
        small_training(2, data, tmp_path)


def test_a_folder_without_shards_says_what_makes_them(data, tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    for part in ("vision", "language"):
        (tmp_path / "empty" / part).symlink_to(data / part)
    with pytest.raises(UsageError, match=r"no shards .*lrm-llava data build --recipe tiny --stage 1"):
        small_training(1, tmp_path / "empty", tmp_path / "out")


def test_text_alone_is_left_out_where_only_the_projector_learns(data, tmp_path) -> None:
    told: list[str] = []
    small_training(1, data, tmp_path, told)
    assert "8 of 24 samples left out: text alone, which teaches a projector nothing" in told


def test_samples_that_cannot_be_trained_on_are_named_and_counted(data, tmp_path) -> None:
    root = tmp_path / "data"
    records = [record(n, "Is it?", "Yes") for n in range(8)]
    records[2]["conversations"] = records[2]["conversations"][::-1]
    records[3]["conversations"][0]["value"] = "<image><image>Is it?"
    shard = save_samples(root, 1, records)
    (root / "images" / "5.png").unlink()
    (root / "images" / "6.png").write_bytes(b"not a picture")
    for part in ("vision", "language"):
        (root / part).symlink_to(data / part)
    told: list[str] = []
    small_training(1, root, tmp_path / "out", told)
    assert any(line.startswith(f"{shard}:3: starts with the assistant") for line in told)
    assert any(line.startswith(f"{shard}:4: 2 <image> in the text") for line in told)
    assert any(line.startswith(f"{shard}:6: image images/5.png is missing") for line in told)
    assert any(line.startswith("3 of 8 samples left out") for line in told)
    assert any(f"1 images could not be read and taught nothing: {shard}:7" in line for line in told)


def test_a_loss_that_is_not_a_number_names_and_saves_its_batch(data, unbroken, tmp_path, monkeypatch) -> None:
    # Infinite weights in the projector, as an overflow leaves them.
    start = training.start_model

    def broken(*args):
        model, processor, base = start(*args)
        with torch.no_grad():
            model.model.multi_modal_projector.linear_1.weight[0, 0] = float("nan")
        return model, processor, base

    monkeypatch.setattr(training, "start_model", broken)
    with pytest.raises(RunError, match=r"step 0: the loss is not a number; the batch \(.*part-00000.jsonl:\d+"):
        small_training(1, data, tmp_path)
    saved = tmp_path / "stage1" / "diverged-step-0"
    assert len(json.loads((saved / "batch.json").read_text())["samples"]) == 2
    assert set(load_file(saved / "batch.safetensors")) >= {"input_ids", "labels", "pixel_values"}


def test_a_full_disk_leaves_the_last_whole_checkpoint(data, tmp_path, monkeypatch) -> None:
    save = LlavaTrainer._save_optimizer_and_scheduler

    def full(self, folder):
        if self.state.global_step == 4:
            raise OSError(28, "No space left on device")
        save(self, folder)

    monkeypatch.setattr(LlavaTrainer, "_save_optimizer_and_scheduler", full)
    with pytest.raises(RunError, match=r"the disk is full; .*checkpoint-2 is whole"):
        small_training(1, data, tmp_path)
    assert [path.name for path in complete_checkpoints(tmp_path / "stage1")] == ["checkpoint-2"]
    assert not (tmp_path / "stage1" / "checkpoint-4").exists()


def test_a_checkpoint_that_a_crash_left_half_written_does_not_count(data, unbroken, tmp_path) -> None:
    for name in ("checkpoint-2", "checkpoint-4"):
        (tmp_path / name).mkdir()
        if name == "checkpoint-2":
            (tmp_path / name / "complete.json").write_text("{}")
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-2"


def test_a_step_that_devices_cannot_share_says_so(data, tmp_path) -> None:
    with pytest.raises(UsageError, match=r"stage1.batch=5 is not a multiple of 2 samples x 1 devices"):
        small_training(1, data, tmp_path, batch=5)
