"""Rows of prediction files: JSON lines, TSV, CSV and xlsx, each row with its place for error messages.

No pandas: it takes "NA", "None" and "null" in an answer or an option for missing values.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lrm_eval.data.rows import json_object
from lrm_eval.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

# A cell of MMBench's TSV may hold a whole image; the largest value a C long holds everywhere.
_CELL_LIMIT = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its values by column, and `file:line`."""

    values: Mapping[str, Any]
    where: str

    def has(self, *columns: str) -> str | None:
        """The first of the columns that the row has, whatever is in it."""
        return next((column for column in columns if column in self.values), None)

    def need(self, *columns: str) -> Any:
        """The value of the first of the columns that the row has.

        Raises:
            UsageError: it has none of them.
        """
        column = self.has(*columns)
        if column is None:
            wanted = " or ".join(repr(name) for name in columns)
            close = nearest(columns[0], self.values)
            hint = f"; did you mean {close[0]!r}?" if close else f" (it has: {', '.join(map(str, self.values))})"
            raise UsageError(f"{self.where}: no field {wanted}{hint}")
        return self.values[column]

    def text(self, *columns: str) -> str:
        """The first of the columns that the row has, as text; "" if missing."""
        column = self.has(*columns)
        return "" if column is None else as_text(self.values[column])


def is_missing(value: object) -> bool:
    """None, NaN or an empty cell."""
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def as_text(value: object) -> str:
    """A cell as text: "" for a missing one, whole numbers without a decimal point, nothing stripped."""
    if is_missing(value):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def read_text(path: Path) -> str:
    """A text file with every line end a plain line feed, a byte order mark removed.

    Raises:
        UsageError: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise UsageError(f"{path}:{line}: not UTF-8 text") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None


def json_lines(path: Path) -> list[Row]:
    """Rows of JSON lines, whatever the file's ending; blank lines are skipped.

    Raises:
        UsageError: no such file, malformed JSON (with line), or no rows at all.
    """
    rows = []
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if line.strip():
            where = f"{path}:{number}"
            rows.append(Row(json_object(line, where), where))
    return _some(rows, path)


def first_line(path: Path) -> Row:
    """The first row of JSON lines, without reading the rest.

    Raises:
        UsageError: as `json_lines`.
    """
    try:
        with path.open(encoding="utf-8-sig") as handle:
            for number, line in enumerate(handle, 1):
                if line.strip():
                    return Row(json_object(line, f"{path}:{number}"), f"{path}:{number}")
    except (OSError, UnicodeDecodeError):
        pass
    return json_lines(path)[0]


def table(path: Path) -> list[Row]:
    """Rows of a file by its ending: .tsv, .csv, .xlsx; anything else is JSON lines.

    Raises:
        UsageError: as the readers of each format.
    """
    if path.is_dir():
        raise UsageError(f"{path}: is a folder, expected a file with predictions")
    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        return _some(list(_xlsx(path)), path)
    if suffix in (".tsv", ".csv"):
        return _some(list(_delimited(path, "\t" if suffix == ".tsv" else ",")), path)
    return json_lines(path)


def _some(rows: list[Row], path: Path) -> list[Row]:
    if not rows:
        raise UsageError(f"{path}: no rows in it")
    return rows


def _header(cells: Iterable[object], where: str) -> list[str]:
    names = [as_text(cell) for cell in cells]
    twice = [name for name in names if name and names.count(name) > 1]
    if twice:
        raise UsageError(f"{where}: column {twice[0]!r} is given twice")
    return names


def _delimited(path: Path, delimiter: str) -> Iterator[Row]:
    # Not str.splitlines, which also parts lines at U+2028 and other characters that an answer may hold.
    lines = io.StringIO(read_text(path), newline="\n")
    previous = csv.field_size_limit(_CELL_LIMIT)
    try:
        # Strict: a quote that nobody closes would otherwise swallow the rows after it.
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        line = 1
        header = _header(next(reader, []), f"{path}:1")
        line = reader.line_num + 1
        for cells in reader:
            if cells and len(cells) != len(header):
                raise UsageError(f"{path}:{line}: {len(cells)} fields, but the header has {len(header)}")
            if cells:
                yield Row(dict(zip(header, cells, strict=True)), f"{path}:{line}")
            line = reader.line_num + 1
    except csv.Error as error:
        raise UsageError(f"{path}:{line}: malformed table: {error}") from None
    finally:
        csv.field_size_limit(previous)


def _xlsx(path: Path) -> Iterator[Row]:
    import zipfile

    import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (zipfile.BadZipFile, KeyError, ValueError, openpyxl.utils.exceptions.InvalidFileException):
        raise UsageError(f"{path}: not an Excel workbook (.xlsx)") from None
    try:
        sheet = book.worksheets[0] if book.worksheets else None
        lines = sheet.iter_rows(values_only=True) if sheet is not None else iter(())
        header = _header(next(lines, ()), f"{path}:1")
        for number, cells in enumerate(lines, 2):
            values = {name: cell for name, cell in zip(header, cells, strict=False) if name}
            if any(not is_missing(value) for value in values.values()):
                yield Row(values, f"{path}:{number}")
    finally:
        book.close()
