"""Where the data that ships with the project lies.

In a checkout (and an editable install) tasks/, results/published and reports/templates stand at the
top of the repository; in a wheel they lie in lrm_eval/_data.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def data_root() -> Path:
    """The folder that holds tasks/, reports/ and results/ of this installation."""
    packaged = _PACKAGE / "_data"
    return packaged if packaged.is_dir() else _PACKAGE.parent


def tasks_dir() -> Path:
    """Task YAMLs, language packs and the bundled tiny data."""
    return data_root() / "tasks"


def templates_dir() -> Path:
    """Templates, style and script of the pages."""
    return data_root() / "reports" / "templates"


def published_dir() -> Path:
    """Numbers of papers, as CSV."""
    return data_root() / "results" / "published"
