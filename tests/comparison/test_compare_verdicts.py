"""Who is called better, and who is not."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from comparison_run_folders import make_run, mmbench, mme, pope

from lrm_eval.comparison import Line, compare
from lrm_eval.comparison.words import unseen, verdicts

if TYPE_CHECKING:
    from pathlib import Path

    from lrm_eval.runs import RunFolder


def share(right: float, count: int = 80, seed: int = 0) -> list[bool]:
    """`count` answers of which this share is right, in a fixed random order."""
    answers = [place < right * count for place in range(count)]
    random.Random(seed).shuffle(answers)
    return answers


def two(folder: Path, first: dict[str, list[bool]], second: dict[str, list[bool]]) -> list[RunFolder]:
    return [
        make_run(folder / name, {("pope", tag): pope(tag, right) for tag, right in cells.items()})
        for name, cells in (("a", first), ("b", second))
    ]


def line(runs: list[RunFolder], language: str = "en") -> Line:
    return next(one for one in compare(runs).pairs[0].lines if one.language == language)


def test_a_run_is_not_better_than_its_own_answers(tmp_path: Path) -> None:
    found = compare(two(tmp_path, {"en": share(0.6), "sw": share(0.5)}, {"en": share(0.6), "sw": share(0.5)}))
    assert {one.verdict for one in found.pairs[0].lines} == {"open"}
    assert [one.difference.value for one in found.pairs[0].lines] == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)
    assert verdicts(found.pairs[0]) == ["Neither is shown to be better in any of 3 comparisons."]


def test_the_second_run_is_better_where_it_is(tmp_path: Path) -> None:
    runs = two(tmp_path, {"en": share(0.5)}, {"en": share(0.95, seed=1)})
    found = line(runs)
    assert found.verdict == "second"
    assert found.difference.value is not None and found.difference.value > 30
    assert compare(runs[::-1]).pairs[0].lines[0].verdict == "first"
    assert verdicts(compare(runs).pairs[0]) == ["b is better in 1 of 1 comparisons: POPE (en)."]


def test_wins_and_losses_count_the_questions_that_one_alone_got_right(tmp_path: Path) -> None:
    first = [True] * 10 + [False] * 10
    second = [True] * 8 + [False] * 2 + [True] * 5 + [False] * 5
    found = line(two(tmp_path, {"en": first}, {"en": second}))
    assert found.won == tuple(f"pope/random/{place}" for place in range(10, 15))
    assert found.lost == ("pope/random/8", "pope/random/9")
    assert (found.total, found.units) == (20, "questions")


def test_a_difference_that_correction_undoes_is_left_open(tmp_path: Path) -> None:
    # 9 against 1 of 40 questions: exact McNemar p = 2 * 11 / 1024, which four tests at 5 % (Holm) do not bear together.
    first = [True] * 1 + [False] * 9 + [True] * 30
    second = [False] * 1 + [True] * 9 + [True] * 30
    same = [True] * 40
    one = line(two(tmp_path / "one", {"en": first}, {"en": second}))
    assert (one.verdict, one.difference.p_value) == ("second", pytest.approx(0.021484375))
    several = two(tmp_path / "several", {"en": first, "sw": same, "am": same}, {"en": second, "sw": same, "am": same})
    assert line(several).verdict == "open"
    assert line(several).adjusted == pytest.approx(4 * 0.021484375)


def test_the_false_discovery_rate_is_gentler_than_holm(tmp_path: Path) -> None:
    runs = two(tmp_path, {"en": share(0.5), "sw": share(0.5)}, {"en": share(0.8, seed=1), "sw": share(0.6, seed=1)})
    holm, gentle = (compare(runs, correction=name).pairs[0].lines for name in ("holm", "bh"))
    assert all(b.adjusted <= a.adjusted for a, b in zip(holm, gentle, strict=True) if a.adjusted and b.adjusted)
    assert any(b.adjusted < a.adjusted for a, b in zip(holm, gentle, strict=True) if a.adjusted and b.adjusted)


def test_the_mean_is_over_the_languages_of_both_runs_and_names_them(tmp_path: Path) -> None:
    runs = two(tmp_path, {"en": share(0.5), "sw": share(0.5), "am": share(0.9)}, {"en": share(0.9), "sw": share(0.7)})
    pair = compare(runs).pairs[0]
    mean = pair.lines[-1]
    assert (mean.language, mean.over) == ("", ("en", "sw"))
    cells = [one.difference.value for one in pair.lines[:2]]
    assert mean.difference.value == pytest.approx(sum(value for value in cells if value is not None) / 2)
    assert pair.left_out == ("pope am: only in a",)


def test_one_language_alone_has_no_mean(tmp_path: Path) -> None:
    found = compare(two(tmp_path, {"sw": share(0.5)}, {"sw": share(0.9)}))
    assert [one.language for one in found.pairs[0].lines] == ["sw"]


def test_a_circular_group_counts_once(tmp_path: Path) -> None:
    first = make_run(tmp_path / "a", {("mmbench", "en"): mmbench("en", [[True, True], [True, False], [False, True]])})
    second = make_run(tmp_path / "b", {("mmbench", "en"): mmbench("en", [[True, True], [True, True], [True, False]])})
    found = compare([first, second]).pairs[0].lines[0]
    assert (found.won, found.lost, found.total, found.units) == (("mmbench/1",), (), 3, "groups")


def test_a_sum_over_absent_subtasks_is_undefined_and_says_so(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / name, {("mme", "en"): mme("en", share(0.5, 20))}) for name in "ab"]
    found = compare(runs).pairs[0]
    assert found.lines[0].verdict == "none"
    assert "absent: count" in found.lines[0].note
    assert verdicts(found) == ["No score is defined in both runs."]


def test_few_images_crown_nobody(tmp_path: Path) -> None:
    found = line(two(tmp_path, {"en": [False] * 4}, {"en": [True] * 4}))
    assert found.verdict == "open"
    assert found.difference.low is None
    assert "no interval: 4 images" in found.note


def test_one_image_alone_has_no_test(tmp_path: Path) -> None:
    runs = [
        make_run(tmp_path / name, {("pope", "en"): pope("en", [hit] * 6, per_image=6)})
        for name, hit in (("a", False), ("b", True))
    ]
    found = compare(runs)
    assert found.pairs[0].lines[0].adjusted is None
    assert found.pairs[0].lines[0].verdict == "open"
    assert found.tests == 0


def test_all_right_against_all_wrong_has_an_interval_that_is_not_a_point(tmp_path: Path) -> None:
    found = line(two(tmp_path, {"en": [False] * 40}, {"en": [True] * 40}))
    assert found.verdict == "second"
    assert found.difference.value == 100.0
    assert found.difference.low is not None and found.difference.low < 100.0


def test_answers_that_nobody_could_read_are_said(tmp_path: Path) -> None:
    unread = pope("en", share(0.5), response={"text": "?"})
    runs = [
        make_run(tmp_path / "a", {("pope", "en"): unread}),
        make_run(tmp_path / "b", {("pope", "en"): pope("en", share(0.5))}),
    ]
    assert "A: 100% of the answers could not be read" in line(runs).note


def test_what_the_data_cannot_see_is_told(tmp_path: Path) -> None:
    pair = compare(two(tmp_path, {"en": share(0.5)}, {"en": share(0.6, seed=1)})).pairs[0]
    size = pair.lines[0].difference.detectable
    assert size is not None
    assert unseen(pair) == [
        f"POPE: F1: a difference smaller than {size:.1f} percentage points would most likely not be found."
    ]


def test_where_no_answer_differs_nothing_is_said_of_what_could_be_seen(tmp_path: Path) -> None:
    pair = compare(two(tmp_path, {"en": share(0.5)}, {"en": share(0.5)})).pairs[0]
    assert pair.lines[0].difference.detectable is None
    assert unseen(pair) == []


def test_later_runs_are_held_against_the_first_or_all_against_all(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / name, {("pope", "en"): pope("en", share(0.5))}) for name in "abc"]
    assert [(pair.first, pair.second) for pair in compare(runs).pairs] == [("a", "b"), ("a", "c")]
    pairs = compare(runs, all_pairs=True).pairs
    assert [(pair.first, pair.second) for pair in pairs] == [("a", "b"), ("a", "c"), ("b", "c")]


@pytest.mark.slow
def test_among_equal_models_hardly_ever_a_winner(tmp_path: Path) -> None:
    # Both models answer from one distribution whose difficulty varies by image: 3 languages, 40 images, 2 questions.
    crowned, trials = 0, 100
    for trial in range(trials):
        generator = random.Random(trial)
        hard = [generator.random() for _ in range(40)]
        runs = [
            make_run(
                tmp_path / f"{trial}" / name,
                {
                    ("pope", tag): pope(tag, [generator.random() > hard[place // 2] for place in range(80)], 2)
                    for tag in ("en", "sw", "am")
                },
            )
            for name in "ab"
        ]
        crowned += any(one.verdict in ("first", "second") for one in compare(runs).pairs[0].lines)
    # Binomial(100, 0.05) is above 12 once in 700 times.
    assert crowned <= 12
