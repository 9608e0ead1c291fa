"""The table at the end of a run: headline scores per task and language."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich import box
from rich.measure import Measurement
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from lrm_eval.api import RunResult
    from lrm_eval.runs.folder import Cell
    from lrm_eval.types import ScoreRow


def number(value: float | None) -> str:
    """One decimal; `–` where there is none."""
    return "–" if value is None else f"{value:.1f}"


def interval(row: ScoreRow) -> str:
    """The 95 % interval of a row; `–` where there is no honest one."""
    if row.ci_low is None or row.ci_high is None:
        return "–"
    return f"{row.ci_low:.1f} … {row.ci_high:.1f}"


def fitting_headline_table(rows: Sequence[ScoreRow], cells: Iterable[Cell] | None, console: Console) -> Table:
    """`headline_table`, without the official values where the console is too narrow for all columns."""
    shown = None if cells is None else list(cells)
    table = headline_table(rows, shown)
    if Measurement.get(console, console.options.update(max_width=10_000), table).maximum <= console.width:
        return table
    return headline_table(rows, shown, official_too=False)


def headline_table(rows: Sequence[ScoreRow], cells: Iterable[Cell] | None = None, official_too: bool = True) -> Table:
    """Primary metrics, multilingual rules, with the official value beside them; one line per task and language.

    Args:
        rows: all rows of a run.
        cells: which to show, in this order; all by default.
        official_too: whether the official values have a column; reports and scores.json always have them.
    """
    padding = (0, 1) if official_too else (0, 1, 0, 0)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", padding=padding)
    # Where there is little room, names are folded; a number is never cut.
    for name in ("task", "language" if official_too else "lang", "metric"):
        table.add_column(name, overflow="fold")
    for name in ("score", "95 % interval", "n", "unparsed", *(["official"] if official_too else [])):
        table.add_column(name, justify="right", no_wrap=True)
    primary = {(row.task, row.language, row.condition, row.rules): row for row in rows if row.primary}
    wanted = list(dict.fromkeys(key[:3] for key in primary))
    if cells is not None:
        asked = [(cell.task, cell.language, cell.condition) for cell in cells]
        wanted = [key for key in asked if key in set(wanted)]
    last = ""
    for task, language, condition in wanted:
        row = primary.get((task, language, condition, "multilingual"))
        official = primary.get((task, language, condition, "official"))
        if row is None:
            continue
        if last and last != task:
            table.add_section()
        shown = language if condition == "default" else f"{language} ({condition})"
        table.add_row(
            "" if task == last else task,
            shown,
            row.metric,
            number(row.value),
            interval(row),
            str(row.n),
            f"{100 * row.unparsed_rate:.1f} %",
            *([number(official.value) if official is not None else "–"] if official_too else []),
        )
        last = task
    return table


def effects_table(rows: Sequence[ScoreRow], cells: Iterable[Cell]) -> Table:
    """What each condition changes in the tasks and languages of some cells; no line where nothing can be compared."""
    from lrm_eval.reporting.conditions import delta_text, effects

    asked = {(cell.task, cell.language) for cell in cells}
    shown = [("", row) for row in rows if (row.task, row.language) in asked]
    table = Table(
        title="what the conditions change, paired by question",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        header_style="bold",
    )
    for name in ("task", "language", "metric"):
        table.add_column(name, overflow="fold")
    table.add_column("default", justify="right", no_wrap=True)
    table.add_column("condition", overflow="fold")
    for name in ("difference", "spread"):
        table.add_column(name, justify="right", no_wrap=True)
    for effect in effects(shown, "multilingual"):
        head = (effect.task, effect.language, effect.metric, number(effect.default))
        for place, (condition, row) in enumerate(effect.deltas.items()):
            spread = number(effect.spread) if place == 0 and effect.spread is not None else ""
            table.add_row(*(head if place == 0 else ("", "", "", "")), condition, delta_text(row), spread)
    return table


def repeats_lines(rows: Sequence[ScoreRow], cells: Iterable[Cell]) -> list[str]:
    """A line for each task, language and condition of some cells that was drawn several times."""
    from lrm_eval.scorers.conditions import REPEATS_MEAN, REPEATS_SD

    asked = {(cell.task, cell.language) for cell in cells}
    found = {(row.task, row.language, row.condition, row.metric): row for row in rows if row.rules == "multilingual"}
    lines = []
    for (task, language, condition, metric), row in found.items():
        if metric == REPEATS_MEAN and (task, language) in asked:
            spread = found[task, language, condition, REPEATS_SD]
            shown = language if condition == "default" else f"{language}, {condition}"
            lines.append(
                f"{task} ({shown}): {row.note}: mean {number(row.value)}, {interval(row)}, standard deviation "
                f"{number(spread.value)}"
            )
    return lines


def rows_table(rows: Sequence[ScoreRow]) -> Table:
    """Every row, as `lrm-eval score` shows them; values to four decimals, to be held against published ones."""
    parts = [[part.strip() for part in row.note.split(";") if part.strip()] for row in rows]
    often = Counter(part for row_parts in parts for part in row_parts)
    shared = [part for part, count in often.items() if count > 2]  # said once below instead of on every line
    several = len({row.language for row in rows}) > 1
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        header_style="bold",
        caption="\n".join(shared) or None,
        caption_justify="left",
    )
    if several:
        table.add_column("language")
    # Where there is little room, names are folded; a number is never cut.
    table.add_column("metric", overflow="fold")
    for name in ("value", "95 % interval", "n", "images", "unparsed"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("note")
    for row, row_parts in zip(rows, parts, strict=True):
        table.add_row(
            *([row.language] if several else []),
            row.metric,
            "–" if row.value is None else f"{row.value:.4f}",
            interval(row),
            str(row.n),
            str(row.clusters),
            f"{100 * row.unparsed_rate:.1f} %",
            "; ".join(part for part in row_parts if part not in shared),
            style="bold" if row.primary else "",
        )
    return table


def print_notes(rows: Sequence[ScoreRow], cells: Iterable[Cell], console: Console) -> None:
    """What a reader must know about the headline scores, each note once."""
    asked = {(cell.task, cell.language, cell.condition) for cell in cells}
    notes: dict[tuple[str, str], dict[str, list[str]]] = {}
    for row in rows:
        if (
            row.primary
            and row.note
            and row.rules == "multilingual"
            and (row.task, row.language, row.condition) in asked
        ):
            notes.setdefault((row.task, row.note), {}).setdefault(row.language, []).append(row.condition)
    for (task, note), noted in notes.items():
        places = []
        for language, conditions in noted.items():
            # A note of some conditions alone names them: it says nothing of the others.
            whole = {one for name, tag, one in asked if (name, tag) == (task, language)} == set(conditions)
            places.append(language if whole else f"{language} under {', '.join(conditions)}")
        between = "; " if any(" under " in place for place in places) else ", "
        line = f"{task} ({between.join(places)}): {note}"
        # Words are kept whole in a terminal; a line stays a line for a program.
        console.print(line, markup=False, highlight=False, soft_wrap=not console.is_terminal)


def print_run(result: RunResult, console: Console, again: str = "The same command asks them again") -> None:
    """The end of a run: scores, what is missing, where everything lies.

    Args:
        result: the run.
        console: where to.
        again: what gets an answer to the questions that have an error instead.
    """
    table = fitting_headline_table(result.scores, result.cells, console)
    if table.row_count:
        console.print(table)
        print_notes(result.scores, result.cells, console)
    changed = effects_table(result.scores, result.cells)
    if changed.row_count:
        console.print(changed)
    for line in repeats_lines(result.scores, result.cells):
        _line(console, line)
    for cell, (answered, planned) in result.unfinished.items():
        _line(console, f"unfinished: {cell}: {answered} of {planned} answers, no score yet")
    if result.errors:
        _line(
            console,
            f"errors: {_questions(result.errors)} no answer but an error; they count as not right. {again}",
            style="bold red",
        )
    _line(console, f"scores: {result.folder.scores_path}")
    if result.report is not None:
        _line(console, f"report: {result.report}")


def _questions(count: int) -> str:
    return "1 question has" if count == 1 else f"{count} questions have"


def _line(console: Console, text: str, style: str | None = None) -> None:
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)
