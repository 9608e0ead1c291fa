from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(autouse=True)
def benchmarks_path(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


def test_no_image_is_asked_the_same_twice_and_questions_stand_together():
    from inference_parts.workload import LANGUAGES, Questions, Shape

    requests = Questions().make(Shape(images=2, languages=14, questions=3, tokens=5))
    assert len(requests) == 2 * 14 * 3
    assert len({request.key for request in requests}) == len(requests)
    images = [request.parts[0].image.sha256 for request in requests]
    assert images == sorted(images, key=images.index)
    assert len(set(images)) == 2
    asked = [(image, request.parts[1].text) for image, request in zip(images, requests, strict=True)]
    assert len(set(asked)) == len(asked)
    assert {request.sample.language for request in requests} == set(LANGUAGES)
    assert {(request.max_new_tokens, request.budget_language) for request in requests} == {(5, "")}


def test_the_picture_is_svg_with_one_line_a_name_and_panel():
    from inference_parts.picture import draw

    lines = {"lrm-eval": [1, 2, 30.0], "least time": [0.5, 1, 9], "generate, one by one": [4, 8, 100]}
    made = draw([{"what": "languages", "at": [1, 2, 50], "lines": lines}] * 2, "Seconds")
    root = ET.fromstring(made)
    assert len(root.findall("{http://www.w3.org/2000/svg}polyline")) == 6


def test_a_python_without_lmms_eval_is_told(tmp_path):
    from inference_parts.peers import LmmsEval

    from lrm_eval.errors import UsageError

    with pytest.raises(UsageError, match=r"--lmms-eval .*nowhere: no such file"):
        LmmsEval(tmp_path / "nowhere", tmp_path, tmp_path)


@pytest.mark.slow
def test_the_whole_program_on_a_model_of_no_size(tmp_path):
    options = {"size": "1m", "images": 1, "questions": "1,2", "tokens": 2, "sample": 2, "most-batch": 2, "rounds": 1}
    options |= {"out": tmp_path, "picture": tmp_path / "p.svg"}
    command = [sys.executable, "benchmarks/inference.py", *(f"--{name}={value}" for name, value in options.items())]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    told = json.loads(next(tmp_path.glob("*.json")).read_text(encoding="utf-8"))
    assert [row["prompts"] for row in told["rows"]] == [12, 24]
    for row in told["rows"]:
        assert row["same"] == row["compared"] == 2
        assert row["times_least"] > 1
    assert [curve["at"] for curve in told["curves"]] == [[1, 2, 4, 8, 12, 50], [1, 2]]
    ET.parse(tmp_path / "p.svg")
