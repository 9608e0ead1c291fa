"""What `lrm-eval data audit` does, without a terminal: the structural audit, and the measures that need more."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lrm_eval.data import find_pack, load_samples
from lrm_eval.data.packs import PackRow, lacks, pack_command, worded_groups
from lrm_eval.errors import UsageError
from lrm_eval.translation import audit_items, back, textual
from lrm_eval.translation.agreement import Agreement, Apart, agree, wordings
from lrm_eval.translation.audit import Audit, audit
from lrm_eval.translation.comet import MODEL, comet_scores
from lrm_eval.translation.crossed import against_english, against_second
from lrm_eval.translation.english import ENGLISH, english_samples, units
from lrm_eval.translation.glossary import EMPTY, Glossary
from lrm_eval.translation.packfile import read_card, read_loosely

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lrm_eval.languages import Language
    from lrm_eval.tasks.model import Task
    from lrm_eval.translation.findings import Finding, Pair
    from lrm_eval.translation.translators import Translator
    from lrm_eval.types import Sample


@dataclass(frozen=True, slots=True)
class Measures:
    """What an audit measures besides structure; nothing by default.

    Attributes:
        glossary: terms and names that translations keep to.
        back: translates the pack's questions and options back into English.
        second: another pack of the same language, to measure how far two translations agree.
        second_translator: makes that other translation anew, where there is no pack of it.
        comet: whether COMET scores the questions.
        comet_command: its program; None = on the PATH.
        comet_model: its model.
    """

    glossary: Glossary = EMPTY
    back: Translator | None = None
    second: Path | None = None
    second_translator: Translator | None = None
    comet: bool = False
    comet_command: str | None = None
    comet_model: str = MODEL


@dataclass(frozen=True, slots=True)
class Report:
    """An audited language.

    Attributes:
        language: the language.
        name: what was audited: the pack's file, or the data.
        audit: findings and figures.
        pairs: samples with their wording, by id.
        agreement: with another translation; None if none was asked for.
        apart: the texts that the two render most differently, the worst first.
        back: mean chrF2 (0-100) of back-translated questions; None if not measured.
        backs: question or option of the pack -> English.
        comet: mean score on the model's own scale; None if not measured.
        comets: sample id -> score.
    """

    language: Language
    name: str
    audit: Audit
    pairs: Mapping[str, Pair] = field(default_factory=dict)
    agreement: Agreement | None = None
    apart: tuple[Apart, ...] = ()
    back: float | None = None
    backs: Mapping[str, str] = field(default_factory=dict)
    comet: float | None = None
    comets: Mapping[str, float] = field(default_factory=dict)


def audit_pack(task: Task, language: Language, pack: Path | None = None, source: Path | None = None) -> Audit:
    """The structural audit alone; see `audit_language`."""
    return audit_language(task, language, pack, source).audit


def audit_language(
    task: Task,
    language: Language,
    pack: Path | None = None,
    source: Path | None = None,
    measures: Measures | None = None,
) -> Report:
    """Audit a pack, or the data that a task has in the language itself.

    Args:
        task: the task.
        language: the language.
        pack: a pack file; None = the one a run would use.
        source: local data of the task; None = the task's own.
        measures: what is measured besides.

    Raises:
        UsageError: there is nothing to audit, it cannot be read, or a measure cannot be taken as asked.
        RunError: data that had to be downloaded and could not be, or a translator or COMET that failed.
    """
    measures = measures or Measures()
    if language.tag == ENGLISH:
        raise UsageError("English is what packs are held against; name another language with --lang")
    if pack is None and task.language(language.tag).dataset is None:
        pack = find_pack(task, language.tag)
        if pack is None and source is None:
            raise UsageError(
                f"task {task.name!r} has no pack in {language.name}; name a file with --pack, or make one: "
                f"`{pack_command(task.name, language.tag)}`"
            )
    english = english_samples(task, source)
    malformed: Sequence[tuple[str, str, str]] = ()
    own_data: Sequence[Sample] = ()
    if pack is not None:
        rows, malformed = read_loosely(pack)
        if lacks(pack):
            english = worded_groups(english, rows)
        name, partial = str(pack), source is not None
    else:
        own_data = load_samples(task, language, source, images=False)
        rows, name, partial = dict(_as_rows(own_data)), f"{task.name} in {language.name}", False
    by_id = {sample.id: sample for sample in english}
    made = [pair for sample in english if (pair := audit_items.pair(sample, by_id, rows)) is not None]
    pairs = [pair for pair in made if not audit_items.shape(pair)]
    own = [pair for pair in pairs if pair.own and pair.row.question.strip()]

    backs: dict[str, str] = {}
    extra: list[Finding] = []
    mean = None
    if measures.back is not None:
        asked = [text for pair in own for text in (pair.row.question, *pair.row.options) if textual.translatable(text)]
        backs = back.translate_back(asked, language, measures.back)
        extra, mean = back.judge(own, backs)
        extra += against_english(own, backs)
    comets = _comet(own, measures) if measures.comet else {}
    agreement, apart, second = _agreement(task, language, pack, name, english, rows, measures)
    extra += against_second(own, second)
    found = audit(english, rows, language, name, malformed, partial, own_data, measures.glossary, extra)
    return Report(
        language=language,
        name=name,
        audit=found,
        pairs={pair.sample.id: pair for pair in made},
        agreement=agreement,
        apart=tuple(apart),
        back=mean,
        backs=backs,
        comet=statistics.fmean(comets.values()) if comets else None,
        comets=comets,
    )


def _comet(own: Sequence[Pair], measures: Measures) -> dict[str, float]:
    """Score of each question; equal questions are scored once."""
    texts = list(dict.fromkeys((pair.sample.question, pair.row.question) for pair in own))
    scores = dict(
        zip(texts, comet_scores(texts, measures.comet_command, measures.comet_model), strict=True) if texts else ()
    )
    return {pair.sample.id: scores[pair.sample.question, pair.row.question] for pair in own}


def _agreement(
    task: Task,
    language: Language,
    pack: Path | None,
    name: str,
    english: Sequence[Sample],
    rows: Mapping[str, PackRow],
    measures: Measures,
) -> tuple[Agreement | None, list[Apart], Mapping[str, str]]:
    if measures.second is None and measures.second_translator is None:
        return None, [], {}
    wanted = units(english)
    first = wordings(wanted, rows)
    if measures.second is not None:
        other, _ = read_loosely(measures.second)
        second, label = wordings(wanted, other), _label(measures.second)
    else:
        assert measures.second_translator is not None, "one of the two is given"
        second, label = _translated(first, language, measures.second_translator), measures.second_translator.name
    found, apart = agree(task.name, language.tag, first, second, (_label(pack) if pack is not None else name, label))
    return found, apart, second


def _label(pack: Path) -> str:
    """Who translated a pack, as its card says, or its name."""
    card = read_card(pack)
    return (card.translator or card.origin) if card is not None else pack.name


def _translated(texts: Mapping[str, str], language: Language, translator: Translator) -> dict[str, str]:
    """The same English texts by another translator; what it cannot do is left out."""
    from lrm_eval.languages import get
    from lrm_eval.translation.build import build, plan
    from lrm_eval.translation.cache import Cache
    from lrm_eval.translation.english import Unit

    todo_units = [Unit(str(number), text, "", ()) for number, text in enumerate(texts)]
    with Cache(translator.name, language.tag) as cache:
        done = build(plan(todo_units, cache, {}, translator), translator, get(ENGLISH), language, cache)
    by_id = {unit.id: unit.question for unit in todo_units}
    return {by_id[row.id]: row.question for row in done.rows if textual.translatable(by_id[row.id])}


def _as_rows(samples: Sequence[Sample]) -> Mapping[str, PackRow]:
    return {
        sample.id: PackRow(
            sample.id, sample.question, sample.options, sample.hint, "", f"{sample.language} row {number}"
        )
        for number, sample in enumerate(samples, 1)
    }
