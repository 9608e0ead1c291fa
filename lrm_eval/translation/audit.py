"""Structural audit of a language pack against the English data. Pure functions.

It knows no language but by its script and by the library that identifies it: it compares ids, counts, scripts, numbers
and repetition. A pack that passes can still be badly translated; a pack that fails cannot be scored honestly. Checks
after EU20 (arXiv:2604.01957: equal structure) and EleutherAI/lm-evaluation-harness issue 1596 (one question repeated a
hundred times), and our own.
"""

from __future__ import annotations

import statistics
from collections import Counter
from typing import TYPE_CHECKING

from lrm_eval.translation import audit_items as items
from lrm_eval.translation import audit_whole as whole
from lrm_eval.translation import textual
from lrm_eval.translation.audit_order import cut, gold, polarity, slipped
from lrm_eval.translation.findings import CHECKS, Audit, Finding, Pair
from lrm_eval.translation.glossary import EMPTY, Glossary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lrm_eval.data.packs import PackRow
    from lrm_eval.languages import Language
    from lrm_eval.translation import problems
    from lrm_eval.types import Sample

__all__ = ["CHECKS", "Audit", "Finding", "audit"]


def audit(
    samples: Sequence[Sample],
    rows: Mapping[str, PackRow],
    language: Language,
    pack: str,
    malformed: Iterable[tuple[str, str, str]] = (),
    partial: bool = False,
    own_data: Sequence[Sample] = (),
    glossary: Glossary = EMPTY,
    extra: Iterable[Finding] = (),
) -> Audit:
    """Hold a pack against the English data.

    Args:
        samples: all English samples of the task.
        rows: sample id -> line of the pack.
        language: the language the pack is in.
        pack: name of the pack, for findings that have no line.
        malformed: (where, id, what) of lines that could not be read.
        partial: whether the English samples may be a part of what the pack words (the user's own data).
        own_data: the samples of data that the task has in the language itself: gold answers are compared too.
        glossary: terms and names that translations keep to.
        extra: findings of others (back-translation), put in their place.
    """
    by_id = {sample.id: sample for sample in samples}
    found = [
        Finding("ids" if "twice" in what else "format", "error", name, where, what) for where, name, what in malformed
    ]
    found += items.ids(samples, by_id, rows, pack, partial)
    found += gold(samples, own_data, rows, pack)
    pairs: list[Pair] = []
    for sample in samples:
        pair = items.pair(sample, by_id, rows)
        if pair is None:
            continue
        wrong = items.shape(pair)
        found += wrong
        if not wrong:
            pairs.append(pair)
    own = [pair for pair in pairs if pair.own]
    known: dict[tuple[str, str, bool], list[problems.Problem]] = {}
    spoken = [finding for pair in own for finding in items.texts(pair, language, known, glossary)]
    found += items.together(whole.graver(spoken, own))
    found += items.other_english(own, samples)
    found += whole.moved(pairs)
    found += slipped(own)
    found += whole.repeated(own)
    found += cut(own)
    found += polarity(own, language)
    found += whole.consistency(own)
    lengths, ratio = whole.length(own)
    found += lengths
    found += extra
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


def _untranslated_share(own: Sequence[Pair]) -> float:
    same = sum(textual.normal(pair.sample.question) == textual.normal(pair.row.question) for pair in own)
    return same / len(own) if own else 0.0


def _script_share(own: Sequence[Pair], language: Language) -> float | None:
    shares = [textual.script_share(pair.row.question, language.script) for pair in own]
    known = [share for share in shares if share is not None]
    return statistics.fmean(known) if known else None


def _most_frequent(questions: Iterable[str]) -> int:
    return max(Counter(textual.normal(question) for question in questions).values(), default=0)
