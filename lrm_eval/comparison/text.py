"""A comparison in a terminal of 80 columns, and as CSV, Markdown, LaTeX and JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lrm_eval.comparison.model import MEAN
from lrm_eval.comparison.words import heading, unseen, verdicts
from lrm_eval.reporting.grid import Grid, GridCell, GridRow
from lrm_eval.reporting.names import interval, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console
    from rich.table import Table

    from lrm_eval.comparison.model import Comparison, Line, Pair

SCHEMA = 1
# A terminal at least this wide has room for a forest plot beside the numbers.
_WIDE = 112
_PLOT = 29
_SMALL_P = 0.001


def p_value(value: float | None) -> str:
    """Three decimals; never 0."""
    if value is None:
        return "–"
    return f"<{_SMALL_P}" if value < _SMALL_P else f"{value:.3f}"


def verdict(line: Line) -> str:
    """A or B for the better one, `=` for nothing shown, `–` for nothing to show."""
    return {"second": "B better", "first": "A better", "open": "open", "none": "–"}[line.verdict]


def correction_name(comparison: Comparison) -> str:
    """The correction's name for people."""
    return {"holm": "Holm", "bh": "Benjamini-Hochberg"}[comparison.correction]


def tables(pair: Pair) -> dict[str, list[Line]]:
    """The lines by task and metric."""
    found: dict[str, list[Line]] = {}
    for line in pair.lines:
        found.setdefault(heading(line), []).append(line)
    return found


