"""One language's YAML file -> Language, strictly: a wrong key or type is an error that names file and key."""

from __future__ import annotations

import dataclasses
import re
import typing
import unicodedata
from typing import TYPE_CHECKING, Any

import yaml

from lrm_eval.errors import RunError, nearest
from lrm_eval.languages.model import Language

if TYPE_CHECKING:
    from pathlib import Path

# CSafeLoader is ten times as fast; PyYAML built without libyaml lacks it.
_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_BASE):  # type: ignore[misc]
    """YAML 1.2's truth values: `yes`, `no`, `on` and `y` are words here, and answers, not booleans."""

    yaml_implicit_resolvers: typing.ClassVar[dict[str, Any]] = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
        for first, resolvers in _BASE.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))

_FIELDS = tuple(field.name for field in dataclasses.fields(Language))
_OPTIONAL = {field.name for field in dataclasses.fields(Language) if field.default is not dataclasses.MISSING}
_TYPES = typing.get_type_hints(Language)
_SCALARS = {str: "a text", int: "a whole number", bool: "true or false"}
_FILLED = {"yes", "no", "answer_markers", "refusals", "negations"}


def load_language(path: Path) -> Language:
    """Read and check one language file.

    Args:
        path: `<tag>.yaml`; its name must be the tag it holds.

    Raises:
        RunError: the file cannot be read, is not YAML, or a key is missing, unknown, twice there or of a wrong type.
    """
    try:
        text = path.read_text(encoding="utf-8")
        loaded = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader either way
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise RunError(f"{path}: is not UTF-8 (byte {error.start})") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        raise RunError(f"{path}{line}: is not YAML ({getattr(error, 'problem', None) or 'unreadable'})") from error
    if not isinstance(loaded, dict):
        raise RunError(f"{path}: a language file is a mapping of {len(_FIELDS)} keys")
    language = _build(path, loaded)
    if path.stem != language.tag:
        raise RunError(f"{path}: tag: is {language.tag!r}, the file's name says {path.stem!r}")
    return language


def _build(path: Path, loaded: dict[Any, Any]) -> Language:
    for key in loaded:
        if key not in _FIELDS:
            close = nearest(str(key), _FIELDS, 1)
            raise RunError(f"{path}: {key}: unknown key" + (f", did you mean {close[0]!r}?" if close else ""))
    values: dict[str, Any] = {}
    for name in _FIELDS:
        if name not in loaded and name in _OPTIONAL:
            continue
        if name not in loaded:
            raise RunError(f"{path}: {name}: is missing (write [] where there is nothing to say)")
        values[name] = _value(path, name, loaded[name])
    language = Language(**values)
    _check(path, language)
    return language


def _value(path: Path, name: str, value: Any) -> Any:
    kind = _TYPES[name]
    if typing.get_origin(kind) is typing.Literal:
        allowed = typing.get_args(kind)
        if value not in allowed:
            raise RunError(f"{path}: {name}: {value!r} is not one of {', '.join(allowed)}")
        return value
    if kind in _SCALARS:
        if type(value) is not kind or value == "":
            raise RunError(f"{path}: {name}: {value!r} is not {_SCALARS[kind]}")
        return value
    if not isinstance(value, list):
        raise RunError(f"{path}: {name}: must be a list of texts, is {type(value).__name__}")
    for item in value:
        if not isinstance(item, str) or not item.strip():
            raise RunError(f"{path}: {name}: {item!r} is not a text (quote words such as true, null, 1)")
    if len(set(value)) != len(value):
        twice = next(item for item in value if value.count(item) > 1)
        raise RunError(f"{path}: {name}: {twice!r} stands there twice")
    if name in _FILLED and not value:
        raise RunError(f"{path}: {name}: must not be empty")
    return tuple(value)


def _check(path: Path, language: Language) -> None:
    if not 0 <= language.joshi_class <= 5:
        raise RunError(f"{path}: joshi_class: {language.joshi_class} is not between 0 and 5")
    both = {word.casefold() for word in language.yes} & {word.casefold() for word in language.no}
    if both:
        raise RunError(f"{path}: yes, no: {', '.join(sorted(both))} stands in both")
    stray = set(language.ambiguous) - set(language.yes) - set(language.no)
    if stray:
        raise RunError(f"{path}: ambiguous: {', '.join(sorted(stray))} is in neither yes nor no")
    for pair in language.question_endings:
        if not re.fullmatch(r"[^=]+=[^=]*", pair):
            raise RunError(f"{path}: question_endings: {pair!r} must be an ending, = and what a statement has instead")
    if language.digits and [unicodedata.decimal(digit, None) for digit in language.digits] != list(range(10)):
        raise RunError(f"{path}: digits: must be the ten decimal digits from zero to nine, or []")
