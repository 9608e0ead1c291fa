"""`render`: run folders in, a page or a table out."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from lrm_eval import errors
from lrm_eval.reporting.build import build, table_id
from lrm_eval.reporting.conditions import effects_markdown, with_condition
from lrm_eval.reporting.gather import gather
from lrm_eval.reporting.html import PAGE_BYTES, page
from lrm_eval.reporting.names import benchmark_of
from lrm_eval.reporting.paired import Numbers, primary_metrics
from lrm_eval.reporting.reader import Shared, other_rules, read_cell
from lrm_eval.reporting.samples import Pool
from lrm_eval.reporting.tables import as_json, csv_rows, latex, markdown
from lrm_eval.runs.files import write_atomic
from lrm_eval.statistics import joint
from lrm_eval.types import RULES, Rules

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lrm_eval.reporting.build import NumbersKey
    from lrm_eval.reporting.gather import GatheredRun
    from lrm_eval.reporting.source import RunSource
    from lrm_eval.reporting.view import Board
    from lrm_eval.scorers.metric import Metric

Format: TypeAlias = Literal["html", "latex", "md", "csv", "json"]
FORMATS: tuple[Format, ...] = get_args(Format)
SUFFIXES: dict[str, str] = {"html": ".html", "latex": ".tex", "md": ".md", "csv": ".csv", "json": ".json"}


def render(
    runs: Sequence[RunSource],
    fmt: str = "html",
    out: Path | None = None,
    *,
    rules: Rules = "multilingual",
    max_bytes: int = PAGE_BYTES,
    condition: str | None = None,
) -> str | Path:
    """Makes a leaderboard of one or more runs from their folders alone.

    Args:
        runs: run folders; runs of one model that answer different cells share a line.
        fmt: html (one self-contained page), latex (booktabs), md, csv (every score row, long form) or json.
        out: file to write, or a folder to write `report.<suffix>` into; None returns the text.
        rules: rule set of the latex and md tables; html, csv and json hold both.
        max_bytes: about how large the html may become; it holds as many samples as fit.
        condition: the condition that the latex and md tables show, or "all"; None: the default one. Html, csv and json
            hold all of them.

    Returns:
        The text, or the path that was written. The same runs give the same bytes.

    Raises:
        UsageError: unknown format or condition, no run, or one run twice.
        RunError: a run without scores, a damaged run folder, or a file that cannot be written.
    """
    if fmt not in FORMATS:
        raise errors.unknown("format", fmt, FORMATS)
    gathered = gather(runs)
    if fmt == "csv":
        text = csv_rows(gathered)
    else:
        numbers, pools = read_answers(gathered)
        board = build(gathered, numbers)
        if fmt == "html":
            text = page(board, pools, [one.run.path / "images" for one in gathered], max_bytes)
        else:
            text = {
                "latex": lambda: latex(with_condition(board, condition), rules),
                "md": lambda: _markdown(board, gathered, rules, condition),
                "json": lambda: as_json(board),
            }[fmt]()
    if out is None:
        return text
    path = out / f"report{SUFFIXES[fmt]}" if out.is_dir() else out
    write_atomic(path, text.encode("utf-8", "replace"))
    return path


def _markdown(board: Board, gathered: Sequence[GatheredRun], rules: Rules, condition: str | None) -> str:
    changed = effects_markdown(gathered, rules)
    return markdown(with_condition(board, condition), rules) + (f"\n{changed}\n" if changed else "")


def read_answers(gathered: Sequence[GatheredRun]) -> tuple[dict[NumbersKey, Numbers], dict[str, Pool]]:
    """Reads every answered cell once: numbers over the cells of each table, and the pool of its samples.

    Cells without a score (not finished) are left out.
    """
    pools: dict[str, Pool] = defaultdict(Pool)
    shared = Shared()
    metrics: dict[NumbersKey, dict[tuple[str, str], Metric]] = defaultdict(dict)
    for one in gathered:
        scored = {(row.task, row.language, row.condition) for row in one.rows}
        for cell in one.cells():
            if (cell.task, cell.language, cell.condition) not in scored:
                continue
            table = table_id(cell.task, cell.condition)
            items, official = read_cell(one.run, cell, shared)
            pools[table].add(one.name, cell.language, items, official)
            for rules in RULES:
                read = other_rules(items, official, rules)
                for metric in primary_metrics(read, cell.task, benchmark_of(cell.task, one.manifest), rules):
                    metrics[table, rules, metric.name][one.name, cell.language] = metric
    return {key: Numbers(joint(by_cell)) for key, by_cell in metrics.items()}, dict(pools)
