"""Checks of an audit for what stands in the wrong place or was cut: golds, slipped questions, half questions."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from lrm_eval.answers.lexicon import Lexicon, Role, lexicon
from lrm_eval.answers.tokens import normalise, tokenise
from lrm_eval.translation import protect, signs, textual
from lrm_eval.translation.findings import Finding, Pair

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lrm_eval.data.packs import PackRow
    from lrm_eval.languages import Language
    from lrm_eval.types import Sample

_SUPPORT = 2
# So many questions in a row that fit another item's English better by the same distance are no chance.
_RUN = 3
_FARTHEST = 3
# A language whose questions nearly all end in a mark; Thai or Lao have none.
_MARKED = 0.8
_LEAST_QUESTIONS = 10
# More than so many questions that deny and are not denied in English: the language asks so.
_FEW = 0.1
_DENIED = re.compile(
    r"\b(?:no|not|never|none|nobody|nothing|neither|nor|cannot|without|except|but|only|wrong|incorrect|false|missing|"
    r"lacks?|lacking|absent|empty|instead|rather|unlike|least|opposite|impossible|outside|out|different|free)\b|n't\b|"
    r"\b(?:un|in|im|dis|non-?)[a-z]{4,}|less\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<=\w )(?:[A-Z][\w'’-]+|[A-Z]{2,})")


def gold(
    samples: Sequence[Sample], own_data: Sequence[Sample], rows: Mapping[str, PackRow], pack: str
) -> list[Finding]:
    """Data that a task has in a language itself: right answers, categories, splits and sizes are English's.

    Args:
        samples: the English samples.
        own_data: those of the language, none for a pack (which has no golds of its own).
        rows: for the places of findings.
        pack: name of the data.
    """
    found = []
    english = {sample.id: sample for sample in samples}
    for sample in own_data:
        other = english.get(sample.id)
        if other is None:
            continue
        where = rows[sample.id].where if sample.id in rows else pack
        for name in ("gold", "category", "split", "kind"):
            here, there = getattr(sample, name), getattr(other, name)
            if here != there:
                found.append(Finding("gold", "error", sample.id, where, f"{name} is {here!r}, in English {there!r}"))
    if own_data:
        for name in ("category", "split"):
            here, there = (Counter(getattr(one, name) for one in data) for data in (own_data, samples))
            for value in sorted(here.keys() | there.keys()):
                if here[value] != there[value]:
                    detail = f"{name} {value!r} has {here[value]} items, in English {there[value]}"
                    found.append(Finding("sizes", "error", "", pack, detail))
    return found


def slipped(own: Sequence[Pair]) -> list[Finding]:
    """Questions that stand at another item: told by what recurs, and by numbers and names that fit a neighbour."""
    return [*_by_memory(own), *_by_traces(own)]


def _by_memory(own: Sequence[Pair]) -> list[Finding]:
    """A question that recurs has one usual translation; where that of another question stands, they changed places."""
    memory: dict[str, Counter[str]] = defaultdict(Counter)
    for pair in own:
        memory[textual.normal(pair.sample.question)][textual.normal(pair.row.question)] += 1
    usual: dict[str, str] = {}
    meaning: dict[str, set[str]] = defaultdict(set)
    for english, counts in memory.items():
        best, times = counts.most_common(1)[0]
        if times >= _SUPPORT and 2 * times > counts.total():
            usual[english] = best
            meaning[best].add(english)
    found = []
    for pair in own:
        english, text = textual.normal(pair.sample.question), textual.normal(pair.row.question)
        others = meaning.get(text, set()) - {english}
        if english in usual and usual[english] != text and others:
            other = min(others)
            detail = f"question: {pair.row.question!r} elsewhere translates {other!r}, here {pair.sample.question!r}"
            found.append(Finding("slipped", "error", pair.sample.id, pair.row.where, detail))
    return found


def _by_traces(own: Sequence[Pair]) -> list[Finding]:
    """A block that slipped by a few lines: numbers, quoted text and names fit the English of a neighbour."""
    lines: list[Pair] = []
    for pair in own:
        if not lines or lines[-1].sample.question != pair.sample.question:
            lines.append(pair)
    wanted = [_traces(pair.sample.question) for pair in lines]
    there = [_plain(pair.row.question) for pair in lines]
    found: dict[int, int] = {}
    for offset in (step * sign for step in range(1, _FARTHEST + 1) for sign in (1, -1)):
        run: list[int] = []
        for place in range(len(lines)):
            other = place + offset
            fits = (
                0 <= other < len(lines)
                and bool(wanted[other])
                and bool(wanted[place] or _foreign(there[place], wanted[other]))
                and not _holds(there[place], wanted[place])
                and _holds(there[place], wanted[other])
            )
            run = [*run, place] if fits else []
            if len(run) >= _RUN:
                found |= {item: offset for item in run if item not in found}
    return [
        Finding(
            "slipped",
            "error",
            lines[place].sample.id,
            lines[place].row.where,
            f"question: fits the English of {lines[place + offset].sample.id!r}, {abs(offset)} "
            f"{'further on' if offset > 0 else 'before'}, not its own: {lines[place].row.question!r}",
        )
        for place, offset in sorted(found.items())
    ]


def _traces(text: str) -> frozenset[str]:
    """What a translation keeps of an English text: numbers, quoted text, names."""
    names = [match.group().casefold() for match in _NAME.finditer(text)]
    return frozenset([*textual.numbers(text), *(inner.casefold() for inner in protect.quoted(text)), *names])


def _plain(text: str) -> str:
    return " ".join([textual.ascii_digits(text).casefold(), *textual.numbers(text)])


def _holds(text: str, traces: frozenset[str]) -> bool:
    return bool(traces) and all(trace in text for trace in traces)


def _foreign(text: str, traces: frozenset[str]) -> bool:
    return any(trace in text for trace in traces)


def cut(own: Sequence[Pair]) -> list[Finding]:
    """Questions that do not end like one, in a language whose questions do: half an answer of the translator."""
    asked = [pair for pair in own if signs.asks(pair.sample.question)]
    ends = [signs.asks(pair.row.question) for pair in asked]
    if len(asked) < _LEAST_QUESTIONS or sum(ends) < _MARKED * len(asked):
        return []
    return [
        Finding("cut", "warning", pair.sample.id, pair.row.where, f"question: ends like none: {pair.row.question!r}")
        for pair, good in zip(asked, ends, strict=True)
        if not good
    ]


def polarity(own: Sequence[Pair], language: Language) -> list[Finding]:
    """Questions that deny in one language only: "is there a dog" and "is there no dog" have opposite answers.

    Told by the words for not of the language's file. Where many questions hold one without an English one, it is part
    of how the language asks (Vietnamese không, Chinese 有没有) and tells nothing.
    """
    words = lexicon(language.tag)
    denied: dict[str, bool] = {}
    different: dict[tuple[str, str], Pair] = {}
    for pair in own:
        different.setdefault((textual.normal(pair.sample.question), textual.normal(pair.row.question)), pair)
        denied.setdefault(pair.row.question, _denies(pair.row.question, words))
    plain = [pair for pair in different.values() if not _DENIED.search(pair.sample.question)]
    negated = [pair for pair in different.values() if _DENIED.search(pair.sample.question)]
    added = [pair for pair in plain if denied[pair.row.question]]
    lost = [pair for pair in negated if not denied[pair.row.question]]
    found = []
    if len(plain) >= _LEAST_QUESTIONS and len(added) <= _FEW * len(plain):
        found += [(pair, "denies, English does not") for pair in added]
        found += [(pair, "does not deny, English does") for pair in lost]
    return [
        Finding("polarity", "warning", pair.sample.id, pair.row.where, f"question: {what}: {pair.row.question!r}")
        for pair, what in found
    ]


def _denies(text: str, words: Lexicon) -> bool:
    roles = [hit.roles for hit in words.scan(tokenise(normalise(text)))]
    return any(role & (Role.NEGATION | Role.DENIAL) and not role & (Role.IDIOM | Role.ENGLISH) for role in roles)
