"""Every Eval Ever: what its schema (0.3.0) and its validator ask, checked here without either.

tests/interop/test_every_eval_ever.py validates against the real schema files.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

import lrm_eval
from lrm_eval.cli import app
from lrm_eval.commands import entry
from lrm_eval.errors import RunError, UsageError
from lrm_eval.exports.eee import Evaluation, Reporter, evaluation
from lrm_eval.runs import RunFolder
from lrm_eval.runs.folder import Cell

REPORTER = Reporter("A Laboratory", "third_party", "some-group/some-model")
TASKS = ("tiny-mme", "tiny-pope", "tiny-seedbench", "tiny-mmbench")
# validation_core.py, _AGGREGATE_FILE_RE and eval.schema.json, detailed_evaluation_results.file_path.
NAME = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}(\.json|_samples\.jsonl)")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    out = tmp_path_factory.mktemp("eee") / "random"
    return lrm_eval.run("random", "en,sw", list(TASKS), limit=12, out=out, report=False).folder


@pytest.fixture(scope="module")
def made(run: RunFolder) -> Evaluation:
    return evaluation(run, REPORTER, samples=True, now=datetime(2026, 1, 2, tzinfo=UTC))


def aggregate(made: Evaluation) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(next(iter(made.files.values())))
    return data


def lines(made: Evaluation) -> list[dict[str, Any]]:
    return [json.loads(line) for line in list(made.files.values())[1].decode().splitlines()]


def test_files_lie_where_the_data_base_looks_for_them(made: Evaluation) -> None:
    for path in made.files:
        assert path.parent == PurePosixPath("data/lrm-eval/some-group/some-model")
        assert NAME.fullmatch(path.name)


def test_every_score_is_there_once_with_its_interval(run: RunFolder, made: Evaluation) -> None:
    rows = [row for row in run.scores() if row.value is not None]
    results = aggregate(made)["evaluation_results"]
    assert len(results) == made.scores == len(rows)
    assert len({result["evaluation_result_id"] for result in results}) == len(results)
    for row, result in zip(rows, results, strict=True):
        assert json.loads(result["score_details"]["details"]["value_in_lrm_eval"]) == row.value
        interval = result["score_details"]["uncertainty"].get("confidence_interval")
        assert (interval is None) == (row.ci_low is None)


def test_bounds_contain_the_score_and_proportions_are_proportions(made: Evaluation) -> None:
    units = set()
    for result in aggregate(made)["evaluation_results"]:
        config, score = result["metric_config"], result["score_details"]["score"]
        assert math.isfinite(score)
        assert config["min_score"] <= score <= config["max_score"], result["evaluation_name"]
        units.add((config["metric_unit"], config["max_score"]))
    # Two subtasks of tiny MME's perception are 400 points; a percentage is a proportion.
    assert ("proportion", 1.0) in units and ("points", 200.0) in units


def test_a_metric_that_all_sources_share_has_their_name_under_its_own_rules(made: Evaluation) -> None:
    ids = {
        (result["evaluation_name"], result["metric_config"]["additional_details"]["rules"]): result["metric_config"]
        for result in aggregate(made)["evaluation_results"]
        if result["metric_config"]["metric_name"] == "f1_random"
    }
    assert ids["lrm-eval.tiny-pope.sw.random", "official"]["metric_id"] == "f1"
    assert ids["lrm-eval.tiny-pope.sw.random", "multilingual"]["metric_id"] == "pope.f1.multilingual"


def test_details_are_texts(made: Evaluation) -> None:
    def walk(value: Any, key: str = "") -> None:
        if key in ("additional_details", "details", "metadata"):
            assert all(isinstance(item, str) for item in value.values())
        children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for name, item in children:
            walk(item, str(name))

    walk(aggregate(made))
    for line in lines(made):
        walk(line)


def test_samples_belong_to_their_scores(run: RunFolder, made: Evaluation) -> None:
    log = aggregate(made)
    content = list(made.files.values())[1]
    told = log["detailed_evaluation_results"]
    assert told["checksum"] == hashlib.sha256(content).hexdigest()
    assert told["file_path"] == str(list(made.files)[1])
    found = lines(made)
    assert told["total_rows"] == made.samples == len(found)
    assert {line["evaluation_id"] for line in found} == {log["evaluation_id"]}
    assert {line["model_id"] for line in found} == {log["model_info"]["id"]}
    known = {result["evaluation_result_id"] for result in log["evaluation_results"]}
    assert {line["evaluation_result_id"] for line in found} <= known
    # The questions of a score are counted as the score counts them.
    pope = [line for line in found if line["evaluation_name"] == "lrm-eval.tiny-pope.sw"]
    accuracy = next(
        row.value for row in run.scores()
        if (row.task, row.language, row.rules, row.metric) == ("tiny-pope", "sw", "multilingual", "accuracy")
    )  # fmt: skip
    by_split: dict[str, list[float]] = {}
    for line in pope:
        by_split.setdefault(line["metadata"]["split"], []).append(line["evaluation"]["score"])
    assert 100 * sum(sum(part) / len(part) for part in by_split.values()) / len(by_split) == pytest.approx(accuracy)


def test_a_broken_answer_is_a_line_like_the_others(run: RunFolder, tmp_path: Path) -> None:
    copy = RunFolder.open(shutil.copytree(run.path, tmp_path / "copy"))
    path = copy.responses_path(Cell("tiny-pope", "sw"))
    broken = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    broken[0]["response"]["text"] = "Ndiyo \ud800"
    path.write_text("".join(json.dumps(line) + "\n" for line in broken), encoding="utf-8")
    assert "Ndiyo \ud800" in {line["output"]["raw"][0] for line in lines(evaluation(copy, REPORTER, samples=True))}


def test_the_hash_of_a_question_is_the_one_that_all_sources_make(made: Evaluation) -> None:
    line = lines(made)[0]
    text = json.dumps(
        {"raw": line["input"]["raw"], "reference": line["input"]["reference"]}, sort_keys=True, separators=(",", ":")
    )
    assert line["sample_hash"] == hashlib.sha256(text.encode()).hexdigest()


def test_questions_stay_here_unless_asked_for(run: RunFolder) -> None:
    made = evaluation(run, REPORTER)
    assert len(made.files) == 1
    assert "detailed_evaluation_results" not in aggregate(made)


def test_an_export_done_again_writes_the_same_files(run: RunFolder, tmp_path: Path) -> None:
    words = [
        "export",
        "eee",
        str(run.path),
        "--out",
        str(tmp_path),
        "--organization",
        "L",
        "--model-id",
        "g/m",
        "--samples",
    ]
    assert entry.call(app, words) == 0
    first = {path: path.stat().st_size for path in tmp_path.rglob("*.json*")}
    assert entry.call(app, words) == 0
    assert set(tmp_path.rglob("*.json*")) == set(first)
    assert len(first) == 2


@pytest.mark.parametrize(
    ("reporter", "message"),
    [
        (Reporter("L"), r"give --model-id DEVELOPER/MODEL"),
        (Reporter("L", "third_party", "no-slash"), r"--model-id no-slash: type DEVELOPER/MODEL"),
        (Reporter("L", "self", "g/m"), r"unknown relationship 'self'"),  # type: ignore[arg-type]
        (Reporter(" ", "other", "g/m"), r"--organization is empty"),
    ],
)
def test_who_reports_must_be_told(reporter: Reporter, message: str, run: RunFolder) -> None:
    with pytest.raises(UsageError, match=message):
        evaluation(run, reporter)


def test_a_run_without_scores_is_told(run: RunFolder, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(run.path, tmp_path / "r")
    (tmp_path / "r/scores.json").write_text('{"schema": 2, "scores": []}', encoding="utf-8")
    with pytest.raises(RunError, match="has no scores"):
        evaluation(RunFolder.open(tmp_path / "r"), REPORTER)
