from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats
from statistics_metrics import f1_metric, share_metric
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from lrm_eval.statistics import difference, joint, mcnemar, paired_difference

RNG = np.random.default_rng(11)


@pytest.mark.parametrize(("better", "worse"), [(0, 0), (3, 0), (7, 2), (10, 10), (40, 21)])
def test_mcnemar_is_statsmodels(better: int, worse: int) -> None:
    table = np.array([[50, better], [worse, 30]])
    expected = 1.0 if better + worse == 0 else statsmodels_mcnemar(table, exact=True).pvalue
    assert mcnemar(better, worse) == pytest.approx(expected)


def test_negative_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        mcnemar(-1, 3)


def test_one_question_an_image_few_differ_is_the_exact_mcnemar_test() -> None:
    a = np.ones(200)
    b = a.copy()
    a[:2], b[2:11] = 0, 0
    found = paired_difference(share_metric(a, np.arange(200)), share_metric(b, np.arange(200)))
    assert (found.better, found.worse, found.test) == (9, 2, "exact McNemar")
    assert found.p_value == pytest.approx(stats.binomtest(2, 11).pvalue)
    assert found.mcnemar == pytest.approx(found.p_value)


def test_questions_that_share_an_image_have_no_mcnemar_test() -> None:
    images = np.repeat(np.arange(100), 2)
    found = paired_difference(share_metric(RNG.random(200) < 0.7, images), share_metric(RNG.random(200) < 0.5, images))
    assert found.mcnemar is None
    assert found.test == "clustered t"


def test_the_clustered_test_is_statsmodels_on_the_differences() -> None:
    images = np.repeat(np.arange(80), 5)
    a = RNG.random(400) < np.repeat(RNG.beta(3, 1, 80), 5)
    b = RNG.random(400) < 0.65
    found = paired_difference(share_metric(a, images), share_metric(b, images))
    fit = OLS(a.astype(float) - b, np.ones(400)).fit(
        cov_type="cluster", cov_kwds={"groups": images, "use_correction": True, "df_correction": True}, use_t=True
    )
    # statsmodels also multiplies the variance by (N-1)/(N-1) = 1 for one coefficient.
    assert found.value == pytest.approx(100 * fit.params[0])
    assert found.error == pytest.approx(100 * fit.bse[0], rel=1e-6)
    assert found.p_value == pytest.approx(fit.pvalues[0], rel=1e-6)


def test_independent_questions_have_the_paired_t_test() -> None:
    a, b = RNG.random(300) < 0.7, RNG.random(300) < 0.6
    found = paired_difference(share_metric(a, np.arange(300)), share_metric(b, np.arange(300)))
    assert found.p_value == pytest.approx(stats.ttest_rel(a.astype(float), b.astype(float)).pvalue, rel=1e-6)
    assert found.mcnemar == pytest.approx(stats.binomtest(int((a & ~b).sum()), int((a != b).sum())).pvalue)


def test_swaps_of_f1_are_all_tried() -> None:
    gold = np.arange(40) % 2 == 0
    said_a, said_b = gold.copy(), gold.copy()
    said_a[[0, 3]] ^= True
    said_b[[4, 6, 8, 9, 12]] ^= True
    images = np.arange(40) // 2
    found = paired_difference(f1_metric(gold, said_a, images), f1_metric(gold, said_b, images))
    # Brute force over all ways of swapping the two models' answers, image by image.
    differing = np.unique(images[said_a != said_b])
    sizes = []
    for ways in product([False, True], repeat=len(differing)):
        swap = np.isin(images, differing[list(ways)])
        one, other = np.where(swap, said_b, said_a), np.where(swap, said_a, said_b)
        sizes.append(f1_metric(gold, one, images).value - f1_metric(gold, other, images).value)  # type: ignore[operator]
    assert found.test == "exact swaps of images"
    assert found.p_value == pytest.approx(np.mean(np.abs(sizes) >= abs(sizes[0]) - 1e-9))


