from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import stats

from lrm_eval.scorers.metric import FloatArray, Metric
from lrm_eval.statistics.bootstrap import cluster_strata, cluster_sums, percentile_interval, replicate_sums
from lrm_eval.statistics.interval import metric_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

RNG_SEED = 20240818


def _mean(sums: FloatArray) -> FloatArray:
    return 100 * sums[..., 0] / sums[..., 1]


def metric_of(scores: FloatArray, clusters: NDArray[Any], strata: NDArray[Any] | None = None) -> Metric:
    """A mean of 0-1 scores, declared as no proportion so that it goes through the bootstrap."""
    ones = np.ones(len(scores))
    return Metric(
        name="mean",
        primary=True,
        stats=np.stack([scores, ones], axis=1),
        clusters=np.asarray(clusters, dtype=np.int64),
        strata=np.zeros(len(scores), dtype=np.int64) if strata is None else np.asarray(strata, dtype=np.int64),
        value_of=_mean,
        proportion=False,
        n=len(scores),
        low=np.stack([ones * 0, ones], axis=1),
        high=np.stack([ones, ones], axis=1),
        cluster_names=tuple(str(code) for code in range(int(max(clusters)) + 1)),
    )


def test_sums_per_image() -> None:
    sums = cluster_sums(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([0, 1, 0]), 2)
    assert sums.tolist() == [[6, 8], [3, 4]]


def test_every_replicate_draws_as_many_images_as_there_are_in_each_stratum() -> None:
    strata = np.array([0, 0, 0, 1, 1])
    indicator = np.stack([strata == 0, strata == 1], axis=1).astype(float)
    drawn = replicate_sums(indicator, strata, seed=1, replicates=50)
    assert (drawn == [3, 2]).all()


def test_the_spread_of_the_replicates_is_the_standard_error() -> None:
    rng = np.random.default_rng(RNG_SEED)
    values = rng.normal(size=400)
    drawn = replicate_sums(values[:, None], np.zeros(400, dtype=np.int64), seed=2, replicates=4000)[:, 0] / 400
    assert drawn.std() == pytest.approx(values.std() / 20, rel=0.05)
    assert drawn.mean() == pytest.approx(values.mean(), abs=0.003)


def test_replicates_in_several_rows_are_as_many_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lrm_eval.statistics.bootstrap._DRAWS_AT_ONCE", 70)
    drawn = replicate_sums(np.ones((10, 1)), np.zeros(10, dtype=np.int64), seed=0, replicates=23)
    assert drawn.shape == (23, 1)
    assert (drawn == 10).all()


def test_strata_that_share_an_image_are_one() -> None:
    clusters = np.array([0, 1, 2, 2, 3, 4, 5])
    strata = np.array([0, 0, 0, 1, 1, 2, 2])
    found = cluster_strata(clusters, strata, 6)
    assert len(set(found[:4].tolist())) == 1
    assert found[4] == found[5] != found[0]


@pytest.mark.parametrize(
    ("strata", "parts"),
    [([0, 0, 0, 1], [{0, 1, 2, 3}]), ([0, 0, 1, 2], [{0, 1}, {2, 3}])],
)
def test_a_stratum_of_one_image_is_put_with_others(strata: list[int], parts: list[set[int]]) -> None:
    found = cluster_strata(np.arange(4), np.array(strata), 4)
    assert sorted({int(i) for i in np.flatnonzero(found == code)} for code in set(found.tolist())) == parts


def test_strata_shorten_the_interval_where_parts_differ() -> None:
    scores = np.array([1.0, 0, 1, 1] * 10 + [0.0, 0, 0, 1] * 10)
    images = np.arange(80)
    strata = np.repeat([0, 1], 40)
    apart, _ = metric_interval(metric_of(scores, images, strata))
    together, _ = metric_interval(metric_of(scores, images))
    assert apart is not None
    assert together is not None
    assert apart[1] - apart[0] < together[1] - together[0]


def test_the_percentile_interval_of_normal_replicates_is_the_t_interval() -> None:
    drawn = np.random.default_rng(RNG_SEED).normal(size=400_000)
    found = percentile_interval(drawn, 10)
    expected = float(stats.t.ppf(0.975, 9))
    assert found == pytest.approx((-expected, expected), rel=0.02)


