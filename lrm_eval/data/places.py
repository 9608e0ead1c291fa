"""Where the user's own files lie: downloaded data is cached, language packs are kept."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_NAME = "lrm-eval"


def cache_dir() -> Path:
    """Folder of what can be fetched again: $LRM_EVAL_CACHE, or the platform's cache folder."""
    return _from("LRM_EVAL_CACHE") or _platform("XDG_CACHE_HOME", ".cache", "Library/Caches") / _NAME


def packs_dir() -> Path:
    """Folder of the language packs that the user built: $LRM_EVAL_PACKS, or one in the platform's data folder."""
    return (
        _from("LRM_EVAL_PACKS")
        or _platform("XDG_DATA_HOME", ".local/share", "Library/Application Support") / _NAME / "packs"
    )


def _from(variable: str) -> Path | None:
    value = os.environ.get(variable, "").strip()
    return Path(value).expanduser() if value else None


def _platform(variable: str, default: str, mac: str) -> Path:
    if sys.platform == "win32":
        return _from("LOCALAPPDATA") or Path.home() / "AppData/Local"
    if sys.platform == "darwin":
        return Path.home() / mac
    return _from(variable) or Path.home() / default
