"""`lrm-llava export` and `lrm-llava import`: from a folder to a folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lrm_eval.errors import unknown
from lrm_llava.lora import is_adapter_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

DTYPES = ("bfloat16", "float16", "float32")


def export_checkpoint(checkpoint: Path, out: Path, dtype: str) -> str:
    """Write any LLaVA checkpoint, adapters merged, in llava-1.5's layout; one line on what was written.

    Raises:
        UsageError: no LLaVA there, weights missing, an unknown dtype, or `out` holds something.
    """
    from lrm_llava.export import export_model
    from lrm_llava.training.setup import load_adapted, load_checkpoint

    _check_dtype(dtype)
    model, processor = (load_adapted if is_adapter_checkpoint(checkpoint) else load_checkpoint)(checkpoint)
    card = checkpoint / "README.md"
    export_model(model, processor, out, dtype, card.read_text(encoding="utf-8") if card.is_file() else "")
    return f"{out}: {_size(out)}; `lrm-eval run --model hf:{out}` evaluates it"


def import_original(checkpoint: Path, out: Path, vision: str | None, dtype: str, allow_pickle: bool) -> str:
    """Write an original-format LLaVA in llava-1.5's layout; one line on what was written.

    Raises:
        UsageError: as `import_checkpoint` and `export_model`.
    """
    from lrm_llava.export import export_model
    from lrm_llava.importing import import_checkpoint

    _check_dtype(dtype)
    model, processor = import_checkpoint(checkpoint, vision, dtype, allow_pickle)
    origin = json.dumps(str(checkpoint))
    card = (
        f"# {checkpoint.name}\n\nConverted from an original-format LLaVA checkpoint ({origin}) by `lrm-llava import`.\n"
    )
    export_model(model, processor, out, dtype, card)
    return f"{out}: {_size(out)}; `lrm-eval run --model hf:{out}` evaluates it"


def _check_dtype(dtype: str) -> None:
    if dtype not in DTYPES:
        raise unknown("dtype", dtype, DTYPES)


def _size(folder: Path) -> str:
    return f"{sum(path.stat().st_size for path in folder.glob('*.safetensors')) / 1e6:,.1f} MB of weights"
