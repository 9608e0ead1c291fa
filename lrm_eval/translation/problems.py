"""What is wrong with one translated text, told from the pair alone. Used while building and again by the audit."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from lrm_eval.translation import marks, protect, signs, textual
from lrm_eval.translation.glossary import EMPTY, Glossary

if TYPE_CHECKING:
    from lrm_eval.languages import Language

ENGLISH = "en"
# So many words in a row stay the same in no other language, unless they are a name.
_SENTENCE_WORDS = 3
_HALF = 0.5
_LETTERED = re.compile(r"^\s*[(\[]?[A-Ha-h][.):\]]\s")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a translation.

    Attributes:
        check: name of the check that found it ("empty", "placeholders", "numbers", ...).
        detail: one line for people.
        error: whether the item cannot be used as it is; otherwise somebody should look at it.
        refused: whether a build rejects it: the text is lost or is no translation at all.
    """

    check: str
    detail: str
    error: bool
    refused: bool = False


def find(source: str, translation: str, target: Language, sentence: bool, glossary: Glossary = EMPTY) -> list[Problem]:
    """Problems of a translation.

    Args:
        source: the English text.
        translation: its translation.
        target: the language it should be in.
        sentence: whether it is a question or a hint; option texts may be names, which stay the same.
        glossary: terms and names that the translation should keep to.

    Returns:
        Problems, the gravest first; empty for a text that has nothing to translate and stayed as it is.
    """
    # Zero-width marks alone are invisible: as empty as blanks.
    if all(unicodedata.category(char)[0] in "ZC" for char in translation):
        return [Problem("empty", "the text is empty", error=True, refused=True)]
    broken = [
        char for char in translation if char == "\ufffd" or (unicodedata.category(char) == "Cc" and char not in "\n\t")
    ]
    found: list[Problem] = []
    if broken:
        found.append(Problem("characters", f"broken character U+{ord(broken[0]):04X}", error=True, refused=True))
    repaired = signs.mojibake(translation)
    if repaired is not None:
        detail = f"its encoding is broken: {_short(translation)} was {_short(repaired)}"
        found.append(Problem("characters", detail, error=True, refused=True))
    found += _placeholders(source, translation)
    new_entities = set(textual.entities(translation)) - set(textual.entities(source))
    if new_entities:
        shown = ", ".join(sorted(new_entities))
        found.append(Problem("characters", f"HTML entities: {shown}", error=True, refused=True))
    found += _refusal(source, translation, target)
    found += _circles(source, translation)
    found += _numbers(source, translation)
    found += _kept(source, translation, glossary)
    found += _language(source, translation, target, sentence)
    found += _unseen(source, translation, target)
    if _LETTERED.match(translation) and not _LETTERED.match(source):
        found.append(Problem("layout", "begins with a letter that labels an option", error=False))
    label = marks.label(signs.without_quoted(translation), signs.without_quoted(source))
    if label is not None:
        found.append(Problem("layout", f"begins with a label: {label + ':'!r}", error=False))
    if translation.strip().count("\n") > source.strip().count("\n"):
        found.append(Problem("layout", "has more lines than the English text", error=False))
    return found


def _placeholders(source: str, translation: str) -> list[Problem]:
    wanted, there = textual.placeholders(source), textual.placeholders(translation)
    lost, added = list((wanted - there).elements()), list((there - wanted).elements())
    parts = [f"{name} {', '.join(items)}" for name, items in (("lost", lost), ("added", added)) if items]
    return [Problem("placeholders", "; ".join(parts), error=True, refused=True)] if parts else []


def _numbers(source: str, translation: str) -> list[Problem]:
    wanted, there = textual.numbers(source), textual.numbers(translation)
    if wanted == there:
        return []
    shown = [", ".join(found.elements()) or "none" for found in (wanted, there)]
    # In a sentence "2" may become a word; a text that is nothing but a number may not.
    return [Problem("numbers", f"{shown[0]} became {shown[1]}", error=not textual.translatable(source))]


def _unseen(source: str, translation: str, target: Language) -> list[Problem]:
    """Look-alike letters and marks that nobody sees."""
    found = []
    word = marks.mixed_word(translation, source)
    if word is not None:
        found.append(Problem("script", f"letters of several scripts in one word: {word!r}", error=True))
    strange = None if word is not None else marks.strange_word(signs.without_quoted(translation), source, target.script)
    if strange is not None:
        found.append(Problem("script", f"a word in another script: {strange!r}", error=False))
    hidden = marks.hidden(translation, source, target.script, target.direction)
    if hidden is not None:
        found.append(Problem("characters", f"cannot be seen: {hidden[0]}", error=hidden[1]))
    return found


