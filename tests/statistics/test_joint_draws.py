from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from statistics_metrics import f1_metric, share_metric

from lrm_eval.scorers.metric import Metric, percentage
from lrm_eval.statistics import joint, metric_interval

RNG = np.random.default_rng(7)
IMAGES = np.repeat(np.arange(120), 4)
EASE = RNG.beta(2, 1, size=120)
HITS = {tag: RNG.random(480) < np.repeat(EASE, 4) for tag in ("en", "sw", "am")}
THREE = joint({tag: share_metric(hits, IMAGES) for tag, hits in HITS.items()})


def test_a_weighted_sum_is_the_sum_of_the_values() -> None:
    found = THREE.estimate({"en": 1 / 3, "sw": 1 / 3, "am": 1 / 3})
    assert found.value == pytest.approx(100 * np.mean([hits.mean() for hits in HITS.values()]))


def test_the_error_of_a_mean_over_languages_is_that_of_the_image_means() -> None:
    # Closed form for equal sizes: sd of each image's mean over all its questions and languages, / sqrt(G).
    by_image = 100 * np.stack([hits.reshape(120, 4) for hits in HITS.values()]).mean(axis=(0, 2))
    assert THREE.estimate(dict.fromkeys(HITS, 1 / 3)).error == pytest.approx(by_image.std(ddof=1) / np.sqrt(120))


def test_the_error_of_a_gap_is_that_of_the_paired_image_differences() -> None:
    by_image = 100 * (HITS["sw"].astype(float) - HITS["en"]).reshape(120, 4).mean(axis=1)
    found = THREE.estimate({"sw": 1, "en": -1})
    assert found.error == pytest.approx(by_image.std(ddof=1) / np.sqrt(120))
    assert found.degrees == 119


def test_the_bootstrap_agrees_with_the_error() -> None:
    for weights in ({"en": 1.0}, {"sw": 1.0, "en": -1.0}, dict.fromkeys(HITS, 1 / 3)):
        found = THREE.estimate(weights)
        assert found.low is not None
        assert found.high is not None
        assert found.error is not None
        assert (found.high - found.low) / (2 * 1.98 * found.error) == pytest.approx(1, abs=0.08)


def test_only_a_difference_is_tested() -> None:
    assert THREE.estimate({"en": 1}).p_value is None
    assert THREE.estimate({"en": 1, "sw": -1}).p_value is not None


def test_the_error_of_f1_is_the_delta_methods() -> None:
    gold, said = RNG.random(400) < 0.5, RNG.random(400) < 0.6
    found = joint({0: f1_metric(gold, said, np.arange(400))}).estimate({0: 1})
    # F1 = 2 TP / (2 TP + FP + FN): linearised residual of each question over the denominator.
    tp, wrong = gold & said, gold != said
    denominator = 2 * tp.sum() + wrong.sum()
    value = 2 * tp.sum() / denominator
    residual = (2 * tp - value * (2 * tp + wrong)) / denominator
    assert found.error == pytest.approx(100 * np.sqrt(400 / 399 * (residual**2).sum()), rel=1e-4)


def test_what_differs_between_strata_is_no_error() -> None:
    strata = np.repeat([0, 1], 240)
    easy_and_hard = (np.arange(480) % 10 < np.where(strata, 2, 9)).astype(float)
    apart = joint({0: share_metric(easy_and_hard, np.arange(480), strata)}).estimate({0: 1})
    together = joint({0: share_metric(easy_and_hard, np.arange(480))}).estimate({0: 1})
    # Closed form: sqrt(sum over strata of (n_h/N)^2 s_h^2 / n_h).
    parts = [easy_and_hard[strata == code].var(ddof=1) / 240 / 4 for code in (0, 1)]
    assert apart.error == pytest.approx(100 * np.sqrt(sum(parts)))
    assert together.error is not None
    assert apart.error is not None
    assert apart.error < together.error
    assert (apart.degrees, together.degrees) == (478, 479)


def test_images_that_one_language_lacks_are_a_stratum_of_their_own() -> None:
    together = joint({"en": share_metric(HITS["en"], IMAGES), "sw": share_metric(HITS["sw"][:200], IMAGES[:200])})
    assert [len(set(together.strata[:50])), len(set(together.strata[50:]))] == [1, 1]
    assert together.strata[0] != together.strata[60]
    # So that every resample has as many images in Swahili as there are.
    assert together.estimate({"sw": 1}).error == pytest.approx(
        joint({0: share_metric(HITS["sw"][:200], IMAGES[:200])}).estimate({0: 1}).error
    )


