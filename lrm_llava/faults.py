"""What the libraries below say: errors recognised and told in one line, and silence between our own lines."""

from __future__ import annotations

import errno

from safetensors import SafetensorError

# What transformers and safetensors raise at files that are missing, damaged, or of another shape.
UNREADABLE = (OSError, ValueError, RuntimeError, SafetensorError)


def quiet() -> None:
    """Nothing of transformers between our own lines: no bars of loading, no remarks. What is wrong is still raised."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()


def brief(error: BaseException, length: int = 200) -> str:
    """The message of an error in one line of at most so many characters."""
    return " ".join(str(error).split())[:length]


def is_disk_full(error: BaseException) -> bool:
    """Whether an error comes from a disk, or a quota, that is full."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    # safetensors and torch wrap the system's error in one of their own.
    text = str(error).lower()
    return "no space left" in text or "enospc" in text or "disk quota" in text or "unexpected pos" in text
