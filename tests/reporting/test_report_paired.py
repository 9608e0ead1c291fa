from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from report_run_folders import make_run

from lrm_eval.reporting.build import build
from lrm_eval.reporting.gather import gather
from lrm_eval.reporting.paired import shared_draws
from lrm_eval.reporting.render import read_answers
from lrm_eval.scorers import metrics
from lrm_eval.statistics import combined_interval

if TYPE_CHECKING:
    from pathlib import Path

    from lrm_eval.runs import RunFolder
    from lrm_eval.types import Item


def items(run: RunFolder, task: str) -> dict[str, list[Item]]:
    return {cell.language: run.items(cell, "multilingual") for cell in run.cells() if cell.task == task}


def test_intervals_are_those_of_the_statistics_package(good: RunFolder) -> None:
    read = items(good, "tiny-mmbench")
    drawn = shared_draws(read, "tiny-mmbench", "mmbench", "multilingual")["circular_accuracy"]
    one = {tag: next(m for m in metrics("mmbench", cell, "multilingual") if m.primary) for tag, cell in read.items()}
    expected = combined_interval([one["he"], one["en"]], [1.0, -1.0])
    assert drawn.interval({"he": 1.0, "en": -1.0}) == pytest.approx((expected.low, expected.high))
    tags = list(one)
    expected = combined_interval([one[tag] for tag in tags], [1 / len(tags)] * len(tags))
    assert drawn.interval(dict.fromkeys(tags, 1 / len(tags))) == pytest.approx((expected.low, expected.high))


def test_pairing_makes_a_gap_shorter_than_two_separate_intervals(good: RunFolder) -> None:
    gathered = gather([good])
    draws, _ = read_answers(gathered)
    table = next(table for table in build(gathered, draws).tables if table.task == "tiny-mmbench")
    row = table.metrics["multilingual"][0].rows[0]
    english, swahili = row.cells[0], row.cells[1]
    assert english and swahili and swahili.gap and swahili.gap_paired
    assert swahili.gap.ci_low is not None and swahili.gap.ci_high is not None
    widths = [(cell.ci_high or 0.0) - (cell.ci_low or 0.0) for cell in (english, swahili)]
    assert swahili.gap.ci_high - swahili.gap.ci_low < (widths[0] ** 2 + widths[1] ** 2) ** 0.5


def test_four_images_give_no_interval(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", "m", {"en": 9, "sw": 5}, ("tiny-mmbench",), count=8)
    drawn = shared_draws(items(run, "tiny-mmbench"), "tiny-mmbench", "mmbench", "multilingual")["circular_accuracy"]
    assert drawn.interval({"sw": 1.0, "en": -1.0}) is None


def test_a_benchmark_of_a_plug_in_has_no_draws(good: RunFolder) -> None:
    assert shared_draws(items(good, "tiny-mmbench"), "other", "other", "multilingual") == {}
