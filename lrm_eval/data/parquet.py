"""Parquet tables with images: text columns are read at once, images a row group at a time, when asked for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from lrm_eval.data.rows import Row
from lrm_eval.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_GROUPS_KEPT = 2


class ImageColumn:
    """The image column of one parquet file, as `datasets` writes it, read lazily.

    Requests come grouped by image, so the last row groups read are kept. Safe to use from several threads.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path, file: Any, name: str) -> None:
        self.path = path
        self._name = name
        self._starts: list[int] = []
        start = 0
        for group in range(file.metadata.num_row_groups):
            self._starts.append(start)
            start += file.metadata.row_group(group).num_rows
        self._groups: OrderedDict[int, Any] = OrderedDict()
        self._lock = threading.Lock()

    def value(self, row: int) -> object:
        """The cell of one row: bytes, text, a {"bytes", "path"} mapping, a list of those, or None.

        Raises:
            OSError: the file cannot be read any more.
            ValueError: the file is damaged (pyarrow's ArrowInvalid).
        """
        group = max(index for index, start in enumerate(self._starts) if start <= row)
        with self._lock:
            if group not in self._groups:
                # Opened for each read: a long run must not hold a file handle per shard.
                with pq.ParquetFile(self.path) as file:
                    self._groups[group] = file.read_row_group(group, columns=[self._name]).column(self._name)
                while len(self._groups) > _GROUPS_KEPT:
                    self._groups.popitem(last=False)
            self._groups.move_to_end(group)
            column = self._groups[group]
        value: object = column[row - self._starts[group]].as_py()
        return value


def read_parquet(path: Path) -> tuple[Row, ...]:
    """All rows of a parquet file, without its images.

    Raises:
        UsageError: not a parquet file, or a damaged one.
    """
    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            plain = [field.name for field in schema if not _holds_bytes(field.type)]
            columns = {name: file.read(columns=[name]).column(name).to_pylist() for name in plain}
            stored = {field.name: ImageColumn(path, file, field.name) for field in schema if field.name not in columns}
            count = file.metadata.num_rows
    except (OSError, ValueError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UsageError(f"{path}: not a readable parquet file: {first}") from None
    rows = []
    for number in range(count):
        values = {name: column[number] for name, column in columns.items()}
        rows.append(Row(values, f"{path} row {number + 1}", path, number, partial(_cell, stored, values, number)))
    return tuple(rows)


def _cell(stored: Mapping[str, ImageColumn], values: Mapping[str, object], number: int, column: str) -> object:
    return stored[column].value(number) if column in stored else values.get(column)


def _holds_bytes(kind: Any) -> bool:
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return True
    return any(_holds_bytes(kind.field(index).type) for index in range(kind.num_fields))
