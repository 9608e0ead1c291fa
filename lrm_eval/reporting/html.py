"""The board as one self-contained HTML page under a strict content security policy.

Nothing on the page comes from elsewhere: style and script are inline and allowed by their SHA-256 hashes alone,
images are data URIs, and the data lies in JSON blocks that no browser executes. Whatever a model or a data set wrote
is escaped here by jinja2, or put into the page by its script as text nodes.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

import lrm_eval
from lrm_eval.reporting import names
from lrm_eval.reporting.provenance import facts
from lrm_eval.reporting.samples import Pool, choose, table_payload
from lrm_eval.reporting.tables import SCHEMA, caption, headline
from lrm_eval.reporting.view import HEAT_STEPS, MARKS
from lrm_eval.resources import templates_dir
from lrm_eval.types import RULES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lrm_eval.reporting.view import Board, CellView, Estimate, MetricView, TableView
    from lrm_eval.types import Rules

PAGE_BYTES = 20_000_000
THUMBNAIL_BYTES = 64_000


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
    style = _text(folder / "report.css")
    script = (
        '"use strict";\n(() => {\n'
        + "\n".join(_text(path) for path in sorted((folder / "script").glob("*.js")))
        + "})();\n"
    )
    board_json = embed(page_data(board))
    room = max(0, max_bytes - len(board_json.encode()) - len(style) - len(script))
    chosen, images, full = choose(pools, lambda sha: thumbnail(sha, image_dirs), room)
    payloads = [table_payload(pools[t.id], chosen[t.id]) if t.id in pools else _NO_SAMPLES for t in board.tables]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=False
    )
    environment.globals.update(number=names.number, interval=names.interval, percent=names.percent)
    return environment.get_template("report.html.j2").render(
        csp=policy(script, style),
        version=lrm_eval.__version__,
        title=_title(board),
        summary=_summary(board),
        notes=board.notes,
        rules=default_rules(board),
        tables=[_table_context(board, table) for table in board.tables],
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
        samples_note=[samples_note(pools, chosen, full, max_bytes)],
        marks=MARKS,
        used_marks=_used_marks(board),
        heat_steps=range(HEAT_STEPS),
        counted=lambda tags: f"{len(tags)} language{'' if len(tags) == 1 else 's'}",
        address=address,
        # Markup: our own style and script, and JSON in which `embed` left no sign that HTML minds.
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        board_json=Markup(board_json),  # noqa: S704
        images_json=Markup(embed(images)),  # noqa: S704
        samples_json=[Markup(embed(one)) for one in payloads],  # noqa: S704
    )


_NO_SAMPLES: dict[str, Any] = {"items": [], "questions": {}, "answers": {}, "prompts": {}, "counts": {}}


def policy(script: str, style: str) -> str:
    """The content security policy: nothing but this script, this style, and images that are part of the page."""
    parts = {
        "default-src": "'none'",
        "script-src": f"'{csp_hash(script)}'",
        "style-src": f"'{csp_hash(style)}'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in parts.items())


def csp_hash(text: str) -> str:
    """`sha256-<base64>` of an inline block's text, as it stands between its tags."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def embed(value: Any) -> str:
    r"""JSON for a script block: `<`, `>` and `&` as \u003c and so on, so that nothing in it ends the block."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text.encode("utf-8", "replace").decode("utf-8")


def address(table: str, tag: str, model: str) -> str:
    """A cell's place in the URL fragment: `<table>/<language>/<model>`, percent-encoded as the page's script does."""
    from urllib.parse import quote

    return quote(f"{table}/{tag}/{model}", safe="/:!'()*-._~")


def thumbnail(sha256: str, image_dirs: Sequence[Path]) -> str | None:
    """The data URI of an image's thumbnail; None if no run has one, or it is too large or no image."""
    if not sha256.isalnum():
        return None
    for folder in image_dirs:
        path = folder / f"{sha256}.webp"
        if not path.is_file() or path.stat().st_size > THUMBNAIL_BYTES:
            continue
        data = path.read_bytes()
        kind = _image_type(data)
        if kind:
            return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
    return None


def _image_type(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "image/png"
    return "image/jpeg" if data[:3] == b"\xff\xd8\xff" else None


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
    why = f"it is kept under about {max_bytes / 1e6:.0f} MB" if full else "every cell puts forward a limited number"
    return (
        f"{here:,} of {total:,} answers are on this page ({why}): wrong, unread and failed ones first, some right ones "
        "between, and each question in every language and model. The run folder holds them all."
    )


def page_data(board: Board) -> dict[str, Any]:
    """What the page's script works with: as `tables.board_dict`, but cells as short lists (script/10-base.js)."""
    index = {model.name: place for place, model in enumerate(board.models)}
    return {
        "schema": SCHEMA,
        "rules": default_rules(board),
        "models": [model.name for model in board.models],
        "languages": [
            {
                "tag": one.tag,
                "name": one.name,
                "autonym": one.autonym,
                "script": one.script,
                "direction": one.direction,
                "family": one.family,
                "joshi_class": one.joshi_class,
            }
            for one in board.languages
        ],
        "marks": {name: list(mark) for name, mark in MARKS.items()},
        "tables": [
            {
                "id": table.id,
                "task": table.task,
                "condition": table.condition,
                "title": table.title,
                "languages": list(table.languages),
                "metrics": {rules: [_metric(one, table, index) for one in table.metrics[rules]] for rules in RULES},
            }
            for table in board.tables
        ],
    }


def _metric(metric: MetricView, table: TableView, index: Mapping[str, int]) -> dict[str, Any]:
    return {
        "name": metric.name,
        "label": metric.label,
        "unit": metric.unit,
        "primary": metric.primary,
        "mean_over": list(metric.mean_over),
        "gap_over": list(metric.gap_over),
        "note": metric.note,
        "heat_range": metric.heat_range,
        "rows": [
            {
                "model": index[row.model],
                "mean": _estimate(row.mean),
                "gap": _estimate(row.gap),
                "cells": {tag: _cell(cell) for tag, cell in zip(table.languages, row.cells, strict=True) if cell},
            }
            for row in metric.rows
        ],
    }


def _cell(cell: CellView) -> list[Any]:
    head = [
        cell.value,
        cell.ci_low,
        cell.ci_high,
        cell.n,
        cell.clusters,
        cell.unparsed_rate,
        list(cell.marks),
        cell.note,
    ]
    return [*head, _estimate(cell.gap), int(cell.gap_paired), cell.heat]


def _estimate(estimate: Estimate | None) -> list[float | None] | None:
    return None if estimate is None else [estimate.value, estimate.ci_low, estimate.ci_high]


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
