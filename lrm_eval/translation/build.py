"""A language pack from the English data and a translator.

Equal English texts get one translation, each text is asked for once, and what is translated is on disk at once: a
build that was stopped goes on where it was. A text that the translator cannot do is left for a person, never guessed.
"""

from __future__ import annotations

import csv
import io
import queue
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lrm_eval.data.packs import PackRow
from lrm_eval.runs.files import write_atomic
from lrm_eval.translation import problems, textual
from lrm_eval.translation.planning import Job, Plan, plan
from lrm_eval.translation.translators import TranslationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from lrm_eval.languages import Language
    from lrm_eval.translation.cache import Cache
    from lrm_eval.translation.english import Unit
    from lrm_eval.translation.glossary import Glossary
    from lrm_eval.translation.translators import Translator

__all__ = ["Built", "Job", "Plan", "build", "fulfil", "plan", "write_failures"]

PROVENANCE = "machine-translated"
BY_PEOPLE = "human-translated"
_GIVEN = ("source", "translation")


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


def build(
    todo: Plan[Unit],
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
    result = Built()
    known, result.failed = fulfil(todo, translator, source, target, cache, advance)
    for unit in todo.units:
        _assemble(unit, known, target, todo, result)
    return result


def fulfil(
    todo: Plan[Any],
    translator: Translator,
    source: Language,
    target: Language,
    cache: Cache,
    advance: Callable[[int], None] = lambda texts: None,
) -> tuple[dict[str, str], dict[str, str]]:
    """Do the calls of a plan; arguments and errors as `build`.

    Returns:
        English text -> translation, those that were known included; and English text -> why it has none.
    """
    known = dict(todo.known)
    refused: dict[str, str] = {}
    begin = time.monotonic()
    answered = 0
    try:
        for job, answer in _results(todo.jobs, translator, source, target):
            _keep(job, answer, known, refused, todo.glossary, target, cache)
            answered += 1
            advance(len(job.wanted))
        # A translator that sees single texts is asked once more for each that it spoiled; a chat has been asked thrice.
        again = [] if translator.together else [text for text in refused if text not in known]
        for text in again:
            sentences = {sentence for job in todo.jobs for sentence in job.sentences} & {text}
            job = Job((text,), frozenset({text}), frozenset(sentences))
            for _, answer in _results([job], translator, source, target):
                failed: dict[str, str] = {}
                _keep(job, answer, known, failed, todo.glossary, target, cache)
                if not failed:
                    del refused[text]
    finally:
        # One call after the other would have taken as many times as long as calls were under way at once.
        cache.timed(answered, (time.monotonic() - begin) * min(translator.concurrency, max(answered, 1)))
    return known, refused


def _keep(
    job: Job,
    answer: list[str] | TranslationError,
    known: dict[str, str],
    failed: dict[str, str],
    glossary: Glossary,
    target: Language,
    cache: Cache,
) -> None:
    """Sort the translations of a call into those that are kept, on disk at once, and those that are refused."""
    if isinstance(answer, Exception):
        failed |= dict.fromkeys(sorted(job.wanted), str(answer))
        return
    good: list[tuple[str, str, str]] = []
    for text, translation in zip(job.texts, answer, strict=True):
        if text not in job.wanted or text in known:
            continue
        refused = _refused(text, translation, target, text in job.sentences)
        if refused:
            failed[text] = refused
        else:
            known[text] = translation
            good.append((text, glossary.context(text), translation))
    cache.add(good)


def _refused(text: str, translation: str, target: Language, sentence: bool) -> str:
    found = [problem.detail for problem in problems.find(text, translation, target, sentence) if problem.refused]
    return f"{'; '.join(found)} (the translator gave {translation[:80]!r})" if found else ""


def _assemble(unit: Unit, known: Mapping[str, str], target: Language, todo: Plan[Unit], result: Built) -> None:
    if any(text not in known for text, _ in unit.texts()):
        return
    marks = [
        f"{text!r}: {problem.detail}"
        for text, sentence in unit.texts()
        if text not in todo.people
        for problem in problems.find(text, known[text], target, sentence, todo.glossary)
    ]
    if marks:
        result.marks[unit.id] = marks
    by_people = all(text in todo.people or not textual.translatable(text) for text, _ in unit.texts())
    options = tuple(known[option] for option in unit.options)
    hint = known[unit.hint] if unit.hint else ""
    origin = BY_PEOPLE if by_people else PROVENANCE
    result.rows.append(PackRow(unit.id, known[unit.question], options, hint, origin, unit.id))


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
