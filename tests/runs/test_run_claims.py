"""Which languages a model's makers name for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lrm_eval.runs.claims import card_languages, claimed_languages
from model_adapters import resolve_model

if TYPE_CHECKING:
    from pathlib import Path


def _card(folder: Path, text: str) -> Path:
    (folder / "README.md").write_text(text, encoding="utf-8")
    return folder


def test_a_preset_names_the_languages_of_its_model() -> None:
    assert claimed_languages(resolve_model("llava-1.5-7b")) == ["en"]
    assert "sw" in claimed_languages(resolve_model("lrm-llava"))


def test_a_model_that_is_good_for_any_language_names_none() -> None:
    assert claimed_languages(resolve_model("random")) == []


def test_the_card_beside_the_weights_is_read(tmp_path: Path) -> None:
    folder = _card(tmp_path, "---\nlicence: mit\nlanguage:\n- sw\n- English\n- zh-Hant\n---\n# a model\n")
    assert card_languages(folder) == ["en", "sw", "zh-Hant"]


def test_a_card_may_name_one_language(tmp_path: Path) -> None:
    assert card_languages(_card(tmp_path, "---\nlanguage: am\n---\n")) == ["am"]


def test_norwegian_is_not_false(tmp_path: Path) -> None:
    assert card_languages(_card(tmp_path, "---\nlanguage: [no, en]\n---\n")) == ["en", "no"]


def test_what_is_no_language_is_left_out(tmp_path: Path) -> None:
    folder = _card(tmp_path, "---\nlanguage: [multilingual, code, xx-nothing-at-all, 7, {a: b}, yue]\n---\n")
    assert card_languages(folder) == ["yue"]


@pytest.mark.parametrize(
    "text", ["", "# no header\n", "---\nlanguage: sw\n", "---\nlanguage: [sw\n---\n", "---\n- sw\n---\n", "---\n---\n"]
)
def test_a_card_without_a_header_names_nothing(tmp_path: Path, text: str) -> None:
    assert card_languages(_card(tmp_path, text)) == []


def test_no_card_and_bytes_that_are_no_text_name_nothing(tmp_path: Path) -> None:
    assert card_languages(tmp_path) == []
    (tmp_path / "README.md").write_bytes(b"---\nlanguage: \xff\n---\n")
    assert card_languages(tmp_path) == []
