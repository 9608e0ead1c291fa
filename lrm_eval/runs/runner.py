"""A whole run: resolve -> plan -> check the folder -> ask -> derive -> write down."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lrm_eval.conditions import HideImage, Prompting
from lrm_eval.errors import RunError, UsageError
from lrm_eval.runs import environment, model
from lrm_eval.runs.claims import claimed_languages
from lrm_eval.runs.derive import Derived, derive
from lrm_eval.runs.execute import Counts, execute, one_line
from lrm_eval.runs.files import sha256_file, sweep, write_atomic
from lrm_eval.runs.folder import Cell, RunFolder
from lrm_eval.runs.images import THUMBNAIL_CAP, THUMBNAIL_SIDE, ImageStore
from lrm_eval.runs.lock import RunLock
from lrm_eval.runs.manifest import (
    SCHEMA,
    describe_cell,
    describe_task,
    grow,
    model_differences,
    plain_json,
    refuse,
    settings_differences,
    training_facts,
)
from lrm_eval.runs.plan import PlannedCell, check_keys, in_image_order, plan_cells
from lrm_eval.runs.resume import Resumed, resume
from lrm_eval.runs.reuse import derived_with, reusable
from lrm_eval.runs.selection import Selection, select
from lrm_eval.runs.signals import terminable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lrm_eval.cluster import ClusterOptions
    from lrm_eval.runs.observer import Observer
    from lrm_eval.types import Adapter, Request
    from model_adapters.servers.options import ServerOptions


@dataclass(frozen=True)
class Ask:
    """What a command asks for; the options of `lrm-eval run`, checked when the run begins."""

    model: str
    langs: str
    tasks: Sequence[str] | None = None
    suite: str | None = None
    data: Mapping[str, Path] = field(default_factory=dict)
    checkpoint: str | None = None
    limit: int | None = None
    out: Path | None = None
    seed: int = 0
    device: str | None = None
    dtype: str | None = None
    batch_size: int | Literal["auto"] = "auto"
    include_paths: Sequence[Path] = ()
    gen_kwargs: Mapping[str, Any] = field(default_factory=dict)
    prompt_lang: str = "native"
    answer_lang: str | None = None
    hide_image: HideImage = False
    prompting: Prompting = field(default_factory=Prompting)
    engine: Literal["auto", "shared", "plain"] = "auto"
    feature_cache: Path | None = None
    device_map: Literal["one", "auto"] = "one"
    cluster: ClusterOptions | None = None
    server: ServerOptions | None = None
    trust_remote_code: bool = False
    allow_pickle: bool = False
    argv: Sequence[str] = ()


@dataclass
class Finished:
    """A finished run.

    Attributes:
        folder: where it lies.
        cells: what this command asked for (the folder may hold more).
        counts: what this command asked anew.
        derived: scores of the whole folder, unfinished cells, errors.
    """

    folder: RunFolder
    cells: list[Cell]
    counts: Counts
    derived: Derived

    @property
    def errors(self) -> int:
        """Requests of the asked cells whose answer is an error."""
        return sum(self.derived.errors.get(cell, 0) for cell in self.cells)


def run(ask: Ask, observer: Observer) -> Finished:
    """Do everything that was asked, or go on where it stopped.

    Raises:
        UsageError: something cannot be done as asked; nothing was asked or changed.
        RunError: it failed on the way; what was answered is kept.
        RunInterrupted: Ctrl-C, SIGTERM or a closed terminal; what was answered is kept.
    """
    if ask.cluster is not None:
        ask.cluster.check(ask.device)
    chosen = select(ask)
    observer.headline(chosen.headline())
    for notice in chosen.notices:
        observer.notice(notice)
    cells = [
        cell
        for task, source in chosen.tasks
        for language in chosen.languages
        for cell in plan_cells(
            task, language, source, ask.limit, chosen.conditions, prompts=chosen.prompts, seed=ask.seed
        )
    ]
    check_keys(cells)
    folder = RunFolder(ask.out or Path("results") / chosen.spec.folder)
    with terminable(), _ready(folder), RunLock(folder.path):
        return _run_locked(ask, chosen, cells, folder, observer)


@contextlib.contextmanager
def _ready(folder: RunFolder) -> Iterator[None]:
    """Refuse folders that hold something else, and leave no empty folder behind when nothing came of the run."""
    path = folder.path
    if path.exists() and not path.is_dir():
        raise UsageError(f"--out {path}: there is a file of that name; name a folder")
    if path.is_dir() and not folder.manifest_path.exists() and any(item.name != ".lock" for item in path.iterdir()):
        raise UsageError(f"{path} is not empty and holds no run: give `--out` a new folder or that of a run")
    made = [parent for parent in (path, *path.parents) if not parent.exists()]
    try:
        yield
    except BaseException:
        for parent in made:
            with contextlib.suppress(OSError):
                parent.rmdir()
        raise


def _run_locked(
    ask: Ask, chosen: Selection, cells: list[PlannedCell], folder: RunFolder, observer: Observer
) -> Finished:
    sweep(folder.path)
    old = folder.manifest() if folder.manifest_path.exists() else None
    new = _manifest(ask, chosen, cells)
    resumed = resume(folder, cells)
    for notice in resumed.notices:
        observer.notice(notice)
    differences = settings_differences(old, new) if old is not None else []
    refuse(folder.path, differences + resumed.differences)

    adapter = model.load(ask, chosen.spec, observer)
    try:
        model.check(ask, chosen.spec, adapter, cells)
        new["model"] |= model.facts(adapter)
        new["command"]["environment"] = environment.environment(ask.device)
        if old is not None:
            refuse(folder.path, model_differences(old["model"], new["model"]))
        cells = model.fit(adapter, cells, observer)
        asked = {
            planned.cell
            for planned in cells
            if any(request.key not in resumed.scans[planned.cell].answered for request in planned.requests)
        }
        manifest = grow(old, new)
        _write(folder, manifest)
        counts = Counts()
        try:
            _ask(adapter, cells, resumed, folder, observer, counts)
            manifest["command"]["performance"] = model.performance(adapter, observer)
            derived = derive(folder, reusable(folder, old, manifest))
        except BaseException as error:
            # The folder must say how the run ended, but never at the price of the error that ended it.
            with contextlib.suppress(RunError):
                state = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
                _finish(folder, manifest, counts, state, one_line(error))
            raise
    finally:
        adapter.close()
    _count(manifest, folder, derived, {cell: sha for cell, sha in _recorded(old).items() if cell not in asked})
    _finish(folder, manifest, counts, "finished", None)
    return Finished(folder, [planned.cell for planned in cells], counts, derived)


def _manifest(ask: Ask, chosen: Selection, cells: list[PlannedCell]) -> dict[str, Any]:
    spec = chosen.spec
    return {
        "schema": SCHEMA,
        "model": {
            "name": spec.name,
            "adapter": spec.adapter,
            "checkpoint": None if spec.checkpoint is None else str(spec.checkpoint),
            "languages": claimed_languages(spec),
            **training_facts(None if spec.checkpoint is None else spec.checkpoint.path),
        },
        "seed": ask.seed,
        "gen_kwargs": plain_json(dict(ask.gen_kwargs)),
        "languages": [language.tag for language in chosen.languages],
        "tasks": {task.name: describe_task(task) for task, _ in chosen.tasks},
        "conditions": {condition.name: condition.facts() for condition in chosen.conditions},
        "cells": [describe_cell(planned) for planned in cells],
        "thumbnails": {"max_side": THUMBNAIL_SIDE, "cap": THUMBNAIL_CAP},
        "command": {
            "argv": list(ask.argv or sys.argv),
            "started": _now(),
            "finished": None,
            "state": "running",
            "suite": chosen.suite,
            "limit": ask.limit,
            "dtype": ask.dtype,
            "device": ask.device,
            "batch_size": ask.batch_size,
            "versions": environment.versions(),
            "code_sha256": environment.code_hashes(),
        },
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _ask(
    adapter: Adapter, cells: list[PlannedCell], resumed: Resumed, folder: RunFolder, observer: Observer, counts: Counts
) -> None:
    plan = in_image_order(cells)
    todo: list[tuple[Cell, Request]] = [
        (cell, request) for cell, request in plan if request.key not in resumed.scans[cell].answered
    ]
    observer.started(
        {planned.cell: (len(resumed.scans[planned.cell].answered), len(planned.requests)) for planned in cells}
    )
    if not todo:
        observer.ended()
        return
    prepare = getattr(adapter, "prepare", None)
    if callable(prepare):
        prepare([request for _, request in plan])
    try:
        execute(adapter, todo, folder, ImageStore(folder), observer, counts)
    finally:
        observer.ended()


def _recorded(manifest: Mapping[str, Any] | None) -> dict[Cell, str]:
    """The hashes of responses files that run.json holds."""
    return {
        Cell(entry["task"], entry["language"], entry["condition"]): str(entry["responses_sha256"])
        for entry in (manifest or {}).get("cells", [])
        if entry.get("responses_sha256")
    }


def _count(manifest: dict[str, Any], folder: RunFolder, derived: Derived, kept: Mapping[Cell, str]) -> None:
    """Write down per cell what its responses file is, for `lrm-eval verify`.

    Args:
        manifest: run.json, changed in place.
        folder: of the run.
        derived: readings and scores of it.
        kept: hashes of files that nothing was added to: they stay, lest a file that was changed in between be
            taken for the one that the model wrote.
    """
    for entry in manifest["cells"]:
        cell = Cell(entry["task"], entry["language"], entry["condition"])
        path = folder.responses_path(cell)
        if path.exists():
            entry["errors"] = derived.errors.get(cell, 0)
            entry["responses_sha256"] = kept.get(cell) or sha256_file(path)
    manifest["thumbnails"] = {**manifest["thumbnails"], "kept": ImageStore(folder).kept}
    manifest["scores_sha256"] = sha256_file(folder.scores_path)
    manifest["derived_with"] = derived_with()


def _write(folder: RunFolder, manifest: Mapping[str, Any]) -> None:
    import json

    write_atomic(folder.manifest_path, json.dumps(manifest, ensure_ascii=False, indent=1) + "\n")


def _finish(folder: RunFolder, manifest: dict[str, Any], counts: Counts, state: str, error: str | None) -> None:
    manifest["command"] |= {
        "finished": _now(),
        "state": state,
        "error": error,
        "answered": counts.answered,
        "errors": counts.errors,
    }
    _write(folder, manifest)


def rescore(folder: RunFolder) -> Derived:
    """Make readings and scores again from responses, under today's rules.

    Raises:
        RunError: a file is damaged, the folder is being written, or the disk is full.
    """
    with RunLock(folder.path):
        manifest = folder.manifest()
        derived = derive(folder)
        _count(manifest, folder, derived, _recorded(manifest))
        manifest["rescored"] = {
            "at": _now(),
            "versions": environment.versions(),
            "code_sha256": environment.code_hashes(),
        }
        _write(folder, manifest)
        return derived
