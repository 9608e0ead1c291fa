"""Several draws of one condition, summed up; numbers by hand."""

from __future__ import annotations

import pytest
from test_condition_rows import cell

from lrm_eval.scorers import rows
from lrm_eval.scorers.conditions import condition_rows


def summed(**cells):
    named = {name.replace("_", "="): items for name, items in cells.items()}
    own = [
        row
        for condition, items in named.items()
        for row in rows("m", "seedbench", "seedbench", "sw", condition, "multilingual", items)
    ]
    found = condition_rows("seedbench", "multilingual", named, own)
    return {(row.metric, row.condition): row for row in found}


def test_mean_and_standard_deviation_are_over_the_draws():
    # Right: 10, 9 and 8 of ten: mean 90, standard deviation with two degrees of freedom 10.
    found = summed(default=cell("ABABABABAB"), repeat_1=cell("ABABABABAA"), repeat_2=cell("ABABABABBA"))
    mean, spread = found["repeats_mean", "default"], found["repeats_sd", "default"]
    assert (mean.value, spread.value) == (pytest.approx(90), pytest.approx(10))
    assert mean.ci_low is not None
    assert mean.ci_low < 90 < mean.ci_high
    assert (spread.ci_low, mean.primary, spread.primary) == (None, False, False)
    assert mean.note == "accuracy over 3 draws of each answer"


def test_a_draw_is_no_condition_to_compare():
    found = summed(default=cell("ABABABABAB"), repeat_1=cell("ABABABABAA"))
    assert {metric for metric, _ in found} == {"repeats_mean", "repeats_sd"}


def test_each_condition_is_summed_up_by_itself():
    found = summed(
        default=cell("ABABABABAB"),
        shots_2=cell("ABABABABAA"),
        **{"shots_2+repeat_1": cell("ABABABABBA")},
    )
    assert found["repeats_mean", "shots=2"].value == pytest.approx(85)
    assert ("repeats_mean", "default") not in found
    assert found["condition_delta", "shots=2"].value == pytest.approx(-10)
