from __future__ import annotations

import pytest

from lrm_eval.fidelity.scripts import script_of, script_shares, written_in
from lrm_eval.languages import all_languages


@pytest.mark.parametrize(
    ("char", "script"),
    [
        ("a", "Latn"), ("ñ", "Latn"), ("Ｙ", "Latn"), ("Я", "Cyrl"), ("ሀ", "Ethi"), ("狗", "Hani"), ("の", "Hira"),
        ("ー", "Kana"), ("ｱ", "Kana"), ("개", "Hang"), ("ع", "Arab"), ("क", "Deva"), ("ß", "Latn"), ("µ", "Grek"),
        ("1", ""), (" ", ""), ("。", ""), ("́", ""), ("\ud800", ""), ("🙂", ""),
    ],
)  # fmt: skip
def test_the_script_of_a_character(char: str, script: str) -> None:
    assert script_of(char) == script


def test_shares_are_of_letters_alone_the_largest_first() -> None:
    assert script_shares("Собака 7, dog!") == {"Cyrl": 6 / 9, "Latn": 3 / 9}
    assert script_shares("3 + 4") == {}


def test_every_language_writes_its_own_sentences_in_its_own_script() -> None:
    for language in all_languages():
        shares = script_shares(language.short_answer + language.option_letter)
        own = sum(share for script, share in shares.items() if script in written_in(language.script))
        assert own > 0.9, language.tag
