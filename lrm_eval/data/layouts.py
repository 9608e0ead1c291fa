"""Benchmarks that people wrote in each language: from the rows of their own layouts to rows with our fields.

    CVQA      hub rows: ID, Subset, Question, Translated Question, Options, Translated Options, Label, Category
    MaRVL     hub rows: id, language, hypothesis, label, left_img, right_img; the authors' JSON lines: caption, left_img
    M5-VGR    rows from the authors' WebDataset shards, see `lrm_eval.data.m5_folder`
    XM3600    hub rows: image_id, captions; Google's captions.jsonl: image/key and one mapping a language

A row that has our own fields already (id, question, answer, ...) stays as it is. Sources of the layouts: the data set
cards of afaji/cvqa, floschne/marvl and floschne/xm3600; marvl-challenge/marvl-code; google/crossmodal-3600.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from lrm_eval.data.fields import LETTERS, text
from lrm_eval.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lrm_eval.data.rows import Row
    from lrm_eval.tasks.model import Task

# Where MaRVL's pictures lie beside its statements: in a folder a concept, or all in one.
_FOLDERS = ("", "images/", "../images/")
_CVQA_OPTIONS = {"Question": "Options", "Translated Question": "Translated Options"}
# Names in CVQA's subsets that are written otherwise in the registry.
_CVQA_NAMES = {"Egyptian_Arabic": "ar"}
_XM3600_KEY = "image/key"
_TRUE = {"true", "yes", "1"}
_FALSE = {"false", "no", "0"}


def adapt(task: Task, rows: Sequence[Row], tag: str | None = None) -> tuple[Row, ...]:
    """Rows with our fields.

    Args:
        task: whose rows.
        rows: as they were read.
        tag: the language that is asked for: rows of others may be left out; None = keep all.

    Raises:
        UsageError: a row lacks what its layout always has (with file and line).
    """
    layout = _LAYOUTS.get(task.benchmark)
    return tuple(rows) if layout is None else tuple(layout(task, rows, tag))


def _cvqa(task: Task, rows: Sequence[Row], tag: str | None) -> Iterator[Row]:
    question = task.dataset.fields.get("question", "Question")
    if question not in _CVQA_OPTIONS:
        raise UsageError(f"task {task.name!r}: field 'question' must be {' or '.join(map(repr, _CVQA_OPTIONS))}")
    for row in rows:
        if "Subset" not in row.values:
            yield row
            continue
        language, country = _subset(row)
        if language is None:
            continue
        options = row.values.get(_CVQA_OPTIONS[question])
        if isinstance(options, str):  # an early upload stored the list as text
            options = ast.literal_eval(options) if options.strip().startswith("[") else None
        label = row.values.get("Label")
        if not isinstance(options, list | tuple) or len(options) < 2:
            raise UsageError(f"{row.where}: CVQA has a list of options in {_CVQA_OPTIONS[question]!r}")
        if not isinstance(label, int) or not 0 <= label < len(options):
            raise UsageError(f"{row.where}: CVQA's Label must be 0 to {len(options) - 1}, here it is {label!r}")
        yield _with(
            row,
            id=text(row.values.get("ID")),
            question=text(row.values.get(question)),
            options=[text(option) for option in options],
            answer=LETTERS[label],
            category=text(row.values.get("Category")),
            split=country,
            language=language,
        )


def _subset(row: Row) -> tuple[str | None, str]:
    """(tag or None if the registry has no such language, country) of "('Swahili', 'Kenya')"."""
    from lrm_eval.languages import get

    given = row.values.get("Subset")
    try:
        language, country = ast.literal_eval(given or "")
    except (ValueError, SyntaxError, TypeError):
        raise UsageError(f"{row.where}: Subset {given!r}: expected a language and a country") from None
    try:
        return get(_CVQA_NAMES.get(language, language)).tag, str(country)
    except UsageError:
        # Breton, Minangkabau: nobody can ask for what the registry does not have.
        return None, str(country)


def _marvl(task: Task, rows: Sequence[Row], tag: str | None) -> Iterator[Row]:
    own = [row for row in rows if "left_img" in row.values or "left_img_id" in row.values]
    pictures = {id(row): _marvl_names(row) for row in own}
    sets = _components([(_statement(row), *pictures[id(row)]) for row in own])
    for row in rows:
        if id(row) not in pictures:
            yield row
            continue
        statement = _statement(row)
        if not statement:
            raise UsageError(f"{row.where}: no hypothesis (or caption) in this row of MaRVL")
        yield _with(
            row,
            image=_marvl_images(task, row),
            id=text(row.values.get("id")),
            question=statement,
            answer=_yes_no(row, "label"),
            category=text(row.values.get("chapter")),
            split="",
            group=_digest(f"{row.values.get('concept')}/{statement}"),
            # Pictures and statements recur: what shares one of them is no independent evidence.
            cluster=sets[statement],
        )


def _statement(row: Row) -> str:
    return text(row.get("hypothesis", "caption")).strip()


def _marvl_names(row: Row) -> tuple[str, str]:
    """What tells the two pictures from all others of the language."""
    concept = text(row.values.get("concept"))
    left, right = (text(row.get(f"{side}_img_id", f"{side}_img")) for side in ("left", "right"))
    return f"{concept}/{left}", f"{concept}/{right}"


def _marvl_images(task: Task, row: Row) -> Callable[[], object]:
    if "image" in task.dataset.fields:
        return partial(row.image, task.dataset.fields["image"])
    if isinstance(row.values.get("left_img"), str):
        names = [_beside(row, f"{row.values.get('concept')}/", str(row.values[f"{side}_img"])) for side in _SIDES]
        return lambda: names
    return lambda: [row.image(f"{side}_img") for side in _SIDES]


_SIDES = ("left", "right")


def _beside(row: Row, folder: str, name: str) -> str:
    """The picture's path, relative to the data file: the first that is there, else the authors' own place."""
    candidates = [f"{place}{inner}{name}" for place in _FOLDERS for inner in (folder, "")]
    found = next((path for path in candidates if (row.file.parent / path).is_file()), None)
    return found or f"images/{folder}{name}"


def _m5(task: Task, rows: Sequence[Row], tag: str | None) -> Iterator[Row]:
    for row in rows:
        if "hypothesis" not in row.values:
            yield row
            continue
        statement = text(row.values.get("hypothesis")).strip()
        yield _with(
            row,
            id=text(row.get("sample_id", "id")),
            question=statement,
            answer=_yes_no(row, "label_str" if "label_str" in row.values else "label"),
            category=text(row.values.get("topic")),
            split="",
            group=_digest(statement),
        )


def _xm3600(task: Task, rows: Sequence[Row], tag: str | None) -> Iterator[Row]:
    for row in rows:
        if _XM3600_KEY in row.values:
            yield from _google_captions(row, tag)
        elif "captions" in row.values:
            # The hub has a file a language and no column for it.
            language = row.split or row.file.stem.partition("-")[0]
            locale = text(row.values.get("image_locale"))
            yield _captioned(
                row, text(row.values.get("image_id")), row.values["captions"], locale, _known_tag(language)
            )
        else:
            yield row


def _google_captions(row: Row, tag: str | None) -> Iterator[Row]:
    key, locale = text(row.values[_XM3600_KEY]), text(row.values.get("image/locale"))
    image = _beside(row, "", f"{key}.jpg")
    for name, found in row.values.items():
        language = _known_tag(name) if isinstance(found, Mapping) and "caption" in found else None
        if language is not None and tag in (None, language):
            made = _captioned(row, key, found["caption"], locale, language)
            yield replace(made, image=lambda column: image if column == "image" else None)


@lru_cache(maxsize=256)
def _known_tag(name: str) -> str | None:
    from lrm_eval.languages import get

    try:
        return get(name).tag
    except UsageError:
        return None  # fil, mi, quz


def _captioned(row: Row, name: str, captions: object, locale: str, language: str | None = None) -> Row:
    if not isinstance(captions, list | tuple) or not any(text(caption).strip() for caption in captions):
        raise UsageError(f"{row.where}: no captions: expected a list of texts")
    # One reference a line: a caption is a sentence and has no line ends.
    references = [" ".join(text(caption).split()) for caption in captions if text(caption).strip()]
    made = _with(row, id=name, question="", answer="\n".join(references), category="", split=locale)
    return made if language is None else replace(made, values={**made.values, "language": language})


def _yes_no(row: Row, column: str) -> str:
    value = row.values.get(column)
    word = text(value).strip().casefold() if not isinstance(value, bool) else str(value).casefold()
    if word in _TRUE:
        return "yes"
    if word in _FALSE:
        return "no"
    raise UsageError(f"{row.where}: {column} {value!r} is neither true nor false")


def _with(row: Row, image: Callable[[], object] | None = None, **values: Any) -> Row:
    """The row with our fields in the place of its layout's."""
    kept = {"language": row.values["language"]} if row.values.get("language") is not None else {}
    if image is None:
        return replace(row, values={**kept, **values})
    return replace(row, values={**kept, **values}, image=lambda name: image() if name == "image" else row.image(name))


def _components(members: Sequence[tuple[str, ...]]) -> dict[str, str]:
    """Name -> name of its connected component; the names in one tuple belong together. Near-linear (union-find)."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for first, *others in members:
        for other in others:
            parent[root(other)] = root(first)
    return {name: _digest(root(name)) for name in list(parent)}


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]


_LAYOUTS: dict[str, Callable[[Task, Sequence[Row], str | None], Iterator[Row]]] = {
    "cvqa": _cvqa,
    "marvl": _marvl,
    "m5-vgr": _m5,
    "xm3600": _xm3600,
}
