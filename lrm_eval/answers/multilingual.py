"""Reading an answer in the sample's own language (and in English), or saying that it cannot be read.

Never random, never the first letter anywhere. The rule that read an answer is part of the reading.
"""

from __future__ import annotations

import dataclasses
import unicodedata
from typing import TYPE_CHECKING

from lrm_eval.answers.lexicon import Role, lexicon
from lrm_eval.answers.options import read_option
from lrm_eval.answers.tokens import STOP, normalise, strip_around, tokenise, without_marks, without_thinking
from lrm_eval.answers.yes_no import UNPARSED, read_yes_no
from lrm_eval.types import Reading

if TYPE_CHECKING:
    from lrm_eval.types import FinishReason, Sample

_QUESTION_MARKS = frozenset("?？؟፧՞\u037e")
EMPTY = Reading(None, "empty", "empty")


def read_multilingual(sample: Sample, text: str, finish_reason: FinishReason = "stop") -> Reading:
    """What an answer means, read in the sample's language.

    Args:
        sample: its kind, language, question, options and the labels shown decide how to read.
        text: the raw answer; any Unicode.
        finish_reason: "length" makes an answer without a reading a truncated one.

    Returns:
        `value` is "yes" or "no" (yes_no), a shown label (option) or the normalised text (text); None if nothing was
        read. `language` is the language of the word that was read, None for a letter.

    Raises:
        UsageError: the sample's language is not in the registry.
    """
    reading = _read(sample, text)
    if finish_reason == "length" and reading.outcome in ("unparsed", "empty"):
        return dataclasses.replace(reading, outcome="truncated")
    return reading


def _read(sample: Sample, text: str) -> Reading:
    words = lexicon(sample.language)
    answer = without_thinking(text)
    normal = normalise(answer)
    if not normal:
        return EMPTY
    if sample.kind == "yes_no":
        reading = read_yes_no(normal, sample.question, words)
        # "Hay un perro en la imagen" says yes; with a question mark, which `normalise` took away, it says nothing.
        stated = reading.rule == "echo" or reading.rule.startswith("affirmed:")
        return UNPARSED if stated and _asks(answer, words.language.script) else reading
    if sample.kind == "option":
        return read_option(normal, sample, words, _foreign_digits(answer))
    return _read_text(answer, normal, sample.language)


def _asks(answer: str, script: str) -> bool:
    """Whether an answer ends with a question mark, whatever marks are around it. Greek's is a semicolon."""
    marks = _QUESTION_MARKS | {";"} if script == "Grek" else _QUESTION_MARKS
    if marks.isdisjoint(answer):
        return False
    end = len(answer)
    while end and not answer[end - 1].isalnum():
        end -= 1
    return not marks.isdisjoint(answer[end:])


def _foreign_digits(answer: str) -> bool:
    """Whether an answer has digits that are neither ASCII nor full-width: ②, ٢, ፪."""
    if answer.isascii():
        return False
    return any(char.isdigit() and not char.isascii() and not "０" <= char <= "９" for char in answer)


def _read_text(answer: str, normal: str, language: str) -> Reading:
    """A free answer: its text in NFKC with single spaces, unless its first sentence refuses."""
    tokens = tokenise(normal)
    end = next((index for index, kind in enumerate(tokens.kinds) if kind == STOP), len(tokens))
    for hit in lexicon(language).scan(tokens):
        if hit.roles & Role.REFUSAL and hit.start < end:
            return Reading(None, f"refusal:{hit.phrase}", "refusal")
    # Joiners inside a word are spelling (Persian, Indic scripts) and stay.
    plain = unicodedata.normalize("NFKC", strip_around(without_marks(answer)))
    value = " ".join(strip_around(plain).split())
    return Reading(value, "text", "read") if value else EMPTY
