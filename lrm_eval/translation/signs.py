"""Signs that a translator went wrong, told from a text alone or from a pair: loops, chatter, text broken on the way."""

from __future__ import annotations

import re

from lrm_eval.translation import textual

# "Here is the translation:", "Translation (Swahili):", "Sure! ...": a model that talks before it answers.
_CHATTER = re.compile(
    r"^\W*(?:(?:sure|certainly|of course|okay|ok)\b[!,.: ]|(?:here(?:'s| is)|below is|this is)\b.{0,30}\btranslat"
    r"|(?:the )?translat(?:ion|ed(?: text)?)\b[^:\n]{0,30}:|\(?(?:note|explanation)\b[^:\n]{0,20}:)",
    re.IGNORECASE,
)
_NOTE = re.compile(
    r"\n\W*(?:(?:note|explanation)\b[^:\n]{0,20}:|(?:please )?let me know\b|i hope (?:this|that)\b)", re.IGNORECASE
)
_REPEATS = 4
_LONGEST_LOOP = 6
# Ends of a question: Latin and CJK, Arabic, Greek, Ethiopic, Armenian.
QUESTION_MARKS = "?？؟;\u037e፧՞"
# A pair this far from the usual of any language: Chinese needs a quarter of English's letters, Malayalam twice as many.
_LEAST_RATIO, _MOST_RATIO = 0.1, 5.0
_LONG_ENOUGH = 40


def loop(source: str, translation: str) -> str | None:
    """What a translation repeats four times in a row though the source does not, or None: models run in circles."""
    words = translation.split()
    found = _repeated(words)
    if found is None and len(words) <= 2:
        found = _repeated(list(translation.strip()), least=2)
        joiner = ""
    else:
        joiner = " "
    if found is None:
        return None
    shown = joiner.join(found)
    return None if _repeated(source.split()) is not None else shown


def _repeated(items: list[str], least: int = 1) -> list[str] | None:
    for size in range(least, _LONGEST_LOOP + 1):
        for start in range(len(items) - size * _REPEATS + 1):
            first = items[start : start + size]
            again = all(items[start + size * time : start + size * (time + 1)] == first for time in range(1, _REPEATS))
            # "....", "000": marks and digits recur for good reasons.
            if again and any(char.isalpha() for item in first for char in item):
                return first
    return None


def chatter(source: str, translation: str) -> str | None:
    """The talk around a translation ("Here is the translation:"), or None."""
    for pattern in (_CHATTER, _NOTE):
        match = pattern.search(translation)
        if match is not None and pattern.search(source) is None:
            return match.group().strip()
    return None


def mojibake(text: str) -> str | None:
    """The text as it was before its UTF-8 bytes were taken for Latin-1 or Windows-1252, or None if it was not."""
    if not any("\u0080" <= char <= "\u00ff" for char in text):
        return None
    for encoding in ("cp1252", "latin-1"):
        try:
            repaired = text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
        if repaired != text:
            return repaired
    return None


def length(source: str, translation: str) -> float | None:
    """Length in the translation's characters divided by the source's, where no language explains it; else None."""
    size = len(source.strip())
    ratio = len(translation.strip()) / size if size else 1.0
    if ratio < _LEAST_RATIO and size >= _LONG_ENOUGH:
        return ratio
    return ratio if ratio > _MOST_RATIO and len(translation.strip()) >= 2 * _LONG_ENOUGH else None


def left_english(source: str, translation: str) -> str | None:
    """Four English words in a row that stand in the translation as they were, or None; quoted text apart."""
    plain = textual.normal(without_quoted(source)).split()
    there = f" {textual.normal(translation)} "
    for start in range(len(plain) - 3):
        run = plain[start : start + 4]
        if sum(word.isalpha() and len(word) > 1 for word in run) == 4 and f" {' '.join(run)} " in there:
            return " ".join(run)
    return None


def without_quoted(text: str) -> str:
    """The text without what stands in quotation marks and without placeholders."""
    from lrm_eval.translation.protect import QUOTED

    return textual.without_placeholders(QUOTED.sub(" ", text))


def asks(text: str) -> bool:
    """Whether a text ends like a question."""
    return text.rstrip().rstrip(" \"'”»」)\u200f\u200e").endswith(tuple(QUESTION_MARKS))
