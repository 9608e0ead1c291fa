"""POPE's answers as JSON lines, and their labels in files of their own, as `evaluate.py` takes them."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from lrm_eval.errors import UsageError
from lrm_eval.predictions.table import Row, as_text, json_lines
from lrm_eval.scorers.pope import SPLITS
from lrm_eval.types import Response, Sample

if TYPE_CHECKING:
    from pathlib import Path

Labels = dict[str, list[Row]]


def _words(path: Path) -> list[str]:
    return re.split(r"[\W_]+", path.stem.casefold())


def split_of(path: Path) -> str:
    """The split that a file name tells ("coco_pope_random.json"), "" if none or several."""
    found = [name for name in SPLITS if name in _words(path)]
    return found[0] if len(found) == 1 else ""


def _per_split(folder: Path, language: str, what: str) -> dict[str, Path]:
    """One file per split of a folder; of several, the one whose name has the language."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix.lower() in (".json", ".jsonl"))
    found: dict[str, Path] = {}
    for name in SPLITS:
        of_split = [path for path in files if split_of(path) == name]
        if len(of_split) > 1:
            of_split = [path for path in of_split if language.casefold() in _words(path)]
            if len(of_split) != 1:
                raise UsageError(
                    f"{folder}: {len(of_split)} files of {what} for split {name!r} in {language}: name one"
                )
        if of_split:
            found[name] = of_split[0]
    if not found:
        raise UsageError(f"{folder}: no {what} in it: expected .json or .jsonl files named after {', '.join(SPLITS)}")
    return found


def read_labels(path: Path, language: str = "en") -> Labels:
    """Rows with `label`, per split, from one file (split "" if its name tells none) or a folder.

    Raises:
        UsageError: no such files, malformed lines, a label that is neither yes nor no.
    """
    files = _per_split(path, language, "labels") if path.is_dir() else {split_of(path): path}
    return {split: json_lines(file) for split, file in files.items()}


def _gold(row: Row) -> str:
    gold = as_text(row.need("label", "answer"))
    # Deviation: the program takes every label but "no" for yes, so a file with "hapana" or "No" would
    # be scored as if the answer were always yes. Such a file is refused.
    if gold not in ("yes", "no"):
        raise UsageError(f"{row.where}: the label is {gold!r}, expected 'yes' or 'no'")
    return gold


def _answer(row: Row) -> str:
    if "text" in row.values and "answer" in row.values and "prompt" not in row.values:
        # A label file with answers added: there `text` is the question.
        return as_text(row.values["answer"])
    return as_text(row.need("text", "answer"))


def _question(row: Row) -> str:
    return row.text("prompt", "question").split("\n", 1)[0].strip()


def _same_ids(answers: list[Row], labels: list[Row]) -> bool:
    # By content, not by type: "12" and 12 are one id.
    left = [row.text("question_id", "id") for row in answers]
    right = [row.text("question_id", "id") for row in labels]
    return bool(all(left) and len(set(left)) == len(left) == len(right) and set(left) == set(right))


def match(answers: list[Row], labels: list[Row]) -> list[tuple[Row, Row]]:
    """Answers with their labels: by id if both sides have the same set of unique ids, else by order.

    The official program goes by order alone, which is the same wherever ids are in order; LLaVA's answers have
    ids of their own (10000001, ...), so ids cannot always be asked for.

    Raises:
        UsageError: different numbers of rows; an answer about another image than its label.
    """
    if len(answers) != len(labels):
        place = f"{answers[0].where.rpartition(':')[0]}: {len(answers)} answers"
        raise UsageError(f"{place}, but {len(labels)} labels in {labels[0].where.rpartition(':')[0]}")
    if _same_ids(answers, labels):
        by_id = {row.text("question_id", "id"): row for row in answers}
        pairs = [(by_id[row.text("question_id", "id")], row) for row in labels]
    else:
        pairs = list(zip(answers, labels, strict=True))
    for answer, label in pairs:
        of_answer, of_label = _image(answer), _image(label)
        # "000000310196.jpg" and "COCO_val2014_000000310196.jpg" are one image.
        if not (of_answer.endswith(of_label) or of_label.endswith(of_answer)):
            raise UsageError(
                f"{answer.where}: an answer about image {of_answer!r}, but {label.where} is about {of_label!r}: "
                "are these the labels of the same questions?"
            )
    return pairs


