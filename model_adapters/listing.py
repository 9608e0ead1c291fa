"""What `lrm-eval models` tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from lrm_eval.errors import UsageError
from model_adapters.architectures import ANY
from model_adapters.checkpoints import parameter_count
from model_adapters.presets import load_presets
from model_adapters.registry import NOT_BUNDLED, bundled_is_missing, needs_server, resolve_among

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from model_adapters.presets import Preset
    from model_adapters.spec import CheckpointRef, ModelSpec


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One preset of `lrm-eval models`.

    Attributes:
        name: what is typed after `--model`.
        title: for people.
        adapter: the adapter that reaches it.
        checkpoint: where its weights lie; "" if it has none.
        state: "ready", "needs-download", "needs-conversion", "needs-server" or "missing" (a bundled checkpoint that is
            not in this installation).
        detail: what to do where it is not ready; "" otherwise.
        default_suite: suite that is run when none is asked for.
        languages: tags its authors claim; empty means any, or that they claim none.
        parameters: its size, "1.3M"; "" if it has none or it cannot be known yet.
        licence: of the weights; "" if unknown.
        citation: "" if there is nothing to cite.
        gated: whether the hub asks to accept a licence first; None where that is not known.
        note: what a user must know; "" if nothing.
        prompt: the conversation around a question.
        prompts: benchmark to the text with which the model's authors ask it.
    """

    name: str
    title: str
    adapter: str
    checkpoint: str
    state: Literal["ready", "needs-download", "needs-conversion", "needs-server", "missing"]
    detail: str
    default_suite: str
    languages: tuple[str, ...]
    parameters: str
    licence: str
    citation: str
    gated: bool | None = None
    note: str = ""
    prompt: str = ""
    prompts: Mapping[str, str] = field(default_factory=dict)


def list_models(include_paths: Sequence[Path] = ()) -> list[ModelInfo]:
    """All presets with what each needs, bundled ones first, floors last.

    Raises:
        UsageError: a preset file of an include path is not valid.
    """
    presets = load_presets(include_paths)
    infos = [_info(resolve_among(name, presets), preset) for name, preset in presets.items()]
    return sorted(infos, key=lambda info: (info.adapter == "floor", info.default_suite != "tiny", info.name))


def _info(spec: ModelSpec, preset: Preset) -> ModelInfo:
    source, reference = spec.preset, spec.checkpoint
    state, detail = _state(spec)
    where = parameters = ""
    if reference is not None:
        where = "bundled" if reference.path is not None else str(reference)
    if reference is not None and reference.path is not None and state == "ready":
        parameters = _short(parameter_count(reference.path))
    return ModelInfo(
        name=preset.name,
        title=preset.title,
        adapter=spec.adapter,
        checkpoint=where,
        state=state,
        detail=detail,
        default_suite=spec.default_suite,
        languages=source.languages,
        parameters=source.parameters or parameters,
        licence=source.licence or "",
        citation=source.citation or "",
        gated=source.gated,
        note=source.note or "",
        prompt=source.prompt if reference is not None else "",
        prompts={benchmark: prompt.text for benchmark, prompt in source.prompts.items()},
    )


def _state(
    spec: ModelSpec,
) -> tuple[Literal["ready", "needs-download", "needs-conversion", "needs-server", "missing"], str]:
    """Whether a model can be loaded now, and if not, what to do."""
    reference = spec.checkpoint
    if spec.preset.needs == "server":
        return "needs-server", needs_server(spec.preset)
    if reference is None:
        return (
            ("needs-download", f"{spec.preset.note}: name one with --checkpoint")
            if spec.adapter == ANY
            else ("ready", "")
        )
    if reference.path is not None:
        try:
            parameter_count(reference.path)
        except UsageError as error:
            return "missing", NOT_BUNDLED if bundled_is_missing(spec) else str(error)
        return "ready", ""
    if spec.preset.needs == "conversion":
        from model_adapters.conversion import is_converted

        if is_converted(reference):
            return "ready", ""
        return "needs-conversion", "downloaded and converted at first use"
    if _in_hub_cache(reference):
        return "ready", ""
    first = "accept its licence on the hub first; then " if spec.preset.gated else ""
    return "needs-download", f"{first}downloaded at first use, or give --checkpoint FOLDER"


def _short(count: int) -> str:
    for unit, name in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if count >= unit:
            return f"{count / unit:.3g}{name}"
    return str(count)


def _in_hub_cache(reference: CheckpointRef) -> bool:
    import huggingface_hub

    found = huggingface_hub.try_to_load_from_cache(
        str(reference.hub_id), "config.json", revision=reference.revision or "main"
    )
    return isinstance(found, str)
