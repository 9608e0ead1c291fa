from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from report_run_folders import make_run

from lrm_eval.reporting.build import build
from lrm_eval.reporting.gather import gather
from lrm_eval.reporting.paired import Numbers, primary_metric
from lrm_eval.reporting.render import read_answers
from lrm_eval.statistics import chance_level, combined_interval, joint

if TYPE_CHECKING:
    from pathlib import Path

    from lrm_eval.reporting.view import RowView
    from lrm_eval.runs import RunFolder
    from lrm_eval.scorers.metric import Metric

KEY = ("tiny-mmbench", "multilingual", "circular_accuracy")


def metrics(run: RunFolder, task: str = "tiny-mmbench") -> dict[str, Metric]:
    cells = {cell.language: run.items(cell, "multilingual") for cell in run.cells() if cell.task == task}
    found = {tag: primary_metric(items, task, "mmbench", "multilingual") for tag, items in cells.items()}
    return {tag: metric for tag, metric in found.items() if metric is not None}


def rows(*runs: RunFolder) -> dict[str, RowView]:
    gathered = gather(runs)
    numbers = read_answers(gathered).numbers
    table = next(table for table in build(gathered, numbers).tables if table.task == "tiny-mmbench")
    return {row.model: row for row in table.metrics["multilingual"][0].rows}


def test_intervals_are_those_of_the_statistics_package(good: RunFolder) -> None:
    one = metrics(good)
    numbers = Numbers(joint({("m", tag): metric for tag, metric in one.items()}))
    gap, mean = numbers.gap("m", ["he"]), numbers.mean("m", list(one))
    assert gap is not None and mean is not None
    expected = combined_interval([one["he"], one["en"]], [1.0, -1.0])
    assert (gap.value, gap.ci_low, gap.ci_high) == pytest.approx(expected[:3])
    expected = combined_interval(list(one.values()), [1 / len(one)] * len(one))
    assert (mean.value, mean.ci_low, mean.ci_high) == pytest.approx(expected[:3])


def test_pairing_makes_a_gap_shorter_than_two_separate_intervals(good: RunFolder) -> None:
    row = rows(good)["lrm-llava"]
    english, swahili = row.cells[0], row.cells[1]
    assert english and swahili and swahili.gap and swahili.gap_paired
    assert swahili.gap.ci_low is not None and swahili.gap.ci_high is not None
    widths = [(cell.ci_high or 0.0) - (cell.ci_low or 0.0) for cell in (english, swahili)]
    assert swahili.gap.ci_high - swahili.gap.ci_low < (widths[0] ** 2 + widths[1] ** 2) ** 0.5


def test_four_images_give_no_interval(tmp_path: Path) -> None:
    row = rows(make_run(tmp_path / "r", "m", {"en": 9, "sw": 5}, ("tiny-mmbench",), count=8))["m"]
    assert row.gap is not None and row.gap.ci_low is None


def test_a_benchmark_of_a_plug_in_has_no_numbers(good: RunFolder) -> None:
    cell = next(cell for cell in good.cells() if cell.task == "tiny-mmbench")
    assert primary_metric(good.items(cell, "multilingual"), "other", "other", "multilingual") is None


def test_a_clearly_better_model_is_first_and_alone_in_bold(good: RunFolder, weak: RunFolder) -> None:
    found = rows(weak, good)
    best, other = found["lrm-llava"].place, found["llava-tiny"].place
    assert best is not None and other is not None
    assert (best.low, best.high, best.group, best.best) == (1, 1, 1, True)
    assert (other.low, other.high, other.group, other.best) == (2, 2, 2, False)


def test_models_that_cannot_be_told_apart_share_ranks_group_and_bold(good: RunFolder, tmp_path: Path) -> None:
    same = make_run(tmp_path / "r", "twin", {"en": 10, "sw": 9, "am": 9, "zh": 9, "he": 8})
    for row in rows(good, same).values():
        assert row.place is not None
        assert (row.place.low, row.place.high, row.place.group, row.place.best) == (1, 2, 1, True)
        assert all(cell is not None and cell.best for cell in row.cells)


