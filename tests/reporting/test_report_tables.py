from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

from lrm_eval.reporting import render
from lrm_eval.reporting.latex import latex_escape, latex_first_cell
from lrm_eval.reporting.tables import md_escape

if TYPE_CHECKING:
    from lrm_eval.runs import RunFolder


def text(runs: list[RunFolder], fmt: str) -> str:
    made = render(runs, fmt)
    assert isinstance(made, str)
    return made


def test_csv_holds_every_score_row_unrounded(good: RunFolder, weak: RunFolder) -> None:
    lines = list(csv.DictReader(io.StringIO(text([good, weak], "csv"))))
    rows = [*good.scores(), *weak.scores()]
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        assert (line["task"], line["language"], line["rules"], line["metric"]) == (
            row.task,
            row.language,
            row.rules,
            row.metric,
        )
        assert (float(line["value"]) if line["value"] else None) == row.value
        assert float(line["rate_read"]) == row.outcomes["read"]
        assert line["primary"] == str(row.primary).lower()


def test_json_holds_both_rule_sets_and_names_the_set_of_the_mean(good: RunFolder) -> None:
    board = json.loads(text([good], "json"))
    table = board["tables"][0]
    assert set(table["metrics"]) == {"official", "multilingual"}
    metric = table["metrics"]["multilingual"][0]
    assert metric["mean_over"] == ["en", "sw", "am", "zh", "he"]
    values = {
        (row.language): row.value
        for row in good.scores()
        if (row.task, row.rules, row.metric) == (table["task"], "multilingual", metric["name"])
    }
    assert {tag: cell["value"] for tag, cell in metric["rows"][0]["cells"].items()} == values


def test_markdown_names_the_languages_of_the_mean_and_the_marks(good: RunFolder, hostile: RunFolder) -> None:
    made = text([good, hostile], "md")
    assert "Mean over English, Swahili, Amharic and Chinese, which every model here has." in made
    assert "paired by image" in made
    assert "⚠ more than 5 % of the answers could not be read" in made


def test_markdown_tables_keep_their_columns_whatever_a_model_is_called(good: RunFolder, hostile: RunFolder) -> None:
    tables = [block for block in text([good, hostile], "md").split("\n\n") if block.startswith("|")]
    assert tables
    for block in tables:
        # An escaped bar is no column.
        widths = {line.replace("\\\\", "").replace("\\|", "").count("|") for line in block.splitlines()}
        assert len(widths) == 1


def test_markdown_escapes_markup() -> None:
    assert md_escape("<b>*x*|[y](z)`&") == "&lt;b&gt;\\*x\\*\\|\\[y\\](z)\\`&amp;"


@pytest.mark.parametrize(
    ("raw", "escaped"),
    [
        ("50% of $5 & #1_a", "50\\% of \\$5 \\& \\#1\\_a"),
        ("\\input{/etc/passwd}", "\\textbackslash{}input\\{/etc/passwd\\}"),
        ("~^|<>", "\\textasciitilde{}\\textasciicircum{}\\textbar{}\\textless{}\\textgreater{}"),
        ("--langs — 1–2", "-{}-langs --- 1--2"),
        ("naïve", "naive"),
        ("中", "[U+4E2D]"),
        ("\uff3c\uff05", "\\textbackslash{}\\%"),  # full-width backslash and percent come apart into the real ones
        ("a\nb\x00\u202e", "a b"),
    ],
)
def test_latex_specials_are_escaped(raw: str, escaped: str) -> None:
    assert latex_escape(raw) == escaped


def test_a_row_never_starts_with_what_latex_reads_as_an_argument_of_the_row_before() -> None:
    assert latex_first_cell("[x]") == "{}[x]"
    assert latex_first_cell("*") == "{}*"
    assert latex_first_cell("x") == "x"


def test_latex_is_ascii(good: RunFolder, hostile: RunFolder) -> None:
    made = text([good, hostile], "latex")
    assert made.isascii()
    assert made.count("\\toprule") == 2
