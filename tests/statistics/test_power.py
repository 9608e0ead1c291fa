from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from lrm_eval.statistics import images_needed, minimum_detectable


@pytest.mark.parametrize("clusters", [60, 500])
def test_the_detectable_effect_is_statsmodels(clusters: int) -> None:
    # One-sample t test on the differences; statsmodels uses the noncentral t, which differs in the third digit.
    expected = TTestPower().solve_power(nobs=clusters, alpha=0.05, power=0.8)
    assert minimum_detectable(1 / np.sqrt(clusters), clusters - 1) == pytest.approx(expected, rel=0.005)


def test_with_many_images_it_is_28_errors() -> None:
    # z_0.975 + z_0.8 = 1.960 + 0.842
    assert minimum_detectable(1.0, 100_000) == pytest.approx(2.802, abs=0.001)


def test_more_comparisons_see_less() -> None:
    expected = stats.norm.ppf(1 - 0.025 / 10) + stats.norm.ppf(0.8)
    assert minimum_detectable(1.0, 1_000_000, comparisons=10) == pytest.approx(expected, rel=1e-4)


def test_the_images_needed_detect_the_effect() -> None:
    needed = images_needed(2.0, error=1.5, clusters=400)
    assert minimum_detectable(1.5 * np.sqrt(400 / needed), 10**6) == pytest.approx(2.0, rel=0.002)
    assert needed > 400


@pytest.mark.parametrize("wrong", [{"level": 1.0}, {"power": 0.0}, {"comparisons": 0}])
def test_impossible_wishes_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        minimum_detectable(1.0, 10, **wrong)  # type: ignore[arg-type]


def test_no_number_of_images_detects_nothing() -> None:
    with pytest.raises(ValueError, match="difference of 0"):
        images_needed(0.0, 1.0, 10)
