"""Images of an exported task: each once, in one parquet file, found by content hash.

Questions in ten languages share their images, so they do not stand beside the questions. A row group holds a few
images, and one that is asked for is read with its group: nothing but the list of hashes stays in memory.
"""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from lrm_eval.types import ImageRef

FILE = "images.parquet"
_GROUP = 16
# Neighbouring questions are mostly about images of one group.
_GROUPS_KEPT = 4


def write_images(path: Path, images: Iterable[ImageRef]) -> int:
    """Write each content once, in the order in which it first appears.

    Returns:
        How many were written.

    Raises:
        RunError: an image cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("sha256", pa.string()), ("bytes", pa.binary())])
    written: set[str] = set()
    rows: list[dict[str, Any]] = []
    with pq.ParquetWriter(path, schema) as writer:
        for image in images:
            if image.sha256 in written:
                continue
            try:
                content = image.read()
            except (OSError, ValueError) as error:
                raise RunError(f"image {image.uri}: cannot be read: {error}") from error
            if image.sha256 is None:
                raise RunError(f"image {image.uri}: cannot be read")
            written.add(image.sha256)
            rows.append({"sha256": image.sha256, "bytes": content})
            if len(rows) == _GROUP:
                writer.write_table(pa.Table.from_pylist(rows, schema))
                rows.clear()
        if rows:
            writer.write_table(pa.Table.from_pylist(rows, schema))
    return len(written)


@functools.cache
def stored_images(path: Path) -> StoredImages:
    """The images of a file, opened once a process."""
    return StoredImages(path)


class StoredImages:
    """Reads `FILE`.

    Args:
        path: the file.

    Raises:
        RunError: it is not there, or not what `write_images` writes.
    """

    def __init__(self, path: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._path = path
        try:
            with contextlib.closing(pq.ParquetFile(path)) as file:
                groups = [
                    file.read_row_group(group, columns=["sha256"])["sha256"].to_pylist()
                    for group in range(file.num_row_groups)
                ]
        except (OSError, KeyError, pa.ArrowInvalid) as error:
            raise RunError(f"{path}: cannot be read as the images of an exported task ({error})") from error
        self._group_of = {sha256: group for group, names in enumerate(groups) for sha256 in names}
        self._group = functools.lru_cache(maxsize=_GROUPS_KEPT)(self._read)

    def content(self, sha256: str) -> bytes:
        """The encoded bytes of one image.

        Raises:
            ValueError: there is none of that hash.
        """
        if sha256 not in self._group_of:
            raise ValueError(f"{self._path}: has no image {sha256}")
        return self._group(self._group_of[sha256])[sha256]

    def _read(self, group: int) -> Mapping[str, bytes]:
        import pyarrow.parquet as pq

        with contextlib.closing(pq.ParquetFile(self._path)) as file:
            rows = file.read_row_group(group).to_pylist()
        return {row["sha256"]: row["bytes"] for row in rows}

    def reference(self, sha256: str) -> ImageRef:
        """A reference to one image."""
        from lrm_eval.types import ImageRef

        return ImageRef(f"{self._path}#{sha256}", sha256, functools.partial(self.content, sha256))
