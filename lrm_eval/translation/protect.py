"""What must survive a translation to the last character, and where it stands in a text. Pure functions.

Placeholders, formulas and addresses (`textual.PLACEHOLDER`), quoted text (what stands in quotation marks in a question
about an image is mostly read off the image), letters that name an option or a point, numbers, and names that a glossary
says to keep.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from lrm_eval.translation.textual import PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Kind: TypeAlias = Literal["placeholder", "quoted", "name", "letter", "number"]
# Straight and typographic marks; a straight single one only where it is no apostrophe.
QUOTED = re.compile(
    r"\"([^\"\n]{1,80})\"|“([^”\n]{1,80})”|„([^“”\n]{1,80})[“”]|«\s?([^»\n]{1,80}?)\s?»|「([^」\n]{1,80})」"
    r"|(?<!\w)'((?:[^'\n]|(?<=\w)'(?=\w)){1,60})'(?!\w)|(?<!\w)‘([^’\n]{1,60})’(?!\w)"
)
# "point B", "(A)", "is it A or C": a capital of its own. "I" is a word, and "A" is one where a sentence begins.
_LETTER = re.compile(r"(?<![\w'’.])[B-HJ-Z](?![\w'’.]\w|\w)|(?<=[a-z(,] )A(?!\w)|(?<=\()A(?=\))")
_NUMBER = re.compile(r"\d+(?:[.,:/]\d+)*")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a text that must stay as it is: `text[start:end]`."""

    start: int
    end: int
    kind: Kind


def spans(text: str, names: Sequence[str] = (), numbers: bool = False) -> list[Span]:
    """What must stay, in the order of the text, without overlaps: an outer span wins over what stands in it.

    Args:
        text: an English text.
        names: words that a glossary says to keep.
        numbers: whether numbers count too; a translator mostly keeps them by itself.
    """
    found = [Span(match.start(), match.end(), "placeholder") for match in PLACEHOLDER.finditer(text)]
    found += [Span(match.start(), match.end(), "quoted") for match in QUOTED.finditer(text) if _is_read_off(match)]
    for name in names:
        found += [Span(match.start(), match.end(), "name") for match in whole_word(name).finditer(text)]
    found += [Span(match.start(), match.end(), "letter") for match in _LETTER.finditer(text)]
    if numbers:
        found += [Span(match.start(), match.end(), "number") for match in _NUMBER.finditer(text)]
    kept: list[Span] = []
    for span in sorted(found, key=lambda item: (item.start, -item.end)):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept


def _is_read_off(match: re.Match[str]) -> bool:
    """Whether quoted text may be text of the image; a whole quoted sentence is speech."""
    inner = next(group for group in match.groups() if group is not None)
    return len(inner.split()) <= 12


def whole_word(word: str) -> re.Pattern[str]:
    """The word where it stands by itself."""
    return re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")


def pieces(text: str, found: Sequence[Span]) -> Iterator[tuple[str, bool]]:
    """(stretch, whether it must stay) from beginning to end; the stretches together are the text."""
    end = 0
    for span in found:
        if span.start > end:
            yield text[end : span.start], False
        yield text[span.start : span.end], True
        end = span.end
    if end < len(text):
        yield text[end:], False


def quoted(text: str) -> list[str]:
    """What stands in quotation marks, without them."""
    return [
        next(group for group in match.groups() if group is not None)
        for match in QUOTED.finditer(text)
        if _is_read_off(match)
    ]


def letters(text: str) -> Counter[str]:
    """Letters that name something, with their counts; quoted and placeholder text apart."""
    return Counter(text[span.start : span.end] for span in spans(text) if span.kind == "letter")


def has_letter(text: str, letter: str) -> bool:
    """Whether a Latin capital stands by itself in a translation, next to whatever script."""
    return re.search(rf"(?<![A-Za-z]){letter}(?![A-Za-z])", text) is not None