def _image(row: Row) -> str:
    """The name of a row's image without folder and ending, which some files have and some do not; "" if unknown."""
    return row.text("image", "image_source").rpartition("/")[2].split(".")[0]


def _said_split(row: Row) -> str:
    name = row.text("split", "category").casefold()
    return name if name in SPLITS else ""


def _parts(answers: list[Row], labels: Labels, path: Path) -> dict[str, list[Row]]:
    """The answers of each split, from one file of answers."""
    if len(labels) == 1:
        return {next(iter(labels)): answers}
    named = split_of(path)
    if named in labels:
        return {named: answers}
    said = [_said_split(row) for row in answers]
    if all(said):
        return {name: [row for row, own in zip(answers, said, strict=True) if own == name] for name in set(said)}
    # One file with the splits one after the other (LLaVA's): the questions tell in which order.
    fitting = []
    for count in range(1, len(labels) + 1):
        for order in itertools.permutations(labels, count):
            expected = [row for name in order for row in labels[name]]
            if len(expected) == len(answers) and all(
                _question(answer) == label.text("text", "question").strip()
                for answer, label in zip(answers, expected, strict=True)
            ):
                fitting.append(order)
    if len(fitting) != 1:
        sizes = ", ".join(f"{name} {len(rows)}" for name, rows in labels.items())
        raise UsageError(
            f"{path}: cannot tell which of its {len(answers)} answers belong to which split ({sizes}): give `split` in "
            "every row, or one file per split named after it, or `--labels` with one file"
        )
    parts, start = {}, 0
    for name in fitting[0]:
        parts[name] = answers[start : start + len(labels[name])]
        start += len(labels[name])
    return parts


def read_pope(path: Path, labels: Path | None, task: str, language: str) -> list[tuple[Sample, Response]]:
    """Answers with their labels.

    Args:
        path: one file of JSON lines with `text` or `answer`, or a folder with one file per split.
        labels: one file or a folder with the splits; None: the rows of `path` have `label` themselves.
        task: name of the task, first part of the ids.
        language: canonical tag; chooses among a folder's files where there are several for a split.

    Raises:
        UsageError: see `read_labels`, `match`; or it cannot be told which answers belong to which split.
    """
    files = _per_split(path, language, "answers") if path.is_dir() else {"": path}
    answers = {split: json_lines(file) for split, file in files.items()}
    if labels is None:
        rows = [row for part in answers.values() for row in part]
        if not all("label" in row.values for row in rows):
            raise UsageError(f"{path}: POPE answers need their labels: add --labels FILE (or a folder with the splits)")
        matched = [
            (split or _said_split(row) or split_of(path), row, row) for split, part in answers.items() for row in part
        ]
    else:
        gold = read_labels(labels, language)
        if path.is_dir():
            absent = [name for name in answers if name not in gold]
            if absent:
                raise UsageError(f"{labels}: no labels for split {absent[0]!r}, of which {path} has answers")
            parts = answers
        else:
            parts = _parts(answers[""], gold, path)
        matched = [
            (split, answer, label)
            for split in sorted(parts, key=lambda name: SPLITS.index(name) if name in SPLITS else len(SPLITS))
            for answer, label in match(parts[split], gold[split])
        ]
    return [_pair(order, split, answer, label, task, language) for order, (split, answer, label) in enumerate(matched)]


def _pair(order: int, split: str, answer: Row, label: Row, task: str, language: str) -> tuple[Sample, Response]:
    identity = f"{task}/{split or 'all'}/{label.text('question_id', 'id') or order + 1}"
    image = label.text("image", "image_source") or answer.text("image", "image_source")
    sample = Sample(
        id=identity,
        task=task,
        language=language,
        kind="yes_no",
        question=_question(answer) or label.text("text", "question"),
        gold=_gold(label),
        split=split,
        cluster=image,
        order=order,
    )
    return sample, Response(key=f"{identity}@{language}", text=_answer(answer))
