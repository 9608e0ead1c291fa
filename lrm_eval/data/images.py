"""References to images: where one lies, what it contains, and how to get its bytes.

The image cell of a row may be a path, base64 text, a data URL, bytes, or the {"bytes", "path"} mapping that
`datasets` writes; a list of those for several images.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from lrm_eval.types import ImageRef

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lrm_eval.data.rows import Row

# Where benchmarks keep their images beside the data file: MME releases, LLaVA's layout of COCO.
_FOLDERS = ("", "images", "val2014")
# Base64 of the smallest PNG is about this long; a path of that length ends in a file name.
_SHORTEST_BASE64 = 64
# The same images are asked in every language: each is read and hashed once a process (uri, file time, file size).
_digests: dict[tuple[str, int, int], str] = {}
# And each file has one reference: in a hundred languages these were a third of a plan's memory.
_files: dict[tuple[str, str], ImageRef] = {}


def image_refs(row: Row, column: str | None = None, read: bool = True) -> tuple[ImageRef, ...]:
    """References to the images of a row.

    An image that cannot be read stays as a reference without a hash: that is an error of its own sample, later,
    and no reason to stop here.

    Args:
        row: the row.
        column: the data's name of the image column, if it is not "image".
        read: whether to read each image for its content hash.

    Returns:
        One reference per image; one that cannot be read if the row has none.
    """
    problem = "no image in this row"
    for name in _columns(column):
        try:
            cells = _cells(row.image(name))
        except (OSError, ValueError) as error:
            cells, problem = [], f"{type(error).__name__}: {error}"
        if cells:
            return tuple(_ref(row, name, cell, position, read) for position, cell in enumerate(cells))
    return (ImageRef(row.where, None, partial(_fail, f"{row.where}: {problem}")),)


def image_name(row: Row, column: str | None = None) -> str:
    """The path of a row's image as the data gives it, if that can be known without its content, else ""."""
    for name in _columns(column):
        cell = row.values.get(name)
        if isinstance(cell, str) and cell.strip() and not _is_encoded(cell):
            return cell.strip()
    return ""


def _columns(column: str | None) -> tuple[str, ...]:
    # SEED-Bench's own JSON calls the image file data_id.
    return (column, "image", "data_id") if column else ("image", "data_id")


def _ref(row: Row, column: str, cell: object, position: int, read: bool) -> ImageRef:
    path = _path(row, cell)
    reader: Callable[[], bytes]
    if path is not None:
        uri, reader = str(path), path.read_bytes
    else:
        # Another column of the same row is another image.
        suffix = ("" if column in _columns(None) else f".{column}") + (f".{position}" if position else "")
        uri, reader = f"{row.file}#{row.number}{suffix}", partial(_embedded, row, column, position)
    digest = None
    if read:
        try:
            digest = _digest(uri, path or row.file, reader)
        except (OSError, ValueError):
            digest = None
    if path is None or digest is None:
        return ImageRef(uri, digest, reader)
    return _files.setdefault((uri, digest), ImageRef(uri, digest, reader))


def _digest(uri: str, file: Path, reader: Callable[[], bytes]) -> str:
    stat = file.stat()
    key = (uri, stat.st_mtime_ns, stat.st_size)
    if key not in _digests:
        _digests[key] = hashlib.sha256(reader()).hexdigest()
    return _digests[key]


def _cells(value: object) -> list[object]:
    cells = value if isinstance(value, list | tuple) else [value]
    return [cell for cell in cells if not _is_empty(cell)]


def _is_empty(cell: object) -> bool:
    if isinstance(cell, Mapping):
        return not cell.get("bytes") and not cell.get("path")
    return cell is None or (isinstance(cell, str) and not cell.strip()) or cell == b""


def _is_encoded(cell: str) -> bool:
    """Whether text is an image itself rather than the path of one."""
    text = cell.strip()
    if text.startswith("data:"):
        return True
    return len(text) >= _SHORTEST_BASE64 and "." not in text[-256:]


def _path(row: Row, cell: object) -> Path | None:
    if isinstance(cell, Mapping):
        cell = None if cell.get("bytes") else cell.get("path")
    if not isinstance(cell, str) or _is_encoded(cell):
        return None
    candidates = [row.file.parent / folder / cell.strip() for folder in _FOLDERS]
    return next((path for path in candidates if path.is_file()), candidates[0])


def _embedded(row: Row, column: str, position: int) -> bytes:
    cell = _cells(row.image(column))[position]
    if isinstance(cell, Mapping):
        cell = cell["bytes"]
    if isinstance(cell, str):
        text = cell.strip()
        if text.startswith("data:"):
            text = text.partition(",")[2]
        return base64.b64decode("".join(text.split()), validate=True)
    if not isinstance(cell, bytes | bytearray):
        raise ValueError(f"{row.where}: an image cannot be a {type(cell).__name__}")
    return bytes(cell)


def _fail(message: str) -> bytes:
    raise OSError(message)
