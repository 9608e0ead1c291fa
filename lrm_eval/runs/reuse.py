"""Scores that need not be made again: of what a command left as it was, under the same code and words.

A folder that grows by a language a day would otherwise read every answer of every language again each day.
`rescore` and `verify` reuse nothing.
"""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lrm_eval
from lrm_eval.errors import RunError
from lrm_eval.runs.environment import versions
from lrm_eval.runs.files import sha256_file, sha256_tree
from lrm_eval.runs.folder import Cell
from lrm_eval.types import RULES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lrm_eval.runs.folder import RunFolder
    from lrm_eval.types import ScoreRow


@dataclass
class Reused:
    """What stays.

    Attributes:
        scores: rows by task and language, in the order of scores.json.
        errors: requests whose answer is an error, per cell that has any.
    """

    scores: dict[tuple[str, str], list[ScoreRow]] = field(default_factory=dict)
    errors: dict[Cell, int] = field(default_factory=dict)


def derived_with() -> str:
    """Hash of everything that decides readings and scores besides the responses: code, words, versions."""
    from lrm_eval.languages.registry import language_files

    root = Path(lrm_eval.__file__).parent
    code = sha256_tree(root, root.rglob("*.py"))
    words = [f"{path.name} {sha256_file(path)}" for path in language_files()]
    return hashlib.sha256(repr((code, words, sorted(versions().items()))).encode()).hexdigest()


def reusable(folder: RunFolder, old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> Reused:
    """The scores that a command need not make again.

    Args:
        folder: the run, its new answers written.
        old: run.json as the command found it; None in a new folder.
        new: run.json as it is now.

    Returns:
        Tasks and languages of which every condition is finished and as it was when the scores were made; nothing if
        anything else differs, or if the last command was killed before it could say what it left.
    """
    found = Reused()
    try:
        whole = old is not None and old.get("scores_sha256") == sha256_file(folder.scores_path)
        if old is None or not whole or old.get("derived_with") != derived_with():
            return found
        scores: dict[tuple[str, str], list[ScoreRow]] = {}
        for row in folder.scores():
            scores.setdefault((row.task, row.language), []).append(row)
    except (OSError, RunError):
        return found
    before, after = _entries(old), _entries(new)
    for group, each in itertools.groupby(folder.cells(), key=lambda cell: (cell.task, cell.language)):
        cells = list(each)
        rows = scores.get(group, [])
        same_task = old["tasks"].get(group[0]) == new["tasks"].get(group[0])
        if same_task and all(_unchanged(folder, cell, before, after, rows) for cell in cells):
            found.scores[group] = rows
            found.errors |= {cell: before[cell]["errors"] for cell in cells if before[cell].get("errors")}
    return found


def _entries(manifest: Mapping[str, Any]) -> dict[Cell, Any]:
    return {Cell(one["task"], one["language"], one["condition"]): one for one in manifest.get("cells", [])}


def _unchanged(
    folder: RunFolder, cell: Cell, before: Mapping[Cell, Any], after: Mapping[Cell, Any], rows: list[ScoreRow]
) -> bool:
    old, new = before.get(cell), after.get(cell)
    # A cell without scores is not finished: what it lacks must be counted again.
    if old is None or new is None or cell.condition not in {row.condition for row in rows}:
        return False
    if old["planned"] != new["planned"] or not all(folder.readings_path(cell, rules).is_file() for rules in RULES):
        return False
    return bool(old.get("responses_sha256") == sha256_file(folder.responses_path(cell)))
