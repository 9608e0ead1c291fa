"""Mistakes and surroundings that users met at the shell."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

import lrm_eval
from lrm_eval.cli import app
from lrm_eval.commands import entry, listing, summary
from lrm_eval.runs.folder import Cell
from lrm_eval.types import ScoreRow

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(lrm_eval.__file__).parents[1]), "OMP_NUM_THREADS": "1"}
RUN = ["run", "--suite", "tiny", "--tasks", "pope", "--langs", "am", "--limit", "2"]


def row(rules: str, value: float, metric: str = "circular_accuracy") -> ScoreRow:
    return ScoreRow(
        "m",
        "tiny-mmbench",
        "sw",
        "default",
        rules,
        metric,
        value,
        11.1,
        99.9,
        570,
        160,
        0.0,
        {"read": 1.0},
        True,  # type: ignore[arg-type]
    )


def shown(table: object, width: int) -> str:
    console = Console(width=width, file=io.StringIO())
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_narrow_terminal_cuts_no_number_of_a_run(width: int) -> None:
    rows = [row("multilingual", 57.1), row("official", 66.7)]
    console = Console(width=width, file=io.StringIO())
    text = shown(summary.fitting_headline_table(rows, [Cell("tiny-mmbench", "sw")], console), width)
    for number in ("57.1", "11.1 … 99.9", "570", "0.0 %"):
        assert number in text
    assert ("66.7" in text) == (width == 120)


def test_a_long_name_cuts_no_number_of_a_score() -> None:
    rows = [row("multilingual", 57.1, "circular_accuracy_" + "finegrained_perception_" * 4)]
    text = shown(summary.rows_table(rows), 80)
    for number in ("57.1000", "11.1 … 99.9", "570", "160", "0.0 %"):
        assert number in text


def test_a_narrow_terminal_shows_every_column_of_the_languages() -> None:
    console = Console(width=80, file=io.StringIO())
    listing.print_languages(console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "…" not in text
    assert "class" in text
    assert "paper" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", ""], "--model names no model"),
        (["--model", "random", "--dtype", "float33"], "unknown dtype 'float33': did you mean 'float32'"),
        (["--model", "majority", "--device", "cpuu"], "unknown device 'cpuu': did you mean 'cpu'?"),
    ],
)
def test_an_option_that_means_nothing_is_refused(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = entry.call(app, [*RUN, *options, "--out", str(tmp_path / "run")])
    assert status == 2
    assert capsys.readouterr().err.startswith(f"error: {message}")
    assert not (tmp_path / "run").exists()


def test_an_error_in_one_question_is_said_in_the_singular() -> None:
    assert summary._questions(1) == "1 question has"
    assert summary._questions(2) == "2 questions have"


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_without_standard_output_or_error_a_run_is_done_all_the_same(closed: str, tmp_path: Path) -> None:
    typed = [sys.executable, "-m", "lrm_eval.cli", *RUN, "--model", "random", "--out", str(tmp_path / "run")]
    shell = ["bash", "-c", f'exec "$@" {closed}', "-", *typed]
    done = subprocess.run(shell, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert (tmp_path / "run" / "scores.json").is_file()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("verb", [["langs"], ["langs", "--json"]])
def test_output_that_cannot_be_written_is_named(verb: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "lrm_eval.cli", *verb],
            env=ENVIRONMENT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert done.stderr == "error: cannot write to standard output: No space left on device\n"


def test_a_file_outside_a_run_is_named_as_typed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "page.html"
    file.write_text("")
    assert entry.call(app, ["report", str(file)]) == 2
    assert capsys.readouterr().err == f"error: {file} is not in a run folder: it has no run.json\n"
