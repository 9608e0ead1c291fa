"""The tables of `lrm-eval tasks` and `langs`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

# Columns that the table of languages needs when no cell of it is folded.
_WIDE = 100
_MARK = {"ready": "✓", "needs-download": "↓", "needs-pack": "·"}


@dataclass(frozen=True, slots=True)
class TaskState:
    """What one task has in one language.

    Attributes:
        task: task name.
        language: tag.
        state: "ready", "needs-download" or "needs-pack".
        detail: what is there or is not.
        command: what gets it; "" if nothing is needed.
        provenance: where the wording comes from.
        native: whether people wrote the task in each language by itself.
        lacks: English samples that the language's pack leaves out.
    """

    task: str
    language: str
    state: str
    detail: str
    command: str
    provenance: str
    native: bool = False
    lacks: int = 0

    def as_dict(self) -> dict[str, str | bool | int]:
        """For `--json`."""
        return {name: getattr(self, name) for name in self.__slots__}


def task_states(include_paths: Sequence[Path]) -> list[TaskState]:
    """Every task in every language that any task names.

    Raises:
        UsageError: a mistake in a YAML (with file and line).
    """
    from lrm_eval.data import availability, find_pack
    from lrm_eval.data.packs import lacks
    from lrm_eval.languages import get
    from lrm_eval.tasks import list_tasks

    tasks = list_tasks(include_paths)
    tags = list(dict.fromkeys(tag for task in tasks for tag in task.languages if not task.native))
    states = []
    for task in tasks:
        for tag in task.languages if task.native else tags:
            there = availability(task, get(tag))
            provenance = str(task.language(tag).provenance)
            own = task.native or task.language(tag).dataset is not None
            pack = None if own else find_pack(task, tag)
            left_out = lacks(pack) if pack is not None else 0
            states.append(
                TaskState(task.name, tag, there.state, there.detail, there.command, provenance, task.native, left_out)
            )
    return states


def print_tasks(states: Sequence[TaskState], console: Console) -> None:
    """A matrix of marks, then what each thing that is missing needs."""
    tags = list(dict.fromkeys(state.language for state in states if not state.native))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    table.add_column("task", no_wrap=True)
    for tag in tags:
        table.add_column(tag, justify="center", no_wrap=True)
    rows: dict[str, dict[str, TaskState]] = {}
    for state in states:
        if not state.native:
            rows.setdefault(state.task, {})[state.language] = state
    for name, row in rows.items():
        table.add_row(name, *(_MARK[row[tag].state] for tag in tags))
    console.print(table)
    console.print("✓ ready   ↓ needs a download   · needs a language pack", markup=False, highlight=False)
    native: dict[str, dict[str, TaskState]] = {}
    for state in states:
        if state.native:
            native.setdefault(state.task, {})[state.language] = state
    if native:
        console.print("\nWritten by people in each language, never averaged with those above:", style="bold")
    for name, row in native.items():
        marks = " ".join(f"{tag}{_MARK[state.state]}" for tag, state in row.items())
        console.print(f"{name}: {marks}", markup=False, highlight=False, soft_wrap=not console.is_terminal)
    parts = [
        f"{state.task} ({state.language}): a part only, its pack leaves out {state.lacks:,} English samples"
        for state in states
        if state.lacks
    ]
    for line in [*parts, *_missing(states)]:
        console.print(line, markup=False, highlight=False, soft_wrap=not console.is_terminal)


def _missing(states: Sequence[TaskState]) -> list[str]:
    """One line per thing that is missing: in which languages of which tasks, and what gets it."""
    from lrm_eval.languages import get

    by_need: dict[tuple[str, str], dict[str, list[str]]] = {}
    for state in states:
        if state.state == "ready":
            continue
        detail, command = (_general(text, state, get(state.language).name) for text in (state.detail, state.command))
        by_need.setdefault((detail.replace(" in LANG", ""), command), {}).setdefault(state.task, []).append(
            state.language
        )
    lines = []
    for (detail, command), tasks in by_need.items():
        together: dict[tuple[str, ...], list[str]] = {}
        for task, tags in tasks.items():
            together.setdefault(tuple(tags), []).append(task)
        for languages, names in together.items():
            if all(state.native for state in states if state.task in names):
                lines.append(f"{', '.join(names)}: {detail}" + (f"; `{command}`" if command else ""))
                continue
            task = names[0] if len(names) == 1 else "TASK"
            language = languages[0] if len(languages) == 1 else "LANG"
            line = f"{', '.join(names)} ({', '.join(languages)}): {detail}" + (f"; `{command}`" if command else "")
            lines.append(line.replace("TASK", task).replace("LANG", language))
    return lines


def _general(text: str, state: TaskState, language: str) -> str:
    """The text with TASK and LANG for this task and language, so that equal needs read equal."""
    for word, place in ((state.task, "TASK"), (language, "LANG")):
        text = re.sub(rf"(?<![\w-]){re.escape(word)}(?![\w-])", place, text)
    # A tag only where one stands: "it" and "is" are words, too.
    return re.sub(rf"(?<=--lang ){re.escape(state.language)}(?![\w-])", "LANG", text)


def print_languages(console: Console) -> None:
    """The registry."""
    from lrm_eval.languages import all_languages

    narrow = console.width < _WIDE
    padding = (0, 1, 0, 0) if narrow else (0, 1)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", padding=padding)
    for name in ("tag", "639-3", "name", "own name", "script", "dir" if narrow else "direction"):
        table.add_column(name, no_wrap=True)
    table.add_column("family", overflow="fold")
    table.add_column("class", justify="right")
    table.add_column("paper", justify="center")
    for language in all_languages():
        table.add_row(
            language.tag,
            language.iso639_3,
            language.name,
            language.autonym,
            language.script,
            language.direction,
            language.family,
            str(language.joshi_class),
            "✓" if language.paper else "",
        )
    console.print(table)
    console.print(
        "class: resources after Joshi et al. 2020, 0 (left behind) to 5. Groups for --langs: all, paper, "
        "low-resource (class 2 and below). Names, ISO 639 and BCP-47 forms are understood as well.",
        markup=False,
        highlight=False,
    )


def languages_as_dicts() -> list[dict[str, Any]]:
    """The registry, for `--json`."""
    from lrm_eval.languages import all_languages

    names = ("tag", "iso639_3", "name", "autonym", "script", "direction", "family", "joshi_class", "paper", "aliases")
    return [{name: getattr(language, name) for name in names} for language in all_languages()]
