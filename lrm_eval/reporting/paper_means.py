"""The mean of a run over several languages with its interval, for the paper's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrm_eval.errors import LrmEvalError
from lrm_eval.reporting.names import benchmark_of
from lrm_eval.reporting.paired import primary_metric
from lrm_eval.reporting.view import Estimate
from lrm_eval.runs.folder import Cell, RunFolder
from lrm_eval.types import DEFAULT_CONDITION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_eval.reporting.gather import GatheredRun
    from lrm_eval.scorers import Metric


def mean_over(one: GatheredRun, task: str, tags: Sequence[str]) -> Estimate | None:
    """The mean of a run's headline metric over languages, multilingual rules, by drawing images with all of them.

    Args:
        one: the run.
        task: its task.
        tags: languages.

    Returns:
        None where the answers are not all there, cannot be read, or have no value.
    """
    from lrm_eval.statistics import joint

    if not isinstance(one.run, RunFolder) or not tags:
        return None
    metrics: dict[str, Metric] = {}
    for tag in tags:
        try:
            items = one.run.items(Cell(task, tag, DEFAULT_CONDITION), "multilingual")
        except (LrmEvalError, OSError):
            return None
        metric = primary_metric(items, task, benchmark_of(task, one.manifest), "multilingual")
        if metric is None:
            return None
        metrics[tag] = metric
    found = joint(metrics).estimate(dict.fromkeys(metrics, 1 / len(metrics)))
    return None if found.value is None else Estimate(found.value, found.low, found.high)
