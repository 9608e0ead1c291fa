"""From data to leaderboard with the real commands, killed on the way: docs/training.md, with a kill -9 in it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

pytestmark = pytest.mark.slow

PATIENCE = 900
STEPS = ("--set=stage1.max_steps=4", "--set=stage1.batch=8", "--set=stage1.micro_batch=8")
MORE = ("--set=stage2.max_steps=12", "--set=stage2.batch=8", "--set=stage2.micro_batch=8", "--set=stage2.save_every=4")


def line(program: str, *words: object) -> list[str]:
    return [sys.executable, "-m", f"{program}.cli", *map(str, words)]


def call(program: str, *words: object, status: int = 0) -> str:
    done = subprocess.run(line(program, *words), capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == status, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout + done.stderr


def train(world: Path, out: Path, stage: int) -> tuple[object, ...]:
    named = ("train", "--recipe", "tiny", "--stage", stage, "--data", world, "--out", out, "--report-to", "none")
    return (*named, *STEPS, *MORE)


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("path") / "world"
    call("lrm_llava", "tiny", "conversations", folder, "--count", 60)
    call("lrm_llava", "tiny", "parts", folder / "parts")
    for stage in (1, 2):
        call("lrm_llava", "data", "build", "--recipe", "tiny", "--stage", stage, "--sources", folder)
    return folder


@pytest.fixture(scope="module")
def unbroken(world, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("unbroken")
    for stage in (1, 2):
        call("lrm_llava", *train(world, out, stage))
    return out


def test_a_training_killed_without_warning_ends_as_one_that_was_not(world, unbroken, tmp_path) -> None:
    (tmp_path / "stage1").symlink_to(unbroken / "stage1")
    asked = line("lrm_llava", *train(world, tmp_path, 2))
    running = subprocess.Popen(asked, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stage, deadline = tmp_path / "stage2", time.monotonic() + PATIENCE
    while not list(stage.glob("checkpoint-4*")) and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    # In the middle of writing a checkpoint, or soon after.
    os.kill(running.pid, signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    call("lrm_llava", *train(world, tmp_path, 2))
    left, right = (load_file(out / "stage2" / "final" / "model.safetensors") for out in (unbroken, tmp_path))
    assert all(torch.equal(right[name], value) for name, value in left.items())


def test_what_was_trained_reaches_a_report(unbroken, tmp_path) -> None:
    call("lrm_llava", "export", unbroken / "stage2" / "final", tmp_path / "mine", "--dtype", "bfloat16")
    asked = ("--suite", "tiny", "--tasks", "pope", "--langs", "en,sw", "--limit", 8)
    call("lrm_eval", "run", "--model", f"hf:{tmp_path / 'mine'}", *asked, "--out", tmp_path / "run")
    told = call("lrm_eval", "report", tmp_path / "run", "--format", "md")
    assert "POPE, tiny: F1" in told and "Swahili (sw)" in told
    assert (tmp_path / "run" / "report.html").is_file()


def test_samples_are_shown_with_what_is_supervised(world) -> None:
    told = call("lrm_llava", "data", "show", world, "--recipe", "tiny", "--stage", 2, "--sample", 1)
    assert "tiny-world-00000.jsonl:1: en plain, " in told
    assert "<image x 9>" in told and told.count("⟦") == told.count("⟧") == 3  # three answers
    told = call("lrm_llava", "data", "show", world, "--recipe", "tiny", "--stage", 2, "--sample", 1000, status=2)
    assert "has samples 1 to 120, not 1000" in told
