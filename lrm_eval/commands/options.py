"""Options as typed -> values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lrm_eval.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


def split(text: str | None) -> list[str] | None:
    """`mme,pope` -> ["mme", "pope"]; None stays None."""
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]


def parse_data(pairs: Sequence[str]) -> dict[str, Path]:
    """`TASK=PATH` each.

    Raises:
        UsageError: another form, or a task twice.
    """
    found: dict[str, Path] = {}
    for pair in pairs:
        task, equals, path = pair.partition("=")
        if not (equals and task.strip() and path.strip()):
            raise UsageError(f"--data {pair}: type --data TASK=PATH, for example --data mmbench=questions.tsv")
        if task.strip() in found:
            raise UsageError(f"--data {task.strip()} is given twice: put the files in one folder and name the folder")
        found[task.strip()] = Path(path.strip()).expanduser()
    return found


def parse_gen_kwargs(text: str | None) -> dict[str, Any]:
    """`max_new_tokens=16,do_sample=false` -> values of their JSON types; anything that is no JSON stays text.

    Raises:
        UsageError: another form, or a key twice.
    """
    found: dict[str, Any] = {}
    for pair in split(text) or []:
        key, equals, value = pair.partition("=")
        if not (equals and key.strip()):
            raise UsageError(f"--gen-kwargs {pair}: type KEY=VALUE, separated by commas, for example num_beams=2")
        if key.strip() in found:
            raise UsageError(f"--gen-kwargs: {key.strip()} is given twice")
        found[key.strip()] = _value(value.strip())
    return found


def _value(text: str) -> Any:
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    try:
        return json.loads(text)
    except ValueError:
        return text


def parse_batch_size(text: str) -> int | Literal["auto"]:
    """A number of at least 1, or "auto".

    Raises:
        UsageError: anything else.
    """
    if text == "auto":
        return "auto"
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"--batch-size {text}: type a number of at least 1, or auto")
    return int(text)
