"""Which tasks and languages an export is of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrm_eval.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lrm_eval.languages import Language
    from lrm_eval.tasks import Task


def choose(
    tasks: Sequence[str], langs: str, data: Mapping[str, Path], include_paths: Sequence[Path] = ()
) -> tuple[list[tuple[Task, Path | None]], list[Language]]:
    """Tasks with their local data, and languages, checked as `lrm-eval run` checks them.

    Args:
        tasks: names; no suite is chosen: `mme` is the full task, `tiny-mme` the tiny one.
        langs: as after `--langs`.
        data: local data by task.
        include_paths: folders with more tasks and languages.

    Raises:
        UsageError: an unknown or empty name, or a task without questions in one of the languages.
    """
    from lrm_eval import languages
    from lrm_eval.data import availability
    from lrm_eval.runs.suites import choose_tasks
    from lrm_eval.tasks import load_task, task_names

    for path in include_paths:
        if not path.is_dir():
            raise UsageError(f"--include-path {path}: no such folder")
    if include_paths:
        languages.include(list(include_paths))
    for name, path in data.items():
        if not path.exists():
            raise UsageError(f"--data {name}={path}: no such file or folder")
    choices = choose_tasks(tasks, "full", data, task_names(include_paths))
    chosen = [(load_task(choice.name, include_paths), choice.source) for choice in choices]
    offered = [
        tag
        for tag in dict.fromkeys(tag for task, _ in chosen for tag in task.languages)
        if all(availability(task, languages.get(tag), source).state != "needs-pack" for task, source in chosen)
    ]
    found = languages.resolve(langs, offered)
    for task, source in chosen:
        for language in found:
            there = availability(task, language, source)
            if there.state == "needs-pack":
                raise UsageError(f"{task.name} has no questions in {language.name} ({language.tag}): {there.detail}")
    return chosen, found
