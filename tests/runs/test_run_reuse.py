"""A folder that grows makes no scores again that stay as they were; whatever changed is made again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

import lrm_eval
from lrm_eval.runs import derive, reuse
from lrm_eval.runs.runner import rescore

if TYPE_CHECKING:
    from pathlib import Path

    from lrm_eval.runs.folder import RunFolder

Evaluate = Callable[..., lrm_eval.RunResult]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The languages whose answers are read, filled as it happens."""
    found: set[str] = set()
    original = derive.read_cell

    def spy(benchmark, records, *more):
        found.update(record.sample.language for record in records)
        return original(benchmark, records, *more)

    monkeypatch.setattr(derive, "read_cell", spy)
    return found


def content(folder: RunFolder) -> bytes:
    return (folder.path / "scores.json").read_bytes()


def change_manifest(folder: RunFolder, **changes: object) -> None:
    data = json.loads(folder.manifest_path.read_text(encoding="utf-8"))
    data.update(changes)
    folder.manifest_path.write_text(json.dumps(data), encoding="utf-8")


def test_only_what_is_new_is_read_and_the_scores_are_those_of_one_command(
    evaluate: Evaluate, tmp_path: Path, read: set[str]
) -> None:
    evaluate(langs="sw")
    read.clear()
    grown = evaluate(langs="en")
    assert read == {"en"}
    assert content(grown.folder) == content(evaluate(langs="sw,en", out=tmp_path / "once").folder)
    read.clear()
    again = evaluate(langs="sw,en")
    assert read == set()
    assert {row.language for row in again.scores} == {"sw", "en"}


def test_errors_of_what_is_not_read_again_still_count(
    evaluate: Evaluate, tmp_path: Path, read: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    switch = tmp_path / "fail"
    switch.touch()
    monkeypatch.setenv("SCRIPTED_FAIL", str(switch))
    first = evaluate("scripted:fail=1", langs="sw")
    assert first.errors > 0
    read.clear()
    grown = evaluate("scripted:fail=1", langs="en")
    assert read == {"en"}
    cells = {entry["language"]: entry["errors"] for entry in grown.folder.manifest()["cells"]}
    assert cells["sw"] == first.errors


@pytest.mark.parametrize("what", ["responses", "readings", "scores", "code", "task", "killed"])
def test_whatever_changed_is_made_again(evaluate: Evaluate, read: set[str], what: str) -> None:
    folder = evaluate(langs="sw").folder
    before = content(folder)
    path = folder.path / "responses" / "mme" / "sw.jsonl"
    if what == "responses":
        # Another answer after the first one of a question: the last counts.
        line = json.loads(path.read_text(encoding="utf-8").splitlines()[0])
        line["response"]["text"] = "hapana" if line["response"]["text"] == "yes" else "ndiyo"
        with path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
    elif what == "readings":
        (folder.path / "readings" / "official" / "mme" / "sw.jsonl").unlink()
    elif what == "scores":
        folder.scores_path.write_text('{"schema": 2, "scores": []}', encoding="utf-8")
    elif what == "code":
        change_manifest(folder, derived_with="another")
    elif what == "task":
        tasks = folder.manifest()["tasks"]
        change_manifest(folder, tasks={"mme": {**tasks["mme"], "categories": []}})
    else:
        # As a command that was killed leaves it: run.json of its beginning.
        data = folder.manifest()
        del data["scores_sha256"], data["derived_with"]
        folder.manifest_path.write_text(json.dumps(data), encoding="utf-8")
    read.clear()
    grown = evaluate(langs="en").folder
    assert read == {"sw", "en"}
    rows = [row for row in json.loads(content(grown))["scores"] if row["language"] == "sw"]
    assert (rows == json.loads(before)["scores"]) == (what != "responses")


def test_a_larger_limit_is_scored_again(evaluate: Evaluate, read: set[str]) -> None:
    evaluate(langs="sw", limit=4)
    read.clear()
    evaluate(langs="sw", limit=8)
    assert read == {"sw"}


def test_rescoring_reads_everything(evaluate: Evaluate, read: set[str]) -> None:
    folder = evaluate(langs="sw,en").folder
    read.clear()
    rescore(folder)
    assert read == {"sw", "en"}
    read.clear()
    evaluate(langs="sw,en")
    assert read == set()


def test_the_words_of_a_language_are_part_of_what_scores_are_made_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lrm_eval.languages import registry

    before = reuse.derived_with()
    assert reuse.derived_with() == before
    extra = tmp_path / "xx.yaml"
    extra.write_text("tag: xx", encoding="utf-8")
    monkeypatch.setattr(registry, "_files", lambda: {"xx": extra})
    assert reuse.derived_with() != before