def test_a_mean_over_languages_swaps_an_image_in_all_of_them() -> None:
    # Two languages that always agree tell no more than one of them.
    a, b = np.ones(60), np.ones(60)
    b[:5] = 0
    metrics = {(model, tag): share_metric(hits, np.arange(60)) for model, hits in (("a", a), ("b", b)) for tag in "xy"}
    found = difference(joint(metrics), {("a", "x"): 0.5, ("a", "y"): 0.5}, {("b", "x"): 0.5, ("b", "y"): 0.5})
    assert found.p_value == pytest.approx(2 / 2**5)
    assert (found.better, found.worse) == (5, 0)


def test_a_model_does_not_beat_itself() -> None:
    hits = RNG.random(200) < 0.6
    found = paired_difference(share_metric(hits, np.arange(200)), share_metric(hits, np.arange(200)))
    assert (found.value, found.p_value, found.better, found.worse) == (0, 1, 0, 0)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0 < found.high


def test_the_sign_turns_with_the_sides() -> None:
    a = share_metric(RNG.random(300) < 0.7, np.arange(300) // 2)
    b = share_metric(RNG.random(300) < 0.6, np.arange(300) // 2)
    one, other = paired_difference(a, b), paired_difference(b, a)
    assert one.value == pytest.approx(-(other.value or 0))
    assert one.p_value == pytest.approx(other.p_value)
    assert (one.better, one.worse) == (other.worse, other.better)
    assert (one.low, one.high) == pytest.approx((-(other.high or 0), -(other.low or 0)))


def test_other_images_are_refused() -> None:
    one, other = share_metric(np.ones(9), np.arange(9)), share_metric(np.ones(9), np.arange(1, 10))
    with pytest.raises(ValueError, match="same images"):
        paired_difference(one, other)


def test_sides_that_do_not_match_are_refused() -> None:
    together = joint({key: share_metric(np.ones(9), np.arange(9)) for key in "abc"})
    with pytest.raises(ValueError, match="same weights"):
        difference(together, {"a": 0.5, "b": 0.5}, {"c": 1.0})
    with pytest.raises(ValueError, match="in common"):
        difference(together, {"a": 1.0}, {"a": 1.0})


def test_one_image_has_a_difference_and_no_doubt_that_can_be_put_in_numbers() -> None:
    found = paired_difference(share_metric(np.array([1, 1]), np.zeros(2)), share_metric(np.array([0, 1]), np.zeros(2)))
    assert (found.value, found.low, found.p_value, found.detectable) == (50, None, None, None)
    assert found.note == "no interval: 1 image"


def test_too_few_images_for_an_interval_have_no_difference_that_would_be_seen() -> None:
    a, b = np.array([1, 1, 0, 1, 1, 1, 1, 0]), np.array([0, 1, 0, 1, 0, 0, 0, 0])
    few = paired_difference(share_metric(a, np.arange(8) // 2), share_metric(b, np.arange(8) // 2))
    more = paired_difference(share_metric(a, np.arange(8)), share_metric(b, np.arange(8)))
    assert (few.low, few.detectable) == (None, None)
    assert more.low is not None
    assert more.detectable is not None


def test_images_that_all_differ_by_the_same_are_separated() -> None:
    found = paired_difference(share_metric(np.ones(40), np.arange(40)), share_metric(np.zeros(40), np.arange(40)))
    assert found.value == 100
    assert found.p_value == 0
    assert found.low is not None
    assert found.low == pytest.approx(100 * 0.025 ** (1 / 40), abs=10)


def test_few_that_differ_are_bounded_on_both_sides() -> None:
    # 3 of 500 in favour, none against: with none against, up to 0.7 % of images might be.
    a = np.ones(500)
    b = a.copy()
    b[:3] = 0
    found = paired_difference(share_metric(a, np.arange(500)), share_metric(b, np.arange(500)))
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0
    exact = stats.binomtest(3, 500).proportion_ci(0.95, method="exact")
    assert found.high == pytest.approx(100 * exact.high, rel=0.01)
