"""Real answers of LLaVA-1.5-7B to POPE in German, Swahili and Chinese, read by hand before these numbers were set."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from lrm_eval.fidelity import answer_language

DATA = os.environ.get("LRM_EVAL_REAL_DATA")
pytestmark = pytest.mark.skipif(DATA is None, reason="set LRM_EVAL_REAL_DATA to the folder of real answers")


@pytest.mark.parametrize(
    ("tag", "own", "english", "unjudged"), [("de", 83.5, 16.0, 0.5), ("sw", 71.2, 22.1, 6.1), ("zh", 98.4, 1.5, 0.1)]
)
def test_real_answers(tag: str, own: float, english: float, unjudged: float) -> None:
    path = Path(str(DATA)) / "pope_multilingual" / "answers_llava15_7b" / f"adversarial_{tag}.jsonl"
    answers = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    found = Counter(answer_language(answer.get("text") or answer.get("answer") or "", tag) for answer in answers)
    share = {language: 100 * count / len(answers) for language, count in found.items()}
    assert share[tag] == pytest.approx(own, abs=0.5)
    assert share["en"] == pytest.approx(english, abs=0.5)
    assert share.get(None, 0) == pytest.approx(unjudged, abs=0.5)
