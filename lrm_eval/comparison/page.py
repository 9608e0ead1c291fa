"""A comparison as one self-contained page: forest plots, verdicts, and the answers that make the difference.

No script at all; style by its hash and images as data URIs are everything that the content security policy allows.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jinja2
from markupsafe import Markup

import lrm_eval
from lrm_eval.comparison import text
from lrm_eval.comparison.words import unseen, verdicts
from lrm_eval.reporting import names
from lrm_eval.reporting.embed import csp_hash, thumbnail
from lrm_eval.reporting.payload import clean as without_surrogates
from lrm_eval.reporting.provenance import repeat_command
from lrm_eval.resources import templates_dir

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from lrm_eval.comparison.align import Asked
    from lrm_eval.comparison.model import Comparison, Line, Pair
    from lrm_eval.types import Item

EXAMPLES = 3
ANSWER_LIMIT = 600
IMAGE_BYTES = 8_000_000
# The forest plot's drawing is this wide, in units of its own.
WIDTH, HEIGHT = 240.0, 20.0


# Control characters as the signs that stand for them: an HTML page cannot hold a null byte.
_CONTROLS = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n\r"}


def clean(text: str) -> str:
    """What a model or data set wrote, as text that a page can hold and a reader can see."""
    return without_surrogates(text).translate(_CONTROLS)


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of the forest plot, in the drawing's units; ends are None without an interval."""

    zero: float
    point: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Example:
    """A question that one run answered rightly and the other did not."""

    id: str
    image: str | None
    question: str
    options: tuple[str, ...]
    gold: str
    language: str
    direction: str
    answers: tuple[tuple[str, str, bool], ...]


class _Images:
    """Thumbnails of the runs, as long as the page has room for them."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders, self._left = folders, IMAGE_BYTES

    def get(self, item: Item) -> str | None:
        sha = item.sample.images[0].sha256 if item.sample.images else None
        uri = thumbnail(sha, self._folders) if sha else None
        if uri is None or len(uri) > self._left:
            return None
        self._left -= len(uri)
        return uri


def page(comparison: Comparison, manifests: Mapping[str, Mapping[str, Any]], image_dirs: Sequence[Path]) -> str:
    """The page as text.

    Args:
        comparison: what `compare` found.
        manifests: run.json of each model, for the commands that repeat the runs.
        image_dirs: `images/` folders of the runs, searched in order.

    Raises:
        FileNotFoundError: the installation lacks reports/templates.
    """
    folder = templates_dir()
    style = (folder / "compare.css").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.globals.update(number=names.number, interval=names.interval, p_value=text.p_value)
    images = _Images(image_dirs)
    return environment.get_template("compare.html.j2").render(
        csp=f"default-src 'none'; style-src '{csp_hash(style)}'; img-src data:; base-uri 'none'; form-action 'none'",
        style=Markup(style),  # noqa: S704  # our own, without a sign that HTML minds
        version=lrm_eval.__version__,
        title=" · ".join(name for name, _ in comparison.models),
        models=[(name, clean(repeat_command(manifests[name]))) for name, _ in comparison.models],
        legend=text.legend(comparison),
        correction=text.correction_name(comparison),
        pairs=[_pair(pair, images) for pair in comparison.pairs],
        width=WIDTH,
        height=HEIGHT,
    )


def _pair(pair: Pair, images: _Images) -> dict[str, Any]:
    return {
        "first": pair.first,
        "second": pair.second,
        "verdicts": verdicts(pair),
        "unseen": unseen(pair),
        "notes": list(text.notes(pair)),
        "tables": [_table(title, lines, pair, images) for title, lines in text.tables(pair).items()],
    }


def _table(title: str, lines: Sequence[Line], pair: Pair, images: _Images) -> dict[str, Any]:
    scale = text.scale(lines)
    return {
        "title": title,
        "unit": text.unit(lines[0]),
        "units": lines[0].units,
        "scale": scale,
        "rows": [_row(line, scale) for line in lines],
        "examples": [
            {"language": names.language(line.language), "won": won, "lost": lost}
            for line in lines
            if line.language
            for won, lost in [(_examples(line, line.won, pair, images), _examples(line, line.lost, pair, images))]
            if won or lost
        ],
    }


def _row(line: Line, scale: float) -> dict[str, Any]:
    return {
        "line": line,
        "language": names.language(line.language) if line.language else None,
        "over": [names.language(tag).name for tag in line.over],
        "bar": bar(line, scale),
        "better": {"second": "B", "first": "A"}.get(line.verdict, ""),
        "verdict": text.verdict(line),
    }


def bar(line: Line, scale: float) -> Bar | None:
    """Where a line lies in the forest plot; None without a difference."""
    found = line.difference
    if found.value is None:
        return None

    def place(value: float) -> float:
        return round((value / scale + 1) / 2 * (WIDTH - 12) + 6, 1)

    ends = (None, None) if found.low is None or found.high is None else (place(found.low), place(found.high))
    return Bar(place(0.0), place(found.value), *ends)


def _examples(line: Line, units: Iterable[str], pair: Pair, images: _Images) -> list[Example]:
    first, second = pair.answers[line.task, line.condition, line.language]
    # By a hash: neither the first of the data nor those of one subtask, and the same ones in every language.
    chosen = sorted(units, key=lambda unit: hashlib.sha256(unit.encode("utf-8", "replace")).digest())[:EXAMPLES]
    found = []
    for unit in chosen:
        one = _deciding(unit, first, second)
        found.append(_example(one, (first[one], second[one]), images))
    return found


def _deciding(unit: str, first: Mapping[str, Asked], second: Mapping[str, Asked]) -> str:
    """The question of a unit that tells the runs apart: of a circular group the first pass that one got wrong."""
    if unit in first and _right(first[unit]) != _right(second[unit]):
        return unit
    members = [one for one, asked in first.items() if asked.item.sample.group == unit]
    return next((one for one in members if _right(first[one]) != _right(second[one])), (members or [unit])[0])


def _right(asked: Asked) -> bool:
    return asked.item.reading.value == asked.item.sample.gold


def _example(one: str, sides: tuple[Asked, Asked], images: _Images) -> Example:
    sample = sides[0].item.sample
    return Example(
        id=clean(one),
        image=images.get(sides[0].item),
        question=clean(" ".join(part for part in (sample.hint, sample.question) if part)),
        options=tuple(
            clean(f"{label}. {option}") for label, option in zip(sample.labels, sample.options, strict=False)
        ),
        gold=clean(sample.gold),
        language=sample.language,
        direction=names.language(sample.language).direction,
        answers=tuple((_cut(clean(asked.item.response.text)), _reading(asked), _right(asked)) for asked in sides),
    )


def _cut(answer: str) -> str:
    return answer if len(answer) <= ANSWER_LIMIT else f"{answer[:ANSWER_LIMIT]}… ({len(answer)} characters)"


def _reading(asked: Asked) -> str:
    reading = asked.item.reading
    return f"read as {reading.value}" if reading.value is not None else reading.outcome
