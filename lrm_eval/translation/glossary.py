"""A glossary: terms whose translation is fixed, and names that stay as they are.

A table (CSV, TSV, JSONL) with the columns `source` and `translation`. An empty translation, or one that equals the
source, marks a name that must stay.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrm_eval.data.rows import read_rows
from lrm_eval.errors import UsageError
from lrm_eval.translation.protect import whole_word

if TYPE_CHECKING:
    from pathlib import Path

_COLUMNS = ("source", "translation")


@dataclass(frozen=True, slots=True)
class Entry:
    """One term. `translation` equals `source` for a name that stays."""

    source: str
    translation: str

    @property
    def is_name(self) -> bool:
        """Whether the term stays as it is."""
        return self.source == self.translation


@dataclass(frozen=True, slots=True)
class Glossary:
    """Terms in the order of the file; an empty one changes nothing."""

    entries: tuple[Entry, ...] = ()

    def matching(self, *texts: str) -> tuple[Entry, ...]:
        """The entries whose term stands in one of the texts, as a word of its own; names with their capitals."""
        return tuple(entry for entry in self.entries if any(_holds(text, entry) for text in texts))

    @property
    def names(self) -> tuple[str, ...]:
        """Names that stay, the longest first."""
        found = [entry.source for entry in self.entries if entry.is_name]
        return tuple(sorted(found, key=len, reverse=True))

    def whole(self, text: str) -> str | None:
        """The translation of a text that is a term itself, or None."""
        wanted = text.strip().casefold()
        return next((entry.translation for entry in self.entries if entry.source.casefold() == wanted), None)

    def context(self, text: str) -> str:
        """What of the glossary the translation of a text depends on: part of the cache's key; "" for nothing."""
        found = self.matching(text)
        return json.dumps([[entry.source, entry.translation] for entry in found], ensure_ascii=False) if found else ""


EMPTY = Glossary()


def _holds(text: str, entry: Entry) -> bool:
    if entry.is_name:
        return whole_word(entry.source).search(text) is not None
    return whole_word(entry.source.casefold()).search(text.casefold()) is not None


def read_glossary(path: Path) -> Glossary:
    """Read a glossary.

    Raises:
        UsageError: a column is missing, or a term has two translations (with file and line).
    """
    entries: dict[str, Entry] = {}
    for row in read_rows(path):
        missing = [name for name in _COLUMNS if name not in row.values]
        if missing:
            raise UsageError(
                f"{row.where}: no column {missing[0]!r} (columns: {', '.join(row.values)}); a glossary has source and "
                "translation"
            )
        source, translation = (str(row.values[name] or "").strip() for name in _COLUMNS)
        if not source:
            raise UsageError(f"{row.where}: 'source' is empty")
        entry = Entry(source, translation or source)
        known = entries.setdefault(source.casefold(), entry)
        if known.translation != entry.translation:
            raise UsageError(
                f"{row.where}: {source!r} has two translations: {known.translation!r} and {entry.translation!r}"
            )
    return Glossary(tuple(entries.values()))
