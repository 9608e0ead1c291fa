"""MME as its authors release it: a folder per subtask, one text file per image; or one table per subtask.

artwork/images/1.jpg  artwork/questions_answers_YN/1.txt      two lines "question <tab> Yes"
count/0001.jpg        count/0001.txt                          the same, side by side
count.txt                                                     lines "image <tab> question <tab> Yes"
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrm_eval.data.rows import Row, not_utf8
from lrm_eval.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
_QUESTIONS = "questions_answers_YN"


def is_mme_folder(folder: Path) -> bool:
    """Whether a folder has MME's own layout, in either form."""
    return bool(_tables(folder)) or any(_questions(item) for item in folder.iterdir() if item.is_dir())


def read_mme_folder(folder: Path) -> tuple[Row, ...]:
    """All questions, subtask by subtask.

    Raises:
        UsageError: a line that has not the columns of the layout (with file and line).
    """
    rows: list[Row] = []
    tables = _tables(folder)
    for table in tables:
        for line, cells in _lines(table, 3):
            image = _beside(folder, table.stem, cells[0])
            rows.append(_row(folder, table, line, len(rows), table.stem, image, cells))
    for subtask in [] if tables else sorted(item for item in folder.iterdir() if item.is_dir()):
        for file in _questions(subtask):
            image = _image_of(subtask, file.stem)
            for line, cells in _lines(file, 2):
                rows.append(_row(folder, file, line, len(rows), subtask.name, image, (image.name, *cells)))
    return tuple(rows)


def _tables(folder: Path) -> list[Path]:
    """The `<subtask>.txt` tables: a first line of three columns tells them from a readme."""
    tables = []
    for path in sorted(folder.glob("*.txt")):
        with path.open("rb") as handle:
            if handle.readline().count(b"\t") == 2:
                tables.append(path)
    return tables


def _questions(subtask: Path) -> list[Path]:
    named = subtask / _QUESTIONS
    files = sorted((named if named.is_dir() else subtask).glob("*.txt"))
    return [file for file in files if named.is_dir() or _image_of(subtask, file.stem).is_file()]


def _image_of(subtask: Path, stem: str) -> Path:
    candidates = [place / f"{stem}{suffix}" for place in (subtask / "images", subtask) for suffix in _IMAGES]
    return next((path for path in candidates if path.is_file()), candidates[0])


def _beside(folder: Path, subtask: str, name: str) -> Path:
    places = (folder / subtask, folder / subtask / "images", folder / "images" / subtask, folder / "images", folder)
    return next((place / name for place in places if (place / name).is_file()), places[0] / name)


def _lines(path: Path, columns: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    try:
        content = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise not_utf8(path, error) from None
    for line, text in enumerate(content.split("\n"), 1):
        if not text.strip():
            continue
        cells = tuple(cell.strip() for cell in text.split("\t"))
        if len(cells) != columns:
            raise UsageError(f"{path}:{line}: {len(cells)} tab-separated columns, expected {columns}")
        yield line, cells


def _row(folder: Path, file: Path, line: int, number: int, subtask: str, image: Path, cells: tuple[str, ...]) -> Row:
    name, question, answer = cells
    values = {
        "id": f"{subtask}/{name}",
        "image": str(image.resolve()),
        "question": question,
        "answer": answer,
        "category": subtask,
    }
    return Row(values, f"{file}:{line}", file, number, values.get)
