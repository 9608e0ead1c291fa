"""Are the questions of a run those it says it asked, and those of the task?

A responses file holds every question with its gold answer. Whoever changes a gold answer there changes a score that
still follows from the responses; the hash in run.json and the task's own data tell.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import LrmEvalError
from lrm_eval.runs.check import Check
from lrm_eval.runs.codec import dumps_line
from lrm_eval.runs.folder import Cell
from lrm_eval.runs.responses import scan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lrm_eval.runs.folder import RunFolder
    from lrm_eval.types import Sample

_FIELDS = ("question", "hint", "options", "labels", "gold", "kind", "category", "split", "group")


def check_questions(folder: RunFolder, manifest: Mapping[str, Any]) -> list[Check]:
    """The questions of every cell against run.json, and against the task's data where that is on this machine."""
    checks = []
    for entry in manifest.get("cells", []):
        cell = Cell(entry["task"], entry["language"], entry["condition"])
        if not folder.responses_path(cell).is_file():
            continue
        samples = _stored(folder, cell)
        recorded = entry.get("data_sha256")
        if recorded is not None and len(samples) == entry["planned"]:
            same = digest(samples) == recorded
            detail = "" if same else "not those that run.json has the hash of"
            checks.append(Check(f"questions of {cell}", same, detail))
        checks += _against_task(cell, entry, manifest, samples)
    return checks


def _stored(folder: RunFolder, cell: Cell) -> list[dict[str, Any]]:
    """The samples as they stand in the file, in the order of the data."""
    found: dict[str, tuple[int, dict[str, Any]]] = {}

    def keep(data: dict[str, Any]) -> None:
        found[data["key"]] = (data["order"], data["sample"])

    scan(folder.responses_path(cell), keep)
    return [sample for _, (_, sample) in sorted(found.items(), key=lambda pair: (pair[1][0], pair[0]))]


def digest(samples: list[dict[str, Any]]) -> str:
    """`lrm_eval.runs.manifest.data_digest` from the lines of a responses file."""
    found = hashlib.sha256()
    for sample in samples:
        images = [image["sha256"] for image in sample["images"]]
        found.update(dumps_line({**sample, "images": images}))
    return found.hexdigest()


def _against_task(
    cell: Cell, entry: Mapping[str, Any], manifest: Mapping[str, Any], stored: list[dict[str, Any]]
) -> list[Check]:
    what = f"questions of {cell} against the task's data"
    if entry.get("source") is not None:
        return [Check(what, None, f"asked from {entry['source']}, which this machine cannot vouch for")]
    try:
        own = _own(cell)
    except LrmEvalError as error:
        return [Check(what, None, f"not checked: {error}")]
    if own is None:
        return [Check(what, None, "not checked: the task's data is not on this machine")]
    version = str(manifest.get("tasks", {}).get(cell.task, {}).get("version", ""))
    if version and version != own[0]:
        return [Check(what, None, f"not checked: version {own[0]} of the task is installed, asked was {version}")]
    wrong = [sample["id"] for sample in stored if _content(sample) != own[1].get(sample["id"])]
    if wrong:
        return [Check(what, False, f"{len(wrong)} are not the task's (e.g. {wrong[0]})")]
    return [Check(what, True)]


def _own(cell: Cell) -> tuple[str, dict[str, tuple[Any, ...]]] | None:
    """Version and questions of the installed task; None where its data would have to be downloaded."""
    from lrm_eval import languages
    from lrm_eval.data import availability, load_samples
    from lrm_eval.tasks import load_task

    task, language = load_task(cell.task), languages.get(cell.language)
    if availability(task, language).state != "ready":
        return None
    samples = load_samples(task, language)
    return str(task.version), {sample.id: _of_sample(sample) for sample in samples}


def _of_sample(sample: Sample) -> tuple[Any, ...]:
    return (*(_plain(getattr(sample, name)) for name in _FIELDS), [image.sha256 for image in sample.images])


def _content(stored: Mapping[str, Any]) -> tuple[Any, ...]:
    return (*(_plain(stored.get(name)) for name in _FIELDS), [image["sha256"] for image in stored["images"]])


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
