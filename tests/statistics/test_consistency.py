from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from statsmodels.stats.inter_rater import aggregate_raters, cohens_kappa
from statsmodels.stats.inter_rater import fleiss_kappa as statsmodels_fleiss

from lrm_eval.statistics import (
    agreement,
    consistency,
    expected_rankc,
    fleiss_kappa,
    joint,
    kappa,
    match,
    metric_interval,
    rank_consistency,
    rankc,
    right_given,
    right_overlap,
)
from lrm_eval.types import ChoiceScore, Item, Reading, Response, Sample

LETTERS = ("A", "B", "C", "D")
ETHIOPIC = ("ሀ", "ለ", "ሐ", "መ")


def _item(
    number: int,
    language: str,
    value: str | None,
    gold: str = "A",
    labels: tuple[str, ...] = LETTERS,
    scores: tuple[float, ...] = (),
) -> Item:
    sample = Sample(
        f"t/{number}", "t", language, "option", "?", gold, options=labels, labels=labels, cluster=f"i{number // 2}"
    )
    choices = tuple(ChoiceScore(label, score, score, 1) for label, score in zip(labels, scores, strict=False))
    reading = Reading(value, "test", "read" if value is not None else "unparsed")
    return Item(sample, Response(sample.id, choices=choices), reading)


def _cells(**answers: str) -> dict[str, list[Item]]:
    """Languages and their answers, a letter an item; "-" was not read."""
    return {
        tag: [_item(number, tag, None if value == "-" else value) for number, value in enumerate(row)]
        for tag, row in answers.items()
    }


RNG = np.random.default_rng(9)
TRUTH = RNG.integers(0, 4, 300)
RANDOM = {
    tag: "".join(LETTERS[code] for code in np.where(RNG.random(300) < share, TRUTH, RNG.integers(0, 4, 300)))
    for tag, share in {"en": 0.8, "sw": 0.5, "am": 0.4}.items()
}


def test_the_same_wrong_answer_agrees() -> None:
    answers = match(_cells(en="AABB", sw="ABBB"))
    assert agreement(answers, "en", "sw").value == 75


def test_two_answers_that_were_not_read_do_not_agree() -> None:
    assert agreement(match(_cells(en="A--A", sw="A-A-")), "en", "sw").value == 25


def test_labels_of_another_script_are_the_same_place() -> None:
    cells = _cells(en="AB")
    cells["am"] = [_item(0, "am", "ሀ", "ሀ", ETHIOPIC), _item(1, "am", "ሐ", "ሀ", ETHIOPIC)]
    assert agreement(match(cells), "en", "am").value == 50


def test_items_that_a_language_lacks_or_shuffles_are_left_out_and_counted() -> None:
    cells = _cells(en="AAAA", sw="AAA")
    cells["sw"][0] = _item(0, "sw", "A", gold="B")
    answers = match(cells)
    assert answers.left_out == 2
    metric = agreement(answers, "en", "sw")
    assert (metric.n, metric.note) == (2, "2 items not comparable")


def test_cohens_kappa_is_statsmodels() -> None:
    table = np.zeros((4, 4))
    for one, other in zip(RANDOM["en"], RANDOM["sw"], strict=True):
        table[LETTERS.index(one), LETTERS.index(other)] += 1
    found = kappa(match(_cells(en=RANDOM["en"], sw=RANDOM["sw"])), "en", "sw")
    assert found.value == pytest.approx(cohens_kappa(table).kappa)


def test_the_interval_of_kappa_is_near_statsmodels_where_items_are_independent() -> None:
    table = np.zeros((4, 4))
    cells = _cells(en=RANDOM["en"], sw=RANDOM["sw"])
    for one, other in zip(RANDOM["en"], RANDOM["sw"], strict=True):
        table[LETTERS.index(one), LETTERS.index(other)] += 1
    expected = cohens_kappa(table)
    found, _ = metric_interval(kappa(match(cells), "en", "sw"))
    assert found == pytest.approx((expected.kappa_low, expected.kappa_upp), abs=0.03)


def test_fleiss_kappa_is_statsmodels() -> None:
    found = fleiss_kappa(match(_cells(**RANDOM)))
    codes = np.array([[LETTERS.index(value) for value in row] for row in RANDOM.values()]).T
    assert found.value == pytest.approx(statsmodels_fleiss(aggregate_raters(codes)[0]))


