"""Data sets of the model hub: resolve the revision, lock it, download the parquet files.

A revision that a YAML leaves open is resolved at the first download and written to a lock file, so that
the next run reads the same rows; run.json copies it from there. HF_ENDPOINT (mirrors), HF_HUB_OFFLINE,
HF_HOME and HF_TOKEN mean what they mean to `huggingface_hub`; a token never appears in a message.
"""

from __future__ import annotations

import errno
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrm_eval.data.places import cache_dir
from lrm_eval.errors import LrmEvalError, RunError, UsageError

if TYPE_CHECKING:
    from lrm_eval.tasks.model import Dataset

LOCK_FILE = "hub-lock.json"
_MAIN = "main"
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)


@dataclass(frozen=True, slots=True)
class Fetched:
    """Parquet files of a data set on this machine.

    Attributes:
        revision: commit they are of.
        files: (split, file) in the order in which they are read.
    """

    revision: str
    files: tuple[tuple[str, Path], ...]


def lock_path() -> Path:
    """The file that holds the locked revisions."""
    return cache_dir() / LOCK_FILE


def fetched(dataset: Dataset) -> Fetched | None:
    """What is already on this machine, or None. Reads the lock file only: no network, no hub library."""
    entry = _locks().get(dataset.path or "", {})
    revision = dataset.revision or entry.get("revision")
    stored = entry.get("files", {}).get(revision, {}) if revision else {}
    files: list[tuple[str, Path]] = []
    for split, pattern in dataset.patterns():
        paths = [Path(path) for path in stored.get(pattern, ())]
        if not paths or not all(path.is_file() for path in paths):
            return None
        files.extend((split, path) for path in paths)
    return Fetched(str(revision), tuple(files)) if files else None


def fetch(dataset: Dataset) -> Fetched:
    """The parquet files of a data set, downloaded if they are not here yet.

    Raises:
        UsageError: no such data set, revision or files, or one that needs an account.
        RunError: no network, or the hub failed.
    """
    here = fetched(dataset)
    if here is not None:
        return here
    if dataset.path is None:
        raise UsageError("this task has no data set on the hub; give its data with --data TASK=PATH")
    wanted = dataset.revision or _locks().get(dataset.path, {}).get("revision")
    try:
        result = _download(dataset, dataset.path, wanted)
    except LrmEvalError:
        raise
    except Exception as error:
        raise _explained(error, dataset.path, wanted) from None
    _lock(dataset, result)
    return result


def _download(dataset: Dataset, path: str, wanted: str | None) -> Fetched:
    from huggingface_hub import HfApi, constants, snapshot_download

    if not constants.HF_HUB_OFFLINE:
        # Asked first for its errors: snapshot_download tells most of them as a file missing from the cache.
        HfApi().dataset_info(path, revision=wanted)
    patterns = dataset.patterns()
    snapshot = Path(
        snapshot_download(
            path,
            repo_type="dataset",
            revision=wanted or _MAIN,
            allow_patterns=[pattern for _, pattern in patterns],
            local_files_only=constants.HF_HUB_OFFLINE,
        )
    )
    files: list[tuple[str, Path]] = []
    for split, pattern in patterns:
        found = sorted(snapshot.glob(pattern))
        if not found:
            raise UsageError(
                f"hub data set {path!r} has no file {pattern!r} at revision {snapshot.name}; "
                "if its layout has changed, name the files with --data TASK=PATH or a task YAML of your own"
            )
        files.extend((split, item) for item in found)
    # The folder of a snapshot is named by its commit, whatever branch was asked for.
    return Fetched(snapshot.name, tuple(files))


def _explained(error: Exception, path: str, revision: str | None) -> LrmEvalError:
    from huggingface_hub import constants, errors

    name = f"hub data set {path!r}"
    local = "or give local data with --data TASK=PATH"
    if isinstance(error, errors.GatedRepoError):
        return UsageError(
            f"{name} is gated: accept its terms at {constants.ENDPOINT}/datasets/{path}, then `hf auth login`"
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return UsageError(f"{name} has no revision {revision!r}; `revision: null` in the task YAML takes the newest")
    if isinstance(error, errors.RepositoryNotFoundError):
        return UsageError(f"{name} does not exist at {constants.ENDPOINT}, or is private (`hf auth login`); {local}")
    if isinstance(error, OSError) and error.errno in _DISK:
        return RunError(f"{name} cannot be stored: {error.strerror}; set HF_HOME to a folder with room for it")
    if constants.HF_HUB_OFFLINE:
        return UsageError(f"{name} is not on this machine and HF_HUB_OFFLINE is set; unset it to download, {local}")
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is not None:
        return RunError(f"{name}: {constants.ENDPOINT} answered with status {status}; try again later, {local}")
    network = isinstance(error, OSError) or type(error).__module__.partition(".")[0] in {"httpx", "httpx2", "httpcore"}
    if network:
        return RunError(
            f"{name} cannot be downloaded: {constants.ENDPOINT} cannot be reached ({type(error).__name__}); "
            f"check the network, set HF_ENDPOINT to a mirror, {local}"
        )
    return RunError(f"{name} cannot be downloaded: {type(error).__name__}; {local}")


def _locks() -> dict[str, Any]:
    path = lock_path()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path}: the lock file of downloads cannot be read ({error}); delete it to resolve anew"
        ) from None
    datasets = content.get("datasets") if isinstance(content, dict) else None
    return datasets if isinstance(datasets, dict) else {}


def _lock(dataset: Dataset, result: Fetched) -> None:
    """Write the revision and the files down; the newest of two writers at once wins, neither is torn."""
    if dataset.path is None:
        return
    datasets = _locks()
    entry = datasets.setdefault(dataset.path, {})
    if dataset.revision is None:
        entry["revision"] = result.revision
    files = entry.setdefault("files", {}).setdefault(result.revision, {})
    for split, pattern in dataset.patterns():
        files[pattern] = [str(path) for owner, path in result.files if owner == split]
    path = lock_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=LOCK_FILE)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({"schema": 1, "datasets": datasets}, file, indent=1, sort_keys=True)
    Path(temporary).replace(path)
