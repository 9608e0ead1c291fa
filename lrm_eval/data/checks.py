"""Integrity of samples, checked before anything is generated."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from lrm_eval.data.sources import POPE_SPLITS
from lrm_eval.errors import UsageError, unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_eval.tasks.model import Task
    from lrm_eval.types import Sample

_MME_QUESTIONS = 2


def check_samples(task: Task, samples: Sequence[Sample]) -> None:
    """Refuse data that no score could be made of.

    Args:
        task: the task.
        samples: its samples, in one or several languages.

    Raises:
        UsageError: no samples at all; an id twice in a language; a gold answer that is not among the options or
            neither yes nor no; an MME image without exactly two questions in its subtask; an unknown MME subtask or
            POPE split; a circular group whose right option changes its text.
    """
    if not samples:
        raise UsageError(f"task {task.name!r}: the data holds no questions")
    seen: set[tuple[str, str]] = set()
    for sample in samples:
        key = (sample.language, sample.id)
        if key in seen:
            raise UsageError(f"task {task.name!r}: two rows have the id {sample.id!r} (language {sample.language})")
        seen.add(key)
        _check_gold(sample)
        if task.benchmark == "pope" and sample.split not in POPE_SPLITS:
            raise UsageError(f"{sample.id}: split {sample.split!r} is none of {', '.join(POPE_SPLITS)}")
        # No sum would ever run over it: perception and cognition are sums over the declared subtasks.
        if task.benchmark == "mme" and task.category_order and sample.category not in task.category_order:
            raise UsageError(f"{sample.id}: {unknown('MME subtask', sample.category, task.category_order)}")
    _check_answered(samples)
    _check_groups(task, samples)


def _check_answered(samples: Sequence[Sample]) -> None:
    """MMBench's test split has no gold answers at all; a data set with some of them missing is damaged."""
    blank = [sample for sample in samples if sample.kind == "option" and sample.gold == ""]
    if blank and len(blank) < len(samples):
        raise UsageError(f"{blank[0].id} ({blank[0].language}): no gold answer, though other questions have one")


def _check_gold(sample: Sample) -> None:
    name = f"{sample.id} ({sample.language})"
    if sample.kind == "yes_no" and sample.gold not in ("yes", "no"):
        raise UsageError(f"{name}: gold answer {sample.gold!r} is neither yes nor no")
    if sample.kind != "option":
        return
    if len(sample.options) != len(sample.labels) or not sample.options:
        raise UsageError(f"{name}: {len(sample.options)} options and {len(sample.labels)} labels")
    if sample.gold == "":
        return  # a whole test split without gold answers, see `_check_answered`
    if sample.gold not in sample.labels:
        shown = ", ".join(f"{label}. {text}" for label, text in zip(sample.labels, sample.options, strict=True))
        raise UsageError(f"{name}: gold answer {sample.gold!r} is not among the options ({shown})")


def _check_groups(task: Task, samples: Sequence[Sample]) -> None:
    groups: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    for sample in samples:
        groups[(sample.language, sample.group)].append(sample)
    for (tag, group), members in groups.items():
        if task.benchmark == "mme" and len(members) != _MME_QUESTIONS:
            raise UsageError(
                f"{group} ({tag}): an MME image needs exactly two questions in its subtask, this one has {len(members)}"
            )
        if task.benchmark == "mmbench":
            right = {member.options[member.labels.index(member.gold)] for member in members if member.gold}
            if len(right) > 1:
                shown = " and ".join(repr(text) for text in sorted(right))
                raise UsageError(f"{group} ({tag}): the right option differs between passes of one question: {shown}")