def test_saying_b_to_everything_has_no_kappa() -> None:
    answers = match(_cells(en="BBBB", sw="BBBB"))
    assert agreement(answers, "en", "sw").value == 100
    assert kappa(answers, "en", "sw").value is None
    assert fleiss_kappa(answers).value is None


def test_nothing_read_has_no_kappa() -> None:
    answers = match(_cells(en="----", sw="AAAA"))
    assert kappa(answers, "en", "sw").value is None
    assert fleiss_kappa(answers).value is None
    assert agreement(answers, "en", "sw").value == 0


def test_right_in_both_is_a_share_of_right_in_any() -> None:
    # Right: en 0 1 2, sw 1 2 3.
    answers = match(_cells(en="AAABB", sw="BAAAB"))
    assert right_overlap(answers, "en", "sw").value == pytest.approx(50)
    assert right_given(answers, "sw", "en").value == pytest.approx(200 / 3)


def test_nothing_right_has_no_overlap() -> None:
    assert right_overlap(match(_cells(en="BB", sw="CC")), "en", "sw").value is None


def test_rankc_by_hand() -> None:
    # Qi 2023: four options, the first two swapped: P@1 = 0, P@2 = P@3 = P@4 = 1; weights e^3, e^2, e, 1.
    total = math.e**3 + math.e**2 + math.e + 1
    assert rankc((0, 1, 2, 3), (1, 0, 2, 3)) == pytest.approx((total - math.e**3) / total)
    assert rankc((2, 0, 1), (2, 0, 1)) == pytest.approx(1)
    # Reversed, three options: P@1 = 0, P@2 = 1/2, P@3 = 1.
    assert rankc((0, 1, 2), (2, 1, 0)) == pytest.approx((math.e / 2 + 1) / (math.e**2 + math.e + 1))


def test_unrelated_rankings_have_the_expected_rankc() -> None:
    every = list(permutations(range(4)))
    assert np.mean([rankc(every[0], other) for other in every]) == pytest.approx(expected_rankc(4))


def test_many_options_do_not_overflow() -> None:
    assert rankc(range(1000), range(1000)) == pytest.approx(1)


@pytest.mark.parametrize(("one", "other"), [((0, 1), (0, 2)), ((), ()), ((0, 1), (0, 1, 2))])
def test_rankings_of_other_options_are_refused(one: tuple[int, ...], other: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="other options"):
        rankc(one, other)


def test_rank_consistency_is_the_mean_over_scored_items() -> None:
    high_first = (-1.0, -2.0, -3.0, -4.0)
    swapped = (-2.0, -1.0, -3.0, -4.0)
    cells = {
        "en": [_item(0, "en", "A", scores=high_first), _item(1, "en", "A", scores=high_first), _item(2, "en", "A")],
        "sw": [_item(0, "sw", "A", scores=high_first), _item(1, "sw", "B", scores=swapped), _item(2, "sw", "A")],
    }
    found = rank_consistency(match(cells), "en", "sw")
    assert found.n == 2
    assert found.value == pytest.approx((1 + rankc((0, 1, 2, 3), (1, 0, 2, 3))) / 2)


def test_without_choices_there_is_no_rank_consistency() -> None:
    answers = match(_cells(en="AB", sw="AB"))
    assert rank_consistency(answers, "en", "sw").value is None
    assert list(consistency(answers)["en", "sw"]) == ["agreement", "kappa", "right_overlap"]


def test_every_pair_of_languages_is_there_with_intervals_over_images() -> None:
    found = consistency(match(_cells(**RANDOM)))
    assert list(found) == [("en", "sw"), ("en", "am"), ("sw", "am")]
    for row in found.values():
        for metric in row.values():
            interval, clusters = metric_interval(metric)
            assert interval is not None
            assert clusters == 150
    # The same images everywhere: a difference of two agreements is paired too.
    together = joint({pair: row["agreement"] for pair, row in found.items()})
    assert together.estimate({("en", "sw"): 1, ("en", "am"): -1}).low is not None


def test_one_language_and_unknown_ones_are_refused() -> None:
    with pytest.raises(ValueError, match="two languages"):
        match(_cells(en="AB"))
    with pytest.raises(ValueError, match="'de'"):
        agreement(match(_cells(en="AB", sw="AB")), "en", "de")
