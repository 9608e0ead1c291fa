"""`lrm-llava export` and `lrm-llava import`: from a folder to a folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lrm_eval.errors import UsageError, unknown
from lrm_llava.assembly import is_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

DTYPES = ("bfloat16", "float16", "float32")


def export_checkpoint(checkpoint: Path, out: Path, dtype: str) -> str:
    """Write any LLaVA checkpoint in llava-1.5's layout; one line on what was written.

    Raises:
        UsageError: no LLaVA there, weights missing, an unknown dtype, or `out` holds something.
    """
    from transformers import LlavaForConditionalGeneration, LlavaProcessor

    from lrm_llava.export import export_model

    _check_dtype(dtype)
    if not is_checkpoint(checkpoint):
        raise UsageError(f"{checkpoint}: is not a LLaVA checkpoint (no config.json with model_type llava)")
    try:
        model, info = LlavaForConditionalGeneration.from_pretrained(
            checkpoint, output_loading_info=True, local_files_only=True, use_safetensors=True
        )
        processor = LlavaProcessor.from_pretrained(checkpoint, local_files_only=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise UsageError(f"{checkpoint}: cannot be loaded: {' '.join(str(error).split())[:160]}") from error
    if info["missing_keys"]:
        raise UsageError(
            f"{checkpoint}: {len(info['missing_keys'])} weights are missing, {min(info['missing_keys'])} the first"
        )
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
