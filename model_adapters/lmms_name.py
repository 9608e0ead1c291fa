"""What stands after `--model lmms:`, and the interpreter it is run with."""

from __future__ import annotations

import importlib.util
import math
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lrm_eval.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

PYTHON = "LRM_EVAL_LMMS_PYTHON"
_OWN = ("python", "timeout", "startup", "simple")
# Imports of lmms_eval take 6 s, a large checkpoint from a slow disk or the hub an hour.
_STARTUP_SECONDS, _TIMEOUT_SECONDS = 3600.0, 600.0
_LONGEST_SECONDS = 30 * 86400.0
_SECRET = re.compile(r"(api_?key|token|secret|password)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LmmsModel:
    """What was asked for.

    Attributes:
        name: the model's name in lmms-eval.
        arguments: its `--model_args`, one `key=value` each.
        python: the interpreter typed, or None.
        timeout: seconds for one question.
        startup: seconds until the model is loaded.
        simple: its simple class, where it has two.
    """

    name: str
    arguments: tuple[str, ...] = ()
    python: str | None = None
    timeout: float = _TIMEOUT_SECONDS
    startup: float = _STARTUP_SECONDS
    simple: bool = False

    def value(self, key: str) -> str | None:
        """The value of an argument, or None."""
        return next((text.partition("=")[2] for text in self.arguments if text.partition("=")[0] == key), None)


def parse_model(text: str) -> LmmsModel:
    """`NAME` or `NAME:key=value,…`; a comma inside brackets or quotes belongs to the value.

    Raises:
        UsageError: no name, an argument that is no `key=value`, a key, which would be written to run.json.
    """
    name, _, rest = text.partition(":")
    if not name.strip():
        raise UsageError("model 'lmms:': name a model class of lmms-eval after the colon, e.g. lmms:llava_hf")
    handed_on, own = [], {}
    for pair in _split(rest):
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"model 'lmms:{name}': {pair!r} is no argument: type lmms:{name}:key=value,key=value")
        if _SECRET.search(key.strip()):
            raise UsageError(
                f"model 'lmms:{name}': {key.strip()} would be written to run.json: lmms-eval's classes take keys from "
                "environment variables"
            )
        if key.strip() in _OWN:
            own[key.strip()] = value.strip()
        else:
            handed_on.append(f"{key.strip()}={value.strip()}")
    return LmmsModel(
        name.strip(),
        tuple(handed_on),
        own.get("python"),
        _seconds(own, "timeout", _TIMEOUT_SECONDS),
        _seconds(own, "startup", _STARTUP_SECONDS),
        own.get("simple", "false").lower() in ("true", "1", "yes"),
    )


def shown_name(argument: str) -> str:
    """The model's name in tables: the class and its weights, without the folder they lie in.

    Raises:
        UsageError: as `parse_model`, or a folder that is not there.
    """
    model = parse_model(argument)
    weights = model.value("pretrained") or model.value("model_version") or model.value("model")
    if not weights:
        return f"lmms:{model.name}"
    folder = Path(weights).expanduser()
    if folder.is_dir():
        return f"lmms:{model.name}:{folder.resolve().name}"
    if folder.is_absolute() or weights.startswith("."):
        raise UsageError(f"model lmms:{model.name}: {weights}: no such folder")
    return f"lmms:{model.name}:{weights}"


def find_python(asked: str | None) -> str:
    """The interpreter of lmms-eval's environment.

    Raises:
        UsageError: there is none; says how to get one.
    """
    from lrm_eval.interop.environment import default_folder, interpreter

    for python, where in ((asked, "python"), (os.environ.get(PYTHON, "").strip(), f"${PYTHON}")):
        if python:
            path = Path(python).expanduser()
            if not path.is_file():
                raise UsageError(f"{where}={python}: no such file; name the Python of lmms-eval's environment")
            # Not resolved: the Python of a virtual environment is a link, and the environment is where the link is.
            return str(path.absolute())
    built = interpreter(default_folder())
    if built is not None:
        return str(built)
    if importlib.util.find_spec("lmms_eval") is not None:
        return sys.executable
    raise UsageError(
        "lmms-eval is not installed: `python -m lrm_eval.interop.environment` builds an environment for it, or name "
        f"the Python of one that you have: lmms:NAME:python=PATH or {PYTHON}=PATH"
    )


@dataclass
class _Splitter:
    """Cuts at commas outside brackets and quotes."""

    pieces: list[str] = field(default_factory=lambda: [""])
    depth: int = 0
    quote: str = ""

    def take(self, sign: str) -> None:
        if self.quote:
            self.quote = "" if sign == self.quote else self.quote
        elif sign in "'\"":
            self.quote = sign
        elif sign in "{[(":
            self.depth += 1
        elif sign in ")]}":
            self.depth -= 1
        if sign == "," and not self.quote and self.depth <= 0:
            self.pieces.append("")
        else:
            self.pieces[-1] += sign


def _split(text: str) -> list[str]:
    splitter = _Splitter()
    for sign in text:
        splitter.take(sign)
    return [piece.strip() for piece in splitter.pieces if piece.strip()]


def _seconds(own: Mapping[str, str], key: str, default: float) -> float:
    text = own.get(key)
    if text is None:
        return default
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    # A clock takes no infinity, and no number of that size.
    if not 0 < seconds <= _LONGEST_SECONDS:
        raise UsageError(f"{key}={text}: give a number of seconds above 0, at most {_LONGEST_SECONDS:.0f}")
    return seconds
