"""From a name after `--model` to a loaded adapter."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lrm_eval.errors import UsageError, unknown
from model_adapters.base import AdapterBase
from model_adapters.checkpoints import bundled_checkpoint, parameter_count, parse_checkpoint
from model_adapters.presets import Preset, load_presets
from model_adapters.spec import ENGINES, CheckpointRef, LoadOptions, ModelSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GROUP = "lrm_eval.adapters"
# Known without installed metadata; another package cannot take these names.
_BUILT_IN = {"llava": "model_adapters.llava:LlavaAdapter", "floor": "model_adapters.floors:FloorAdapter"}


_NOT_BUNDLED = "its bundled checkpoint is not in this installation; build it with `lrm-llava tiny build`"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One line of `lrm-eval models`.

    Attributes:
        name: what is typed after `--model`.
        title: for people.
        adapter: the adapter that reaches it.
        checkpoint: where its weights lie; "" if it has none.
        state: "ready", "needs-download" or "missing" (a bundled checkpoint that is not in this installation).
        detail: what to do where it is not ready; "" otherwise.
        default_suite: suite that is run when none is asked for.
        languages: tags its authors claim; empty means any.
        parameters: its size, "1.3M"; "" if it has none or it cannot be known yet.
        licence: of the weights; "" if unknown.
        citation: "" if there is nothing to cite.
    """

    name: str
    title: str
    adapter: str
    checkpoint: str
    state: Literal["ready", "needs-download", "missing"]
    detail: str
    default_suite: str
    languages: tuple[str, ...]
    parameters: str
    licence: str
    citation: str


def resolve_model(name: str, checkpoint: str | None = None, include_paths: Sequence[Path] = ()) -> ModelSpec:
    """What a name means. Nothing is loaded and nothing is downloaded.

    Args:
        name: a preset; `hf:FOLDER`, `hf:ORG/NAME` or `hf:ORG/NAME@REVISION`; `blind` (= `blind:lrm-llava`) or
            `blind:NAME`, the same model with the image hidden; `ADAPTER` or `ADAPTER:ARGUMENT` of another package.
        checkpoint: folder or `ORG/NAME` that replaces a preset's weights. The bundled suite belongs to the bundled
            weights: with others the default suite is "full".
        include_paths: folders whose `models/*.yaml` are presets too.

    Raises:
        UsageError: an unknown name (with the nearest), a folder that is not there, options that do not go together.
    """
    presets = load_presets(include_paths)
    spec = _resolve(name.strip(), presets)
    if checkpoint is None:
        return spec
    if spec.checkpoint is None:
        raise UsageError(f"model {spec.name}: takes no --checkpoint: it has no weights")
    if name.removeprefix("blind:").startswith("hf:"):
        raise UsageError(f"model {name}: names its checkpoint itself; leave out --checkpoint")
    return replace(spec, checkpoint=parse_checkpoint(checkpoint.removeprefix("hf:")), default_suite="full")


def load_model(
    spec: ModelSpec,
    *,
    device: str | None = None,
    dtype: str | None = None,
    batch_size: int | Literal["auto"] = "auto",
    gen_kwargs: Mapping[str, Any] | None = None,
    seed: int = 0,
    engine: Literal["auto", "shared", "plain"] = "auto",
    feature_cache: Path | None = None,
) -> AdapterBase:
    """Load what `resolve_model` found.

    Args:
        spec: the model.
        device: "cpu", "cuda", "cuda:1"; None or "auto" takes CUDA where there is one.
        dtype: None or "auto" is the preset's, which mostly is bfloat16 on CUDA and float32 elsewhere.
        batch_size: requests asked at once; "auto" fits the device's memory.
        gen_kwargs: decoding settings, see `model_adapters.decoding.Decoding`.
        seed: seed of everything that is drawn.
        engine: "shared" reads what prompts have in common once, "plain" each prompt whole; "auto" shares where it can.
        feature_cache: folder that keeps image features across runs.

    Raises:
        UsageError: the checkpoint is missing or damaged, or an option cannot be followed on this machine.
        RunError: a download failed.
    """
    if _bundled_is_missing(spec):
        raise UsageError(f"model {spec.name}: {_NOT_BUNDLED}")
    if engine not in ENGINES:
        raise unknown("engine", engine, ENGINES)
    asked = None if dtype == "auto" else dtype
    options = LoadOptions(device, asked, batch_size, dict(gen_kwargs or {}), seed, engine, feature_cache)
    return _adapter_class(spec.adapter).load(spec, options)


def list_models(include_paths: Sequence[Path] = ()) -> list[ModelInfo]:
    """All presets with what each needs, bundled ones first, floors last.

    Raises:
        UsageError: a preset file of an include path is not valid.
    """
    presets = load_presets(include_paths)
    infos = [_info(_resolve(name, presets), preset) for name, preset in presets.items()]
    return sorted(infos, key=lambda info: (info.adapter == "floor", info.default_suite != "tiny", info.name))


