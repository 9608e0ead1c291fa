"""From names as typed to model, tasks and languages, everything checked before anything is loaded."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lrm_eval.conditions import ENGLISH, answer_sentence, choose_conditions
from lrm_eval.errors import UsageError
from lrm_eval.runs.suites import Suite, choose_suite, choose_tasks
from lrm_eval.types import DEFAULT_CONDITION

if TYPE_CHECKING:
    from pathlib import Path

    from lrm_eval.conditions import Condition
    from lrm_eval.languages import Language
    from lrm_eval.runs.runner import Ask
    from lrm_eval.tasks import Task
    from model_adapters import ModelSpec


@dataclass(frozen=True)
class Selection:
    """What a command means.

    Attributes:
        spec: the model.
        suite: the suite names were taken from.
        suite_asked: whether the suite was typed; the model's default otherwise.
        tasks: tasks in the order typed, with local data or None.
        languages: languages in the order typed.
        conditions: what else is varied, the default one first if it is among them.
        notices: what the user should know before it begins.
    """

    spec: ModelSpec
    suite: Suite
    suite_asked: bool
    tasks: list[tuple[Task, Path | None]]
    languages: list[Language]
    conditions: list[Condition]
    notices: list[str] = field(default_factory=list)

    @property
    def prompts(self) -> dict[str, str]:
        """Benchmark to the prompt of the model's authors."""
        return {benchmark: prompt.text for benchmark, prompt in self.spec.preset.prompts.items()}

    def headline(self) -> str:
        """The first line of a run."""
        why = "" if self.suite_asked else f" (the default of {self.spec.name})"
        names = [task.name + (f" from {source}" if source else "") for task, source in self.tasks]
        languages = ", ".join(language.tag for language in self.languages)
        varied = [condition.name for condition in self.conditions]
        tail = "" if varied == [DEFAULT_CONDITION] else f" · conditions: {', '.join(varied)}"
        return f"{self.spec.name} · {self.suite} suite{why} · {', '.join(names)} · languages: {languages}{tail}"


def select(ask: Ask) -> Selection:
    """Resolve and check model, tasks, languages and their data.

    Raises:
        UsageError: an unknown name (with the nearest), an empty list, data that is not there (with the command that
            gets it), or an option out of range.
    """
    from lrm_eval.data import availability
    from lrm_eval.languages import resolve
    from lrm_eval.tasks import load_task, task_names
    from model_adapters import resolve_model

    if ask.limit is not None and ask.limit < 1:
        raise UsageError(f"--limit {ask.limit}: ask for at least one question")
    conditions = choose_conditions(ask.prompt_lang, ask.answer_lang, ask.hide_image, ask.prompting)
    drawn = any(ask.gen_kwargs.get(name) for name in ("do_sample", "temperature"))
    if ask.prompting.repeats > 1 and not drawn:
        raise UsageError(
            f"--repeats {ask.prompting.repeats}: greedy answers are the same each time; "
            "add --gen-kwargs temperature=0.7, which draws them"
        )
    for path in ask.include_paths:
        if not path.is_dir():
            raise UsageError(f"--include-path {path}: no such folder")
        # Adapters of a folder are found by its entry points, as those of an installed package are.
        if str(path.resolve()) not in sys.path:
            sys.path.append(str(path.resolve()))
    for name, path in ask.data.items():
        if not path.exists():
            raise UsageError(f"--data {name}={path}: no such file or folder")
    spec = resolve_model(ask.model, ask.checkpoint, ask.include_paths)
    suite = choose_suite(ask.suite, spec.default_suite)
    choices = choose_tasks(ask.tasks, suite, ask.data, task_names(ask.include_paths))
    tasks = [(load_task(choice.name, ask.include_paths), choice.source) for choice in choices]
    offered = [
        tag
        for tag in dict.fromkeys(tag for task, _ in tasks for tag in task.languages)
        if all(_has_data(task, tag, source) for task, source in tasks)
    ]
    languages = resolve(ask.langs, offered)
    for task, source in tasks:
        for language in languages:
            there = availability(task, language, source)
            if there.state == "needs-pack":
                what = f"{task.name} has no questions in {language.name} ({language.tag}): {there.detail}"
                # Only a command can be typed; what must be done by hand stands as it is.
                remedy = f"`{there.command}` gets them" if there.command.startswith("lrm-") else there.command
                raise UsageError(f"{what}; {remedy}" if remedy else what)
    for language in languages:
        for condition in conditions:
            answer_sentence(language, condition)
    notices = []
    if any(condition.prompt == "en" for condition in conditions) and any(one.tag == ENGLISH for one in languages):
        notices.append("in English the instruction is English anyway: there prompt=en is the same as without it")
    return Selection(spec, suite, ask.suite is not None, tasks, languages, conditions, notices)


def _has_data(task: Task, tag: str, source: Path | None) -> bool:
    from lrm_eval.data import availability
    from lrm_eval.languages import get

    return availability(task, get(tag), source).state != "needs-pack"
