"""The board as Markdown, LaTeX, CSV and JSON: one rule set's headline tables, or (CSV) every row there is."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lrm_eval.reporting.latex import latex_escape, latex_first_cell
from lrm_eval.reporting.names import interval, number, percent, plain
from lrm_eval.reporting.view import MARKS, UNPARSED_MARK, Board, CellView, Estimate, MetricView, RowView, TableView
from lrm_eval.types import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_eval.reporting.gather import GatheredRun
    from lrm_eval.types import Rules

SCHEMA = 1
_WIDE = 7


def markdown(board: Board, rules: Rules = "multilingual") -> str:
    """One pipe table per task: value, interval, marks; the mean names its languages beneath."""
    parts = []
    for table in board.tables:
        for metric in headline(table, rules):
            head = [
                "model",
                *(f"{board.language(tag).name} ({tag})" for tag in table.languages),
                *_summary_heads(metric),
            ]
            lines = [head, ["---", *["--:"] * (len(head) - 1)]]
            for row in metric.rows:
                cells = [_md_cell(cell) for cell in row.cells]
                lines.append([md_escape(row.model), *cells, *(_estimate(e, s) for e, s in _summaries(metric, row))])
            body = "\n".join("| " + " | ".join(line) + " |" for line in lines)
            parts.append(
                f"### {md_escape(table.title)}: {md_escape(metric.label)}\n\n{body}\n\n"
                f"{md_escape(caption(board, table, metric, rules))}"
            )
    legend = "; ".join(f"{sign} {text}" for sign, text in _used_marks(board, rules))
    if legend:
        parts.append(f"Marks: {legend}.")
    return "\n\n".join([*parts, *(md_escape(note) for note in board.notes)]) + "\n"


def headline(table: TableView, rules: Rules) -> tuple[MetricView, ...]:
    """The primary metrics of a table; its first metric if none is marked primary."""
    metrics = table.metrics[rules]
    return tuple(metric for metric in metrics if metric.primary) or metrics[:1]


def caption(board: Board, table: TableView, metric: MetricView, rules: Rules) -> str:
    """What the numbers are, over what the mean is taken, and how many questions and images stand behind them."""
    unit = "MME points" if metric.unit == "points" else "percent"
    cells = [cell for row in metric.rows for cell in row.cells if cell is not None]
    images = _span([cell.clusters for cell in cells])
    size = f"n = {_span([cell.n for cell in cells])} per cell on {images} image{'' if images == '1' else 's'}"
    parts = [f"{metric.label} in {unit}, {rules} rules, 95 % intervals in brackets; {size}."]
    if metric.note:
        parts.append(f"Note: {metric.note}.")
    named = {tag: board.language(tag).name for tag in table.languages}
    if metric.mean_over:
        parts.append(f"Mean over {_join([named[tag] for tag in metric.mean_over])}, which every model here has.")
    else:
        parts.append("No mean: no language is common to all models here.")
    if metric.gap_over:
        parts.append(
            f"Gap: mean over {_join([named[tag] for tag in metric.gap_over])} minus English{gap_note(metric)}."
        )
    else:
        parts.append("No gap: it needs English and one other language in every model.")
    return " ".join(parts)


def gap_note(metric: MetricView) -> str:
    """Whether the gap is paired on the same items, and so has an interval."""
    known = [row.gap for row in metric.rows if row.gap is not None]
    if any(gap.ci_low is not None for gap in known):
        return ", paired by image"
    return ", a plain difference without an interval"


def latex(board: Board, rules: Rules = "multilingual") -> str:
    r"""One booktabs table per task; needs \usepackage{booktabs,graphicx}. ASCII only: languages by English name."""
    parts = ["% needs \\usepackage{booktabs,graphicx}"]
    for table in board.tables:
        for metric in headline(table, rules):
            parts.append(_latex_table(board, table, metric, rules))
    return "\n\n".join(parts) + "\n"


def _latex_table(board: Board, table: TableView, metric: MetricView, rules: Rules) -> str:
    summaries = _summary_heads(metric)
    head = ["", *(latex_escape(board.language(tag).name) for tag in table.languages), *summaries]
    tags = ["Model", *(latex_escape(tag) for tag in table.languages), *("" for _ in summaries)]
    lines = [f"{' & '.join(head)} \\\\", f"{' & '.join(tags)} \\\\", "\\midrule"]
    for row in metric.rows:
        estimates = [(e, s) for e, s in _summaries(metric, row)]
        values = [_latex_value(cell) for cell in row.cells] + [
            _latex_number(e.value, s) if e else "--" for e, s in estimates
        ]
        bounds = [interval(cell.ci_low, cell.ci_high) if cell else "" for cell in row.cells]
        bounds += [interval(e.ci_low, e.ci_high, sign=s) if e else "" for e, s in estimates]
        lines.append(f"{latex_first_cell(row.model)} & {' & '.join(values)} \\\\")
        if any(bounds):
            # {} first: a row that starts with [ would be read as the optional argument of \\.
            small = (f"{{\\scriptsize {latex_escape(text)}}}" if text else "" for text in bounds)
            lines.append(f"{{}} & {' & '.join(small)} \\\\")
    columns = len(head) - 1
    tabular = "\n".join(
        [f"\\begin{{tabular}}{{@{{}}l{'r' * columns}@{{}}}}", "\\toprule", *lines, "\\bottomrule", "\\end{tabular}"]
    )
    if columns > _WIDE:
        tabular = f"\\resizebox{{\\linewidth}}{{!}}{{%\n{tabular}%\n}}"
    marks = any(cell and "unparsed" in cell.marks for row in metric.rows for cell in row.cells)
    legend = f" $\\ast$: more than {100 * UNPARSED_MARK:.0f}\\% of the answers could not be read." if marks else ""
    label = "".join(char for char in f"{table.id}-{metric.name}" if char.isascii() and (char.isalnum() or char in "-."))
    return "\n".join(
        [
            "\\begin{table}[t]",
            "\\centering\\small",
            f"\\caption{{{latex_escape(table.title)}. {latex_escape(caption(board, table, metric, rules))}{legend}}}",
            f"\\label{{tab:{label}}}",
            tabular,
            "\\end{table}",
        ]
    )


def _latex_value(cell: CellView | None) -> str:
    if cell is None or cell.value is None:
        return "--"
    return _latex_number(cell.value) + ("$^\\ast$" if "unparsed" in cell.marks else "")


def _latex_number(value: float, sign: bool = False) -> str:
    return latex_escape(number(value, sign=sign))


def csv_rows(gathered: Sequence[GatheredRun]) -> str:
    """The long form: every row of scores.json under the model's name on the board, values unrounded."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    outcomes = [f"rate_{outcome}" for outcome in OUTCOMES]
    fields = [
        "model",
        "task",
        "language",
        "condition",
        "rules",
        "metric",
        "value",
        "ci_low",
        "ci_high",
        "n",
        "clusters",
    ]
    writer.writerow([*fields, "unparsed_rate", *outcomes, "primary", "note", "task_version", "rules_version"])
    for one in gathered:
        for row in one.rows:
            numbers = ["" if value is None else repr(value) for value in (row.value, row.ci_low, row.ci_high)]
            rates = [repr(float(row.outcomes.get(outcome, 0.0))) for outcome in OUTCOMES]
            head = [one.name, row.task, row.language, row.condition, row.rules, row.metric]
            counts = [row.n, row.clusters, repr(row.unparsed_rate)]
            versions = [row.task_version, row.rules_version]
            writer.writerow([*head, *numbers, *counts, *rates, str(row.primary).lower(), row.note, *versions])
    return out.getvalue()


