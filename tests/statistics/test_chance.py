from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from lrm_eval.scorers import Metric, metrics, rows
from lrm_eval.statistics import chance_corrected, chance_level
from lrm_eval.types import Item, Reading, Response, Sample


def _item(sample_id: str, gold: str, value: str | None, **fields: object) -> Item:
    kind = "yes_no" if gold in ("yes", "no") else "option"
    base = {"id": sample_id, "task": "t", "language": "en", "kind": kind, "question": "?", "gold": gold}
    sample = Sample(**(base | fields))  # type: ignore[arg-type]
    return Item(sample, Response(sample_id), Reading(value, "test", "read" if value is not None else "unparsed"))


def _guessed(items: list[Item], rng: np.random.Generator) -> list[Item]:
    """The same items answered by tossing."""
    found = []
    for item in items:
        answers = item.sample.labels or ("yes", "no")
        value = answers[int(rng.integers(len(answers)))]
        found.append(replace(item, reading=Reading(value, "toss", "read")))
    return found


def _pope(images: int = 60) -> list[Item]:
    return [
        _item(f"pope/{split}/{image}/{gold}", gold, "yes", split=split, cluster=f"i{image}")
        for split in ("random", "popular", "adversarial")
        for image in range(images)
        for gold in ("yes", "no")
    ]


def _mme(images: int = 30) -> list[Item]:
    return [
        _item(
            f"mme/{part}/{image}/{gold}", gold, "yes", category=part, group=f"{part}{image}", cluster=f"{part}{image}"
        )
        for part in ("existence", "count")
        for image in range(images)
        for gold in ("yes", "no")
    ]


def _mmbench(questions: int = 80) -> list[Item]:
    found = []
    for question in range(questions):
        labels = ("A", "B", "C", "D") if question % 2 else ("A", "B")
        for turn in range(len(labels)):
            index = question + turn * 1_000_000
            found.append(_item(f"mmbench/{index}", "A", "A", labels=labels, cluster=f"i{question}"))
    return found


def _seedbench(questions: int = 100) -> list[Item]:
    return [
        _item(f"seedbench/{n}", "A", "A", labels=("A", "B", "C", "D"), category=str(1 + n % 3), cluster=f"i{n // 2}")
        for n in range(questions)
    ]


MAKERS = {"pope": _pope, "mme": _mme, "mmbench": _mmbench, "seedbench": _seedbench}


def _of(benchmark: str, items: list[Item]) -> dict[str, Metric]:
    declared = ["existence", "count"] if benchmark == "mme" else None
    return {metric.name: metric for metric in metrics(benchmark, items, "multilingual", declared)}


@pytest.mark.parametrize("benchmark", MAKERS)
def test_the_level_of_every_metric_is_what_guessing_through_the_scorer_gives(benchmark: str) -> None:
    items = MAKERS[benchmark]()
    rng = np.random.default_rng(4)
    runs = 60
    tossed = [
        {name: metric.value for name, metric in _of(benchmark, _guessed(items, rng)).items()} for _ in range(runs)
    ]
    for name, metric in _of(benchmark, items).items():
        found = chance_level(metric)
        if name.startswith("yes_ratio"):
            assert found is None
            continue
        assert found is not None, name
        scores = np.array([row[name] for row in tossed], dtype=float)
        assert found.level == pytest.approx(scores.mean(), abs=4.5 * scores.std() / np.sqrt(runs) + 1e-9), name
        assert found.low <= np.quantile(scores, 0.1) + 1e-9
        assert found.high >= np.quantile(scores, 0.9) - 1e-9


def test_a_guess_has_75_points_in_a_subtask_of_mme() -> None:
    # 50 of accuracy and 25 of accuracy+.
    found = {name: chance_level(metric) for name, metric in _of("mme", _mme(400)).items()}
    assert found["existence"] is not None
    assert found["existence"].level == pytest.approx(75, abs=0.3)
    assert found["perception"] is not None
    assert found["perception"].level == pytest.approx(150, abs=0.5)


def test_a_guess_is_right_all_round_k_to_the_minus_k_times() -> None:
    found = chance_level(_of("mmbench", _mmbench(400))["circular_accuracy"])
    assert found is not None
    assert found.level == pytest.approx(100 * (2**-2 + 4**-4) / 2, abs=0.1)


def test_f1_of_a_guess_depends_on_how_often_it_says_yes() -> None:
    # Gold is yes half of the time: precision 1/2, recall q, F1 = q / (q + 1/2).
    metric = _of("pope", _pope(500))["f1"]
    for rate in (0.25, 0.5, 1.0):
        found = chance_level(metric, yes_rate=rate)
        assert found is not None
        assert found.level == pytest.approx(100 * rate / (rate + 0.5), abs=0.5)


