"""`stage2.steps=4000`: changes to a frozen nested recipe from the command line."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from lrm_eval.errors import UsageError, unknown

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")


def override(recipe: T, changes: Iterable[str]) -> T:
    """A copy of a (nested, frozen) dataclass with `path=value` changes, the value read as YAML.

    Raises:
        UsageError: no such field, or a value of another type.
    """
    for change in changes:
        path, separator, text = change.partition("=")
        if not separator:
            raise UsageError(f"{change!r} is not of the form field=value, e.g. stage2.steps=4000")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise UsageError(f"{change!r}: the value cannot be read: {' '.join(str(error).split())}") from None
        recipe = _set(recipe, path.split("."), value, change)
    return recipe


def _set(node: Any, path: list[str], value: Any, change: str) -> Any:
    names = [one.name for one in fields(node)]
    if path[0] not in names:
        raise unknown(f"recipe field in {change!r}:", path[0], names)
    old = getattr(node, path[0])
    if len(path) > 1:
        if not is_dataclass(old):
            raise UsageError(f"{change!r}: {path[0]} has no fields of its own")
        return replace(node, **{path[0]: _set(old, path[1:], value, change)})
    if isinstance(old, tuple) and isinstance(value, list):
        value = tuple(value)
        # YAML reads `no`, Norwegian's tag, as false; and what is made of parts cannot be written as a value.
        wrong = [one for one in value if old and type(one) is not type(old[0])]
        if wrong:
            kind = type(old[0]).__name__
            raise UsageError(f"{change!r}: {path[0]} is a list of {kind}, and {wrong[0]!r} is none")
    if isinstance(old, float):
        value = _number(value)
    if type(value) is not type(old) or (isinstance(old, float) and not math.isfinite(value)):
        raise UsageError(f"{change!r}: {path[0]} is a {type(old).__name__}, e.g. {old!r}")
    return replace(node, **{path[0]: value})


def _number(value: Any) -> Any:
    """A float where YAML 1.1 has an integer (1) or, for want of a point, a string (1e-5); else the value itself."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return value
    try:
        return float(value)
    except (ValueError, OverflowError):
        return value
