"""MMBench's submission file, as VLMEvalKit writes the predictions of a run.

One row a question and pass, the columns of the data without the image, and `prediction`. The evaluation service asked
for index, question, A-D, answer (blank in the test split) and prediction, and said so if one of them was missing
(open-compass/opencompass issue 240, EvolvingLMMs-Lab/lmms-eval issue 6). The service has since closed and the test
split's answers were released (open-compass/MMBench issue 62): VLMEvalKit scores the same file.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from lrm_eval.errors import RunError, UsageError, unknown
from lrm_eval.runs.folder import Cell, RunFolder, benchmarks, in_data_order
from lrm_eval.types import DEFAULT_CONDITION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lrm_eval.runs.codec import Record
    from lrm_eval.types import Reading

Predictions: TypeAlias = Literal["raw", "letter"]
PREDICTIONS: tuple[Predictions, ...] = get_args(Predictions)
_FEWEST_LETTERS = "ABCD"
# What XML 1.0 cannot hold, and what a cell of a workbook holds at most.
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CELL_LIMIT = 32_767


def submission_rows(
    folder: RunFolder, language: str | None = None, predictions: Predictions = "raw", task: str | None = None
) -> tuple[Cell, list[dict[str, Any]]]:
    """The rows of a submission file.

    Args:
        folder: a run with MMBench in it.
        language: of the questions; None: the only one of the run, or English.
        predictions: "raw", what the model wrote, as VLMEvalKit does; "letter", the letter that the multilingual rules
            read, for services that match nothing but a bare letter; an answer they could not read stays as it is.
        task: a task of MMBench's form; None: mmbench, or the run's only one.

    Returns:
        The cell, and its rows in the order of the data: index, question, hint, A to D and further, answer, category,
        l2-category, prediction.

    Raises:
        UsageError: no such task or language in this run, or an unknown kind of predictions.
        RunError: answers are missing: the run is not finished, or some questions ended in an error.
    """
    if predictions not in PREDICTIONS:
        raise unknown("kind of predictions", predictions, PREDICTIONS)
    cell = find_cell(folder, ("mmbench",), "MMBench", language, task)
    records = finished_records(folder, cell)
    readings = folder.readings(cell, "multilingual") if predictions == "letter" else {}
    groups = _groups(cell.task)
    letters = _letters(records)
    return cell, [_row(record, letters, groups, readings) for record in records]


def find_cell(folder: RunFolder, kinds: Sequence[str], what: str, language: str | None, task: str | None) -> Cell:
    """The cell of a run that is meant, of the default condition.

    Args:
        folder: the run.
        kinds: benchmarks whose form the file has.
        what: the same for people.
        language: None: the only one of the run, or English.
        task: None: the task of a benchmark's own name, or the run's first of its form.

    Raises:
        UsageError: there is none, or several languages and English is not among them.
    """
    known = benchmarks(folder.manifest())
    cells = [cell for cell in folder.cells() if known.get(cell.task) in kinds and cell.condition == DEFAULT_CONDITION]
    if not cells:
        raise UsageError(f"{folder.path} has no answers to {what} (its tasks: {', '.join(sorted(known)) or 'none'})")
    tasks = sorted({cell.task for cell in cells})
    if task is None:
        own = [name for name in tasks if name in kinds]
        task = own[0] if own else tasks[0]
    if task not in tasks:
        raise unknown("task of this run", task, tasks)
    tags = sorted(cell.language for cell in cells if cell.task == task)
    if language is None:
        if len(tags) > 1 and "en" not in tags:
            raise UsageError(f"{folder.path} has {task} in {', '.join(tags)}: say which with --lang")
        language = "en" if "en" in tags else tags[0]
    if language not in tags:
        raise unknown(f"language of {task} in this run", language, tags)
    return Cell(task, language)


def finished_records(folder: RunFolder, cell: Cell) -> list[Record]:
    """The records of a cell in the order of the data, all of them answered.

    Raises:
        RunError: answers are missing: the run is not finished, or some questions ended in an error.
    """
    records = in_data_order(folder.records(cell))
    wanted = folder.planned().get(cell, len(records))
    if len(records) < wanted:
        raise RunError(f"{folder.path}: {cell} has {len(records)} of {wanted} answers: finish the run first")
    failed = [record for record in records if record.response.error is not None]
    if failed:
        raise RunError(
            f"{folder.path}: {len(failed)} questions of {cell} ended in an error (e.g. {failed[0].sample.id}: "
            f"{failed[0].response.error}); type the same `lrm-eval run` again to ask them anew"
        )
    return records


def _groups(task: str) -> dict[str, str]:
    """Category -> its group (MMBench's l2-category), from the task if it is installed."""
    from lrm_eval.errors import LrmEvalError
    from lrm_eval.tasks import load_task

    try:
        spec = load_task(task)
    except LrmEvalError:
        return {}
    return {name: group for group, names in spec.categories.items() for name in names}


def _letters(records: Sequence[Record]) -> list[str]:
    found = {label for record in records for label in record.sample.labels}
    return sorted({*_FEWEST_LETTERS, *found})


def _row(
    record: Record, letters: Sequence[str], groups: Mapping[str, str], readings: Mapping[str, Reading]
) -> dict[str, Any]:
    sample = record.sample
    index = sample.id.removeprefix(f"{sample.task}/").removeprefix("mmbench/")
    options = dict(zip(sample.labels, sample.options, strict=True))
    reading = readings.get(record.key)
    read = reading.value if reading is not None else None
    return {
        "index": int(index) if index.isdecimal() and index.isascii() else index,
        "question": sample.question,
        "hint": sample.hint,
        **{letter: options.get(letter, "") for letter in letters},
        "answer": sample.gold,
        "category": sample.category,
        "l2-category": groups.get(sample.category, ""),
        "prediction": record.response.text if read is None else read,
    }


def workbook(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as one sheet of an xlsx file. Every text is stored as a text: an answer that begins with = is no formula.

    Signs that XML cannot hold are left out, and texts are cut at what a cell holds (32,767 characters).
    """
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    sheet.title = "Sheet1"
    for column, name in enumerate(rows[0] if rows else (), 1):
        sheet.cell(row=1, column=column, value=name)
    for line, row in enumerate(rows, 2):
        for column, value in enumerate(row.values(), 1):
            if isinstance(value, int):
                sheet.cell(row=line, column=column, value=value)
            elif text := _ILLEGAL.sub("", value)[:_CELL_LIMIT]:
                sheet.cell(row=line, column=column, value=text).data_type = "s"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
