"""The tables of `lrm-eval models`."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table

from lrm_eval.errors import unknown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from model_adapters import ModelInfo

_MARK = {
    "ready": "ready",
    "needs-download": "download",
    "needs-conversion": "conversion",
    "needs-server": "server",
    "missing": "missing",
}
_INDENT = 14
_WIDE = 100


def chosen(name: str | None, include_paths: Sequence[Path]) -> list[ModelInfo]:
    """All presets, or the one of a name.

    Raises:
        UsageError: no preset of that name, with the nearest.
    """
    from model_adapters import list_models

    infos = list_models(include_paths)
    if name is None:
        return infos
    found = [info for info in infos if info.name == name]
    if not found:
        raise unknown("model", name, [info.name for info in infos], listing="lrm-eval models")
    return found


def as_dict(info: ModelInfo) -> dict[str, Any]:
    """For `--json`."""
    return asdict(info) | {"languages": list(info.languages)}


def print_models(infos: Sequence[ModelInfo], console: Console) -> None:
    """One line a preset."""
    # All columns would leave the titles a handful of letters there.
    narrow = console.width < _WIDE
    languages = "langs" if narrow else "languages"
    padding = (0, 1, 0, 0) if narrow else (0, 1)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", padding=padding)
    table.add_column("model", no_wrap=True)
    table.add_column("what it is", overflow="fold")
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column(languages, justify="right", no_wrap=True)
    if not narrow:
        table.add_column("suite", no_wrap=True)
    table.add_column("needs", no_wrap=True)
    for info in infos:
        needs = _MARK[info.state] + (" + licence" if info.gated and info.state == "needs-download" else "")
        count = str(len(info.languages)) if info.languages else ""
        suite = () if narrow else (info.default_suite,)
        table.add_row(info.name, info.title, info.parameters, count, *suite, needs)
    console.print(table)
    lines = [
        *(f"{info.name}: {info.detail}" for info in infos if info.state in ("missing", "needs-server")),
        f"{languages}: how many its authors name. download, conversion: done at first use; licence: accept it on the "
        "hub first; server: type the name for the command. `lrm-eval models NAME` shows one whole.",
        "Any image-text-to-text checkpoint of transformers: --model hf:FOLDER or hf:ORG/NAME. With its image hidden: "
        "--model blind:NAME. Behind a server: --model openai:NAME.",
    ]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def print_model(info: ModelInfo, console: Console) -> None:
    """Everything about one preset."""
    gated = {True: "yes: accept the licence on the hub first", False: "no", None: "not known"}[info.gated]
    rows = {
        "model": f"{info.name}: {info.title}",
        "checkpoint": info.checkpoint,
        "needs": info.detail.removeprefix("needs ") or _MARK[info.state],
        "size": info.parameters,
        "languages": ", ".join(info.languages),
        "suite": info.default_suite,
        "licence": info.licence,
        "gated": gated if info.checkpoint not in ("", "bundled") else "",
        "prompt": info.prompt,
        "note": info.note,
        "citation": info.citation,
    }
    for name, text in rows.items():
        if text:
            _print(name, text, console)
    for benchmark, template in info.prompts.items():
        _print("authors' own" if benchmark == next(iter(info.prompts)) else "", f"{benchmark}: {template!r}", console)


def _print(name: str, text: str, console: Console) -> None:
    lines = textwrap.wrap(text, max(40, console.width - _INDENT), break_long_words=False) or [""]
    for number, line in enumerate(lines):
        console.print(f"{name if number == 0 else '':{_INDENT}}{line}", markup=False, highlight=False, soft_wrap=True)
