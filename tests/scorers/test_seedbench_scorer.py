from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from scorer_items import by_name, item, values

if TYPE_CHECKING:
    from lrm_eval.types import Item


def _items(category: str, right: int, wrong: int, **fields: str) -> list[Item]:
    answers = ["A"] * right + ["B"] * wrong
    return [
        item(f"seedbench/{category}-{number}", "A", value, category=category, **fields)
        for number, value in enumerate(answers)
    ]


def test_the_total_is_over_questions_not_over_types() -> None:
    found = values("seedbench", _items("1", 9, 0) + _items("2", 0, 1))
    assert found["accuracy"] == 90
    assert (found["accuracy_scene_understanding"], found["accuracy_instance_identity"]) == (100, 0)


def test_a_question_without_a_reading_stays_in_the_denominator() -> None:
    items = [item("seedbench/1", "A", "A"), item("seedbench/2", "A", None)]
    metric = by_name("seedbench", items)["accuracy"]
    assert (metric.value, metric.n, metric.outcomes["unparsed"]) == (50, 2, 0.5)


@pytest.mark.parametrize("fields", [{"category": "10"}, {"category": "Action Prediction"}, {"split": "video"}])
def test_video_questions_are_not_in_the_headline(fields: dict[str, str]) -> None:
    items = [*_items("1", 1, 0), item("seedbench/v", "A", "B", **fields)]
    found = values("seedbench", items)
    assert (found["accuracy"], found["accuracy_video"], found["accuracy_all"]) == (100, 0, 50)


def test_without_video_questions_there_are_no_rows_for_them() -> None:
    assert set(values("seedbench", _items("9", 1, 1))) == {"accuracy", "accuracy_text_understanding"}


def test_only_video_questions_leave_the_headline_undefined() -> None:
    metric = by_name("seedbench", _items("12", 1, 0))["accuracy"]
    assert (metric.value, metric.n, metric.note) == (None, 0, "no image questions")


def test_ranking_takes_the_least_loss_by_mean_and_by_sum() -> None:
    # (sum, mean): B has the best mean, A the best sum.
    items = [item("seedbench/1", "B", None, choices=[(-2, -2.0), (-3, -1.0), (-9, -3.0), (-9, -3.0)])]
    found = values("seedbench", items)
    assert (found["accuracy_ranking"], found["accuracy_ranking_sum"], found["accuracy"]) == (100, 0, 0)


def test_equal_losses_go_to_the_first_choice() -> None:
    items = [item("seedbench/1", "A", None, choices=[(-2, -1.0)] * 4)]
    assert values("seedbench", items)["accuracy_ranking"] == 100


def test_a_question_whose_choices_were_not_scored_is_wrong_in_the_ranking() -> None:
    scored = item("seedbench/1", "A", "A", choices=[(-1, -1.0), (-2, -2.0), (-2, -2.0), (-2, -2.0)])
    failed = item("seedbench/2", "A", None, outcome="error")
    metric = by_name("seedbench", [scored, failed])["accuracy_ranking"]
    assert (metric.value, metric.n) == (50, 2)
    assert (metric.outcomes["read"], metric.outcomes["error"]) == (0.5, 0.5)


def test_without_scored_choices_there_is_no_ranking() -> None:
    assert "accuracy_ranking" not in values("seedbench", _items("1", 1, 0))
