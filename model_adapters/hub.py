"""Downloads from the model hub or a mirror of it, and what to do when one fails."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from lrm_eval.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_adapters.spec import CheckpointRef

_PUBLIC = "https://huggingface.co"


def download(reference: CheckpointRef, patterns: Sequence[str]) -> Path:
    """The local folder of a repository's files, fetched if they are not there yet.

    Args:
        reference: of the hub.
        patterns: names of the files that are wanted.

    Raises:
        RunError: it failed; one line that says why and what to do.
    """
    import huggingface_hub

    try:
        return Path(
            huggingface_hub.snapshot_download(
                str(reference.hub_id),
                revision=reference.revision,
                allow_patterns=list(patterns),
                endpoint=os.environ.get("HF_ENDPOINT") or None,
            )
        )
    except Exception as error:  # the hub client raises its own, httpx's and the operating system's errors
        raise RunError(f"checkpoint {reference}: {explain(error, reference)}") from error


def explain(error: BaseException, reference: CheckpointRef) -> str:
    """Why a download failed and what to type; never shows a token.

    Args:
        error: of the hub's client.
        reference: what was to be fetched.
    """
    from huggingface_hub import errors, get_token

    hub = os.environ.get("HF_ENDPOINT", "").rstrip("/") or _PUBLIC
    local = "or give a local copy with --checkpoint FOLDER"
    login = f"type `hf auth login` or set HF_TOKEN, {local}"
    has_token = get_token() is not None
    status = _status(error)
    if isinstance(error, errors.LocalEntryNotFoundError) and _status(error.__cause__) is not None:
        # The client looked into its cache after the hub had refused: the refusal is what matters.
        status = _status(error.__cause__)
        error = error.__cause__ or error
    if isinstance(error, errors.GatedRepoError):
        where = f"{hub}/{reference.hub_id}"
        if has_token:
            return f"is gated, and your token has no access yet: ask for it at {where}, {local}"
        return f"is gated: accept its licence at {where}, then {login}"
    if isinstance(error, errors.RevisionNotFoundError):
        return (
            f"the repository has no revision {reference.revision!r}; leave `@{reference.revision}` out for the newest"
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        # The hub answers the same for a private repository and for one that is not there.
        reason = "your token does not open it" if has_token else f"if it is private, {login}"
        return f"no such repository at {hub}, or a private one ({reason}); check the spelling of ORG/NAME"
    if isinstance(error, (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled)):
        offline = os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on")
        why = "HF_HUB_OFFLINE forbids downloads" if offline else f"{hub} cannot be reached"
        return f"is not in the local cache, and {why}; set HF_ENDPOINT for a mirror, {local}"
    if status == 401:
        return f"{hub} refuses the token: {login}"
    if status == 403:
        return f"{hub} forbids it to this token: {login}"
    if status == 429:
        return f"{hub} asks to wait (too many requests): try again later; what was fetched is kept"
    if status is not None and status >= 500:
        return f"{hub} fails (HTTP {status}): try again later, set HF_ENDPOINT for a mirror, {local}"
    if isinstance(error, OSError) and error.errno == 28:
        return "the disk is full: HF_HOME names the folder that downloads go to; what was fetched is kept"
    what = " ".join(str(error).split())[:200]
    return f"cannot be had from {hub} ({type(error).__name__}: {what}); set HF_ENDPOINT for a mirror, {local}"


def _status(error: BaseException | None) -> int | None:
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None
