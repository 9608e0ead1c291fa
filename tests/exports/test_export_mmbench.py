"""The submission file of MMBench: its columns, its cells, and a test split without gold answers."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import load_workbook
from PIL import Image

import lrm_eval
from lrm_eval.cli import app
from lrm_eval.commands import entry
from lrm_eval.errors import RunError, UsageError
from lrm_eval.exports.mmbench import submission_rows, workbook
from lrm_eval.predictions import score_predictions

if TYPE_CHECKING:
    from pathlib import Path

    from lrm_eval.runs import RunFolder

# The columns that the evaluation service asked for (open-compass/opencompass issue 240, lmms-eval issue 6) and those
# that VLMEvalKit's prediction files have beside them.
ASKED_FOR = {"index", "question", "A", "B", "C", "D", "answer", "prediction"}
BESIDE = {"hint", "category", "l2-category"}


def rows(gold: bool, languages: tuple[str, ...] = ("en",)) -> list[dict[str, Any]]:
    found = []
    for language in languages:
        for question in range(2):
            for turn, options in enumerate((("red", "blue"), ("blue", "red"))):
                row = {
                    "index": question + 1_000_000 * turn, "image": "x.png", "question": "What colour?", "hint": None,
                    "A": options[0], "B": options[1], "category": "object_localization", "language": language,
                }  # fmt: skip
                found.append(row | ({"answer": "AB"[turn]} if gold else {}))
    return found


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    Image.new("RGB", (8, 8), (200, 0, 0)).save(folder / "x.png")
    return folder


def run_on(data: Path, out: Path, lines: list[dict[str, Any]], langs: str = "en") -> RunFolder:
    (data / "data.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return lrm_eval.run("random", langs, data={"mmbench": data}, out=out, report=False).folder


def sheet(content: bytes) -> list[dict[str, Any]]:
    values = list(load_workbook(io.BytesIO(content)).active.values)
    return [dict(zip(values[0], line, strict=True)) for line in values[1:]]


def test_a_test_split_without_gold_answers_runs_has_no_score_and_is_written_down(data: Path, tmp_path: Path) -> None:
    run = run_on(data, tmp_path / "run", rows(gold=False))
    primary = [row for row in run.scores() if row.primary]
    assert [(row.value, row.ci_low) for row in primary] == [(None, None)] * 2
    assert all("no gold answers: a test split" in row.note for row in primary)
    made = sheet(workbook(submission_rows(run)[1]))
    assert set(made[0]) == ASKED_FOR | BESIDE
    assert [line["index"] for line in made] == [0, 1_000_000, 1, 1_000_001]
    assert {line["answer"] for line in made} == {None}
    assert {line["prediction"] for line in made} <= {"A", "B"}
    assert {line["l2-category"] for line in made} == {"finegrained_perception (instance-level)"}


def test_the_word_nan_is_no_gold_answer(data: Path, tmp_path: Path) -> None:
    run = run_on(data, tmp_path / "run", [{**row, "answer": "nan"} for row in rows(gold=False)])
    assert {row.value for row in run.scores() if row.primary} == {None}


def test_some_gold_answers_missing_are_a_mistake_in_the_data(data: Path, tmp_path: Path) -> None:
    lines = rows(gold=True)
    del lines[2]["answer"]
    with pytest.raises(UsageError, match=r"data\.jsonl:3: no answer \(columns: index"):
        run_on(data, tmp_path / "run", lines)


def test_the_file_of_a_split_with_gold_answers_scores_as_the_run_did(data: Path, tmp_path: Path) -> None:
    run = run_on(data, tmp_path / "run", rows(gold=True))
    path = tmp_path / "s.xlsx"
    path.write_bytes(workbook(submission_rows(run)[1]))
    again = {row.metric: row.value for row in score_predictions("mmbench", path, rules="official")}
    mine = {row.metric: row.value for row in run.scores() if row.rules == "official"}
    assert again["circular_accuracy"] == mine["circular_accuracy"]
    assert again["vanilla_accuracy_all"] == mine["vanilla_accuracy_all"]


def answered(run: RunFolder, text: str) -> None:
    path = run.path / "responses" / "mmbench" / "en.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    lines[0]["response"]["text"] = text
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


@pytest.mark.parametrize("text", ["=1+1", "+A", "@x", "-B", "1", "\x00bad\x1b", "x" * 40_000, "half \ud800"])
def test_every_answer_is_a_text_and_no_formula(data: Path, tmp_path: Path, text: str) -> None:
    run = run_on(data, tmp_path / "run", rows(gold=True))
    answered(run, text)
    book = load_workbook(io.BytesIO(workbook(submission_rows(run)[1])))
    names = [cell.value for cell in book.active[1]]
    cell = book.active[2][names.index("prediction")]
    assert cell.data_type == "s"
    assert isinstance(cell.value, str) and text.startswith(cell.value[:1] if text[0] > " " else "")
    assert len(cell.value) <= 32_767


def test_letters_are_those_that_the_multilingual_rules_read(data: Path, tmp_path: Path) -> None:
    run = run_on(data, tmp_path / "run", rows(gold=True))
    answered(run, "The answer is B.")
    lrm_eval.rescore(run.path, report=False)
    assert submission_rows(run)[1][0]["prediction"] == "The answer is B."
    assert submission_rows(run, predictions="letter")[1][0]["prediction"] == "B"


def test_one_language_is_written_and_english_is_the_default(data: Path, tmp_path: Path) -> None:
    run = run_on(data, tmp_path / "run", rows(gold=True, languages=("en", "zh")), "en,zh")
    assert submission_rows(run)[0].language == "en"
    assert submission_rows(run, "zh")[0].language == "zh"
    with pytest.raises(UsageError, match="unknown language of mmbench in this run 'sw'"):
        submission_rows(run, "sw")
    (run.path / "responses" / "mmbench" / "en.jsonl").rename(run.path / "responses" / "mmbench" / "sw.jsonl")
    with pytest.raises(UsageError, match="say which with --lang"):
        submission_rows(run)


def test_what_is_not_finished_is_not_submitted(data: Path, tmp_path: Path) -> None:
    run = run_on(data, tmp_path / "run", rows(gold=True))
    path = run.path / "responses" / "mmbench" / "en.jsonl"
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole.replace('"error":null', '"error":"out of memory"', 1), encoding="utf-8")
    with pytest.raises(RunError, match=r"1 questions of mmbench en ended in an error .*out of memory"):
        submission_rows(run)
    path.write_text("".join(whole.splitlines(keepends=True)[:3]), encoding="utf-8")
    with pytest.raises(RunError, match="3 of 4 answers: finish the run first"):
        submission_rows(run)


def test_the_verb(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_on(data, tmp_path / "run", rows(gold=True))
    assert entry.call(app, ["export", "mmbench", str(run.path)]) == 0
    path = run.path / "submission-mmbench-en.xlsx"
    assert capsys.readouterr().out == f"{path}: 4 rows\n"
    assert path.is_file()
    assert entry.call(app, ["export", "mmbench", str(run.path), "--out", "x.csv"]) == 2
    assert entry.call(app, ["export", "mmbench", str(run.path), "--predictions", "leter"]) == 2
    assert "did you mean 'letter'" in capsys.readouterr().err


def test_a_run_without_mmbench_is_refused(data: Path, tmp_path: Path) -> None:
    run = run_on(data, tmp_path / "run", rows(gold=True))
    manifest = json.loads(run.manifest_path.read_text(encoding="utf-8"))
    manifest["tasks"]["mmbench"]["benchmark"] = "seedbench"
    run.manifest_path.write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(UsageError, match=r"has no answers to MMBench \(its tasks: mmbench\)"):
        submission_rows(run)
