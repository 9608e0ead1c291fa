"""From a name after `--model` to a loaded adapter."""

from __future__ import annotations

import importlib
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lrm_eval.errors import UsageError, nearest, unknown
from model_adapters.architectures import ANY, settle
from model_adapters.base import AdapterBase
from model_adapters.checkpoints import bundled_checkpoint, parse_checkpoint
from model_adapters.presets import Preset, load_presets
from model_adapters.servers.options import refuse
from model_adapters.spec import DEVICE_MAPS, ENGINES, CheckpointRef, LoadOptions, ModelSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_adapters.servers.options import ServerOptions

GROUP = "lrm_eval.adapters"
# Known without installed metadata; another package cannot take these names.
_BUILT_IN = {
    "llava": "model_adapters.llava:LlavaAdapter",
    "generic": "model_adapters.generic.adapter:GenericAdapter",
    "floor": "model_adapters.floors:FloorAdapter",
    "lmms": "model_adapters.lmms:LmmsAdapter",
    "openai": "model_adapters.servers.adapter:ServerAdapter",
    "serve": "model_adapters.servers.local:TransformersServer",
    "vllm": "model_adapters.servers.local:VllmServer",
}

SERVERS = ("openai", "serve", "vllm")
NOT_BUNDLED = "its bundled checkpoint is not in this installation; build it with `lrm-llava tiny build`"


