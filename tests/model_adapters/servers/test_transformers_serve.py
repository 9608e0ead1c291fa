"""`--model serve:ID` for real: transformers serve with the bundled checkpoint, its crash, parity with this process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import lrm_eval
from lrm_eval.commands.parity import parity
from lrm_eval.errors import RunError
from model_adapters import ServerOptions, load_model, resolve_model

if TYPE_CHECKING:
    from lrm_eval.types import Response

for needed in ("openai", "fastapi", "uvicorn"):
    pytest.importorskip(needed, reason="`pip install transformers[serving]` is not there")
pytestmark = pytest.mark.slow

MODEL = "lrm-llava"
bundled = resolve_model(MODEL).checkpoint
if bundled is None or bundled.path is None or not (bundled.path / "config.json").is_file():
    pytest.skip("the bundled checkpoint is not built", allow_module_level=True)


def answers(out: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in out.glob("responses/*/*.jsonl"))


def server_of(starter: int) -> int:
    """The process of the server that another process started, through the one that watches it."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if b"serve" in words and parent != starter and _parent(parent) == starter:
                return int(entry.name)
    raise AssertionError("no server")


def _parent(number: int) -> int:
    try:
        return int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return -1


def test_a_server_and_this_process_give_the_same_answers_of_one_checkpoint() -> None:
    found = parity(MODEL, f"serve:{MODEL}", questions=24, langs="en,sw", device="cpu")
    assert found.counts["same"] == 24, [
        (one.key, one.first, one.second) for one in found.pairs if one.verdict != "same"
    ]
    assert all(pair.first.prompt_tokens == pair.second.prompt_tokens for pair in found.pairs)


def test_a_server_that_crashes_in_the_middle_costs_nothing_that_was_answered(tmp_path: Path) -> None:
    out = tmp_path / "run"
    command = [sys.executable, "-m", "lrm_eval.cli", "run", "--model", f"serve:{MODEL}", "--tasks", "pope"]
    command += ["--langs", "en", "--limit", "120", "--out", str(out), "--device", "cpu"]
    process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until = time.monotonic() + 400
    while answers(out) < 10:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)
    os.kill(server_of(process.pid), signal.SIGKILL)
    _, notes = process.communicate(timeout=120)
    assert process.returncode == 1, notes
    assert "error: transformers serve ended by signal 9" in notes
    kept = answers(out)
    assert 10 <= kept < 120
    again = subprocess.run(command, text=True, capture_output=True, check=False)
    assert again.returncode == 0, again.stderr
    records = [json.loads(line) for line in (out / "responses/tiny-pope/en.jsonl").read_text().splitlines()]
    assert len({record["key"] for record in records}) == len(records) >= 120
    whole = lrm_eval.run(MODEL, "en", "pope", limit=120, out=tmp_path / "whole", device="cpu", report=False)
    texts = {record["key"]: record["response"]["text"] for record in records}
    path = whole.folder.path / "responses/tiny-pope/en.jsonl"
    assert texts == {
        record["key"]: record["response"]["text"] for record in map(json.loads, path.read_text().splitlines())
    }


def test_a_checkpoint_that_cannot_be_served_is_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "llava"}')
    with pytest.raises(RunError, match="transformers serve ended with status") as caught:
        load_model(resolve_model(f"serve:{folder}"), device="cpu")
    assert "\n" not in str(caught.value)


def test_a_served_checkpoint_answers_requests_of_its_own(tmp_path: Path) -> None:
    from lrm_eval.comparison.parity import tiny_questions

    adapter = load_model(resolve_model(f"serve:{MODEL}"), device="cpu", server=ServerOptions(concurrency=2))
    try:
        found: list[Response] = list(adapter.generate(tiny_questions(4, ["en"])))
    finally:
        adapter.close()
    assert all(one.error is None and one.text for one in found)
