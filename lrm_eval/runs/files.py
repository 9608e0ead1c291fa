"""Writing so that a reader sees the old file or the new one, never half of one; and hashes of files."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lrm_eval.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterable

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def write_failed(path: Path, error: OSError) -> RunError:
    """The one line that a user reads when a file cannot be written."""
    if error.errno in _FULL:
        return RunError(
            f"disk full: cannot write {path} ({error.strerror}); everything answered before is kept: "
            "make room and type the same command again"
        )
    return RunError(f"cannot write {path}: {error.strerror or error}")


def write_atomic(path: Path, content: bytes | str, durable: bool = True) -> None:
    """Replace `path` by `content` in one step; its folder is made if need be.

    Args:
        path: the file.
        content: its new content.
        durable: whether it must outlive a power cut too, which takes milliseconds; a killed process never harms it.

    Raises:
        RunError: disk full, or not allowed. Then `path` is as it was before and no temporary file is left.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        # mkstemp gives 0600; a result is an ordinary file that colleagues may read.
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)
        Path(temporary).replace(path)
        temporary = None
    except OSError as error:
        raise write_failed(path, error) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()


def sweep(folder: Path) -> None:
    """Remove what a process that was killed within `write_atomic` left. For who holds the folder's lock."""
    for path in folder.rglob(".*.tmp"):
        with contextlib.suppress(OSError):
            path.unlink()


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of a file's content.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_tree(root: Path, files: Iterable[Path]) -> str:
    """One hash over names (relative to `root`) and contents of files, in the order of their names."""
    digest = hashlib.sha256()
    for name, path in sorted((path.relative_to(root).as_posix(), path) for path in files):
        digest.update(f"{name}\0{sha256_file(path)}\n".encode())
    return digest.hexdigest()
