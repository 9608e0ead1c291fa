"""One writer at a time in a run folder.

The lock is an advisory `flock` on `.lock`, which the system takes back the moment its process dies,
kill -9 included. The file also names its holder by process id and start time: for the message, and as
the rule on file systems where `flock` does nothing. A process id alone is not enough, ids are used again.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from lrm_eval.errors import RunError
from lrm_eval.runs.files import write_failed

if TYPE_CHECKING:
    from types import TracebackType

try:
    import fcntl
except ImportError:  # Windows: the holder's process id and start time decide alone.
    fcntl = None  # type: ignore[assignment]

_BUSY = {errno.EACCES, errno.EAGAIN}


def process_start(pid: int) -> str | None:
    """When a process started, in a form that only serves to compare; None if it is dead or cannot be told.

    Linux: clock ticks since boot, field 22 of /proc/<pid>/stat (proc(5)).
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name in field 2 may hold spaces and brackets: count from its last bracket.
    return stat.rpartition(")")[2].split()[19]


def _alive(pid: int, start: str | None) -> bool:
    if Path("/proc/self/stat").exists():
        return process_start(pid) is not None and process_start(pid) == start
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


class RunLock:
    """`with RunLock(folder):` — the folder is ours.

    Raises:
        RunError: another live process writes the folder; it is named.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / ".lock"
        self._handle: int | None = None

    def __enter__(self) -> RunLock:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            while self._handle is None:
                self._handle = self._try_open()
            self._write_holder(self._handle)
        except OSError as error:
            self._release()
            raise write_failed(self.path, error) from error
        return self

    def _try_open(self) -> int | None:
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if fcntl is not None:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError as error:
                    if error.errno in _BUSY:
                        raise self._busy(handle) from None
            # A holder that just ended may have removed the file that we opened: then ours guards nothing.
            try:
                current = self.path.stat().st_ino == os.fstat(handle).st_ino
            except FileNotFoundError:
                current = False
            if not current:
                os.close(handle)
                return None
            if self._holder_lives(handle):
                raise self._busy(handle)
        except RunError:
            os.close(handle)
            raise
        return handle

    def _holder(self, handle: int) -> dict[str, object]:
        try:
            holder = json.loads(os.pread(handle, 4096, 0) or b"{}")
        except ValueError:
            return {}
        return holder if isinstance(holder, dict) else {}

    def _holder_lives(self, handle: int) -> bool:
        holder = self._holder(handle)
        pid, start = holder.get("pid"), holder.get("start")
        if holder.get("host") != platform.node() or not isinstance(pid, int):
            return False
        return _alive(pid, start if isinstance(start, str) else None)

    def _busy(self, handle: int) -> RunError:
        holder = self._holder(handle)
        who = f"process {holder['pid']} on {holder.get('host')}" if "pid" in holder else "another process"
        return RunError(
            f"{self.path.parent} is being written by {who}: wait for it to end, or give `--out` another folder"
        )

    def _write_holder(self, handle: int) -> None:
        pid = os.getpid()
        holder = {"pid": pid, "start": process_start(pid), "host": platform.node()}
        os.ftruncate(handle, 0)
        os.pwrite(handle, (json.dumps(holder) + "\n").encode(), 0)

    def _release(self) -> None:
        if self._handle is not None:
            with contextlib.suppress(OSError):
                self.path.unlink()
            os.close(self._handle)
            self._handle = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()
