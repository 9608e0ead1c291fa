"""A run's answers in VLMEvalKit's form: one table a data set, `<model>_<data set>.xlsx`, which its `evaluate` scores.

Its columns are those of the data set without the image, and `prediction`: index, question, answer and category for yes
or no, A to D beside them for options; vlmeval/dataset/image_yorn.py, image_mcq.py and utils/yorn.py (0c7163c). Yes and
no are "Yes" and "No" there. A POPE question that several splits share stands once, its category naming them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import UsageError
from lrm_eval.exports.mmbench import find_cell, finished_records, submission_rows
from lrm_eval.runs.folder import benchmarks
from lrm_eval.scorers.pope import SPLITS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lrm_eval.runs.codec import Record
    from lrm_eval.runs.folder import Cell, RunFolder

Row = dict[str, Any]
_LETTERS = "ABCD"


def table_rows(folder: RunFolder, language: str | None = None, task: str | None = None) -> tuple[Cell, list[Row]]:
    """The rows of a table.

    Args:
        folder: a run.
        language: of the questions; None: the only one of the run, or English.
        task: one of its tasks; None: the first of MMBench, MME, POPE and SEED-Bench that it has.

    Raises:
        UsageError: no such task or language in this run, or one of another form.
        RunError: answers are missing.
    """
    kind = _kind(folder, task)
    if kind == "mmbench":
        return submission_rows(folder, language, task=task)
    cell = find_cell(folder, (kind,), kind, language, task)
    return cell, _FORMS[kind](finished_records(folder, cell))


def file_name(model: str, cell: Cell) -> str:
    """`<model>_<data set>_<language>.xlsx`; VLMEvalKit finds the data set behind the first underscore."""
    parts = (model, cell.task, cell.language)
    return "_".join(re.sub(r"[^A-Za-z0-9.-]+", "-", part).strip("-.") for part in parts) + ".xlsx"


def _kind(folder: RunFolder, task: str | None) -> str:
    known = benchmarks(folder.manifest())
    forms = ("mmbench", *_FORMS)
    there = [kind for kind in forms if kind in known.values()]
    if task is not None and task in known:
        if known[task] not in forms:
            raise UsageError(f"{folder.path}: {task} has no form in VLMEvalKit that this writes ({', '.join(forms)})")
        return known[task]
    if not there:
        raise UsageError(
            f"{folder.path} has no answers to {', '.join(forms)} (its tasks: {', '.join(known) or 'none'})"
        )
    return there[0]


def _yes_no(gold: str) -> str:
    return {"yes": "Yes", "no": "No"}.get(gold, gold)


def _mme(records: Sequence[Record]) -> list[Row]:
    return [
        {
            "index": index,
            "image_path": "/".join(record.sample.id.split("/")[2:-1]),
            "question": record.sample.question,
            "category": record.sample.category,
            "answer": _yes_no(record.sample.gold),
            "prediction": record.response.text,
        }
        for index, record in enumerate(records)
    ]


def _pope(records: Sequence[Record]) -> list[Row]:
    shared: dict[tuple[str, str, str, str, str], list[str]] = {}
    for record in records:
        sample = record.sample
        key = (sample.cluster, sample.question, sample.gold, record.response.text, "")
        splits = shared.setdefault(key, [])
        if sample.split in splits:
            # The same question twice in one split: both count.
            shared[(*key[:4], record.key)] = [sample.split]
        else:
            splits.append(sample.split)
    return [
        {
            "index": index,
            "image_path": cluster,
            "question": question,
            "category": ",".join(sorted(splits, key=lambda name: SPLITS.index(name) if name in SPLITS else 9)),
            "answer": _yes_no(gold),
            "prediction": text,
        }
        for index, ((cluster, question, gold, text, _), splits) in enumerate(shared.items())
    ]


def _seedbench(records: Sequence[Record]) -> list[Row]:
    rows = []
    for record in records:
        sample = record.sample
        index = sample.id.partition("/")[2]
        # Its letters are A to D, whatever was shown.
        options = dict(zip(_LETTERS, sample.options, strict=False))
        gold = _LETTERS[sample.labels.index(sample.gold)] if sample.gold in sample.labels else sample.gold
        row: Row = {
            "index": int(index) if index.isdecimal() and index.isascii() else index,
            "question": sample.question,
        }
        row |= {letter: options.get(letter, "") for letter in _LETTERS}
        row |= {"answer": gold, "category": sample.category, "prediction": record.response.text}
        if list(sample.labels) != list(_LETTERS[: len(sample.labels)]):
            row["labels"] = "".join(sample.labels)
        rows.append(row)
    if any("labels" in row for row in rows):
        for row, record in zip(rows, records, strict=True):
            row["labels"] = "".join(record.sample.labels)
    return rows


_FORMS: dict[str, Callable[[Sequence[Record]], list[Row]]] = {"mme": _mme, "pope": _pope, "seedbench": _seedbench}
