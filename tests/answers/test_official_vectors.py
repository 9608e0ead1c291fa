"""What the official programs themselves said of 89 yes/no and 71 multiple-choice answers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from lrm_eval.answers.official import can_infer, mme_answer, pope_answer, read_official
from lrm_eval.types import Sample

_FOLDER = os.environ.get("LRM_EVAL_REAL_DATA")
pytestmark = pytest.mark.skipif(not _FOLDER, reason="set LRM_EVAL_REAL_DATA to the folder of real answers")


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(
        (Path(_FOLDER or "") / "official_parser_vectors.json").read_text(encoding="utf-8")
    )
    return data


def test_pope_vectors(vectors: dict[str, Any]) -> None:
    said = {case["text"]: pope_answer(case["text"]) for case in vectors["yes_no"]}
    assert said == {case["text"]: case["POPE_official"] for case in vectors["yes_no"]}
    assert len(said) == 89


def test_mme_vectors_as_seen_at_the_end_of_a_line(vectors: dict[str, Any]) -> None:
    said = {case["text"]: mme_answer(case["text"]) for case in vectors["yes_no"]}
    assert said == {case["text"]: case["MME_official_with_trailing_newline"] for case in vectors["yes_no"]}


@pytest.mark.parametrize("name", ["animals", "yesno", "digits", "swahili"])
def test_can_infer_vectors_of_august_2024(vectors: dict[str, Any], name: str) -> None:
    choices = vectors["choices"][name]
    cases = vectors["multiple_choice"]
    said = {case["text"]: can_infer(case["text"], choices) or False for case in cases}
    assert said == {case["text"]: case[name]["VLMEvalKit_2024-08"] for case in cases}
    assert len(said) == 71


@pytest.mark.parametrize("gold", ["A", "B", "C", "D"])
def test_seedbench_vectors(vectors: dict[str, Any], gold: str) -> None:
    sample = Sample("seedbench/1", "seedbench", "en", "option", "?", gold, labels=("A", "B", "C", "D"))
    for case in vectors["seed_first_char"]:
        # LLaVA compares the text as it is with the gold letter.
        right = case["llava_convert_seed(exact)"] == gold
        assert (read_official("seedbench", sample, case["text"]).value == gold) == right, case["text"]
