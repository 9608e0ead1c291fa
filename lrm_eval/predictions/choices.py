"""Answers to multiple-choice questions: MMBench (JSON lines, TSV, CSV, xlsx) and SEED-Bench (the same)."""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING

from lrm_eval.errors import UsageError
from lrm_eval.predictions.table import Row, as_text, is_missing, table
from lrm_eval.scorers.mmbench import PASS_OFFSET
from lrm_eval.types import Response, Sample

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SEED_LETTERS = ("A", "B", "C", "D")


def is_none(value: object) -> bool:
    """Whether a cell holds no option: missing, or the word "nan" or "none" in any case.

    Source: LLaVA, llava/eval/model_vqa_mmbench.py (c121f04), is_none.
    """
    return is_missing(value) or (isinstance(value, str) and value.lower() in ("nan", "none"))


def options_of(row: Row, columns: Sequence[str], gold: int) -> tuple[str, ...]:
    """The options of a row, up to the first column that holds none (`is_none`).

    Deviation: LLaVA cuts there even if the right answer lies behind. A real option may be the word "None", so
    up to the gold answer that word is an option.

    Args:
        row: of the file.
        columns: the columns of the options, in order.
        gold: position of the gold answer, -1 if unknown.
    """
    options: list[str] = []
    for position, column in enumerate(columns):
        value = row.values.get(column)
        if is_missing(value) or (is_none(value) and position > gold):
            break
        options.append(as_text(value))
    return tuple(options)


def _given_labels(row: Row) -> list[str]:
    given = row.values.get("labels")
    if is_missing(given):
        return []
    if isinstance(given, list):
        return [as_text(label) for label in given]
    parts = [part for part in re.split(r"[\s,;|]+", as_text(given)) if part]
    return parts if len(parts) > 1 else list(as_text(given).strip())


def labels_of(row: Row, count: int) -> tuple[str, ...]:
    """The labels shown: the row's `labels` (a list, or text such as "АБВГ" or "a, b, c"), A, B, ... otherwise.

    Raises:
        UsageError: not as many labels as options, or one twice.
    """
    labels = _given_labels(row) or list(string.ascii_uppercase[:count])
    if len(labels) < count or len(set(labels)) != len(labels):
        raise UsageError(f"{row.where}: {count} options need {count} different labels, got {labels}")
    return tuple(labels[:count])


def _whole(row: Row, *columns: str) -> int:
    value = row.need(*columns)
    text = as_text(value).strip()
    if not text.isdecimal():
        raise UsageError(f"{row.where}: {columns[0]} is {value!r}, expected a whole number")
    return int(text)


def _need_predictions(rows: list[Row], *columns: str) -> None:
    # A question without an answer is wrong; a file without any answers is a mistake.
    if not any(row.has(*columns) for row in rows):
        rows[0].need(*columns)


def _gold_position(row: Row, columns: Sequence[str]) -> int:
    answer = as_text(row.need("answer")).strip()
    labels = _given_labels(row)
    if answer in labels:
        return labels.index(answer)
    return columns.index(answer) if answer in columns else -1


def read_mmbench(path: Path, task: str, language: str) -> list[tuple[Sample, Response]]:
    """Rows with index, A, B, ..., answer, prediction; optionally labels, question, hint, category.

    Raises:
        UsageError: a column is missing; an index twice; a gold answer that is not among the options (file and line).
    """
    pairs = []
    seen: dict[int, str] = {}
    rows = table(path)
    _need_predictions(rows, "prediction")
    for order, row in enumerate(rows):
        row.need("A")
        index = _whole(row, "index")
        if index in seen:
            raise UsageError(f"{row.where}: index {index} was given before ({seen[index]})")
        seen[index] = row.where
        columns = [letter for letter in string.ascii_uppercase if letter in row.values]
        gold = _gold_position(row, columns)
        options = options_of(row, columns, gold)
        labels = labels_of(row, len(options))
        if not 0 <= gold < len(options):
            raise UsageError(f"{row.where}: the answer {row.text('answer')!r} is not among the options {list(labels)}")
        group = str(index % PASS_OFFSET)
        identity = f"{task}/{index}"
        sample = Sample(
            id=identity,
            task=task,
            language=language,
            kind="option",
            question=row.text("question"),
            gold=labels[gold],
            hint="" if is_none(row.values.get("hint")) else row.text("hint"),
            options=options,
            labels=labels,
            category=row.text("category"),
            group=group,
            cluster=row.text("image_path"),
            order=order,
        )
        pairs.append((sample, Response(key=f"{identity}@{language}", text=row.text("prediction"))))
    return pairs


def read_seedbench(path: Path, task: str, language: str) -> tuple[list[tuple[Sample, Response]], tuple[str, ...]]:
    """Rows with question_id (or index), prediction, answer; optionally data_type, question type, options, image.

    A row without prediction stays, and is wrong. Of several rows of one question the last counts, as in
    LLaVA's `convert_seed_for_submission.py`, which reads them into a dict.

    Returns:
        The questions with their answers, and notes.

    Raises:
        UsageError: a field is missing; a gold answer that is not a letter among the options (file and line).
    """
    found: dict[str, tuple[Sample, Response]] = {}
    rows = table(path)
    _need_predictions(rows, "prediction", "text")
    for order, row in enumerate(rows):
        question = as_text(row.need("question_id", "index"))
        columns = next((names for names in (_choice_columns(), SEED_LETTERS) if names[0] in row.values), ())
        gold = as_text(row.need("answer")).strip()
        position = SEED_LETTERS.index(gold) if gold in SEED_LETTERS else -1
        options = options_of(row, columns, position)
        labels = labels_of(row, len(options) or len(SEED_LETTERS))
        if gold in labels:
            position = labels.index(gold)
        if not 0 <= position < len(labels):
            raise UsageError(f"{row.where}: the answer {gold!r} is not among the options {list(labels)}")
        image = row.text("data_id", "image")
        identity = f"{task}/{question}"
        sample = Sample(
            id=identity,
            task=task,
            language=language,
            kind="option",
            question=row.text("question"),
            gold=labels[position],
            options=options,
            labels=labels,
            category=row.text("question_type_id", "category", "question_type"),
            split="video" if row.text("data_type") == "video" else "",
            cluster=image,
            order=order,
        )
        found[question] = (sample, Response(key=f"{identity}@{language}", text=row.text("prediction", "text")))
    notes = []
    if len(found) < len(rows):
        notes.append(f"{len(rows) - len(found)} repeated question_id: the last row counts")
    return list(found.values()), tuple(notes)


def _choice_columns() -> tuple[str, ...]:
    return tuple(f"choice_{letter.lower()}" for letter in SEED_LETTERS)
