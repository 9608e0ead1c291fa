from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from small_mme_for_tests import PLUGIN, write_questions

import lrm_eval

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_packs_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRM_EVAL_PACKS", str(tmp_path / "packs"))


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    return write_questions(tmp_path / "questions")


@pytest.fixture
def evaluate(tmp_path: Path, questions: Path) -> Callable[..., lrm_eval.RunResult]:
    """`lrm_eval.run` on the small MME, with what every test here gives."""

    def run(model: str = "scripted", langs: str = "en,sw", **options: Any) -> lrm_eval.RunResult:
        options.setdefault("data", {"mme": questions})
        options.setdefault("out", tmp_path / "run")
        options.setdefault("report", False)
        return lrm_eval.run(model, langs, include_paths=[PLUGIN], **options)

    return run
