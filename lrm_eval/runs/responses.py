"""The responses files: append-only, one line per answer, safe to kill at any moment.

A line goes out in one write to a file opened for appending, so a killed process leaves whole lines and
at most one half-written last line, which the next run cuts off. The last line of a key wins: an error
is asked again, and its new answer stands after it.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lrm_eval.errors import RunError
from lrm_eval.runs.codec import Json, Record, decode_record, encode_record, parse_line
from lrm_eval.runs.files import write_failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

    from lrm_eval.types import Request, Response

_FSYNC_SECONDS = 5.0
# Answers of all languages of a task come mixed (they share images), so all their files are open at once.
_OPEN_FILES = 128


@dataclass
class _OpenFile:
    handle: int
    dirty: bool = False


class ResponseWriter:
    """Appends records to responses files, each in one write; to disk every few seconds and at the end."""

    def __init__(self) -> None:
        self._files: dict[Path, _OpenFile] = {}
        self._evicted: set[Path] = set()
        self._synced = time.monotonic()

    def append(self, path: Path, request: Request, response: Response) -> None:
        """Append one record to `path`.

        Raises:
            RunError: the disk is full or the file cannot be written; the file then ends with its last whole line.
        """
        line = encode_record(request, response)
        try:
            file = self._open(path)
            size = os.fstat(file.handle).st_size
            try:
                # A write may stop short of the end when the disk fills: the rest raises.
                written = os.write(file.handle, line)
                while written < len(line):
                    written += os.write(file.handle, line[written:])
            except BaseException:
                if os.fstat(file.handle).st_size > size:
                    os.ftruncate(file.handle, size)
                raise
            file.dirty = True
            if time.monotonic() - self._synced > _FSYNC_SECONDS:
                self.sync()
        except OSError as error:
            raise write_failed(path, error) from error

    def _open(self, path: Path) -> _OpenFile:
        file = self._files.get(path)
        if file is None:
            if len(self._files) >= _OPEN_FILES:
                # Not forced to disk here: with more files than that, every answer would wait for it.
                oldest = next(iter(self._files))
                evicted = self._files.pop(oldest)
                os.close(evicted.handle)
                if evicted.dirty:
                    self._evicted.add(oldest)
            path.parent.mkdir(parents=True, exist_ok=True)
            file = _OpenFile(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666))
            self._files[path] = file
        return file

    def sync(self) -> None:
        """What was appended is on the disk when this returns."""
        for file in self._files.values():
            if file.dirty:
                os.fsync(file.handle)
                file.dirty = False
        while self._evicted:
            handle = os.open(self._evicted.pop(), os.O_WRONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        self._synced = time.monotonic()

    def __enter__(self) -> ResponseWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.sync()
        except OSError as problem:
            if error is None:
                raise write_failed(next(iter(self._files)), problem) from problem
        finally:
            while self._files:
                os.close(self._files.popitem()[1].handle)


def _bad_line(path: Path, number: int, why: object) -> RunError:
    return RunError(
        f"{path}, line {number}: not a record of a run ({why}); restore the file, or delete that line "
        "and type the same `lrm-eval run` again: it asks that question anew"
    )


def whole_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Number (from 1) and bytes of each complete line. No file has none; a half-written last line is left out."""
    if not path.exists():
        return
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                if line.endswith(b"\n"):
                    yield number, line
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror or error}") from error


def read_records(path: Path) -> list[Record]:
    """All records of a responses file: of each key the last line, in the order in which those stand.

    Raises:
        RunError: a whole line is not a record; file and line are named.
    """
    last: dict[str, Record] = {}
    for number, line in whole_lines(path):
        try:
            record = decode_record(line)
        except ValueError as error:
            raise _bad_line(path, number, error) from None
        last.pop(record.key, None)
        last[record.key] = record
    return list(last.values())


@dataclass
class Scan:
    """What a responses file holds.

    Attributes:
        answered: keys with an answer.
        failed: keys whose last line is an error; they are asked again.
        cut: bytes of a half-written last line that were cut off.
    """

    answered: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    cut: int = 0


def repair(path: Path) -> int:
    """Cut a half-written last line off; the number of bytes cut. Only for who holds the folder's lock.

    Raises:
        RunError: the file cannot be written.
    """
    if not path.exists():
        return 0
    try:
        with path.open("r+b") as stream:
            end = stream.seek(0, os.SEEK_END)
            keep, position = 0, end
            while position > 0 and keep == 0:
                start = max(0, position - 65536)
                stream.seek(start)
                found = stream.read(position - start).rfind(b"\n")
                keep = start + found + 1 if found >= 0 else 0
                position = start
            if keep < end:
                stream.truncate(keep)
                os.fsync(stream.fileno())
            return end - keep
    except OSError as error:
        raise write_failed(path, error) from error


def scan(path: Path, visit: Callable[[Json], None] | None = None) -> Scan:
    """Go through a responses file without keeping it in memory.

    Args:
        path: the file; need not exist.
        visit: called with each line's JSON, to compare it with what would be asked now.

    Raises:
        RunError: a whole line is not a record; file and line are named.
    """
    result = Scan()
    for number, line in whole_lines(path):
        try:
            data = parse_line(line)
            failed = data["response"].get("error") is not None
            if visit is not None:
                visit(data)
        except (ValueError, KeyError, TypeError) as error:
            raise _bad_line(path, number, error) from None
        key = data["key"]
        (result.failed if failed else result.answered).add(key)
        (result.answered if failed else result.failed).discard(key)
    return result
