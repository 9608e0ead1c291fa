"""Which device and which floating-point type a model runs on."""

from __future__ import annotations

import re
from typing import Any

from lrm_eval.errors import UsageError, unknown

_DTYPES = {
    "float32": "float32",
    "fp32": "float32",
    "bfloat16": "bfloat16",
    "bf16": "bfloat16",
    "float16": "float16",
    "fp16": "float16",
    "half": "float16",
}
_DEVICE = re.compile(r"(cpu|cuda|mps)(:\d+)?")


def check_names(device: str | None = None, dtype: str | None = None) -> None:
    """Whether device and type are names that mean something; what this machine has is not looked at, nor torch loaded.

    Raises:
        UsageError: a name that means nothing, with the nearest that does.
    """
    if device is not None and device != "auto" and _DEVICE.fullmatch(device.lower()) is None:
        raise unknown("device", device, ("auto", "cpu", "cuda", "cuda:0", "mps"))
    if dtype is not None and dtype != "auto" and dtype.lower() not in _DTYPES:
        raise unknown("dtype", dtype, ("auto", *_DTYPES))


def check_device(device: str | None = None, dtype: str | None = None) -> tuple[str, str]:
    """What is asked for, resolved and checked against this machine.

    Args:
        device: "cpu", "cuda", "cuda:N", "mps"; None or "auto" takes CUDA where PyTorch can use it, else the CPU.
        dtype: "float32", "bfloat16", "float16" or a short form; None or "auto" is bfloat16 on CUDA
            (float16 where the card has no bfloat16) and float32 elsewhere.

    Returns:
        The device and the full name of the type, e.g. `("cuda:0", "bfloat16")`.

    Raises:
        UsageError: no such device on this machine, or a name that means nothing.
    """
    check_names(device, dtype)
    resolved = _device(device)
    if dtype is None or dtype == "auto":
        return resolved, _auto_dtype(resolved)
    return resolved, _DTYPES[dtype.lower()]


def placement(device: str, device_map: str) -> str | dict[str, str]:
    """Where weights go, as `from_pretrained` of transformers takes it.

    Args:
        device: as `check_device` gives it.
        device_map: "one" puts all on the device; "auto" lets accelerate spread the layers over all GPUs that this
            process sees, and over the machine's memory where those are too small.
    """
    return "auto" if device_map == "auto" and device.startswith("cuda") else {"": device}


def is_spread(model: Any) -> bool:
    """Whether parts of a loaded model lie on more than one device."""
    return len({str(place) for place in (getattr(model, "hf_device_map", None) or {}).values()}) > 1


def device_memory(device: str, model: Any) -> int | None:
    """Bytes of all CUDA devices that hold a part of a model; None on a CPU."""
    import torch

    if not device.startswith("cuda"):
        return None
    held = {str(place) for place in (getattr(model, "hf_device_map", None) or {"": device}).values()}
    # accelerate calls a GPU by its number alone.
    numbers = {place.removeprefix("cuda:") for place in held} & {str(n) for n in range(torch.cuda.device_count())}
    chosen = sorted(numbers) or [device.removeprefix("cuda:") or "0"]
    return sum(int(torch.cuda.get_device_properties(int(number)).total_memory) for number in chosen)


def _device(device: str | None) -> str:
    import torch

    if device is None or device == "auto":
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    kind, _, number = device.lower().partition(":")
    index = int(number or 0)
    if kind == "cuda":
        if not torch.cuda.is_available():
            build = "is a build without CUDA" if torch.version.cuda is None else "finds no usable CUDA device"
            raise UsageError(f"device {device!r}: PyTorch {torch.__version__} {build}; use --device cpu")
        count = torch.cuda.device_count()
        if index >= count:
            raise UsageError(f"device {device!r}: this machine has {count} CUDA device(s), cuda:0 to cuda:{count - 1}")
        return f"cuda:{index}"
    if kind == "mps" and not torch.backends.mps.is_available():
        raise UsageError(f"device {device!r}: PyTorch {torch.__version__} finds no Metal device; use --device cpu")
    return kind


def _auto_dtype(device: str) -> str:
    if not device.startswith("cuda"):
        return "float32"
    import torch

    return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
