"""What run.json tells of a pack and of how a model was trained."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from lrm_eval.runs.manifest import report_to, training_facts
from lrm_eval.tasks import load_task
from lrm_eval.translation.packfile import Card

if TYPE_CHECKING:
    from pathlib import Path

CARD = Card(
    task="tiny-mme", task_version=1, language="sw", provenance="human-translated", method="imported", origin="x",
    origin_sha256="", english_sha256="", source="", pack_sha256="", rows=1, marks={}, licence="", contact="a@b.org",
    made="", tool="",
)  # fmt: skip


def test_mistakes_in_a_pack_go_to_the_contact_of_its_card(tmp_path: Path) -> None:
    assert report_to(load_task("tiny-mme"), tmp_path / "sw.jsonl", CARD) == "a@b.org"


def test_a_pack_without_a_contact_says_so_and_a_bundled_one_goes_to_the_project(tmp_path: Path) -> None:
    task = load_task("tiny-mme")
    silent = Card(**{**asdict(CARD), "contact": ""})
    assert "names no contact" in report_to(task, tmp_path / "sw.jsonl", silent)
    assert "tiny-mme/sw.jsonl" in report_to(task, task.folder / "packs" / "sw.jsonl", None)


def test_questions_without_a_pack_go_to_the_benchmark() -> None:
    task = load_task("mmbench")
    assert report_to(task, None, None) == task.homepage


def test_the_english_of_a_tiny_task_goes_to_the_project_that_wrote_it() -> None:
    assert report_to(load_task("tiny-mmbench"), None, None).startswith("the issues of lrm-eval, with tiny-mmbench")


def test_a_checkpoint_tells_which_line_of_the_tables_it_is(tmp_path: Path) -> None:
    table = {"variant": "w/o BVQA", "non_english_percent": 40}
    (tmp_path / "training.json").write_text(json.dumps({"table": table}), encoding="utf-8")
    assert training_facts(tmp_path) == {"training": table}


def test_a_checkpoint_that_tells_nothing_stands_in_no_line(tmp_path: Path) -> None:
    assert training_facts(None) == {}
    assert training_facts(tmp_path) == {}
    for content in ("{", "[]", '{"table": 3}', '{"table": {}}'):
        (tmp_path / "training.json").write_text(content, encoding="utf-8")
        assert training_facts(tmp_path) == {}
