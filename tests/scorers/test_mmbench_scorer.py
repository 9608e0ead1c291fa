from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from scorer_items import by_name, item, values

if TYPE_CHECKING:
    from lrm_eval.types import Item


def _group(base: int, answers: list[str | None], category: str = "", gold: str = "A") -> list[Item]:
    return [
        item(f"mmbench/{base + place * 1_000_000}", gold, value, group=str(base), category=category, cluster=str(base))
        for place, value in enumerate(answers)
    ]


def test_a_group_is_right_only_if_every_pass_is() -> None:
    items = _group(1, ["A"] * 4) + _group(2, ["A", "A", "B", "A"])
    found = values("mmbench", items)
    assert found["circular_accuracy"] == 50
    assert found["vanilla_accuracy"] == 100
    assert found["vanilla_accuracy_all"] == pytest.approx(100 * 7 / 8)


@pytest.mark.parametrize("answer", [None, "Z"])
def test_a_pass_without_an_option_makes_its_group_wrong(answer: str | None) -> None:
    # Exact-matching mode: no judge is asked, nothing is drawn.
    assert values("mmbench", _group(1, ["A", answer]))["circular_accuracy"] == 0


def test_a_group_may_have_fewer_passes_than_options() -> None:
    # 53 groups of MMBench dev have four options and three passes.
    assert values("mmbench", _group(1, ["A", "A", "A"]))["circular_accuracy"] == 100


def test_groups_are_made_by_index_where_the_samples_name_none() -> None:
    items = [item("mmbench/5", "A", "A"), item("mmbench/3000005", "A", "B"), item("mmbench/6", "A", "A")]
    assert values("mmbench", items)["circular_accuracy"] == 50


def test_a_group_whose_first_pass_is_absent_is_left_out_and_noted() -> None:
    metric = by_name("mmbench", [*_group(1, ["A", "A"]), *_group(2, ["B", "B"])[1:]])["circular_accuracy"]
    assert (metric.value, metric.n) == (100, 1)
    assert metric.note == "1 groups of 2 rows; 1 groups without their first pass left out"


def test_ids_without_a_number_have_their_first_row_as_first_pass() -> None:
    items = [item(f"mmbench/{name}", "A", "A" if name == "x" else "B", group="g") for name in ("x", "y")]
    found = values("mmbench", items)
    assert (found["vanilla_accuracy"], found["vanilla_accuracy_all"], found["circular_accuracy"]) == (100, 50, 0)


def test_categories_are_those_of_the_first_pass_and_count_groups() -> None:
    items = (
        _group(1, ["A", "A"], "Logic Reasoning") + _group(2, ["A", "B"], "Logic Reasoning") + _group(3, ["A"], "ocr")
    )
    found = by_name("mmbench", items)
    assert (found["circular_accuracy_logic_reasoning"].value, found["circular_accuracy_logic_reasoning"].n) == (50, 2)
    assert found["circular_accuracy_ocr"].value == 100


def test_a_refusal_is_counted_as_one() -> None:
    metric = by_name("mmbench", _group(1, ["A", "Z"]))["vanilla_accuracy_all"]
    assert metric.outcomes["refusal"] == 0.5
