"""Which files a task is read from in a language: `--data`, the bundled file, or the hub's parquet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrm_eval.data import hub
from lrm_eval.data.layouts import adapt
from lrm_eval.data.m5_folder import read_shards, shards
from lrm_eval.data.mme_folder import is_mme_folder, read_mme_folder
from lrm_eval.data.rows import SUFFIXES, Row, read_rows
from lrm_eval.errors import UsageError, nearest

if TYPE_CHECKING:
    from pathlib import Path

    from lrm_eval.tasks.model import Task

ENGLISH = "en"
POPE_SPLITS = ("random", "popular", "adversarial")
_PREFERRED = ("data", "samples", "test", "dev")


@dataclass(frozen=True, slots=True)
class Source:
    """The rows of a task for one language, before they are samples.

    Attributes:
        rows: all rows, in file order.
        default_language: language of rows that do not name one.
        partial: whether the data may be a part of the benchmark (the user's own files).
        files: the files they were read from.
        revision: commit of the hub's data set, if it came from there.
    """

    rows: tuple[Row, ...]
    default_language: str
    partial: bool
    files: tuple[Path, ...]
    revision: str | None = None


def find_source(task: Task, tag: str, source: Path | None = None) -> Source:
    """Read the rows of a task for one language; download them if they come from the hub.

    Raises:
        UsageError: the path does not exist or holds no data that can be read.
        RunError: the hub cannot be reached (see `lrm_eval.data.hub`).
    """
    if source is not None:
        return local_source(task, source, tag)
    dataset = task.dataset_of(tag)
    if dataset.local is not None:
        path = task.folder / dataset.local
        if not path.is_file():
            raise UsageError(f"{path}: the data of task {task.name!r} is missing; {rebuild(task)}")
        return Source(read_rows(path), ENGLISH, partial=False, files=(path,))
    if dataset.manual is not None:
        raise UsageError(f"task {task.name!r}: {dataset.manual}; then give it with --data {task.name}=PATH")
    fetched = hub.fetch(dataset)
    rows = adapt(task, tuple(row for split, path in fetched.files for row in read_rows(path, split)), tag)
    own = task.language(tag).dataset is not None
    files = tuple(path for _, path in fetched.files)
    return Source(rows, tag if own else ENGLISH, partial=False, files=files, revision=fetched.revision)


def rebuild(task: Task) -> str:
    """What to do when a task's own file is missing."""
    if task.tiny:
        return "`lrm-llava tiny data` makes it again, or install lrm-eval again"
    return f"give it with --data {task.name}=PATH"


def local_source(task: Task, path: Path, tag: str | None = None) -> Source:
    """Read `--data TASK=PATH`: a file, or a folder with a data file and its images.

    Args:
        task: the task.
        path: what the user named.
        tag: the language that is asked for; rows of others may be left out.

    Raises:
        UsageError: no such path, no data in it, or more than one data file to choose from.
    """
    path = path.expanduser()
    if not path.exists():
        close = nearest(path.name, [item.name for item in path.parent.iterdir()]) if path.parent.is_dir() else []
        hint = f"; did you mean {str(path.parent / close[0])!r}?" if close else ""
        raise UsageError(f"--data {task.name}={path}: no such file or folder{hint}")
    if path.is_dir() and task.benchmark == "mme" and is_mme_folder(path):
        rows = read_mme_folder(path)
        return Source(rows, ENGLISH, partial=True, files=tuple(dict.fromkeys(row.file for row in rows)))
    if task.benchmark == "m5-vgr" and (found := [path] if path.suffix == ".tar" else shards(path)):
        return Source(adapt(task, read_shards(found), tag), ENGLISH, partial=True, files=tuple(found))
    files = _files_of(task, path) if path.is_dir() else [("", path)]
    rows = adapt(task, tuple(row for split, file in files for row in read_rows(file, split)), tag)
    if not rows:
        raise UsageError(f"--data {task.name}={path}: holds no rows")
    return Source(rows, ENGLISH, partial=True, files=tuple(file for _, file in files))


def _files_of(task: Task, folder: Path) -> list[tuple[str, Path]]:
    """(split, file) of the data files in a folder."""
    files = sorted(item for item in folder.iterdir() if item.is_file() and item.suffix.lower() in SUFFIXES)
    if task.benchmark == "pope":
        by_split = [(split, file) for split in POPE_SPLITS for file in files if split in file.stem.lower()]
        if by_split:
            return by_split
    if not files:
        raise UsageError(f"--data {task.name}={folder}: no data file in this folder (looked for {', '.join(SUFFIXES)})")
    if all(file.suffix.lower() == ".parquet" for file in files):
        return [("", file) for file in files]  # one table, or its shards
    chosen = files if len(files) == 1 else [file for file in files if file.stem.lower() in _PREFERRED]
    if len(chosen) != 1:
        names = ", ".join(file.name for file in files)
        raise UsageError(f"--data {task.name}={folder}: which of these is the data? name one file: {names}")
    return [("", chosen[0])]
