from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
from report_run_folders import make_run

from lrm_eval.errors import RunError, UsageError
from lrm_eval.reporting import TABLES, paper_table
from lrm_eval.reporting.paired import primary_metric
from lrm_eval.reporting.published import load
from lrm_eval.statistics import combined_interval
from lrm_eval.translation.agreement import Agreement

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


def cells_of(made: str, model: str) -> list[str]:
    line = next(line for line in made.splitlines() if f"| {model} |" in line)
    return [cell.strip() for cell in line.split("|")]


def test_only_runs_that_the_best_is_separable_from_are_unmarked(good: RunFolder, weak: RunFolder) -> None:
    cells = cells_of(paper_table("main", [good, weak], False, "md"), "llava-tiny")
    assert cells[3].startswith("**")  # English: the same answers as the best
    assert cells[12] and not cells[12].startswith("*")  # Chinese: clearly worse


def test_a_run_that_could_be_as_good_as_the_best_is_marked_but_not_bold(good: RunFolder, tmp_path: Path) -> None:
    nearly = make_run(tmp_path / "nearly", "nearly", {"en": 9})
    for fmt, opening in (("md", "*"), ("latex", "\\underline{"), ("html", "<u>")):
        made = paper_table("main", [good, nearly], False, fmt)
        value = next(row.value for row in nearly.scores() if row.task == "tiny-mme" and row.metric == "perception")
        assert f"{opening}{value:.1f}" in made
        assert f"**{value:.1f}" not in made


def test_one_run_alone_is_the_best_of_nothing(good: RunFolder) -> None:
    assert "**" not in "".join(cells_of(paper_table("main", [good], False, "md"), "lrm-llava"))


def test_runs_over_other_questions_are_separated_by_their_intervals_alone(good: RunFolder, tmp_path: Path) -> None:
    fewer = make_run(tmp_path / "fewer", "fewer", {"en": 10, "zh": 1}, count=60)
    cells = cells_of(paper_table("main", [good, fewer], False, "md"), "fewer")
    assert cells[3].startswith("*")
    assert cells[12] and not cells[12].startswith("*")


def test_intervals_are_optional(full: RunFolder) -> None:
    assert "[" in "".join(lines("main", [full], False)[0].values())
    bare = paper_table("main", [full], False, "csv", intervals=False)
    assert "[" not in bare


def test_columns_can_be_chosen(good: RunFolder) -> None:
    made = paper_table("main", [good], False, "csv", languages=("en", "sw"))
    assert made.splitlines()[0] == "block,model,source,en,sw"


def test_several_runs_of_one_arm_get_their_mean_over_training(full: RunFolder, tmp_path: Path) -> None:
    told = {"variant": "w/o BVQA"}
    manifest = {"model": {"name": "seed-2", "training": told}}
    other = make_run(tmp_path / "b", "seed-2", PAPER_LANGUAGES | {"en": 5}, tasks=("mmbench",), manifest=manifest)
    made = [line for line in lines("instructions", [full, other], False) if line["method"] == "w/o BVQA"]
    assert [line["source"] for line in made] == [
        "ours (ours-7b), MMBench", "ours (seed-2), MMBench", "ours, mean of 2 runs, MMBench"
    ]  # fmt: skip
    single = [float(line["en"].split()[0]) for line in made[:2]]
    assert float(made[2]["en"].split()[0]) == pytest.approx(sum(single) / 2, abs=0.06)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ratio", "non_english_percent"),
        ("backbones", "language_model"),
    ],
)
def test_a_table_of_blanks_is_refused_with_the_reason(name: str, told: str, good: RunFolder) -> None:
    with pytest.raises(RunError, match=f"would be empty: .*{told}"):
        paper_table(name, [good], False)


def test_the_numbers_of_figure_6_were_never_published() -> None:
    with pytest.raises(UsageError, match="published as a plot, without numbers: name runs"):
        paper_table("ratio", [], True)


def test_languages_outside_the_paper_are_named_not_dropped_silently(good: RunFolder) -> None:
    assert "not shown: am, he, sw." in paper_table("main", [good], False, "md")