def test_one_image_less_in_a_language_makes_no_lonely_stratum() -> None:
    together = joint({"en": share_metric(HITS["en"], IMAGES), "sw": share_metric(HITS["sw"][4:], IMAGES[4:])})
    assert len(np.unique(together.strata)) == 1


def test_strata_of_two_metrics_that_share_images_are_joined_and_other_images_stay_apart() -> None:
    one = share_metric(np.ones(6), np.arange(6), np.array([0, 0, 0, 1, 1, 1]))
    other = share_metric(np.ones(6), np.arange(6), np.array([5, 5, 5, 2, 2, 2]))
    assert len(np.unique(joint({0: one, 1: other}).strata)) == 2
    crossing = share_metric(np.ones(6), np.arange(6), np.array([0, 0, 1, 1, 1, 1]))
    assert len(np.unique(joint({0: one, 1: crossing}).strata)) == 1


def test_with_two_images_a_stratum_the_error_is_not_too_small() -> None:
    # Drawing two of two would halve the variance (Rao and Wu 1988); one of two, weighing double, does not.
    rng = np.random.default_rng(3)
    scores, strata = rng.random(200), np.repeat(np.arange(100), 2)
    found = joint({0: share_metric(scores, np.arange(200), strata)}, replicates=4000)
    pairs = scores.reshape(100, 2)
    exact = 100 * np.sqrt((2 * pairs.var(axis=1, ddof=1)).sum()) / 200
    assert found.draws[0].std() == pytest.approx(exact, rel=0.05)
    assert found.error({0: 1}) == pytest.approx(exact)


def test_an_undefined_metric_makes_the_sum_undefined() -> None:
    empty = Metric("x", False, np.zeros((0, 2)), np.zeros(0, np.int64), np.zeros(0, np.int64), percentage, True, 0)
    together = joint({"en": share_metric(HITS["en"], IMAGES), "no": empty})
    assert together.estimate({"en": 1, "no": -1})[:3] == (None, None, None)
    assert together.estimate({"en": 1}).low is not None


@pytest.mark.parametrize(
    ("images", "note"), [(4, "no interval: 4 images"), (1, "no interval: 1 image"), (29, "few images: 29"), (30, "")]
)
def test_few_images_are_said(images: int, note: str) -> None:
    hits = np.arange(images * 3) % 2
    metric = replace(share_metric(hits, np.repeat(np.arange(images), 3)), proportion=False)
    found = joint({0: metric}).estimate({0: 1})
    assert found.note == note
    assert (found.low is None) == (images < 5)
    assert (found.error is None) == (images < 2)


def test_keys_that_are_not_there_are_refused() -> None:
    with pytest.raises(ValueError, match="de"):
        THREE.estimate({"de": 1})
    with pytest.raises(ValueError, match="weights"):
        THREE.estimate({})
    with pytest.raises(ValueError, match="no metrics"):
        joint({})


def test_it_is_a_function_of_the_seed_and_the_images() -> None:
    def again(seed: int) -> tuple[float | None, float | None]:
        metrics = {tag: share_metric(hits, IMAGES) for tag, hits in HITS.items()}
        return joint(metrics, seed).estimate({"en": 1, "am": -1})[1:3]

    assert again(1) == again(1)
    assert again(1) != again(2)


@pytest.mark.parametrize("images", [3, 120])
def test_a_single_share_has_the_interval_of_its_cell(images: int) -> None:
    metric = share_metric(HITS["sw"][: 4 * images], IMAGES[: 4 * images])
    found = joint({"sw": metric, "en": share_metric(HITS["en"], IMAGES)}).estimate({"sw": 1})
    assert metric_interval(metric)[0] == (found.low, found.high)


def test_the_bootstrap_of_a_mean_of_one_language_twice_is_near_wilson() -> None:
    metric = share_metric(HITS["sw"], IMAGES)
    found = joint({0: metric, 1: metric}).estimate({0: 0.5, 1: 0.5})
    assert metric_interval(metric)[0] == pytest.approx((found.low, found.high), abs=0.6)
