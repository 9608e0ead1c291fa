"""Ways of reaching a model: one module per way, presets of models as data.

    spec = resolve_model("lrm-llava")          # a name, checked; nothing is loaded or downloaded
    adapter = load_model(spec, device="cpu")   # weights in memory
    adapter.prepare(plan)                      # every request of the run, the answered ones too
    for response in adapter.generate(remaining): ...

Importing this package imports neither torch nor transformers; loading a model does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model_adapters.base import AdapterBase, BatchingAdapter
    from model_adapters.devices import check_device
    from model_adapters.listing import ModelInfo, list_models
    from model_adapters.presets import Preset
    from model_adapters.registry import load_model, resolve_model
    from model_adapters.servers.options import ServerOptions
    from model_adapters.spec import LoadOptions, ModelSpec

__all__ = [
    "AdapterBase",
    "BatchingAdapter",
    "LoadOptions",
    "ModelInfo",
    "ModelSpec",
    "Preset",
    "ServerOptions",
    "check_device",
    "list_models",
    "load_model",
    "resolve_model",
]

_HOME = {
    "AdapterBase": "base",
    "BatchingAdapter": "base",
    "LoadOptions": "spec",
    "ModelInfo": "listing",
    "ModelSpec": "spec",
    "Preset": "presets",
    "ServerOptions": "servers.options",
    "check_device": "devices",
    "list_models": "listing",
    "load_model": "registry",
    "resolve_model": "registry",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562), so that `--help` stays fast."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"model_adapters.{_HOME[name]}"), name)
