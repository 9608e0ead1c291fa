"""`lrm-eval table` and `lrm-eval figure`: the paper's tables and figures."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from lrm_eval.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lrm_eval.runs import RunFolder


def table(
    name: str,
    paths: Sequence[Path],
    *,
    published: bool,
    fmt: str | None,
    intervals: bool,
    langs: str | None,
    out: Path | None,
) -> None:
    """Prints or writes a table.

    Args:
        name: main, bleu, instructions, backbones or ratio.
        paths: run folders; for `bleu` files of measured agreements (`lrm-eval data audit --agreement`).
        published: with the paper's numbers.
        fmt: latex, md, csv or html; None: by the ending of `out`, md without one.
        intervals: with our intervals.
        langs: columns other than the paper's ten languages.
        out: file to write; None prints.

    Raises:
        UsageError: unknown names, or nothing to show.
        RunError: a damaged run, or one with nothing for this table.
    """
    from lrm_eval.reporting import paper_table
    from lrm_eval.reporting.published import LANGUAGES
    from lrm_eval.reporting.site import find_runs
    from lrm_eval.runs.files import write_atomic
    from lrm_eval.translation.agreement import is_agreement, read_agreements

    files = [path for path in paths if is_agreement(path)]
    agreements = [one for path in files for one in read_agreements(path)]
    folders = find_runs([path for path in paths if path not in files])
    form = fmt or _by_ending(out, {".tex": "latex", ".md": "md", ".csv": "csv", ".html": "html", ".htm": "html"}, "md")
    languages = LANGUAGES if langs is None else tags_of(langs, folders)
    made = paper_table(name, folders, published, form, intervals=intervals, languages=languages, agreements=agreements)
    made = made.rstrip("\n") + "\n"
    if out is None:
        sys.stdout.write(made)
    else:
        write_atomic(out, made)
        sys.stdout.write(f"{out}\n")


def figure(
    name: str, paths: Sequence[Path], *, published: bool, task: str | None, langs: str | None, out: Path
) -> None:
    """Writes a figure; its format is the ending of `out`.

    Raises:
        UsageError: unknown names, another ending, or nothing to draw.
        RunError: a damaged run, or one with nothing for this figure.
    """
    from lrm_eval.reporting.paper_figures import FORMATS, paper_figure
    from lrm_eval.reporting.site import find_runs
    from lrm_eval.runs.files import write_atomic

    form = out.suffix.lower().removeprefix(".")
    if form not in FORMATS:
        raise UsageError(f"--out {out}: a figure ends in {', '.join(f'.{one}' for one in FORMATS)}")
    folders = find_runs(paths)
    languages = None if langs is None else tags_of(langs, folders)
    write_atomic(out, paper_figure(name, folders, published, form, task=task, languages=languages))
    sys.stdout.write(f"{out}\n")


def tags_of(langs: str, folders: Sequence[RunFolder]) -> tuple[str, ...]:
    """The tags of `--langs`; a group such as `all` means those that the runs have.

    Raises:
        UsageError: a name that nobody knows.
    """
    from lrm_eval.languages import all_languages, resolve

    here = {row.language for folder in folders for row in folder.scores()}
    return tuple(found.tag for found in resolve(langs, here or {one.tag for one in all_languages()}))


def _by_ending(out: Path | None, endings: dict[str, str], otherwise: str) -> str:
    if out is None:
        return otherwise
    if out.suffix.lower() not in endings:
        raise UsageError(f"--out {out}: which format? Give it the ending {', '.join(endings)}, or --format")
    return endings[out.suffix.lower()]
