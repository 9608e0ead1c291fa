"""Evaluation by lrm-eval while training."""

import json
from pathlib import Path

import pytest
import torch
from lrm_llava_small_parts import save_small_data, small_training
from safetensors.torch import load_file

from lrm_eval.errors import RunError, UsageError
from lrm_llava.training.evaluation import harness


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return save_small_data(tmp_path_factory.mktemp("data"))


def scores(folder: Path) -> dict[int, dict[str, float]]:
    log = json.loads((folder / "log.json").read_text())
    return {line["step"]: line for line in log if any(name.startswith("eval_") for name in line)}


@pytest.fixture(scope="module")
def evaluated(data, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("out")
    told: list[str] = []
    evaluate = harness(out / "scores", ["tiny-pope"], ["en", "sw"], 4)
    small_training(1, data, out, told, evaluate=evaluate, evaluate_every=2, report_to="tensorboard")
    assert sum(line.startswith(("step 2: tiny-pope/en", "step 4: tiny-pope/en")) for line in told) == 2
    return out


def test_scores_of_every_evaluation_are_in_the_log_and_in_run_folders(evaluated) -> None:
    found = scores(evaluated / "stage1" / "final")
    assert set(found) == {2, 4}
    for step, line in found.items():
        stored = json.loads((evaluated / "scores" / f"step-{step}" / "scores.json").read_text())["scores"]
        rows = {row["language"]: row["value"] for row in stored
                if row["primary"] and row["rules"] == "multilingual"}  # fmt: skip
        assert {line["eval_tiny-pope_en"], line["eval_tiny-pope_sw"]} == set(rows.values())
    assert not list((evaluated / "stage1").glob(".evaluated*"))


def test_the_loss_of_an_evaluated_step_is_logged_too(evaluated) -> None:
    log = json.loads((evaluated / "stage1" / "final" / "log.json").read_text())
    assert [line["step"] for line in log if "loss" in line] == [1, 2, 3, 4]


def test_scores_are_in_tensorboard(evaluated) -> None:
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    files = sorted((evaluated / "stage1").rglob("events.out.tfevents*"))
    events = reading.EventAccumulator(str(files[0]))
    events.Reload()
    assert [one.step for one in events.Scalars("eval/tiny-pope_en")] == [2, 4]


def test_evaluation_changes_nothing_of_the_training(data, evaluated, tmp_path) -> None:
    plain = load_file(small_training(1, data, tmp_path) / "model.safetensors")
    seen = load_file(evaluated / "stage1" / "final" / "model.safetensors")
    assert all(torch.equal(plain[name], value) for name, value in seen.items())


def test_a_resumed_training_has_every_evaluation_once(data, tmp_path) -> None:
    asked: list[int] = []

    def evaluate(folder: Path, step: int) -> dict[str, float]:
        torch.rand(3)  # must not move the training's random numbers
        asked.append(step)
        if asked == [1, 2, 3]:
            raise KeyboardInterrupt
        return {"tiny-pope/en": float(step)}

    with pytest.raises(KeyboardInterrupt):
        small_training(1, data, tmp_path, evaluate=evaluate, evaluate_every=1, save_every=1, max_steps=4)
    # Step 3 was cut off before it was saved; what was said after 1 and 2 is in the log.
    asked.clear()
    final = small_training(1, data, tmp_path, evaluate=evaluate, evaluate_every=1, save_every=1, max_steps=4)
    assert asked == [3, 4]
    assert {step: line["eval_tiny-pope_en"] for step, line in scores(final).items()} == {1: 1, 2: 2, 3: 3, 4: 4}


def test_an_evaluation_that_fails_does_not_stop_the_training(data, tmp_path) -> None:
    def evaluate(folder: Path, step: int) -> dict[str, float]:
        raise RunError("no data on this machine")

    told: list[str] = []
    small_training(1, data, tmp_path, told, evaluate=evaluate, evaluate_every=4)
    assert "step 4: not evaluated: no data on this machine" in told


def test_unknown_tasks_and_languages_are_refused_before_training(tmp_path) -> None:
    with pytest.raises(UsageError, match="tiny-pop"):
        harness(tmp_path, ["tiny-pop"], ["en"], 4)
    with pytest.raises(UsageError, match="klingonisch"):
        harness(tmp_path, ["tiny-pope"], ["klingonisch"], 4)
