"""Conditions compared question by question; numbers by hand."""

from __future__ import annotations

import pytest

from lrm_eval.scorers import rows
from lrm_eval.scorers.conditions import condition_rows
from lrm_eval.types import Item, Reading, Response, Sample, ScoreRow

GOLD = ("A", "B", "A", "B", "A", "B", "A", "B", "A", "B")


def cell(answers: str, languages: str = "", start: int = 0) -> list[Item]:
    """SEED-Bench's form; a letter an answer, and one a language: s(wahili), e(nglish) or - (not judged)."""
    tags = {"s": "sw", "e": "en", "-": None}
    found = []
    for number, letter in enumerate(answers, start):
        key = f"seedbench/{number}"
        sample = Sample(
            key, "seedbench", "sw", "option", "?", GOLD[number], options=("x", "y"), labels=("A", "B"),
            cluster=str(number), order=number,
        )  # fmt: skip
        tag = tags[languages[number - start]] if languages else None
        found.append(Item(sample, Response(f"{key}@sw", letter), Reading(letter, "letter", "read", tag)))
    return found


def compared(**cells: list[Item]) -> dict[tuple[str, str], ScoreRow]:
    named = {name.replace("_", "=").replace("9", "+"): items for name, items in cells.items()}
    own = [
        row
        for condition, items in named.items()
        for row in rows("m", "seedbench", "seedbench", "sw", condition, "multilingual", items)
    ]
    found = condition_rows("seedbench", "multilingual", named, own)
    return {(row.metric, row.condition): row for row in found}


def test_the_difference_is_paired_and_signed() -> None:
    found = compared(default=cell("ABABABABAB"), prompt_en=cell("ABABABABBA"))
    row = found["condition_delta", "prompt=en"]
    assert (row.value, row.n, row.clusters, row.primary) == (pytest.approx(-20), 10, 10, False)
    assert row.ci_low is not None
    assert row.ci_low < -20 < row.ci_high  # type: ignore[operator]
    assert (row.chance, row.chance_corrected) == (None, None)  # a difference is nothing to guess
    assert row.note.startswith("accuracy minus that of the default condition")


def test_two_conditions_with_the_same_answers_differ_by_nothing_but_what_may_be_unseen() -> None:
    row = compared(default=cell("ABABABABAB"), prompt_en=cell("ABABABABAB"))["condition_delta", "prompt=en"]
    assert row.value == 0
    assert row.ci_low < 0 < row.ci_high  # type: ignore[operator]


def test_the_difference_is_over_the_questions_that_both_asked() -> None:
    row = compared(default=cell("ABABABABAB"), prompt_en=cell("BBA", start=4))["condition_delta", "prompt=en"]
    assert (row.n, row.value) == (3, pytest.approx(-100 / 3))


def test_the_spread_is_highest_minus_lowest_and_has_no_interval() -> None:
    found = compared(
        default=cell("ABABABABAB"),
        prompt_en=cell("ABABABABBA"),
        answer_en=cell("BAABABABBA"),
        image_hidden=cell("B" * 10),
    )
    row = found["condition_spread", "default"]
    assert row.value == pytest.approx(40)
    assert (row.ci_low, row.ci_high) == (None, None)
    assert "accuracy under 3 conditions: lowest 60.0 (answer=en), highest 100.0 (default)" in row.note


def test_a_hidden_image_alone_makes_no_spread() -> None:
    found = compared(default=cell("ABABABABAB"), image_hidden=cell("B" * 10))
    assert set(found) == {("condition_delta", "image=hidden")}


def test_the_image_costs_the_fidelity_that_the_text_alone_had() -> None:
    found = compared(default=cell("ABABABABAB", "sseeee-sss"), image_hidden=cell("ABABABABAB", "ssssssss-e"))
    row = found["image_fidelity_loss", "default"]
    # Judged in both: all but the seventh and the ninth. With the image 4 of 8 in Swahili, without it 7 of 8.
    assert (row.value, row.n) == (pytest.approx(100 * 3 / 8), 8)
    assert "over the 8 answers judged in both" in row.note


def test_fidelity_loss_is_also_that_of_a_pair_other_than_the_default() -> None:
    found = compared(prompt_en=cell("ABABABABAB", "e" * 10), prompt_en9image_hidden=cell("ABABABABAB", "s" * 10))
    assert set(found) == {("image_fidelity_loss", "prompt=en")}
    assert found["image_fidelity_loss", "prompt=en"].value == 100


def test_one_condition_is_compared_with_nothing() -> None:
    assert compared(default=cell("ABABABABAB")) == {}
