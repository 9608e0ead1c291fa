"""Whole runs over servers that fail: what is kept, what is told, and that the same command completes them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from server_scripts import KEY, MODEL, FaultServer, Reply, completion, error

import lrm_eval
from lrm_eval.errors import LrmEvalError, RunError
from model_adapters import ServerOptions
from model_adapters.servers.adapter import ServerAdapter
from model_adapters.servers.referee import Patience

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytest.importorskip("openai", reason='`pip install "lrm-eval[servers]"` is not there')

QUESTIONS = 24


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """A small MME: 12 images with two questions each."""
    folder = tmp_path / "questions"
    folder.mkdir()
    rows = []
    for number in range(QUESTIONS // 2):
        name = f"{number:03}.png"
        Image.new("RGB", (8, 8), (number * 7, 6, 100)).save(folder / name)
        for place, answer in enumerate(("yes", "no")):
            question = f"Is there a {place} in {number}? Please answer yes or no."
            fields = {"id": f"mme/existence/{name}/{place}", "category": "existence", "language": "en"}
            rows.append({**fields, "image": name, "question": question, "answer": answer})
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture
def run(tmp_path: Path, questions: Path) -> Callable[..., lrm_eval.RunResult]:
    def evaluate(server: FaultServer, **options: Any) -> lrm_eval.RunResult:
        asked = ServerOptions(**{"base_urls": (server.url,), "timeout": 5.0, **options})
        return lrm_eval.run(
            f"openai:{MODEL}", "en", data={"mme": questions}, out=tmp_path / "run", server=asked, report=False
        )

    return evaluate


def kept(tmp_path: Path) -> list[dict[str, Any]]:
    lines = (tmp_path / "run/responses/mme/en.jsonl").read_text().splitlines()
    return [json.loads(line)["response"] for line in lines]


def always(reply: Reply) -> Callable[[dict[str, Any]], Reply]:
    return lambda body: reply


FAULTS = {
    "wrong key": error(401, f"Incorrect API key provided: {KEY}"),
    "no such model": error(404, f"model {MODEL} was taken down", code="model_not_found"),
    "dies": Reply(drop=True),
    "hangs": Reply(hang=True),
    "web page": Reply(body=b"<html><h1>502</h1></html>"),
    "malformed": Reply(body=b'{"choices": [{"message"'),
    "no choice": Reply(body={"choices": []}),
    "cut": Reply(cut=30),
    "refused": error(400, "cannot read this image"),
    "too large": Reply(413, b"Request Entity Too Large"),
    "redirect": Reply(302, b"", {"Location": f"http://127.0.0.2:9/?k={KEY}"}),
    "too much": error(429, "slow down"),
    "broken": Reply(500, b"Internal Server Error"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_after_a_fault_the_answers_are_kept_and_the_same_command_completes_the_run(
    server: FaultServer, run: Callable[..., lrm_eval.RunResult], tmp_path: Path, fault: str
):
    good = 7

    def faulty(body: dict[str, Any]) -> Reply | None:
        return None if len(server.asked) <= good else FAULTS[fault]

    server.rule = faulty
    # The server says nothing at all any more where it dies or hangs.
    timeout = 0.3 if fault == "hangs" else 5.0
    try:
        result = run(server, concurrency=2, timeout=timeout)
    except LrmEvalError as problem:
        assert "\n" not in str(problem)
        assert KEY not in str(problem)
        answered = [one for one in kept(tmp_path) if one["error"] is None]
        assert len(answered) == good
    else:
        assert result.errors == QUESTIONS - good
        assert sum(one["error"] is None for one in kept(tmp_path)) == good
    server.rule = always(Reply())
    before = len(server.asked)
    result = run(server)
    assert (result.errors, result.unfinished) == (0, {})
    assert len(server.asked) - before == QUESTIONS - good
    for path in tmp_path.joinpath("run").rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes(), path


def test_a_run_says_what_it_cost(server: FaultServer, run: Callable[..., lrm_eval.RunResult]):
    told = json.loads((run(server, price="1,2").folder.path / "run.json").read_text())
    performance = told["command"]["performance"]
    # 24 answers of 100 and 2 tokens, at $1 and $2 a million.
    assert performance["us_dollars"] == pytest.approx(0.002496)
    assert told["model"]["settings"]["base_urls"] == [server.url]
    assert told["model"]["fingerprint"]["model"] == MODEL


def test_a_run_goes_on_at_another_address(
    server: FaultServer, other: FaultServer, run: Callable[..., lrm_eval.RunResult], tmp_path: Path
):
    server.rule = lambda body: None if len(server.asked) <= 5 else error(401, "key revoked")
    with pytest.raises(LrmEvalError):
        run(server, concurrency=1)
    assert run(other).errors == 0
    assert len(other.asked) == QUESTIONS - 5


def test_a_refusal_of_the_server_is_counted_as_one(server: FaultServer, run: Callable[..., lrm_eval.RunResult]):
    server.rule = always(Reply(body=completion("", "content_filter")))
    result = run(server)
    rows = [row for row in result.scores if row.metric == "perception" and row.rules == "multilingual"]
    assert rows[0].outcomes["refusal"] == 1.0
    assert result.errors == 0


def test_a_wrong_address_leaves_no_folder_behind(run: Callable[..., lrm_eval.RunResult], tmp_path: Path):
    gone = FaultServer()
    gone.close()
    with pytest.raises(RunError, match="the connection failed"):
        run(gone)
    assert not (tmp_path / "run").exists()


def test_the_command_line_asks_a_server(server: FaultServer, questions: Path, tmp_path: Path):
    command = [sys.executable, "-m", "lrm_eval.cli", "run", "--model", f"openai:{MODEL}", "--langs", "en"]
    command += ["--data", f"mme={questions}", "--out", str(tmp_path / "run"), "--base-url", server.url]
    done = subprocess.run([*command, "--price", "1,2"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "24 answers; 2,400 tokens sent, 48 received; less than one cent" in done.stderr + done.stdout
    assert KEY not in done.stderr + done.stdout


def test_waits_of_the_tests_are_not_those_of_users():
    assert Patience().first_wait == 1.0
    assert ServerAdapter.patience.first_wait < 0.01