def test_bleu_without_measurements_is_the_papers_alone_and_says_how_to_measure() -> None:
    made = lines("bleu", [], True)
    assert (made[0]["benchmark"], made[0]["published"]) == ("MME", "57.34")
    assert "lrm-eval data audit TASK" in paper_table("bleu", [], True, "md")
    with pytest.raises(UsageError, match=r"--agreement FILE`, then `lrm-eval table bleu FILE`"):
        paper_table("bleu", [], False)


def test_bleu_puts_measured_agreements_beside_the_papers() -> None:
    def measured(task: str, tag: str, bleu: float) -> Agreement:
        return Agreement(
            task, tag, "google:nmt", "openai:m", 9, bleu, "nrefs:1|tok:13a", bleu + 10, "nrefs:1|nw:2", 0.5
        )

    found = [measured("mme", "de", 50.0), measured("mme", "hr", 60.0), measured("tiny-mme", "hr", 70.0)]
    made = paper_table("bleu", [], True, "csv", agreements=found)
    table = list(csv.DictReader(made.splitlines()))
    assert (table[0]["published"], table[0]["BLEU"], table[0]["chrF2++"]) == ("57.34", "55.00", "65.00")
    assert table[0]["languages"] == "2: de, hr"
    assert (table[1]["BLEU"], table[4]["BLEU"]) == ("", "70.00")
    page = paper_table("bleu", [], False, "md", agreements=found)
    assert "google:nmt against openai:m" in page
    assert "BLEU nrefs:1|tok:13a: de, hr." in page.replace("\\|", "|")


def test_an_ablation_is_placed_by_what_run_json_tells_of_its_training(full: RunFolder) -> None:
    made = [line for line in lines("instructions", [full], True) if line["method"] == "w/o BVQA"]
    assert made[0]["en"] == "69.6"  # table 3
    assert made[1]["source"] == "ours (ours-7b), MMBench"
    primary = {row.language: row.value for row in full.scores() if row.primary and row.rules == "multilingual"}
    others = [primary[tag] for tag in PAPER_LANGUAGES if tag != "en"]
    mean = sum(value for value in others if value is not None) / 9
    assert made[1]["mean of the others"].split()[0] == f"{mean:.1f}"


def test_the_mean_of_the_others_has_the_interval_of_one_draw_of_images(full: RunFolder) -> None:
    cells = {cell.language: full.items(cell, "multilingual") for cell in full.cells() if cell.language != "en"}
    metrics = [primary_metric(items, "mmbench", "mmbench", "multilingual") for items in cells.values()]
    expected = combined_interval([metric for metric in metrics if metric is not None], [1 / 9] * 9)
    made = next(line for line in lines("instructions", [full], False) if line["method"] == "w/o BVQA")
    assert expected.low is not None
    assert made["mean of the others"] == f"{expected.value:.1f} [{expected.low:.1f}, {expected.high:.1f}]"
    plain = paper_table("instructions", [full], False, "csv", intervals=False)
    assert "[" not in plain


def test_the_mean_of_the_others_is_blank_over_fewer_than_nine(good: RunFolder) -> None:
    ours = [line for line in lines("instructions", [good], False) if line["source"].startswith("ours")]
    assert ours
    assert all(line["mean of the others"] == "" for line in ours)


def test_backbones_and_ratio_take_our_runs(full: RunFolder) -> None:
    assert lines("backbones", [full], False)[0]["language model"] == "Vicuna-7B"
    ratio = lines("ratio", [full], False)
    assert (ratio[0]["share"], ratio[0]["source"]) == ("40%", "ours-7b, MMBench")


def test_a_run_whose_training_is_not_told_is_named_as_left_out(good: RunFolder, full: RunFolder) -> None:
    assert "lrm-llava" in paper_table("ratio", [good, full], False, "md").split("Left out")[1]


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("fmt", ["latex", "md", "csv", "html"])
def test_every_table_has_every_form(name: str, fmt: str, hostile: RunFolder, full: RunFolder) -> None:
    made = paper_table(name, [hostile, full], True, fmt)
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
    (tmp_path / "n.csv").write_text("a\nnan\n", encoding="utf-8")
    table = load("n", tmp_path)
    with pytest.raises(RunError, match="a is 'nan', not a number"):
        table.number(table.rows[0], "a")
