from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from lrm_eval.statistics.boundary import clopper_pearson, unseen_share
from lrm_eval.statistics.wilson import clustered_wilson, t_quantile, wilson

RNG_SEED = 20240817


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (3, 10), (60, 100), (999, 1000)])
def test_wilson_is_scipys(hits: int, n: int) -> None:
    expected = stats.binomtest(hits, n).proportion_ci(0.95, method="wilson")
    assert wilson(hits / n, n, float(stats.norm.ppf(0.975))) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(("count", "n"), [(0, 7), (1, 20), (13, 50), (50, 50)])
def test_clopper_pearson_is_scipys(count: int, n: int) -> None:
    expected = stats.binomtest(count, n).proportion_ci(0.95, method="exact")
    assert clopper_pearson(count, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_the_share_of_what_was_never_seen_is_the_rule_of_0025() -> None:
    assert unseen_share(100) == pytest.approx(1 - 0.025 ** (1 / 100))
    assert unseen_share(100) == pytest.approx(clopper_pearson(0, 100)[1])


def test_quantiles_are_students() -> None:
    assert t_quantile(8) == pytest.approx(stats.t.ppf(0.975, 7))


def test_questions_that_repeat_each_other_count_once() -> None:
    # 40 images, each asked 5 times with the same outcome: 200 questions tell as much as 40 do.
    outcome = np.repeat(np.arange(40) % 4 == 0, 5).astype(float)
    clusters = np.repeat(np.arange(40), 5)
    found = clustered_wilson(outcome, np.ones(200), clusters)
    assert found is not None
    # Closed form: equal clusters of identical outcomes have deff = m G/(G-1).
    assert found.design_effect == pytest.approx(5 * 40 / 39)
    assert found.effective_n == pytest.approx(39)
    assert (found.low, found.high) == pytest.approx(wilson(0.25, 39, float(stats.t.ppf(0.975, 39))))


def test_one_question_an_image_is_wilson_with_a_t_quantile() -> None:
    hits = (np.arange(50) < 20).astype(float)
    found = clustered_wilson(hits, np.ones(50), np.arange(50))
    assert found is not None
    assert found.design_effect == pytest.approx(50 / 49)
    assert (found.low, found.high) == pytest.approx(wilson(0.4, 49, float(stats.t.ppf(0.975, 49))))


def test_a_design_effect_below_one_is_not_taken_as_more_questions() -> None:
    # Every image has one right and one wrong answer: the share varies not at all between images.
    found = clustered_wilson(np.tile([1.0, 0.0], 30), np.ones(60), np.repeat(np.arange(30), 2))
    assert found is not None
    assert found.design_effect == pytest.approx(0)
    assert found.effective_n == 60


@pytest.mark.parametrize(("value", "low", "high"), [(1.0, 0.025 ** (1 / 20), 1.0), (0.0, 0.0, 1 - 0.025 ** (1 / 20))])
def test_at_the_boundary_the_bound_is_exact_over_images(value: float, low: float, high: float) -> None:
    found = clustered_wilson(np.full(60, value), np.ones(60), np.repeat(np.arange(20), 3))
    assert found is not None
    assert (found.low, found.high) == pytest.approx((low, high))
    assert math.isnan(found.design_effect)


def test_one_image_has_no_interval() -> None:
    assert clustered_wilson(np.array([1.0, 0.0]), np.ones(2), np.zeros(2, dtype=np.int64)) is None


def test_images_without_a_question_of_the_base_are_no_images() -> None:
    base = np.array([1.0, 1.0, 0.0, 0.0])
    found = clustered_wilson(np.array([1.0, 0.0, 0.0, 0.0]), base, np.arange(4))
    assert found is not None
    assert found.clusters == 2


@pytest.mark.parametrize(("share", "images"), [(0.6, 60), (0.95, 100), (0.995, 60)])
def test_it_covers_the_truth_where_images_are_hard_or_easy(share: float, images: int) -> None:
    # Beta-binomial: intra-image correlation 1/3, five questions an image.
    rng = np.random.default_rng(RNG_SEED)
    clusters = np.repeat(np.arange(images), 5)
    covered, naive, runs = 0, 0, 400
    for _ in range(runs):
        ease = rng.beta(2 * share, 2 * (1 - share), size=images)
        hits = (rng.random((images, 5)) < ease[:, None]).astype(float).ravel()
        found = clustered_wilson(hits, np.ones(len(hits)), clusters)
        assert found is not None
        covered += found.low <= share <= found.high
        low, high = wilson(float(hits.mean()), len(hits), 1.96)
        naive += low <= share <= high
    assert covered / runs >= 0.925
    # The reason for all this: without clusters the interval misses far more often.
    assert naive < covered
