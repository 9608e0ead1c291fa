"""Published answers of real models score what was published, or what the official program says."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from lrm_eval.predictions import score_predictions

_FOLDER = os.environ.get("LRM_EVAL_REAL_DATA")
pytestmark = pytest.mark.skipif(not _FOLDER, reason="set LRM_EVAL_REAL_DATA to the folder of real answers")
DATA = Path(_FOLDER or "")


def test_lavin_on_mme_scores_what_was_published() -> None:
    # MME leaderboard: 963.6 and 249.64.
    found = {
        row.metric: row.value for row in score_predictions("mme", DATA / "mme/lavin_predictions", rules="official")
    }
    assert found["perception"] == pytest.approx(963.6114, abs=5e-5)
    assert found["cognition"] == pytest.approx(249.6429, abs=5e-5)


def test_gpt4v_on_seedbench_scores_what_was_published() -> None:
    rows = score_predictions("seedbench", DATA / "seedbench/gpt4v_seedbench1.jsonl", rules="official")
    found = {row.metric: row for row in rows}
    assert found["accuracy"].value == pytest.approx(69.0697, abs=5e-5)
    assert found["accuracy"].n == 14_232


def test_half_of_mmbench_gives_399_of_588_groups() -> None:
    rows = score_predictions("mmbench", DATA / "mmbench/dev_20230712_llava15_13b_half.jsonl", rules="official")
    assert (rows[0].metric, rows[0].n) == ("circular_accuracy", 588)
    assert rows[0].value == pytest.approx(100 * 399 / 588)


def _official_pope(answers: list[str], labels: list[str]) -> dict[str, float]:
    """What POPE's evaluate.py (AoiDragon/POPE 08d957b) computes, step by step, to compare with."""
    predicted = []
    for text in answers:
        if text.find(".") != -1:
            text = text.split(".")[0]
        words = text.replace(",", "").split(" ")
        predicted.append(0 if "No" in words or "not" in words or "no" in words else 1)
    gold = [0 if label == "no" else 1 for label in labels]
    pairs = list(zip(predicted, gold, strict=True))
    tp, fp = pairs.count((1, 1)), pairs.count((1, 0))
    tn, fn = pairs.count((0, 0)), pairs.count((0, 1))
    precision = float(tp) / float(tp + fp)
    recall = float(tp) / float(tp + fn)
    return {
        "f1": 100 * (2 * precision * recall / (precision + recall)),
        "accuracy": 100 * ((tp + tn) / (tp + tn + fp + fn)),
        "precision": 100 * precision,
        "recall": 100 * recall,
        "yes_ratio": 100 * (predicted.count(1) / len(predicted)),
    }


def _column(path: Path, name: str) -> list[str]:
    return [json.loads(line)[name] for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("language", ["en", "de", "sw", "zh"])
def test_llava_on_pope_equals_the_official_program(language: str) -> None:
    answers, labels = DATA / "pope_multilingual/answers_llava15_7b", DATA / "pope/coco"
    found = {row.metric: row.value for row in score_predictions("pope", answers, labels, language, "official")}
    totals: dict[str, list[float]] = {}
    for split in ("random", "popular", "adversarial"):
        expected = _official_pope(
            _column(answers / f"{split}_{language}.jsonl", "text"),
            _column(labels / f"coco_pope_{split}.json", "label"),
        )
        for name, value in expected.items():
            assert found[f"{name}_{split}"] == pytest.approx(value, rel=1e-14), (name, split)
            totals.setdefault(name, []).append(value)
    for name, parts in totals.items():
        assert found[name] == pytest.approx(sum(parts) / 3, rel=1e-14)


def test_reading_german_and_chinese_answers_changes_the_score() -> None:
    # Officially every "Nein" and every 否 is a yes: accuracy near one half.
    answers, labels = DATA / "pope_multilingual/answers_llava15_7b", DATA / "pope/coco"
    for language in ("de", "zh"):
        official = score_predictions("pope", answers, labels, language, "official")
        own = score_predictions("pope", answers, labels, language, "multilingual")
        value = {rows[0].rules: next(row.value for row in rows if row.metric == "accuracy") for rows in (official, own)}
        assert value["multilingual"] is not None
        assert value["official"] is not None
        assert value["multilingual"] > value["official"] + 1
