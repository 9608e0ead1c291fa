"""Checks of an audit that look at a whole pack: what moved, repeats, varies or stands out. Pure functions."""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from lrm_eval.translation import textual
from lrm_eval.translation.findings import Finding, Level, Pair

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


# Synonyms ("sofa", "couch") share a translation now and then; so many different questions do not.
_REPEATED = 5
# Iglewicz and Hoaglin (1993), "How to detect and handle outliers": modified z beyond 3.5.
_ROBUST_Z = 3.5
_MAD_SCALE = 0.6745
# A median absolute deviation below this (5 % of length) says that the pack is uniform, not that an item is odd.
_LEAST_MAD = 0.05
_LEAST_ITEMS = 20
_MEMORY_SUPPORT = 2
# One line may deceive the library that identifies languages; so many in a row, or so large a share, do not.
_FOREIGN_BLOCK = 5
_FOREIGN_SHARE = 0.2


def moved(pairs: Sequence[Pair]) -> list[Finding]:
    """Options that stand where another one belongs.

    Told from the pack itself: an option text that recurs has one usual translation, and where the usual translation
    of a question's option B stands as its option A, the two changed places. And from the circular groups: the right
    option is the same text in every pass.
    """
    memory: dict[str, Counter[str]] = defaultdict(Counter)
    for pair in pairs:
        if pair.own:
            for english, option in zip(pair.sample.options, pair.row.options, strict=True):
                memory[textual.normal(english)][textual.normal(option)] += 1
    usual = {
        english: best for english, counts in memory.items() if (best := _majority(counts, _MEMORY_SUPPORT)) is not None
    }
    found = []
    right: dict[str, tuple[str, str]] = {}
    for pair in pairs:
        sample, row = pair.sample, pair.row
        if pair.own:
            found += _misplaced(pair, usual)
        if sample.gold not in sample.labels:
            continue
        here = row.options[sample.labels.index(sample.gold)]
        other, there = right.setdefault(sample.group, (sample.id, here))
        if textual.normal(there) != textual.normal(here):
            text = f"the right option is {here!r}, but in {other!r}, the same question, {there!r}"
            found.append(Finding("moved", "error", sample.id, row.where, text))
    return found


def _majority(counts: Counter[str], support: int) -> str | None:
    (best, times), *_ = counts.most_common(1)
    return best if times >= support and 2 * times > counts.total() else None


def _misplaced(pair: Pair, usual: Mapping[str, str]) -> list[Finding]:
    sample, row = pair.sample, pair.row
    english = [textual.normal(option) for option in sample.options]
    for position, option in enumerate(row.options):
        text = textual.normal(option)
        if usual.get(english[position]) in (text, None):
            continue
        for other, source in enumerate(english):
            if other != position and source != english[position] and usual.get(source) == text:
                gold = ", the right one" if sample.gold in (sample.labels[position], sample.labels[other]) else ""
                detail = (
                    f"option {sample.labels[position]} ({sample.options[position]!r}) is {option!r}, which elsewhere "
                    f"translates option {sample.labels[other]} ({sample.options[other]!r}){gold}"
                )
                return [Finding("moved", "error", sample.id, row.where, detail)]
    return []


def repeated(own: Sequence[Pair]) -> list[Finding]:
    """Different English questions that became one, the most frequent first."""
    sources: dict[str, dict[str, Pair]] = defaultdict(dict)
    for pair in own:
        sources[textual.normal(pair.row.question)].setdefault(textual.normal(pair.sample.question), pair)
    found = []
    for text, english in sources.items():
        if len(english) < 2 or not text:
            continue
        first, second = list(english.values())[:2]
        level: Level = "error" if len(english) >= _REPEATED else "warning"
        detail = (
            f"{len(english)} different English questions became {first.row.question!r}: {first.sample.question!r}, "
            f"{second.sample.question!r}{' and more' if len(english) > 2 else ''}"
        )
        found.append(Finding("repeated", level, first.sample.id, first.row.where, detail))
    return sorted(found, key=lambda item: -int(item.detail.split()[0]))


def consistency(own: Sequence[Pair]) -> list[Finding]:
    """English texts that have several translations."""
    translations: dict[str, dict[str, Pair]] = defaultdict(dict)
    for pair in own:
        texts = [(pair.sample.question, pair.row.question), *zip(pair.sample.options, pair.row.options, strict=True)]
        for english, translated in texts:
            translations[english.strip()].setdefault(textual.normal(translated), pair)
    several = {english: found for english, found in translations.items() if len(found) > 1}
    return [
        Finding(
            "consistency",
            "warning",
            list(found.values())[1].sample.id,
            list(found.values())[1].row.where,
            f"{len(found)} translations of {english!r}: {', '.join(repr(text) for text in list(found)[:3])}",
        )
        for english, found in several.items()
    ]


def length(own: Sequence[Pair]) -> tuple[list[Finding], float | None]:
    """Questions whose length in English ones is far from the pack's usual; and what is usual."""
    # Each wording once: in a benchmark of few sentences the most frequent one would make all others outliers.
    different = {(pair.sample.question.strip(), pair.row.question.strip()): pair for pair in reversed(own)}
    ratios = [
        (pair, math.log(len(translated) / len(english)))
        for (english, translated), pair in different.items()
        if english and translated
    ]
    if not ratios:
        return [], None
    median = statistics.median(value for _, value in ratios)
    if len(ratios) < _LEAST_ITEMS:
        return [], math.exp(median)
    spread = max(statistics.median(abs(value - median) for _, value in ratios), _LEAST_MAD)
    outliers = []
    for pair, value in ratios:
        z = _MAD_SCALE * (value - median) / spread
        if abs(z) > _ROBUST_Z:
            times = f"{math.exp(value):.2f} times the English length, usual is {math.exp(median):.2f} (z {z:+.1f})"
            outliers.append(
                (abs(z), Finding("length", "warning", pair.sample.id, pair.row.where, f"question: {times}"))
            )
    return [finding for _, finding in sorted(outliers, key=lambda item: -item[0])], math.exp(median)


def graver(found: Sequence[Finding], own: Sequence[Pair]) -> list[Finding]:
    """Findings of another language as errors where they come in a block, or are a large share of the pack."""
    foreign = {item.id for item in found if item.check == "language" and item.detail.startswith("question")}
    block: list[str] = []
    certain: set[str] = set()
    for pair in own:
        block = [*block, pair.sample.id] if pair.sample.id in foreign else []
        if len(block) >= _FOREIGN_BLOCK:
            certain |= set(block)
    if len(foreign) >= max(_FOREIGN_BLOCK, _FOREIGN_SHARE * len(own)):
        certain = foreign
    return [replace(item, level="error") if item.check == "language" and item.id in certain else item for item in found]
