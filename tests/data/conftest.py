"""Small data in the layouts of the four benchmarks, written for each test."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees or touches the packs and caches of whoever runs it."""
    monkeypatch.setenv("LRM_EVAL_PACKS", str(tmp_path / "user-packs"))
    monkeypatch.setenv("LRM_EVAL_CACHE", str(tmp_path / "user-cache"))


@pytest.fixture
def png(tmp_path: Path) -> Callable[[str, tuple[int, int, int]], bytes]:
    """Write a PNG of one colour under a relative name; returns its bytes."""

    def write(name: str, color: tuple[int, int, int] = (200, 0, 0)) -> bytes:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), color).save(path, format="PNG")
        return path.read_bytes()

    return write


@pytest.fixture
def lines(tmp_path: Path) -> Callable[..., Path]:
    """Write JSON lines under a relative name; returns the path."""

    def write(name: str, *rows: dict[str, Any] | str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = (row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows)
        path.write_text("\n".join(text) + "\n", encoding="utf-8")
        return path

    return write
