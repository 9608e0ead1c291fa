"""Rows of data files, whatever their format: JSON lines, JSON, TSV, CSV, parquet.

A row knows where it stands, so that every later mistake can be reported with file and line. Image
columns stay unread until `Row.image` is called.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from lrm_eval.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

JSON_LINES = frozenset({".jsonl", ".ndjson"})
SUFFIXES = (".parquet", ".jsonl", ".ndjson", ".json", ".tsv", ".csv")
# A base64 image is never this short: what stands in its place names the row that has it (VLMEvalKit's rule).
_REFERENCE_LENGTH = 64
# One cell may hold a whole image; the largest value a C long holds everywhere.
_CELL_LIMIT = 2**31 - 1

Values: TypeAlias = "Mapping[str, Any]"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a data file.

    Attributes:
        values: column -> value, without stored images.
        where: `file:line`; for parquet `file row N`, for a JSON list `file item N` (counted from 1).
        file: the file.
        number: position in the file, counted from 0.
        image: reads the cell of an image column: a path, base64 text, bytes, a {"bytes", "path"} mapping,
            a list of those, or None.
        split: the split that the file holds, if that is known from outside.
    """

    values: Values
    where: str
    file: Path
    number: int
    image: Callable[[str], object]
    split: str = ""

    def get(self, *columns: str) -> Any:
        """The first value among `columns` that is not missing, or None."""
        for column in columns:
            value = self.values.get(column)
            if not is_missing(value):
                return value
        return None


def is_missing(value: object) -> bool:
    """Whether a cell holds nothing: None, NaN or blanks. The words "nan" and "none" are text here."""
    if value is None or (isinstance(value, float) and value != value):
        return True
    return isinstance(value, str) and not value.strip()


def read_rows(path: Path, split: str = "") -> tuple[Row, ...]:
    """All rows of one data file.

    Args:
        path: a file with one of `SUFFIXES`.
        split: set on every row.

    Raises:
        UsageError: no such file, another format, or malformed content (with file and line).
    """
    try:
        stat = path.stat()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
    if path.is_dir():
        raise UsageError(f"{path}: is a folder, expected a file with rows ({', '.join(SUFFIXES)})")
    rows = _read(path, stat.st_mtime_ns, stat.st_size)
    return tuple(replace(row, split=split) for row in rows) if split else rows


def not_utf8(path: Path, error: UnicodeDecodeError) -> UsageError:
    """The line of a file in which it stops being UTF-8."""
    # `error.object` may be a block of the file only, and without its byte order mark.
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            return UsageError(f"{path}:{number}: not UTF-8 text")
    return UsageError(f"{path}: not UTF-8 text (byte {error.start})")


# Twelve languages read the same files: the rows, which never change, are kept.
@lru_cache(maxsize=16)
def _read(path: Path, mtime: int, size: int) -> tuple[Row, ...]:
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        from lrm_eval.data.parquet import read_parquet

        return read_parquet(path)
    if suffix not in SUFFIXES:
        raise UsageError(
            f"{path}: {suffix or 'a file without ending'} is no known format; known: {', '.join(SUFFIXES)}"
        )
    try:
        records = list(_json(path) if suffix in JSON_LINES or suffix == ".json" else _delimited(path, suffix))
    except UnicodeDecodeError as error:
        raise not_utf8(path, error) from None
    return tuple(_rows(path, records))


def _rows(path: Path, records: list[tuple[str, dict[str, Any]]]) -> Iterator[Row]:
    by_index = {str(values["index"]): values.get("image") for _, values in records if "index" in values}
    for number, (where, values) in enumerate(records):
        image = values.get("image")
        if by_index and isinstance(image, str) and len(image) <= _REFERENCE_LENGTH and image.strip().isdigit():
            reference = image.strip()
            if reference not in by_index:
                raise UsageError(f"{where}: image refers to row {reference!r}, and no row has that index")
            values["image"] = by_index[reference]
        yield Row(values, where, path, number, values.get)


def _json(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """JSON lines (POPE's .json files are that too), a JSON list, or SEED-Bench's {"questions": [...]}."""
    with path.open(encoding="utf-8-sig") as handle:
        text = handle.read()
    if path.suffix.lower() not in JSON_LINES:
        try:
            whole = json.loads(text)
        except json.JSONDecodeError as error:
            if text.lstrip().startswith("["):
                raise UsageError(f"{path}:{error.lineno}: malformed JSON: {error.msg}") from None
            whole = None
        if isinstance(whole, dict) and isinstance(whole.get("questions"), list):
            whole = whole["questions"]
        if isinstance(whole, list):
            for number, values in enumerate(whole, 1):
                if not isinstance(values, dict):
                    raise UsageError(f"{path}: item {number} is no JSON object")
                yield f"{path} item {number}", values
            return
    for line, content in enumerate(text.split("\n"), 1):
        if content.strip():
            yield f"{path}:{line}", json_object(content, f"{path}:{line}")


def json_object(text: str, where: str) -> dict[str, Any]:
    """One JSON object.

    Raises:
        UsageError: malformed JSON, another kind of value, or a key given twice; begins with `where`.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) != len(pairs):
            keys = [key for key, _ in pairs]
            raise UsageError(f"{where}: key {next(key for key in keys if keys.count(key) > 1)!r} is given twice")
        return values

    try:
        value = json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise UsageError(f"{where}: malformed JSON: {error.msg} (column {error.colno})") from None
    except RecursionError:
        raise UsageError(f"{where}: malformed JSON: nested too deeply") from None
    if not isinstance(value, dict):
        raise UsageError(f'{where}: expected a JSON object ({{"id": ...}})')
    return value


def _delimited(path: Path, suffix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    # csv and not pandas: "NA", "None" and "null" are answers, not missing values.
    previous = csv.field_size_limit(_CELL_LIMIT)
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            # Strict: a quote that nobody closes would otherwise swallow the rows after it.
            reader = csv.reader(handle, delimiter="\t" if suffix == ".tsv" else ",", strict=True)
            header = next(reader, None)
            if not header:
                raise UsageError(f"{path}:1: no header line")
            twice = [name for name in header if header.count(name) > 1]
            if twice:
                raise UsageError(f"{path}:1: column {twice[0]!r} is given twice")
            line = reader.line_num + 1
            for cells in reader:
                if cells and len(cells) != len(header):
                    raise UsageError(f"{path}:{line}: {len(cells)} fields, but the header has {len(header)}")
                if cells:
                    yield f"{path}:{line}", dict(zip(header, cells, strict=True))
                line = reader.line_num + 1
    except csv.Error as error:
        raise UsageError(f"{path}:{reader.line_num}: malformed table: {error}") from None
    finally:
        csv.field_size_limit(previous)
