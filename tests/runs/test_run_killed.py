"""Runs in processes of their own, which are killed, stopped, or out of disk."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from small_mme_for_tests import PLUGIN, write_questions

import lrm_eval

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(lrm_eval.__file__).parents[1]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_questions(tmp_path_factory.mktemp("many") / "questions", images=60)


def command(data: Path, out: Path, model: str) -> list[str]:
    options = ["--langs", "sw,en", "--data", f"mme={data}", "--out", str(out), "--include-path", str(PLUGIN)]
    return [sys.executable, "-m", "lrm_eval.cli", "run", "--model", model, *options]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def start(
    data: Path, out: Path, model: str = "scripted:delay=0.004", more: Sequence[str] = ()
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*command(data, out, model), *more],
        env=environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A job in the background of a script is started with Ctrl-C ignored, and its children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def answers(out: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in out.glob("responses/*/*.jsonl"))


def wait_for(out: Path, count: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while answers(out) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.fixture(scope="module")
def unbroken(many: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    out = tmp_path_factory.mktemp("unbroken") / "run"
    process = start(many, out)
    assert process.communicate()[1] is not None
    assert process.returncode == 0
    return (out / "scores.json").read_bytes()


def test_a_run_killed_again_and_again_ends_with_the_scores_of_an_unbroken_one(
    many: Path, unbroken: bytes, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    for count in (5, 70, 180):
        process = start(many, out)
        wait_for(out, count, process)
        process.kill()
        process.communicate()
    assert not (out / "scores.json").exists()
    kept = answers(out)
    process = start(many, out)
    text, notes = process.communicate()
    assert process.returncode == 0, notes
    assert f"{kept} of 240 questions are answered already" in notes
    assert "perception" in text
    assert (out / "scores.json").read_bytes() == unbroken


def test_a_run_killed_at_any_moment_ends_with_the_scores_of_an_unbroken_one(
    many: Path, unbroken: bytes, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    moments = random.Random(1)
    for _ in range(3):
        process = start(many, out)
        # Start-up, asking and deriving: a moment in any of them.
        time.sleep(moments.uniform(0.2, 2.0))
        process.kill()
        process.communicate()
    process = start(many, out)
    assert process.communicate()[1] is not None
    assert process.returncode == 0
    assert (out / "scores.json").read_bytes() == unbroken
    assert not list(out.rglob("*.tmp"))


def test_ctrl_c_says_in_one_line_what_is_kept_and_how_to_go_on(many: Path, unbroken: bytes, tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = start(many, out, "scripted:delay=0.02")
    wait_for(out, 10, process)
    process.send_signal(signal.SIGINT)
    _, notes = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in notes
    last = notes.splitlines()[-1]
    assert last.startswith("stopped; ")
    assert f"answers asked for are kept in {out}: type the same command again" in last
    assert not (out / ".lock").exists()


def test_sigterm_leaves_a_folder_that_says_it_was_interrupted(many: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = start(many, out, "scripted:delay=0.02")
    wait_for(out, 10, process)
    process.terminate()
    _, notes = process.communicate()
    assert process.returncode == 143
    assert notes.splitlines()[-1].startswith("stopped by SIGTERM; ")
    command = json.loads((out / "run.json").read_text(encoding="utf-8"))["command"]
    assert command["state"] == "interrupted"
    assert command["answered"] == answers(out)
    assert not (out / ".lock").exists()


def test_a_run_of_two_conditions_killed_in_between_ends_with_the_scores_of_an_unbroken_one(
    many: Path, tmp_path: Path
) -> None:
    both = ("--prompt-lang", "both", "--answer-lang", "both")
    whole = start(many, tmp_path / "whole", more=both)
    assert whole.communicate()[1] is not None
    assert whole.returncode == 0
    out = tmp_path / "run"
    for count in (40, 250):
        process = start(many, out, more=both)
        wait_for(out, count, process)
        process.kill()
        process.communicate()
    # Grown in another order, and by a command that asks for one of them alone.
    alone = start(many, out, more=("--answer-lang", "en"))
    assert alone.communicate()[1] is not None
    process = start(many, out, more=both)
    _, notes = process.communicate()
    assert process.returncode == 0, notes
    assert (out / "scores.json").read_bytes() == (tmp_path / "whole" / "scores.json").read_bytes()


def test_a_second_run_in_the_same_folder_is_refused(many: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    first = start(many, out, "scripted:delay=0.05")
    try:
        wait_for(out, 1, first)
        second = start(many, out)
        _, notes = second.communicate()
        assert second.returncode == 1
        assert f"is being written by process {first.pid}" in notes.splitlines()[-1]
    finally:
        first.kill()
        first.communicate()


def test_on_a_full_disk_the_run_ends_in_one_line_with_nothing_half_written(
    many: Path, unbroken: bytes, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    # No file may grow past 40 kB: the responses files of this run want about 90 each.
    limited = ["bash", "-c", 'ulimit -f 40; trap "" XFSZ; exec "$@"', "-", *command(many, out, "scripted:delay=0.004")]
    done = subprocess.run(limited, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: disk full: cannot write ")
    for path in out.glob("responses/*/*.jsonl"):
        assert path.read_bytes().endswith(b"\n")
        assert [json.loads(line)["key"] for line in path.read_text().splitlines()]
    process = start(many, out)
    process.communicate()
    assert process.returncode == 0
    assert (out / "scores.json").read_bytes() == unbroken
