"""Where lmms-eval's environment is looked for; building one needs a network and is part of `make interop`."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from lrm_eval.errors import RunError
from lrm_eval.interop import environment

if TYPE_CHECKING:
    from pathlib import Path


def test_an_environment_that_was_not_finished_is_none(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    assert environment.interpreter(tmp_path) is None
    (tmp_path / "made-by-lrm-eval.json").write_text("{}", encoding="utf-8")
    assert environment.interpreter(tmp_path) == tmp_path / "bin" / "python"


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(RunError, match="is not empty and no virtual environment"):
        environment.build(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_what_cannot_be_installed_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(folder: Path) -> None:
        folder.mkdir()
        (folder / "pyvenv.cfg").touch()
        environment._run(sys.executable, "-c", "raise SystemExit('no such package')")

    monkeypatch.setattr(environment, "_make", fail)
    with pytest.raises(RunError, match="failed: no such package"):
        environment.build(tmp_path / "e")
    assert not (tmp_path / "e").exists()


def test_the_default_place_is_the_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRM_EVAL_CACHE", str(tmp_path))
    assert environment.default_folder() == tmp_path / "lmms-eval"


def test_our_models_are_told_to_lmms_eval_without_importing_anything_heavy() -> None:
    code = (
        "import sys, types\n"
        "package = types.ModuleType('lmms_eval'); models = types.ModuleType('lmms_eval.models')\n"
        "registry = types.ModuleType('lmms_eval.models.registry_v2')\n"
        "registry.ModelManifest = lambda **fields: fields\n"
        "sys.modules.update({m.__name__: m for m in (package, models, registry)})\n"
        "from lrm_eval.interop.lmms_manifest import manifests\n"
        "found = {each['model_id'] for each in manifests()}\n"
        "assert found == {'lrm_llava', 'lrm_eval'}, found\n"
        "heavy = {'torch', 'transformers', 'datasets', 'pandas', 'pyarrow'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
