"""`render`: run folders in, a page or a table out."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from lrm_eval import errors
from lrm_eval.reporting.build import build, table_id
from lrm_eval.reporting.gather import gather
from lrm_eval.reporting.html import PAGE_BYTES, page
from lrm_eval.reporting.names import benchmark_of
from lrm_eval.reporting.paired import shared_draws
from lrm_eval.reporting.samples import Pool
from lrm_eval.reporting.tables import as_json, csv_rows, latex, markdown
from lrm_eval.runs.files import write_atomic
from lrm_eval.types import Item, Reading, Rules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lrm_eval.reporting.build import DrawsKey
    from lrm_eval.reporting.gather import GatheredRun
    from lrm_eval.reporting.paired import SharedDraws
    from lrm_eval.reporting.source import RunSource

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
) -> str | Path:
    """Makes a leaderboard of one or more runs from their folders alone.

    Args:
        runs: run folders; runs of one model that answer different cells share a line.
        fmt: html (one self-contained page), latex (booktabs), md, csv (every score row, long form) or json.
        out: file to write, or a folder to write `report.<suffix>` into; None returns the text.
        rules: rule set of the latex and md tables; html, csv and json hold both.
        max_bytes: about how large the html may become; it holds as many samples as fit.

    Returns:
        The text, or the path that was written. The same runs give the same bytes.

    Raises:
        UsageError: unknown format, no run, or one run twice.
        RunError: a run without scores, a damaged run folder, or a file that cannot be written.
    """
    if fmt not in FORMATS:
        raise errors.unknown("format", fmt, FORMATS)
    gathered = gather(runs)
    if fmt == "csv":
        text = csv_rows(gathered)
    else:
        draws, pools = read_answers(gathered)
        board = build(gathered, draws)
        if fmt == "html":
            text = page(board, pools, [one.run.path / "images" for one in gathered], max_bytes)
        else:
            text = {
                "latex": lambda: latex(board, rules),
                "md": lambda: markdown(board, rules),
                "json": lambda: as_json(board),
            }[fmt]()
    if out is None:
        return text
    path = out / f"report{SUFFIXES[fmt]}" if out.is_dir() else out
    write_atomic(path, text.encode("utf-8", "replace"))
    return path


def read_answers(gathered: Sequence[GatheredRun]) -> tuple[dict[DrawsKey, SharedDraws], dict[str, Pool]]:
    """Reads every answered cell once: bootstrap draws shared by the languages of a model, and the pool of samples.

    Cells without a score (not finished) are left out.
    """
    draws: dict[DrawsKey, SharedDraws] = {}
    pools: dict[str, Pool] = defaultdict(Pool)
    for one in gathered:
        scored = {(row.task, row.language, row.condition) for row in one.rows}
        by_table: dict[tuple[str, str], list[Any]] = defaultdict(list)
        for cell in one.cells():
            if (cell.task, cell.language, cell.condition) in scored:
                by_table[cell.task, cell.condition].append(cell)
        for (task, condition), cells in by_table.items():
            table = table_id(task, condition)
            items: dict[Rules, dict[str, list[Item]]] = {"multilingual": {}, "official": {}}
            for cell in cells:
                read = list(one.run.items(cell, "multilingual"))
                known = one.run.readings(cell, "official")
                official = [_reading(known, item, one.run.path) for item in read]
                language = cell.language
                pools[table].add(one.name, language, read, official)
                items["multilingual"][language] = read
                items["official"][language] = [
                    Item(i.sample, i.response, r) for i, r in zip(read, official, strict=True)
                ]
            for rules, by_language in items.items():
                benchmark = benchmark_of(task, one.manifest)
                for metric, drawn in shared_draws(by_language, task, benchmark, rules).items():
                    draws[one.name, table, rules, metric] = drawn
    return draws, dict(pools)


def _reading(known: Mapping[str, Reading], item: Item, path: Path) -> Reading:
    found = known.get(item.response.key)
    if found is None:
        raise errors.RunError(
            f"{path}: no official reading of {item.response.key}: `lrm-eval rescore {path}` makes the readings again"
        )
    return found
