"""Structural audit of a language pack against the English data. Pure functions.

It knows no language: it compares ids, counts, scripts, numbers and repetition. A pack that passes can still be badly
translated; a pack that fails cannot be scored honestly. Checks after EU20 (arXiv:2604.01957: equal structure) and
EleutherAI/lm-evaluation-harness issue 1596 (one question repeated a hundred times), and our own.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from lrm_eval.errors import nearest
from lrm_eval.translation import problems, textual
from lrm_eval.translation.english import first_pass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lrm_eval.data.packs import PackRow
    from lrm_eval.languages import Language
    from lrm_eval.types import Sample

Level: TypeAlias = Literal["error", "warning"]
# Every check, in the order in which the table shows it.
CHECKS: dict[str, str] = {
    "format": "lines that are no line of a pack",
    "ids": "ids missing, unknown or twice",
    "options": "another number of options, or a hint missing or too many",
    "empty": "empty texts",
    "placeholders": "placeholders, formulas or addresses lost or added",
    "characters": "broken characters, HTML entities",
    "merged": "options that became identical",
    "moved": "options that changed places, or another right option",
    "repeated": "different English questions with one translation",
    "untranslated": "texts that are still English",
    "script": "texts in another script than the language's",
    "numbers": "numbers that changed",
    "refusal": "refusals of a translator",
    "layout": "option letters or line breaks added",
    "consistency": "one English text with several translations",
    "length": "length ratio far from the rest (robust z)",
}
# Synonyms ("sofa", "couch") share a translation now and then; so many different questions do not.
_REPEATED = 5
# Iglewicz and Hoaglin (1993), "How to detect and handle outliers": modified z beyond 3.5.
_ROBUST_Z = 3.5
_MAD_SCALE = 0.6745
# A median absolute deviation below this (5 % of length) says that the pack is uniform, not that an item is odd.
_LEAST_MAD = 0.05
_LEAST_ITEMS = 20
_MEMORY_SUPPORT = 2
_SENTENCE = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the audit found.

    Attributes:
        check: a key of `CHECKS`.
        level: "error": the pack cannot be used so; "warning": somebody should look.
        id: sample id, or "" if it is about the whole pack.
        where: `file:line`, or the pack's name.
        detail: one line.
    """

    check: str
    level: Level
    id: str
    where: str
    detail: str


@dataclass(frozen=True, slots=True)
class Audit:
    """The result of an audit.

    Attributes:
        findings: errors first, in the order of `CHECKS`.
        samples: English samples that were looked for.
        rows: lines of the pack.
        questions: different English questions.
        untranslated_share: share (0-1) of the questions that are the English text.
        script_share: mean share (0-1) of the questions' letters that are of the language's script; None if not known.
        length_ratio: median length of a question in characters, divided by the English one's; None without questions.
        multiplicity: how often the most frequent question stands there, in English and in the pack.
    """

    findings: tuple[Finding, ...]
    samples: int
    rows: int
    questions: int
    untranslated_share: float
    script_share: float | None
    length_ratio: float | None
    multiplicity: tuple[int, int]

    def count(self, level: Level, check: str | None = None) -> int:
        """Findings of a level, of one check or of all."""
        return sum(item.level == level and check in (None, item.check) for item in self.findings)

    @property
    def ok(self) -> bool:
        """Whether there are no errors; warnings do not count."""
        return self.count("error") == 0


@dataclass(frozen=True, slots=True)
class _Pair:
    """An English sample and its wording; `own` if the pack has a line for it, else it is turned from its first pass."""

    sample: Sample
    row: PackRow
    own: bool


def audit(
    samples: Sequence[Sample],
    rows: Mapping[str, PackRow],
    language: Language,
    pack: str,
    malformed: Iterable[tuple[str, str, str]] = (),
    partial: bool = False,
) -> Audit:
    """Hold a pack against the English data.

    Args:
        samples: all English samples of the task.
        rows: sample id -> line of the pack.
        language: the language the pack is in.
        pack: name of the pack, for findings that have no line.
        malformed: (where, id, what) of lines that could not be read.
        partial: whether the English samples may be a part of what the pack words (the user's own data).
    """
    by_id = {sample.id: sample for sample in samples}
    found = [
        Finding("ids" if "twice" in what else "format", "error", name, where, what) for where, name, what in malformed
    ]
    found += _ids(samples, by_id, rows, pack, partial)
    pairs: list[_Pair] = []
    for sample in samples:
        pair = _pair(sample, by_id, rows)
        if pair is None:
            continue
        wrong = _shape(pair)
        found += wrong
        if not wrong:
            pairs.append(pair)
    own = [pair for pair in pairs if pair.own]
    known: dict[tuple[str, str, bool], list[problems.Problem]] = {}
    found += _together([finding for pair in own for finding in _texts(pair, language, known)])
    found += _other_english(own, samples)
    found += _moved(pairs)
    found += _repeated(own)
    found += _consistency(own)
    lengths, ratio = _length(own)
    found += lengths
    order = {check: position for position, check in enumerate(CHECKS)}
    found.sort(key=lambda item: (item.level != "error", order[item.check]))
    return Audit(
        findings=tuple(found),
        samples=len(samples),
        rows=len(rows),
        questions=len({textual.normal(sample.question) for sample in samples}),
        untranslated_share=_untranslated_share(own),
        script_share=_script_share(own, language),
        length_ratio=ratio,
        multiplicity=(
            _most_frequent(pair.sample.question for pair in own),
            _most_frequent(pair.row.question for pair in own),
        ),
    )


