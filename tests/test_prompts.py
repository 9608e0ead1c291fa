"""LLaVA-1.5's prompts and the keys of requests."""

from __future__ import annotations

import pytest

from lrm_eval.errors import UsageError
from lrm_eval.prompts import build_request, prompt_text, request_key
from lrm_eval.tasks import load_task
from lrm_eval.types import ImagePart, ImageRef, Sample, TextPart

IMAGE = ImageRef("a.png", "00", lambda: b"")
SHORT = "Answer the question using a single word or phrase."
LETTER = "Answer with the option's letter from the given choices directly."


def yes_no() -> Sample:
    return Sample("mme/color/a.png/0", "mme", "en", "yes_no", "Is it red?", "yes", (IMAGE,), SHORT)


def lettered(hint: str = "") -> Sample:
    return Sample(
        "seedbench/7",
        "seedbench",
        "sw",
        "option",
        "What is it?",
        "B",
        (IMAGE,),
        LETTER,
        hint,
        ("a cat", "a dog"),
        ("A", "B"),
    )


def test_short_answer_prompt() -> None:
    # LLaVA: scripts/v1_5/eval/mme.sh, docs/Evaluation.md.
    assert prompt_text(yes_no()) == f"Is it red?\n{SHORT}"


def test_option_prompt() -> None:
    # LLaVA: llava/eval/model_vqa_mmbench.py.
    assert prompt_text(lettered()) == f"What is it?\nA. a cat\nB. a dog\n{LETTER}"


def test_hint_stands_before_the_question() -> None:
    assert prompt_text(lettered("Pets.")) == f"Pets.\nWhat is it?\nA. a cat\nB. a dog\n{LETTER}"


def test_request_has_the_image_first_then_one_text() -> None:
    request = build_request(load_task("mme"), yes_no())
    assert request.parts == (ImagePart(IMAGE), TextPart(f"Is it red?\n{SHORT}"))
    assert request.max_new_tokens == 128


def test_mmbench_has_llavas_budget() -> None:
    # LLaVA: llava/eval/model_vqa_mmbench.py, max_new_tokens=1024.
    assert build_request(load_task("mmbench"), lettered()).max_new_tokens == 1024


def test_choices_are_the_option_texts_where_the_task_scores_them() -> None:
    assert build_request(load_task("seedbench"), lettered()).choices == ("a cat", "a dog")
    assert build_request(load_task("mmbench"), lettered()).choices == ()


def test_key_holds_id_and_language() -> None:
    assert build_request(load_task("seedbench"), lettered()).key == "seedbench/7@sw"


def test_key_of_a_condition() -> None:
    assert request_key(lettered(), "prompt=en") == "seedbench/7@sw.prompt=en"


@pytest.mark.parametrize("condition", ["", "a b", "a/b", "a.b", "-x", "../x"])
def test_condition_that_is_no_file_name_is_refused(condition: str) -> None:
    with pytest.raises(UsageError, match="condition"):
        build_request(load_task("seedbench"), lettered(), condition)
