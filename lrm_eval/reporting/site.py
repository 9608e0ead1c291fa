"""A folder of runs as a static site: an index, one leaderboard over all runs, a page a run, and every table as a file.

Everything is a plain file that links to its neighbours by relative addresses, so that the folder can be opened from
disk, copied to any web server, or pushed to GitHub Pages as it is (`.nojekyll` is there).

    index.html            what is here
    leaderboard.html      all runs on one page
    runs/<name>.html      one page a run
    compare/<a>-<b>.html  two runs held against each other, where they were asked the same
    tables/scores.csv, leaderboard.md, leaderboard.tex, leaderboard.json
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import jinja2
from markupsafe import Markup

import lrm_eval
from lrm_eval.errors import LrmEvalError, UsageError
from lrm_eval.reporting.embed import csp_hash
from lrm_eval.reporting.gather import gather
from lrm_eval.reporting.names import language, number, order_languages, plain, task_title
from lrm_eval.reporting.provenance import repeat_command
from lrm_eval.reporting.render import render
from lrm_eval.resources import templates_dir
from lrm_eval.runs.files import write_atomic
from lrm_eval.runs.folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from lrm_eval.reporting.gather import GatheredRun

# Pairs grow with the square of the runs; beyond this many, whoever wants one types `lrm-eval compare`.
MOST_COMPARED = 5
_TABLES = {"scores.csv": "csv", "leaderboard.md": "md", "leaderboard.tex": "latex", "leaderboard.json": "json"}


@dataclass(frozen=True, slots=True)
class RunEntry:
    """A run as the index shows it."""

    name: str
    page: str
    folder: str
    command: str
    languages: tuple[str, ...]
    scores: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PairEntry:
    """Two runs as the index shows them: the page that compares them, or why there is none."""

    first: str
    second: str
    page: str
    why_not: str


def find_runs(paths: Iterable[Path]) -> list[RunFolder]:
    """The runs named, a folder of runs standing for the runs in it, sorted by name.

    Raises:
        UsageError: a path that is neither a run nor holds one.
    """
    found: dict[Path, RunFolder] = {}
    for path in paths:
        inside = []
        if path.is_dir() and not (path / "run.json").is_file():
            inside = sorted(child for child in path.iterdir() if (child / "run.json").is_file())
            if not inside:
                raise UsageError(f"{path} is neither a run folder (it has no run.json) nor a folder of runs")
        for child in inside or [path]:
            run = RunFolder.open(child)
            found.setdefault(run.path.resolve(), run)
    return list(found.values())


def build_site(runs: Sequence[RunFolder], out: Path) -> list[Path]:
    """Writes the site.

    Args:
        runs: run folders with scores.
        out: the folder; files of an earlier site are replaced, and anything else in it is left alone.

    Returns:
        The files, index.html first.

    Raises:
        UsageError: no run, or `out` is a run folder or a file.
        RunError: a run without scores, a damaged one, or a file that cannot be written.
    """
    if out.is_file() or (out / "run.json").is_file():
        raise UsageError(f"{out} is {'a file' if out.is_file() else 'a run folder'}: give the site a folder of its own")
    gathered = gather(list(runs))
    pages = _page_names([one.name for one in gathered])
    written: list[Path] = []

    def write(name: str, content: str) -> str:
        write_atomic(out / name, content.encode("utf-8", "replace"))
        written.append(out / name)
        return name

    write("leaderboard.html", str(render(list(runs), "html")))
    for run, page in zip(runs, pages, strict=True):
        write(f"runs/{page}.html", str(render([run], "html")))
    files = [write(f"tables/{name}", str(render(list(runs), fmt))) for name, fmt in _TABLES.items()]
    places = combinations(range(len(runs)), 2) if len(runs) <= MOST_COMPARED else ()
    pairs = [_pair(runs, gathered, pages, one, write) for one in places]
    write(".nojekyll", "")
    entries = [_entry(one, page) for one, page in zip(gathered, pages, strict=True)]
    index = out / "index.html"
    write_atomic(index, _index(entries, pairs, files).encode("utf-8", "replace"))
    return [index, *written]


def _page_names(names: Sequence[str]) -> list[str]:
    """A file name a run: letters and digits that every file system and web server takes, each once."""
    taken: dict[str, int] = {}
    found = []
    for name in names:
        bare = unicodedata.normalize("NFKD", plain(name)).encode("ascii", "ignore").decode().lower()
        slug = re.sub(r"[^a-z0-9]+", "-", bare).strip("-")[:60].strip("-") or "run"
        taken[slug] = taken.get(slug, 0) + 1
        found.append(slug if taken[slug] == 1 else f"{slug}--{taken[slug]}")
    return found


def _pair(
    runs: Sequence[RunFolder],
    gathered: Sequence[GatheredRun],
    pages: Sequence[str],
    places: tuple[int, int],
    write: Callable[[str, str], str],
) -> PairEntry:
    from lrm_eval.commands.compare import rendered
    from lrm_eval.comparison import compare

    first, second = places
    names = gathered[first].name, gathered[second].name
    both = [runs[first], runs[second]]
    try:
        made = rendered(compare(both), both, "html")
    except LrmEvalError as error:
        return PairEntry(*names, "", str(error))
    name = f"compare/{pages[first]}-{pages[second]}.html"
    write(name, made)
    return PairEntry(*names, name, "")


def _entry(one: GatheredRun, page: str) -> RunEntry:
    tags = order_languages(row.language for row in one.rows)
    return RunEntry(
        name=one.name,
        page=f"runs/{page}.html",
        folder=one.run.path.name,
        command=repeat_command(one.manifest),
        languages=tuple(language(tag).name for tag in tags),
        scores=tuple(_headlines(one)),
    )


def _headlines(one: GatheredRun) -> Iterable[tuple[str, str]]:
    """(task, range of the headline score over languages): where to look, not a ranking."""
    values: dict[str, list[float]] = {}
    for row in one.rows:
        if row.primary and row.rules == "multilingual" and row.value is not None:
            values.setdefault(task_title(row.task, row.condition), []).append(row.value)
    for task, found in values.items():
        low, high = number(min(found)), number(max(found))
        yield task, low if low == high else f"{low} to {high}"


def _index(entries: Sequence[RunEntry], pairs: Sequence[PairEntry], files: Sequence[str]) -> str:
    folder = templates_dir()
    style = (folder / "compare.css").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template("site.html.j2").render(
        csp=f"default-src 'none'; style-src '{csp_hash(style)}'; base-uri 'none'; form-action 'none'",
        style=Markup(style),  # noqa: S704  # our own, without a sign that HTML minds
        version=lrm_eval.__version__,
        runs=entries,
        pairs=pairs,
        files=files,
    )
