"""Which questions two runs have in common, and every reason why they have not.

Two scores can be compared if they are over the same items, asked in the same words with the same token budget, read
by the same version of the same rules. Anything else is another measurement, however alike the numbers look.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import RunError
from lrm_eval.runs.folder import in_data_order
from lrm_eval.types import Item

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lrm_eval.runs.folder import Cell, RunFolder
    from lrm_eval.types import Rules, Sample

# Benchmarks whose score is over groups: a group with a part of its questions missing would be scored as another one.
_GROUPED = ("mme", "mmbench")


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of a run with its answer.

    Attributes:
        item: sample, response and reading.
        request: digest of the prompt's text and token budget; "" where the run did not keep it.
    """

    item: Item
    request: str


@dataclass(frozen=True, slots=True)
class CellOf:
    """One cell of one run, as far as comparing needs it.

    Attributes:
        asked: by sample id, in the order of the data.
        planned: how many questions run.json says there are.
        versions: of task and rules, as `task_version`, `rules_version`; "" where not known.
        rules_code: hash of the code that read and scored, for runs of before there were versions.
    """

    asked: Mapping[str, Asked]
    planned: int
    task_version: str
    rules_version: str
    rules_code: str


@dataclass(frozen=True, slots=True)
class Shared:
    """What two runs have in common in one cell.

    Attributes:
        ids: questions that can be compared, in the order of the first run.
        reasons: why the others cannot, one sentence each; empty if both runs are over the same questions.
        fatal: why nothing of the cell can be compared whatever is left out; "" if it can.
    """

    ids: tuple[str, ...]
    reasons: tuple[str, ...] = field(default=())
    fatal: str = ""


def load_cell(folder: RunFolder, cell: Cell, rules: Rules) -> CellOf:
    """One cell of a run with everything that decides whether it can be compared.

    Raises:
        RunError: a damaged file, readings that are missing, or another schema.
    """
    manifest = folder.manifest()
    readings = folder.readings(cell, rules)
    asked: dict[str, Asked] = {}
    for record in in_data_order(folder.records(cell)):
        reading = readings.get(record.key)
        if reading is None:
            raise RunError(
                f"{folder.readings_path(cell, rules)} has no reading of {record.key}: "
                f"finish the run, or `lrm-eval rescore {folder.path}`"
            )
        asked[record.sample.id] = Asked(Item(record.sample, record.response, reading), record.request)
    versions = {row.rules_version for row in folder.scores() if _of(row, cell) and row.rules == rules}
    return CellOf(
        asked=asked,
        planned=folder.planned().get(cell, len(asked)),
        task_version=str(manifest.get("tasks", {}).get(cell.task, {}).get("version", "")),
        rules_version=versions.pop() if len(versions) == 1 else "",
        rules_code=_rules_code(manifest),
    )


def _of(row: Any, cell: Cell) -> bool:
    return (row.task, row.language, row.condition) == (cell.task, cell.language, cell.condition)


def _rules_code(manifest: Mapping[str, Any]) -> str:
    # What was scored last: by `rescore` if there was one after the last run.
    for part in ("rescored", "command"):
        told = manifest.get(part)
        if isinstance(told, dict) and isinstance(told.get("code_sha256"), dict):
            return str(told["code_sha256"].get("rules") or "")
    return ""


def share(a: CellOf, b: CellOf, benchmark: str, names: tuple[str, str]) -> Shared:
    """What two runs have in common in a cell.

    Args:
        a: of the first run.
        b: of the second.
        benchmark: decides which questions are scored together.
        names: of both, for the reasons.
    """
    fatal = _fatal(a, b, names)
    if fatal:
        return Shared((), fatal=fatal)
    reasons = [
        f"{name} answered {len(cell.asked)} of its {cell.planned} questions"
        for name, cell in zip(names, (a, b), strict=True)
        if len(cell.asked) < cell.planned
    ]
    only_a, only_b = a.asked.keys() - b.asked.keys(), b.asked.keys() - a.asked.keys()
    for name, only in zip(names, (only_a, only_b), strict=True):
        if only:
            reasons.append(f"{_counted(only, 'question')} only in {name}")
    both = [one for one in a.asked if one in b.asked]
    items = [one for one in both if _content(a.asked[one].item.sample) != _content(b.asked[one].item.sample)]
    if items:
        differs = _first_difference(a.asked[items[0]].item.sample, b.asked[items[0]].item.sample)
        reasons.append(f"{_counted(items, 'item')} not the same ({differs})")
    other = set(items)
    prompts = [one for one in both if one not in other and _asked_otherwise(a.asked[one], b.asked[one])]
    if prompts:
        reasons.append(f"{_counted(prompts, 'question')} asked with another instruction, prompt or token budget")
    same = [one for one in both if one not in other and one not in set(prompts)]
    if benchmark in _GROUPED:
        same = _whole_groups(same, a.asked, b.asked)
    return Shared(tuple(same), tuple(reasons))


def _fatal(a: CellOf, b: CellOf, names: tuple[str, str]) -> str:
    if a.task_version != b.task_version:
        return f"version {a.task_version or '?'} of the task in {names[0]}, {b.task_version or '?'} in {names[1]}"
    if a.rules_version != b.rules_version:
        return (
            f"read by version {a.rules_version or '?'} of the rules in {names[0]}, {b.rules_version or '?'} in "
            f"{names[1]}; `lrm-eval rescore` brings both to this version"
        )
    if not a.rules_version and (not a.rules_code or a.rules_code != b.rules_code):
        return "read by rules of unknown version; `lrm-eval rescore` brings both runs to this version"
    return ""


def _counted(names: Iterable[str], noun: str) -> str:
    found = sorted(names)
    plural = "" if len(found) == 1 else "s"
    return f"{len(found)} {noun}{plural} (e.g. {found[0]})" if len(found) > 1 else f"{noun} {found[0]}"


_FIELDS = ("question", "hint", "options", "labels", "gold", "kind", "category", "split", "group")


def _content(sample: Sample) -> tuple[Any, ...]:
    # An image that could not be read has no hash; the name alone is the same on every machine.
    images = tuple(image.sha256 or image.uri.replace("\\", "/").rpartition("/")[2] for image in sample.images)
    return (*(getattr(sample, name) for name in _FIELDS), images)


def _first_difference(a: Sample, b: Sample) -> str:
    for name in _FIELDS:
        one, other = getattr(a, name), getattr(b, name)
        if one != other:
            return f"its {name}: {_short(one)} and {_short(other)}"
    return "its image"


def _short(value: object) -> str:
    text = value if isinstance(value, str) else " | ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return repr(text if len(text) <= 40 else f"{text[:39]}…")


def _asked_otherwise(a: Asked, b: Asked) -> bool:
    if a.item.sample.instruction != b.item.sample.instruction:
        return True
    # A chat template is a part of the model; what is held against each other is the text that every model is given.
    return bool(a.request and b.request and a.request != b.request)


def _whole_groups(ids: Sequence[str], a: Mapping[str, Asked], b: Mapping[str, Asked]) -> list[str]:
    kept = set(ids)
    broken = set()
    for side in (a, b):
        members: dict[str, list[str]] = defaultdict(list)
        for one, asked in side.items():
            members[asked.item.sample.group].append(one)
        broken |= {group for group, inside in members.items() if not kept.issuperset(inside)}
    return [one for one in ids if a[one].item.sample.group not in broken]
