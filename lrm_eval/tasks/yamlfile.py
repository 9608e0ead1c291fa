"""Reading a YAML file strictly: every mistake is one line with file, line and the nearest valid key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from lrm_eval.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KeyPath: TypeAlias = "tuple[str | int, ...]"
M = TypeVar("M", bound=BaseModel)

# libyaml's loader is about ten times faster; without it the pure one gives the same nodes.
_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class YamlFile:
    """A YAML mapping and where each of its keys stands.

    Attributes:
        path: the file.
        data: its content.
        lines: path of a key (or list index) -> its line, counted from 1.
    """

    path: Path
    data: dict[str, Any]
    lines: Mapping[KeyPath, int]

    def where(self, keys: KeyPath) -> str:
        """`file:line` of a key, or of the innermost key on the way to it that is in the file."""
        for length in range(len(keys), 0, -1):
            if keys[:length] in self.lines:
                return f"{self.path}:{self.lines[keys[:length]]}"
        return str(self.path)


def read_yaml(path: Path) -> YamlFile:
    """Read a YAML file that holds one mapping.

    Raises:
        UsageError: unreadable or malformed YAML, a key given twice, or no mapping (with file and line).
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        loader = _LOADER(text)
        try:
            node = loader.get_single_node()
            lines: dict[KeyPath, int] = {}
            if node is not None:
                _walk(node, (), lines, path)
            data = None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise UsageError(f"{path}{line}: malformed YAML: {problem}") from None
    except UnicodeDecodeError as error:
        number = error.object[: error.start].count(b"\n") + 1
        raise UsageError(f"{path}:{number}: not UTF-8 text") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
    if not isinstance(data, dict):
        raise UsageError(f"{path}:1: expected keys and values (`key: value`)")
    return YamlFile(path, data, lines)


def _walk(node: yaml.Node, keys: KeyPath, lines: dict[KeyPath, int], path: Path) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*keys, str(key.value))
            line = key.start_mark.line + 1
            if here in lines:
                raise UsageError(f"{path}:{line}: key {key.value!r} is given twice (first in line {lines[here]})")
            lines[here] = line
            _walk(value, here, lines, path)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[(*keys, index)] = item.start_mark.line + 1
            _walk(item, (*keys, index), lines, path)


def validate(file: YamlFile, model: type[M]) -> M:
    """The file's content as `model`.

    Raises:
        UsageError: the first mistake, with file, line and, for an unknown key, the nearest valid one.
    """
    try:
        return model.model_validate(file.data)
    except ValidationError as error:
        # Unknown keys first: a misspelt key also makes the right one "missing".
        problems = sorted(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
        first, more = problems[0], len(problems) - 1
    tail = f" (and {more} more)" if more else ""
    keys: KeyPath = tuple(first["loc"])
    where = file.where(keys)
    name = ".".join(str(key) for key in keys)
    if first["type"] == "extra_forbidden":
        valid = _keys_at(model, keys[:-1])
        close = nearest(str(keys[-1]), valid, count=1)
        hint = f"did you mean {close[0]!r}?" if close else f"valid: {', '.join(valid)}."
        raise UsageError(f"{where}: unknown key {name!r}: {hint}{tail}")
    if first["type"] == "missing":
        raise UsageError(f"{where}: key {name!r} is missing{tail}")
    message = first["msg"].removeprefix("Value error, ")
    shown = f"{name!r}: {message}" if name else message
    raise UsageError(f"{where}: {shown}{tail}")


def _keys_at(model: type[BaseModel], keys: KeyPath) -> list[str]:
    for key in keys:
        field = model.model_fields.get(str(key))
        nested = _nested_model(field.annotation) if field is not None else None
        if nested is None:
            break
        model = nested
    return list(model.model_fields)


def _nested_model(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _nested_model(argument)
        if found is not None:
            return found
    return None
