"""Presets of models: small YAML files, strictly validated."""

from __future__ import annotations

import string
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lrm_eval.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

PRESETS_DIR = Path(__file__).resolve().parent / "presets"
# What a prompt of a model's authors may hold.
PLACES = ("question", "hint", "options", "letters")


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


class PresetPrompt(_Strict):
    """How a model's authors ask a benchmark's questions.

    Attributes:
        text: with `{question}`, `{hint}`, `{options}` (a lettered line each) and `{letters}` ("A, B, C or D") in it; a
            line in which one of them comes out empty is left out.
        source: the authors' program or page that it is taken from.
    """

    text: str
    source: str

    @model_validator(mode="after")
    def _known_places(self) -> PresetPrompt:
        try:
            names = {name for _, name, _, _ in string.Formatter().parse(self.text) if name is not None}
        except ValueError as error:
            raise ValueError(f"text: {error}") from error
        if unknown := names - set(PLACES):
            raise ValueError(f"text: no such place {{{min(unknown)}}}; there are {', '.join(PLACES)}")
        if "question" not in names:
            raise ValueError("text: has no {question}")
        return self


class Preset(_Strict):
    """A model as data.

    Attributes:
        name: what is typed after `--model`.
        title: for people.
        adapter: name in the entry-point group `lrm_eval.adapters`, or "hf", which finds the one that the checkpoint's
            architecture needs; null only for a blind preset.
        checkpoint: weights, for adapters that have some.
        prompt: "chat_template" (the checkpoint's own; its family's where it has none), "vicuna_v1" (LLaVA-1.5's, with
            its system sentence) or "plain" (the images, then the text as it is).
        prompts: how the authors ask each benchmark, beside LLaVA's prompts (`--prompt-style authors`).
        image_processing: "checkpoint" (its own processor) or "pad" (LLaVA-1.5's evaluation: pad to a square first).
        image_options: settings of the image processor other than the checkpoint's.
        needs: "native" (transformers has it), "conversion" (original LLaVA's format, converted at first use) or
            "server" (cannot be loaded here: `server` starts one).
        server: command that starts a server for it; null where there is none.
        gated: whether the hub asks to accept a licence first; null where that is not known.
        note: what a user must know.
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
    prompt: Literal["chat_template", "vicuna_v1", "plain"] = "chat_template"
    prompts: dict[Literal["mme", "pope", "seedbench", "mmbench"], PresetPrompt] = Field(default_factory=dict)
    image_processing: Literal["checkpoint", "pad"] = "checkpoint"
    image_options: dict[str, int | float | bool] = Field(default_factory=dict)
    needs: Literal["native", "conversion", "server"] = "native"
    server: str | None = None
    gated: bool | None = None
    note: str | None = None
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
        if self.server is not None and self.needs != "server":
            raise ValueError("'server' belongs to needs: server")
        return self


# The C loader where PyYAML has it: forty files are read for every command.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_presets(include_paths: Sequence[Path] = ()) -> dict[str, Preset]:
    """All presets by name: the built-in ones, then `models/*.yaml` of each include path.

    Raises:
        UsageError: a file is not valid YAML or not a valid preset (with file and line), or a name is used twice.
    """
    found: dict[str, tuple[Preset, Path]] = {}
    for folder in (PRESETS_DIR, *(Path(path) / "models" for path in include_paths)):
        for path in sorted(folder.glob("*.yaml")):
            for preset in read_presets(path):
                if preset.name in found:
                    raise UsageError(f"{path}: model name {preset.name!r} is already taken by {found[preset.name][1]}")
                found[preset.name] = (preset, path)
    return {name: preset for name, (preset, _) in found.items()}


def read_presets(path: Path) -> list[Preset]:
    """The presets of a YAML file: one, or one for each entry of its list `sizes`, which adds to what stands before it.

    Raises:
        UsageError: with file, line and the nearest valid key.
    """
    try:
        loader = _LOADER(path.read_text(encoding="utf-8"))
        node = loader.get_single_node()
        data = loader.construct_document(node) if node is not None else None
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
    sizes = data.pop("sizes", None)
    if sizes is None:
        return [_preset(path, data, [node])]
    if not isinstance(sizes, list) or not sizes or not all(isinstance(size, dict) for size in sizes):
        raise UsageError(f"{path}:{_line_of(node, ['sizes'])}: sizes: a list of presets, each a mapping")
    entries = next(value for key, value in node.value if key.value == "sizes").value
    return [_preset(path, {**data, **size}, [entry, node]) for size, entry in zip(sizes, entries, strict=True)]


def _preset(path: Path, data: dict[str, Any], nodes: list[Any]) -> Preset:
    """A preset; a mistake is looked for in `nodes`, the most special first."""
    try:
        return Preset.model_validate(data)
    except ValidationError as error:
        # Unknown keys first: a misspelt key also makes the right one "missing".
        first = min(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
        location = [str(step) for step in first["loc"]]
        holders = [node for node in nodes if location and location[0] in {key.value for key, _ in node.value}]
        line = _line_of((holders or nodes)[0], location)
        raise _located(path, line, first, location) from error


def _located(path: Path, line: int, first: Any, location: list[str]) -> UsageError:
    dotted = ".".join(location)
    if first["type"] == "extra_forbidden":
        models: dict[str, type[BaseModel]] = {"checkpoint": PresetCheckpoint, "prompts": PresetPrompt}
        model = models.get(location[0], Preset) if len(location) > 1 else Preset
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
