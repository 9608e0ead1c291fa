"""Our metrics in the words of Every Eval Ever: id, unit, bounds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lrm_eval.scorers.mme import COGNITION, PERCEPTION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_eval.types import ScoreRow

# Metrics that mean the same everywhere; any other is named after its benchmark.
_SHARED = ("accuracy", "f1", "precision", "recall")
_MME_POINTS = 200.0


def part_of(metric: str) -> str:
    """The part of the benchmark that a breakdown is of: "random" of `f1_random`."""
    for name in (*_SHARED, "yes_ratio", "circular_accuracy"):
        if metric.startswith(f"{name}_") and metric != "accuracy_ranking":
            return metric.removeprefix(f"{name}_")
    return metric if metric in (*PERCEPTION, *COGNITION) else ""


def metric_config(benchmark: str, row: ScoreRow, rows: Sequence[ScoreRow]) -> tuple[dict[str, Any], float]:
    """How a metric is told, and by what its value is multiplied: percentages become proportions."""
    part = part_of(row.metric)
    base = row.metric.removesuffix(f"_{part}") if part else row.metric
    low, high, scale, unit = 0.0, 1.0, 0.01, "proportion"
    if benchmark == "mme" and row.metric in ("perception", "cognition", *PERCEPTION, *COGNITION):
        low, high, scale, unit = 0.0, _mme_points(row, rows), 1.0, "points"
    elif row.metric.startswith("cider"):
        low, high, scale, unit = 0.0, 1000.0, 1.0, "points"
    elif row.metric.endswith("_loss"):
        low = -1.0
    # The official rules differ from benchmark to benchmark: only one of the two can be what all others call accuracy.
    shared = base in _SHARED and row.rules == "official"
    return (
        {
            "metric_id": base
            if shared
            else f"{benchmark}.{base}" + ("" if row.rules == "official" else ".multilingual"),
            "metric_name": row.metric,
            "metric_kind": next((name for name in _SHARED if name in base), base),
            "metric_unit": unit,
            "lower_is_better": row.metric.endswith(("_loss", "truncation_rate")),
            "score_type": "continuous",
            "min_score": low,
            "max_score": high,
            "additional_details": {
                "rules": row.rules,
                "rules_version": row.rules_version,
                "task_version": row.task_version,
                "headline": json.dumps(row.primary),
            },
        },
        scale,
    )


def _mme_points(row: ScoreRow, rows: Sequence[ScoreRow]) -> float:
    """The most points there are: 200 for each subtask of the sum."""
    members = {"perception": PERCEPTION, "cognition": COGNITION}.get(row.metric)
    if members is None:
        return _MME_POINTS
    cell = (row.task, row.language, row.condition, row.rules)
    there = sum(
        (other.task, other.language, other.condition, other.rules) == cell and other.metric in members for other in rows
    )
    return _MME_POINTS * there
