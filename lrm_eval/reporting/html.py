"""The board as one self-contained HTML page under a strict content security policy.

Nothing on the page comes from elsewhere: style and script are inline and allowed by their SHA-256 hashes alone,
images are data URIs, and the data lies in blocks that no browser executes. Whatever a model or a data set wrote
is escaped here by jinja2, or put into the page by its script as text nodes.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

import lrm_eval
from lrm_eval.reporting import names
from lrm_eval.reporting.cite import bibtex
from lrm_eval.reporting.embed import embed, pack, policy, thumbnail
from lrm_eval.reporting.page_data import page_data
from lrm_eval.reporting.payload import table_payload
from lrm_eval.reporting.provenance import facts, repeat_command
from lrm_eval.reporting.samples import Pool, choose
from lrm_eval.reporting.sources import sources
from lrm_eval.reporting.tables import caption, headline
from lrm_eval.reporting.view import HEAT_STEPS, MARKS
from lrm_eval.resources import templates_dir
from lrm_eval.types import RULES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lrm_eval.reporting.view import Board, Place, TableView
    from lrm_eval.types import Rules

PAGE_BYTES = 20_000_000


def page(board: Board, pools: Mapping[str, Pool], image_dirs: Sequence[Path], max_bytes: int = PAGE_BYTES) -> str:
    """The page as text.

    Args:
        board: the tables.
        pools: the answers per table id; a table without one has no samples.
        image_dirs: `images/` folders of the runs, searched in order.
        max_bytes: about how large the page may become; tables are always whole, samples fill what they leave.

    Raises:
        FileNotFoundError: the installation lacks reports/templates.
    """
    folder = templates_dir()
    style, script = page_style(folder), page_script(folder)
    rules = default_rules(board)
    board_block = pack(page_data(board, rules))
    tables = [_table_context(board, table) for table in board.tables]
    room = max(0, max_bytes - len(board_block) - len(style) - len(script) - _CELL_BYTES * _cells(board))
    chosen, images, full = choose(pools, lambda sha: thumbnail(sha, image_dirs), room)
    blocks = [pack(table_payload(pools.get(t.id, Pool()), chosen.get(t.id, []))) for t in board.tables]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=False
    )
    environment.globals.update(
        number=names.number, interval=names.interval, percent=names.percent, rank=rank, address=address
    )
    return environment.get_template("report.html.j2").render(
        csp=policy(script, style),
        version=lrm_eval.__version__,
        title=_title(board),
        summary=_summary(board),
        notes=board.notes,
        rules=rules,
        tables=tables,
        ranked=any(table["ranked"] for table in tables),
        models=[
            {
                "name": model.name,
                "runs": [
                    [(names.plain(name), names.plain(value)) for name, value in facts(manifest, folder_name)]
                    for manifest, folder_name in zip(model.manifests, model.folders, strict=True)
                ],
            }
            for model in board.models
        ],
        commands=[names.plain(repeat_command(manifest)) for model in board.models for manifest in model.manifests],
        again=names.plain(
            shlex.join(["lrm-eval", "report", *(f for m in board.models for f in m.folders), "--out", "board.html"])
        ),
        citation=bibtex((table.task for table in board.tables), _presets(board)),
        sources=sources(manifest for model in board.models for manifest in model.manifests),
        samples_note=samples_note(pools, chosen, full, max_bytes),
        marks=MARKS,
        used_marks=_used_marks(board),
        heat_steps=range(HEAT_STEPS),
        counted=lambda tags: f"{len(tags)} language{'' if len(tags) == 1 else 's'}",
        # Markup: our own style and script, and data in which `embed` and `pack` left no sign that HTML minds.
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        board_block=Markup(board_block),  # noqa: S704
        images_block=Markup(embed(images)),  # noqa: S704
        sample_blocks=[Markup(one) for one in blocks],  # noqa: S704
    )


def _presets(board: Board) -> list[str]:
    """The names that the models were asked for by."""
    told = [manifest.get("model") for model in board.models for manifest in model.manifests]
    return [str(one["name"]) for one in told if isinstance(one, dict) and one.get("name")]


# What the page's own table takes for a cell, and for the lines around the tables.
_CELL_BYTES = 420


def _cells(board: Board) -> int:
    return 40 + sum(len(table.languages) * len(board.models) for table in board.tables)


def page_style(folder: Path) -> str:
    """All style sheets of the page, joined in the order of their names."""
    return "\n".join(_text(path) for path in sorted((folder / "style").glob("*.css")))


def page_script(folder: Path) -> str:
    """All parts of the page's script in one scope, joined in the order of their names."""
    parts = "\n".join(_text(path) for path in sorted((folder / "script").glob("*.js")))
    return f'"use strict";\n(async () => {{\n{parts}}})();\n'


def rank(place: Place | None) -> str:
    """`1`, or `1–3` where the data allow several ranks."""
    if place is None:
        return ""
    return str(place.low) if place.low == place.high else f"{place.low}–{place.high}"


def address(table: str, tag: str, model: str) -> str:
    """A cell's place in the URL fragment: `<table>/<language>/<model>`, percent-encoded as the page's script does."""
    from urllib.parse import quote

    return quote(f"{table}/{tag}/{model}", safe="/:!'()*-._~")


def samples_note(pools: Mapping[str, Pool], chosen: Mapping[str, Sequence[str]], full: bool, max_bytes: int) -> str:
    """How many of the answers are on the page and which."""
    total = sum(len(cell) for pool in pools.values() for cell in pool.answers.values())
    here = sum(
        sum(item_id in cell for item_id in chosen[table])
        for table, pool in pools.items()
        for cell in pool.answers.values()
    )
    if here == total:
        return f"All {total:,} answers are on this page."
    why = f"it is kept under about {max_bytes / 1e6:.2g} MB" if full else "every cell puts forward a limited number"
    return (
        f"{here:,} of {total:,} answers are on this page ({why}): wrong, unread and failed ones first, some right ones "
        "between, and each question in every language and model. The run folder holds them all."
    )


def default_rules(board: Board) -> Rules:
    """Multilingual, as everywhere; official where the runs hold nothing else (scores of other programs)."""
    return "multilingual" if any(table.metrics["multilingual"] for table in board.tables) else "official"


def _table_context(board: Board, table: TableView) -> dict[str, Any]:
    rules = default_rules(board) if table.metrics[default_rules(board)] else RULES[0]
    metric = headline(table, rules)[0]
    return {
        "id": table.id,
        "title": table.title,
        "languages": [board.language(tag) for tag in table.languages],
        "metric": metric,
        "ranked": any(row.place for row in metric.rows),
        "caption": caption(board, table, metric, rules),
    }


def _used_marks(board: Board) -> list[str]:
    used = {
        mark
        for table in board.tables
        for metrics in table.metrics.values()
        for metric in metrics
        for row in metric.rows
        for cell in row.cells
        if cell
        for mark in cell.marks
    }
    return [mark for mark in MARKS if mark in used]


def _title(board: Board) -> str:
    if len(board.models) == 1:
        return f"{board.models[0].name} in {len(board.languages)} languages"
    return f"{len(board.models)} models in {len(board.languages)} languages"


def _summary(board: Board) -> str:
    tags = ", ".join(one.name for one in board.languages)
    return f"{', '.join(table.title for table in board.tables)}. Languages: {tags}."


def _text(path: Path) -> str:
    # The hash is of what the browser sees, and it sees line feeds whatever the file has.
    return path.read_text(encoding="utf-8").replace("\r\n", "\n")
