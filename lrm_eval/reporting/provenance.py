"""Where a run's numbers come from and how to make them again, as plain facts from run.json."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_VALUE_LIMIT = 300


def facts(manifest: Mapping[str, Any], folder: str) -> list[tuple[str, str]]:
    """(name, value) pairs: the command first, then everything run.json holds, nested names joined by dots.

    Cells and history are summed up: they repeat what the tables show.
    """
    result = [("to repeat", repeat_command(manifest)), ("run folder", folder)]
    told = {key: value for key, value in manifest.items() if key not in {"cells", "history", "schema"}}
    result += [(name, _short(value)) for name, value in _flat(told, "")]
    cells = manifest.get("cells")
    if isinstance(cells, list):
        for source, tags in sorted(_provenances(cells).items()):
            result.append((f"questions: {source}", ", ".join(tags)))
    history = manifest.get("history")
    if isinstance(history, list) and history:
        result.append(("earlier commands", str(len(history))))
    return result


def trained_languages(manifest: Mapping[str, Any]) -> frozenset[str] | None:
    """Tags of the languages that a model's makers name for it; None if they are not known.

    From run.json where it tells them, else from the preset of the model's name.
    """
    from model_adapters.presets import load_presets

    model = manifest.get("model")
    if not isinstance(model, dict):
        return None
    told = model.get("languages")
    if isinstance(told, list) and told:
        return frozenset(map(str, told))
    preset = load_presets().get(str(model.get("name")))
    return frozenset(preset.languages) if preset and preset.languages else None


def repeat_command(manifest: Mapping[str, Any]) -> str:
    """The command that was typed; one built from model, languages, tasks and seed where run.json does not hold it."""
    command = manifest.get("command")
    argv = command.get("argv") if isinstance(command, dict) else manifest.get("argv")
    if isinstance(argv, list) and argv:
        words = [str(word) for word in argv]
        # Typed as the program, or as `python -m lrm_eval.cli`.
        if "lrm-eval" in words[0] or words[0].endswith("cli.py"):
            words = words[1:]
        return shlex.join(["lrm-eval", *words])
    model = manifest.get("model")
    words = ["lrm-eval", "run", "--model", str(model.get("name") if isinstance(model, dict) else model)]
    tags, tasks = manifest.get("languages"), manifest.get("tasks")
    if isinstance(tags, list) and tags:
        words += ["--langs", ",".join(map(str, tags))]
    if isinstance(tasks, dict) and tasks:
        words += ["--tasks", ",".join(str(task).removeprefix("tiny-") for task in tasks)]
    if manifest.get("seed") is not None:
        words += ["--seed", str(manifest["seed"])]
    return shlex.join(words)


def _provenances(cells: list[Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for cell in cells:
        if isinstance(cell, dict) and cell.get("provenance"):
            tags = found.setdefault(str(cell["provenance"]), [])
            if str(cell.get("language")) not in tags:
                tags.append(str(cell.get("language")))
    return found


def _flat(value: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _flat(item, f"{prefix}.{key}" if prefix else str(key))
    elif value not in (None, "", [], {}):
        yield prefix, value


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _VALUE_LIMIT else f"{text[: _VALUE_LIMIT - 1]}…"
