"""Where the questions of a page come from, as run.json tells: the languages of one source in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from lrm_eval.reporting.names import language, order_languages, plain, task_title

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Stands for the tag in what differs between languages by nothing else.
_TAG = "<language>"


class Source(NamedTuple):
    """Where the questions of one task come from, in languages that were made alike.

    Attributes:
        task: its title.
        languages: names, joined.
        provenance: how they were made.
        size: questions and images.
        files: one per language, or one for all: packs with the beginning of their hash, local files, revisions.
        report_to: where a mistake is reported.
    """

    task: str
    languages: str
    provenance: str
    size: str
    files: tuple[str, ...]
    report_to: str


def sources(manifests: Iterable[Mapping[str, Any]]) -> list[Source]:
    """Every different source once, by task; languages whose files have one form and one size share a line."""
    grouped: dict[tuple[str, str, str, str, str], dict[str, dict[str, None]]] = {}
    for manifest in manifests:
        cells = manifest.get("cells")
        for cell in cells if isinstance(cells, list) else []:
            if not isinstance(cell, dict):
                continue
            tag = _told(cell, "language")
            files = _files(cell)
            size = f"{_told(cell, 'planned')} on {_told(cell, 'images')} images" if cell.get("images") else ""
            key = (
                task_title(_told(cell, "task"), _told(cell, "condition") or "default"),
                _told(cell, "provenance") or "not told",
                size or _told(cell, "planned"),
                _general(_told(cell, "report_to"), tag),
                # The form of the files: a language of another source gets a line of its own.
                _general(", ".join(name for name, _ in files), tag),
            )
            told = ", ".join(name + hashed for name, hashed in files)
            grouped.setdefault(key, {}).setdefault(tag, {})[told] = None
    return [
        Source(
            task=plain(task),
            languages=", ".join(plain(language(tag).name) for tag in order_languages(by_tag)),
            provenance=plain(provenance),
            size=plain(size),
            files=tuple(dict.fromkeys(plain(file) for tag in order_languages(by_tag) for file in by_tag[tag] if file)),
            report_to=plain(report_to),
        )
        for (task, provenance, size, report_to, _), by_tag in sorted(grouped.items())
    ]


def _files(cell: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names of a cell's files, and beside each the beginning of its hash."""
    pack = cell.get("pack")
    packs = [(str(name), f" ({str(sha)[:12]})") for name, sha in pack.items()] if isinstance(pack, dict) else []
    return [*packs, *((str(cell[key]), "") for key in ("source", "revision") if cell.get(key))]


def _general(text: str, tag: str) -> str:
    return text.replace(f"/{tag}.", f"/{_TAG}.") if tag else text


def _told(cell: Mapping[str, Any], key: str) -> str:
    return "" if cell.get(key) is None else str(cell[key])
