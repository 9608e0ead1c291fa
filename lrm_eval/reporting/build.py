"""From score rows to the view model: pure, deterministic, no files."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, TypeAlias

from lrm_eval.reporting.names import benchmark_of, language, metric_label, metric_unit, order_languages, task_title
from lrm_eval.reporting.paired import PIVOT, gap_estimate, mean_estimate
from lrm_eval.reporting.view import (
    HEAT_MIN_SPAN,
    HEAT_STEPS,
    UNPARSED_MARK,
    Board,
    CellView,
    MetricView,
    ModelView,
    RowView,
    TableView,
)
from lrm_eval.scorers.scoring import FEW_CLUSTERS
from lrm_eval.types import DEFAULT_CONDITION, RULES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence, Set

    from lrm_eval.reporting.gather import GatheredRun
    from lrm_eval.reporting.paired import SharedDraws
    from lrm_eval.reporting.view import Estimate
    from lrm_eval.types import Rules, ScoreRow

# Notes of the scorers that a mark of their own already tells.
_SHOWN_NOTES = ("few images", "no interval")
DrawsKey: TypeAlias = tuple[str, str, str, str]
"""Model, table id, rules, metric."""


def build(gathered: Sequence[GatheredRun], draws: Mapping[DrawsKey, SharedDraws] | None = None) -> Board:
    """Arranges rows into tables of models x languages.

    Args:
        gathered: runs as `gather` names them.
        draws: shared bootstrap draws per (model, table, rules, metric): they give the intervals of means and of gaps
            to English; without them both are plain differences without an interval.

    Returns:
        The board: tables in the order their tasks were first met, known benchmarks first.
    """
    tables: dict[tuple[str, str], list[tuple[str, ScoreRow]]] = defaultdict(list)
    machine: set[tuple[str, str, str]] = set()
    benchmarks: dict[str, str] = {}
    for one in gathered:
        machine |= one.machine_translated()
        for row in one.rows:
            tables[row.task, row.condition].append((one.name, row))
            benchmarks.setdefault(row.task, benchmark_of(row.task, one.manifest))
    names = list(dict.fromkeys(one.name for one in gathered))
    typed = [str(tag) for one in gathered for tag in one.manifest.get("languages") or ()]
    place = {"mme": 0, "pope": 1, "seedbench": 2, "mmbench": 3}
    order = sorted(
        tables,
        key=lambda key: (key[0].startswith("tiny-"), place.get(benchmarks[key[0]], 9), key[1] != DEFAULT_CONDITION),
    )
    views = tuple(_table(key, benchmarks[key[0]], tables[key], names, typed, machine, draws or {}) for key in order)
    models = tuple(
        ModelView(
            name,
            tuple(one.manifest for one in gathered if one.name == name),
            tuple(one.run.path.name for one in gathered if one.name == name),
        )
        for name in names
    )
    tags = order_languages((tag for view in views for tag in view.languages), typed)
    notes = tuple(
        f"Not finished and so without a score here: {one.name}, {', '.join(cells)}. The same command goes on with it."
        for one in gathered
        if (cells := one.unfinished())
    )
    return Board(models, tuple(language(tag) for tag in tags), views, notes)


def table_id(task: str, condition: str) -> str:
    """`tiny-mme`, or `tiny-mme.<condition>`: also the name of its responses file without the language."""
    return task if condition == DEFAULT_CONDITION else f"{task}.{condition}"


def _table(
    key: tuple[str, str],
    benchmark: str,
    rows: Sequence[tuple[str, ScoreRow]],
    names: Sequence[str],
    typed: Sequence[str],
    machine: Set[tuple[str, str, str]],
    draws: Mapping[DrawsKey, SharedDraws],
) -> TableView:
    task, condition = key
    tags = tuple(order_languages((row.language for _, row in rows), typed))
    here = [name for name in names if any(name == model for model, _ in rows)]
    metrics: dict[Rules, tuple[MetricView, ...]] = {}
    for rules in RULES:
        by_metric: dict[str, dict[tuple[str, str], ScoreRow]] = defaultdict(dict)
        for model, row in rows:
            if row.rules == rules:
                by_metric[row.metric][model, row.language] = row
        ordered = sorted(by_metric.items(), key=lambda pair: not any(row.primary for row in pair[1].values()))
        metrics[rules] = tuple(
            _metric(name, table_id(task, condition), rules, benchmark, cells, here, tags, machine, draws)
            for name, cells in ordered
        )
    return TableView(table_id(task, condition), task, condition, task_title(task, condition), benchmark, tags, metrics)


def _metric(
    name: str,
    table: str,
    rules: Rules,
    benchmark: str,
    cells: Mapping[tuple[str, str], ScoreRow],
    models: Sequence[str],
    tags: Sequence[str],
    machine: Set[tuple[str, str, str]],
    draws: Mapping[DrawsKey, SharedDraws],
) -> MetricView:
    values = {key: row.value for key, row in cells.items() if row.value is not None and math.isfinite(row.value)}
    common = tuple(tag for tag in tags if all((model, tag) in values for model in models))
    gap_over = tuple(tag for tag in common if tag != PIVOT) if PIVOT in common else ()
    heat_range = _heat_range(values.values())
    notes = {row.note for row in cells.values()}
    note = notes.pop() if len(notes) == 1 else ""
    rows = []
    for model in models:
        own = {tag: values[model, tag] for tag in tags if (model, tag) in values}
        drawn = draws.get((model, table, rules, name))
        views = []
        for tag in tags:
            row = cells.get((model, tag))
            gap = gap_estimate(own, drawn, [tag]) if tag != PIVOT else None
            views.append(None if row is None else _cell(row, gap, heat_range, note, machine))
        mean = mean_estimate(own, drawn, common)
        rows.append(RowView(model, tuple(views), mean, gap_estimate(own, drawn, gap_over)))
    # sorted() is stable: models without a mean keep the order in which they were given.
    rows.sort(key=lambda row: -row.mean.value if row.mean else float("inf"))
    primary = any(row.primary for row in cells.values())
    return MetricView(
        name, metric_label(name), metric_unit(benchmark, name), primary, common, gap_over, note, heat_range, tuple(rows)
    )


def _cell(
    row: ScoreRow,
    gap: Estimate | None,
    heat_range: tuple[float, float] | None,
    shared: str,
    machine: Set[tuple[str, str, str]],
) -> CellView:
    note = "" if row.note == shared else row.note
    value, low, high = _finite(row.value), _finite(row.ci_low), _finite(row.ci_high)
    marks = {
        "unparsed": row.unparsed_rate > UNPARSED_MARK,
        "few": value is not None and row.clusters < FEW_CLUSTERS,
        "no-interval": value is not None and (low is None or high is None),
        "machine": (row.task, row.language, row.condition) in machine,
        "errors": row.outcomes.get("error", 0.0) > 0,
        "note": any(part and not part.startswith(_SHOWN_NOTES) for part in note.split("; ")),
    }
    return CellView(
        value=value,
        ci_low=low,
        ci_high=high,
        n=row.n,
        clusters=row.clusters,
        unparsed_rate=row.unparsed_rate,
        outcomes=dict(row.outcomes),
        note=note,
        gap=gap,
        gap_paired=gap is not None and gap.ci_low is not None,
        heat=heat_step(value, heat_range),
        marks=tuple(mark for mark, on in marks.items() if on),
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _heat_range(values: Iterable[float]) -> tuple[float, float] | None:
    known = list(values)
    if not known:
        return None
    low, high = min(known), max(known)
    floor = high - max(abs(high), 1.0) * HEAT_MIN_SPAN
    return min(low, floor), high


def heat_step(value: float | None, heat_range: tuple[float, float] | None) -> int | None:
    """The step (0 to HEAT_STEPS - 1) of a value between the ends of its table's scale."""
    if value is None or heat_range is None:
        return None
    low, high = heat_range
    share = (value - low) / (high - low) if high > low else 1.0
    return min(HEAT_STEPS - 1, max(0, int(share * HEAT_STEPS)))
