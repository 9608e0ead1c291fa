"""A finished pack on its way to disk: its card, the loader's own checks, the audit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lrm_eval import __version__
from lrm_eval.data import find_pack, hub
from lrm_eval.data.packs import apply_pack, pack_command, worded_groups
from lrm_eval.errors import UsageError
from lrm_eval.translation.audit import Audit, audit
from lrm_eval.translation.english import ENGLISH
from lrm_eval.translation.packfile import Card, english_hash, hash_text, now, pack_text, user_pack, write_pack

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lrm_eval.data.packs import PackRow
    from lrm_eval.languages import Language
    from lrm_eval.tasks.model import Task
    from lrm_eval.translation.build import Built
    from lrm_eval.types import Sample


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
    built: Built | None = None
    failures: Path | None = None


def check_target(task: Task, language: Language, replace_pack: bool) -> Path:
    """Where a new pack of a task in a language goes.

    Raises:
        UsageError: the language needs no pack, or has one and it is not to be replaced.
    """
    tag = language.tag
    if task.native:
        raise UsageError(f"task {task.name!r} was written by people in each language: no language pack is made of it")
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


def new_card(
    task: Task,
    language: Language,
    english: Sequence[Sample],
    source: Path | None,
    provenance: str,
    method: str,
    origin: str,
) -> Card:
    """The card of a pack that is being made; its hash and its number of lines come with `store`.

    Args:
        task: the task.
        language: language of the pack.
        english: all English samples that it words.
        source: the user's own English data, or None for the task's.
        provenance: one of mteb's terms.
        method: how the pack is made (see `Card`).
        origin: what makes it.
    """
    revision = ""
    if source is not None:
        data = source.name
    elif task.dataset.local is not None:
        data = task.dataset.local
    else:
        here = hub.fetched(task.dataset)
        data, revision = str(task.dataset.path), here.revision if here else ""
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
        licence="",
        contact="",
        made=now(),
        tool=f"lrm-eval {__version__}",
        source_revision=revision,
    )


def placed(rows: Sequence[PackRow], target: Path) -> list[PackRow]:
    """The rows with the place at which they will stand."""
    return [replace(row, where=f"{target}:{line}") for line, row in enumerate(rows, 1)]


def store(
    task: Task,
    language: Language,
    target: Path,
    rows: Sequence[PackRow],
    english: Sequence[Sample],
    card: Card,
    source: Path | None,
) -> Audit:
    """Write pack and card, and audit what was written.

    Raises:
        UsageError: the loader could not use the pack; nothing is written.
        RunError: it cannot be written.
    """
    by_id = {row.id: row for row in rows}
    part = worded_groups(english, by_id) if card.lacks else english
    # The loader's own rules, so that what is written can be run.
    apply_pack(part, by_id, target, language.tag, pack_command(task.name, language.tag), partial=False)
    text = pack_text(rows)
    # A translation starts from the licence of the data.
    card = replace(card, pack_sha256=hash_text(text), rows=len(rows), licence=card.licence or task.licence)
    write_pack(target, rows, card)
    return audit(part, by_id, language, str(target), partial=source is not None)
