"""lmms-eval's logs become runs; so do VLMEvalKit's tables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lrm_eval.errors import UsageError
from lrm_eval.interop.lmms_samples import read_exported
from lrm_eval.predictions import score_predictions
from lrm_eval.runs import RunFolder
from lrm_eval.runs.folder import Cell
from lrm_eval.runs.verify import verify

if TYPE_CHECKING:
    from pathlib import Path


def log_of(run: RunFolder, task: str, language: str, export: Path, folder: Path) -> Path:
    """What lmms-eval 0.7.3 writes of the answers of a run (loggers/evaluation_tracker.py, save_results_samples)."""
    import pyarrow.parquet as pq

    name = f"lrm_{task.replace('-', '_')}"
    docs = pq.read_table(export / name / f"{language}.parquet").to_pylist()
    texts = {record.sample.id: record.response.text for record in run.records(Cell(task, language))}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"20260101_000000_samples_{name}_{language}.jsonl"
    lines = [
        {
            "doc_id": place,
            "target": doc["gold"],
            "filtered_resps": texts[doc["id"]].strip(),
            "token_counts": [{"input_tokens": 20, "output_tokens": 2}],
            "doc_hash": "the same for all",
            "input": doc["prompt"],
        }
        for place, doc in enumerate(docs)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def values(folder: RunFolder, task: str, language: str) -> dict[tuple[str, str], Any]:
    rows = [row for row in folder.scores() if (row.task, row.language) == (task, language)]
    return {(row.rules, row.metric): (row.value, row.ci_low, row.n, row.clusters) for row in rows}


def test_a_log_becomes_a_run_with_the_scores_of_the_run_it_came_from(
    random_run: RunFolder, exported: Path, tmp_path: Path, command: Any
) -> None:
    files = [
        log_of(random_run, task, "sw", exported, tmp_path / "their-model") for task in ("tiny-pope", "tiny-mmbench")
    ]
    status, out, err = command("import", "lmms-samples", *files, "--data", exported, "--out", tmp_path / "run")
    assert status == 0, err
    assert "tiny-pope" in out
    folder = RunFolder.open(tmp_path / "run")
    assert folder.manifest()["model"]["name"] == "their-model"
    for task in ("tiny-pope", "tiny-mmbench"):
        # Whether an answer was cut off lmms-eval does not say.
        ours = {key: value for key, value in values(random_run, task, "sw").items() if "truncation" not in key[1]}
        assert {key: value for key, value in values(folder, task, "sw").items() if "truncation" not in key[1]} == ours
    (record, *_) = folder.records(Cell("tiny-pope", "sw"))
    assert (record.response.prompt_tokens, record.response.completion_tokens) == (20, 2)
    assert folder.report_path.is_file()
    assert list(folder.images_path.glob("*.webp"))
    assert [check for check in verify(folder) if check.ok is False] == []


def test_a_run_of_logs_grows_and_nothing_is_taken_twice(
    random_run: RunFolder, exported: Path, tmp_path: Path, command: Any
) -> None:
    out = tmp_path / "run"
    first = log_of(random_run, "tiny-pope", "sw", exported, tmp_path / "m")
    other = log_of(random_run, "tiny-pope", "en", exported, tmp_path / "m")
    assert command("import", "lmms-samples", first, "--data", exported, "--out", out)[0] == 0
    before = (out / "run.json").read_bytes()
    status, _, err = command("import", "lmms-samples", first, "--data", exported, "--out", out)
    assert (status, "has answers to tiny-pope sw already" in err) == (2, True)
    status, _, err = command("import", "lmms-samples", other, "--data", exported, "--out", out, "--model", "x")
    assert (status, "has the answers of m, not of x" in err) == (2, True)
    assert (out / "run.json").read_bytes() == before
    assert not (out / "responses/tiny-pope/en.jsonl").exists()
    assert command("import", "lmms-samples", other, "--data", exported, "--out", out)[0] == 0
    assert RunFolder.open(out).cells() == [Cell("tiny-pope", "en"), Cell("tiny-pope", "sw")]


def test_answers_are_no_part_of_a_run_of_its_own(
    random_run: RunFolder, exported: Path, tmp_path: Path, command: Any
) -> None:
    file = log_of(random_run, "tiny-pope", "sw", exported, tmp_path / "m")
    status, _, err = command("import", "lmms-samples", file, "--data", exported, "--out", random_run.path)
    assert (status, "is a run of its own" in err) == (2, True)


def test_part_of_the_answers_has_no_score_unless_that_is_asked_for(
    random_run: RunFolder, exported: Path, tmp_path: Path, command: Any
) -> None:
    file = log_of(random_run, "tiny-pope", "sw", exported, tmp_path / "m")
    file.write_text("".join(file.read_text(encoding="utf-8").splitlines(keepends=True)[:6]), encoding="utf-8")
    status, out, _ = command("import", "lmms-samples", file, "--data", exported, "--out", tmp_path / "a")
    assert status == 1
    assert "6 of 24 answers, no score yet" in out
    assert command("import", "lmms-samples", file, "--data", exported, "--out", tmp_path / "b", "--part")[0] == 0
    assert {row.n for row in RunFolder.open(tmp_path / "b").scores() if row.primary} == {6}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"doc_id": 99}, "doc_id 99 is no row of the data"),
        ({"doc_id": "0"}, "doc_id '0' is no row of the data"),
        ({"doc_id": 1}, "doc_id 1 was given before"),
        ({"target": "maybe"}, "target 'maybe', but"),
        ({"input": "Another prompt"}, "answers to another prompt or other data"),
        ({"filtered_resps": [-1.5, True]}, "holds no text"),
    ],
)
def test_a_log_of_other_questions_is_refused(
    change: dict[str, Any], message: str, random_run: RunFolder, exported: Path, tmp_path: Path
) -> None:
    file = log_of(random_run, "tiny-pope", "sw", exported, tmp_path / "m")
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    lines[2] |= change
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    with pytest.raises(UsageError, match=message) as caught:
        read_exported(file, exported)
    assert f"{file.name}:3" in str(caught.value)


def test_the_name_of_a_log_tells_its_task(random_run: RunFolder, exported: Path, tmp_path: Path) -> None:
    file = log_of(random_run, "tiny-pope", "sw", exported, tmp_path / "m")
    renamed = file.rename(file.with_name("answers.jsonl"))
    with pytest.raises(UsageError, match="this name tells no task"):
        read_exported(renamed, exported)
    renamed = renamed.rename(file.with_name("x_samples_lrm_tiny_pope_swa.jsonl"))
    with pytest.raises(UsageError, match="did you mean 'lrm_tiny_pope_sw'"):
        read_exported(renamed, exported)


def test_score_reads_such_a_log_too(random_run: RunFolder, exported: Path, tmp_path: Path) -> None:
    file = log_of(random_run, "tiny-pope", "sw", exported, tmp_path / "m")
    rows = {row.metric: row.value for row in score_predictions("tiny-pope", file, data=exported)}
    assert rows["f1"] == values(random_run, "tiny-pope", "sw")["multilingual", "f1"][0]
    with pytest.raises(UsageError, match="answers to tiny-pope, not to tiny-mme"):
        score_predictions("tiny-mme", file, data=exported)
