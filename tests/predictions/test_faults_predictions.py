"""Prediction files that would give a wrong score without a word."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lrm_eval.errors import UsageError
from lrm_eval.predictions import score_predictions
from lrm_eval.runs.codec import encode_record
from lrm_eval.types import Request, Response, Sample

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "index\tA\tB\tanswer\tprediction\n"


def lines(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_quote_that_nobody_closes_swallows_no_answers(tmp_path: Path) -> None:
    path = tmp_path / "answers.tsv"
    path.write_text(HEADER + '1\ta\tb\tA\t"A\n2\ta\tb\tA\tB\n', encoding="utf-8")
    with pytest.raises(UsageError, match=r"answers\.tsv:2: malformed table: unexpected end of data"):
        score_predictions("mmbench", path)


@pytest.mark.parametrize(
    ("of_answer", "fits"),
    [
        ("COCO_val2014_000000000007.jpg", True),
        ("val2014/COCO_val2014_000000000007.png", True),
        ("000000000007.jpg", True),
        ("COCO_val2014_000000000008.jpg", False),
    ],
)
def test_pope_labels_of_other_images_are_refused(tmp_path: Path, of_answer: str, fits: bool) -> None:
    labels = lines(
        tmp_path / "labels.jsonl",
        [{"question_id": 1, "image": "COCO_val2014_000000000007.jpg", "text": "Is there a dog?", "label": "yes"}],
    )
    answers = lines(tmp_path / "answers.jsonl", [{"question_id": 1, "image": of_answer, "text": "yes"}])
    if fits:
        assert score_predictions("pope", answers, labels)[0].value == 100
    else:
        with pytest.raises(UsageError, match=r"answers\.jsonl:1: an answer about image .*labels of the same questions"):
            score_predictions("pope", answers, labels)


@pytest.mark.parametrize(("planned", "noted"), [(2, False), (3, True)])
def test_answers_of_an_unfinished_run_are_scored_with_a_note(tmp_path: Path, planned: int, noted: bool) -> None:
    folder = tmp_path / "run"
    path = folder / "responses" / "pope" / "en.jsonl"
    path.parent.mkdir(parents=True)
    samples = [Sample(f"pope/random/{n}", "pope", "en", "yes_no", "?", "yes", split="random", order=n) for n in (0, 1)]
    path.write_bytes(
        b"".join(encode_record(Request(f"{s.id}@en", (), s, 16), Response(f"{s.id}@en", "yes")) for s in samples)
    )
    cell = {"task": "pope", "language": "en", "condition": "default", "planned": planned}
    manifest = {"model": {"name": "m"}, "tasks": {"pope": {"benchmark": "pope"}}, "cells": [cell]}
    (folder / "run.json").write_text(json.dumps(manifest), encoding="utf-8")
    notes = {row.note for row in score_predictions("pope", folder)}
    assert all(("unfinished run: 2 of 3 answers" in note) == noted for note in notes)
