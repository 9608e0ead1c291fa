"""`lrm-eval doctor parity`: the same questions two ways, and what is said of each difference."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from server_scripts import MODEL, FaultServer, Reply, completion

from lrm_eval.commands.parity import as_json, parity
from lrm_eval.comparison.parity import Pair, Parity, tiny_questions
from lrm_eval.errors import UsageError
from lrm_eval.types import Response
from model_adapters import ServerOptions

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("openai", reason='`pip install "lrm-eval[servers]"` is not there')


def pair(first: Response, second: Response) -> Pair:
    return Pair("q", first, second)


@pytest.mark.parametrize(
    ("second", "verdict"),
    [
        (Response("q", "yes"), "same"),
        (Response("q", " yes\n"), "blanks"),
        (Response("q", "Yes"), "differs"),
        (Response("q", error="broken", finish_reason="error"), "error"),
    ],
)
def test_a_pair_is(second, verdict):
    assert pair(Response("q", "yes"), second).verdict == verdict


def test_models_agree_only_where_prompts_and_ends_agree_too():
    whole = Response("q", "yes", "stop", 10)
    assert Parity("a", "b", (pair(whole, Response("q", "yes", "stop", 10)),)).agree
    assert Parity("a", "b", (pair(whole, Response("q", "yes", "stop", None)),)).agree
    assert not Parity("a", "b", (pair(whole, Response("q", "yes", "stop", 11)),)).agree
    assert not Parity("a", "b", (pair(whole, Response("q", "yes", "length", 10)),)).agree
    assert not Parity("a", "b", (pair(whole, Response("q", "no", "stop", 10)),)).agree


def test_the_questions_are_spread_over_tasks_and_languages():
    found = tiny_questions(18, ["en", "sw"])
    assert len({request.key for request in found}) == len(found) == 18
    cells = {(request.sample.task, request.sample.language) for request in found}
    assert len(cells) == 8
    with pytest.raises(UsageError, match="--questions 0"):
        tiny_questions(0, ["en"])


def test_each_answer_that_differs_is_shown(server: FaultServer, capsys: pytest.CaptureFixture[str]):
    from rich.console import Console

    from lrm_eval.commands.parity import print_parity

    server.rule = lambda body: Reply(body=completion("no such answer", "length"))
    options = ServerOptions(base_urls=(server.url,))
    found = parity("random", f"openai:{MODEL}", questions=4, langs="en", server=options)
    assert not found.agree
    print_parity(found, Console(width=200))
    told = capsys.readouterr().out
    assert f"random against openai:{MODEL}, 4 questions: 4 different" in told
    assert "prompts of 0 and 100 tokens" in told
    assert "one ended with 'stop', the other with 'length'" in told
    assert as_json(found)["counts"]["differs"] == 4


def test_the_command_line_says_whether_two_ways_agree(server: FaultServer, tmp_path: Path):
    def run(*more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "lrm_eval.cli", "doctor", "parity", "--questions", "8", *more]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)

    one = f"openai:{MODEL}"
    done = run("--model", one, "--against", one, "--base-url", server.url, "--json")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert (told["agree"], told["counts"]["same"]) == (True, 8)
    server.rule = lambda body: Reply(body=completion(str(len(server.asked))))
    done = run("--model", one, "--against", one, "--base-url", server.url)
    assert done.returncode == 1
    assert "8 questions: 8 different" in done.stdout
