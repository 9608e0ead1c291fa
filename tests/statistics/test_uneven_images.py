"""Images that are asked about unequally often: a few with many questions tell less than their number says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statistics_metrics import share_metric

from lrm_eval.statistics import clustered_wilson, joint, metric_interval
from lrm_eval.statistics.boundary import even_images
from lrm_eval.statistics.wilson import wilson


def test_equal_images_count_as_many_as_they_are() -> None:
    assert even_images(np.full(40, 3)) == pytest.approx(40)


def test_one_large_image_among_small_ones_counts_little_more_than_one() -> None:
    assert even_images(np.array([100] + [1] * 99)) == pytest.approx(1.02, abs=0.01)


def test_images_that_are_not_asked_about_count_nothing() -> None:
    assert even_images(np.array([2, 2, 0, 0])) == pytest.approx(2)
    assert even_images(np.zeros(3)) == 0


def test_with_equal_images_the_interval_is_that_of_korn_and_graubard() -> None:
    rng = np.random.default_rng(0)
    right = (rng.random((30, 4)) < rng.random((30, 1))).astype(float)
    images = np.repeat(np.arange(30), 4)
    found = clustered_wilson(right.ravel(), np.ones(120), images)
    p, means = right.mean(), right.mean(axis=1)
    design = means.var(ddof=1) / 30 / (p * (1 - p) / 120)
    assert found is not None
    assert (found.low, found.high) == pytest.approx(wilson(p, 120 / max(1, design), stats.t.ppf(0.975, 29)))


def test_shares_over_very_uneven_images_hold_the_truth() -> None:
    # Images of 1 to 50 questions, all of an image right or all wrong, large ones easier.
    held, trials = 0, 300
    rng = np.random.default_rng(1)
    sizes = np.minimum(50, rng.zipf(1.8, 400_000))
    truth = 100 * (sizes * np.where(sizes > 4, 0.8, 0.5)).sum() / sizes.sum()
    for _ in range(trials):
        size = np.minimum(50, rng.zipf(1.8, 60))
        right = rng.random(60) < np.where(size > 4, 0.8, 0.5)
        interval, _ = metric_interval(share_metric(np.repeat(right, size), np.repeat(np.arange(60), size)))
        assert interval is not None
        held += interval[0] <= truth <= interval[1]
    # With the usual quantile it is 89 %; Binomial(300, 0.95) is below 274 once in 300 times.
    assert held / trials >= 0.913


def test_a_difference_has_the_degrees_of_freedom_of_its_even_images() -> None:
    rng = np.random.default_rng(2)
    size = np.array([60] + [1] * 39)
    images = np.repeat(np.arange(40), size)
    a, b = (share_metric(rng.random(len(images)) < 0.5, images) for _ in range(2))
    assert joint({"a": a, "b": b}).estimate({"a": 1.0, "b": -1.0}).degrees == 1
