"""Checks of an audit that look at one item at a time: its ids, its shape, its texts. Pure functions."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from lrm_eval.errors import nearest
from lrm_eval.translation import problems, textual
from lrm_eval.translation.english import first_pass
from lrm_eval.translation.findings import Finding, Level, Pair

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lrm_eval.data.packs import PackRow
    from lrm_eval.languages import Language
    from lrm_eval.translation.glossary import Glossary
    from lrm_eval.types import Sample

_SENTENCE = 3


def ids(
    samples: Sequence[Sample], by_id: Mapping[str, Sample], rows: Mapping[str, PackRow], pack: str, partial: bool
) -> list[Finding]:
    """Samples without a line, and lines without a sample."""
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


def pair(sample: Sample, by_id: dict[str, Sample], rows: Mapping[str, PackRow]) -> Pair | None:
    """A sample with its wording, turned from its first pass if it has no line of its own; None if it has none."""
    row = rows.get(sample.id)
    if row is not None:
        return Pair(sample, row, own=True)
    base = first_pass(sample, by_id)
    row = rows.get(base.id) if base is not None else None
    if base is None or row is None or len(row.options) != len(base.options):
        return None
    by_text: dict[str, list[str]] = defaultdict(list)
    for english, translated in zip(base.options, row.options, strict=True):
        by_text[english].append(translated)
    turned = tuple(by_text[english].pop(0) for english in sample.options)
    return Pair(sample, replace(row, options=turned), own=False)


def shape(pair: Pair) -> list[Finding]:
    """Another number of options, or a hint too many or missing: nothing else of such an item can be compared."""
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


def texts(
    pair: Pair,
    language: Language,
    known: dict[tuple[str, str, bool], list[problems.Problem]],
    glossary: Glossary,
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
            known[key] = problems.find(*key[:2], language, sentence, glossary)
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


def other_english(own: Sequence[Pair], samples: Sequence[Sample]) -> list[Finding]:
    """Questions that are the English text of another item: a block that slipped and was never translated."""
    english = {textual.normal(sample.question) for sample in samples if textual.words(sample.question) >= _SENTENCE}
    found = []
    for pair in own:
        text = textual.normal(pair.row.question)
        if text in english and text != textual.normal(pair.sample.question):
            detail = f"question: is the English text of another item: {pair.row.question!r}"
            found.append(Finding("untranslated", "error", pair.sample.id, pair.row.where, detail))
    return found


def together(found: Sequence[Finding]) -> list[Finding]:
    """Warnings of one text once: an option that is a name is the same in a hundred questions."""
    groups: dict[object, list[Finding]] = defaultdict(list)
    for finding in found:
        text = finding.detail.partition(": ")[2]
        groups[(finding.check, text) if finding.level == "warning" else id(finding)].append(finding)
    return [
        replace(first, detail=f"{first.detail} (and {len(others)} more times)") if others else first
        for first, *others in groups.values()
    ]
