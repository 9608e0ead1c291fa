"""Are readings and scores on disk those that follow from the responses?

What is held against each other are values. A number may differ in its last digits between machines, an older
file lacks what was not written then, and intervals of another version of the statistics are worth knowing and no
fault: the value and the counts behind it are what a board shows.
"""

from __future__ import annotations

import math
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import LrmEvalError
from lrm_eval.runs.check import Check
from lrm_eval.types import ScoreRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lrm_eval.runs.folder import Cell, RunFolder
    from lrm_eval.types import Reading, Rules

_TOLERANCE = 1e-9
# What describes a value and is not it; `model` may be an alias of later.
_SOFT = ("ci_low", "ci_high", "note", "task_version", "rules_version", "chance", "chance_corrected")
_LATER = ("task_version", "rules_version", "chance", "chance_corrected")


def check_readings(
    folder: RunFolder, cell: Cell, rules: Rules, derived: Mapping[str, Reading], same_code: bool
) -> Check:
    """The readings of a cell against those derived now.

    Args:
        folder: the run.
        cell: of it.
        rules: the rule set.
        derived: readings made now, by key.
        same_code: whether the rules' code is that of the run; then everything must be the same.
    """
    what = f"readings of {cell}, {rules}"
    try:
        stored = folder.readings(cell, rules)
    except LrmEvalError as error:
        return Check(what, False, str(error))
    lost, more = derived.keys() - stored.keys(), stored.keys() - derived.keys()
    if lost or more:
        found = f"{len(lost)} missing" if lost else f"{len(more)} of no answer"
        return Check(what, False, f"{found} (e.g. {min(lost or more)})")
    other = [
        key for key, new in derived.items() if (stored[key].value, stored[key].outcome) != (new.value, new.outcome)
    ]
    if other:
        key = other[0]
        detail = (
            f"{len(other)} differ from those derived now (e.g. {key}: {_told(stored[key])}, now {_told(derived[key])})"
        )
        return Check(what, False, detail)
    soft = sum(stored[key] != new for key, new in derived.items())
    if soft:
        return Check(what, False if same_code else None, f"{soft} read the same by another rule or language")
    return Check(what, True)


def _told(reading: Reading) -> str:
    return reading.outcome if reading.value is None else repr(reading.value)


def check_scores(folder: RunFolder, derived: Sequence[ScoreRow], same_code: bool) -> list[Check]:
    """The rows of scores.json against those derived now.

    Args:
        folder: the run.
        derived: rows made now.
        same_code: whether the rules' code is that of the run.
    """
    what = "scores.json"
    try:
        stored = {_key(row): row for row in folder.scores()}
    except LrmEvalError as error:
        return [Check(what, False, str(error))]
    now = {_key(row): row for row in derived}
    checks = []
    wrong = [_difference(stored[key], row) for key, row in now.items() if key in stored and _hard(stored[key], row)]
    if wrong:
        more = f"; and {len(wrong) - 1} more rows" if len(wrong) > 1 else ""
        checks.append(Check(what, False, f"differs from the scores derived now: {wrong[0]}{more}"))
    extra = [_named(key) for key in stored.keys() - now.keys()]
    if extra:
        checks.append(Check(what, False, f"{len(extra)} rows follow from no response (e.g. {min(extra)})"))
    missing = [_named(key) for key in now.keys() - stored.keys()]
    if missing:
        detail = f"{len(missing)} rows that are derived now are not there (e.g. {min(missing)})"
        checks.append(Check(what, False if same_code else None, detail))
    soft = [key for key, row in now.items() if key in stored and _soft(stored[key], row)]
    if soft and not wrong:
        detail = f"{len(soft)} rows have another interval or note (e.g. {_named(soft[0])})"
        checks.append(Check(what, False if same_code else None, detail))
    return checks if any(check.ok is False for check in checks) else [*checks, Check(what, True)]


def _key(row: ScoreRow) -> tuple[str, ...]:
    return (row.task, row.language, row.condition, row.rules, row.metric)


def _named(key: tuple[str, ...]) -> str:
    task, language, condition, rules, metric = key
    tail = "" if condition == "default" else f" ({condition})"
    return f"{task} {language}{tail}, {rules}, {metric}"


def _hard(stored: ScoreRow, now: ScoreRow) -> list[str]:
    """The fields in which two rows differ that must not."""
    names = [field.name for field in fields(ScoreRow) if field.name not in _SOFT]
    return [name for name in names if not _same(getattr(stored, name), getattr(now, name))]


def _soft(stored: ScoreRow, now: ScoreRow) -> bool:
    return any(
        not _same(getattr(stored, name), getattr(now, name))
        for name in _SOFT
        # Rows of before there were versions and chance levels have none.
        if not (name in _LATER and getattr(stored, name) in ("", None))
    )


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, int | float) and not isinstance(other, bool):
        return math.isclose(one, other, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
    if hasattr(one, "keys") and hasattr(other, "keys"):
        # A rate that an older version did not know was 0 to it.
        return all(_same(float(one.get(name, 0.0)), float(other.get(name, 0.0))) for name in {*one, *other})
    return bool(one == other)


def _difference(stored: ScoreRow, now: ScoreRow) -> str:
    name = _hard(stored, now)[0]
    return f"{_named(_key(now))}: {name} is {getattr(stored, name)!r}, derived {getattr(now, name)!r}"
