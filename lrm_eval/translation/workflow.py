"""What `lrm-eval data build`, `import` and `audit` do, without a terminal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from lrm_eval import __version__
from lrm_eval.data import find_pack, hub, load_samples
from lrm_eval.data.packs import PackRow, apply_pack, pack_command
from lrm_eval.errors import UsageError
from lrm_eval.languages import get
from lrm_eval.runs.files import sha256_file
from lrm_eval.translation import build as building
from lrm_eval.translation.audit import Audit, audit
from lrm_eval.translation.cache import Cache
from lrm_eval.translation.english import ENGLISH, english_samples, units
from lrm_eval.translation.importing import Imported, import_tables
from lrm_eval.translation.packfile import (
    Card,
    english_hash,
    hash_text,
    now,
    pack_text,
    read_loosely,
    user_pack,
    write_pack,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lrm_eval.languages import Language
    from lrm_eval.tasks.model import Task
    from lrm_eval.translation.translators import Translator
    from lrm_eval.types import Sample


class Observer(Protocol):
    """Hears how a build goes on."""

    def planned(self, task: str, language: Language, todo: building.Plan) -> None:
        """Before the first call: how much there is to do."""
        ...

    def advance(self, texts: int) -> None:
        """So many more texts are done."""
        ...

    def ended(self) -> None:
        """The last call is done, or the build stops."""
        ...


@dataclass(frozen=True, slots=True)
class Made:
    """A pack that was made, or was not.

    Attributes:
        pack: its file, or None if it was not written.
        audit: the audit of it; None if it was not written.
        built: what the translator gave (builds only).
        failures: the table of texts without a translation, or None.
    """

    pack: Path | None
    audit: Audit | None
    built: building.Built | None = None
    failures: Path | None = None


def check_target(task: Task, language: Language, replace_pack: bool) -> Path:
    """Where a new pack of a task in a language goes.

    Raises:
        UsageError: the language needs no pack, or has one and it is not to be replaced.
    """
    tag = language.tag
    if tag == ENGLISH:
        raise UsageError(f"task {task.name!r}: English is what packs are made from; name another language")
    if task.language(tag).dataset is not None:
        raise UsageError(
            f"task {task.name!r} has data of its own in {language.name} and needs no pack; `lrm-eval data audit "
            f"{task.name} --lang {tag}` compares it with English"
        )
    target = user_pack(task, tag)
    here = find_pack(task, tag)
    if here is None:
        return target
    if here.parent in task.pack_dirs:
        raise UsageError(f"{here}: this pack comes before all others; move it away to make another one")
    if not replace_pack:
        what = "replaces it" if here == target else f"puts yours, {target}, before it"
        raise UsageError(f"task {task.name!r} has a pack in {language.name} already: {here}; --replace {what}")
    return target


def build_pack(
    task: Task,
    language: Language,
    translator: Translator,
    observer: Observer,
    source: Path | None = None,
    given: Path | None = None,
    replace_pack: bool = False,
    licence: str = "",
    contact: str = "",
) -> Made:
    """Make a pack with a translator, and audit it.

    Nothing is written while a text has no translation: those texts go to a table beside the cache, to be filled in by
    a person and given back.

    Raises:
        UsageError: the task, the language, the data or the translator cannot be used as they are.
        RunError: the translator broke on the way; what was translated is kept.
    """
    target = check_target(task, language, replace_pack)
    english = english_samples(task, source)
    known = building.read_given(given) if given is not None else {}
    with Cache(translator.name, language.tag) as cache:
        failures = cache.path.with_name(f"{task.name}.untranslated.tsv")
        todo = building.plan(units(english), cache, known, translator)
        observer.planned(task.name, language, todo)
        try:
            built = building.build(todo, translator, get(ENGLISH), language, cache, observer.advance)
        finally:
            observer.ended()
        if built.failed:
            building.write_failures(failures, built.failed)
            return Made(None, None, built, failures)
        failures.unlink(missing_ok=True)
    card = _card(task, language, english, source, building.PROVENANCE, "built", translator.name)
    card = replace(card, marks=built.marks, licence=licence, contact=contact)
    rows = _placed(built.rows, target)
    return Made(target, _write(task, language, target, rows, english, card, source), built)


def import_pack(
    task: Task,
    language: Language,
    files: Sequence[Path],
    provenance: str,
    source: Path | None = None,
    replace_pack: bool = False,
    later: bool = True,
    licence: str = "",
    contact: str = "",
) -> tuple[Made, Imported]:
    """Make a pack from translated tables, and audit it. Nothing is written if anything is wrong with them.

    Raises:
        UsageError: the task, the language, the data or a file cannot be used at all.
    """
    target = check_target(task, language, replace_pack)
    english = english_samples(task, source)
    imported = import_tables(task, language, files, english, provenance, later)
    if imported.problems:
        return Made(None, None), imported
    rows = dict(imported.rows)
    names = ", ".join(file.name for file in files)
    found = audit(english, rows, language, names)
    # What no run could use: the same rules by which a pack is loaded.
    fatal = [item for item in found.findings if item.level == "error" and item.check in ("ids", "options", "empty")]
    problems = [f"{item.where}: {item.detail}" for item in fatal]
    if not problems:
        try:
            apply_pack(english, rows, Path(names), language.tag, pack_command(task.name, language.tag), partial=False)
        except UsageError as error:
            problems = [f"{error} (--first-pass takes the first pass only and turns its options)"]
    if problems:
        return Made(None, None), replace(imported, problems=tuple(problems))
    card = _card(task, language, english, source, provenance, "imported", names)
    hashes = [sha256_file(file) for file in files]
    origin = hashes[0] if len(hashes) == 1 else hash_text("".join(hashes))
    card = replace(card, origin_sha256=origin, licence=licence, contact=contact)
    ordered = [rows[sample.id] for sample in english if sample.id in rows]
    return Made(target, _write(task, language, target, _placed(ordered, target), english, card, source)), imported


def audit_pack(task: Task, language: Language, pack: Path | None = None, source: Path | None = None) -> Audit:
    """Audit a pack, or the data that a task has in the language itself.

    Args:
        task: the task.
        language: the language.
        pack: a pack file; None = the one a run would use.
        source: local data of the task; None = the task's own.

    Raises:
        UsageError: there is nothing to audit, or it cannot be read.
        RunError: data that had to be downloaded and could not be.
    """
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
    if pack is not None:
        rows, malformed = read_loosely(pack)
        return audit(english, rows, language, str(pack), malformed, partial=source is not None)
    samples = load_samples(task, language, source, images=False)
    return audit(english, _as_rows(samples), language, f"{task.name} in {language.name}")


def _as_rows(samples: Sequence[Sample]) -> Mapping[str, PackRow]:
    return {
        sample.id: PackRow(
            sample.id, sample.question, sample.options, sample.hint, "", f"{sample.language} row {number}"
        )
        for number, sample in enumerate(samples, 1)
    }


def _placed(rows: Sequence[PackRow], target: Path) -> list[PackRow]:
    """The rows with the place at which they will stand."""
    return [replace(row, where=f"{target}:{line}") for line, row in enumerate(rows, 1)]


def _card(
    task: Task,
    language: Language,
    english: Sequence[Sample],
    source: Path | None,
    provenance: str,
    method: str,
    origin: str,
) -> Card:
    if source is not None:
        data = source.name
    elif task.dataset.local is not None:
        data = task.dataset.local
    else:
        here = hub.fetched(task.dataset)
        data = f"{task.dataset.path}@{here.revision if here else 'unknown'}"
    return Card(
        task=task.name,
        task_version=task.version,
        language=language.tag,
        provenance=provenance,
        method=method,
        origin=origin,
        origin_sha256="",
        english_sha256=english_hash(english),
        source=data,
        pack_sha256="",
        rows=0,
        marks={},
        licence=licence_of(task),
        contact="",
        made=now(),
        tool=f"lrm-eval {__version__}",
    )


def licence_of(task: Task) -> str:
    """The licence a translation starts from: that of the data."""
    return task.licence


def _write(
    task: Task,
    language: Language,
    target: Path,
    rows: Sequence[PackRow],
    english: Sequence[Sample],
    card: Card,
    source: Path | None,
) -> Audit:
    by_id = {row.id: row for row in rows}
    # The loader's own rules, so that what is written can be run.
    apply_pack(english, by_id, target, language.tag, pack_command(task.name, language.tag), partial=False)
    text = pack_text(rows)
    card = replace(card, pack_sha256=hash_text(text), rows=len(rows), licence=card.licence or licence_of(task))
    write_pack(target, rows, card)
    return audit(english, by_id, language, str(target), partial=source is not None)