def notes(pair: Pair) -> Iterator[str]:
    """What must be known of single lines, and what was not compared."""
    seen: dict[str, list[str]] = {}
    for line in pair.lines:
        for part in filter(None, line.note.split("; ")):
            seen.setdefault(part, []).append(f"{line.task} {line.language or 'mean'}")
    for note, where in seen.items():
        yield f"{', '.join(where)}: {note}"
    for text in pair.reduced:
        yield f"Only a part: {text}"
    for text in pair.left_out:
        yield f"Not compared: {text}"


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Table, verdict and limits of every pair."""
    folders = dict(comparison.models)
    for place, pair in enumerate(comparison.pairs):
        if place:
            console.print()
        for letter, name in (("A", pair.first), ("B", pair.second)):
            console.print(f"{letter}  {name}  ({folders[name]})", markup=False, highlight=False, soft_wrap=True)
        for title, lines in tables(pair).items():
            console.print()
            console.print(f"{title} ({unit(lines[0])})", markup=False, highlight=False, style="bold")
            console.print(_table(lines, wide=console.width >= _WIDE))
            for line in lines:
                if not line.language:
                    console.print(f"mean: of {', '.join(line.over)}", markup=False, highlight=False)
        for text in [*verdicts(pair), *unseen(pair), *notes(pair)]:
            console.print(text, markup=False, highlight=False)
    console.print(legend(comparison), markup=False, highlight=False, style="dim")


def unit(line: Line) -> str:
    """What the numbers of a line are."""
    return "MME points" if line.unit == "points" else "percent"


def legend(comparison: Comparison) -> str:
    """How the numbers were made."""
    return (
        f"B minus A on the same questions, {comparison.rules} rules; 95 % intervals by resampling images; p: "
        f"two-sided, {correction_name(comparison)} over {comparison.tests} tests. won, lost: right in B alone, right "
        "in A alone. seen: smallest difference that would most likely be found (power 80 %)."
    )


def _table(lines: list[Line], wide: bool) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", padding=(0, 1 if wide else 0, 0, 0))
    table.add_column("lang", overflow="fold", min_width=4)
    for name in ("A", "B", "B − A", "95 % interval", "p", "won", "lost", "seen"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    span = scale(lines)
    if wide:
        table.add_column(_axis(span), no_wrap=True)
    for line in lines:
        found = line.difference
        row = [
            line.language or "mean",
            number(line.first),
            number(line.second),
            number(found.value, sign=True),
            interval(found.low, found.high, sign=True).strip("[]").replace(", ", " … ") or "–",
            p_value(line.adjusted),
            str(len(line.won)),
            str(len(line.lost)),
            "–" if found.detectable is None else number(found.detectable),
            verdict(line),
        ]
        style = "bold" if line.verdict in ("first", "second") else ""
        table.add_row(*row, *([_bar(line, span)] if wide else []), style=style)
    return table


def scale(lines: Sequence[Line]) -> float:
    """The end of an axis around 0 that holds every difference and interval of the lines."""
    ends = [abs(end) for line in lines for end in (line.difference.low, line.difference.high) if end is not None]
    ends += [abs(line.difference.value) for line in lines if line.difference.value is not None]
    return max(ends, default=0.0) or 1.0


def _axis(span: float) -> str:
    left, right = number(-span, 0), number(span, 0, sign=True)
    half = _PLOT // 2
    return f"{left:<{half}}0{right:>{half}}"


def _bar(line: Line, span: float) -> str:
    def place(value: float) -> int:
        return round((value / span + 1) / 2 * (_PLOT - 1))

    signs = [" "] * _PLOT
    signs[_PLOT // 2] = "│"
    found = line.difference
    if found.value is None:
        return "".join(signs)
    if found.low is not None and found.high is not None:
        for at in range(place(found.low), place(found.high) + 1):
            signs[at] = "┼" if at == _PLOT // 2 else "─"
    signs[place(found.value)] = "●" if line.verdict in ("first", "second") else "○"
    return "".join(signs)


def as_grid(comparison: Comparison) -> Grid:
    """The comparison as a table of texts, for CSV, Markdown and LaTeX."""
    rows = []
    for pair in comparison.pairs:
        for title, lines in tables(pair).items():
            name = f"{title} ({unit(lines[0])}): {pair.second} minus {pair.first}"
            rows.append(GridRow((GridCell(name),), head=True))
            rows += [_row(line) for line in lines]
    told = [sentence for pair in comparison.pairs for sentence in (*verdicts(pair), *unseen(pair), *notes(pair))]
    return Grid(
        "Paired differences",
        ("language", "A", "B", "B - A", "p", "won", "lost", "seen", "verdict"),
        tuple(rows),
        (*told, legend(comparison)),
        1,
        "compare",
    )


def _row(line: Line) -> GridRow:
    found = line.difference
    mean = "" if line.language else f"mean of {', '.join(line.over)}"
    return GridRow(
        (
            GridCell(line.language or mean),
            GridCell(number(line.first)),
            GridCell(number(line.second)),
            GridCell(
                number(found.value, sign=True),
                line.verdict in ("first", "second"),
                interval(found.low, found.high, sign=True),
            ),
            GridCell(p_value(line.adjusted)),
            GridCell(str(len(line.won))),
            GridCell(str(len(line.lost))),
            GridCell("–" if found.detectable is None else number(found.detectable)),
            GridCell(verdict(line)),
        ),
        ours=True,
    )


def as_dict(comparison: Comparison) -> dict[str, Any]:
    """Everything, unrounded."""
    return {
        "schema": SCHEMA,
        "rules": comparison.rules,
        "correction": comparison.correction,
        "tests": comparison.tests,
        "models": [{"name": name, "folder": folder} for name, folder in comparison.models],
        "pairs": [
            {
                "first": pair.first,
                "second": pair.second,
                "lines": [_line_dict(line) for line in pair.lines],
                "left_out": list(pair.left_out),
                "reduced": list(pair.reduced),
                "verdicts": verdicts(pair),
            }
            for pair in comparison.pairs
        ],
    }


def _line_dict(line: Line) -> dict[str, Any]:
    found = line.difference
    return {
        "task": line.task,
        "condition": line.condition,
        "language": None if line.language == MEAN else line.language,
        "over": list(line.over),
        "metric": line.metric,
        "first": line.first,
        "second": line.second,
        "difference": found.value,
        "ci_low": found.low,
        "ci_high": found.high,
        "images": found.clusters,
        "standard_error": found.error,
        "p": found.p_value,
        "p_corrected": line.adjusted,
        "test": found.test,
        "p_mcnemar": found.mcnemar,
        "won": len(line.won),
        "lost": len(line.lost),
        "total": line.total,
        "units": line.units,
        "images_better": found.better,
        "images_worse": found.worse,
        "detectable": found.detectable,
        "verdict": line.verdict,
        "note": line.note,
    }


def as_json(comparison: Comparison) -> str:
    """`as_dict` as a text."""
    return json.dumps(as_dict(comparison), ensure_ascii=False, indent=1, allow_nan=False) + "\n"
