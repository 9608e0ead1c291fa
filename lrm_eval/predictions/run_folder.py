"""The responses of a run: the folder, or one `responses/<task>/<lang>[.<condition>].jsonl` of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lrm_eval.errors import RunError, UsageError, unknown
from lrm_eval.predictions.model import Predictions
from lrm_eval.types import DEFAULT_CONDITION

if TYPE_CHECKING:
    from pathlib import Path

    from lrm_eval.predictions.table import Row


def is_run(path: Path) -> bool:
    """Whether a path is a run folder."""
    return path.is_dir() and (path / "responses").is_dir()


def is_responses(row: Row) -> bool:
    """Whether a row is one of a responses file."""
    return isinstance(row.values.get("sample"), dict) and isinstance(row.values.get("response"), dict)


def read_responses(path: Path) -> Predictions:
    """One responses file; of a key that was asked again the last line counts.

    Raises:
        UsageError: a damaged line (file and line).
    """
    from lrm_eval.runs.responses import read_records

    try:
        records = read_records(path)
    except RunError as error:
        raise UsageError(str(error)) from None
    if not records:
        raise UsageError(f"{path}: no responses in it")
    ordered = sorted(records, key=lambda record: (record.order, record.key))
    condition = path.name.removesuffix(".jsonl").partition(".")[2]
    return Predictions(
        pairs=tuple((record.sample, record.response) for record in ordered),
        language=ordered[0].sample.language,
        condition=condition or DEFAULT_CONDITION,
    )


def read_run(path: Path, task: str, language: str | None) -> list[Predictions]:
    """The responses of one task, in one language or in all that the run has.

    Raises:
        UsageError: the run has no such task or language; a damaged line.
    """
    folder = path / "responses" / task
    tasks = sorted(each.name for each in (path / "responses").iterdir() if each.is_dir())
    if not folder.is_dir():
        raise UsageError(f"{path}: {unknown('task of this run', task, tasks)}")
    planned = _planned(path)
    found = [
        _with_note(read_responses(file), planned.get(f"{task}/{file.stem}")) for file in sorted(folder.glob("*.jsonl"))
    ]
    chosen = [each for each in found if language is None or each.language == language]
    if not chosen:
        languages = sorted({each.language for each in found})
        raise UsageError(f"{path}: no {task} answers in {language!r}; it has: {', '.join(languages) or 'none'}")
    return chosen


def _planned(path: Path) -> dict[str, int]:
    """How many questions each responses file of a run will have, by `<task>/<lang>[.<condition>]`."""
    from lrm_eval.runs.folder import RunFolder

    try:
        return {cell.stem: count for cell, count in RunFolder(path).planned().items()}
    except RunError:
        # Responses without their run.json can be scored all the same.
        return {}


def _with_note(part: Predictions, planned: int | None) -> Predictions:
    """A score over part of a data set must not look like one over all of it."""
    if planned is None or len(part.pairs) >= planned:
        return part
    return replace(part, notes=(*part.notes, f"unfinished run: {len(part.pairs)} of {planned} answers"))


def model_name(path: Path) -> str:
    """The model that run.json names, else the folder's name."""
    import json

    try:
        name = json.loads((path / "run.json").read_text(encoding="utf-8"))["model"]["name"]
    except (OSError, ValueError, KeyError, TypeError):
        return path.name
    return str(name)
