"""Translations that exist: which data set has a benchmark in which languages, how it was made, where its files lie.

Each is a file `imports/<name>.yaml` beside the task. The files come from the model hub, from a fixed commit of a
repository on the web, or from the user's own disk; they are read like any other table (`importing`).
"""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Mapping  # noqa: TC003 (pydantic reads it)
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from lrm_eval.data import cache_dir, hub
from lrm_eval.errors import RunError, UsageError, unknown
from lrm_eval.runs.files import write_atomic
from lrm_eval.tasks.model import Dataset, Provenance
from lrm_eval.tasks.yamlfile import read_yaml, validate

if TYPE_CHECKING:
    from lrm_eval.languages import Language
    from lrm_eval.tasks.model import Task

_FOLDER = "imports"
_SECONDS = 60.0


class Existing(BaseModel):
    """The schema of `imports/<name>.yaml`.

    Attributes:
        title: what it is called.
        homepage: where its authors present it.
        contact: whom to ask.
        licence: licence of the translation.
        provenance: one of mteb's terms.
        translator: who or what translated and checked it, as its authors say.
        path: data set on the model hub; None for files on the web.
        url: where the files lie on the web; `{revision}` is filled in.
        revision: commit; None = resolved and locked at the first download (hub only).
        files: the files of one language; `{name}` is filled in.
        languages: language tag -> what the language is called in file names.
        part: whether it is known to leave out a part of the benchmark.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(min_length=1)
    homepage: str = Field(min_length=1)
    contact: str = Field(min_length=1)
    licence: str = Field(min_length=1)
    provenance: Provenance
    translator: str = Field(min_length=1)
    path: str | None = None
    url: str | None = None
    revision: str | None = None
    files: tuple[str, ...] = Field(min_length=1)
    languages: Mapping[str, str]
    part: StrictBool = False

    @model_validator(mode="after")
    def _one_place(self) -> Existing:
        if (self.path is None) == (self.url is None):
            raise ValueError("exactly one of 'path' (a data set on the hub) and 'url' (files on the web) must be given")
        if self.url is not None and self.revision is None:
            raise ValueError("files on the web need a 'revision': nothing else says which ones they are")
        return self


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one language.

    Attributes:
        paths: where they lie on this machine.
        revision: commit they are of; "" for the user's own.
    """

    paths: tuple[Path, ...]
    revision: str


def sources(task: Task) -> dict[str, Path]:
    """Name -> file of every translation of a task that is known."""
    folders = [task.folder, *(folder.parent for folder in task.pack_dirs)]
    return {path.stem: path for folder in folders for path in sorted((folder / _FOLDER).glob("*.yaml"))}


def load_existing(task: Task, name: str) -> Existing:
    """A translation of a task by its name.

    Raises:
        UsageError: no such name (with those that are known), or a mistake in its file.
    """
    known = sources(task)
    if not known:
        raise UsageError(f"task {task.name!r}: no translations are known; name a FILE and its --provenance")
    if name not in known:
        raise unknown(f"translation of {task.name}", name, known)
    return validate(read_yaml(known[name]), Existing)


def obtain(existing: Existing, name: str, language: Language) -> Files:
    """The files of a translation in one language, downloaded if they are not here.

    Raises:
        UsageError: it has not that language, or the hub does not have the files.
        RunError: no network, or the server failed.
    """
    there = existing.languages.get(language.tag)
    if there is None:
        known = ", ".join(sorted(existing.languages))
        raise UsageError(f"{existing.title} is not in {language.name}; it is in {known}")
    files = [file.format(name=there) for file in existing.files]
    if existing.path is not None:
        # One "split" a file: the hub's lock knows files by split.
        found = hub.fetch(Dataset(path=existing.path, revision=existing.revision, split=tuple(files), files="{split}"))
        return Files(tuple(path for _, path in found.files), found.revision)
    revision = str(existing.revision)
    base = str(existing.url).format(revision=revision)
    return Files(tuple(_download(f"{base}/{file}", name, revision, file) for file in files), revision)


def _download(url: str, name: str, revision: str, file: str) -> Path:
    path = cache_dir() / _FOLDER / name / revision / Path(file).name
    if path.is_file():
        return path
    if os.environ.get("HF_HUB_OFFLINE", "").strip().upper() in ("1", "ON", "YES", "TRUE"):
        raise UsageError(
            f"{url} is not on this machine and HF_HUB_OFFLINE is set; unset it to download, or name the FILE"
        )
    if not url.startswith(("https://", "http://127.0.0.1:")):
        raise UsageError(f"{url}: only https is downloaded from")
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310 (the scheme was checked)
            content = answer.read()
    except urllib.error.HTTPError as error:
        raise RunError(
            f"{url}: the server answered with status {error.code}; get it by hand and name the FILE"
        ) from None
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        raise RunError(f"{url} cannot be downloaded: {reason}; get it by hand and name the FILE") from None
    write_atomic(path, content)
    return path