def test_one_model_alone_has_no_rank(good: RunFolder) -> None:
    row = rows(good)["lrm-llava"]
    assert row.place is None
    assert not any(cell.best for cell in row.cells if cell)


def test_chance_is_that_of_the_statistics_package(good: RunFolder) -> None:
    expected = chance_level(metrics(good)["sw"])
    cell = rows(good)["lrm-llava"].cells[1]
    assert expected is not None and cell is not None and cell.corrected is not None
    assert cell.chance == pytest.approx(expected.level)
    assert cell.corrected.value == pytest.approx(expected.corrected)
    assert cell.corrected.ci_low is not None and cell.corrected.ci_low < cell.corrected.value


def test_the_corrected_mean_is_the_mean_of_the_corrected_cells(good: RunFolder) -> None:
    row = rows(good)["lrm-llava"]
    values = [cell.corrected.value for cell in row.cells if cell and cell.corrected]
    assert row.corrected is not None
    assert row.corrected.value == pytest.approx(sum(values) / 5)


def test_a_score_below_guessing_is_marked(good: RunFolder, tmp_path: Path) -> None:
    wrong = make_run(tmp_path / "r", "wrong", {"en": 0, "sw": 0}, ("tiny-mme",), count=160)
    gathered = gather([wrong])
    numbers = read_answers(gathered).numbers
    cells = build(gathered, numbers).tables[0].metrics["multilingual"][0].rows[0].cells
    assert all(cell is not None and "chance" in cell.marks for cell in cells)
    assert all(cell is not None and "note" not in cell.marks for cell in cells), "one mark says it"
    assert all(cell is not None and "chance" not in cell.marks for cell in rows(good)["lrm-llava"].cells)


def test_groups_of_languages_have_sums_with_intervals(good: RunFolder, weak: RunFolder) -> None:
    gathered = gather([good, weak])
    numbers = read_answers(gathered).numbers
    metric = next(t for t in build(gathered, numbers).tables if t.task == "tiny-mmbench").metrics["multilingual"][0]
    sets = {one.label: one for one in metric.sets}
    assert sets["script Latn"].tags == ("en", "sw")
    assert sets["without English"].tags == ("sw", "am", "zh", "he")
    mean, gap, _, place = sets["script Latn"].rows[0]
    assert mean is not None and mean.ci_low is not None and gap is not None and place is not None
    names = [row.model for row in metric.rows]
    cells = [cell.value for cell in metric.rows[names.index("lrm-llava")].cells[:2] if cell and cell.value is not None]
    assert sets["script Latn"].rows[names.index("lrm-llava")][0] == mean
    assert mean.value == pytest.approx(sum(cells) / 2)


def test_languages_the_makers_do_not_name_are_marked(tmp_path: Path) -> None:
    told = {"model": {"name": "m", "languages": ["en"]}}
    row = rows(make_run(tmp_path / "r", "m", {"en": 9, "sw": 9}, ("tiny-mmbench",), manifest=told))["m"]
    english, swahili = row.cells
    assert english is not None and "unseen" not in english.marks
    assert swahili is not None and "unseen" in swahili.marks


def test_the_gated_score_is_the_row_of_the_scores(good: RunFolder) -> None:
    one = gather([good])[0]
    extra = [
        replace(row, metric=name, value=value, ci_low=None, ci_high=None, primary=False)
        for row in one.rows
        if row.primary
        for name, value in (("gated_accuracy", 61.0), ("gated_accuracy_loss", 3.5))
    ]
    board = build([replace(one, rows=(*one.rows, *(row for row in extra if row not in one.rows)))])
    cell = board.tables[0].metrics["multilingual"][0].rows[0].cells[0]
    assert cell is not None and cell.gated is not None
    assert (cell.gated.value, cell.lost) == (61.0, 3.5)
