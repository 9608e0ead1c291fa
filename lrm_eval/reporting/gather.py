"""From run folders to models and rows: merges what can be merged, names apart what cannot."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import RunError, UsageError
from lrm_eval.reporting.names import plain
from lrm_eval.types import DEFAULT_CONDITION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lrm_eval.reporting.source import CellSource, RunSource
    from lrm_eval.types import ScoreRow


@dataclass(frozen=True, slots=True)
class GatheredRun:
    """A run with its manifest read, its rows, and the name its model has on the page."""

    run: RunSource
    name: str
    manifest: Mapping[str, Any]
    rows: tuple[ScoreRow, ...]

    def cells(self) -> Sequence[CellSource]:
        """The cells with answers."""
        return self.run.cells()

    def unfinished(self) -> list[str]:
        """`<task> <language>` of each cell that has answers and no scores."""
        scored = {(row.task, row.language, row.condition) for row in self.rows}
        return [f"{c.task} {c.language}" for c in self.cells() if (c.task, c.language, c.condition) not in scored]

    def machine_translated(self) -> set[tuple[str, str, str]]:
        """(task, language, condition) of the cells whose questions run.json calls translated by machine, unchecked."""
        cells = self.manifest.get("cells")
        return {
            (str(cell.get("task")), str(cell.get("language")), str(cell.get("condition", DEFAULT_CONDITION)))
            for cell in (cells if isinstance(cells, list) else [])
            if isinstance(cell, dict) and cell.get("provenance") == "machine-translated"
        }


def model_name(manifest: Mapping[str, Any], fallback: str) -> str:
    """The model's name in run.json (`model.name`, or `model` if it is a plain name)."""
    model = manifest.get("model")
    name = model.get("name") if isinstance(model, dict) else model
    return plain(str(name)) if name else fallback


def gather(runs: Sequence[RunSource]) -> list[GatheredRun]:
    """Reads manifests and scores and gives every model the name it is shown under.

    Runs of one model share a line as long as no cell (task, language, condition) is in two of them; if one is,
    the lines are told apart by the folders' names.

    Raises:
        UsageError: no run was given, or the same folder twice.
        RunError: a run has no scores.
    """
    if not runs:
        raise UsageError("no run given: type `lrm-eval report RUN`, RUN being a folder that `lrm-eval run` made")
    seen = set()
    gathered = []
    for run in runs:
        if run.path.resolve() in seen:
            raise UsageError(f"{run.path} is given twice: name each run once")
        seen.add(run.path.resolve())
        rows = tuple(run.scores())
        if not rows:
            raise RunError(f"{run.path} has no scores: type `lrm-eval rescore {run.path}`")
        manifest = run.manifest()
        gathered.append(GatheredRun(run, model_name(manifest, plain(rows[0].model)), manifest, rows))
    return _unique(gathered)


def _unique(gathered: list[GatheredRun]) -> list[GatheredRun]:
    by_name: dict[str, list[int]] = defaultdict(list)
    for index, one in enumerate(gathered):
        by_name[one.name].append(index)
    result = list(gathered)
    for name, indices in by_name.items():
        cells = [{(row.task, row.language, row.condition) for row in gathered[index].rows} for index in indices]
        if len(indices) > 1 and sum(map(len, cells)) > len(set().union(*cells)):
            for index in indices:
                result[index] = replace(result[index], name=f"{name} [{plain(result[index].run.path.name)}]")
    if _still_clash(result):
        result = [replace(one, name=f"{one.name} #{index + 1}") for index, one in enumerate(result)]
    return result


def _still_clash(gathered: list[GatheredRun]) -> bool:
    """Two folders of one name under different parents: their lines cannot be told apart by it."""
    cells: set[tuple[str, str, str, str]] = set()
    for one in gathered:
        own = {(one.name, row.task, row.language, row.condition) for row in one.rows}
        if cells & own:
            return True
        cells |= own
    return False
