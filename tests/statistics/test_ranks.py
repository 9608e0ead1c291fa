from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from statistics_metrics import share_metric

from lrm_eval.statistics import Joint, joint, rank_intervals, tie_groups, win_probability


def _joint(shares: dict[str, float], images: int = 400, seed: int = 0) -> Joint[str]:
    """Models whose answers share how hard an image is."""
    rng = np.random.default_rng(seed)
    hardness = rng.random(images)
    metrics = {
        name: share_metric(hardness + rng.normal(0, 0.15, images) < share, np.arange(images))
        for name, share in shares.items()
    }
    return joint(metrics, seed)


def _each(together: Joint[str]) -> dict[str, dict[str, float]]:
    return {name: {name: 1.0} for name in together.metrics}


def test_models_far_apart_have_one_rank_each() -> None:
    together = _joint({"low": 0.2, "high": 0.8, "middle": 0.5})
    found = rank_intervals(together, _each(together))
    assert [(one.model, one.low, one.high, one.group) for one in found] == [
        ("high", 1, 1, 1),
        ("middle", 2, 2, 2),
        ("low", 3, 3, 3),
    ]
    assert found[0].beats == ("middle", "low")
    assert [one.best for one in found] == [True, False, False]


def test_equals_share_all_ranks_and_the_best_mark() -> None:
    together = _joint({"a": 0.5, "b": 0.5, "c": 0.5, "far": 0.1})
    found = rank_intervals(together, _each(together))
    assert [(one.low, one.high, one.group, one.best) for one in found] == [(1, 3, 1, True)] * 3 + [(4, 4, 2, False)]
    assert [sorted(group) for group in tie_groups(found)] == [["a", "b", "c"], ["far"]]


def test_a_chain_of_small_steps_is_one_group() -> None:
    # First and last are separable, neighbours are not: nobody between them is below the one and above the other.
    together = _joint({"a": 0.60, "b": 0.575, "c": 0.55, "d": 0.525, "e": 0.50}, images=300, seed=3)
    found = rank_intervals(together, _each(together))
    assert "e" in found[0].beats
    assert len({one.group for one in found}) < 5
    assert all(one.low <= place + 1 <= one.high for place, one in enumerate(found))


def test_identical_models_are_tied() -> None:
    hits = np.random.default_rng(1).random(200) < 0.6
    together = joint({name: share_metric(hits, np.arange(200)) for name in ("a", "b")})
    assert [(one.low, one.high) for one in rank_intervals(together, _each(together))] == [(1, 2), (1, 2)]


def test_a_lead_of_a_few_images_is_no_lead() -> None:
    # 4 images apart: t would call it significant, the exact test has p = 2/16.
    a, b = np.ones(1000), np.ones(1000)
    b[:4] = 0
    together = joint({"a": share_metric(a, np.arange(1000)), "b": share_metric(b, np.arange(1000))})
    assert [one.high for one in rank_intervals(together, _each(together))] == [2, 2]


def test_among_equals_a_false_winner_is_rare() -> None:
    # The joint confidence is 95 %: in one of twenty simulations, some pair may be separated.
    false = 0
    for seed in range(60):
        together = _joint(dict.fromkeys("abcdef", 0.5), images=100, seed=seed)
        found = rank_intervals(together, _each(together))
        false += any(one.beats for one in found)
    assert false / 60 <= 0.10


def test_an_error_rate_is_ranked_the_other_way_round() -> None:
    together = _joint({"low": 0.2, "high": 0.8})
    found = rank_intervals(together, _each(together), higher_is_better=False)
    assert [one.model for one in found] == ["low", "high"]
    assert found[0].beats == ("high",)


def test_with_too_few_images_nobody_is_separable() -> None:
    together = joint({"a": share_metric(np.ones(4), np.arange(4)), "b": share_metric(np.zeros(4), np.arange(4))})
    assert [(one.low, one.high) for one in rank_intervals(together, _each(together))] == [(1, 2), (1, 2)]


def test_one_model_is_first() -> None:
    together = _joint({"a": 0.5})
    assert [(one.low, one.high, one.group, one.best) for one in rank_intervals(together, _each(together))] == [
        (1, 1, 1, True)
    ]
    assert rank_intervals(together, {}) == []


def test_the_chance_of_winning_is_half_among_equals_and_sure_when_far() -> None:
    together = _joint({"a": 0.8, "b": 0.2})
    assert win_probability(together, {"a": 1}, {"b": 1}) == 1
    assert win_probability(together, {"a": 1}, {"a": 1}) == pytest.approx(0.5)


def test_a_metric_that_is_undefined_in_most_resamples_separates_nobody() -> None:
    # Precision of a model that says yes once: most resamples lack that question.
    rng = np.random.default_rng(2)
    once, often = (
        replace(share_metric(rng.random(60) < 0.5, np.arange(60)), stats=np.stack([base * 1.0, base * 1.0], axis=1))
        for base in (np.arange(60) == 7, np.arange(60) >= 0)
    )
    together = joint({"once": once, "often": often})
    assert [(one.low, one.high) for one in rank_intervals(together, _each(together))] == [(1, 2), (1, 2)]
