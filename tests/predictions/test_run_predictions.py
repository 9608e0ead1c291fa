"""A run's own responses, and the logs of lmms-eval."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lrm_eval.errors import UsageError
from lrm_eval.predictions import read_predictions, score_predictions
from lrm_eval.predictions.lmms_eval import read_lmms_eval
from lrm_eval.runs.codec import encode_record
from lrm_eval.types import Request, Response, Sample

Write = Callable[[str, list[dict[str, Any]]], Path]


def _sample(order: int, language: str = "en") -> Sample:
    gold = "yes" if order % 2 else "no"
    identity = f"pope/random/{order}"
    return Sample(identity, "pope", language, "yes_no", "?", gold, split="random", cluster=str(order // 2), order=order)


def _record(sample: Sample, text: str) -> bytes:
    key = f"{sample.id}@{sample.language}"
    return encode_record(Request(key, (), sample, 16), Response(key, text))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    for language, words in (("en", ("No", "Yes")), ("sw", ("Hapana", "Ndiyo"))):
        path = folder / "responses" / "pope" / f"{language}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = [_sample(order, language) for order in range(20)]
        path.write_bytes(b"".join(_record(sample, words[sample.order % 2]) for sample in samples))
    (folder / "run.json").write_text(json.dumps({"model": {"name": "llava-tiny"}}), encoding="utf-8")
    return folder


def test_a_run_is_scored_in_all_its_languages(run: Path) -> None:
    found = score_predictions("pope", run)
    accuracy = {row.language: row.value for row in found if row.metric == "accuracy"}
    assert accuracy == {"en": 100, "sw": 100}
    assert {row.model for row in found} == {"llava-tiny"}


def test_a_run_is_scored_in_the_language_asked_for(run: Path) -> None:
    found = score_predictions("pope", run, language="swahili", rules="official")
    assert {row.language for row in found} == {"sw"}
    assert next(row.value for row in found if row.metric == "accuracy") == 50


def test_one_responses_file_is_scored_alone(run: Path) -> None:
    found = score_predictions("pope", run / "responses" / "pope" / "sw.jsonl")
    assert {(row.language, row.condition) for row in found} == {("sw", "default")}


def test_the_condition_is_in_the_file_name(run: Path) -> None:
    file = run / "responses" / "pope" / "sw.jsonl"
    file.rename(file.with_name("sw.no-image.jsonl"))
    assert {row.condition for row in score_predictions("pope", run, language="sw")} == {"no-image"}


def test_of_an_answer_asked_again_the_last_counts(run: Path) -> None:
    file = run / "responses" / "pope" / "en.jsonl"
    file.write_bytes(file.read_bytes() + _record(_sample(0), "Yes"))
    found = score_predictions("pope", run, language="en")
    assert next(row.value for row in found if row.metric == "accuracy") == 95


def test_a_task_or_language_that_the_run_lacks_is_said(run: Path) -> None:
    with pytest.raises(UsageError, match="unknown task of this run 'mme'"):
        score_predictions("mme", run)
    with pytest.raises(UsageError, match="it has: en, sw"):
        score_predictions("pope", run, language="de")


def test_a_damaged_line_is_named(run: Path) -> None:
    file = run / "responses" / "pope" / "en.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    lines[3] = b'{"key": 1}\n'
    file.write_bytes(b"".join(lines))
    with pytest.raises(UsageError, match=r"en\.jsonl, line 4|en\.jsonl:4"):
        score_predictions("pope", run, language="en")


def _log(place: int, text: str, **more: Any) -> dict[str, Any]:
    return {"doc_id": place, "target": "yes" if place % 2 else "no", "resps": [[text]], "filtered_resps": ["x"]} | more


def test_lmms_eval_samples_are_joined_to_the_data_by_doc_id(jsonl: Write) -> None:
    path = jsonl("20240801_samples_pope.jsonl", [_log(1, "Yes"), _log(0, "No.")])
    pairs = read_lmms_eval(path, [_sample(0), _sample(1)])
    assert [(sample.order, response.text) for sample, response in pairs] == [(0, "No."), (1, "Yes")]


def test_lmms_eval_samples_ask_for_their_data(jsonl: Write) -> None:
    path = jsonl("20240801_samples_pope.jsonl", [_log(0, "No")])
    with pytest.raises(UsageError, match="add --data"):
        read_predictions("pope", path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (_log(9, "x"), r":2: doc_id 9 is no row of the data \(2 rows\)"),
        (_log(0, "x"), r":2: doc_id 0 was given before"),
        (_log(1, "x", target="no"), r":2: target 'no', but the data has 'yes' in row 1"),
        (_log(1, "x", resps=[[[-1.5, False]]]), r":2: resps holds no text"),
    ],
)
def test_lmms_eval_samples_of_other_data_are_refused(jsonl: Write, row: dict[str, Any], message: str) -> None:
    path = jsonl("x_samples_pope.jsonl", [_log(0, "No"), row])
    with pytest.raises(UsageError, match=message):
        read_lmms_eval(path, [_sample(0), _sample(1)])


def test_lmms_eval_samples_with_the_data_of_the_task(jsonl: Write, tmp_path: Path) -> None:
    # LLaVA-1.5's letters on two rows of MMBench's form, whose images the log does not need.
    from PIL import Image

    Image.new("RGB", (8, 8), "red").save(tmp_path / "red.png")
    data = jsonl(
        "data.jsonl",
        [
            {
                "index": n,
                "image": "red.png",
                "question": "Which?",
                "A": "red",
                "B": "blue",
                "answer": "A",
                "category": "c",
            }
            for n in (1, 2)
        ],
    )
    log = jsonl("x_samples_mmbench.jsonl", [{"doc_id": n, "target": "A", "resps": [["AB"[n]]]} for n in (0, 1)])
    found = score_predictions("mmbench", log, language="en", rules="official", data=data)
    assert next(row.value for row in found if row.metric == "circular_accuracy") == 50
