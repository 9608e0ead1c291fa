"""What `lrm-eval data import` does: tables of the user's own, or a translation that is known by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrm_eval.errors import RunError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from rich.console import Console

    from lrm_eval.languages import Language
    from lrm_eval.tasks.model import Task
    from lrm_eval.translation.importing import Imported
    from lrm_eval.translation.storing import Made
    from lrm_eval.translation.workflow import Origin

LIST = "list"
_SHOWN_PROBLEMS = 50


@dataclass(frozen=True, slots=True)
class Request:
    """What was typed.

    Attributes:
        task: the task.
        files: the tables; empty to download those of `origin`.
        provenance: what was typed after --provenance, or None.
        origin: name of a translation that is known, or None.
        source: the user's own English data, or None for the task's.
        first_pass: whether the first pass of a circular question is enough.
        part: whether a part of the benchmark is enough.
        replace: whether a pack that is there is replaced.
        licence: of the translation, or "".
        contact: whom to ask, or "".
    """

    task: Task
    files: tuple[Path, ...]
    provenance: str | None
    origin: str | None
    source: Path | None
    first_pass: bool
    part: bool
    replace: bool
    licence: str
    contact: str


def print_sources(task: Task, console: Console) -> None:
    """The translations of a task that are known by name."""
    from rich import box
    from rich.table import Table

    from lrm_eval.translation.existing import load_existing, sources

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    table.add_column("name", no_wrap=True)
    for name in ("what", "languages", "provenance", "licence"):
        table.add_column(name, overflow="fold")
    for name in sources(task):
        found = load_existing(task, name)
        table.add_row(name, found.title, ", ".join(sorted(found.languages)), found.provenance, found.licence)
    if not table.rows:
        raise UsageError(f"task {task.name!r}: no translations are known; name a FILE and its --provenance")
    console.print(table)


def import_languages(
    request: Request,
    languages: Sequence[Language],
    out: Console,
    err: Console,
    tell: Callable[[Language, Made], None],
) -> None:
    """Make the packs.

    Args:
        request: what was typed.
        languages: the languages asked for.
        out: for what was done.
        err: for what is wrong.
        tell: called with each pack that was made.

    Raises:
        UsageError: something that was typed cannot be used.
        RunError: a download failed, or the tables have mistakes; nothing was written for that language.
    """
    if not languages:
        raise UsageError("which language? --lang L")
    if len(languages) > 1 and (request.files or request.origin is None):
        raise UsageError("a FILE is in one language: name one with --lang")
    if request.origin is None and not request.files:
        raise UsageError(f"which FILE? or --from NAME; `lrm-eval data import {request.task.name} --from list`")
    if request.origin is None and request.provenance is None:
        raise UsageError("how were these texts made? --provenance human, machine, machine-verified, lm, found, …")
    for language in languages:
        made, imported, files = _one(request, language)
        _report(made, imported, files, request.part, out, err)
        tell(language, made)


def _one(request: Request, language: Language) -> tuple[Made, Imported, tuple[Path, ...]]:
    from lrm_eval.translation import importing, workflow
    from lrm_eval.translation.storing import check_target

    files, licence, contact, part = request.files, request.licence, request.contact, request.part
    origin: Origin | None = None
    provenance = importing.provenance_of(request.provenance) if request.provenance is not None else ""
    if request.origin is not None:
        from lrm_eval.translation.existing import load_existing, obtain

        check_target(request.task, language, request.replace)  # before anything is downloaded
        known = load_existing(request.task, request.origin)
        revision = ""
        if not files:
            found = obtain(known, request.origin, language)
            files, revision = found.paths, found.revision
        origin = workflow.Origin(known.path or known.homepage, revision, known.translator)
        provenance = provenance or known.provenance
        licence, contact, part = licence or known.licence, contact or known.contact, part or known.part
    made, imported = workflow.import_pack(
        request.task,
        language,
        files,
        provenance,
        request.source,
        replace_pack=request.replace,
        later=not request.first_pass,
        licence=licence,
        contact=contact,
        part=part,
        origin=origin,
    )
    return made, imported, files


def _report(made: Made, imported: Imported, files: Sequence[Path], part: bool, out: Console, err: Console) -> None:
    from lrm_eval.translation.packfile import read_card
    from lrm_eval.translation.show import counted

    for problem in imported.problems[:_SHOWN_PROBLEMS]:
        err.print(" ".join(problem.split()), markup=False, highlight=False, soft_wrap=True)
    more = len(imported.problems) - _SHOWN_PROBLEMS
    hidden = f" ({more} of them not shown)" if more > 0 else ""
    if made.pack is None:
        names = ", ".join(str(file) for file in files)
        hint = "" if part else "; --part leaves out what cannot be used"
        raise RunError(f"{names}: {counted(len(imported.problems), 'problem')}{hidden}; nothing was written{hint}")
    lines = []
    if imported.problems:
        lines.append(f"{counted(len(imported.problems), 'row')} that cannot be used were left out{hidden}")
    if imported.strangers:
        lines.append(f"{counted(imported.strangers, 'row')} of questions that the English data has not were left out")
    if imported.skipped:
        lines.append(f"{imported.skipped} rows in other languages were left out")
    card = read_card(made.pack)
    if card is not None and card.lacks:
        lines.append(f"{card.lacks} English samples have no text in the pack and will not be asked")
    for line in lines:
        out.print(line, markup=False, highlight=False, soft_wrap=True)
