"""How the English questions of a task are worded: `lexicon/patterns.yaml`, read backwards.

A pattern is a sentence with places in braces and alternatives in parentheses: "Is there (a|an) {object} in the image?".
A place is named after the vocabulary that its words are from, with a digit if there are two of one ({colour2}).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, field_validator

from lrm_eval.data.packs import PATTERNS, lexicon_paths
from lrm_eval.errors import UsageError
from lrm_eval.tasks.yamlfile import read_yaml, validate

if TYPE_CHECKING:
    from pathlib import Path

    from lrm_eval.tasks.model import Task

_TOKEN = re.compile(r"\{(\w+)\}|\(([^()]*)\)")


class _PatternsFile(BaseModel):
    """The schema of `lexicon/patterns.yaml`.

    Attributes:
        patterns: name -> its wordings.
        words: vocabulary -> (word -> how it is written in English, most often once and as itself).
        borrowed: vocabulary -> the task whose lexicons hold its words.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    patterns: Mapping[str, tuple[str, ...]]
    words: Mapping[str, Mapping[str, tuple[str, ...]]] = Field(default_factory=dict)
    borrowed: Mapping[str, str] = Field(default_factory=dict)

    @field_validator("patterns", mode="before")
    @classmethod
    def _one_wording(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        return {name: [item] if isinstance(item, str) else item for name, item in value.items()}

    @field_validator("words", mode="before")
    @classmethod
    def _written_as_themselves(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        return {
            name: {word: [word] for word in item} if isinstance(item, list) else item for name, item in value.items()
        }


@dataclass(frozen=True, slots=True)
class Match:
    """What a question says.

    Attributes:
        pattern: name of the pattern.
        words: place -> word.
    """

    pattern: str
    words: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Patterns:
    """All patterns of a task.

    Attributes:
        files: the files they were read from.
        words: vocabulary -> (word -> how it is written).
        borrowed: vocabulary -> the task whose lexicons hold its words.
        slots: pattern -> its places.
    """

    files: tuple[Path, ...]
    words: Mapping[str, Mapping[str, tuple[str, ...]]]
    borrowed: Mapping[str, str]
    slots: Mapping[str, tuple[str, ...]]
    _compiled: tuple[tuple[str, re.Pattern[str]], ...]
    _named: Mapping[str, Mapping[str, str]]

    @staticmethod
    def vocabulary(slot: str) -> str:
        """The vocabulary of a place: {colour2} is filled from `colour`."""
        return slot.rstrip("0123456789")

    def read(self, question: str) -> Match | None:
        """What a question says, or None if it is worded like no pattern. Runs of blanks count as one."""
        found = self.readings(question)
        return found[0] if found else None

    def readings(self, question: str) -> list[Match]:
        """Every pattern that a question is worded like; more than one is a mistake in the patterns."""
        plain = " ".join(question.split())
        return [
            Match(name, {slot: self._named[self.vocabulary(slot)][word] for slot, word in found.groupdict().items()})
            for name, pattern in self._compiled
            if (found := pattern.fullmatch(plain))
        ]


def load_patterns(task: Task) -> Patterns:
    """The patterns of a task.

    Raises:
        UsageError: there are none, or a mistake in them (with file and line).
    """
    path = next((path for path in lexicon_paths(task, PATTERNS) if path.is_file()), None)
    if path is None:
        raise UsageError(f"task {task.name!r} has no {lexicon_paths(task, PATTERNS)[-1]}: nothing to read questions by")
    owners = validate(read_yaml(path), _PatternsFile).borrowed.values()
    others = [
        item for owner in dict.fromkeys(owners) for item in lexicon_paths(task, PATTERNS, owner) if item.is_file()
    ]
    files = (path, *others)
    return _load(files, tuple((file.stat().st_mtime_ns, file.stat().st_size) for file in files))


@lru_cache(maxsize=16)
def _load(files: tuple[Path, ...], stats: object) -> Patterns:
    document = read_yaml(files[0])
    file = validate(document, _PatternsFile)
    words = dict(file.words)
    for vocabulary, owner in file.borrowed.items():
        theirs = next((item for item in files[1:] if item.parent.parent.name == owner), None)
        held = {} if theirs is None else validate(read_yaml(theirs), _PatternsFile).words
        if vocabulary not in held:
            where = document.where(("borrowed", vocabulary))
            raise UsageError(f"{where}: task {owner!r} has no vocabulary {vocabulary!r}")
        words[vocabulary] = held[vocabulary]
    named: dict[str, dict[str, str]] = {}
    for vocabulary, entries in words.items():
        forms = named.setdefault(vocabulary, {})
        for word, written in entries.items():
            for form in written:
                if forms.setdefault(form, word) != word:
                    where = document.where(("words", vocabulary, word))
                    raise UsageError(f"{where}: {form!r} is {forms[form]!r} already")
    slots: dict[str, tuple[str, ...]] = {}
    compiled: list[tuple[str, re.Pattern[str]]] = []
    for name, wordings in file.patterns.items():
        for number, wording in enumerate(wordings):
            where = document.where(("patterns", name, number))
            places = tuple(found[1] for found in _TOKEN.finditer(wording) if found[1])
            unknown = [place for place in places if Patterns.vocabulary(place) not in words]
            if unknown or len(set(places)) != len(places):
                raise UsageError(f"{where}: {{{(unknown or places)[0]}}} is no vocabulary, or is there twice")
            if set(slots.setdefault(name, places)) != set(places):
                raise UsageError(f"{where}: the wordings of {name!r} have different places")
            compiled.append((name, _compile(wording, named)))
    return Patterns(files, words, file.borrowed, slots, tuple(compiled), named)


def _compile(wording: str, named: Mapping[str, Mapping[str, str]]) -> re.Pattern[str]:
    parts: list[str] = []
    end = 0
    for token in _TOKEN.finditer(wording):
        parts.append(re.escape(wording[end : token.start()]))
        if token[1]:
            # The longest first, so that "stop sign" is not read as a word that it begins with.
            forms = sorted(named[Patterns.vocabulary(token[1])], key=len, reverse=True)
            parts.append(f"(?P<{token[1]}>{'|'.join(re.escape(form) for form in forms)})")
        else:
            parts.append(f"(?:{'|'.join(re.escape(item) for item in token[2].split('|'))})")
        end = token.end()
    return re.compile("".join([*parts, re.escape(wording[end:])]))