def _ids(
    samples: Sequence[Sample], by_id: Mapping[str, Sample], rows: Mapping[str, PackRow], pack: str, partial: bool
) -> list[Finding]:
    found = []
    for sample in samples:
        if sample.id not in rows and (sample.group == sample.id or sample.group not in rows or not sample.options):
            found.append(Finding("ids", "error", sample.id, pack, f"no line for {sample.id!r}"))
    if partial:
        return found
    for name, row in rows.items():
        if name not in by_id:
            close = nearest(name, by_id, count=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            found.append(Finding("ids", "error", name, row.where, f"no sample has the id {name!r}{hint}"))
    return found


def _pair(sample: Sample, by_id: dict[str, Sample], rows: Mapping[str, PackRow]) -> _Pair | None:
    row = rows.get(sample.id)
    if row is not None:
        return _Pair(sample, row, own=True)
    base = first_pass(sample, by_id)
    row = rows.get(base.id) if base is not None else None
    if base is None or row is None or len(row.options) != len(base.options):
        return None
    by_text: dict[str, list[str]] = defaultdict(list)
    for english, translated in zip(base.options, row.options, strict=True):
        by_text[english].append(translated)
    turned = tuple(by_text[english].pop(0) for english in sample.options)
    return _Pair(sample, replace(row, options=turned), own=False)


def _shape(pair: _Pair) -> list[Finding]:
    sample, row = pair.sample, pair.row
    found = []
    if len(row.options) != len(sample.options):
        text = f"{len(row.options)} options, in English {len(sample.options)}"
        found.append(Finding("options", "error", sample.id, row.where, text))
    if bool(row.hint.strip()) != bool(sample.hint.strip()):
        text = (
            "no hint, the English question has one" if sample.hint.strip() else "a hint, the English question has none"
        )
        found.append(Finding("options", "error", sample.id, row.where, text))
    return found


def _texts(
    pair: _Pair, language: Language, known: dict[tuple[str, str, bool], list[problems.Problem]]
) -> list[Finding]:
    """Each text against its English one, and the options against each other; `known` holds pairs seen before."""
    sample, row = pair.sample, pair.row
    texts = [("question", sample.question, row.question, True)]
    if sample.hint.strip():
        texts.append(("hint", sample.hint, row.hint, True))
    for label, english, option in zip(sample.labels, sample.options, row.options, strict=True):
        texts.append((f"option {label}", english, option, False))
    found = []
    for name, english, translated, sentence in texts:
        key = (english, translated, sentence)
        if key not in known:
            known[key] = problems.find(*key[:2], language, sentence)
        for problem in known[key]:
            level: Level = "error" if problem.error else "warning"
            found.append(Finding(problem.check, level, sample.id, row.where, f"{name}: {problem.detail}"))
    seen: dict[str, int] = {}
    for position, option in enumerate(row.options):
        first = seen.setdefault(textual.normal(option), position)
        if first == position or not option.strip():
            continue
        if textual.normal(sample.options[first]) != textual.normal(sample.options[position]):
            english = f"{sample.options[first]!r} and {sample.options[position]!r}"
            text = (
                f"options {sample.labels[first]} and {sample.labels[position]} are both {option!r} (English: {english})"
            )
            found.append(Finding("merged", "error", sample.id, row.where, text))
    return found


def _other_english(own: Sequence[_Pair], samples: Sequence[Sample]) -> list[Finding]:
    """Questions that are the English text of another item: a block that slipped and was never translated."""
    english = {textual.normal(sample.question) for sample in samples if textual.words(sample.question) >= _SENTENCE}
    found = []
    for pair in own:
        text = textual.normal(pair.row.question)
        if text in english and text != textual.normal(pair.sample.question):
            detail = f"question: is the English text of another item: {pair.row.question!r}"
            found.append(Finding("untranslated", "error", pair.sample.id, pair.row.where, detail))
    return found


def _together(found: Sequence[Finding]) -> list[Finding]:
    """Warnings of one text once: an option that is a name is the same in a hundred questions."""
    groups: dict[object, list[Finding]] = defaultdict(list)
    for finding in found:
        text = finding.detail.partition(": ")[2]
        groups[(finding.check, text) if finding.level == "warning" else id(finding)].append(finding)
    return [
        replace(first, detail=f"{first.detail} (and {len(others)} more times)") if others else first
        for first, *others in groups.values()
    ]


def _moved(pairs: Sequence[_Pair]) -> list[Finding]:
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


def _misplaced(pair: _Pair, usual: Mapping[str, str]) -> list[Finding]:
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


def _repeated(own: Sequence[_Pair]) -> list[Finding]:
    sources: dict[str, dict[str, _Pair]] = defaultdict(dict)
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


def _consistency(own: Sequence[_Pair]) -> list[Finding]:
    translations: dict[str, dict[str, _Pair]] = defaultdict(dict)
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


def _length(own: Sequence[_Pair]) -> tuple[list[Finding], float | None]:
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


def _untranslated_share(own: Sequence[_Pair]) -> float:
    same = sum(textual.normal(pair.sample.question) == textual.normal(pair.row.question) for pair in own)
    return same / len(own) if own else 0.0


def _script_share(own: Sequence[_Pair], language: Language) -> float | None:
    shares = [textual.script_share(pair.row.question, language.script) for pair in own]
    known = [share for share in shares if share is not None]
    return statistics.fmean(known) if known else None


def _most_frequent(questions: Iterable[str]) -> int:
    return max(Counter(textual.normal(question) for question in questions).values(), default=0)
