"""What the verbs of `lrm-eval data` share: their options, and small helpers."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from lrm_eval.languages import Language
    from lrm_eval.tasks.model import Task
    from lrm_eval.translation.storing import Made

TaskArgument = Annotated[str, typer.Argument(metavar="TASK", help="`lrm-eval tasks` lists them.")]
Langs = Annotated[str, typer.Option("--lang", "--langs", metavar="L,…", help="Tags or names: sw,am,hr.")]
Data = Annotated[
    str | None, typer.Option("--data", metavar="[TASK=]PATH", help="Local English data instead of the task's own.")
]
DataOfTasks = Annotated[
    list[str] | None,
    typer.Option("--data", metavar="[TASK=]PATH", help="Local English data instead of the task's own. Repeatable."),
]
TasksArgument = Annotated[str, typer.Argument(metavar="TASK,…", help="`lrm-eval tasks` lists them.")]
IncludePaths = Annotated[
    list[Path] | None, typer.Option("--include-path", metavar="DIR", help="Folder with more tasks and packs.")
]
Replace = Annotated[bool, typer.Option("--replace", help="Put the new pack in the place of one that is there.")]
Licence = Annotated[str, typer.Option("--licence", metavar="TEXT", help="Of the translation. Default: the data's.")]
Contact = Annotated[str, typer.Option("--contact", metavar="TEXT", help="Whom to ask about the translation.")]
Show = Annotated[int, typer.Option("--show", metavar="N", help="Findings printed of each check.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on standard output.")]


def consoles(as_json: bool = False) -> tuple[Console, Console]:
    """Standard output and standard error; with JSON on standard output both are the latter."""
    from rich.console import Console

    err = Console(stderr=True, emoji=False, width=None if sys.stderr.isatty() else 120)
    return err if as_json else Console(emoji=False, width=None if sys.stdout.isatty() else 120), err


def print_json(value: object) -> None:
    """One JSON value, and nothing else, on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


def task_of(name: str, include_path: list[Path] | None) -> Task:
    """The task of a name.

    Raises:
        UsageError: no such task.
    """
    from lrm_eval.tasks import load_task

    return load_task(name, include_path or ())


def languages_of(spec: str) -> list[Language]:
    """The languages of a list; `all` are all but English.

    Raises:
        UsageError: no such language.
    """
    from lrm_eval.languages import all_languages, resolve

    return resolve(spec, [language.tag for language in all_languages() if language.tag != "en"])


def source_of(task: Task, data: str | None) -> Path | None:
    """The path of `--data`, with or without the task before it."""
    return Path(data.removeprefix(f"{task.name}=")) if data else None


def sources_of(tasks: Sequence[Task], data: Sequence[str]) -> dict[str, Path]:
    """Task -> its local data, of `--data` given once or several times.

    Raises:
        UsageError: a path without a task where several are asked for, or two of one task.
    """
    from lrm_eval.errors import UsageError

    names = [task.name for task in tasks]
    found: dict[str, Path] = {}
    for item in data:
        name, _, path = item.partition("=")
        if not path or name not in names:
            if len(names) > 1:
                raise UsageError(f"--data {item}: write --data TASK=PATH with one of {', '.join(names)}")
            name, path = names[0], item
        if name in found:
            raise UsageError(f"--data names {name} twice: {found[name]} and {path}")
        found[name] = Path(path)
    return found


def finish(task: Task, language: Language, made: Made, out: Console, show: int) -> None:
    """As `show_pack`, ending the command with status 1 if there are errors."""
    if not show_pack(task, language, made, out, show):
        raise typer.Exit(1)


def show_pack(task: Task, language: Language, made: Made, out: Console, show: int) -> bool:
    """Print the audit of a pack that was made, and where it lies; whether it has no errors."""
    from lrm_eval.translation.show import print_audit

    assert made.audit is not None, "a pack that was written was audited"
    print_audit(task.name, language, made.audit, out, show)
    say(out, f"pack: {made.pack}")
    return made.audit.ok


def say(console: Console, text: str) -> None:
    """Print one line."""
    console.print(" ".join(text.split()), markup=False, highlight=False, soft_wrap=True)
