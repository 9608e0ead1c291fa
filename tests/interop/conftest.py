from __future__ import annotations

import contextlib
import io
import sys
from typing import TYPE_CHECKING, Any

import pytest

import lrm_eval
from lrm_eval.cli import app
from lrm_eval.commands import entry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lrm_eval.runs import RunFolder

TINY = ("tiny-mme", "tiny-pope", "tiny-seedbench", "tiny-mmbench")
LIMIT = 24


@pytest.fixture(scope="session")
def random_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A finished run of the four tiny benchmarks in two languages, answered by a floor."""
    out = tmp_path_factory.mktemp("runs") / "random"
    return lrm_eval.run("random", "en,sw", list(TINY), limit=LIMIT, out=out, report=False).folder


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same questions as tasks of lmms-eval."""
    from lrm_eval.exports.lmms_eval import export_lmms_eval
    from lrm_eval.languages import get
    from lrm_eval.tasks import load_task

    folder = tmp_path_factory.mktemp("export") / "tasks"
    export_lmms_eval(folder, [(load_task(name), None) for name in TINY], [get("en"), get("sw")], limit=LIMIT)
    return folder


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Type a command: (exit status, standard output, standard error)."""

    def call(*words: Any) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = entry.call(app, [str(word) for word in words])
        return status, out.getvalue(), err.getvalue()

    monkeypatch.setattr(sys, "argv", ["lrm-eval"])
    return call
