"""The tables of the LRM-LLaVA paper, with our runs beside the published numbers.

What a table is called follows the paper: `main` is table 1, `bleu` table 2, `instructions` table 3, `backbones`
table 4, `ratio` figure 6. Nothing is filled in: what was neither published nor run is blank, and a note says so; a
table of blanks is refused.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from lrm_eval import errors
from lrm_eval.reporting import grid as forms
from lrm_eval.reporting.gather import gather
from lrm_eval.reporting.grid import Grid, GridCell, GridRow
from lrm_eval.reporting.paper_ablations import backbones_table, instructions_table, ratio_table
from lrm_eval.reporting.paper_main import bleu_table, main_table
from lrm_eval.reporting.published import LANGUAGES
from lrm_eval.reporting.reader import refuse_cut_off

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lrm_eval.reporting.gather import GatheredRun
    from lrm_eval.reporting.source import RunSource
    from lrm_eval.translation.agreement import Agreement

TableName: TypeAlias = Literal["main", "bleu", "instructions", "backbones", "ratio"]
TABLES: tuple[TableName, ...] = get_args(TableName)
TableFormat: TypeAlias = Literal["latex", "md", "csv", "html"]
TABLE_FORMATS: tuple[TableFormat, ...] = get_args(TableFormat)


def paper_table(
    name: str,
    runs: Sequence[RunSource] = (),
    published: bool = False,
    fmt: str = "latex",
    *,
    intervals: bool = True,
    languages: Sequence[str] = LANGUAGES,
    agreements: Sequence[Agreement] = (),
) -> str:
    """One of the paper's tables.

    Args:
        name: main, bleu, instructions, backbones or ratio.
        runs: run folders; how a model was trained is read from run.json (`model.training`: variant,
            language_model, instructions, non_english_percent), or from the model's name.
        published: puts the paper's own numbers into the table.
        fmt: latex, md, csv or html.
        intervals: whether our numbers have their 95 % intervals beneath.
        languages: the columns of `main` and `ratio`; the paper's ten by default.
        agreements: what `bleu` is made of besides the published numbers.

    Raises:
        UsageError: unknown table or format; neither runs nor `published`; a table that was not published in numbers.
        RunError: a run has no scores, or these runs have nothing for the table.
    """
    if name not in TABLES:
        raise errors.unknown("table", name, TABLES)
    if fmt not in TABLE_FORMATS:
        raise errors.unknown("format", fmt, TABLE_FORMATS)
    if not runs and name == "ratio" and published:
        raise errors.UsageError(
            "figure 6 was published as a plot, without numbers: name runs for `table ratio` "
            "(in words the paper says that 100 % of non-English data was best, and that 150 % cost English)"
        )
    if name == "bleu" and not agreements and not published:
        raise errors.UsageError(
            "table 'bleu' is made of measured agreements of two translations: `lrm-eval data audit TASK --langs … "
            "--second PACK|TRANSLATOR --agreement FILE`, then `lrm-eval table bleu FILE`; --published shows the paper's"
        )
    if not runs and not published and name != "bleu":
        raise errors.UsageError(
            f"table {name!r} has nothing to show: name runs, "
            f"or type `lrm-eval table {name} --published` for the paper's numbers"
        )
    gathered = gather(runs) if runs else []
    for run in runs:
        refuse_cut_off(run)
    builders: dict[str, Callable[[Sequence[GatheredRun], bool], Grid]] = {
        "main": lambda found, printed: main_table(found, printed, languages),
        "bleu": lambda _, printed: bleu_table(agreements, printed),
        "instructions": instructions_table,
        "backbones": backbones_table,
        "ratio": lambda found, printed: ratio_table(found, printed, languages),
    }
    grid = builders[name](gathered, published)
    if not _holds_numbers(grid):
        # Of the notes those that say why; the others explain numbers that are not there.
        why = [note for note in grid.notes if note.startswith(("Left out", "Not ", "Ours is blank"))]
        raise errors.RunError(f"table {name!r} would be empty: {' '.join(why or grid.notes)}")
    writers = {"latex": forms.to_latex, "md": forms.to_markdown, "csv": forms.to_csv, "html": forms.to_html}
    return writers[fmt](grid if intervals else _without_intervals(grid))


def _holds_numbers(grid: Grid) -> bool:
    return any(cell.text for row in grid.rows if not row.head for cell in row.cells[grid.text_columns :])


def _without_intervals(grid: Grid) -> Grid:
    rows = (GridRow(tuple(_bare(cell) for cell in row.cells), row.head, row.ours) for row in grid.rows)
    return replace(grid, rows=tuple(rows))


def _bare(cell: GridCell) -> GridCell:
    return replace(cell, small="")
