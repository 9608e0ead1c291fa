"""What cannot be seen in a text and changes it all the same: look-alike letters, marks of direction, leftovers.

Pure functions, told from one text or a pair.
"""

from __future__ import annotations

import re
import unicodedata

from lrm_eval.translation import textual

# Scripts whose letters look alike, by the first word of the letters' Unicode names.
_ALIKE = ("LATIN", "CYRILLIC", "GREEK")
_WORD = re.compile(r"[^\W\d_]+")
_OVERRIDES = "\u202a\u202b\u202d\u202e"
_ISOLATES = "\u2066\u2067\u2068"
_DIRECTION = "\u200e\u200f\u061c"
# Zero-width space, word joiner, byte order mark, soft hyphen: they part words or texts that look the same.
_HIDDEN = "\u200b\u2060\ufeff\u00ad"
_JOINERS = "\u200c\u200d"
_PLAIN_SCRIPTS = ("Latn", "Cyrl", "Grek")
_LABEL = re.compile(r"^\W*([^\W\d_]+(?:\s[^\W\d_]+){0,2})\s?(?::(?=\s|$)|：)")
# English words that are no words of the other languages of the registry, in the spelling of a question.
_ENGLISH = frozenset(
    {"the", "what", "which", "there", "this", "these", "how", "many", "who", "where", "does", "between"}
)


def mixed_word(text: str, source: str = "") -> str | None:
    """A word in which Latin, Cyrillic or Greek letters are mixed, and which the source does not hold; else None."""
    for word in _WORD.findall(unicodedata.normalize("NFC", text)):
        scripts = {script for char in word if (script := _alike(char)) is not None}
        if len(word) > 1 and len(scripts) > 1 and word not in source:
            return str(word)
    return None


def strange_word(text: str, source: str, script: str) -> str | None:
    """A word of two letters or more in a look-alike script that is neither the language's nor the source's; else None.

    Latin words in a Cyrillic or Greek text are names more often than mistakes and are none.
    """
    if script != "Latn":
        return None
    for word in _WORD.findall(text):
        if len(word) > 1 and all(_alike(char) in ("CYRILLIC", "GREEK") for char in word) and word not in source:
            return str(word)
    return None


def _alike(char: str) -> str | None:
    name = unicodedata.name(char, "").split(" ", 1)[0]
    return name if name in _ALIKE else None


def hidden(text: str, source: str, script: str, direction: str) -> tuple[str, bool] | None:
    """What cannot be seen in a text: (which mark, whether it turns around what can be).

    Args:
        text: the translation.
        source: the English text; what stands in it may stay.
        script: ISO 15924 code of the language.
        direction: "rtl" where marks of direction belong to writing.
    """
    opened = sum(char in _OVERRIDES for char in text) - text.count("\u202c")
    isolated = sum(char in _ISOLATES for char in text) - text.count("\u2069")
    turning = next((char for char in text if char in "\u202d\u202e" and char not in source), None)
    if turning is not None:
        return _named(turning), True
    if (opened or isolated) and not any(char in source for char in _OVERRIDES + _ISOLATES):
        first = next(char for char in text if char in _OVERRIDES + _ISOLATES + "\u202c\u2069")
        return f"{_named(first)} without its partner", True
    marks = _HIDDEN if script not in ("Thai", "Laoo", "Khmr", "Mymr") else _HIDDEN.replace("\u200b", "")
    marks += _JOINERS if script in _PLAIN_SCRIPTS else ""
    marks += _DIRECTION + _OVERRIDES + _ISOLATES if direction == "ltr" else ""
    found = next((char for char in text if char in marks and char not in source), None)
    return (_named(found), False) if found is not None else None


def _named(char: str) -> str:
    return f"{unicodedata.name(char, 'mark').lower()} (U+{ord(char):04X})"


def label(text: str, source: str) -> str | None:
    """A label before the text that the source does not have ("Prijevod:", "Swali:"), or None."""
    match = _LABEL.match(text)
    return match.group(1) if match is not None and not re.search("[:：]", source) else None


def english_words(source: str, translation: str) -> list[str]:
    """English words of the source that stand in the translation as they were: half a sentence was left."""
    there = set(_WORD.findall(textual.without_placeholders(translation).casefold()))
    words = dict.fromkeys(_WORD.findall(textual.without_placeholders(source).casefold()))
    return [word for word in words if word in _ENGLISH and word in there]


def same_sign(source: str, translation: str) -> bool:
    """Whether a text with nothing to translate ("A", "+", "3") is the same sign, however it is written."""
    return textual.normal(textual.ascii_digits(source)) == textual.normal(textual.ascii_digits(translation))
