"""What there is to translate in a task: its English samples, and the lines that a pack of them needs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrm_eval.data import load_samples
from lrm_eval.errors import UsageError
from lrm_eval.languages import get

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from lrm_eval.tasks.model import Task
    from lrm_eval.types import Sample

ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Unit:
    """The texts of one line of a pack, which are translated together.

    Attributes:
        id: sample id of the line.
        question: the English question.
        hint: the English hint, or "".
        options: the English options in the order shown.
    """

    id: str
    question: str
    hint: str
    options: tuple[str, ...]

    def texts(self) -> Iterator[tuple[str, bool]]:
        """(text, whether it is a sentence): question, hint if there is one, options."""
        yield self.question, True
        if self.hint:
            yield self.hint, True
        for option in self.options:
            yield option, False


def english_samples(task: Task, source: Path | None = None) -> list[Sample]:
    """The English samples of a task, images unread.

    Args:
        task: the task.
        source: local data; None = the task's own, downloaded if need be.

    Raises:
        UsageError: data that cannot be used.
        RunError: data that had to be downloaded and could not be.
    """
    if task.native:
        raise UsageError(
            f"task {task.name!r} was written by people in {', '.join(task.languages)}, each by itself: no language "
            "pack is made of it"
        )
    return load_samples(task, get(ENGLISH), source, images=False)


def first_pass(sample: Sample, by_id: dict[str, Sample]) -> Sample | None:
    """The first pass of a circular group if this later pass only turns its options; None if it needs its own line."""
    if not sample.options or sample.group == sample.id:
        return None
    base = by_id.get(sample.group)
    if base is None or (base.question, base.hint) != (sample.question, sample.hint):
        return None
    return base if Counter(base.options) == Counter(sample.options) else None


def units(samples: Sequence[Sample]) -> list[Unit]:
    """The lines that a pack of these samples needs: later passes of a circular group are turned from the first."""
    by_id = {sample.id: sample for sample in samples}
    return [
        Unit(sample.id, sample.question, sample.hint, sample.options)
        for sample in samples
        if first_pass(sample, by_id) is None
    ]