def resolve_model(name: str, checkpoint: str | None = None, include_paths: Sequence[Path] = ()) -> ModelSpec:
    """What a name means. Nothing is loaded and nothing is downloaded.

    Args:
        name: a preset; `hf:FOLDER`, `hf:ORG/NAME` or `hf:ORG/NAME@REVISION`; `blind` (= `blind:lrm-llava`) or
            `blind:NAME`, the same model with the image hidden; `openai:NAME`, a model behind a server;
            `serve:` or `vllm:` with a preset, a folder or ORG/NAME, a server started here; `lmms:NAME[:ARGUMENTS]`, a
            model class of lmms-eval;
            `ADAPTER` or `ADAPTER:ARGUMENT` of another package.
        checkpoint: folder or `ORG/NAME` that replaces a preset's weights. The bundled suite belongs to the bundled
            weights: with others the default suite is "full".
        include_paths: folders whose `models/*.yaml` are presets too.

    Raises:
        UsageError: an unknown name (with the nearest), a folder that is not there, options that do not go together.
    """
    presets = load_presets(include_paths)
    spec = resolve_among(name.strip(), presets)
    if spec.preset.needs == "server":
        raise UsageError(f"model {spec.name}: {needs_server(spec.preset)}")
    if checkpoint is None:
        return spec
    if spec.checkpoint is None and spec.adapter != ANY:
        raise UsageError(f"model {spec.name}: takes no --checkpoint: it has no weights")
    if name.removeprefix("blind:").startswith(("hf:", "serve:", "vllm:")):
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
    trust_remote_code: bool = False,
    allow_pickle: bool = False,
    server: ServerOptions | None = None,
    device_map: Literal["one", "auto"] = "one",
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
        trust_remote_code: code that comes with this checkpoint may run.
        allow_pickle: this checkpoint's pickled weights may be read.
        server: how a server is asked, for `openai:`, `serve:` and `vllm:`.
        device_map: "one" puts all weights on the device, "auto" spreads them over the GPUs of this machine.

    Raises:
        UsageError: the checkpoint is missing or damaged, or an option cannot be followed on this machine.
        RunError: a download failed.
    """
    if bundled_is_missing(spec):
        raise UsageError(f"model {spec.name}: {NOT_BUNDLED}")
    if engine not in ENGINES:
        raise unknown("engine", engine, ENGINES)
    if device_map not in DEVICE_MAPS:
        raise unknown("device map", device_map, DEVICE_MAPS)
    if device_map == "auto" and device is not None and (device == "cpu" or ":" in device):
        raise UsageError(f"--device-map auto spreads a model over all GPUs: leave out --device {device}")
    asked = None if dtype == "auto" else dtype
    options = LoadOptions(
        device,
        asked,
        batch_size,
        dict(gen_kwargs or {}),
        seed,
        engine,
        feature_cache,
        trust_remote_code,
        allow_pickle,
        server,
        device_map,
    )
    if spec.adapter not in SERVERS:
        refuse(server, (), spec.name, f"it is no server ({', '.join(f'{kind}:…' for kind in SERVERS)})")
    settled = settle(spec, options)
    return _adapter_class(settled.adapter).load(settled, options)


def resolve_among(name: str, presets: Mapping[str, Preset]) -> ModelSpec:
    """As `resolve_model`, among presets already read; one that needs a server is told, too."""
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
    if kind == "lmms":
        return _from_lmms(argument)
    if kind in SERVERS:
        return _from_server(kind, argument.strip(), presets)
    adapters = _adapters()
    if kind in adapters and kind not in _BUILT_IN:
        preset = Preset(name=_preset_name(kind), title=name, adapter=kind)
        return ModelSpec(name, kind, preset, "full", argument=argument)
    meant = nearest(kind, ("hf", "blind", "lmms", *SERVERS), count=1) if colon else []
    if meant:
        raise UsageError(
            f"unknown model {name!r}: did you mean '{meant[0]}:{argument}'? `lrm-eval models` lists them all."
        )
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
    preset = Preset(name="hf", title=name, adapter=ANY)
    return ModelSpec(name, ANY, preset, "full", reference)


def _from_lmms(argument: str) -> ModelSpec:
    from model_adapters.lmms_name import shown_name

    name = shown_name(argument)
    return ModelSpec(name, "lmms", Preset(name="lmms", title=name, adapter="lmms"), "full", argument=argument)


def _from_server(kind: str, argument: str, presets: Mapping[str, Preset]) -> ModelSpec:
    """`openai:NAME`; `serve:` and `vllm:` with a preset that has weights, a folder or ORG/NAME."""
    if not argument:
        raise UsageError(f"model '{kind}:': which model? for example {kind}:NAME")
    preset = Preset(name=kind, title=f"{kind}:{argument}", adapter=kind)
    if kind == "openai":
        return ModelSpec(f"{kind}:{argument}", kind, preset, "full", argument=argument)
    if argument in presets:
        weights = resolve_among(argument, presets)
        if weights.checkpoint is None or weights.blind:
            raise UsageError(f"model {kind}:{argument}: {argument} has no weights that a server could load")
        return ModelSpec(
            f"{kind}:{argument}", kind, preset, weights.default_suite, weights.checkpoint, argument=argument
        )
    reference = parse_checkpoint(argument.removeprefix("hf:"))
    shown = reference.path.name if reference.path is not None else str(reference)
    return ModelSpec(f"{kind}:{shown}", kind, preset, "full", reference, argument=shown)


def _resolve_blind(target: str, presets: Mapping[str, Preset], alias: Preset | None) -> ModelSpec:
    if not target:
        raise UsageError("model 'blind:': give the model whose image is hidden after the colon, e.g. blind:lrm-llava")
    seeing = resolve_among(target, presets)
    if seeing.blind:
        raise UsageError(f"model 'blind:{target}': is blind already")
    if seeing.adapter not in ("llava", "generic", ANY):
        raise UsageError(f"model 'blind:{target}': the image can only be hidden from a model that is loaded here")
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


def needs_server(preset: Preset) -> str:
    """Why a preset cannot be loaded here, and what to type."""
    name = preset.checkpoint.id if preset.checkpoint is not None else preset.name
    how = (
        f"start one, `{preset.server}`, and type"
        if preset.server
        else "put it behind an OpenAI-compatible one, and type"
    )
    why = preset.note or "it cannot be loaded here"
    return f"needs a server ({why}); {how} --model openai:{name} --base-url http://localhost:8000/v1"


def bundled_is_missing(spec: ModelSpec) -> bool:
    """Whether a bundled checkpoint is asked for that this installation lacks."""
    bundled = spec.preset.checkpoint is not None and spec.preset.checkpoint.bundled is not None
    path = spec.checkpoint.path if spec.checkpoint is not None else None
    # A folder given by --checkpoint was seen by resolve_model already.
    return bundled and path is not None and not (path / "config.json").is_file() and spec.default_suite == "tiny"
