"""What `lrm-eval data build`, `texts` and `import` do, without a terminal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from lrm_eval.data import find_pack
from lrm_eval.data.packs import apply_pack, pack_command, worded_groups
from lrm_eval.errors import UsageError
from lrm_eval.languages import get
from lrm_eval.runs.files import sha256_file
from lrm_eval.translation import build as building
from lrm_eval.translation.audit import audit
from lrm_eval.translation.cache import Cache
from lrm_eval.translation.english import ENGLISH, english_samples, units
from lrm_eval.translation.estimate import Estimate, estimate, shown
from lrm_eval.translation.glossary import EMPTY, Glossary
from lrm_eval.translation.importing import Imported, import_tables
from lrm_eval.translation.packfile import hash_text, read_loosely
from lrm_eval.translation.rendering import PROVENANCE as CREATED
from lrm_eval.translation.rendering import cover
from lrm_eval.translation.storing import Made, check_target, new_card, placed, store
from lrm_eval.translation.texts import Text, read_given, texts_of, write_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_eval.languages import Language
    from lrm_eval.tasks.model import Task
    from lrm_eval.translation.translators import Translator


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


@dataclass(frozen=True, slots=True)
class Orders:
    """How a build is done, besides by whom.

    Attributes:
        given: a file with translations by people, which win over everything else.
        glossary: terms and names that translations keep to.
        templates: whether questions that the task's lexicon can say are worded by it.
        replace_pack: whether a pack that is there is replaced.
        licence: of the translation, or "" for that of the data.
        contact: whom to ask, or "".
        most: US dollars that a build may cost at most; None = whatever it costs.
        dry: whether nothing is sent or written: only plan, cost and time are told.
    """

    given: Path | None = None
    glossary: Glossary = EMPTY
    templates: bool = True
    replace_pack: bool = False
    licence: str = ""
    contact: str = ""
    most: float | None = None
    dry: bool = False


class Observer(Protocol):
    """Hears how a build goes on."""

    def planned(self, task: str, language: Language, todo: building.Plan[Any], cost: Estimate) -> None:
        """Before the first call: how much there is to do, what it costs and how long it takes."""
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
    orders: Orders | None = None,
) -> Made:
    """Make a pack with a translator, and audit it.

    Questions that the task's lexicon can say are not sent, and texts that people gave win over both.

    Nothing is written while a text has no translation: those texts go to a table in the cache's folder, to be filled
    in by a person and given back.

    Raises:
        UsageError: the task, the language, the data or the translator cannot be used as they are, or it would cost
            more than it may.
        RunError: the translator broke on the way; what was translated is kept.
    """
    orders = orders or Orders()
    target = check_target(task, language, orders.replace_pack)
    english = english_samples(task, source)
    wanted = units(english)
    coverage = cover(task, language.tag, english) if orders.templates else None
    rendered = coverage.covered if coverage is not None else frozenset()
    worded_by = {text.strip(): worded for text, worded in coverage.texts.items()} if coverage is not None else {}
    sources = [text for unit in wanted for text, _ in unit.texts()]
    given = read_given(orders.given, language, sources) if orders.given is not None else {}
    with Cache(translator.name, language.tag) as cache:
        failures = cache.folder / f"{task.name}.untranslated.tsv"
        todo = building.plan(wanted, cache, given, translator, orders.glossary, worded_by)
        measured = cache.seconds_per_call()
        cost = estimate(
            todo,
            translator.price,
            translator.overhead,
            translator.concurrency,
            measured,
            translator.assumed_seconds,
        )
        observer.planned(task.name, language, todo, cost)
        if orders.dry:
            return Made(None, None)
        if orders.most is not None and (cost.high is None or cost.high > orders.most):
            raise UsageError(f"--max-cost {orders.most:g}: this build is {shown(cost)}; nothing was sent")
        try:
            built = building.build(todo, translator, get(ENGLISH), language, cache, observer.advance)
        finally:
            observer.ended()
        if built.failed:
            building.write_failures(failures, built.failed)
            return Made(None, None, built, failures)
        failures.unlink(missing_ok=True)
    worded = [replace(row, provenance=CREATED) if row.id in rendered else row for row in built.rows]
    kinds = {row.provenance for row in worded}
    provenance = building.BY_PEOPLE if kinds == {building.BY_PEOPLE} else building.PROVENANCE
    card = new_card(task, language, english, source, provenance, "built", translator.name)
    if orders.given is not None:
        card = replace(card, origin_sha256=sha256_file(orders.given))
    card = replace(card, marks=built.marks, licence=orders.licence, contact=orders.contact, translator=translator.name)
    rows = placed(worded, target)
    return Made(target, store(task, language, target, rows, english, card, source), built)


def write_for_people(
    task: Task,
    language: Language,
    path: Path,
    source: Path | None = None,
    drafts: bool = False,
) -> tuple[list[Text], Path | None]:
    """Write the texts of a task to a file that people translate in.

    Args:
        task: the task.
        language: the language they translate into.
        path: the file; its ending says whether CSV, TSV, PO or XLIFF.
        source: local English data, or None for the task's own.
        drafts: whether the texts of the pack that is there stand in it as drafts.

    Returns:
        What was written, and the pack whose texts are the drafts.

    Raises:
        UsageError: the task, the data or the ending cannot be used; no pack for drafts.
        RunError: it cannot be written.
    """
    english = english_samples(task, source)
    pack = find_pack(task, language.tag) if drafts else None
    if drafts and pack is None:
        raise UsageError(f"--drafts: task {task.name!r} has no pack in {language.name} whose texts could be drafts")
    known: dict[str, str] = {}
    if pack is not None:
        rows, _ = read_loosely(pack)
        for unit in units(english):
            row = rows.get(unit.id)
            if row is not None and len(row.options) == len(unit.options):
                pairs = [
                    (unit.question, row.question),
                    (unit.hint, row.hint),
                    *zip(unit.options, row.options, strict=True),
                ]
                for text, translation in pairs:
                    known.setdefault(text, translation)
    found = texts_of(units(english), known)
    write_texts(path, found, task.name, language)
    return found, pack


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
