"""`lrm-eval report`: a leaderboard of runs, or a site of them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from lrm_eval.errors import UsageError, unknown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FORMATS = ("html", "latex", "md", "csv", "json")


_NO_PLACE = "a page over several runs needs a place: type for example `--out leaderboard.html`, or `--site site`"


def report(
    paths: Sequence[Path], fmt: str, out: Path | None, site: Path | None, rules: str, condition: str | None
) -> None:
    """Makes a leaderboard or a site and tells where it is.

    Args:
        paths: run folders, or folders of them.
        fmt: one of FORMATS.
        out: file; None: report.html of the only run, or standard output.
        site: folder of a static site; then neither `fmt` nor `out` may be given.
        rules: the readings that tables show.
        condition: which condition md and latex tables show.

    Raises:
        UsageError: an unknown format, no run, or a page without a place.
        RunError: a damaged run, or a file that cannot be written.
    """
    from lrm_eval import api
    from lrm_eval.reporting.site import build_site, find_runs

    if fmt not in FORMATS:
        raise unknown("format", fmt, FORMATS)
    if len(paths) > 1 and fmt == "html" and out is None and site is None:
        raise UsageError(_NO_PLACE)
    runs = find_runs(paths)
    if site is not None:
        if out is not None or fmt != "html":
            raise UsageError("--site writes every form into one folder: leave --out and --format out")
        written = build_site(runs, site)
        sys.stdout.write(f"{written[0]}: {len(written)} files\n")
        return
    if fmt == "html" and out is None:
        if len(runs) > 1:
            raise UsageError(_NO_PLACE)
        out = runs[0].report_path
    made = api.report([run.path for run in runs], fmt, out, rules=rules, condition=condition)  # type: ignore[arg-type]
    sys.stdout.write(f"{made}\n" if out is not None else str(made).rstrip("\n") + "\n")
