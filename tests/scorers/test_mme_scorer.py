from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from scorer_items import by_name, item, values

from lrm_eval.errors import UsageError
from lrm_eval.scorers.mme import COGNITION, PERCEPTION

if TYPE_CHECKING:
    from lrm_eval.types import Item


def _pair(subtask: str, image: str, first: str | None, second: str | None) -> list[Item]:
    place = {"category": subtask, "group": f"{subtask}/{image}", "cluster": image}
    return [
        item(f"mme/{subtask}/{image}/0", "yes", first, **place),
        item(f"mme/{subtask}/{image}/1", "no", second, **place),
    ]


def _constant_yes(subtasks: tuple[str, ...]) -> list[Item]:
    return [each for subtask in subtasks for image in "123" for each in _pair(subtask, image, "yes", "yes")]


def test_a_subtask_is_accuracy_plus_accuracy_of_whole_images() -> None:
    items = [*_pair("color", "1", "yes", "no"), *_pair("color", "2", "yes", "yes")]
    assert values("mme", items)["color"] == pytest.approx(75 + 50)


def test_saying_yes_always_gives_500_of_2000_and_200_of_800() -> None:
    # Half of the questions and no image: 50 a subtask (notes on the official program).
    found = values("mme", _constant_yes(PERCEPTION + COGNITION))
    assert (found["perception"], found["cognition"]) == (500, 200)


def test_all_right_gives_2000_and_800() -> None:
    items = [each for name in PERCEPTION + COGNITION for each in _pair(name, "1", "yes", "no")]
    found = values("mme", items)
    assert (found["perception"], found["cognition"]) == (2000, 800)


def test_subtasks_weigh_alike_whatever_their_size() -> None:
    big = [each for image in range(9) for each in _pair("count", str(image), "yes", "no")]
    items = big + _pair("color", "1", "no", "yes")
    assert values("mme", items, declared=["count", "color"])["perception"] == 200


def test_other_is_wrong_and_counts_as_unparsed() -> None:
    metric = by_name("mme", _pair("color", "1", "other", "no"))["color"]
    assert metric.value == 50
    assert metric.outcomes["unparsed"] == 0.5
    assert metric.outcomes["read"] == 0.5


def test_a_sum_over_absent_subtasks_is_undefined_and_names_them() -> None:
    found = by_name("mme", _constant_yes(PERCEPTION[:-2]))
    assert found["perception"].value is None
    assert found["perception"].note == "absent: artwork, OCR"
    assert found["perception"].primary
    assert found["cognition"].value is None


def test_a_task_that_declares_four_subtasks_sums_those_and_has_no_cognition() -> None:
    declared = ["existence", "count", "position", "color"]
    found = by_name("mme", _constant_yes(tuple(declared)), declared=declared)
    assert found["perception"].value == 200
    assert "existence, count, position, color" in found["perception"].note
    assert "cognition" not in found


def test_a_declared_subtask_without_questions_makes_the_sum_undefined() -> None:
    found = by_name("mme", _constant_yes(("count",)), declared=["count", "color"])
    assert found["perception"].value is None
    assert "absent: color" in found["perception"].note


def test_a_task_of_cognition_alone_has_it_as_its_headline() -> None:
    found = by_name("mme", _constant_yes(COGNITION), declared=COGNITION)
    assert found["cognition"].primary
    assert "perception" not in found


def test_one_image_name_in_two_subtasks_is_two_pairs() -> None:
    items = _pair("count", "0001.png", "yes", "no") + _pair("color", "0001.png", "no", "yes")
    found = values("mme", items)
    assert (found["count"], found["color"]) == (200, 0)


def test_an_image_with_three_questions_is_refused() -> None:
    items = [*_pair("color", "7", "yes", "no"), item("mme/color/7/2", "no", "no", category="color", group="color/7")]
    with pytest.raises(UsageError, match=r"color/7.*3 questions"):
        values("mme", items)


def test_an_image_with_one_answer_is_not_both_right_and_is_noted() -> None:
    items = _pair("color", "1", "yes", "no") + _pair("color", "2", "yes", "no")[:1]
    metric = by_name("mme", items)["color"]
    assert metric.value == pytest.approx(150)
    assert metric.note == "1 images with one answer instead of two"


def test_the_order_of_the_items_does_not_matter() -> None:
    items = [
        each for name in PERCEPTION for image in "12" for each in _pair(name, image, "yes", image.replace("2", "no"))
    ]
    assert values("mme", items) == values("mme", items[::-1])
