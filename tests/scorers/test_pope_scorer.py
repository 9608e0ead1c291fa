from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from scorer_items import by_name, item, values

if TYPE_CHECKING:
    from lrm_eval.types import Item


def _items(tp: int, fp: int, tn: int, fn: int, split: str = "random") -> list[Item]:
    answers = [("yes", "yes")] * tp + [("no", "yes")] * fp + [("no", "no")] * tn + [("yes", "no")] * fn
    return [
        item(f"pope/{split}/{number}", gold, value, split=split, cluster=str(number // 6))
        for number, (gold, value) in enumerate(answers)
    ]


def _silent(gold: str) -> Item:
    return item(f"pope/random/silent-{gold}", gold, None, split="random")


def test_published_confusion_counts_give_the_published_f1() -> None:
    # LLaVA-1.5-13B on LLaVA's revision of POPE: 87.14, 86.25, 84.46, mean 85.9 (LLaVA's evaluation).
    items = (
        _items(1182, 31, 1379, 318, "random")
        + _items(1182, 59, 1441, 318, "popular")
        + _items(1182, 117, 1383, 318, "adversarial")
    )
    found = values("pope", items)
    assert [round(found[f"f1_{split}"], 2) for split in ("random", "popular", "adversarial")] == [87.14, 86.25, 84.46]
    assert round(found["f1"], 3) == 85.947
    assert found["accuracy_popular"] == pytest.approx(100 * (1182 + 1441) / 3000)
    assert found["precision_popular"] == pytest.approx(100 * 1182 / 1241)
    assert found["recall_popular"] == pytest.approx(100 * 1182 / 1500)
    assert found["yes_ratio_popular"] == pytest.approx(100 * 1241 / 3000)


def test_the_total_is_the_plain_mean_of_the_splits_present() -> None:
    items = _items(8, 2, 8, 2, "random") + _items(1, 1, 1, 1, "popular")
    found = values("pope", items)
    for name in ("f1", "accuracy", "precision", "recall", "yes_ratio"):
        assert found[name] == pytest.approx((found[f"{name}_random"] + found[f"{name}_popular"]) / 2)
    assert "f1_adversarial" not in found


def test_without_any_yes_precision_and_f1_are_zero() -> None:
    found = values("pope", _items(0, 0, 5, 5))
    assert (found["precision"], found["f1"], found["recall"], found["accuracy"]) == (0, 0, 0, 50)


def test_without_any_question_that_is_yes_recall_and_f1_are_undefined() -> None:
    found = values("pope", _items(0, 2, 3, 0))
    assert (found["recall"], found["f1"], found["accuracy"]) == (None, None, 60)


def test_official_rules_count_what_was_not_read_as_yes() -> None:
    items = [item("pope/random/1", "yes", None, outcome="empty"), item("pope/random/2", "no", None, outcome="empty")]
    found = values("pope", items, "official")
    assert (found["accuracy"], found["recall"], found["yes_ratio"]) == (50, 100, 100)


def test_multilingual_rules_count_what_was_not_read_as_wrong() -> None:
    items = [_silent("yes"), _silent("no"), *_items(2, 0, 2, 0)]
    found = values("pope", items, "multilingual")
    assert found["accuracy"] == pytest.approx(100 * 4 / 6)
    assert found["recall"] == pytest.approx(100 * 2 / 3)
    assert found["precision"] == pytest.approx(100 * 2 / 3)
    assert found["yes_ratio"] == pytest.approx(100 * 2 / 6)


@pytest.mark.parametrize("gold", ["yes", "no"])
def test_not_answering_never_raises_f1_under_multilingual_rules(gold: str) -> None:
    rest = _items(5, 3, 4, 2)
    wrong = "no" if gold == "yes" else "yes"
    silent = values("pope", [*rest, _silent(gold)], "multilingual")["f1"]
    assert silent == values("pope", [*rest, item("pope/random/99", gold, wrong, split="random")], "multilingual")["f1"]


@pytest.mark.parametrize("rules", ["official", "multilingual"])
def test_a_failed_request_is_wrong_whatever_the_gold_answer(rules: str) -> None:
    failed = [item(f"pope/random/{gold}", gold, None, outcome="error") for gold in ("yes", "no")]
    found = by_name("pope", failed, rules)  # type: ignore[arg-type]
    assert found["accuracy"].value == 0
    assert found["f1"].outcomes["error"] == 1


def test_a_split_is_scored_as_if_alone() -> None:
    random, popular = _items(7, 1, 6, 2, "random"), _items(3, 3, 3, 3, "popular")
    both, alone = values("pope", random + popular), values("pope", random)
    for name in ("f1", "accuracy", "precision", "recall", "yes_ratio"):
        assert both[f"{name}_random"] == alone[name]