@pytest.mark.parametrize(("undefined", "none"), [(20, False), (100, True), (1000, True)])
def test_a_metric_that_is_often_undefined_has_no_interval(undefined: int, none: bool) -> None:
    drawn = np.linspace(0, 1, 1000)
    drawn[:undefined] = np.nan
    assert (percentile_interval(drawn, 50) is None) == none


def test_clusters_widen_the_interval() -> None:
    scores = np.repeat(np.arange(60) % 3 == 0, 6).astype(float)
    by_image, clusters = metric_interval(metric_of(scores, np.repeat(np.arange(60), 6)))
    by_question, _ = metric_interval(metric_of(scores, np.arange(360)))
    assert clusters == 60
    assert by_image is not None
    assert by_question is not None
    assert (by_image[1] - by_image[0]) / (by_question[1] - by_question[0]) == pytest.approx(np.sqrt(6), rel=0.15)


def test_perfection_is_bounded_by_what_was_never_seen() -> None:
    # Where the bootstrap collapses: 30 images without an error, so at most 1 - 0.025^(1/30) of images may err.
    found, _ = metric_interval(metric_of(np.ones(90), np.repeat(np.arange(30), 3)))
    assert found == pytest.approx((100 * 0.025 ** (1 / 30), 100))
    worst, _ = metric_interval(metric_of(np.zeros(90), np.repeat(np.arange(30), 3)))
    assert worst == pytest.approx((0, 100 - 100 * 0.025 ** (1 / 30)))


def test_one_image_in_error_gets_the_exact_bound_on_its_kind() -> None:
    scores = np.ones(200)
    scores[0] = 0
    found, _ = metric_interval(metric_of(scores, np.arange(200)))
    exact = stats.binomtest(199, 200).proportion_ci(0.95, method="exact")
    assert found is not None
    assert found[0] == pytest.approx(100 * exact.low)
    assert found[1] >= 100 * exact.high


def test_a_constant_that_is_neither_best_nor_worst_is_bounded_both_ways() -> None:
    # Always "yes" on images with one yes and one no: 50 % in every resample.
    found, _ = metric_interval(metric_of(np.tile([1.0, 0.0], 40), np.repeat(np.arange(40), 2)))
    rare = 1 - 0.025 ** (1 / 40)
    assert found == pytest.approx((50 * (1 - rare), 50 * (1 - rare) + 100 * rare))


def test_without_bounds_a_collapsed_bootstrap_has_no_interval() -> None:
    metric = replace(metric_of(np.ones(50), np.arange(50)), low=None, high=None)
    assert metric_interval(metric) == (None, 50)


@pytest.mark.parametrize(("images", "none"), [(1, True), (4, True), (5, False)])
def test_fewer_than_five_images_have_no_bootstrap_interval(images: int, none: bool) -> None:
    scores = np.tile([1.0, 0, 1], images)
    scores[0] = 0
    found, clusters = metric_interval(metric_of(scores, np.repeat(np.arange(images), 3)))
    assert clusters == images
    assert (found is None) == none


def test_it_is_a_function_of_the_seed() -> None:
    metric = metric_of(np.random.default_rng(0).random(300), np.arange(300) // 3)
    assert metric_interval(metric, seed=5) == metric_interval(metric, seed=5)
    assert metric_interval(metric, seed=5) != metric_interval(metric, seed=6)


@pytest.mark.parametrize(("share", "images"), [(0.7, 40), (0.985, 60)])
def test_it_covers_the_truth(share: float, images: int) -> None:
    # Three questions an image that are right or wrong together: the hardest case for the few that err.
    rng = np.random.default_rng(RNG_SEED)
    covered, runs = 0, 250
    for run in range(runs):
        scores = np.repeat(rng.random(images) < share, 3).astype(float)
        found, _ = metric_interval(metric_of(scores, np.repeat(np.arange(images), 3)), seed=run, replicates=400)
        assert found is not None
        covered += found[0] <= 100 * share <= found[1]
    assert covered / runs >= 0.925
