"""Responses -> readings -> scores. Needs no model: a better parser never touches a run."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import RunError
from lrm_eval.runs.codec import dumps_line, dumps_scores, reading_to_dict
from lrm_eval.runs.files import write_atomic
from lrm_eval.runs.folder import benchmarks, categories, in_data_order
from lrm_eval.types import DEFAULT_CONDITION, RULES, Item

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lrm_eval.runs.codec import Record
    from lrm_eval.runs.folder import Cell, RunFolder
    from lrm_eval.runs.reuse import Reused
    from lrm_eval.types import Reading, Rules, ScoreRow


@dataclass
class Derived:
    """What `derive` made.

    Attributes:
        scores: rows of both rule sets, in the order of scores.json.
        unfinished: cells with answers missing, which have no scores: (answered, planned).
        errors: requests whose last answer is an error, per cell that has any.
    """

    scores: list[ScoreRow] = field(default_factory=list)
    unfinished: dict[Cell, tuple[int, int]] = field(default_factory=dict)
    errors: dict[Cell, int] = field(default_factory=dict)


def read_cell(
    benchmark: str, records: list[Record], rules: Rules, condition: str = DEFAULT_CONDITION
) -> dict[str, Reading]:
    """The readings of one cell by key, in the order of its responses file, each with the language of its answer."""
    from lrm_eval import answers
    from lrm_eval.fidelity import with_language

    readings = {}
    for record in records:
        reading = answers.read(benchmark, record.sample, record.response, rules)
        readings[record.key] = with_language(reading, record.sample, record.response, condition)
    return readings


def readings_file(readings: dict[str, Reading]) -> bytes:
    """The content of a readings file."""
    return b"".join(dumps_line(reading_to_dict(key, reading)) for key, reading in readings.items())


def items_of(records: list[Record], readings: dict[str, Reading]) -> list[Item]:
    """The scorers' input, in the order of the task's data."""
    return [Item(record.sample, record.response, readings[record.key]) for record in in_data_order(records)]


def score_cell(manifest: Mapping[str, Any], cell: Cell, rules: Rules, items: list[Item]) -> list[ScoreRow]:
    """The rows of one cell under one rule set."""
    from lrm_eval import scorers

    model, seed = str(manifest["model"]["name"]), int(manifest.get("seed", 0))
    benchmark, declared = benchmarks(manifest)[cell.task], categories(manifest, cell.task)
    return scorers.rows(model, cell.task, benchmark, cell.language, cell.condition, rules, items, seed, declared)


def walk(
    folder: RunFolder, on_readings: Callable[[Cell, Rules, dict[str, Reading]], None], reused: Reused | None = None
) -> Derived:
    """Derive everything of a folder, cell by cell, without writing.

    Args:
        folder: the run.
        on_readings: gets the readings of each cell and rule set as they are made.
        reused: scores that need not be made again; their cells are not read.

    Raises:
        RunError: run.json does not know a task that has responses, or a file is damaged.
    """
    manifest = folder.manifest()
    planned = folder.planned()
    kinds = benchmarks(manifest)
    derived = Derived(errors=dict(reused.errors) if reused else {})
    # Cells are sorted: the conditions of a task in a language stand together, and are compared once all are scored.
    for name, group in itertools.groupby(folder.cells(), key=lambda cell: (cell.task, cell.language)):
        cells = list(group)
        if reused is not None and name in reused.scores:
            derived.scores += reused.scores[name]
            continue
        kept: dict[Rules, dict[str, list[Item]]] = {rules: {} for rules in RULES}
        rows: list[ScoreRow] = []
        for cell in cells:
            if cell.task not in kinds:
                raise RunError(f"{folder.responses_path(cell)}: run.json of this folder knows no task {cell.task!r}")
            records = folder.records(cell)
            wanted = planned.get(cell, len(records))
            if len(records) < wanted:
                derived.unfinished[cell] = (len(records), wanted)
            failed = sum(record.response.error is not None for record in records)
            if failed:
                derived.errors[cell] = failed
            for rules in RULES:
                readings = read_cell(kinds[cell.task], records, rules, cell.condition)
                on_readings(cell, rules, readings)
                # A score over part of a data set looks like one over all of it: there is none until the cell is done.
                if records and len(records) >= wanted:
                    items = items_of(records, readings)
                    rows += score_cell(manifest, cell, rules, items)
                    if len(cells) > 1:
                        kept[rules][cell.condition] = items
        derived.scores += rows
        for rules, items_by_condition in kept.items():
            derived.scores += _compare(manifest, cells[0], rules, items_by_condition, rows)
    derived.scores = [_with_versions(row, manifest) for row in derived.scores]
    return derived


def _with_versions(row: ScoreRow, manifest: Mapping[str, Any]) -> ScoreRow:
    """A row that says under which version of its task and rules it was made: others are other measurements."""
    from lrm_eval.scorers.versions import RULES_VERSIONS

    version = str(manifest["tasks"][row.task].get("version", ""))
    return replace(row, task_version=version, rules_version=RULES_VERSIONS[row.rules])


def _compare(
    manifest: Mapping[str, Any], cell: Cell, rules: Rules, items: dict[str, list[Item]], rows: list[ScoreRow]
) -> list[ScoreRow]:
    from lrm_eval.scorers.conditions import condition_rows

    if len(items) < 2:
        return []
    own = [row for row in rows if row.rules == rules]
    benchmark, declared = benchmarks(manifest)[cell.task], categories(manifest, cell.task)
    return condition_rows(benchmark, rules, items, own, int(manifest.get("seed", 0)), declared)


def derive(folder: RunFolder, reused: Reused | None = None) -> Derived:
    """Make readings and scores.json of a folder again, all but what is reused. For who holds the folder's lock.

    Raises:
        RunError: a file is damaged, or the disk is full; every file is then the old one or the new one.
    """

    def write(cell: Cell, rules: Rules, readings: dict[str, Reading]) -> None:
        write_atomic(folder.readings_path(cell, rules), readings_file(readings))

    derived = walk(folder, write, reused)
    write_atomic(folder.scores_path, dumps_scores(derived.scores))
    return derived
