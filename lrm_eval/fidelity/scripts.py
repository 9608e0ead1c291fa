"""In which scripts a text is written: the share of its letters in each, by ISO 15924 code. Pure functions."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# The first word of a letter's Unicode name is its script's name, for the scripts in use today.
_BY_NAME: Mapping[str, str] = {
    "ADLAM": "Adlm",
    "ARABIC": "Arab",
    "ARMENIAN": "Armn",
    "BALINESE": "Bali",
    "BENGALI": "Beng",
    "BOPOMOFO": "Bopo",
    "CANADIAN": "Cans",
    "CHEROKEE": "Cher",
    "CJK": "Hani",
    "CYRILLIC": "Cyrl",
    "DEVANAGARI": "Deva",
    "ETHIOPIC": "Ethi",
    "GEORGIAN": "Geor",
    "GREEK": "Grek",
    "GUJARATI": "Gujr",
    "GURMUKHI": "Guru",
    "HANGUL": "Hang",
    "HEBREW": "Hebr",
    "HIRAGANA": "Hira",
    "JAVANESE": "Java",
    "KANNADA": "Knda",
    "KATAKANA": "Kana",
    "KATAKANA-HIRAGANA": "Kana",
    "KHMER": "Khmr",
    "LAO": "Laoo",
    "LATIN": "Latn",
    "MALAYALAM": "Mlym",
    "MEETEI": "Mtei",
    "MONGOLIAN": "Mong",
    "MYANMAR": "Mymr",
    "NKO": "Nkoo",
    "OL": "Olck",
    "ORIYA": "Orya",
    "SINHALA": "Sinh",
    "SUNDANESE": "Sund",
    "SYRIAC": "Syrc",
    "TAMIL": "Taml",
    "TELUGU": "Telu",
    "THAANA": "Thaa",
    "THAI": "Thai",
    "TIBETAN": "Tibt",
    "TIFINAGH": "Tfng",
    "VAI": "Vaii",
    "YI": "Yiii",
}
# Scripts that a language's own code stands for (ISO 15924 has codes for mixtures).
_WRITTEN_IN: Mapping[str, frozenset[str]] = {
    "Jpan": frozenset({"Hani", "Hira", "Kana"}),
    "Kore": frozenset({"Hang", "Hani"}),
    "Hans": frozenset({"Hani"}),
    "Hant": frozenset({"Hani", "Bopo"}),
}


@lru_cache(maxsize=65536)
def script_of(char: str) -> str:
    """The script of a letter; "" for anything that is no letter and for letters of no living script."""
    if char.isascii():
        return "Latn" if char.isalpha() else ""
    if unicodedata.category(char)[0] != "L":
        return ""
    # Full-width and half-width forms are the letters that they stand for.
    plain = unicodedata.normalize("NFKC", char)[:1]
    return _BY_NAME.get(unicodedata.name(plain, "").split(" ", 1)[0], "")


def script_shares(text: str) -> dict[str, float]:
    """The share (0-1) of each script among the letters of a text, the largest first; {} without letters."""
    counts = Counter(found for found in map(script_of, text) if found)
    total = sum(counts.values())
    return {script: count / total for script, count in counts.most_common()}


def written_in(script: str) -> frozenset[str]:
    """The scripts of the letters of a language, from the registry's code (Jpan: Han and both kana)."""
    return _WRITTEN_IN.get(script, frozenset({script}))
