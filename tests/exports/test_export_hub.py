"""`lrm-eval export hub`: the real client over real HTTP, to a stand-in of the hub on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hub_stand_in import TOKEN, Hub, stand_in

import lrm_eval
from lrm_eval.errors import UsageError
from lrm_eval.exports.hub import push, repository_files
from lrm_eval.runs import RunFolder
from lrm_eval.runs.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    out = tmp_path_factory.mktemp("hub") / "random"
    return lrm_eval.run("random", "en,sw", ["tiny-pope"], limit=8, out=out, report=False).folder


@pytest.fixture
def hub() -> Iterator[Hub]:
    with stand_in() as found:
        yield found


def type_command(hub: Hub, home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: the client reads its settings when it is imported."""
    settings = {
        **os.environ,
        "HF_ENDPOINT": hub.endpoint,
        "HF_HOME": str(home),
        "HF_TOKEN": TOKEN,
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "0",
        **environment,
    }
    command = [sys.executable, "-m", "lrm_eval.cli", "export", "hub", *words]
    return subprocess.run(command, env=settings, capture_output=True, text=True, timeout=300, check=False)


def test_scores_and_readings_go_out_as_one_private_commit(run: RunFolder, hub: Hub, tmp_path: Path) -> None:
    done = type_command(hub, tmp_path, "my-group/results", str(run.path))
    assert done.returncode == 0, done.stderr
    assert (hub.commits, hub.private) == (1, True)
    assert hub.tokens == {TOKEN}
    assert TOKEN not in done.stdout + done.stderr
    assert f"{len(hub.files)} files" in done.stdout
    rows = [json.loads(line) for line in hub.files["random/scores.jsonl"].decode().splitlines()]
    assert [row["value"] for row in rows] == [row.value for row in run.scores()]
    assert {path for path in hub.files if "/readings/" in path} == {
        f"random/readings/{rules}/tiny-pope/{tag}.jsonl"
        for rules in ("official", "multilingual")
        for tag in ("en", "sw")
    }
    # Questions and answers are the benchmark's: they stay here unless asked for.
    assert not any("/responses/" in path for path in hub.files)
    assert TOKEN not in b"".join(hub.files.values()).decode()
    # A card that is there may have been written by hand.
    hub.files["README.md"] = b"mine"
    assert type_command(hub, tmp_path, "my-group/results", str(run.path)).returncode == 0
    assert (hub.commits, hub.files["README.md"]) == (2, b"mine")


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "the hub does not know you"),
        (403, "the hub does not let you write there"),
        (500, "cannot be written"),
    ],
)
def test_what_the_hub_refuses_is_one_line_without_the_token(
    status: int, message: str, run: RunFolder, hub: Hub, tmp_path: Path
) -> None:
    hub.refuse = status
    done = type_command(hub, tmp_path, "my-group/results", str(run.path))
    assert done.returncode == 1
    assert message in done.stderr
    assert TOKEN not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert hub.commits == 0


def test_what_is_pushed_holds_no_path_of_this_machine_and_verifies(run: RunFolder, tmp_path: Path) -> None:
    files = repository_files(run, responses=True)
    text = b"".join(files.values()).decode()
    assert str(run.path.parent) not in text
    assert "argv" not in json.loads(files["random/run.json"])["command"]
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    back = RunFolder.open(tmp_path / "random")
    again = lrm_eval.rescore(back.path, report=False).scores
    assert [(row.metric, row.value) for row in again] == [(row.metric, row.value) for row in run.scores()]
    assert [check for check in verify(back) if check.ok is False] == []


def test_names_that_cannot_be_pushed_to_are_refused(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> Any:
        raise AssertionError("nothing may be sent")

    monkeypatch.setattr("lrm_eval.exports.hub._commit", never)
    with pytest.raises(UsageError, match="type OWNER/NAME"):
        push("results", [run])
    with pytest.raises(UsageError, match="another of the runs is of the same model"):
        push("a/b", [run, run])
