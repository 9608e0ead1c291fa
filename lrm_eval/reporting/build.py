"""From score rows to the view model: pure, deterministic, no files."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, TypeAlias

from lrm_eval.reporting.names import benchmark_of, language, metric_label, metric_unit, order_languages, task_title
from lrm_eval.reporting.paired import PIVOT
from lrm_eval.reporting.provenance import trained_languages
from lrm_eval.reporting.sets import common_sets
from lrm_eval.reporting.view import (
    HEAT_MIN_SPAN,
    HEAT_STEPS,
    UNPARSED_MARK,
    Board,
    CellView,
    Estimate,
    MetricView,
    ModelView,
    RowView,
    SetView,
    TableView,
)
from lrm_eval.statistics.boundary import FEW_CLUSTERS
from lrm_eval.statistics.chance import chance_corrected
from lrm_eval.types import DEFAULT_CONDITION, RULES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence, Set

    from lrm_eval.reporting.across import Across
    from lrm_eval.reporting.gather import GatheredRun
    from lrm_eval.reporting.paired import Guess, Numbers
    from lrm_eval.reporting.view import Place
    from lrm_eval.types import Rules, ScoreRow

# Notes of the scorers that a mark of their own already tells.
_SHOWN_NOTES = ("few images", "no interval", "below guessing")
# Metrics of every task, of `lrm_eval.scorers.fidelity`.
GATED, LOST = "gated_accuracy", "gated_accuracy_loss"
NumbersKey: TypeAlias = tuple[str, str, str]
"""Table id, rules, metric."""
Trained: TypeAlias = "Mapping[str, frozenset[str] | None]"


def build(
    gathered: Sequence[GatheredRun],
    numbers: Mapping[NumbersKey, Numbers] | None = None,
    across: Mapping[tuple[str, str], Across] | None = None,
) -> Board:
    """Arranges rows into tables of models x languages.

    Args:
        gathered: runs as `gather` names them.
        numbers: of the answers per (table, rules, metric): they give the intervals of means and gaps, ranks, and
            chance-corrected scores; without them means and gaps are plain numbers without an interval.
        across: by table and model, how alike its answers are in its languages.

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
    trained = {name: _trained(name, gathered) for name in names}
    typed = [str(tag) for one in gathered for tag in one.manifest.get("languages") or ()]
    place = {"mme": 0, "pope": 1, "seedbench": 2, "mmbench": 3}
    order = sorted(
        tables,
        key=lambda key: (key[0].startswith("tiny-"), place.get(benchmarks[key[0]], 9), key[1] != DEFAULT_CONDITION),
    )
    views = tuple(
        _table(key, benchmarks[key[0]], tables[key], names, typed, machine, trained, numbers or {}, across or {})
        for key in order
    )
    models = tuple(
        ModelView(
            name,
            tuple(one.manifest for one in gathered if one.name == name),
            tuple(one.run.path.name for one in gathered if one.name == name),
            trained[name],
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


def _trained(name: str, gathered: Sequence[GatheredRun]) -> frozenset[str] | None:
    known = [trained_languages(one.manifest) for one in gathered if one.name == name]
    return next((tags for tags in known if tags is not None), None)


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
    trained: Trained,
    numbers: Mapping[NumbersKey, Numbers],
    across: Mapping[tuple[str, str], Across],
) -> TableView:
    task, condition = key
    tags = tuple(order_languages((row.language for _, row in rows), typed))
    here = [name for name in names if any(name == model for model, _ in rows)]
    metrics: dict[Rules, tuple[MetricView, ...]] = {}
    beside = {name: across[table_id(*key), name] for name in here if (table_id(*key), name) in across}
    for rules in RULES:
        by_metric: dict[str, dict[tuple[str, str], ScoreRow]] = defaultdict(dict)
        for model, row in rows:
            if row.rules == rules:
                by_metric[row.metric][model, row.language] = row
        gated = {name: by_metric.get(name, {}) for name in (GATED, LOST)}
        ordered = sorted(by_metric.items(), key=lambda pair: not any(row.primary for row in pair[1].values()))
        metrics[rules] = tuple(
            _Metric(
                name,
                benchmark,
                cells,
                here,
                tags,
                machine,
                trained,
                numbers.get((table_id(*key), rules, name)),
                gated,
                beside,
            ).view()
            for name, cells in ordered
        )
    return TableView(table_id(task, condition), task, condition, task_title(task, condition), benchmark, tags, metrics)


class _Metric:
    """One metric of one table on its way from rows to a view."""

    def __init__(
        self,
        name: str,
        benchmark: str,
        cells: Mapping[tuple[str, str], ScoreRow],
        models: Sequence[str],
        tags: Sequence[str],
        machine: Set[tuple[str, str, str]],
        trained: Trained,
        numbers: Numbers | None,
        gated: Mapping[str, Mapping[tuple[str, str], ScoreRow]],
        across: Mapping[str, Across],
    ) -> None:
        self.name, self.benchmark, self.cells, self.models, self.tags = name, benchmark, cells, models, tags
        self.machine, self.trained, self.numbers, self.gated = machine, trained, numbers, gated
        self.primary = any(row.primary for row in cells.values())
        self.across = across if self.primary else {}
        self.values = {key: row.value for key, row in cells.items() if row.value is not None}
        self.values = {key: value for key, value in self.values.items() if math.isfinite(value)}
        self.common = tuple(tag for tag in tags if all((model, tag) in self.values for model in models))
        self.heat_range = _heat_range(self.values.values())

    def view(self) -> MetricView:
        # What marks tell of single cells does not keep the rest of the note from being that of all.
        notes = {"; ".join(_untold(row.note)) for row in self.cells.values()}
        note = notes.pop() if len(notes) == 1 else ""
        best = {tag: self.places([tag]) for tag in self.tags}
        whole = self.sums(self.common)
        rows = []
        for model in self.models:
            cells = tuple(self.cell(model, tag, note, best[tag].get(model)) for tag in self.tags)
            lowest = self.numbers.lowest(model, self.common) if self.numbers and self.primary else None
            beside = self.across.get(model)
            rows.append(RowView(model, cells, *whole[model], lowest, beside.kappa if beside else None))
        # sorted() is stable: models without a mean keep the order in which they were given.
        rows.sort(key=lambda row: -row.mean.value if row.mean else float("inf"))
        sets = (
            [
                SetView(label, tags, tuple(sums[row.model] for row in rows))
                for label, tags in common_sets(self.common, [self.trained.get(model) for model in self.models])
                if (sums := self.sums(tags))
            ]
            if self.numbers
            else []
        )
        return MetricView(
            self.name,
            metric_label(self.name),
            metric_unit(self.benchmark, self.name),
            self.primary,
            self.common,
            self.gap_over(self.common),
            note,
            self.heat_range,
            tuple(rows),
            tuple(sets),
        )

    def gap_over(self, tags: Sequence[str]) -> tuple[str, ...]:
        return tuple(tag for tag in tags if tag != PIVOT) if PIVOT in self.common else ()

    def places(self, tags: Sequence[str]) -> dict[str, Place]:
        return self.numbers.places(self.models, tags) if self.numbers else {}

    def sums(
        self, tags: Sequence[str]
    ) -> dict[str, tuple[Estimate | None, Estimate | None, Estimate | None, Place | None]]:
        """Mean, gap, corrected mean and place of each model over some of the common languages."""
        places = self.places(tags)
        found = {}
        for model in self.models:
            corrected = self.numbers.corrected(model, tags) if self.numbers else None
            found[model] = (self.mean(model, tags), self.gap(model, tags), corrected, places.get(model))
        return found

    def mean(self, model: str, tags: Sequence[str]) -> Estimate | None:
        if not tags or any((model, tag) not in self.values for tag in tags):
            return None
        told = self.numbers.mean(model, tags) if self.numbers else None
        return told or Estimate(sum(self.values[model, tag] for tag in tags) / len(tags))

    def gap(self, model: str, tags: Sequence[str]) -> Estimate | None:
        tags = [tag for tag in tags if tag != PIVOT]
        if not tags or any((model, tag) not in self.values for tag in [*tags, PIVOT]):
            return None
        told = self.numbers.gap(model, tags) if self.numbers else None
        mean = sum(self.values[model, tag] for tag in tags) / len(tags)
        return told or Estimate(mean - self.values[model, PIVOT])

    def cell(self, model: str, tag: str, shared: str, place: Place | None) -> CellView | None:
        row = self.cells.get((model, tag))
        if row is None:
            return None
        note = "; ".join(part for part in row.note.split("; ") if part and part not in shared.split("; "))
        value = _finite(row.value)
        # Ends of what has no value say nothing.
        low, high = (None, None) if value is None else (_finite(row.ci_low), _finite(row.ci_high))
        guess = self.numbers.guesses.get((model, tag)) if self.numbers else None
        gap = self.gap(model, [tag]) if tag != PIVOT else None
        trained = self.trained.get(model)
        beside = self.across.get(model)
        marks = {
            "chance": guess is not None and guess.alarm,
            "unparsed": row.unparsed_rate > UNPARSED_MARK,
            "few": value is not None and row.clusters < FEW_CLUSTERS,
            "no-interval": value is not None and (low is None or high is None),
            "machine": (row.task, row.language, row.condition) in self.machine,
            "errors": row.outcomes.get("error", 0.0) > 0,
            "unseen": trained is not None and tag not in trained,
            "note": bool(_untold(note)),
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
            corrected=_corrected(value, low, high, guess),
            chance=guess.level if guess else None,
            gated=_row_estimate(self.gated[GATED].get((model, tag))) if row.primary else None,
            lost=_value(self.gated[LOST].get((model, tag))) if row.primary else None,
            best=place is not None and place.best,
            beats=place.beats if place is not None else (),
            like=beside.likeness.get(tag) if beside else None,
            heat=heat_step(value, self.heat_range),
            marks=tuple(mark for mark, on in marks.items() if on),
        )


def _corrected(value: float | None, low: float | None, high: float | None, guess: Guess | None) -> Estimate | None:
    """A score and its interval put on the line from guessing (0) to all right (100)."""
    if guess is None:
        return None
    ends = [chance_corrected(end, guess.level, guess.top) for end in (value, low, high)]
    return None if ends[0] is None else Estimate(ends[0], ends[1], ends[2])


def _untold(note: str) -> list[str]:
    """The parts of a note that no mark of their own tells."""
    return [part for part in note.split("; ") if part and not part.startswith(_SHOWN_NOTES)]


def _value(row: ScoreRow | None) -> float | None:
    return None if row is None else _finite(row.value)


def _row_estimate(row: ScoreRow | None) -> Estimate | None:
    value = _value(row)
    return None if row is None or value is None else Estimate(value, _finite(row.ci_low), _finite(row.ci_high))


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