def test_always_yes_is_nothing_above_a_guess_that_always_says_yes() -> None:
    metric = _of("pope", _pope())["f1"]
    assert metric.value == pytest.approx(200 / 3)
    found = chance_level(metric, yes_rate=1.0)
    assert found is not None
    assert found.corrected == pytest.approx(0)
    assert not found.alarm


def test_a_metric_without_yes_and_no_has_no_yes_rate() -> None:
    with pytest.raises(ValueError, match="yes rate"):
        chance_level(_of("seedbench", _seedbench())["accuracy"], yes_rate=0.3)
    with pytest.raises(ValueError, match="yes rate"):
        chance_level(_of("pope", _pope())["f1"], yes_rate=1.3)


def _with_right(right: int, questions: int = 100) -> Metric:
    items = [
        replace(item, reading=Reading("A" if place < right else "B", "test", "read"))
        for place, item in enumerate(_seedbench(questions))
    ]
    return _of("seedbench", items)["accuracy"]


@pytest.mark.parametrize("right", [12, 14, 15, 16, 25, 60])
def test_the_alarm_is_the_binomial_tail(right: int) -> None:
    found = chance_level(_with_right(right), simulations=40_000)
    assert found is not None
    expected = stats.binom.cdf(right, 100, 0.25)
    assert found.below == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / 40_000) + 5e-5)
    assert found.alarm == (expected < 0.01)


def test_the_correction_is_kappas() -> None:
    found = chance_level(_with_right(70))
    assert found is not None
    assert found.corrected == pytest.approx(100 * (70 - 25) / (100 - 25), abs=0.1)
    assert chance_corrected(25, 25, 100) == 0
    assert chance_corrected(100, 25, 100) == 100
    assert chance_corrected(0, 50, 100) == -100


@pytest.mark.parametrize("missing", [(None, 25, 100), (50, None, 100), (50, 25, None), (50, 100, 100)])
def test_there_is_no_correction_without_room_above_guessing(missing: tuple[float, float, float]) -> None:
    assert chance_corrected(*missing) is None


def test_free_text_cannot_be_guessed() -> None:
    items = [_item(f"x/{n}", "a text", "a text", kind="text") for n in range(40)]
    assert chance_level(metrics("seedbench", items, "multilingual")[0]) is None


def test_answers_that_were_not_read_raise_the_alarm() -> None:
    items = [replace(item, reading=Reading(None, "none", "unparsed")) for item in _pope()]
    for name, metric in _of("pope", items).items():
        found = chance_level(metric)
        if name in ("f1", "accuracy", "recall"):
            assert found is not None
            assert found.alarm


def test_rows_of_scores_carry_the_chance_level_and_the_alarm() -> None:
    items = [replace(item, reading=Reading("B", "test", "read")) for item in _seedbench()]
    row = rows("m", "seedbench", "seedbench", "en", "default", "multilingual", items)[0]
    assert row.value == 0
    assert row.chance == pytest.approx(25, abs=0.3)
    assert row.chance_corrected == pytest.approx(-100 / 3, abs=0.5)
    assert row.note == "below guessing (25.0): the parser or the prompt may have failed"


def test_a_good_score_raises_no_alarm() -> None:
    for row in rows("m", "seedbench", "seedbench", "en", "default", "multilingual", _seedbench()):
        assert "guessing" not in row.note
    assert row.chance_corrected is None or row.chance_corrected <= 100


def _said(items: list[Item], yes: dict[str, float], seed: int = 0) -> list[Item]:
    """The same items answered with yes as often as told for each gold answer."""
    rng = np.random.default_rng(seed)
    return [
        replace(item, reading=Reading("yes" if rng.random() < yes[item.sample.gold] else "no", "test", "read"))
        for item in items
    ]


def test_a_model_that_mostly_says_no_is_not_below_guessing_for_that() -> None:
    # Right 3 times in 4 where it says yes, and it says yes once in five: F1 of 43, where a coin has 50.
    items = _said(_pope(), {"yes": 0.30, "no": 0.10})
    f1, recall = (metric for metric in metrics("pope", items, "multilingual") if metric.name in ("f1", "recall"))
    for metric in (f1, recall):
        found = chance_level(metric)
        assert found is not None and metric.value is not None
        assert metric.value < found.low
        assert not found.alarm


def test_a_model_that_says_the_opposite_is_below_guessing_however_often_it_says_yes() -> None:
    for shares in ({"yes": 0.1, "no": 0.4}, {"yes": 0.3, "no": 0.7}):
        found = chance_level(metrics("pope", _said(_pope(), shares), "multilingual")[0])
        assert found is not None and found.alarm


def test_answers_that_nobody_can_read_are_below_guessing() -> None:
    unread = [replace(item, reading=Reading(None, "test", "unparsed")) for item in _pope()]
    found = chance_level(metrics("pope", unread, "multilingual")[0])
    assert found is not None and found.alarm
