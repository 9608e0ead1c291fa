"""Tasks x languages -> samples -> requests, in the order in which they are asked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lrm_eval.conditions import DEFAULT, in_language
from lrm_eval.errors import UsageError
from lrm_eval.fewshot import Shots
from lrm_eval.runs.folder import Cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from lrm_eval.conditions import Condition
    from lrm_eval.languages import Language
    from lrm_eval.tasks import Task
    from lrm_eval.types import Request, Sample


@dataclass(frozen=True, slots=True)
class PlannedCell:
    """A cell with everything that will be asked in it.

    Attributes:
        cell: task, language, condition.
        task: the task.
        source: local data, or None for the task's own.
        limit: rows asked for at most, or None for all.
        requests: in the order of the task's data.
    """

    cell: Cell
    task: Task
    source: Path | None
    limit: int | None
    requests: tuple[Request, ...]


def plan_cell(
    task: Task, language: Language, source: Path | None, limit: int | None, condition: Condition = DEFAULT
) -> PlannedCell:
    """Load and check the samples of one task in one language, and make their requests.

    Raises:
        UsageError: as `plan_cells`.
        RunError: data that cannot be had.
    """
    return plan_cells(task, language, source, limit, [condition])[0]


def plan_cells(
    task: Task,
    language: Language,
    source: Path | None,
    limit: int | None,
    conditions: Iterable[Condition],
    *,
    prompts: Mapping[str, str] | None = None,
    seed: int = 0,
) -> list[PlannedCell]:
    """The cells of one task in one language: the same samples under each condition that differs there.

    Args:
        task: the task.
        language: the language.
        source: local data, or None for the task's own.
        limit: most questions.
        conditions: what is varied.
        prompts: benchmark to the prompt of the model's authors, for `style=authors`.
        seed: draws the examples of `shots=N`.

    Raises:
        UsageError: bad data (a gold answer that is no option, a repeated id), a sentence that a condition needs and
            the language lacks, no prompt of the authors for the benchmark, or too few images for the examples; found
            before anything is asked.
        RunError: data that cannot be had.
    """
    from lrm_eval.data import check_samples, load_samples
    from lrm_eval.prompts import build_request, vary

    samples = load_samples(task, language, source, limit)
    check_samples(task, samples)
    if not samples:
        where = f" in {source}" if source else ""
        raise UsageError(f"{task.name} has no questions in {language.name} ({language.tag}){where}")
    chosen = in_language(conditions, language.tag)
    # Of all questions, whatever the limit: a run that grows must not get other examples.
    pool = load_samples(task, language, source, None) if any(condition.shots for condition in chosen) else []
    planned = []
    for condition in chosen:
        template = _template(task, condition, prompts or {})
        shots = Shots([vary(task, language, sample, condition) for sample in pool], condition.shots, seed)
        varied = (vary(task, language, sample, condition) for sample in samples)
        requests = tuple(
            build_request(task, sample, condition, template=template, shots=shots.of(sample)) for sample in varied
        )
        planned.append(PlannedCell(Cell(task.name, language.tag, condition.name), task, source, limit, requests))
    return planned


def _template(task: Task, condition: Condition, prompts: Mapping[str, str]) -> str | None:
    if condition.style != "authors":
        return None
    if task.benchmark not in prompts:
        there = f"has one for {', '.join(prompts)}" if prompts else "has none"
        raise UsageError(f"--prompt-style authors: the model's preset {there}, not for {task.name}")
    return prompts[task.benchmark]


def check_keys(cells: Iterable[PlannedCell]) -> None:
    """Every key once in a run.

    Raises:
        UsageError: two questions share a key; they are named.
    """
    counts = Counter(request.key for cell in cells for request in cell.requests)
    for key, count in counts.most_common(1):
        if count > 1:
            raise UsageError(f"{count} questions share the id {key!r}: ids must be unique over all tasks of a run")


def image_key(sample: Sample) -> str:
    """What makes two samples use the same images: the content, not the name (names recur, contents do not)."""
    if sample.images:
        return "+".join(image.sha256 or image.uri for image in sample.images)
    return sample.cluster or sample.id


def in_image_order(cells: Sequence[PlannedCell]) -> list[tuple[Cell, Request]]:
    """All requests of all cells, questions on one image together, across tasks and languages.

    Images stand in the order in which they first appear; the questions of an image in the order of the cells.
    """
    groups: dict[str, list[tuple[Cell, Request]]] = {}
    for planned in cells:
        for request in planned.requests:
            groups.setdefault(image_key(request.sample), []).append((planned.cell, request))
    return [pair for group in groups.values() for pair in group]


def without_choices(planned: PlannedCell) -> PlannedCell:
    """The same cell for an adapter that cannot score choices."""
    return replace(planned, requests=tuple(replace(request, choices=()) for request in planned.requests))
