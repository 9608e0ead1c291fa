"""Shards of training samples: JSON lines beside a folder of images, or WebDataset tars that hold both.

A WebDataset shard is a plain tar in which consecutive files with the same name up to its first dot make a sample:
`0001.json` (the record) and `0001.jpg` (its image). The same samples in the same order as in JSON lines; whatever
reads WebDataset reads it. Here it is read at random by byte offset, as JSON lines are, without a library.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, get_args

import numpy as np

from lrm_eval.errors import UsageError, unknown
from lrm_eval.runs.files import sha256_file
from lrm_llava.conversations import RecordError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

Format: TypeAlias = Literal["jsonl", "webdataset"]
FORMATS: tuple[Format, ...] = get_args(Format)
SUFFIX: dict[Format, str] = {"jsonl": ".jsonl", "webdataset": ".tar"}
_RECORD = "json"
_IMAGES = frozenset({"png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "ppm", "img"})
_MODE = 0o644


class EmptyShardError(UsageError):
    """A shard without a sample, which may be left out where there are others."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Where the bytes of an image are: a file, or a stretch of a tar.

    Attributes:
        path: the file.
        offset: of the first byte.
        size: bytes; None for the rest of the file.
        name: the image's path in its record.
    """

    path: Path
    offset: int = 0
    size: int | None = None
    name: str = ""

    def __str__(self) -> str:
        return str(self.path) if self.size is None else f"{self.path}: {self.name}"

    def is_there(self) -> bool:
        """Whether there is such an image; it is not opened."""
        return self.path.is_file() and self.offset >= 0

    def read(self) -> bytes:
        """Its bytes.

        Raises:
            OSError: it cannot be read.
        """
        with self.path.open("rb") as file:
            file.seek(self.offset)
            return file.read(-1 if self.size is None else self.size)


class Shard(Protocol):
    """Samples of one file, read at random."""

    path: Path

    def __len__(self) -> int: ...

    def record(self, number: int) -> Any:
        """The record of a sample, from 0.

        Raises:
            RecordError: it is not JSON.
        """
        ...

    def picture(self, number: int, image: str) -> Picture:
        """The image that a record names."""
        ...

    def digest(self) -> str:
        """Of what the samples contain, images by their sizes alone where they lie in the shard."""
        ...


class LineShard:
    """JSON lines; images lie in a folder (protocol: `Shard`). 8 bytes a sample are held."""

    def __init__(self, path: Path, images: Path) -> None:
        self.path = path
        self._images = images
        offsets, at = [], 0
        with path.open("rb") as file:
            for line in file:
                if line.strip():
                    offsets.append(at)
                at += len(line)
        self._offsets = np.asarray(offsets, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._offsets)

    def record(self, number: int) -> Any:
        """See `Shard`."""
        # Opened for each record: 20 microseconds, and nothing to carry into worker processes.
        with self.path.open("rb") as file:
            file.seek(int(self._offsets[number]))
            return _parsed(file.readline())

    def picture(self, number: int, image: str) -> Picture:
        """See `Shard`."""
        return Picture(self._images / image, name=image)

    def digest(self) -> str:
        """See `Shard`."""
        return sha256_file(self.path)


class TarShard:
    """A WebDataset tar (protocol: `Shard`). 32 bytes a sample are held."""

    def __init__(self, path: Path) -> None:
        self.path = path
        rows: list[tuple[int, int, int, int]] = []
        key, own = "", [-1, 0, -1, 0]
        try:
            with tarfile.open(path, "r:") as tar:
                for member in tar:
                    if not member.isfile():
                        continue
                    name = PurePosixPath(member.name)
                    stem, _, extension = name.name.partition(".")
                    if (of := str(name.with_name(stem))) != key:
                        rows += [_whole(own, path, key)] if key else []
                        key, own = of, [-1, 0, -1, 0]
                    if extension.lower() == _RECORD:
                        own[:2] = member.offset_data, member.size
                    elif extension.lower() in _IMAGES:
                        own[2:] = member.offset_data, member.size
        except tarfile.TarError as error:
            raise UsageError(f"{path}: no readable tar: {error}") from None
        rows += [_whole(own, path, key)] if key else []
        self._at = np.asarray(rows, dtype=np.int64).reshape(-1, 4)  # [N, 4] record offset and size, image likewise

    def __len__(self) -> int:
        return len(self._at)

    def record(self, number: int) -> Any:
        """See `Shard`."""
        offset, size = (int(value) for value in self._at[number, :2])
        return _parsed(Picture(self.path, offset, size).read())

    def picture(self, number: int, image: str) -> Picture:
        """See `Shard`."""
        offset, size = (int(value) for value in self._at[number, 2:])
        return Picture(self.path, offset, size, image)

    def digest(self) -> str:
        """See `Shard`."""
        found = hashlib.sha256(self._at.tobytes())
        with self.path.open("rb") as file:
            for offset, size in self._at[:, :2]:
                file.seek(int(offset))
                found.update(file.read(int(size)))
        return found.hexdigest()


def _whole(own: Sequence[int], path: Path, key: str) -> tuple[int, int, int, int]:
    if own[0] < 0:
        raise UsageError(f"{path}: {key} has no .json beside it")
    return own[0], own[1], own[2], own[3]


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RecordError(f"not JSON: {error}") from error


def open_shard(path: Path, images: Path) -> Shard:
    """A shard by its ending.

    Args:
        path: .jsonl or .tar.
        images: what image paths in JSON lines are relative to.

    Raises:
        UsageError: it is missing, empty (EmptyShardError), or no tar.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such shard; `lrm-llava data build` writes them")
    found: Shard = TarShard(path) if path.suffix == SUFFIX["webdataset"] else LineShard(path, images)
    if not len(found):
        raise EmptyShardError(f"{path}: empty shard")
    return found


