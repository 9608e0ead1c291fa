from __future__ import annotations

import subprocess
import sys

import pytest
from scorer_items import by_name, item, values

from lrm_eval.errors import UsageError
from lrm_eval.scorers import BENCHMARKS, headline, metrics, rows
from lrm_eval.types import RULES, Item, Rules


def _seed(right: int, wrong: int, images: int) -> list[Item]:
    return [
        item(f"seedbench/{number}", "A", "A" if number < right else None, cluster=str(number % images), category="1")
        for number in range(right + wrong)
    ]


def test_a_row_has_value_interval_counts_and_rates() -> None:
    found = rows("m", "seedbench", "seedbench", "sw", "default", "multilingual", _seed(60, 40, 50))
    first = found[0]
    assert (first.model, first.task, first.language, first.rules, first.metric) == (
        "m",
        "seedbench",
        "sw",
        "multilingual",
        "accuracy",
    )
    assert (first.value, first.n, first.clusters, first.primary) == (60, 100, 50, True)
    assert first.ci_low is not None
    assert first.ci_high is not None
    assert first.ci_low < 60 < first.ci_high
    assert first.unparsed_rate == pytest.approx(0.4)
    assert sum(first.outcomes.values()) == pytest.approx(1)
    assert [row.primary for row in found].count(True) == 1


def test_one_image_has_no_interval_and_says_so() -> None:
    row = rows("m", "seedbench", "seedbench", "en", "default", "official", _seed(3, 2, 1))[0]
    assert (row.ci_low, row.ci_high, row.note) == (None, None, "no interval: 1 image")


def test_few_images_are_noted() -> None:
    assert rows("m", "seedbench", "seedbench", "en", "default", "official", _seed(30, 20, 8))[0].note == "few images: 8"


def test_an_undefined_value_has_no_interval() -> None:
    items = [item("mme/color/1/0", "yes", "yes", category="color", group="1", cluster="1")]
    row = rows("m", "mme", "mme", "en", "default", "official", items)[0]
    assert (row.metric, row.value, row.ci_low) == ("perception", None, None)
    assert row.note.startswith("absent: existence")


def test_a_task_of_another_name_sums_over_the_subtasks_it_has() -> None:
    items = [
        item(f"tiny-mme/{name}/{image}/{turn}", gold, gold, category=name, group=f"{name}{image}", cluster=str(image))
        for name in ("count", "color")
        for image in range(6)
        for turn, gold in enumerate(("yes", "no"))
    ]
    assert rows("m", "tiny-mme", "mme", "en", "default", "official", items)[0].value == 400
    assert rows("m", "mme", "mme", "en", "default", "official", items)[0].value is None
    undefined = rows("m", "tiny-mme", "mme", "en", "default", "official", items, declared=["count", "position"])
    assert undefined[0].value is None


def test_the_same_items_and_seed_give_the_same_rows_in_any_order() -> None:
    items = [
        item(
            f"pope/random/{n}", "yes" if n % 2 else "no", "yes" if n % 3 else "no", split="random", cluster=str(n // 6)
        )
        for n in range(240)
    ]
    first = rows("m", "pope", "pope", "en", "default", "official", items, seed=3)
    assert first == rows("m", "pope", "pope", "en", "default", "official", items, seed=3)
    assert [row.value for row in first] == [
        row.value for row in rows("m", "pope", "pope", "en", "default", "official", items[::-1], seed=3)
    ]


def test_no_items_give_no_rows() -> None:
    assert rows("m", "pope", "pope", "en", "default", "official", []) == []


def test_an_unknown_benchmark_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="did you mean 'pope'"):
        values("popes", [item("pope/1", "yes", "yes")])


def _mixed(benchmark: str) -> list[Item]:
    """Right, wrong and unread answers in turn."""
    golds = ("yes", "no") if benchmark in ("mme", "pope") else ("A", "B")
    return [
        item(
            f"{benchmark}/{n}",
            golds[n % 2],
            golds[n % 2] if n % 3 else (None if n % 2 else golds[1]),
            category="color",
            split="random" if n % 4 < 2 else "popular",
            group=str(n // 2),
            cluster=str(n // 4),
        )
        for n in range(120)
    ]


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("benchmark", ["mme", "pope", "seedbench", "mmbench"])
def test_every_value_is_a_function_of_sums_between_its_bounds(benchmark: str, rules: str) -> None:
    items = _mixed(benchmark)
    for name, metric in by_name(benchmark, items, rules).items():  # type: ignore[arg-type]
        if metric.value is None:
            continue
        assert metric.low is not None
        assert metric.high is not None
        assert float(metric.value_of(metric.stats.sum(axis=0))) == metric.value
        low, high = (float(metric.value_of(extreme.sum(axis=0))) for extreme in (metric.low, metric.high))
        assert low <= metric.value <= high, name
        assert len(metric.stats) == len(metric.clusters) == len(metric.strata)


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_the_headline_is_the_primary_one_of_all_metrics(benchmark: str, rules: Rules) -> None:
    items, declared = _mixed(benchmark), ["color"]
    found = headline(benchmark, items, rules, declared)
    expected = next(metric for metric in metrics(benchmark, items, rules, declared) if metric.primary)
    assert found is not None
    assert (found.name, found.value, found.n) == (expected.name, expected.value, expected.n)
    assert headline(benchmark, [], rules) is None


def test_scoring_imports_no_heavy_library() -> None:
    code = "import sys, lrm_eval.scorers, lrm_eval.scorers.evaluate_metrics, lrm_eval.predictions as p; "
    code += (
        "print([m for m in ('torch', 'transformers', 'evaluate', 'datasets', 'pandas', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
