"""Run folders damaged by hand, and scores over part of a task."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import lrm_eval
from lrm_eval.errors import RunError, UsageError
from lrm_eval.runs import RunFolder
from lrm_eval.runs.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CELL = {"task": "mme", "language": "en", "condition": "default", "planned": 2}
WHOLE: dict[str, Any] = {"schema": 1, "model": {"name": "m"}, "tasks": {"mme": {"benchmark": "mme"}}, "cells": [CELL]}


def written(folder: Path, manifest: object) -> RunFolder:
    (folder / "run.json").write_text(json.dumps(manifest), encoding="utf-8")
    return RunFolder(folder)


def test_a_whole_manifest_is_read(tmp_path: Path) -> None:
    assert written(tmp_path, WHOLE).manifest() == WHOLE


@pytest.mark.parametrize(
    "change",
    [
        {"model": None},
        {"model": {}},
        {"model": {"name": 3}},
        {"tasks": []},
        {"tasks": {"mme": {}}},
        {"cells": [{}]},
        {"cells": [{**CELL, "planned": "two"}]},
        {"cells": {}},
        {"schema": 2},
    ],
)
def test_a_manifest_of_another_shape_is_one_clear_line(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(RunError, match=r"run\.json: (not what `lrm-eval run` writes|schema 2, this version)"):
        written(tmp_path, {**WHOLE, **change}).manifest()


def test_a_damaged_manifest_stops_a_run_and_fails_a_check(
    evaluate: Callable[..., lrm_eval.RunResult], tmp_path: Path
) -> None:
    evaluate()
    responses = (tmp_path / "run" / "responses" / "mme" / "en.jsonl").read_bytes()
    folder = written(tmp_path / "run", {})
    with pytest.raises(RunError, match=r"run\.json: not what"):
        evaluate()
    assert [check.ok for check in verify(folder)] == [False]
    assert (tmp_path / "run" / "responses" / "mme" / "en.jsonl").read_bytes() == responses


@pytest.mark.parametrize("content", ["", "[]", '{"scores": [{}]}'])
def test_damaged_scores_name_what_makes_them_again(tmp_path: Path, content: str) -> None:
    (tmp_path / "scores.json").write_text(content, encoding="utf-8")
    with pytest.raises(RunError, match=r"`lrm-eval rescore .*` makes it again"):
        RunFolder(tmp_path).scores()


def test_a_question_asked_twice_counts_once_among_the_differences(
    evaluate: Callable[..., lrm_eval.RunResult], questions: Path, tmp_path: Path
) -> None:
    evaluate(langs="en")
    path = tmp_path / "run" / "responses" / "mme" / "en.jsonl"
    path.write_bytes(path.read_bytes() * 2)
    data = questions / "data.jsonl"
    data.write_text(data.read_text().replace("is there a 0 in 3?", "is there a 0 in three?"))
    with pytest.raises(UsageError, match=r"question of mme/existence/003\.png/0@en: en: is there a 0 in 3\?"):
        evaluate(langs="en")


def test_a_missing_subtask_makes_the_sum_null_and_is_named(tmp_path: Path) -> None:
    # --limit 2 is the first image of the first subtask; the other three of tiny-mme are declared and absent.
    found = lrm_eval.run("random", "am", "mme", suite="tiny", limit=2, out=tmp_path / "run", report=False)
    for rules in ("official", "multilingual"):
        rows = {row.metric: row for row in found.scores if row.rules == rules}
        assert rows["perception"].value is None
        assert rows["perception"].primary
        assert "absent: count, position, color" in rows["perception"].note
        assert rows["existence"].value is not None


def test_a_whole_task_has_a_sum(tmp_path: Path) -> None:
    found = lrm_eval.run("random", "am", "mme", suite="tiny", out=tmp_path / "run", report=False)
    rows = {row.metric: row for row in found.scores if row.rules == "multilingual"}
    assert rows["perception"].value == sum(
        rows[name].value or 0.0 for name in ("existence", "count", "position", "color")
    )
    assert "absent" not in rows["perception"].note
