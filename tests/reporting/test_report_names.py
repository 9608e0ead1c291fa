from __future__ import annotations

import pytest

from lrm_eval.reporting.names import (
    interval,
    language,
    metric_label,
    number,
    order_languages,
    percent,
    plain,
    task_title,
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (62.25, "62.3"),
        (-62.25, "−62.3"),
        (0.04, "0.0"),
        (-0.04, "0.0"),
        (None, "—"),
        (float("nan"), "—"),
        (float("inf"), "—"),
    ],
)
def test_numbers_round_half_away_from_zero_and_have_a_true_minus(value: float | None, shown: str) -> None:
    assert number(value) == shown


def test_signed_numbers_have_a_plus_but_zero_has_none() -> None:
    assert [number(value, sign=True) for value in (3.0, -3.0, 0.0, 0.01)] == ["+3.0", "−3.0", "0.0", "0.0"]


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.0, "0%"), (0.0004, "<0.1%"), (0.004, "0.4%"), (0.05, "5.0%"), (0.0996, "10%"), (1.0, "100%")],
)
def test_a_share_is_never_rounded_to_nothing(share: float, shown: str) -> None:
    assert percent(share) == shown


def test_an_interval_that_is_not_whole_is_not_shown() -> None:
    assert interval(1.0, None) == interval(float("nan"), 2.0) == ""
    assert interval(-1.0, 2.0) == "[−1.0, 2.0]"


def test_languages_outside_the_registry_have_their_own_script_and_direction() -> None:
    yiddish = language("yi")
    assert (yiddish.direction, yiddish.script, yiddish.name, yiddish.joshi_class) == ("rtl", "Hebr", "Yiddish", None)


def test_a_tag_that_is_no_language_is_shown_as_it_is() -> None:
    assert language("no such tag!").name == "no such tag!"


def test_languages_come_english_first_then_as_typed() -> None:
    assert order_languages(["am", "zh", "en", "sw"], ["zh", "am"]) == ["en", "zh", "am", "sw"]


def test_names_lose_controls_and_bidi_overrides() -> None:
    assert plain("a\u202eb\x00c\nd\ud800") == "abc d"


def test_titles_and_labels_are_for_people() -> None:
    assert task_title("tiny-seedbench", "blind") == "SEED-Bench, tiny · blind"
    assert metric_label("circular_accuracy_spatial_relation") == "CircularEval accuracy: spatial relation"
