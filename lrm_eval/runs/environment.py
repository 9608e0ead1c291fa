"""What a run ran on: versions, machine, and one hash of the code."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from pathlib import Path
from typing import Any

from lrm_eval.runs.files import sha256_tree

_PACKAGES = ("lrm-eval", "torch", "transformers", "tokenizers", "safetensors", "numpy", "scipy", "pillow", "datasets")


def versions() -> dict[str, str | None]:
    """Versions of Python and of what decides answers and scores; None if not installed. Imports none of them."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for package in _PACKAGES:
        name = package.replace("-", "_")
        try:
            found[name] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    if found["lrm_eval"] is None:
        import lrm_eval

        found["lrm_eval"] = lrm_eval.__version__
    return found


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def environment(device: str | None = None) -> dict[str, Any]:
    """The machine: platform, CPU, cores, and the device asked for (None: chosen by the adapter).

    CUDA devices are named only if torch is already loaded: nothing is imported for this.
    """
    torch = sys.modules.get("torch")
    gpus: list[str] = []
    if torch is not None and torch.cuda.is_available():
        gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {
        "platform": platform.platform(),
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "gpus": gpus,
        "device": device,
        "omp_num_threads": os.environ.get("OMP_NUM_THREADS"),
    }


def _hash(package: str, *parts: str) -> str | None:
    import importlib.util

    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    root = Path(next(iter(spec.submodule_search_locations)))
    starts = [root / part for part in parts] or [root]
    return sha256_tree(root, [path for start in starts for path in start.rglob("*.py")])


def code_hashes() -> dict[str, str | None]:
    """SHA-256 over the Python files: of the harness, of the adapters, and of the rules (readers, scorers, statistics).

    `rules` is what decides a score once the responses are there.
    """
    return {
        "lrm_eval": _hash("lrm_eval"),
        "model_adapters": _hash("model_adapters"),
        "rules": _hash("lrm_eval", "answers", "scorers", "statistics"),
    }
