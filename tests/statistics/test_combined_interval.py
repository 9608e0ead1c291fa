from __future__ import annotations

import numpy as np
import pytest

from lrm_eval.scorers.metric import FloatArray, Metric, percentage
from lrm_eval.statistics import combined_interval


def _metric(scores: FloatArray, images: list[str]) -> Metric:
    names = tuple(dict.fromkeys(images))
    ones = np.ones(len(scores))
    return Metric(
        name="accuracy",
        primary=True,
        stats=np.stack([scores, ones], axis=1),
        clusters=np.array([names.index(image) for image in images], dtype=np.int64),
        strata=np.zeros(len(scores), dtype=np.int64),
        value_of=percentage,
        proportion=True,
        n=len(scores),
        low=np.stack([ones * 0, ones], axis=1),
        high=np.stack([ones, ones], axis=1),
        cluster_names=names,
    )


IMAGES = [f"image {number // 2}" for number in range(200)]
SCORES = np.random.default_rng(1).integers(0, 2, 200).astype(float)


def _width(metrics: list[Metric], weights: list[float]) -> float:
    found = combined_interval(metrics, weights)
    assert found.low is not None
    assert found.high is not None
    return found.high - found.low


def test_a_language_less_itself_is_zero_with_no_doubt() -> None:
    one = _metric(SCORES, IMAGES)
    found = combined_interval([one, one], [1, -1])
    assert found.value == 0
    # No resample differs; what never differed among 100 images may yet differ in a few of a hundred.
    assert found.low == pytest.approx(-found.high if found.high else 0)
    assert found.high is not None
    assert found.high <= 100 * 2 * (1 - 0.025 ** (1 / 100))


def test_the_mean_of_equal_languages_is_as_uncertain_as_one_of_them() -> None:
    one = _metric(SCORES, IMAGES)
    assert _width([one] * 7, [1 / 7] * 7) == pytest.approx(_width([one] * 2, [0.5] * 2), rel=1e-9)


def test_images_are_paired_by_name_not_by_place() -> None:
    back = _metric(SCORES[::-1].copy(), IMAGES[::-1])
    flipped = SCORES.copy()
    flipped[:10] = 1 - flipped[:10]
    assert _width([_metric(flipped, IMAGES), back], [1, -1]) == pytest.approx(
        _width([_metric(flipped, IMAGES), _metric(SCORES, IMAGES)], [1, -1]), rel=0.35
    )
    other = _metric(SCORES, [f"other {name}" for name in IMAGES])
    assert _width([_metric(flipped, IMAGES), other], [1, -1]) > 1.5 * _width([_metric(flipped, IMAGES), back], [1, -1])


def test_perfect_languages_have_the_exact_bound() -> None:
    perfect = _metric(np.ones(200), IMAGES)
    found = combined_interval([perfect, perfect], [0.5, 0.5])
    assert (found.value, found.low, found.high) == pytest.approx((100, 100 * 0.025 ** (1 / 100), 100))


def test_an_undefined_metric_makes_it_undefined() -> None:
    one = _metric(SCORES, IMAGES)
    empty = Metric("x", False, one.stats[:0], one.clusters[:0], one.strata[:0], percentage, True, 0, cluster_names=())
    assert combined_interval([one, empty], [1, -1])[:3] == (None, None, None)


def test_few_images_have_no_interval() -> None:
    one = _metric(np.array([1.0, 0, 1, 0]), ["a", "b", "c", "d"])
    found = combined_interval([one, one], [0.5, 0.5])
    assert (found.value, found.low, found.clusters) == (50, None, 4)
