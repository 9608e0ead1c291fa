"""VLMEvalKit's tables: what is written reads back with the scores of the run."""

from __future__ import annotations

import io
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import load_workbook

import lrm_eval
from lrm_eval.cli import app
from lrm_eval.commands import entry
from lrm_eval.errors import RunError, UsageError
from lrm_eval.exports.mmbench import workbook
from lrm_eval.exports.vlmevalkit import file_name, table_rows
from lrm_eval.predictions import score_predictions
from lrm_eval.runs import RunFolder
from lrm_eval.runs.folder import Cell

if TYPE_CHECKING:
    from pathlib import Path

TASKS = ("tiny-mme", "tiny-pope", "tiny-seedbench", "tiny-mmbench")
# The columns of VLMEvalKit's data sets but the image, and the prediction: MME.tsv and POPE.tsv (image_yorn.py),
# SEEDBench_IMG.tsv and MMBench_DEV_EN.tsv (image_mcq.py).
YES_NO = {"index", "question", "answer", "category", "prediction"}
OPTIONS = YES_NO | {"A", "B", "C", "D"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    out = tmp_path_factory.mktemp("vlmevalkit") / "random"
    return lrm_eval.run("random", "sw", list(TASKS), limit=40, out=out, report=False).folder


def sheet(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    lines = list(load_workbook(io.BytesIO(workbook(rows))).active.values)
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("rules", ["official", "multilingual"])
def test_a_table_scores_as_the_run_did(task: str, rules: Any, run: RunFolder, tmp_path: Path) -> None:
    cell, rows = table_rows(run, task=task)
    assert cell == Cell(task, "sw")
    path = tmp_path / file_name("a/model", cell)
    path.write_bytes(workbook(rows))
    found = {row.metric: (row.value, row.n) for row in score_predictions(task, path, language="sw", rules=rules)}
    ours = {
        row.metric: (row.value, row.n)
        for row in run.scores()
        if (row.task, row.rules) == (task, rules) and row.metric in found and "ranking" not in row.metric
    }
    assert ours
    assert {name: found[name] for name in ours} == ours


@pytest.mark.parametrize(
    ("task", "columns"),
    [("tiny-mme", YES_NO), ("tiny-pope", YES_NO), ("tiny-seedbench", OPTIONS), ("tiny-mmbench", OPTIONS)],
)
def test_columns_are_those_that_vlmevalkit_reads(task: str, columns: set[str], run: RunFolder) -> None:
    lines = sheet(table_rows(run, task=task)[1])
    assert columns <= set(lines[0])
    assert len({line["index"] for line in lines}) == len(lines)
    if columns == YES_NO:
        assert {line["answer"] for line in lines} == {"Yes", "No"}


def test_a_pope_question_of_several_splits_stands_once(run: RunFolder) -> None:
    cell, rows = table_rows(run, task="tiny-pope")
    named = sum(len(row["category"].split(",")) for row in rows)
    assert named == len(run.records(cell))
    assert len(rows) < named


def test_an_answer_is_whole_whatever_signs_it_has(run: RunFolder, tmp_path: Path) -> None:
    copy = RunFolder.open(shutil.copytree(run.path, tmp_path / "copy"))
    cell = Cell("tiny-pope", "sw")
    path = copy.responses_path(cell)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        line["response"]["text"] = "Yes\0, there is"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert {row["prediction"] for row in table_rows(copy, task="tiny-pope")[1]} == {"Yes\0, there is"}


def test_a_name_has_no_underscore_before_the_data_set() -> None:
    assert file_name("hf:my_model/x", Cell("tiny-mme", "zh-Hant")) == "hf-my-model-x_tiny-mme_zh-Hant.xlsx"


def test_a_run_without_such_tasks_and_one_that_is_not_finished_are_told(run: RunFolder, tmp_path: Path) -> None:
    import shutil

    part = RunFolder(tmp_path / "part")
    shutil.copytree(run.path, part.path)
    path = part.responses_path(Cell("tiny-mme", "sw"))
    path.write_text("".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[:3]), encoding="utf-8")
    with pytest.raises(RunError, match=r"3 of \d+ answers: finish the run first"):
        table_rows(part, task="tiny-mme")
    with pytest.raises(UsageError, match="unknown language of tiny-pope in this run 'fr'"):
        table_rows(run, "fr", "tiny-pope")


def test_a_table_becomes_a_run(run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "Their-Model_POPE.xlsx"
    assert entry.call(app, ["export", "vlmevalkit", str(run.path), "--task", "tiny-pope", "--out", str(table)]) == 0
    words = ["import", "vlmevalkit", str(table), "--task", "tiny-pope", "--lang", "sw", "--out", str(tmp_path / "back")]
    assert entry.call(app, [*words, "--model", "Their-Model"]) == 0
    capsys.readouterr()
    back = {row.metric: row.value for row in RunFolder.open(tmp_path / "back").scores() if row.rules == "official"}
    ours = {row.metric: row.value for row in run.scores() if row.rules == "official" and row.task == "tiny-pope"}
    assert back == ours


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--out", "table.csv"), "ends in .xlsx"),
        (("--task", "tiny-mm"), "unknown task of this run"),
    ],
)
def test_mistakes_are_one_line(
    words: tuple[str, ...], message: str, run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert entry.call(app, ["export", "vlmevalkit", str(run.path), *words]) == 2
    assert message in capsys.readouterr().err
