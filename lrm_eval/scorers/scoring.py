"""From items to metrics, and from metrics to the rows of scores.json."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lrm_eval.errors import unknown
from lrm_eval.scorers import captions, cvqa, mmbench, mme, paired_images, pope, seedbench
from lrm_eval.scorers.columns import columns
from lrm_eval.scorers.fidelity import fidelity_metrics
from lrm_eval.scorers.versions import RULES_VERSIONS
from lrm_eval.statistics.boundary import FEW_CLUSTERS
from lrm_eval.statistics.chance import chance_level
from lrm_eval.statistics.interval import metric_interval
from lrm_eval.types import ScoreRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from lrm_eval.scorers.columns import Columns
    from lrm_eval.scorers.metric import FloatArray, Metric
    from lrm_eval.statistics.chance import Chance
    from lrm_eval.types import Item, Rules

BENCHMARKS = ("mme", "pope", "seedbench", "mmbench")
# Written by people in each language: nothing averages them with the four, which are translated.
_NATIVE: dict[str, Callable[[Columns], list[Metric]]] = {
    "cvqa": cvqa.metrics,
    "marvl": paired_images.metrics,
    "m5-vgr": paired_images.metrics,
    "xm3600": captions.metrics,
}


def metrics(benchmark: str, items: Sequence[Item], rules: Rules, declared: Sequence[str] | None = None) -> list[Metric]:
    """Every metric of a benchmark, the primary one first.

    Args:
        benchmark: one of `BENCHMARKS`, or "cvqa", "marvl", "m5-vgr", "xm3600".
        items: of one task, language and condition, in any order; none: no metrics.
        rules: the rules under which `items` were read.
        declared: the categories that the task consists of, which decide what MME's sums run over;
            None: those of the real benchmark.

    Raises:
        UsageError: unknown benchmark; an MME image with more than two questions in a subtask.
    """
    return list(_each(benchmark, items, rules, declared))


def headline(
    benchmark: str, items: Sequence[Item], rules: Rules, declared: Sequence[str] | None = None
) -> Metric | None:
    """The primary metric alone, without the work for all the others; arguments and errors as of `metrics`.

    Returns:
        None without items.
    """
    return next((metric for metric in _each(benchmark, items, rules, declared) if metric.primary), None)


def _each(benchmark: str, items: Sequence[Item], rules: Rules, declared: Sequence[str] | None) -> Iterator[Metric]:
    if benchmark not in BENCHMARKS and benchmark not in _NATIVE:
        raise unknown("benchmark", benchmark, (*BENCHMARKS, *_NATIVE))
    if items:
        found = _metrics(benchmark, columns(items, rules), declared)
        yield from found if any(item.sample.gold for item in items) else map(_without_gold, found)


def _metrics(benchmark: str, data: Columns, declared: Sequence[str] | None) -> Iterable[Metric]:
    if benchmark == "mme":
        return mme.metrics(data, declared)
    if benchmark == "pope":
        return pope.metrics(data)
    if benchmark == "seedbench":
        return seedbench.metrics(data)
    if benchmark in _NATIVE:
        return _NATIVE[benchmark](data)
    return mmbench.metrics(data)


def _undefined(sums: FloatArray) -> FloatArray:
    """[..., K] -> [...] NaN."""
    return np.full(sums.shape[:-1], np.nan)


def _without_gold(metric: Metric) -> Metric:
    """A metric of a test split whose answers were kept: it has no value, and whoever needs one is told."""
    note = "no gold answers: a test split (`lrm-eval export mmbench` writes its answers down)"
    return replace(metric, value_of=_undefined, low=None, high=None, note=note)


def _row_note(metric: Metric, clusters: int, has_interval: bool, chance: Chance | None) -> str:
    parts = [metric.note] if metric.note else []
    if metric.value is not None and not has_interval:
        parts.append(f"no interval: {clusters} image{'' if clusters == 1 else 's'}")
    elif metric.value is not None and clusters < FEW_CLUSTERS:
        parts.append(f"few images: {clusters}")
    if chance is not None and chance.alarm:
        parts.append(f"below guessing ({chance.level:.1f}): the parser or the prompt may have failed")
    return "; ".join(parts)


def rows(
    model: str,
    task: str,
    benchmark: str,
    language: str,
    condition: str,
    rules: Rules,
    items: Sequence[Item],
    seed: int = 0,
    declared: Sequence[str] | None = None,
) -> list[ScoreRow]:
    """The rows of scores.json of one task, language and condition under one rule set.

    Args:
        model: name of the model.
        task: name of the task, e.g. `tiny-mme`.
        benchmark: the benchmark whose rules it is scored by, e.g. `mme`.
        language: canonical tag.
        condition: "default", or what else was varied.
        rules: the rules under which `items` were read.
        items: samples with responses and readings.
        seed: of the bootstrap; the same items and seed give the same interval.
        declared: the categories of the task. None: those of the real benchmark for a task of its name,
            those present among the items for any other task.

    Raises:
        UsageError: as `metrics`.
    """
    if declared is None and task != benchmark:
        declared = list(dict.fromkeys(item.sample.category for item in items))
    cache: dict[int, FloatArray] = {}
    found = []
    own = metrics(benchmark, items, rules, declared)
    taken = {metric.name for metric in own}
    # The official programs know nothing of languages: their rows stay theirs.
    beside = fidelity_metrics(columns(items, rules), condition) if items and rules == "multilingual" else []
    if items and items[0].sample.kind == "text":  # a caption is neither right nor wrong
        beside = [metric for metric in beside if "accuracy" not in metric.name]
    for metric in [*own, *(metric for metric in beside if metric.name not in taken)]:
        interval, clusters = metric_interval(metric, seed=seed, cache=cache)
        low, high = interval if interval else (None, None)
        chance = chance_level(metric)
        found.append(
            ScoreRow(
                model=model,
                task=task,
                language=language,
                condition=condition,
                rules=rules,
                metric=metric.name,
                value=metric.value,
                ci_low=low,
                ci_high=high,
                n=metric.n,
                clusters=clusters,
                unparsed_rate=1.0 - metric.outcomes["read"] if metric.n else 0.0,
                outcomes=metric.outcomes,
                primary=metric.primary,
                note=_row_note(metric, clusters, interval is not None, chance),
                rules_version=RULES_VERSIONS[rules],
                chance=chance.level if chance else None,
                chance_corrected=chance.corrected if chance else None,
            )
        )
    return found


def with_notes(row: ScoreRow, notes: Sequence[str]) -> ScoreRow:
    """The row with more notes."""
    return replace(row, note="; ".join([row.note, *notes] if row.note else notes)) if notes else row
