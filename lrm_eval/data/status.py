"""What stands between a task in a language and a run: nothing, a download, or a language pack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from lrm_eval.data import hub
from lrm_eval.data.fields import ENGLISH, language_of
from lrm_eval.data.packs import find_pack, has_lexicon, lacks, pack_command
from lrm_eval.data.sources import local_source, rebuild

if TYPE_CHECKING:
    from pathlib import Path

    from lrm_eval.languages import Language
    from lrm_eval.tasks.model import Task

State: TypeAlias = Literal["ready", "needs-download", "needs-pack"]


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether a task can be run in a language.

    Attributes:
        state: "ready", "needs-download" or "needs-pack".
        detail: one line for people.
        command: what gets what is missing; "" if ready.
    """

    state: State
    detail: str
    command: str = ""


def availability(task: Task, language: Language, source: Path | None = None) -> Availability:
    """Whether a task can be run in a language now. Downloads nothing.

    Args:
        task: the task.
        language: the language.
        source: local data (`--data TASK=PATH`), if given.

    Raises:
        UsageError: `source` cannot be read.
    """
    tag = language.tag
    if source is not None:
        return _of_source(task, language, source)
    dataset = task.dataset_of(tag)
    if task.native and tag not in task.languages:
        return Availability("needs-pack", f"people wrote it in {', '.join(task.languages)} and in no other language")
    if dataset.manual is not None:
        return Availability("needs-download", dataset.manual, _remedy(task))
    own = tag == ENGLISH or task.language(tag).dataset is not None
    pack = None if own else find_pack(task, tag)
    if not own and pack is None:
        return _no_pack(task, language)
    if dataset.local is not None:
        if not (task.folder / dataset.local).is_file():
            return Availability("needs-download", f"{dataset.local} is missing: {rebuild(task)}", _remedy(task))
    elif hub.fetched(dataset) is None:
        return Availability("needs-download", f"hub data set {dataset.path}", f"lrm-eval data fetch {task.name}")
    detail = _named(pack) if pack else task.language(tag).note or "data in this language"
    return Availability("ready", detail)


def _of_source(task: Task, language: Language, source: Path) -> Availability:
    data = local_source(task, source, None)
    present = {language_of(row, data.default_language) for row in data.rows}
    if language.tag in present:
        return Availability("ready", f"rows in {source}")
    if task.native:
        return Availability("needs-pack", f"{source} has rows in {', '.join(sorted(present))} only")
    if ENGLISH not in present:
        listed = ", ".join(sorted(present))
        return Availability(
            "needs-pack",
            f"{source} has rows in {listed} only, and a language pack needs the English ones",
            f'add rows with "language": "{language.tag}" to {source}',
        )
    pack = find_pack(task, language.tag)
    return Availability("ready", _named(pack)) if pack else _no_pack(task, language)


def _named(pack: Path) -> str:
    left_out = lacks(pack)
    return f"language pack {pack}" + (f" ({left_out} English samples are not in it)" if left_out else "")


def _no_pack(task: Task, language: Language) -> Availability:
    command = pack_command(task.name, language.tag)
    why = f"no language pack in {language.name}"
    if has_lexicon(task, language.tag):
        # "created" and a lexicon: somebody wrote every text of it, and no translator is needed.
        whole = task.language(language.tag).provenance == "created"
        why += " yet; it is made by template" if whole else " yet; a part is made by template (--part)"
    return Availability("needs-pack", why, command)


def _remedy(task: Task) -> str:
    return "lrm-llava tiny" if task.tiny else f"--data {task.name}=PATH"
