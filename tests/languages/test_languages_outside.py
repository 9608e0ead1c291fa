"""Languages of the environment and of other packages: found by themselves, with clear mistakes."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import lrm_eval.languages.registry as registry
from lrm_eval.errors import RunError, UsageError
from lrm_eval.languages import all_languages, get, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUNDLED = registry._DATA / "sw.yaml"


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def forget() -> None:
        registry._included.clear()
        registry._looked_outside = False
        for cached in (registry._files, registry._load, registry.all_languages, registry._index):
            cached.cache_clear()

    forget()
    yield
    monkeypatch.undo()
    forget()


def write(folder: Path, tag: str, **changed: str) -> Path:
    """A language file made of Swahili's."""
    lines = {"tag": tag, "iso639_3": "run", "name": "Kirundi", "autonym": "Ikirundi", "aliases": "[rundi]"}
    lines |= {"yes": "[ego]", "no": "[oya]", "ambiguous": "[]", "joshi_class": "0", **changed}
    text = BUNDLED.read_text(encoding="utf-8").splitlines()
    text = [f"{key}: {lines[key]}" if (key := line.split(":")[0]) in lines else line for line in text]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{tag}.yaml").write_text("\n".join(text) + "\n", encoding="utf-8")
    return folder


def package(folder: Path, name: str) -> Path:
    """An installed package, as `pip` leaves it, that says it brings languages."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[lrm_eval.languages]\n{name} = {name}\n", encoding="utf-8")
    return folder / name


def test_a_folder_in_the_environment_adds_languages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [write(tmp_path / "a", "rn"), write(tmp_path / "b", "rw", iso639_3="kin", name="Kinyarwanda",
                                                  autonym="Ikinyarwanda", aliases="[]")]  # fmt: skip
    monkeypatch.setenv("LRM_EVAL_LANGUAGES", os.pathsep.join(map(str, folders)))
    assert [language.tag for language in resolve("Ikirundi,kin,sw", [])] == ["rn", "rw", "sw"]
    assert {"rn", "rw"} <= {language.tag for language in all_languages()}


def test_a_folder_that_is_none_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRM_EVAL_LANGUAGES", str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match=r"LRM_EVAL_LANGUAGES: .*nowhere: no such folder"):
        get("rundi")
    # It stays wrong until somebody mends it; the bundled languages do not need it.
    with pytest.raises(UsageError, match="no such folder"):
        all_languages()
    assert get("sw").name == "Swahili"


def test_the_folder_around_the_languages_is_refused_with_the_right_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = write(tmp_path / "mine" / "languages", "rn")
    monkeypatch.setenv("LRM_EVAL_LANGUAGES", str(tmp_path / "mine"))
    with pytest.raises(UsageError, match=rf"mine holds no <tag>\.yaml; name {inner}"):
        get("rundi")


def test_a_damaged_file_of_the_environment_names_file_and_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRM_EVAL_LANGUAGES", str(write(tmp_path / "a", "rn", joshi_class="9")))
    with pytest.raises(RunError, match=r"rn\.yaml: joshi_class: 9 is not between 0 and 5"):
        get("rundi")


def test_the_environment_cannot_replace_a_bundled_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRM_EVAL_LANGUAGES", str(write(tmp_path / "a", "sw")))
    with pytest.raises(UsageError, match="comes with lrm-eval and cannot be replaced"):
        all_languages()


def test_another_package_brings_a_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(package(tmp_path, "kirundi_for_tests"), "rn")
    (folder / "__init__.py").write_text("raise RuntimeError('is not imported')\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert get("rundi").name == "Kirundi"


def test_a_package_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path, "gone_for_tests")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UsageError, match=r"'gone_for_tests' of 'lrm_eval\.languages' names 'gone_for_tests'"):
        get("rundi")


def test_the_command_line_knows_them(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lrm_eval.cli", "langs", "--json"]
    environment = os.environ | {"LRM_EVAL_LANGUAGES": str(write(tmp_path / "a", "rn"))}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert '"Kirundi"' in done.stdout
