"""A model's tokenizer without its weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lrm_eval.errors import RunError, UsageError
from model_adapters.registry import resolve_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from model_adapters.spec import CheckpointRef

_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "*.model",
    "config.json",
)


def token_counter(
    model: str, checkpoint: str | None = None, include_paths: Sequence[Path] = ()
) -> Callable[[str], int]:
    """Counts the tokens of a text, special ones left out, with the tokenizer of a model.

    Args:
        model: whatever `--model` takes: a preset, `hf:FOLDER`, `hf:ORG/NAME`. Any checkpoint with a tokenizer will do,
            of whatever architecture; its weights are not loaded and not downloaded.
        checkpoint: as for `resolve_model`.
        include_paths: as for `resolve_model`.

    Raises:
        UsageError: an unknown name, a model without a checkpoint, or a folder without a tokenizer.
        RunError: the download failed.
    """
    from transformers import AutoTokenizer

    spec = resolve_model(model, checkpoint, include_paths)
    if spec.checkpoint is None:
        raise UsageError(f"model {spec.name}: has no checkpoint and so no tokenizer; type for example hf:ORG/NAME")
    folder = _folder(spec.checkpoint)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # transformers reports a damaged checkpoint by whatever its code stumbles over
        what = " ".join(str(error).split())[:200]
        raise UsageError(f"checkpoint {spec.checkpoint}: no tokenizer that can be loaded ({what})") from error
    return lambda text: len(tokenizer(text, add_special_tokens=False)["input_ids"])


def _folder(reference: CheckpointRef) -> Path:
    if reference.path is not None:
        return reference.path
    import huggingface_hub

    try:
        return Path(
            huggingface_hub.snapshot_download(
                str(reference.hub_id), revision=reference.revision, allow_patterns=list(_FILES)
            )
        )
    except Exception as error:  # the hub client raises its own, httpx's and the operating system's errors
        what = " ".join(str(error).split())[:200]
        raise RunError(f"checkpoint {reference}: its tokenizer cannot be had from the model hub ({what})") from error
