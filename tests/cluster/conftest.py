from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from drawn_mme_for_tests import write_drawn_mme

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _no_packs_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRM_EVAL_PACKS", str(tmp_path / "packs"))


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    return write_drawn_mme(tmp_path / "questions")


@pytest.fixture(scope="session")
def ray_address() -> Iterator[str]:
    """A Ray cluster of one machine with two slots, in processes of their own."""
    pytest.importorskip("ray", reason="type `pip install 'lrm-eval[ray]'`")
    server = Path(__file__).with_name("nodes_for_tests.py")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0"}
    with subprocess.Popen(
        [sys.executable, str(server), "2"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address, "the cluster did not start"
        yield address
        process.stdin.close()
