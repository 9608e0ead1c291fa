from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statistics_metrics import f1_metric, share_metric

from lrm_eval.statistics import joint, metric_interval


def _ends(weights: dict[int, float], *hits: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> tuple[float, float]:
    images = np.arange(len(hits[0]))
    found = joint({key: share_metric(one, images) for key, one in enumerate(hits)}).estimate(weights)
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


def _wrong(count: int, total: int, start: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    hits = np.ones(total)
    hits[start : start + count] = 0
    return hits


@pytest.mark.parametrize("count", [1, 4, 9])
def test_a_mean_of_languages_near_100_has_the_exact_bound(count: int) -> None:
    # Two languages that fail on the same images tell as much as one of them.
    low, _ = _ends({0: 0.5, 1: 0.5}, _wrong(count, 300), _wrong(count, 300))
    exact = stats.binomtest(300 - count, 300).proportion_ci(0.95, method="exact")
    assert low <= 100 * exact.low + 1e-6
    assert low == pytest.approx(100 * exact.low, abs=0.4)


def test_ten_deviating_images_are_left_to_the_bootstrap() -> None:
    low, _ = _ends({0: 0.5, 1: 0.5}, _wrong(10, 300), _wrong(10, 300))
    exact = stats.binomtest(290, 300).proportion_ci(0.95, method="exact")
    assert low > 100 * exact.low


def test_few_differences_both_ways_are_combined_by_mover() -> None:
    # Zou and Donner 2008: 5 for, 2 against, of 200, limits by Clopper-Pearson.
    low, high = _ends({0: 1, 1: -1}, _wrong(2, 200, 100), _wrong(5, 200))
    (u_low, u_high), (d_low, d_high) = (stats.binomtest(k, 200).proportion_ci(0.95, method="exact") for k in (5, 2))
    up, down = 5 / 200, 2 / 200
    assert low == pytest.approx(100 * (up - down - np.hypot(up - u_low, d_high - down)), abs=0.35)
    assert high == pytest.approx(100 * (up - down + np.hypot(u_high - up, down - d_low)), abs=0.35)


def test_a_gap_of_several_languages_to_english_counts_an_image_once() -> None:
    # The same two images fail in both languages: two images differ, not four.
    english, other = np.ones(400), _wrong(2, 400)
    low, high = _ends({0: 0.5, 1: 0.5, 2: -1}, other, other, english)
    one_low, one_high = _ends({0: 1, 1: -1}, other, english)
    assert (low, high) == pytest.approx((one_low, one_high), rel=1e-6)


def test_one_answer_differs_and_zero_is_possible() -> None:
    low, high = _ends({0: 1, 1: -1}, np.ones(1000), _wrong(1, 1000))
    assert low < 0 < 0.1 < high


def test_f1_without_an_error_has_the_exact_bound() -> None:
    gold = np.arange(80) % 2 == 0
    found, _ = metric_interval(f1_metric(gold, gold, np.arange(80) // 2))
    assert found is not None
    # At most u = 1 - 0.025^(1/40) of the images go wholly wrong: TP (1-u), FP and FN u each: F1 = 1 - u.
    assert found == pytest.approx((100 * 0.025 ** (1 / 40), 100))


def test_the_bound_of_another_level_is_asked_for() -> None:
    together = joint({0: share_metric(_wrong(0, 100), np.arange(100))})
    assert together.estimate({0: 1}, level=0.9).low == pytest.approx(100 * 0.05 ** (1 / 100))
