"""The numbers of papers that ship with the project (results/published), as data."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrm_eval.errors import RunError
from lrm_eval.resources import published_dir

if TYPE_CHECKING:
    from pathlib import Path

PAPER = "Li et al. 2025, doi:10.1609/aaai.v39i23.34623"
# The order of the paper's tables; "Sp" in the paper is es.
LANGUAGES = ("en", "cs", "de", "fr", "hr", "it", "ro", "ru", "es", "zh")
NON_ENGLISH = LANGUAGES[1:]


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """A table as printed: `columns` of the file, and per line a text or a number per column (None: not printed)."""

    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]

    def number(self, row: dict[str, str], column: str) -> float | None:
        """A number of a line; None where nothing was printed.

        Raises:
            RunError: what stands there is no number.
        """
        text = row.get(column, "")
        try:
            value = float(text) if text else None
        except ValueError:
            raise RunError(f"published numbers: {column} is {text!r}, not a number") from None
        if value is not None and not math.isfinite(value):
            raise RunError(f"published numbers: {column} is {text!r}, not a number")
        return value


def load(name: str, folder: Path | None = None) -> PublishedTable:
    """Reads `<name>.csv` from results/published (or another folder of that form).

    Raises:
        RunError: the file is missing or not a table.
    """
    path = (folder or published_dir()) / f"{name}.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows = tuple(dict(row) for row in reader)
    except OSError as error:
        raise RunError(f"cannot read published numbers {path}: {error.strerror or error}") from error
    if not reader.fieldnames or any(None in row or None in row.values() for row in rows):
        raise RunError(f"{path}: a line has more or fewer columns than the first one")
    return PublishedTable(tuple(reader.fieldnames), rows)
