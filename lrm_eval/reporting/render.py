"""`render`: run folders in, a page or a table out."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, get_args

from lrm_eval import errors
from lrm_eval.reporting.across import Across, across, across_markdown
from lrm_eval.reporting.build import build, table_id
from lrm_eval.reporting.conditions import ALL, effects_markdown, with_condition
from lrm_eval.reporting.gather import gather
from lrm_eval.reporting.html import PAGE_BYTES, page
from lrm_eval.reporting.names import benchmark_of
from lrm_eval.reporting.paired import Numbers, primary_metric
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
    from lrm_eval.types import Item

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
    if condition is not None and fmt in ("html", "csv", "json"):
        _refuse_unknown(gathered, condition)
    if fmt == "csv":
        text = csv_rows(gathered)
    else:
        read = read_answers(gathered)
        board = build(gathered, read.numbers, read.across)
        if fmt == "html":
            text = page(board, read.pools, [one.run.path / "images" for one in gathered], max_bytes)
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


def _refuse_unknown(gathered: Sequence[GatheredRun], condition: str) -> None:
    # These forms hold every condition; a mistyped name is a mistake there too, and is not passed over in silence.
    there = list(dict.fromkeys(row.condition for one in gathered for row in one.rows))
    if condition not in (*there, ALL):
        raise errors.unknown("condition of these runs", condition, [*there, ALL])


def _markdown(board: Board, gathered: Sequence[GatheredRun], rules: Rules, condition: str | None) -> str:
    shown = with_condition(board, condition)
    more = [across_markdown(shown, rules), effects_markdown(gathered, rules)]
    return "\n".join([markdown(shown, rules), *(f"{part}\n" for part in more if part)])


class Answered(NamedTuple):
    """What the answers of some runs give.

    Attributes:
        numbers: over the cells of each table.
        pools: the samples of each table.
        across: by table and model, its languages beside each other (multilingual rules).
    """

    numbers: dict[NumbersKey, Numbers]
    pools: dict[str, Pool]
    across: dict[tuple[str, str], Across]


def read_answers(gathered: Sequence[GatheredRun]) -> Answered:
    """Reads every answered cell once. Cells without a score (not finished) are left out."""
    pools: dict[str, Pool] = defaultdict(Pool)
    shared = Shared()
    metrics: dict[NumbersKey, dict[tuple[str, str], Metric]] = defaultdict(dict)
    beside: dict[tuple[str, str], Across] = {}
    for name in dict.fromkeys(one.name for one in gathered):
        # One model's answers at a time: they are needed together, and there may be many.
        answers: dict[str, dict[str, list[Item]]] = defaultdict(dict)
        for one in gathered:
            if one.name != name:
                continue
            scored = {(row.task, row.language, row.condition) for row in one.rows}
            for cell in one.cells():
                if (cell.task, cell.language, cell.condition) not in scored:
                    continue
                table = table_id(cell.task, cell.condition)
                items, official = read_cell(one.run, cell, shared)
                pools[table].add(name, cell.language, items, official)
                answers[table][cell.language] = items
                for rules in RULES:
                    read = other_rules(items, official, rules)
                    metric = primary_metric(read, cell.task, benchmark_of(cell.task, one.manifest), rules)
                    if metric is not None:
                        metrics[table, rules, metric.name][name, cell.language] = metric
        beside |= {(table, name): across(cells) for table, cells in answers.items()}
    return Answered({key: Numbers(joint(by_cell)) for key, by_cell in metrics.items()}, dict(pools), beside)
