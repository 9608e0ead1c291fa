from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from report_run_folders import make_run

from lrm_eval.errors import RunError, UsageError
from lrm_eval.reporting import render
from lrm_eval.reporting.build import build, heat_step
from lrm_eval.reporting.gather import GatheredRun, gather
from lrm_eval.reporting.view import HEAT_STEPS
from lrm_eval.runs import RunFolder

if TYPE_CHECKING:
    from pathlib import Path

    from lrm_eval.reporting.view import MetricView


ONE = ("tiny-mmbench",)


def primary(board_runs: list[GatheredRun], task: str = "tiny-mmbench") -> MetricView:
    table = next(table for table in build(board_runs).tables if table.task == task)
    return next(metric for metric in table.metrics["multilingual"] if metric.primary)


def test_mean_is_over_the_languages_that_every_model_has(good: RunFolder, hostile: RunFolder) -> None:
    metric = primary(gather([good, hostile]))
    assert metric.mean_over == ("en", "sw", "am", "zh")
    assert metric.gap_over == ("sw", "am", "zh")
    best = metric.rows[0]
    known = [cell.value for cell in best.cells[:4] if cell and cell.value is not None]
    assert best.mean is not None
    assert best.mean.value == pytest.approx(sum(known) / 4)


def test_a_missing_language_is_a_blank_cell_not_a_zero(good: RunFolder, hostile: RunFolder) -> None:
    row = next(row for row in primary(gather([good, hostile])).rows if row.model.startswith("evil"))
    assert row.cells[4] is None


def test_without_english_there_is_no_gap(tmp_path: Path) -> None:
    metric = primary(gather([make_run(tmp_path / "r", "m", {"sw": 9, "am": 7}, ONE)]))
    assert metric.gap_over == ()
    assert all(row.gap is None and all(cell is None or cell.gap is None for cell in row.cells) for row in metric.rows)


def test_no_common_language_means_no_mean(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / "a", "a", {"sw": 9}, ONE), make_run(tmp_path / "b", "b", {"am": 9}, ONE)]
    metric = primary(gather(runs))
    assert metric.mean_over == ()
    assert [row.mean for row in metric.rows] == [None, None]


def test_rows_are_sorted_by_mean(weak: RunFolder, good: RunFolder) -> None:
    assert [row.model for row in primary(gather([weak, good])).rows] == ["lrm-llava", "llava-tiny"]


def test_an_undefined_value_has_no_colour_and_no_gap(good: RunFolder) -> None:
    one = gather([good])[0]
    rows = tuple(replace(row, value=float("nan")) if row.language == "sw" else row for row in one.rows)
    metric = primary([replace(one, rows=rows)])
    cell = metric.rows[0].cells[1]
    assert cell is not None
    assert (cell.value, cell.heat, cell.gap) == (None, None, None)
    assert "sw" not in metric.mean_over


def test_many_unread_answers_are_marked(hostile: RunFolder, good: RunFolder) -> None:
    for run, marked in ((hostile, True), (good, False)):
        cells = [cell for cell in primary(gather([run])).rows[0].cells if cell]
        assert all(("unparsed" in cell.marks) is marked for cell in cells)


def test_few_images_are_marked(tmp_path: Path) -> None:
    cell = primary(gather([make_run(tmp_path / "r", "m", {"en": 9}, ONE, count=20)])).rows[0].cells[0]
    assert cell is not None
    assert "few" in cell.marks


def test_small_differences_look_small_in_colour(good: RunFolder) -> None:
    assert heat_step(99.0, (90.0, 100.0)) == HEAT_STEPS - 1
    one = gather([good])[0]
    rows = tuple(replace(row, value=99.5 if row.language == "sw" else 100.0) for row in one.rows)
    cells = [cell for cell in primary([replace(one, rows=rows)]).rows[0].cells if cell]
    assert {cell.heat for cell in cells} == {HEAT_STEPS - 1}


def test_runs_of_one_model_with_other_languages_share_a_line(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / "a", "m", {"en": 9}, ONE), make_run(tmp_path / "b", "m", {"sw": 9}, ONE)]
    metric = primary(gather(runs))
    assert [row.model for row in metric.rows] == ["m"]
    assert all(metric.rows[0].cells)


def test_runs_of_one_model_with_the_same_cells_are_told_apart(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / name, "m", {"en": 9}, ONE) for name in ("first", "second")]
    assert [one.name for one in gather(runs)] == ["m [first]", "m [second]"]
    runs.append(make_run(tmp_path / "x" / "first", "m", {"en": 9}, ONE))
    assert len({one.name for one in gather(runs)}) == 3


def test_no_run_or_the_same_one_twice_is_refused(good: RunFolder) -> None:
    with pytest.raises(UsageError, match="no run given"):
        render([], "html")
    with pytest.raises(UsageError, match="given twice"):
        render([good, RunFolder(good.path)], "html")


def test_a_run_without_scores_is_refused_with_the_command_that_makes_them(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", "m", {"en": 9}, ONE)
    run.scores_path.write_text('{"schema": 1, "scores": []}', encoding="utf-8")
    with pytest.raises(RunError, match="lrm-eval rescore"):
        render([run], "md")


def test_an_unknown_format_names_the_nearest(good: RunFolder) -> None:
    with pytest.raises(UsageError, match="'html'"):
        render([good], "htm")


def test_missing_official_readings_are_refused_with_the_command_that_makes_them(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", "m", {"en": 9}, ONE)
    path = run.path / "readings" / "official" / "tiny-mmbench" / "en.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:-1]), encoding="utf-8")
    with pytest.raises(RunError, match="rescore"):
        render([run], "html")


def test_output_is_written_whole_or_not_at_all(good: RunFolder, tmp_path: Path) -> None:
    written = render([good], "md", tmp_path)
    assert written == tmp_path / "report.md"
    assert list(tmp_path.iterdir()) == [written]
    blocked = tmp_path / "report.md" / "below-a-file.md"
    with pytest.raises(RunError, match="cannot write"):
        render([good], "md", blocked)


@pytest.mark.parametrize("fmt", ["html", "latex", "md", "csv", "json"])
def test_the_same_runs_give_the_same_bytes(good: RunFolder, weak: RunFolder, fmt: str) -> None:
    assert render([good, weak], fmt) == render([good, weak], fmt)


def test_a_cell_without_scores_is_named_as_not_finished(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", "m", {"en": 9, "sw": 9}, ONE)
    scores = json.loads(run.scores_path.read_text(encoding="utf-8"))
    scores["scores"] = [row for row in scores["scores"] if (row["task"], row["language"]) != ("tiny-mmbench", "sw")]
    run.scores_path.write_text(json.dumps(scores), encoding="utf-8")
    for fmt in ("html", "md", "json"):
        made = render([run], fmt)
        assert isinstance(made, str)
        assert "without a score here: m, tiny-mmbench sw" in made.replace("\\", "")


def test_questions_translated_by_machine_are_marked(tmp_path: Path) -> None:
    cells = [
        {"task": "tiny-mmbench", "language": tag, "condition": "default", "provenance": provenance, "planned": 9}
        for tag, provenance in (("sw", "machine-translated"), ("en", "created"))
    ]
    run = make_run(tmp_path / "r", "m", {"en": 9, "sw": 9}, ONE, manifest={"cells": cells})
    english, swahili = primary(gather([run])).rows[0].cells
    assert english is not None and "machine" not in english.marks
    assert swahili is not None and "machine" in swahili.marks
