"""A model across languages: its lowest ones, and whether the same question gets the same answer."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from report_run_folders import make_run

from lrm_eval.reporting import render
from lrm_eval.reporting.across import across
from lrm_eval.reporting.build import build
from lrm_eval.reporting.cite import bibtex
from lrm_eval.reporting.gather import gather
from lrm_eval.reporting.paired import primary_metric
from lrm_eval.reporting.render import read_answers
from lrm_eval.statistics import agreement, kappa, languages_joint, match, right_overlap, worst
from lrm_eval.types import Item, Reading

if TYPE_CHECKING:
    from pathlib import Path

    from lrm_eval.reporting.view import RowView
    from lrm_eval.runs import RunFolder
    from lrm_eval.scorers.metric import Metric

TASK = "tiny-mmbench"


def cells(run: RunFolder, task: str = TASK) -> dict[str, list[Item]]:
    return {cell.language: list(run.items(cell, "multilingual")) for cell in run.cells() if cell.task == task}


def rows(*runs: RunFolder) -> dict[str, RowView]:
    gathered = gather(runs)
    read = read_answers(gathered)
    table = next(table for table in build(gathered, read.numbers, read.across).tables if table.task == TASK)
    return {row.model: row for row in table.metrics["multilingual"][0].rows}


def test_likeness_is_that_of_the_statistics_package(good: RunFolder) -> None:
    items = cells(good)
    found = across(items).likeness["sw"]
    pair = match({"en": items["en"], "sw": items["sw"]})
    assert found.same.value == pytest.approx(agreement(pair, "sw", "en").value)
    assert found.kappa == pytest.approx(kappa(pair, "sw", "en").value)
    assert found.both == pytest.approx(right_overlap(pair, "sw", "en").value)
    assert found.same.ci_low is not None and found.same.ci_low < found.same.value
    assert found.ranks is None
    assert found.n == len(items["sw"])


def test_a_language_that_answers_as_english_does_agrees_wholly(good: RunFolder) -> None:
    items = cells(good)
    same = across({"en": items["en"], "sw": [_in(item, "sw") for item in items["en"] if item.reading.value]})
    assert same.likeness["sw"].same.value == 100
    assert same.likeness["sw"].kappa == pytest.approx(1)


def _in(item: Item, tag: str) -> Item:
    return replace(item, sample=replace(item.sample, language=tag))


def test_a_language_with_few_questions_takes_none_from_the_others(good: RunFolder) -> None:
    items = cells(good)
    found = across({**items, "am": items["am"][:10]}).likeness
    assert found["am"].n == 10
    assert found["sw"].n == len(items["sw"])


def test_unread_answers_agree_with_nothing(good: RunFolder) -> None:
    items = cells(good)
    unread = [replace(item, reading=Reading(None, "none", "unparsed")) for item in items["sw"]]
    found = across({"en": items["en"], "sw": unread})
    assert found.likeness["sw"].same.value == 0
    assert found.likeness["sw"].kappa is None
    assert found.kappa is None


def test_one_language_and_languages_without_english_have_no_likeness(good: RunFolder) -> None:
    items = cells(good)
    assert across({"en": items["en"]}) == ({}, None)
    without = across({"sw": items["sw"], "am": items["am"]})
    assert without.likeness == {}
    assert without.kappa is not None


def test_captions_have_no_equal_answers(good: RunFolder) -> None:
    texts = {
        tag: [replace(item, sample=replace(item.sample, kind="text")) for item in found]
        for tag, found in cells(good).items()
    }
    assert across(texts) == ({}, None)


def test_the_lowest_language_is_named_with_those_that_may_be_as_low(weak: RunFolder) -> None:
    found = rows(weak)["llava-tiny"].lowest
    own = {tag: _headline(items) for tag, items in cells(weak).items()}
    expected = worst(languages_joint(own))
    assert found is not None
    assert (found.tag, found.ties, found.fifth) == (expected.language, expected.not_separable, expected.fifth)
    assert (found.fifth_mean, found.spread) == pytest.approx((expected.fifth_mean, expected.spread))


def _headline(items: list[Item]) -> Metric:
    found = primary_metric(items, TASK, "mmbench", "multilingual")
    assert found is not None
    return found


def test_one_language_alone_is_not_the_lowest_of_anything(tmp_path: Path) -> None:
    assert rows(make_run(tmp_path / "r", "m", {"sw": 7}, (TASK,)))["m"].lowest is None


def test_a_clear_win_is_told_for_the_mean_and_for_each_language(good: RunFolder, weak: RunFolder) -> None:
    found = rows(weak, good)
    best = found["lrm-llava"]
    assert best.place is not None and best.place.beats == ("llava-tiny",)
    won = {tag: bool(cell and cell.beats) for tag, cell in zip(("en", "sw", "am", "zh", "he"), best.cells, strict=True)}
    assert won["he"] and won["am"]
    assert not won["en"], "the same answers in English"
    assert all(cell is not None and not cell.beats for cell in found["llava-tiny"].cells)


def test_markdown_and_json_tell_it_too(good: RunFolder, weak: RunFolder) -> None:
    text = str(render([good, weak], "md"))
    assert "### MMBench, tiny: across languages" in text
    assert "κ, all languages" in text
    board = json.loads(str(render([good, weak], "json")))
    row = board["tables"][-1]["metrics"]["multilingual"][0]["rows"][-1]
    assert row["lowest"]["tag"] in row["cells"]
    assert row["place"]["beats"] == []
    assert 0 <= row["cells"]["sw"]["like_english"]["same"]["value"] <= 100


def test_the_citation_has_each_entry_once() -> None:
    found = bibtex(["tiny-pope", "pope", "tiny-mme", "no-such-task"], ["lrm-llava", "random", "hf:x"])
    keys = [line for line in found.splitlines() if line.startswith("@")]
    assert len(keys) == len(set(keys)) == 4
    assert keys[0] == "@software{lrmeval,"
    assert "Evaluating Object Hallucination" in found
    assert found.splitlines()[-1].startswith("% lrm-llava: ")


def test_every_entry_of_the_citation_is_whole() -> None:
    from lrm_eval.tasks import task_names

    found = bibtex(task_names(), [])
    for entry in found.split("\n\n"):
        assert entry.count("{") == entry.count("}")
        assert entry.rstrip().endswith("}")
