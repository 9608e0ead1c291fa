from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
from report_run_folders import make_run

from lrm_eval.errors import RunError, UsageError
from lrm_eval.reporting import TABLES, paper_table
from lrm_eval.reporting.published import load

if TYPE_CHECKING:
    from pathlib import Path

    from lrm_eval.runs import RunFolder

PAPER_LANGUAGES = {"en": 9, "cs": 8, "de": 8, "fr": 8, "hr": 8, "it": 8, "ro": 8, "ru": 8, "es": 8, "zh": 8}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of the real task's name in the paper's ten languages."""
    from report_run_folders import NO, QUESTIONS, YES

    for words in (QUESTIONS, YES, NO):
        for tag in PAPER_LANGUAGES:
            words.setdefault(tag, words["en"])
    told = {"variant": "w/o BVQA", "language_model": "Vicuna-7B", "instructions": "all", "non_english_percent": 40}
    manifest = {"model": {"name": "ours-7b", "training": told}}
    folder = tmp_path_factory.mktemp("runs") / "full"
    return make_run(folder, "ours-7b", PAPER_LANGUAGES, tasks=("mmbench",), manifest=manifest)


def lines(name: str, runs: list[RunFolder], published: bool) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(paper_table(name, runs, published, "csv"))))


def test_table_one_holds_the_published_numbers() -> None:
    found = lines("main", [], True)
    # Table 1 of the paper: LRM-LLaVA, MME in Spanish; LLaVA-v1.5, POPE in Croatian.
    by_cell = {(line["block"], line["model"]): line for line in found}
    assert by_cell["MME", "LRM-LLaVA"]["es"] == "1454.2"
    assert by_cell["POPE", "LLaVA-v1.5"]["hr"] == "44.8"
    assert len(found) == 6 + 5 + 4 + 4


def test_our_run_stands_beside_the_published_numbers_and_is_told_apart(full: RunFolder) -> None:
    block = [line for line in lines("main", [full], True) if line["block"] == "MMBench"]
    assert [line["source"] for line in block] == ["published"] * 4 + ["ours"]
    value = next(
        row.value for row in full.scores() if row.primary and row.rules == "multilingual" and row.language == "cs"
    )
    assert value is not None
    assert block[-1]["cs"].startswith(f"{value:.1f} [")


def test_tiny_tasks_are_never_in_a_block_with_published_numbers(good: RunFolder) -> None:
    blocks = {line["block"] for line in lines("main", [good], True) if line["source"] == "ours"}
    assert blocks == {"MME, tiny (not comparable with the paper)", "MMBench, tiny (not comparable with the paper)"}


def test_only_runs_that_the_best_is_separable_from_are_not_bold(good: RunFolder, weak: RunFolder) -> None:
    made = paper_table("main", [good, weak], False, "md")
    weak_line = next(line for line in made.splitlines() if "| llava-tiny |" in line)
    cells = [cell.strip() for cell in weak_line.split("|")]
    assert cells[3].startswith("**")  # English: as good as the best
    assert cells[12] and not cells[12].startswith("**")  # Chinese: clearly worse


def test_languages_outside_the_paper_are_named_not_dropped_silently(good: RunFolder) -> None:
    assert "not shown: am, he, sw." in paper_table("main", [good], False, "md")


def test_bleu_without_measurements_is_blank_and_said(full: RunFolder) -> None:
    made = lines("bleu", [full], True)
    assert (made[0]["benchmark"], made[0]["published"], made[0]["ours"]) == ("MME", "57.34", "")
    assert "Ours is blank" in paper_table("bleu", [full], True, "md")


def test_an_ablation_is_placed_by_what_run_json_tells_of_its_training(full: RunFolder) -> None:
    made = [line for line in lines("instructions", [full], True) if line["method"] == "w/o BVQA"]
    assert made[0]["en"] == "69.6"  # table 3
    assert made[1]["source"] == "ours (ours-7b), MMBench"
    primary = {row.language: row.value for row in full.scores() if row.primary and row.rules == "multilingual"}
    others = [primary[tag] for tag in PAPER_LANGUAGES if tag != "en"]
    assert made[1]["mean of the others"] == f"{sum(value for value in others if value is not None) / 9:.1f}"


def test_the_mean_of_the_others_is_blank_over_fewer_than_nine(good: RunFolder) -> None:
    ours = [line for line in lines("instructions", [good], False) if line["source"].startswith("ours")]
    assert ours
    assert all(line["mean of the others"] == "" for line in ours)


def test_backbones_and_ratio_take_our_runs(full: RunFolder) -> None:
    assert lines("backbones", [full], False)[0]["language model"] == "Vicuna-7B"
    ratio = lines("ratio", [full], False)
    assert (ratio[0]["share"], ratio[0]["source"]) == ("40%", "ours-7b, MMBench")


def test_a_run_whose_training_is_not_told_is_named_as_left_out(good: RunFolder) -> None:
    assert "lrm-llava" in paper_table("ratio", [good], False, "md").split("Left out")[1]


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("fmt", ["latex", "md", "csv", "html"])
def test_every_table_has_every_form(name: str, fmt: str, hostile: RunFolder) -> None:
    made = paper_table(name, [hostile], True, fmt)
    assert made.endswith("\n")
    if fmt == "html":
        assert "<b>" not in made
    if fmt == "latex":
        assert made.isascii()


def test_unknown_names_and_empty_requests_are_refused() -> None:
    with pytest.raises(UsageError, match="'ratio'"):
        paper_table("ration", [], True)
    with pytest.raises(UsageError, match="'latex'"):
        paper_table("main", [], True, "latx")
    with pytest.raises(UsageError, match="--published"):
        paper_table("main", [], False)


def test_damaged_published_numbers_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1\n", encoding="utf-8")
    with pytest.raises(RunError, match="more or fewer columns"):
        load("t", tmp_path)
    with pytest.raises(RunError, match="cannot read"):
        load("absent", tmp_path)
