"""Which tasks a command means: the suite rule, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from lrm_eval.errors import UsageError, unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

Suite: TypeAlias = Literal["tiny", "full"]
SUITES: tuple[Suite, ...] = ("tiny", "full")
BENCHMARKS = ("mme", "pope", "seedbench", "mmbench")


@dataclass(frozen=True, slots=True)
class TaskChoice:
    """A task by name, with local data for it or None."""

    name: str
    source: Path | None = None


def choose_suite(asked: str | None, default: Suite) -> Suite:
    """The suite asked for, or the model's default.

    Raises:
        UsageError: no such suite.
    """
    if asked is None:
        return default
    for suite in SUITES:
        if asked == suite:
            return suite
    raise unknown("suite", asked, SUITES)


def choose_tasks(
    asked: Sequence[str] | None, suite: Suite, data: Mapping[str, Path], known: Collection[str]
) -> list[TaskChoice]:
    """The tasks a command means, in the order typed, each once.

    In the tiny suite `mme` means `tiny-mme`, unless local data is given for it: local data is data of
    the full task. Without `--tasks`, the tasks with local data, or all four benchmarks if there is none.

    Args:
        asked: names as typed, or None.
        suite: which suite the names are taken from.
        data: local data per task (`--data TASK=PATH`).
        known: names of all tasks there are.

    Raises:
        UsageError: unknown or empty names, or data for a task that is not asked.
    """
    for name in data:
        if name.startswith("tiny-"):
            raise UsageError(
                f"--data {name}=…: local data is data of the full task: type `--data {name.removeprefix('tiny-')}=PATH`"
            )
        if name not in known:
            raise unknown("task", name, known, "lrm-eval tasks")
    names = list(data) or list(BENCHMARKS) if asked is None else [name.strip() for name in asked if name.strip()]
    if not names:
        raise UsageError("--tasks names no task: type for example `--tasks mme,pope`; `lrm-eval tasks` lists them all")
    unused = [name for name in data if name not in names]
    if unused:
        raise UsageError(f"--data is given for {unused[0]}, which --tasks does not name: add it to --tasks")
    chosen: dict[str, TaskChoice] = {}
    for name in names:
        tiny = f"tiny-{name}"
        if name in data:
            choice = TaskChoice(name, data[name])
        elif suite == "tiny" and tiny in known:
            choice = TaskChoice(tiny)
        elif name in known:
            choice = TaskChoice(name)
        else:
            raise unknown("task", name, known, "lrm-eval tasks")
        chosen.setdefault(choice.name, choice)
    return list(chosen.values())