def _resolve(name: str, presets: Mapping[str, Preset]) -> ModelSpec:
    if not name:
        raise UsageError("--model names no model: type for example --model random; `lrm-eval models` lists them all")
    if name in presets:
        preset = presets[name]
        return _resolve_blind(preset.blind, presets, preset) if preset.blind else _from_preset(preset)
    kind, colon, argument = name.partition(":")
    if kind == "hf" and colon:
        return _from_checkpoint(argument)
    if kind == "blind" and colon:
        return _resolve_blind(argument, presets, None)
    adapters = _adapters()
    if kind in adapters and kind not in _BUILT_IN:
        preset = Preset(name=_preset_name(kind), title=name, adapter=kind)
        return ModelSpec(name, kind, preset, "full", argument=argument)
    typed = [*presets, *(adapter for adapter in adapters if adapter not in _BUILT_IN)]
    if Path(name).expanduser().is_dir() or "/" in name:
        raise UsageError(f"unknown model {name!r}: a checkpoint is given as --model hf:{name}")
    raise unknown("model", name, typed, listing="lrm-eval models")


def _from_preset(preset: Preset) -> ModelSpec:
    reference = None
    if preset.checkpoint is not None and preset.checkpoint.bundled is not None:
        reference = bundled_checkpoint(preset.checkpoint.bundled)
    elif preset.checkpoint is not None:
        reference = CheckpointRef(hub_id=preset.checkpoint.id, revision=preset.checkpoint.revision)
    return ModelSpec(preset.name, str(preset.adapter), preset, preset.default_suite, reference)


def _from_checkpoint(argument: str) -> ModelSpec:
    if not argument:
        raise UsageError("model 'hf:': give a folder or ORG/NAME after the colon")
    reference = parse_checkpoint(argument)
    # The folder's own name, not its path: a run that is moved or shared must not tell where the weights lay.
    name = f"hf:{reference.path.name if reference.path is not None else reference}"
    preset = Preset(name="hf", title=name, adapter="llava")
    return ModelSpec(name, "llava", preset, "full", reference)


def _resolve_blind(target: str, presets: Mapping[str, Preset], alias: Preset | None) -> ModelSpec:
    if not target:
        raise UsageError("model 'blind:': give the model whose image is hidden after the colon, e.g. blind:lrm-llava")
    seeing = _resolve(target, presets)
    if seeing.blind:
        raise UsageError(f"model 'blind:{target}': is blind already")
    if seeing.adapter != "llava":
        raise UsageError(f"model 'blind:{target}': the image can only be hidden from a LLaVA model")
    name = alias.name if alias is not None else f"blind:{seeing.name}"
    return replace(seeing, name=name, blind=True)


def _adapters() -> dict[str, str]:
    found = {point.name: point.value for point in entry_points(group=GROUP)}
    return {**found, **_BUILT_IN}


def _adapter_class(name: str) -> type[AdapterBase]:
    adapters = _adapters()
    if name not in adapters:
        raise unknown("adapter", name, adapters)
    module, _, attribute = adapters[name].partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"adapter {name!r} ({adapters[name]}) cannot be imported: {error}") from error
    if not (isinstance(found, type) and issubclass(found, AdapterBase)):
        raise UsageError(f"adapter {name!r} ({adapters[name]}) is not a subclass of model_adapters.AdapterBase")
    return found


def _preset_name(text: str) -> str:
    return "".join(char if char.isascii() and char.isalnum() else "-" for char in text.lower()).strip("-") or "other"


def _info(spec: ModelSpec, preset: Preset) -> ModelInfo:
    source, reference = spec.preset, spec.checkpoint
    state: Literal["ready", "needs-download", "missing"] = "ready"
    detail, where = "", ""
    parameters = source.parameters or ""
    if reference is not None and reference.path is not None:
        where = "bundled"
        try:
            parameters = parameters or _short(parameter_count(reference.path))
        except UsageError as error:
            state, detail = "missing", _NOT_BUNDLED if _bundled_is_missing(spec) else str(error)
    elif reference is not None:
        where = str(reference)
        if not _in_hub_cache(reference):
            state, detail = "needs-download", "downloaded at first use, or give --checkpoint FOLDER"
    return ModelInfo(
        name=preset.name,
        title=preset.title,
        adapter=spec.adapter,
        checkpoint=where,
        state=state,
        detail=detail,
        default_suite=spec.default_suite,
        languages=source.languages,
        parameters=parameters,
        licence=source.licence or "",
        citation=source.citation or "",
    )


def _bundled_is_missing(spec: ModelSpec) -> bool:
    bundled = spec.preset.checkpoint is not None and spec.preset.checkpoint.bundled is not None
    path = spec.checkpoint.path if spec.checkpoint is not None else None
    # A folder given by --checkpoint was seen by resolve_model already.
    return bundled and path is not None and not (path / "config.json").is_file() and spec.default_suite == "tiny"


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
