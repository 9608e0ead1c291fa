from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lrm_eval.errors import UsageError
from lrm_eval.languages import get
from lrm_eval.runs.folder import Cell
from lrm_eval.runs.plan import PlannedCell, check_keys, in_image_order, plan_cell
from lrm_eval.tasks import load_task
from lrm_eval.types import ImageRef, Request, Sample

if TYPE_CHECKING:
    from pathlib import Path


def cell(task: str, language: str, *images: str) -> PlannedCell:
    requests = []
    for number, content in enumerate(images):
        ref = ImageRef(f"{task}-{number}.png", content, bytes)
        sample = Sample(f"{task}/{number}", task, language, "yes_no", "?", "yes", (ref,), order=number)
        requests.append(Request(f"{sample.id}@{language}", (), sample, 16))
    return PlannedCell(Cell(task, language), load_task(task), None, None, tuple(requests))


def test_questions_on_one_image_are_asked_together_across_tasks_and_languages() -> None:
    cells = [cell("mme", "en", "x", "y", "x"), cell("mme", "sw", "x", "y", "x"), cell("pope", "en", "y", "z")]
    assert [request.key for _, request in in_image_order(cells)] == [
        "mme/0@en",
        "mme/2@en",
        "mme/0@sw",
        "mme/2@sw",
        "mme/1@en",
        "mme/1@sw",
        "pope/0@en",
        "pope/1@en",
    ]


def test_every_request_comes_with_its_cell() -> None:
    cells = [cell("mme", "en", "x"), cell("mme", "sw", "x")]
    assert [str(found) for found, _ in in_image_order(cells)] == ["mme en", "mme sw"]


def test_a_key_that_occurs_twice_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="2 questions share the id 'mme/0@en'"):
        check_keys([cell("mme", "en", "x"), cell("mme", "en", "y")])


def test_a_limit_keeps_pairs_whole(questions: Path) -> None:
    planned = plan_cell(load_task("mme"), get("sw"), questions, 3)
    assert len(planned.requests) == 4
    assert all(request.key.endswith("@sw") for request in planned.requests)


def test_a_language_without_questions_is_refused(questions: Path) -> None:
    (questions / "data.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="holds no rows"):
        plan_cell(load_task("mme"), get("sw"), questions, None)
