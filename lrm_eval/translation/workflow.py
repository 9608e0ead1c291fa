"""What `lrm-eval data build`, `import` and `audit` do, without a terminal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from lrm_eval.data import find_pack, load_samples
from lrm_eval.data.packs import PackRow, apply_pack, lacks, pack_command, worded_groups
from lrm_eval.errors import UsageError
from lrm_eval.languages import get
from lrm_eval.runs.files import sha256_file
from lrm_eval.translation import build as building
from lrm_eval.translation.audit import Audit, audit
from lrm_eval.translation.cache import Cache
from lrm_eval.translation.english import ENGLISH, english_samples, units
from lrm_eval.translation.importing import Imported, import_tables
from lrm_eval.translation.packfile import hash_text, read_loosely
from lrm_eval.translation.rendering import PROVENANCE as CREATED
from lrm_eval.translation.rendering import cover
from lrm_eval.translation.storing import Made, check_target, new_card, placed, store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lrm_eval.languages import Language
    from lrm_eval.tasks.model import Task
    from lrm_eval.translation.translators import Translator
    from lrm_eval.types import Sample


@dataclass(frozen=True, slots=True)
class Origin:
    """Where translated tables come from.

    Attributes:
        name: the data set, or the repository.
        revision: its commit, or "".
        translator: who or what translated it.
    """

    name: str
    revision: str
    translator: str


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
    templates: bool = True,
) -> Made:
    """Make a pack with a translator, and audit it.

    Questions that the task's lexicon can say are not sent (unless `templates` is false), and texts that people gave win
    over both.

    Nothing is written while a text has no translation: those texts go to a table beside the cache, to be filled in by
    a person and given back.

    Raises:
        UsageError: the task, the language, the data or the translator cannot be used as they are.
        RunError: the translator broke on the way; what was translated is kept.
    """
    target = check_target(task, language, replace_pack)
    english = english_samples(task, source)
    coverage = cover(task, language.tag, english) if templates else None
    rendered = coverage.covered if coverage is not None else frozenset()
    known = {text.strip(): worded for text, worded in coverage.texts.items()} if coverage is not None else {}
    known |= building.read_given(given) if given is not None else {}
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
    card = new_card(task, language, english, source, building.PROVENANCE, "built", translator.name)
    card = replace(card, marks=built.marks, licence=licence, contact=contact, translator=translator.name)
    worded = [replace(row, provenance=CREATED) if row.id in rendered else row for row in built.rows]
    rows = placed(worded, target)
    return Made(target, store(task, language, target, rows, english, card, source), built)


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
    part: bool = False,
    origin: Origin | None = None,
) -> tuple[Made, Imported]:
    """Make a pack from translated tables, and audit it. Nothing is written if anything is wrong with them.

    Args:
        task: the task.
        language: the language of the texts.
        files: the tables.
        provenance: one of mteb's terms.
        source: the user's own English data, or None for the task's.
        replace_pack: whether a pack that is there is replaced.
        later: whether later passes of a circular group are taken; without, they are turned from the first.
        licence: of the translation, or "" for that of the data.
        contact: whom to ask, or "".
        part: whether a part is enough: rows that cannot be used are left out, and so are the samples without one.
        origin: where the tables come from, if that is more than their names.

    Raises:
        UsageError: the task, the language, the data or a file cannot be used at all.
    """
    target = check_target(task, language, replace_pack)
    english = english_samples(task, source)
    imported = import_tables(task, language, files, english, provenance, later, part)
    names = ", ".join(file.name for file in files)
    rows, problems = dict(imported.rows), list(imported.problems)
    if part or not problems:
        worded = worded_groups(english, rows) if part else english
        found = audit(worded, rows, language, names, partial=part)
        # What no run could use: the same rules by which a pack is loaded.
        fatal = [item for item in found.findings if item.level == "error" and item.check in ("ids", "options", "empty")]
        problems += [f"{item.where}: {item.detail}" for item in fatal]
        if part:
            rows = {name: row for name, row in rows.items() if name not in {item.id for item in fatal}}
            worded = worded_groups(english, rows)
        if part or not problems:
            try:
                command = pack_command(task.name, language.tag)
                apply_pack(worded, rows, Path(names), language.tag, command, partial=part)
            except UsageError as error:
                hint = " (--first-pass takes the first pass only and turns its options)"
                return Made(None, None), replace(imported, problems=(*problems, f"{error}{hint if later else ''}"))
    imported = replace(imported, problems=tuple(problems))
    if problems and not part:
        return Made(None, None), imported
    if not worded:
        raise UsageError(f"{names}: words no {task.title} question of this English data; is it another revision?")
    card = new_card(task, language, english, source, provenance, "imported", origin.name if origin else names)
    hashes = [sha256_file(file) for file in files]
    digest = hashes[0] if len(hashes) == 1 else hash_text("".join(hashes))
    card = replace(
        card,
        origin_sha256=digest,
        licence=licence,
        contact=contact,
        version=origin.revision if origin else "",
        translator=origin.translator if origin else "",
        lacks=len(english) - len(worded),
    )
    ordered = [rows[sample.id] for sample in worded if sample.id in rows]
    return Made(target, store(task, language, target, placed(ordered, target), english, card, source)), imported


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
        if lacks(pack):
            english = worded_groups(english, rows)
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
