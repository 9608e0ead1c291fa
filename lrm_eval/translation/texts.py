"""Files for people who translate: CSV, TSV, PO and XLIFF, out and back in.

Each different English text stands once, with what it is, the items that have it and the question it belongs to. A
draft (the text of a pack that is there) is marked as one: PO calls it fuzzy, XLIFF `needs-review-translation`, a table
has the column `state`. What comes back as a draft counts as not translated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrm_eval.data.rows import read_rows
from lrm_eval.errors import UsageError, nearest
from lrm_eval.translation import problems, textual

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lrm_eval.languages import Language
    from lrm_eval.translation.english import Unit

TABLES = (".csv", ".tsv")
PO = (".po", ".pot")
XLIFF = (".xlf", ".xliff")
SUFFIXES = (*TABLES, *PO, *XLIFF)
DRAFT = "draft"
_COLUMNS = ("source", "translation")


@dataclass(frozen=True, slots=True)
class Text:
    """One text to translate.

    Attributes:
        source: in English.
        translation: "" if there is none yet.
        draft: whether `translation` still has to be looked at.
        kind: "question", "hint" or "option".
        items: ids of the items that have it, the first few.
        count: how many there are.
        question: the question that an option or a hint belongs to, "" for a question.
        where: `file:line` it was read from, or "".
    """

    source: str
    translation: str = ""
    draft: bool = False
    kind: str = ""
    items: tuple[str, ...] = ()
    count: int = 0
    question: str = ""
    where: str = ""

    def note(self) -> str:
        """What a translator should know, in one line."""
        more = f" and {self.count - len(self.items)} more" if self.count > len(self.items) else ""
        of = f" of the question: {self.question}" if self.question else ""
        return f"{self.kind}{of} ({', '.join(self.items)}{more})"


_SHOWN_ITEMS = 3


def texts_of(units: Sequence[Unit], drafts: Mapping[str, str]) -> list[Text]:
    """The different texts of a task that need a translation, in the order of its data.

    Args:
        units: the lines a pack needs.
        drafts: English text -> a translation to start from.
    """
    kinds: dict[str, tuple[str, str]] = {}
    items: dict[str, list[str]] = {}
    for unit in units:
        named = [(unit.question, "question", ""), (unit.hint, "hint", unit.question)]
        named += [(option, "option", unit.question) for option in unit.options]
        for text, kind, question in named:
            if text and textual.translatable(text):
                kinds.setdefault(text, (kind, question))
                items.setdefault(text, []).append(unit.id)
    return [
        Text(text, drafts.get(text, ""), text in drafts, kind, tuple(items[text][:_SHOWN_ITEMS]), len(items[text]), of)
        for text, (kind, of) in kinds.items()
    ]


def write_texts(path: Path, texts: Sequence[Text], task: str, language: Language) -> None:
    """Write a file for translators; its ending decides the form.

    Raises:
        UsageError: another ending.
        RunError: it cannot be written.
    """
    from lrm_eval.translation import textfiles

    writer = textfiles.WRITERS.get(path.suffix.lower())
    if writer is None:
        raise UsageError(f"{path}: a file for translators ends in {', '.join(SUFFIXES)}")
    writer(path, texts, task, language)


def read_given(path: Path, language: Language | None = None, sources: Sequence[str] = ()) -> dict[str, str]:
    """Translations made by people: English text -> translation. Empty ones and drafts are left out.

    Args:
        path: a table with the columns `source` and `translation`, a PO or an XLIFF file.
        language: what the file should be in; None = not checked.
        sources: the English texts there are; an unknown one in the file is a mistake. Empty = not checked.

    Raises:
        UsageError: a file that cannot be read, is in another language, has a text that is none of the task, has two
            translations of one text, or one that lost what must stay (with file and line).
    """
    found: dict[str, Text] = {}
    known = {text.strip() for text in sources}
    for text in read_texts(path, language):
        if known and text.source not in known:
            close = nearest(text.source, known, count=1)
            hint = f"; the nearest is {close[0]!r}" if close else ""
            raise UsageError(
                f"{text.where}: the task has no text {text.source[:80]!r}: leave the source as it was written{hint}"
            )
        if not text.translation or text.draft:
            continue
        other = found.setdefault(text.source, text)
        if other.translation != text.translation:
            raise UsageError(
                f"{text.where}: {text.source!r} has two translations: {other.translation!r} (in {other.where}) and "
                f"{text.translation!r}"
            )
        if language is not None:
            wrong = [one.detail for one in problems.find(text.source, text.translation, language, False) if one.refused]
            if wrong:
                raise UsageError(f"{text.where}: {text.source[:80]!r}: {'; '.join(wrong)}")
    return {source: text.translation for source, text in found.items()}


def read_texts(path: Path, language: Language | None = None) -> list[Text]:
    """All texts of a file for translators.

    Raises:
        UsageError: it cannot be read, or is in another language.
    """
    from lrm_eval.translation import textfiles

    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    suffix = path.suffix.lower()
    if suffix in PO:
        return textfiles.read_po(path, language)
    if suffix in XLIFF:
        return textfiles.read_xliff(path, language)
    return _read_table(path)


def _read_table(path: Path) -> list[Text]:
    found = []
    for row in read_rows(path):
        missing = [name for name in _COLUMNS if name not in row.values]
        if missing:
            raise UsageError(
                f"{row.where}: no column {missing[0]!r} (columns: {', '.join(row.values)}); needed are source and "
                "translation"
            )
        source, translation = (str(row.values[name] or "").strip() for name in _COLUMNS)
        draft = str(row.values.get("state") or "").strip().casefold() == DRAFT
        found.append(Text(source, translation, draft, where=row.where))
    return found
