"""The measures of the modality gap, against closed forms and plain loops."""

import numpy as np
import pytest

from lrm_llava.analysis.measures import (
    centroid_distance,
    cka_estimate,
    linear_cka,
    mean_estimate,
    mutual_neighbours,
    paired_estimate,
    retrieval_hits,
    unit,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 8)).astype(np.float32)


def rotation(size: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(1).normal(size=(size, size)))[0].astype(np.float32)


def test_the_centroids_of_opposite_sets_are_two_apart() -> None:
    points = np.tile(np.array([[3.0, 0.0]], dtype=np.float32), (5, 1))
    assert centroid_distance(points, -7 * points) == pytest.approx(2.0)
    assert centroid_distance(points, 7 * points) == pytest.approx(0.0)


def test_cka_is_one_under_rotation_scale_and_shift_and_small_for_what_is_unrelated() -> None:
    # Kornblith et al. 2019, section 2: invariances of linear CKA.
    assert linear_cka(X, 3 * X @ rotation(8) + 5) == pytest.approx(1.0, abs=1e-5)
    other = RNG.normal(size=(4000, 4)).astype(np.float32)
    assert linear_cka(other, RNG.normal(size=(4000, 4)).astype(np.float32)) < 0.01


def test_cka_is_that_of_the_feature_form() -> None:
    y = (X[:, :5] ** 2 + RNG.normal(size=(60, 5))).astype(np.float32)
    a, b = X - X.mean(0), y - y.mean(0)
    wanted = np.linalg.norm(b.T @ a) ** 2 / (np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b))
    assert linear_cka(X, y) == pytest.approx(float(wanted), rel=1e-5)


def test_neighbours_agree_fully_under_rotation_and_by_chance_otherwise() -> None:
    assert (mutual_neighbours(X, X @ rotation(8), 5) == 1).all()
    many = RNG.normal(size=(500, 8)).astype(np.float32)
    chance = mutual_neighbours(many, RNG.normal(size=(500, 8)).astype(np.float32), 10).mean()
    assert chance == pytest.approx(10 / 499, abs=0.01)


def test_neighbours_are_those_of_a_plain_loop() -> None:
    y = (X + 0.5 * RNG.normal(size=X.shape)).astype(np.float32)
    wanted = []
    for row in range(len(X)):
        near = []
        for rows in (unit(X), unit(y)):
            order = [other for other in np.argsort(-(rows @ rows[row]), kind="stable") if other != row]
            near.append(set(order[:7]))
        wanted.append(len(near[0] & near[1]) / 7)
    assert mutual_neighbours(X, y, 7) == pytest.approx(wanted)


def test_retrieval_counts_its_own_text_and_shares_ties() -> None:
    assert retrieval_hits(X, 2 * X).mean() == 1.0
    assert retrieval_hits(X, X[::-1].copy()).mean() == 0.0
    same = np.ones((4, 3), dtype=np.float32)
    assert retrieval_hits(same, same) == pytest.approx([0.25] * 4)


def test_intervals_hold_the_value_and_narrow_with_samples() -> None:
    hits = (RNG.random(900) < 0.3).astype(float)
    wide, narrow = mean_estimate(hits[:90]), mean_estimate(hits)
    assert narrow.low < narrow.value < narrow.high
    assert narrow.high - narrow.low < wide.high - wide.low
    # Against the normal interval of a proportion.
    half = 1.96 * np.sqrt(hits.mean() * (1 - hits.mean()) / 900)
    assert (narrow.high - narrow.low) / 2 == pytest.approx(half, rel=0.1)
    apart = paired_estimate(centroid_distance, X, X + 3)
    assert apart.low < apart.value < apart.high


def test_the_interval_of_cka_covers_the_value_of_a_larger_set() -> None:
    rng, covered = np.random.default_rng(5), 0
    big = rng.normal(size=(6000, 6)).astype(np.float32)
    truth = linear_cka(big, big + rng.normal(size=big.shape).astype(np.float32))
    for seed in range(20):
        x = rng.normal(size=(600, 6)).astype(np.float32)
        found = cka_estimate(x, x + rng.normal(size=x.shape).astype(np.float32), draws=60, seed=seed)
        covered += found.low <= truth <= found.high
    assert covered >= 16


def test_too_few_samples_have_no_interval() -> None:
    assert np.isnan(cka_estimate(X[:8], X[:8]).low)
