"""Answers that exist already -> a run folder: with responses, readings, scores and a page, like any other run.

It can be reported, compared, rescored and verified. It cannot be gone on with: no model is behind it.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import UsageError
from lrm_eval.prompts import build_request
from lrm_eval.runs import environment
from lrm_eval.runs.files import sha256_file, write_atomic
from lrm_eval.runs.folder import Cell, RunFolder
from lrm_eval.runs.images import THUMBNAIL_CAP, THUMBNAIL_SIDE, ImageStore
from lrm_eval.runs.lock import RunLock
from lrm_eval.runs.manifest import SCHEMA, describe_cell, describe_task, grow
from lrm_eval.runs.plan import PlannedCell
from lrm_eval.runs.responses import ResponseWriter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lrm_eval.tasks import Task
    from lrm_eval.types import Response, Sample

ADAPTER = "recorded"


@dataclass(frozen=True, slots=True)
class Recorded:
    """The answers of one task in one language.

    Attributes:
        task: the task.
        language: canonical tag.
        pairs: each question with its answer, in the order of the data.
        file: where the answers stood.
        source: where the questions stood, or None where they are the task's own.
        wanted: how many questions there are; fewer answers are an unfinished run, which has no scores.
    """

    task: Task
    language: str
    pairs: tuple[tuple[Sample, Response], ...]
    file: Path
    source: Path | None
    wanted: int


def record(out: Path, model: str, program: str, parts: Sequence[Recorded]) -> RunFolder:
    """Write answers as a run folder, or add them to one that this made before.

    Args:
        out: the folder: new, empty, or of the same model.
        model: name in tables.
        program: which harness gave the answers, e.g. "lmms-eval".
        parts: one a task and language.

    Returns:
        The folder. It has no scores yet: `lrm_eval.rescore` makes them.

    Raises:
        UsageError: the folder holds something else, or answers to these questions already.
        RunError: the disk is full. Then everything is as it was.
    """
    folder = RunFolder(out)
    if out.exists() and not folder.manifest_path.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not empty and holds no run: name a new folder")
    cells = [_planned(part) for part in parts]
    names = [planned.cell for planned in cells]
    twice = next((cell for cell in names if names.count(cell) > 1), None)
    if twice is not None:
        raise UsageError(f"two of the files have answers to {twice}: give one")
    fresh = not out.exists()
    try:
        with RunLock(out):
            old = folder.manifest() if folder.manifest_path.exists() else None
            if old is not None:
                _check_old(folder, old, model, names)
            manifest = grow(old, _manifest(model, program, parts, cells))
            written = _write(folder, parts, cells)
            manifest["thumbnails"] = {**manifest["thumbnails"], "kept": written}
            write_atomic(folder.manifest_path, json.dumps(manifest, ensure_ascii=False, indent=1) + "\n")
    except BaseException:
        for cell in names:
            if not _known(folder, cell):
                folder.responses_path(cell).unlink(missing_ok=True)
        if fresh:
            shutil.rmtree(out, ignore_errors=True)
        raise
    return folder


def _planned(part: Recorded) -> PlannedCell:
    cell = Cell(part.task.name, part.language)
    requests = tuple(build_request(part.task, sample) for sample, _ in part.pairs)
    return PlannedCell(cell, part.task, part.source, None, requests)


def _known(folder: RunFolder, cell: Cell) -> bool:
    return folder.manifest_path.exists() and cell in folder.planned()


def _check_old(folder: RunFolder, old: Mapping[str, Any], model: str, names: Sequence[Cell]) -> None:
    if old["model"].get("adapter") != ADAPTER:
        raise UsageError(f"{folder.path} is a run of its own: answers of another program are no part of it")
    if old["model"]["name"] != model:
        raise UsageError(f"{folder.path} has the answers of {old['model']['name']}, not of {model}: name another --out")
    for cell in names:
        if cell in folder.planned():
            raise UsageError(f"{folder.path} has answers to {cell} already: name another --out")


def _write(folder: RunFolder, parts: Sequence[Recorded], cells: Sequence[PlannedCell]) -> int:
    images = ImageStore(folder)
    with ResponseWriter() as writer:
        for part, planned in zip(parts, cells, strict=True):
            for request, (sample, response) in zip(planned.requests, part.pairs, strict=True):
                writer.append(folder.responses_path(planned.cell), request, response)
                for image in sample.images:
                    if image.sha256 is not None:
                        images.problem(image)  # keeps a thumbnail for the pages
    return images.kept


def _manifest(model: str, program: str, parts: Sequence[Recorded], cells: Sequence[PlannedCell]) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    described = []
    for part, planned in zip(parts, cells, strict=True):
        entry = {**describe_cell(planned), "planned": part.wanted}
        entry["recorded"] = {"program": program, "file": part.file.name, "sha256": sha256_file(part.file)}
        described.append(entry)
    return {
        "schema": SCHEMA,
        "model": {
            "name": model,
            "adapter": ADAPTER,
            "checkpoint": None,
            "fingerprint": {"adapter": ADAPTER, "program": program},
            "settings": {},
        },
        "seed": 0,
        "gen_kwargs": {},
        "languages": list(dict.fromkeys(part.language for part in parts)),
        "tasks": {part.task.name: describe_task(part.task) for part in parts},
        "cells": described,
        "thumbnails": {"max_side": THUMBNAIL_SIDE, "cap": THUMBNAIL_CAP},
        "command": {
            "argv": list(sys.argv),
            "started": now,
            "finished": now,
            "state": "finished",
            "error": None,
            "answered": sum(len(part.pairs) for part in parts),
            "errors": 0,
            "suite": None,
            "limit": None,
            "dtype": None,
            "device": None,
            "batch_size": None,
            "versions": environment.versions(),
            "code_sha256": environment.code_hashes(),
            "environment": environment.environment(),
        },
    }