def shard_files(folder: Path) -> list[Path]:
    """The shards of a folder in order; none if there are none.

    Raises:
        UsageError: there are shards of both formats, which may be the same samples.
    """
    by_format = {suffix: sorted(folder.glob(f"*{suffix}")) for suffix in SUFFIX.values()}
    there = [paths for paths in by_format.values() if paths]
    if len(there) > 1:
        raise UsageError(f"{folder}: holds shards of two formats ({', '.join(by_format)}): keep one of them")
    return there[0] if there else []


def samples_of(path: Path, images: Path) -> Iterator[tuple[int, Any, Picture | None]]:
    """Number (from 1), record and image of every sample of a shard; a record that is not JSON is a RecordError."""
    shard = open_shard(path, images)
    for number in range(len(shard)):
        try:
            record = shard.record(number)
        except RecordError as error:
            yield number + 1, error, None
            continue
        image = record.get("image") if isinstance(record, dict) else None
        yield number + 1, record, shard.picture(number, image) if isinstance(image, str) else None


def format_of(name: str) -> Format:
    """A format by its name.

    Raises:
        UsageError: there is no such format.
    """
    for known in FORMATS:
        if known == name:
            return known
    raise unknown("format", name, FORMATS)


def write_shard(path: Path, lines: Sequence[str], images: Path, stem: str) -> None:
    """Write a shard in the format of its ending; whole, or not at all. The same samples give the same bytes.

    Args:
        path: .jsonl or .tar.
        lines: a record a line, with its line break.
        images: what image paths are relative to; read for a tar alone, and there must be there.
        stem: begins the samples' names in a tar.
    """
    partial = path.with_name(f".{path.name}.partial")
    if path.suffix != SUFFIX["webdataset"]:
        partial.write_text("".join(lines), encoding="utf-8")
        partial.replace(path)
        return
    # Names end at their first dot.
    key = stem.replace(".", "_")
    with tarfile.open(partial, "w:", format=tarfile.USTAR_FORMAT) as tar:
        for number, line in enumerate(lines):
            image = json.loads(line).get("image")
            name = f"{key}-{number:06d}"
            _add(tar, f"{name}.{_RECORD}", line.rstrip("\n").encode())
            if image is not None:
                extension = PurePosixPath(image).suffix.lower().lstrip(".")
                known = extension if extension in _IMAGES else "img"
                _add(tar, f"{name}.{known}", (images / image).read_bytes())
    partial.replace(path)


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    # TarInfo's own defaults (time 0, user 0) keep clock and user out of the bytes.
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), _MODE
    tar.addfile(info, io.BytesIO(content))
