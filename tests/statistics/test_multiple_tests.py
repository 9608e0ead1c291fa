from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from lrm_eval.statistics import benjamini_hochberg, holm

P_VALUES = np.random.default_rng(5).random(40) ** 3


def test_holm_is_statsmodels() -> None:
    assert holm(P_VALUES.tolist()) == pytest.approx(multipletests(P_VALUES, method="holm")[1])


def test_benjamini_hochberg_is_scipys() -> None:
    assert benjamini_hochberg(P_VALUES.tolist()) == pytest.approx(stats.false_discovery_control(P_VALUES, method="bh"))


def test_equal_values_stay_equal() -> None:
    assert holm([0.01, 0.01, 0.5]) == pytest.approx([0.03, 0.03, 0.5])
    assert benjamini_hochberg([0.01, 0.01, 0.5]) == pytest.approx([0.015, 0.015, 0.5])


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_what_was_not_tested_does_not_count(adjust: object) -> None:
    assert callable(adjust)
    first, second = adjust([0.02, 0.04])
    assert adjust([None, 0.02, None, 0.04]) == [None, first, None, second]
    assert adjust([]) == []


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
@pytest.mark.parametrize("wrong", [-0.1, 1.1, math.nan])
def test_what_is_no_p_value_is_refused(adjust: object, wrong: float) -> None:
    assert callable(adjust)
    with pytest.raises(ValueError, match="between 0 and 1"):
        adjust([0.5, wrong])
