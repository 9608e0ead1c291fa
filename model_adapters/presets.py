"""Presets of models: small YAML files, strictly validated."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lrm_eval.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

PRESETS_DIR = Path(__file__).resolve().parent / "presets"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PresetCheckpoint(_Strict):
    """Weights of a preset: on the model hub (`id`, `revision`) or bundled (a folder inside the package lrm_llava).

    A revision that has not been looked up is null: it is resolved at the first download, never invented.
    """

    id: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")] | None = None
    revision: str | None = None
    bundled: str | None = None

    @model_validator(mode="after")
    def _one_place(self) -> PresetCheckpoint:
        if (self.id is None) == (self.bundled is None):
            raise ValueError("give exactly one of 'id' and 'bundled'")
        if self.bundled is not None and self.revision is not None:
            raise ValueError("a bundled checkpoint has no 'revision'")
        return self


class Preset(_Strict):
    """A model as data.

    Attributes:
        name: what is typed after `--model`.
        title: for people.
        adapter: name in the entry-point group `lrm_eval.adapters`; null only for a blind preset.
        checkpoint: weights, for adapters that have some.
        prompt: "chat_template" (the checkpoint's own) or "vicuna_v1" (LLaVA-1.5's, with its system sentence).
        image_processing: "checkpoint" (its own processor) or "pad" (LLaVA-1.5's evaluation: pad to a square first).
        dtype: floating-point type; "auto" is bfloat16 on CUDA and float32 elsewhere.
        default_suite: suite that is run when none is asked for.
        languages: BCP-47 tags the authors claim; empty means any.
        parameters: size as its authors print it; null means counted from the weights.
        licence: of the weights.
        citation: how to cite it; null if there is nothing to cite.
        floor: kind of floor, for adapter "floor".
        blind: name of the preset whose image is hidden; everything else is then taken from that preset.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    title: str
    adapter: str | None = None
    checkpoint: PresetCheckpoint | None = None
    prompt: Literal["chat_template", "vicuna_v1"] = "chat_template"
    image_processing: Literal["checkpoint", "pad"] = "checkpoint"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    default_suite: Literal["tiny", "full"] = "full"
    languages: Annotated[tuple[str, ...], Field(strict=False)] = ()
    parameters: str | None = None
    licence: str | None = None
    citation: str | None = None
    floor: Literal["random", "majority"] | None = None
    blind: str | None = None

    @model_validator(mode="after")
    def _belongs_together(self) -> Preset:
        if (self.adapter is None) == (self.blind is None):
            raise ValueError("give exactly one of 'adapter' and 'blind'")
        if (self.adapter == "floor") != (self.floor is not None):
            raise ValueError("'floor' belongs to adapter: floor, which needs it")
        return self


def load_presets(include_paths: Sequence[Path] = ()) -> dict[str, Preset]:
    """All presets by name: the built-in ones, then `models/*.yaml` of each include path.

    Raises:
        UsageError: a file is not valid YAML or not a valid preset (with file and line), or a name is used twice.
    """
    found: dict[str, tuple[Preset, Path]] = {}
    for folder in (PRESETS_DIR, *(Path(path) / "models" for path in include_paths)):
        for path in sorted(folder.glob("*.yaml")):
            preset = read_preset(path)
            if preset.name in found:
                raise UsageError(f"{path}: model name {preset.name!r} is already taken by {found[preset.name][1]}")
            found[preset.name] = (preset, path)
    return {name: preset for name, (preset, _) in found.items()}


def read_preset(path: Path) -> Preset:
    """One preset from its YAML file.

    Raises:
        UsageError: with file, line and the nearest valid key.
    """
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        number = error.object[: error.start].count(b"\n") + 1
        raise UsageError(f"{path}:{number}: not UTF-8 text") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        raise UsageError(f"{path}{line}: not valid YAML: {getattr(error, 'problem', None) or error}") from error
    if not isinstance(data, dict):
        raise UsageError(f"{path}: a preset is a mapping of keys to values")
    try:
        return Preset.model_validate(data)
    except ValidationError as error:
        raise _located(path, node, error) from error


def _located(path: Path, node: Any, error: ValidationError) -> UsageError:
    # Unknown keys first: a misspelt key also makes the right one "missing".
    first = min(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
    location = [str(step) for step in first["loc"]]
    line = _line_of(node, location)
    dotted = ".".join(location)
    if first["type"] == "extra_forbidden":
        model: type[BaseModel] = PresetCheckpoint if location[0] == "checkpoint" else Preset
        close = nearest(location[-1], model.model_fields)
        hint = f"; did you mean {close[0]!r}?" if close else f"; valid: {', '.join(model.model_fields)}"
        return UsageError(f"{path}:{line}: unknown key {dotted!r}{hint}")
    message = first["msg"].removeprefix("Value error, ")
    return UsageError(f"{path}:{line}: {dotted + ': ' if dotted else ''}{message}")


def _line_of(node: Any, location: list[str]) -> int:
    line = int(node.start_mark.line) + 1
    for step in location:
        if not isinstance(node, yaml.MappingNode):
            break
        for key, value in node.value:
            if key.value == step:
                line, node = key.start_mark.line + 1, value
                break
        else:
            break
    return line
