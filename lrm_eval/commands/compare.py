"""`lrm-eval compare`: runs held against each other."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import UsageError, unknown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from lrm_eval.comparison import Comparison
    from lrm_eval.runs import RunFolder

FORMATS = ("text", "html", "md", "latex", "csv", "json")


def compare(
    paths: Sequence[Path],
    console: Console,
    *,
    common: bool,
    all_pairs: bool,
    rules: str,
    correction: str,
    fmt: str | None,
    out: Path | None,
) -> None:
    """Compares runs and prints or writes what was found.

    Args:
        paths: run folders.
        console: where the table goes.
        common: compare only what both were asked alike.
        all_pairs: every run against every other.
        rules: official or multilingual.
        correction: holm or bh.
        fmt: one of FORMATS; None: by the ending of `out`, a table without one.
        out: file to write; None prints.

    Raises:
        UsageError: an unknown name, a page without a place, or runs that cannot be compared.
        RunError: a damaged run.
    """
    from lrm_eval.comparison import compare as held_against
    from lrm_eval.comparison.text import print_comparison
    from lrm_eval.reporting.site import find_runs
    from lrm_eval.runs.files import write_atomic

    form = fmt or _by_ending(out)
    if form not in FORMATS:
        raise unknown("format", form, FORMATS)
    if form == "html" and out is None:
        raise UsageError("a page needs a place: type for example `--out compare.html`")
    if form == "text" and out is not None:
        raise UsageError(f"--out {out}: which format? Give it the ending .html, .md, .tex, .csv or .json, or --format")
    folders = find_runs(paths)
    found = held_against(
        folders,
        common=common,
        all_pairs=all_pairs,
        rules=rules,  # type: ignore[arg-type]  # checked by `compare`, which names the valid ones
        correction=correction,  # type: ignore[arg-type]
    )
    if form == "text":
        print_comparison(found, console)
        return
    made = rendered(found, folders, form)
    if out is None:
        sys.stdout.write(made.rstrip("\n") + "\n")
    else:
        write_atomic(out, made.encode("utf-8", "replace"))
        sys.stdout.write(f"{out}\n")


def rendered(found: Comparison, folders: Sequence[RunFolder], form: str) -> str:
    """A comparison as html, md, latex, csv or json."""
    from lrm_eval.comparison import text
    from lrm_eval.comparison.page import page
    from lrm_eval.reporting import grid

    if form == "html":
        manifests: dict[str, Any] = {
            name: folder.manifest() for (name, _), folder in zip(found.models, folders, strict=True)
        }
        return page(found, manifests, [folder.images_path for folder in folders])
    if form == "json":
        return text.as_json(found)
    writers = {"md": grid.to_markdown, "latex": grid.to_latex, "csv": grid.to_csv}
    return writers[form](text.as_grid(found))


def _by_ending(out: Path | None) -> str:
    endings = {".html": "html", ".htm": "html", ".md": "md", ".tex": "latex", ".csv": "csv", ".json": "json"}
    return "text" if out is None else endings.get(out.suffix.lower(), "text")
