"""A small table of texts, and the four forms it is written in: for tables whose layout is a paper's."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field

from markupsafe import escape

from lrm_eval.reporting.latex import latex_escape, latex_first_cell
from lrm_eval.reporting.tables import md_escape


@dataclass(frozen=True, slots=True)
class GridCell:
    """A text; `small` beneath or after it, for an interval.

    Attributes:
        strong: the best of its column: bold.
        near: not separable from the best: underlined (Markdown, which has no underline: in italics).
    """

    text: str = ""
    strong: bool = False
    small: str = ""
    near: bool = False


@dataclass(frozen=True, slots=True)
class GridRow:
    """A line; `head` lines span the table and name the block beneath; `ours` tells our runs from published numbers."""

    cells: tuple[GridCell, ...]
    head: bool = False
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A table.

    Attributes:
        title: what it is.
        columns: headings.
        rows: lines, as many cells each as there are columns; of a `head` line only the first counts.
        notes: what a reader must know, one sentence each.
        text_columns: how many columns from the left hold words, not numbers.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[GridRow, ...]
    notes: tuple[str, ...] = ()
    text_columns: int = 1
    label: str = field(default="paper")


def to_markdown(grid: Grid) -> str:
    """Pipe table with the notes beneath."""
    align = ["---" if place < grid.text_columns else "--:" for place in range(len(grid.columns))]
    lines = [[md_escape(name) for name in grid.columns], align]
    for row in grid.rows:
        if row.head:
            lines.append([f"**{md_escape(row.cells[0].text)}**", *[""] * (len(grid.columns) - 1)])
            continue
        lines.append([_markdown_cell(cell) for cell in row.cells])
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    notes = "".join(f"\n\n{md_escape(note)}" for note in grid.notes)
    return f"### {md_escape(grid.title)}\n\n{body}{notes}\n"


def _markdown_cell(cell: GridCell) -> str:
    text = md_escape(cell.text)
    sign = "" if not text else "**" if cell.strong else "*" if cell.near else ""
    return f"{sign}{text}{sign}" + (f" {md_escape(cell.small)}" if cell.small else "")


def to_csv(grid: Grid) -> str:
    """Comma-separated; the block of a line is a column of its own, notes are left to the other forms."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    blocks = any(row.head for row in grid.rows)
    writer.writerow([*(["block"] if blocks else []), *grid.columns])
    block = ""
    for row in grid.rows:
        if row.head:
            block = row.cells[0].text
        else:
            texts = (f"{cell.text} {cell.small}".strip().replace("\N{MINUS SIGN}", "-") for cell in row.cells)
            writer.writerow([*([block] if blocks else []), *texts])
    return out.getvalue()


def to_latex(grid: Grid) -> str:
    r"""A booktabs table; needs \usepackage{booktabs,graphicx}."""
    width = len(grid.columns)
    lines = [" & ".join(latex_first_cell(name) for name in grid.columns) + " \\\\", "\\midrule"]
    for place, row in enumerate(grid.rows):
        if row.head:
            if place:
                lines.append("\\midrule")
            lines.append(f"\\multicolumn{{{width}}}{{@{{}}l}}{{\\textbf{{{latex_escape(row.cells[0].text)}}}}} \\\\")
            continue
        lines.append(" & ".join(_latex_cell(cell) for cell in row.cells) + " \\\\")
        if any(cell.small for cell in row.cells):
            small = (f"{{\\scriptsize {latex_escape(cell.small)}}}" if cell.small else "" for cell in row.cells)
            lines.append("{}" + " & ".join(small) + " \\\\")
    columns = "l" * grid.text_columns + "r" * (width - grid.text_columns)
    body = "\n".join(lines)
    # LaTeX numbers tables itself.
    title = re.sub(r"^(Table|Figure) \d+: ", "", grid.title)
    title = title[:1].upper() + title[1:]
    return (
        "% needs \\usepackage{booktabs,graphicx}\n\\begin{table*}[t]\n\\centering\\small\n"
        f"\\caption{{{latex_escape(' '.join([title + '.', *grid.notes]))}}}\n\\label{{tab:{grid.label}}}\n"
        # Most classes set captions for tables above with no room beneath.
        "\\vspace{4pt}\n"
        # As wide as it is, but never wider than the page.
        "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%\n"
        f"\\begin{{tabular}}{{@{{}}{columns}@{{}}}}\n\\toprule\n{body}\n\\bottomrule\n\\end{{tabular}}%\n}}\n\\end{{table*}}\n"
    )


def _latex_cell(cell: GridCell) -> str:
    text = latex_first_cell(cell.text) if cell.text else ""
    command = "" if not text else "\\textbf" if cell.strong else "\\underline" if cell.near else ""
    return f"{command}{{{text}}}" if command else text


def to_html(grid: Grid) -> str:
    """A `<table>` to paste into a page, without style or script; everything escaped."""
    parts = [f"<table>\n<caption>{escape(grid.title)}</caption>\n<thead><tr>"]
    parts += [f'<th scope="col">{escape(name)}</th>' for name in grid.columns]
    parts.append("</tr></thead>\n<tbody>\n")
    for row in grid.rows:
        if row.head:
            parts.append(
                f'<tr><th colspan="{len(grid.columns)}" scope="rowgroup">{escape(row.cells[0].text)}</th></tr>\n'
            )
            continue
        parts.append(f'<tr class="{"ours" if row.ours else "published"}">')
        for place, cell in enumerate(row.cells):
            text = escape(cell.text)
            element = "" if not cell.text else "strong" if cell.strong else "u" if cell.near else ""
            body = f"<{element}>{text}</{element}>" if element else str(text)
            small = f" <small>{escape(cell.small)}</small>" if cell.small else ""
            parts.append(f'<th scope="row">{body}</th>' if place == 0 else f"<td>{body}{small}</td>")
        parts.append("</tr>\n")
    parts.append("</tbody>\n</table>\n")
    parts += [f"<p>{escape(note)}</p>\n" for note in grid.notes]
    return "".join(parts)
