"""From the columns of a row to the fields of a sample: names, options, gold answers."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from lrm_eval.data.rows import is_missing
from lrm_eval.errors import UsageError

if TYPE_CHECKING:
    from lrm_eval.data.rows import Row
    from lrm_eval.languages import Language
    from lrm_eval.tasks.model import Dataset, FieldName

LETTERS = ("A", "B", "C", "D", "E", "F", "G", "H")
ENGLISH = "en"
# Columns of the official releases that the hub's versions renamed: POPE's JSON lines, SEED-Bench's JSON.
_ALIASES: dict[str, tuple[str, ...]] = {
    "question": ("text",),
    "answer": ("label",),
}
_PUNCTUATION = " \t\r\n.,!。．،؛؟¡…。፡።"


def field(row: Row, name: FieldName, dataset: Dataset) -> Any:
    """A field of a row by our name: in the hub's column, in our own, or in the official release's.

    Returns:
        The first value that is not missing, or None.
    """
    mapped = dataset.fields.get(name)
    columns = (mapped, name) if mapped else (name,)
    return row.get(*columns, *_ALIASES.get(name, ()))


def text(value: object) -> str:
    """A cell as text: "" for a missing one; whole numbers without a decimal point."""
    if is_missing(value):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def is_none(value: object) -> bool:
    """Whether MMBench holds no option here: missing, or the word "nan" or "none" in any case.

    Source: LLaVA, llava/eval/model_vqa_mmbench.py (is_none).
    """
    return is_missing(value) or (isinstance(value, str) and value.lower() in {"nan", "none"})


def options_of(row: Row, dataset: Dataset) -> tuple[str, ...]:
    """Option texts in the order shown: an `options` list, a {"A": text} mapping, or columns A, B, ...

    Lettered columns end at the first that holds no option (`is_none`).
    Deviation: LLaVA cuts there even if the right answer lies behind; a word that stands before or at the
    answer's letter is an option here ("None" as the text of a real option).

    Raises:
        UsageError: `options` is neither a list nor a mapping of letters.
    """
    given = row.get("options")
    if given is None:
        cells = {letter: field(row, letter, dataset) for letter in LETTERS}  # type: ignore[arg-type]
    elif isinstance(given, Mapping):
        cells = {str(letter): cell for letter, cell in given.items()}
        unknown = sorted(set(cells) - set(LETTERS))
        if unknown:
            raise UsageError(f"{row.where}: option {unknown[0]!r}: options are lettered {LETTERS[0]} to {LETTERS[-1]}")
    elif isinstance(given, list | tuple):
        return tuple(text(option) for option in given)
    else:
        raise UsageError(f"{row.where}: 'options' must be a list of texts")
    answer = text(field(row, "answer", dataset)).strip()
    real = LETTERS.index(answer) if answer in LETTERS else -1
    options: list[str] = []
    for position, letter in enumerate(LETTERS):
        cell = cells.get(letter)
        if is_missing(cell) or (is_none(cell) and position > real):
            break
        options.append(text(cell))
    return tuple(options)


def labels_of(row: Row, options: tuple[str, ...]) -> tuple[str, ...]:
    """The labels shown before the options: the row's own `labels`, else A, B, ...

    Raises:
        UsageError: more options than letters, or not as many labels as options.
    """
    given = row.get("labels")
    labels = LETTERS[: len(options)] if given is None else tuple(text(label) for label in given)
    if len(labels) != len(options):
        raise UsageError(f"{row.where}: {len(options)} options but {len(labels)} labels")
    return labels


def gold_of(value: object, language: Language, labels: tuple[str, ...], options: tuple[str, ...]) -> str:
    """The gold answer in the form every scorer knows: "yes"/"no", or the label of the right option.

    Yes and no may be written in English or in the data's language ("ndiyo"), an option as its label or its whole
    text. English comes first: published labels are English whatever the language of the questions.
    Anything else stays as it is, for `check_samples` to complain about.
    """
    answer = text(value)
    if not labels:
        if isinstance(value, bool):
            return "yes" if value else "no"
        folded = _fold(answer)
        if folded in {"yes", "no"}:
            return folded
        for gold, words in (("yes", language.yes), ("no", language.no)):
            if folded in {_fold(word) for word in words}:
                return gold
        return answer
    stripped = answer.strip()
    if stripped in labels:
        return stripped
    by_case = [label for label in labels if label.casefold() == stripped.casefold()]
    by_text = [label for label, option in zip(labels, options, strict=True) if option == answer]
    found = by_case or by_text
    return found[0] if len(found) == 1 else answer


def _fold(word: str) -> str:
    return unicodedata.normalize("NFKC", word).casefold().strip(_PUNCTUATION)


def language_of(row: Row, default: str = ENGLISH) -> str:
    """Canonical tag of the language a row is in; `default` if it does not say.

    Raises:
        UsageError: a language nobody knows (with the row and the nearest name).
    """
    cell = row.values.get("language")
    # Asked of every row once for each language of a run: a string needs no more than this.
    value = cell.strip() if isinstance(cell, str) else text(cell).strip()
    if not value:
        return default
    try:
        return _canonical(value)
    except UsageError as error:
        raise UsageError(f"{row.where}: {error}") from None


@lru_cache(maxsize=1024)
def _canonical(name: str) -> str:
    from lrm_eval.languages import get

    return get(name).tag
