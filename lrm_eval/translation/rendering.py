"""Language packs by template and lexicon: no translator, and every text can be read by a person beforehand."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lrm_eval.data.packs import PackRow, worded_groups
from lrm_eval.translation.english import english_samples
from lrm_eval.translation.storing import Made, check_target, new_card, placed, store
from lrm_eval.translation.templates import Lexicon, load_lexicon

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lrm_eval.languages import Language
    from lrm_eval.tasks.model import Task
    from lrm_eval.types import Sample

METHOD = "rendered"
# mteb's term for text that was written and not translated.
PROVENANCE = "created"


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a task a lexicon can say.

    Attributes:
        lexicon: the lexicon.
        texts: English question -> the question in the language.
        covered: sample ids whose whole text is among them.
        missing: the samples that are left.
    """

    lexicon: Lexicon
    texts: Mapping[str, str]
    covered: frozenset[str]
    missing: tuple[Sample, ...]

    def lacking(self) -> str:
        """What is left, in words: how many of which categories, all by name, and the first question."""
        counts = Counter(sample.category or sample.split or sample.task for sample in self.missing)
        shown = ", ".join(f"{count} of {name}" for name, count in counts.most_common())
        return f"{shown}; the first: {self.missing[0].question!r} ({self.missing[0].id})" if counts else "nothing"


def cover(task: Task, tag: str, english: Sequence[Sample]) -> Coverage | None:
    """What a task's lexicon makes of its English questions; None if it has none in this language.

    Raises:
        UsageError: a mistake in the lexicon, with file and line.
    """
    lexicon = load_lexicon(task, tag)
    if lexicon is None:
        return None
    texts: dict[str, str] = {}
    missing: list[Sample] = []
    for sample in english:
        # Options and hints are words of their own, which no lexicon has.
        worded = None if sample.options or sample.hint.strip() else lexicon.render(sample.question)
        if worded is None:
            missing.append(sample)
        else:
            texts[sample.question] = worded
    lost = {sample.id for sample in missing}
    return Coverage(lexicon, texts, frozenset(item.id for item in english if item.id not in lost), tuple(missing))


def render_pack(
    task: Task,
    language: Language,
    source: Path | None = None,
    replace_pack: bool = False,
    licence: str = "",
    contact: str = "",
    part: bool = False,
) -> tuple[Made, Coverage | None]:
    """Make a pack by template alone, and audit it.

    Args:
        task: the task.
        language: the language.
        source: the user's own English data, or None for the task's.
        replace_pack: whether a pack that is there is replaced.
        licence: of the pack, or "" for that of the data.
        contact: whom to ask, or "" for the lexicon's.
        part: whether the groups that the lexicon words whole are enough; its card says how many samples are left out.

    Returns:
        The pack, and what the lexicon covers. Nothing is written if there is no lexicon, or if it does not cover
        everything and no part is enough, or if it covers no group.

    Raises:
        UsageError: the task, the language, the lexicon or the data cannot be used as they are.
        RunError: data that had to be downloaded and could not be, or a pack that cannot be written.
    """
    target = check_target(task, language, replace_pack)
    # Before gigabytes are downloaded for nothing.
    if load_lexicon(task, language.tag) is None:
        return Made(None, None), None
    english = english_samples(task, source)
    coverage = cover(task, language.tag, english)
    if coverage is None or (coverage.missing and not part):
        return Made(None, None), coverage
    rows = [_row(sample, coverage) for sample in english if sample.id in coverage.covered]
    worded = worded_groups(english, {row.id: row for row in rows})
    if not worded:
        return Made(None, None), coverage
    kept = {sample.id for sample in worded}
    rows = placed([row for row in rows if row.id in kept], target)
    lexicon = coverage.lexicon
    card = new_card(task, language, english, source, PROVENANCE, METHOD, f"{task.name}/lexicon/{lexicon.path.name}")
    card = replace(
        card,
        version=str(lexicon.version),
        origin_sha256=lexicon.sha256,
        licence=licence,
        contact=contact or lexicon.contact,
        lacks=len(english) - len(worded),
    )
    return Made(target, store(task, language, target, rows, english, card, source)), coverage


def _row(sample: Sample, coverage: Coverage) -> PackRow:
    return PackRow(sample.id, coverage.texts[sample.question], (), "", PROVENANCE, "")