def _language(source: str, translation: str, target: Language, sentence: bool) -> list[Problem]:
    if not textual.translatable(source):
        same = marks.same_sign(source, translation) or textual.numbers(source) != textual.numbers(translation)
        return [] if same else [Problem("letters", f"{source!r} became {translation!r}", error=True)]
    if textual.normal(source) == textual.normal(translation):
        error = sentence and textual.words(source) >= _SENTENCE_WORDS
        return [Problem("untranslated", f"is the English text: {_short(translation)}", error=error)]
    foreign = signs.without_quoted(translation)
    share = textual.script_share(foreign, target.script)
    if share is not None and share < _HALF:
        detail = f"{share:.0%} of the letters are {target.script}: {_short(translation)}"
        return [Problem("script", detail, error=sentence and share == 0.0)]
    part = signs.left_english(source, translation)
    if part is not None and sentence:
        return [Problem("untranslated", f"a part is still English: {part!r}", error=False)]
    if not sentence:
        return []
    other = _other_language(foreign, target)
    left = marks.english_words(signs.without_quoted(source), foreign)
    if left and not other:
        return [Problem("untranslated", f"English words are left: {', '.join(left)}", error=False)]
    return other


def _other_language(text: str, target: Language) -> list[Problem]:
    """A sentence that is surely in another language of the same script. Warned of: single lines can deceive."""
    from lrm_eval.fidelity import answer_language
    from lrm_eval.languages import get

    seems = answer_language(" ".join(text.split()), target.tag)
    if seems is None or seems == target.tag or seems.startswith("und"):
        return []
    return [Problem("language", f"seems to be {get(seems).name}: {_short(text)}", error=False)]


def _circles(source: str, translation: str) -> list[Problem]:
    found = []
    repeated = signs.loop(source, translation)
    if repeated is not None:
        found.append(Problem("loop", f"says {_short(repeated, 40)} again and again", error=True, refused=True))
    talk = signs.chatter(source, translation)
    if talk is not None:
        found.append(Problem("refusal", f"talks about the translation: {talk!r}", error=True, refused=True))
    ratio = signs.length(source, translation)
    if ratio is not None:
        found.append(Problem("length", f"has {ratio:.2f} times the English length", error=True))
    return found


def _kept(source: str, translation: str, glossary: Glossary) -> list[Problem]:
    """Quoted text, letters that name something, and terms of the glossary."""
    found = []
    for inner in dict.fromkeys(protect.quoted(source)):
        if inner.casefold() not in translation.casefold():
            found.append(Problem("quoted", f"the quoted text {inner!r} is not there", error=False))
    lost = [letter for letter in protect.letters(source) if not protect.has_letter(translation, letter)]
    if lost and not textual.translatable(translation):
        lost = []
    if lost:
        found.append(Problem("letters", f"the letter {', '.join(lost)} is not there", error=False))
    for entry in glossary.matching(signs.without_quoted(source)):
        if entry.is_name and entry.source not in translation:
            found.append(Problem("glossary", f"the name {entry.source!r} is not there", error=False))
        elif not entry.is_name and not _inflected(entry.translation, translation):
            detail = f"{entry.source!r} should be {entry.translation!r}, which is not there"
            found.append(Problem("glossary", detail, error=False))
    return found


def _inflected(term: str, text: str) -> bool:
    """Whether a term stands in a text, its endings apart: the first two thirds of each of its words."""
    there = textual.normal(text)
    return all(word[: max(2, -(-2 * len(word) // 3))] in there for word in textual.normal(term).split())


@lru_cache(maxsize=8)
def _refusals(tag: str) -> tuple[str, ...]:
    from lrm_eval.languages import get

    apologies = ("I'm sorry", "I am sorry") if tag == ENGLISH else ()
    phrases = (*get(tag).refusals, *apologies)
    # Of several words only: "unclear" and "uncertain" are words like others.
    return tuple(normal for phrase in phrases if " " in (normal := textual.normal(phrase)) or len(normal) > 12)


def _refusal(source: str, translation: str, target: Language) -> list[Problem]:
    """A translator that answers for itself ("I'm sorry, I cannot"); an option that says so in English is no refusal."""
    english = textual.normal(source)
    if any(phrase in english for phrase in _refusals(ENGLISH)):
        return []
    text = textual.normal(translation)
    here, there = _refusals(target.tag), _refusals(ENGLISH)
    # In the target's own words it takes an answer much longer than what it should translate.
    own = len(text) > 2 * len(english) and any(phrase in text for phrase in here)
    if not own and not any(phrase in text for phrase in there):
        return []
    return [Problem("refusal", f"the translator refused: {_short(translation)}", error=True, refused=True)]


def _short(text: str, length: int = 60) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= length else line[: length - 1] + "…")