def as_json(board: Board) -> str:
    """Every table of the board under both rule sets, unrounded, with the means, gaps and their language sets."""
    return json.dumps(board_dict(board), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def board_dict(board: Board) -> dict[str, Any]:
    """The board as plain data (see `as_json`); also what the page embeds."""
    return {
        "schema": SCHEMA,
        "languages": [
            {
                "tag": item.tag,
                "name": item.name,
                "autonym": item.autonym,
                "script": item.script,
                "direction": item.direction,
                "family": item.family,
                "joshi_class": item.joshi_class,
            }
            for item in board.languages
        ],
        "models": [{"name": model.name, "folders": list(model.folders)} for model in board.models],
        "tables": [_table_dict(table) for table in board.tables],
        "notes": list(board.notes),
    }


def _table_dict(table: TableView) -> dict[str, Any]:
    return {
        "id": table.id,
        "task": table.task,
        "condition": table.condition,
        "title": table.title,
        "benchmark": table.benchmark,
        "languages": list(table.languages),
        "metrics": {rules: [_metric_dict(metric, table) for metric in found] for rules, found in table.metrics.items()},
    }


def _metric_dict(metric: MetricView, table: TableView) -> dict[str, Any]:
    return {
        "name": metric.name,
        "label": metric.label,
        "unit": metric.unit,
        "primary": metric.primary,
        "mean_over": list(metric.mean_over),
        "gap_over": list(metric.gap_over),
        "note": metric.note,
        "heat_range": list(metric.heat_range) if metric.heat_range else None,
        "rows": [
            {
                "model": row.model,
                "mean": _estimate_dict(row.mean),
                "gap": _estimate_dict(row.gap),
                "place": None if row.place is None else asdict(row.place),
                "lowest": None if row.lowest is None else asdict(row.lowest),
                "kappa": _estimate_dict(row.kappa),
                "cells": {tag: _cell_dict(cell) for tag, cell in zip(table.languages, row.cells, strict=True) if cell},
            }
            for row in metric.rows
        ],
    }


def _cell_dict(cell: CellView) -> dict[str, Any]:
    return {
        "value": cell.value,
        "ci_low": cell.ci_low,
        "ci_high": cell.ci_high,
        "n": cell.n,
        "clusters": cell.clusters,
        "unparsed_rate": cell.unparsed_rate,
        "outcomes": dict(cell.outcomes),
        "note": cell.note,
        "gap": _estimate_dict(cell.gap),
        "gap_paired": cell.gap_paired,
        "chance": cell.chance,
        "chance_corrected": _estimate_dict(cell.corrected),
        "beats": list(cell.beats),
        "like_english": None if cell.like is None else asdict(cell.like),
        "heat": cell.heat,
        "marks": list(cell.marks),
    }


def _estimate_dict(estimate: Estimate | None) -> dict[str, float | None] | None:
    if estimate is None:
        return None
    return {"value": estimate.value, "ci_low": estimate.ci_low, "ci_high": estimate.ci_high}


def _summary_heads(metric: MetricView) -> list[str]:
    return (["mean"] if metric.mean_over else []) + (["gap"] if metric.gap_over else [])


def _summaries(metric: MetricView, row: RowView) -> list[tuple[Estimate | None, bool]]:
    """Mean and gap of a row, as far as the table has them; true where the sign is to be shown."""
    return ([(row.mean, False)] if metric.mean_over else []) + ([(row.gap, True)] if metric.gap_over else [])


def _estimate(estimate: Estimate | None, sign: bool) -> str:
    if estimate is None:
        return ""
    return f"{number(estimate.value, sign=sign)} {interval(estimate.ci_low, estimate.ci_high, sign=sign)}".strip()


def _md_cell(cell: CellView | None) -> str:
    if cell is None:
        return ""
    signs = "".join(MARKS[mark][0] for mark in cell.marks)
    unparsed = f" ({percent(cell.unparsed_rate)} unparsed)" if "unparsed" in cell.marks else ""
    return f"{number(cell.value)}{signs} {interval(cell.ci_low, cell.ci_high)}".strip() + unparsed


def md_escape(text: str) -> str:
    """Text in a Markdown table: nothing in it is markup, HTML or the end of a cell."""
    result = plain(text).replace("\\", "\\\\")
    for char in "|*_`[]#~":
        result = result.replace(char, "\\" + char)
    return result.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _used_marks(board: Board, rules: Rules) -> list[tuple[str, str]]:
    used = {
        mark
        for table in board.tables
        for metric in headline(table, rules)
        for row in metric.rows
        for cell in row.cells
        if cell
        for mark in cell.marks
    }
    return [sign_and_text for mark, sign_and_text in MARKS.items() if mark in used]


def _span(numbers: Sequence[int]) -> str:
    if not numbers:
        return "0"
    return str(numbers[0]) if min(numbers) == max(numbers) else f"{min(numbers)}-{max(numbers)}"


def _join(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
