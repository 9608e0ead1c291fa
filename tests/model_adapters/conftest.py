from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def llava_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tiny_checkpoint import build_checkpoint

    return build_checkpoint(tmp_path_factory.mktemp("checkpoint") / "tiny-random-llava")
