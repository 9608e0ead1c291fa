from __future__ import annotations

import numpy as np
import pytest
from statistics_metrics import share_metric

from lrm_eval.statistics import (
    common_average,
    common_languages,
    gaps,
    group_means,
    grouping,
    holm,
    joint,
    languages_joint,
    mean_gap,
    set_label,
    worst,
)

RNG = np.random.default_rng(23)
IMAGES = np.repeat(np.arange(150), 4)
EASE = np.repeat(RNG.random(150), 4)
SHARES = {"en": 0.8, "de": 0.75, "sw": 0.5, "am": 0.48, "yo": 0.3}
HITS = {tag: EASE + RNG.normal(0, 0.2, 600) < share for tag, share in SHARES.items()}
METRICS = {tag: share_metric(hits, IMAGES) for tag, hits in HITS.items()}
TOGETHER = languages_joint(METRICS)


def test_gaps_are_the_languages_less_english() -> None:
    found = {gap.language: gap for gap in gaps(TOGETHER)}
    assert list(found) == ["de", "sw", "am", "yo"]
    assert found["sw"].difference.value == pytest.approx(100 * (HITS["sw"].mean() - HITS["en"].mean()))
    assert found["sw"].relative == pytest.approx(HITS["sw"].mean() / HITS["en"].mean())
    high = found["yo"].difference.high
    assert high is not None
    assert high < 0


def test_gaps_are_corrected_over_the_languages_shown() -> None:
    found = gaps(TOGETHER)
    assert [gap.adjusted for gap in found] == holm([gap.difference.p_value for gap in found])


def test_pairing_makes_the_gap_surer_than_two_scores() -> None:
    en, sw = (TOGETHER.estimate({tag: 1}).error for tag in ("en", "sw"))
    gap = gaps(TOGETHER)[1].difference
    assert gap.error is not None
    assert en is not None
    assert sw is not None
    assert gap.error < np.hypot(en, sw)


def test_without_english_there_are_no_gaps() -> None:
    alone = languages_joint({"sw": METRICS["sw"], "am": METRICS["am"]})
    assert gaps(alone) == []
    assert mean_gap(alone) is None
    assert mean_gap(languages_joint({"en": METRICS["en"]})) is None


def test_an_english_score_of_zero_has_no_ratio() -> None:
    nothing = share_metric(np.zeros(600), IMAGES)
    assert gaps(languages_joint({"en": nothing, "sw": METRICS["sw"]}))[0].relative is None


def test_a_language_that_lacks_images_has_a_gap_and_says_so() -> None:
    short = share_metric(HITS["sw"][:400], IMAGES[:400])
    found = gaps(languages_joint({"en": METRICS["en"], "sw": short}))[0].difference
    assert found.low is not None
    assert "not all images" in found.note
    assert found.test == "clustered t"


def test_the_mean_gap_is_the_mean_of_the_gaps() -> None:
    found = mean_gap(TOGETHER)
    assert found is not None
    values = [gap.difference.value or 0 for gap in gaps(TOGETHER)]
    assert found.value == pytest.approx(np.mean(values))
    by_image = np.mean([HITS[tag].astype(float) - HITS["en"] for tag in ("de", "sw", "am", "yo")], axis=0)
    expected = 100 * by_image.reshape(150, 4).mean(axis=1).std(ddof=1) / np.sqrt(150)
    assert found.error == pytest.approx(expected)


def test_the_worst_language_has_its_name_and_its_own_interval() -> None:
    found = worst(TOGETHER)
    assert found.language == "yo"
    assert found.estimate == TOGETHER.estimate({"yo": 1})
    assert found.not_separable == ()
    assert found.fifth == ("yo",)
    assert found.languages == ("am", "de", "en", "sw", "yo")


def test_languages_that_may_be_as_bad_are_named() -> None:
    found = worst(TOGETHER, ["am", "sw", "en"])
    assert {found.language, *found.not_separable} == {"am", "sw"}


def test_the_worst_fifth_is_rounded_up() -> None:
    metrics = {f"x{n:02}": share_metric(np.arange(600) % 12 < n, IMAGES) for n in range(1, 12)}
    found = worst(languages_joint(metrics))
    assert found.fifth == ("x01", "x02", "x03")
    assert found.fifth_mean == pytest.approx(100 * (1 + 2 + 3) / 12 / 3)


def test_the_worst_of_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no language"):
        worst(TOGETHER, [])


def test_groups_name_their_languages() -> None:
    found = {group.name: group for group in group_means(TOGETHER, "family")}
    assert {name: group.languages for name, group in found.items()} == {
        "Afro-Asiatic": ("am",),
        "Indo-European": ("de", "en"),
        "Niger-Congo": ("sw", "yo"),
    }
    assert found["Niger-Congo"].estimate.value == pytest.approx(50 * (HITS["sw"].mean() + HITS["yo"].mean()))
    assert [group.name for group in group_means(TOGETHER, "script")] == ["Ethi", "Latn"]


def test_what_a_model_was_trained_on_is_a_grouping() -> None:
    found = group_means(TOGETHER, "training", trained_on=["en", "de", "sw"])
    assert {group.name: group.languages for group in found} == {
        "seen in training": ("de", "en", "sw"),
        "unseen in training": ("am", "yo"),
    }
    assert [group.name for group in group_means(TOGETHER, "training")] == ["unknown"]


def test_a_language_nobody_knows_is_in_no_group() -> None:
    assert grouping("script")("qaa") == "unknown"
    assert grouping("resource class")("en") == "5"
    with pytest.raises(ValueError, match="no grouping"):
        grouping("continent")  # type: ignore[arg-type]


def test_models_are_averaged_over_what_all_of_them_have() -> None:
    own = {("a", tag): METRICS[tag] for tag in ("en", "sw", "am")} | {("b", tag): METRICS[tag] for tag in ("en", "sw")}
    found = common_average(joint(own))
    assert found.languages == ("en", "sw")
    assert found.left_out == {"am": ("b",)}
    assert found.label == "mean of 2 of 3 languages (en, sw; without am)"
    assert found.estimates["a"].value == found.estimates["b"].value


def test_languages_left_out_by_choice_are_named() -> None:
    own = {(model, tag): METRICS[tag] for model in "ab" for tag in ("en", "sw", "am")}
    found = common_average(joint(own), without=["en"])
    assert found.languages == ("am", "sw")
    assert found.label == "mean of 2 languages (am, sw), en left out by choice"


def test_models_without_a_common_language_have_no_average() -> None:
    found = common_average(joint({("a", "sw"): METRICS["sw"], ("b", "am"): METRICS["am"]}))
    assert (found.languages, dict(found.estimates)) == ((), {})
    assert found.label == "no language that all models have"


def test_common_languages_of_nobody_are_none() -> None:
    assert common_languages({}) == ((), {})
    assert set_label(["sw"]) == "mean of 1 language (sw)"
