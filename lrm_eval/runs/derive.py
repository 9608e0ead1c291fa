"""Responses -> readings -> scores. Needs no model: a better parser never touches a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import RunError
from lrm_eval.runs.codec import dumps_line, dumps_scores, reading_to_dict
from lrm_eval.runs.files import write_atomic
from lrm_eval.runs.folder import benchmarks, categories, in_data_order
from lrm_eval.types import RULES, Item

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lrm_eval.runs.codec import Record
    from lrm_eval.runs.folder import Cell, RunFolder
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


def read_cell(benchmark: str, records: list[Record], rules: Rules) -> dict[str, Reading]:
    """The readings of one cell by key, in the order of its responses file."""
    from lrm_eval import answers

    return {record.key: answers.read(benchmark, record.sample, record.response, rules) for record in records}


def readings_file(readings: dict[str, Reading]) -> bytes:
    """The content of a readings file."""
    return b"".join(dumps_line(reading_to_dict(key, reading)) for key, reading in readings.items())


def score_cell(
    manifest: Mapping[str, Any], cell: Cell, rules: Rules, records: list[Record], readings: dict[str, Reading]
) -> list[ScoreRow]:
    """The rows of one cell under one rule set."""
    from lrm_eval import scorers

    model, seed = str(manifest["model"]["name"]), int(manifest.get("seed", 0))
    benchmark, declared = benchmarks(manifest)[cell.task], categories(manifest, cell.task)

    items = [Item(record.sample, record.response, readings[record.key]) for record in in_data_order(records)]
    return scorers.rows(model, cell.task, benchmark, cell.language, cell.condition, rules, items, seed, declared)


def walk(folder: RunFolder, on_readings: Callable[[Cell, Rules, dict[str, Reading]], None]) -> Derived:
    """Derive everything of a folder, cell by cell, without writing.

    Args:
        folder: the run.
        on_readings: gets the readings of each cell and rule set as they are made.

    Raises:
        RunError: run.json does not know a task that has responses, or a file is damaged.
    """
    manifest = folder.manifest()
    planned = folder.planned()
    kinds = benchmarks(manifest)
    derived = Derived()
    for cell in folder.cells():
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
            readings = read_cell(kinds[cell.task], records, rules)
            on_readings(cell, rules, readings)
            # A score over part of a data set looks like one over all of it: there is none until the cell is done.
            if records and len(records) >= wanted:
                derived.scores += score_cell(manifest, cell, rules, records, readings)
    return derived


def derive(folder: RunFolder) -> Derived:
    """Make readings and scores.json of a folder again. For who holds the folder's lock.

    Raises:
        RunError: a file is damaged, or the disk is full; every file is then the old one or the new one.
    """

    def write(cell: Cell, rules: Rules, readings: dict[str, Reading]) -> None:
        write_atomic(folder.readings_path(cell, rules), readings_file(readings))

    derived = walk(folder, write)
    write_atomic(folder.scores_path, dumps_scores(derived.scores))
    return derived
