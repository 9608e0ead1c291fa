"""A language pack from the English data and a translator.

Equal English texts get one translation, each text is asked for once, and what is translated is on disk at once: a
build that was stopped goes on where it was. A text that the translator cannot do is left for a person, never guessed.
"""

from __future__ import annotations

import csv
import io
import queue
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lrm_eval.data.packs import PackRow
from lrm_eval.data.rows import read_rows
from lrm_eval.errors import UsageError
from lrm_eval.runs.files import write_atomic
from lrm_eval.translation import problems, textual
from lrm_eval.translation.translators import TranslationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from lrm_eval.languages import Language
    from lrm_eval.translation.cache import Cache
    from lrm_eval.translation.english import Unit
    from lrm_eval.translation.translators import Translator

PROVENANCE = "machine-translated"
_GIVEN = ("source", "translation")


@dataclass(frozen=True, slots=True)
class Job:
    """Texts for one call of the translator.

    Attributes:
        texts: what is sent.
        wanted: those of them whose translations are kept; the others only explain them.
        sentences: those of `wanted` that are questions or hints.
    """

    texts: tuple[str, ...]
    wanted: frozenset[str]
    sentences: frozenset[str]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a build has to do.

    Attributes:
        units: the lines of the pack.
        known: English text -> translation, from the cache, from a file, or because there is nothing to translate.
        jobs: the calls that are left.
        texts: different texts.
        cached: those found in the cache.
    """

    units: tuple[Unit, ...]
    known: Mapping[str, str]
    jobs: tuple[Job, ...]
    texts: int
    cached: int

    @property
    def left(self) -> int:
        """Texts still to be translated."""
        return sum(len(job.wanted) for job in self.jobs)

    @property
    def characters(self) -> int:
        """Characters that are sent, explanations included."""
        return sum(len(text) for job in self.jobs for text in job.texts)


@dataclass(slots=True)
class Built:
    """What came out.

    Attributes:
        rows: the lines of the pack, complete only if `failed` is empty.
        failed: English text -> why it has no translation.
        marks: sample id -> what is doubtful in its texts.
    """

    rows: list[PackRow] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    marks: dict[str, list[str]] = field(default_factory=dict)


def plan(units: Sequence[Unit], cache: Cache, given: Mapping[str, str], translator: Translator) -> Plan:
    """Which texts are known and which calls are left.

    A text belongs to the first unit that has it. A translator that sees texts together gets that whole unit, so that
    the question explains an option; its other texts keep the translations they have.
    """
    known: dict[str, str] = {}
    owner: dict[str, Unit] = {}
    sentences: set[str] = set()
    cached = 0
    for unit in units:
        for text, sentence in unit.texts():
            if sentence:
                sentences.add(text)
            if text in known or text in owner:
                continue
            found = given.get(text.strip()) or (None if textual.translatable(text) else text.strip())
            if found is None:
                found = cache.get(text)
                cached += found is not None
            if found is None:
                owner[text] = unit
            else:
                known[text] = found
    jobs = _together(units, owner, sentences) if translator.together else _batched(owner, sentences, translator.batch)
    return Plan(tuple(units), known, tuple(jobs), len(known) + len(owner), cached)


def _together(units: Sequence[Unit], owner: Mapping[str, Unit], sentences: set[str]) -> Iterator[Job]:
    for unit in units:
        texts = tuple(text for text, _ in unit.texts())
        wanted = frozenset(text for text in texts if owner.get(text) is unit)
        if wanted:
            yield Job(texts, wanted, wanted & sentences)


def _batched(owner: Mapping[str, Unit], sentences: set[str], size: int) -> Iterator[Job]:
    # By length: a batch is padded to its longest text.
    texts = sorted(owner, key=lambda text: (len(text), text))
    for start in range(0, len(texts), size):
        batch = texts[start : start + size]
        yield Job(tuple(batch), frozenset(batch), frozenset(batch) & sentences)


def build(
    todo: Plan,
    translator: Translator,
    source: Language,
    target: Language,
    cache: Cache,
    advance: Callable[[int], None] = lambda texts: None,
) -> Built:
    """Do the calls of a plan and put the lines of the pack together.

    Args:
        todo: from `plan`.
        translator: makes the translations.
        source: language of the texts.
        target: language of the pack.
        cache: open; gets each translation as it comes.
        advance: called with the number of texts that are done, failed ones included.

    Raises:
        UsageError: the translator cannot work at all as it is set up.
        RunError: it broke on the way, or the cache cannot be written; everything before is kept.
    """
    known = dict(todo.known)
    result = Built()
    for job, answer in _results(todo.jobs, translator, source, target):
        if isinstance(answer, Exception):
            result.failed |= dict.fromkeys(sorted(job.wanted), str(answer))
        else:
            for text, translation in zip(job.texts, answer, strict=True):
                if text in job.wanted and text not in known:
                    refused = _refused(text, translation, target, text in job.sentences)
                    if refused:
                        result.failed[text] = refused
                        continue
                    known[text] = translation
                    cache.add(text, translation)
        advance(len(job.wanted))
    for unit in todo.units:
        _assemble(unit, known, target, result)
    return result


def _refused(text: str, translation: str, target: Language, sentence: bool) -> str:
    found = [problem.detail for problem in problems.find(text, translation, target, sentence) if problem.refused]
    return f"{'; '.join(found)} (the translator gave {translation[:80]!r})" if found else ""


def _assemble(unit: Unit, known: Mapping[str, str], target: Language, result: Built) -> None:
    if any(text not in known for text, _ in unit.texts()):
        return
    marks = [
        f"{text!r}: {problem.detail}"
        for text, sentence in unit.texts()
        for problem in problems.find(text, known[text], target, sentence)
        if problem.error
    ]
    if marks:
        result.marks[unit.id] = marks
    options = tuple(known[option] for option in unit.options)
    hint = known[unit.hint] if unit.hint else ""
    result.rows.append(PackRow(unit.id, known[unit.question], options, hint, PROVENANCE, unit.id))


def _results(
    jobs: Sequence[Job], translator: Translator, source: Language, target: Language
) -> Iterator[tuple[Job, list[str] | TranslationError]]:
    """Each job with its translations or the reason why it has none; several at once where the translator can."""

    def run(job: Job) -> list[str] | TranslationError:
        try:
            found = translator.translate(job.texts, source, target)
        except TranslationError as error:
            return error
        if len(found) != len(job.texts):
            return TranslationError(f"{len(found)} translations for {len(job.texts)} texts")
        return found

    if translator.concurrency == 1 or len(jobs) < 2:
        for job in jobs:
            answer = run(job)
            if isinstance(answer, TranslationError) and not translator.together and len(job.texts) > 1:
                # One text that cannot be done must not cost its whole batch.
                singles = [Job((text,), frozenset({text}), job.sentences & {text}) for text in job.texts]
                yield from ((single, run(single)) for single in singles)
            else:
                yield job, answer
        return
    waiting: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[Job, list[str] | Exception]] = queue.SimpleQueue()
    stopped = threading.Event()

    def work() -> None:
        while (job := waiting.get()) is not None and not stopped.is_set():
            try:
                done.put((job, run(job)))
            except Exception as error:
                done.put((job, error))

    for job in jobs:
        waiting.put(job)
    # Daemons: Ctrl-C must not wait for a server that takes two minutes to answer.
    for _ in range(min(translator.concurrency, len(jobs))):
        waiting.put(None)
        threading.Thread(target=work, daemon=True).start()
    try:
        for _ in jobs:
            job, outcome = done.get()
            if isinstance(outcome, Exception) and not isinstance(outcome, TranslationError):
                raise outcome
            yield job, outcome
    finally:
        stopped.set()


def read_given(path: Path) -> dict[str, str]:
    """Translations made by people: English text -> translation, from a file with `source` and `translation`.

    Rows with an empty translation are left out: that is the list of failures, not yet filled in.

    Raises:
        UsageError: a column is missing, or a text has two translations (with file and line).
    """
    found: dict[str, str] = {}
    for row in read_rows(path):
        missing = [name for name in _GIVEN if name not in row.values]
        if missing:
            raise UsageError(
                f"{row.where}: no column {missing[0]!r} (columns: {', '.join(row.values)}); needed are source and "
                "translation"
            )
        text, translation = (str(row.values[name] or "").strip() for name in _GIVEN)
        if not translation:
            continue
        if found.setdefault(text, translation) != translation:
            raise UsageError(f"{row.where}: {text!r} has two translations: {found[text]!r} and {translation!r}")
    return found


def write_failures(path: Path, failed: Mapping[str, str]) -> None:
    """A table of the texts without a translation, to be filled in and given back with `--given`.

    Raises:
        RunError: it cannot be written.
    """
    stream = io.StringIO()
    table = csv.writer(stream, delimiter="\t", lineterminator="\n")
    table.writerow([*_GIVEN, "problem"])
    for text, problem in sorted(failed.items()):
        table.writerow([text, "", " ".join(problem.split())])
    write_atomic(path, stream.getvalue())
