"""Languages of an include path: found like the bundled ones, and never in their place."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import lrm_eval.languages.registry as registry
from lrm_eval.answers import read_multilingual
from lrm_eval.errors import RunError, UsageError
from lrm_eval.languages import all_languages, get, include, resolve
from lrm_eval.types import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUNDLED = registry._DATA / "sw.yaml"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    registry._included.clear()
    for cached in (registry._files, registry._load, registry.all_languages, registry._index):
        cached.cache_clear()


def written(folder: Path, tag: str = "rn", **changed: str) -> Path:
    """An include path with one language, made of Swahili's file: Kirundi says "ego" and "oya"."""
    lines = {"tag": tag, "iso639_3": "run", "name": "Kirundi", "autonym": "Ikirundi", "aliases": "[rundi]"}
    lines |= {"yes": "[ego]", "no": "[oya]", "ambiguous": "[]", "joshi_class": "0", **changed}
    text = BUNDLED.read_text(encoding="utf-8").splitlines()
    text = [f"{key}: {lines[key]}" if (key := line.split(":")[0]) in lines else line for line in text]
    path = folder / "languages" / f"{tag}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(text) + "\n", encoding="utf-8")
    return folder


def test_an_included_language_is_found_by_all_its_names(tmp_path: Path) -> None:
    include([written(tmp_path)])
    assert [get(name).tag for name in ("rn", "run", "Kirundi", "IKIRUNDI", "rundi", "rn-BI")] == ["rn"] * 6
    assert "rn" in {language.tag for language in all_languages()}
    assert [language.tag for language in resolve("sw,rundi", [])] == ["sw", "rn"]


def test_its_answers_are_read_with_its_words(tmp_path: Path) -> None:
    include([written(tmp_path)])
    sample = Sample("1", "pope", "rn", "yes_no", "", "yes")
    assert [read_multilingual(sample, text).value for text in ("Ego.", "Oya", "Jibu: oya")] == ["yes", "no", "no"]


def test_including_a_folder_twice_or_one_without_languages_is_fine(tmp_path: Path) -> None:
    include([written(tmp_path), tmp_path])
    include([tmp_path, tmp_path / "languages"])
    assert get("rn").name == "Kirundi"


def test_a_bundled_language_cannot_be_replaced(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"sw\.yaml: the language 'sw' comes with lrm-eval .* sw-x-mine"):
        include([written(tmp_path, "sw")])


def test_two_folders_cannot_define_one_language(tmp_path: Path) -> None:
    include([written(tmp_path / "one")])
    with pytest.raises(UsageError, match=r"the language 'rn' is already in .*one"):
        include([written(tmp_path / "two")])


def test_a_private_tag_is_a_language_of_its_own(tmp_path: Path) -> None:
    changed = {"iso639_3": "sw-x-coast", "name": "Coastal Swahili", "autonym": "Kimvita", "aliases": "[]"}
    include([written(tmp_path, "sw-x-coast", **changed)])
    assert get("Kimvita").tag == "sw-x-coast"
    assert get("sw").name == "Swahili"


def test_a_name_that_means_another_language_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the name 'Kiswahili' means Swahili \(sw\)"):
        include([written(tmp_path, aliases="[Kiswahili]")])
    with pytest.raises(UsageError, match="unknown language"):
        get("rundi")


@pytest.mark.parametrize("tag", ["run", "RN", "rn_BI", "no-such-tag-here"])
def test_a_tag_must_be_canonical(tmp_path: Path, tag: str) -> None:
    with pytest.raises(UsageError, match="is not a canonical BCP-47 tag"):
        include([written(tmp_path, tag)])


def test_a_damaged_file_names_file_and_key(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"rn\.yaml: joshi_class: 9 is not between"):
        include([written(tmp_path, joshi_class="9")])


def test_a_folder_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="gone: no such folder"):
        include([tmp_path / "gone"])


def test_langs_lists_included_languages(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lrm_eval.cli", "langs", "--include-path", str(written(tmp_path)), "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "Kirundi" in {row["name"] for row in json.loads(done.stdout)["languages"]}
