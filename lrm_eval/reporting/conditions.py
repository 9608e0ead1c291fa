"""Conditions in tables: which of them are shown, and what each one changes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from lrm_eval.conditions import hides_image
from lrm_eval.errors import unknown
from lrm_eval.reporting.names import interval, metric_label, number, task_title
from lrm_eval.reporting.tables import md_escape
from lrm_eval.scorers.conditions import DELTA, SPREAD
from lrm_eval.types import DEFAULT_CONDITION

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lrm_eval.reporting.gather import GatheredRun
    from lrm_eval.reporting.view import Board
    from lrm_eval.types import Rules, ScoreRow

ALL = "all"


def with_condition(board: Board, condition: str | None) -> Board:
    """The board with the tables of one condition.

    Args:
        board: all tables.
        condition: its name, or "all"; None: the default one, or all where no table has that.

    Raises:
        UsageError: no table has this condition; those that there are, are named.
    """
    there = list(dict.fromkeys(table.condition for table in board.tables))
    if condition is None:
        condition = DEFAULT_CONDITION if DEFAULT_CONDITION in there else ALL
    if condition == ALL:
        return board
    if condition not in there:
        raise unknown("condition of these runs", condition, [*there, ALL])
    return replace(board, tables=tuple(table for table in board.tables if table.condition == condition))


class Effect(NamedTuple):
    """What conditions change for one model on one task in one language.

    Attributes:
        model: its name.
        task: its name.
        language: tag.
        metric: the headline metric.
        default: its value under the default condition.
        deltas: condition -> the row of its difference; those without the image last, for no spread is over them.
        spread: highest minus lowest over the conditions that show the image; None with one such condition.
    """

    model: str
    task: str
    language: str
    metric: str
    default: float | None
    deltas: dict[str, ScoreRow]
    spread: float | None


def effects(rows: Iterable[tuple[str, ScoreRow]], rules: Rules) -> list[Effect]:
    """What conditions change, in the order of the rows; only where there is something to compare.

    Args:
        rows: name of the model as shown, and row.
        rules: whose rows.
    """
    heads: dict[tuple[str, str, str], ScoreRow] = {}
    deltas: dict[tuple[str, str, str], dict[str, ScoreRow]] = {}
    spreads: dict[tuple[str, str, str], float | None] = {}
    for model, row in rows:
        if row.rules != rules:
            continue
        key = (row.task, model, row.language)
        if row.primary and row.condition == DEFAULT_CONDITION:
            heads[key] = row
        elif row.metric == DELTA:
            deltas.setdefault(key, {})[row.condition] = row
        elif row.metric == SPREAD:
            spreads[key] = row.value
    return [
        Effect(key[1], key[0], key[2], heads[key].metric, heads[key].value, _images_first(found), spreads.get(key))
        for key, found in deltas.items()
        if key in heads
    ]


def _images_first(deltas: dict[str, ScoreRow]) -> dict[str, ScoreRow]:
    return dict(sorted(deltas.items(), key=lambda pair: hides_image(pair[0])))


def delta_text(row: ScoreRow | None) -> str:
    """A difference with its interval, signed; "" where there is none."""
    if row is None:
        return ""
    return f"{number(row.value, sign=True)} {interval(row.ci_low, row.ci_high, sign=True)}".strip()


def effects_markdown(gathered: Sequence[GatheredRun], rules: Rules) -> str:
    """A table a task: a line per model and language, a column per condition; "" where no run has two conditions."""
    found = effects(((one.name, row) for one in gathered for row in one.rows), rules)
    parts = []
    for task in dict.fromkeys(effect.task for effect in found):
        here = [effect for effect in found if effect.task == task]
        conditions = sorted(dict.fromkeys(name for effect in here for name in effect.deltas), key=hides_image)
        head = ["model", "language", "default", *map(md_escape, conditions), "spread"]
        lines = [head, ["---", "---", *["--:"] * (len(head) - 2)]]
        lines += [
            [
                md_escape(effect.model),
                effect.language,
                number(effect.default),
                *(delta_text(effect.deltas.get(name)) for name in conditions),
                "" if effect.spread is None else number(effect.spread),
            ]
            for effect in here
        ]
        body = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        label = metric_label(here[0].metric)
        parts.append(
            f"### {md_escape(task_title(task))}: what the conditions change\n\n{body}\n\n"
            f"{md_escape(label)} under the default condition, and how much it differs under each other one, paired by "
            "question, with 95 % intervals. Spread: highest minus lowest over the conditions that show the image."
        )
    return "\n\n".join(parts)
