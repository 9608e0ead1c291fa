"""Questions by template and lexicon: one sentence frame per wording, and the words that go into it, as data.

Beside a task lies `lexicon/patterns.yaml`: how its English questions are worded, and with which words. Beside that lies
`lexicon/<language>.yaml`: the same sentence frames in that language, and each word in every form that a frame needs.

A frame has places in braces, and nothing is computed in them, only looked up:

    {object}                 the word as it stands in the lexicon
    {object.genitive}        its form of that name
    {colour[thing.gender]}   the colour's form that is named by the thing's feature: agreement
    {is[object.number]}      the entry of the table `is` that is named by the object's feature
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, StrictInt, field_validator

from lrm_eval.data.packs import lexicon_paths
from lrm_eval.errors import UsageError, nearest
from lrm_eval.tasks.yamlfile import YamlFile, read_yaml, validate
from lrm_eval.translation.patterns import Match, Patterns, load_patterns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lrm_eval.tasks.model import Task

TEXT = "text"
_PLACE = re.compile(r"\{([^{}]*)\}")
_REFERENCE = re.compile(r"(?P<name>\w+)(?:\.(?P<form>\w+)|\[(?P<slot>\w+)\.(?P<feature>\w+)\])?")


class _LexiconFile(BaseModel):
    """The schema of `lexicon/<language>.yaml`.

    Attributes:
        version: raised with every change of a text, so that a pack's card tells which one made it.
        contact: whom to tell about a mistake.
        templates: pattern -> sentence frame.
        tables: name -> (value of a feature -> text).
        defaults: vocabulary -> (feature -> value) of the words that do not say otherwise.
        words: vocabulary -> (English word -> its text, or its forms and features; `text` is the plain one).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: StrictInt = Field(ge=1)
    contact: str = ""
    templates: Mapping[str, str]
    tables: Mapping[str, Mapping[str, str]] = Field(default_factory=dict)
    defaults: Mapping[str, Mapping[str, str]] = Field(default_factory=dict)
    words: Mapping[str, Mapping[str, Mapping[str, str]]] = Field(default_factory=dict)

    @field_validator("words", mode="before")
    @classmethod
    def _plain_texts(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        return {name: _expanded(words) for name, words in value.items()}


def _expanded(words: object) -> object:
    if not isinstance(words, Mapping):
        return words
    return {word: {TEXT: forms} if isinstance(forms, str) else forms for word, forms in words.items()}


@dataclass(frozen=True, slots=True)
class _Place:
    """One place of a sentence frame; see the top of the module."""

    name: str
    form: str | None
    slot: str | None
    feature: str | None


@dataclass(frozen=True)
class Lexicon:
    """The sentence frames and the words of one task in one language.

    Attributes:
        path: the file.
        version: its version.
        contact: whom to tell about a mistake, or "".
        sha256: hash of every file that decides a text: this one, the patterns, and those that words are taken from.
        patterns: how the English questions are worded.
        templates: pattern -> sentence frame.
        tables: name -> (value of a feature -> text).
        words: vocabulary -> (English word -> its forms and features).
    """

    path: Path
    version: int
    contact: str
    sha256: str
    patterns: Patterns
    templates: Mapping[str, str]
    tables: Mapping[str, Mapping[str, str]]
    words: Mapping[str, Mapping[str, Mapping[str, str]]]

    def render(self, question: str) -> str | None:
        """A question in this language.

        Args:
            question: the English question.

        Returns:
            None if the question is worded like no pattern, or its frame or one of its words is not here.
        """
        match = self.patterns.read(question)
        return None if match is None else self.worded(match)

    def worded(self, match: Match) -> str | None:
        """As `render`, from what the pattern has found."""
        frame = self.templates.get(match.pattern)
        chosen: dict[str, Mapping[str, str]] = {}
        for slot, word in match.words.items():
            entry = self.words.get(self.patterns.vocabulary(slot), {}).get(word)
            if entry is None:
                return None
            chosen[slot] = entry
        if frame is None:
            return None
        return _PLACE.sub(lambda found: self._fill(_parse(found[1]), chosen), frame)

    def _fill(self, place: _Place, chosen: Mapping[str, Mapping[str, str]]) -> str:
        if place.slot is None:
            return chosen[place.name][place.form or TEXT]
        value = chosen[place.slot][place.feature or ""]
        if place.name not in chosen:
            return self.tables[place.name][value]
        word = chosen[place.name]
        # A word without that form is one that does not change (Italian "blu"); `_check` allows it for those alone.
        return word.get(value, word.get(TEXT, ""))


def load_lexicon(task: Task, tag: str) -> Lexicon | None:
    """The lexicon of a task in a language, or None if there is none.

    Raises:
        UsageError: a mistake in it, with file and line.
    """
    path = next((path for path in lexicon_paths(task, tag) if path.is_file()), None)
    if path is None:
        return None
    patterns = load_patterns(task)
    files = [path, *patterns.files]
    borrowed: dict[str, Path] = {}
    for vocabulary, owner in patterns.borrowed.items():
        found = next((item for item in lexicon_paths(task, tag, owner) if item.is_file()), None)
        if found is not None:
            borrowed[vocabulary] = found
            files.append(found)
    stats = tuple((file.stat().st_mtime_ns, file.stat().st_size) for file in files)
    return _load(path, patterns, tuple(borrowed.items()), tuple(files), stats)


@lru_cache(maxsize=64)
def _load(
    path: Path, patterns: Patterns, borrowed: tuple[tuple[str, Path], ...], files: tuple[Path, ...], stats: object
) -> Lexicon:
    document = read_yaml(path)
    file = validate(document, _LexiconFile)
    words = {name: _with_defaults(entries, file.defaults.get(name, {})) for name, entries in file.words.items()}
    for vocabulary, other in borrowed:
        theirs = validate(read_yaml(other), _LexiconFile)
        entries = _with_defaults(theirs.words.get(vocabulary, {}), theirs.defaults.get(vocabulary, {}))
        words[vocabulary] = {**entries, **words.get(vocabulary, {})}
    digest = hashlib.sha256(b"".join(item.read_bytes() for item in files)).hexdigest()
    lexicon = Lexicon(path, file.version, file.contact, digest, patterns, file.templates, file.tables, words)
    for where, problem in _check(lexicon, document):
        raise UsageError(f"{where}: {problem}")
    return lexicon


def _with_defaults(
    entries: Mapping[str, Mapping[str, str]], defaults: Mapping[str, str]
) -> dict[str, Mapping[str, str]]:
    return {word: {**defaults, **forms} for word, forms in entries.items()}


@lru_cache(maxsize=4096)
def _parse(text: str) -> _Place:
    found = _REFERENCE.fullmatch(text)
    assert found is not None, "frames were checked when they were read"
    return _Place(found["name"], found["form"], found["slot"], found["feature"])


def _check(lexicon: Lexicon, document: YamlFile) -> Iterator[tuple[str, str]]:
    """Whatever could go wrong in rendering: (file:line, what). A missing word is no mistake, only not covered."""
    patterns = lexicon.patterns
    for vocabulary, entries in lexicon.words.items():
        if vocabulary not in patterns.words:
            yield document.where(("words", vocabulary)), _unknown("vocabulary", vocabulary, patterns.words)
            continue
        for word, forms in entries.items():
            keys = ("words", vocabulary, word)
            if word not in patterns.words[vocabulary]:
                yield document.where(keys), _unknown("word", word, patterns.words[vocabulary])
            for name, form in forms.items():
                if not form.strip() or form != form.strip() or "{" in form:
                    yield document.where((*keys, name)), f"form {name!r} of {word!r} is empty, padded or has a brace"
    for name, frame in lexicon.templates.items():
        where = document.where(("templates", name))
        if name not in patterns.slots:
            yield where, _unknown("pattern", name, patterns.slots)
        else:
            for problem in _check_frame(lexicon, name, frame):
                yield where, f"template {name!r}: {problem}"


def _check_frame(lexicon: Lexicon, pattern: str, frame: str) -> Iterator[str]:
    slots = lexicon.patterns.slots[pattern]
    used: set[str] = set()
    if re.search(r"[{}]", _PLACE.sub("", frame)):
        yield "a brace without its partner"
    for text in _PLACE.findall(frame):
        found = _REFERENCE.fullmatch(text)
        if found is None:
            yield f"{{{text}}} is none of {{word}}, {{word.form}}, {{word[other.feature]}}"
            continue
        used |= {name for name in (found["name"], found["slot"]) if name in slots}
        yield from _check_place(lexicon, slots, _parse(text))
    for slot in slots:
        if slot not in used:
            yield f"says nothing of {{{slot}}}"


def _check_place(lexicon: Lexicon, slots: tuple[str, ...], place: _Place) -> Iterator[str]:
    patterns = lexicon.patterns
    known = lexicon.words.get(patterns.vocabulary(place.name), {}) if place.name in slots else None
    if place.slot is None:
        if known is None:
            yield _unknown("word", place.name, slots)
            return
        for word, forms in known.items():
            if (place.form or TEXT) not in forms:
                yield f"{word!r} has no form {place.form or TEXT!r}"
        return
    if place.slot not in slots:
        yield _unknown("word", place.slot, slots)
        return
    if known is None and place.name not in lexicon.tables:
        yield _unknown("word or table", place.name, [*slots, *lexicon.tables])
        return
    values: dict[str, str] = {}
    for word, forms in lexicon.words.get(patterns.vocabulary(place.slot), {}).items():
        if place.feature not in forms:
            yield f"{word!r} has no feature {place.feature!r}"
        else:
            values.setdefault(forms[place.feature or ""], word)
    for value, owner in values.items():
        if known is None:
            if value not in lexicon.tables[place.name]:
                yield f"table {place.name!r} has no entry {value!r}, which {owner!r} needs"
            continue
        for word, forms in known.items():
            if value not in forms and set(forms) != {TEXT}:
                yield f"{word!r} has no form {value!r}, which {owner!r} needs"


def _unknown(what: str, name: str, valid: Any) -> str:
    close = nearest(name, valid, count=1)
    names = list(valid)
    hint = f"did you mean {close[0]!r}?" if close else (f"valid: {', '.join(names)}" if len(names) <= 20 else "")
    return f"unknown {what} {name!r}{': ' if hint else ''}{hint}"
