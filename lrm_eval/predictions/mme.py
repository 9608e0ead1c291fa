"""MME's own format: a folder of `<subtask>.txt`, four tab-separated columns image, question, gold answer, answer.

Source: readme.txt and calculation.py of the official eval_tool (MME, branch Evaluation, dd29509).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lrm_eval.errors import UsageError, unknown
from lrm_eval.predictions.table import read_text
from lrm_eval.scorers.mme import COGNITION, PERCEPTION
from lrm_eval.types import Response, Sample

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FIELDS = 4
# Images of COCO keep their number in every subtask; other names ("0001.png") are counted anew in each.
_COCO = re.compile(r"(COCO_\w+_)?\d{12}\.jpg")


def cluster_of(subtask: str, image: str) -> str:
    """The image behind a file name, as far as the name tells."""
    return image if _COCO.fullmatch(image) else f"{subtask}/{image}"


def subtask_files(folder: Path, subtasks: Sequence[str] = PERCEPTION + COGNITION) -> list[tuple[str, Path]]:
    """The `<subtask>.txt` of a folder, in the order of the benchmark.

    Raises:
        UsageError: there is none, or one with another name.
    """
    files = {path.stem: path for path in sorted(folder.glob("*.txt"))}
    if not files:
        raise UsageError(f"{folder}: no <subtask>.txt in it, e.g. {subtasks[0]}.txt (image, question, gold, answer)")
    for name, path in files.items():
        if name not in subtasks:
            raise UsageError(f"{path}: {unknown('MME subtask', name, subtasks)}")
    return [(name, files[name]) for name in subtasks if name in files]


def read_mme(
    path: Path, task: str, language: str, subtasks: Sequence[str] = PERCEPTION + COGNITION
) -> list[tuple[Sample, Response]]:
    """The answers of a folder (or of one subtask's file).

    Two adjacent lines are one image, as in the official program.
    Deviation: the program never looks whether the two lines name the same image; here they must.

    Args:
        path: the folder, or one `<subtask>.txt`.
        task: name of the task, first part of the ids.
        language: canonical tag of questions and answers.
        subtasks: the names that are allowed.

    Raises:
        UsageError: no or unknown subtask files; a line without four fields; a gold answer that is not yes or no; an
            odd number of lines, or two lines of different images where a pair should be (file and line).
    """
    if not path.is_dir():
        if path.suffix != ".txt" or path.stem not in subtasks:
            raise UsageError(f"{path}: expected a folder of <subtask>.txt files, or one of them")
        files = [(path.stem, path)]
    else:
        files = subtask_files(path, subtasks)
    pairs: list[tuple[Sample, Response]] = []
    for subtask, file in files:
        pairs += _read_subtask(subtask, file, task, language, len(pairs))
    return pairs


def _read_subtask(subtask: str, file: Path, task: str, language: str, start: int) -> list[tuple[Sample, Response]]:
    lines = read_text(file).rstrip("\n").split("\n")
    if lines == [""]:
        raise UsageError(f"{file}: no lines in it")
    if len(lines) % 2:
        raise UsageError(f"{file}:{len(lines)}: {len(lines)} lines, but every image needs exactly two")
    pairs = []
    previous = ""
    for number, line in enumerate(lines):
        where = f"{file}:{number + 1}"
        fields = line.split("\t")
        if len(fields) != FIELDS:
            raise UsageError(
                f"{where}: {len(fields)} tab-separated fields, expected {FIELDS} (image, question, gold, answer)"
            )
        image, question, gold, answer = fields
        if gold.lower() not in ("yes", "no"):
            raise UsageError(f"{where}: the gold answer is {gold!r}, expected Yes or No")
        if number % 2 and image != previous:
            raise UsageError(f"{where}: image {image!r} after {previous!r}: the two lines of an image must be adjacent")
        previous = image
        identity = f"{task}/{subtask}/{image}/{number % 2}"
        sample = Sample(
            id=identity,
            task=task,
            language=language,
            kind="yes_no",
            question=question,
            gold=gold.lower(),
            category=subtask,
            group=f"{task}/{subtask}/{number // 2}",
            cluster=cluster_of(subtask, image),
            order=start + number,
        )
        pairs.append((sample, Response(key=f"{identity}@{language}", text=answer)))
    return pairs
