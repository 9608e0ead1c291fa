"""What can be read off a text without knowing its language: placeholders, numbers, scripts. Pure functions."""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from functools import lru_cache

# Code, tags (<image>), formulas ($x^2$, \(x\), \frac{1}{2}), template fields ({name}, %s), addresses: to survive to the
# last character.
PLACEHOLDER = re.compile(
    r"`[^`\n]{1,200}`|<[A-Za-z/][^<>\s]{0,40}>|\$\$.+?\$\$|\$[^$\n]*[\\^_=][^$\n]*\$|\\\(.+?\\\)|\\\[.+?\\\]"
    r"|\\[A-Za-z]+(?:\{[^{}\n]*\})+|\{[A-Za-z_0-9]*\}|%[sd]\b|https?://[^\s)\"'،。]+"
)
_ENTITY = re.compile(r"&(?:#\d+|#x[0-9A-Fa-f]+|[A-Za-z]+);")
_GROUPED = re.compile(r"(?<=\d)[\u00a0\u202f\u2009 ,.'’٬](?=\d{3}(?!\d))")
_NUMBER = re.compile(r"\d+(?:[.,٫:/]\d+)*")
# ISO 15924 code -> first words of the Unicode names of its letters.
_SCRIPTS: dict[str, tuple[str, ...]] = {
    "Adlm": ("ADLAM",),
    "Arab": ("ARABIC",),
    "Armn": ("ARMENIAN",),
    "Beng": ("BENGALI",),
    "Cyrl": ("CYRILLIC",),
    "Deva": ("DEVANAGARI",),
    "Ethi": ("ETHIOPIC",),
    "Geor": ("GEORGIAN",),
    "Grek": ("GREEK",),
    "Gujr": ("GUJARATI",),
    "Guru": ("GURMUKHI",),
    "Hans": ("CJK",),
    "Hant": ("CJK", "BOPOMOFO"),
    "Hebr": ("HEBREW",),
    "Jpan": ("HIRAGANA", "KATAKANA", "CJK", "HALFWIDTH KATAKANA"),
    "Khmr": ("KHMER",),
    "Knda": ("KANNADA",),
    "Kore": ("HANGUL", "CJK"),
    "Laoo": ("LAO",),
    "Latn": ("LATIN", "FULLWIDTH LATIN"),
    "Mlym": ("MALAYALAM",),
    "Mong": ("MONGOLIAN",),
    "Mymr": ("MYANMAR",),
    "Nkoo": ("NKO",),
    "Olck": ("OL CHIKI",),
    "Orya": ("ORIYA",),
    "Sinh": ("SINHALA",),
    "Taml": ("TAMIL",),
    "Telu": ("TELUGU",),
    "Tfng": ("TIFINAGH",),
    "Thaa": ("THAANA",),
    "Thai": ("THAI",),
    "Tibt": ("TIBETAN",),
}


# A benchmark asks few different texts many times, and an audit compares each with many others.
@lru_cache(maxsize=65536)
def normal(text: str) -> str:
    """A text as two are compared: NFKC, no case, no punctuation, no marks of direction, single blanks."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    # Zero-width marks part no words that a reader could tell apart.
    seen = (char for char in folded if unicodedata.category(char) != "Cf")
    kept = "".join(" " if unicodedata.category(char)[0] in "PZC" else char for char in seen)
    # "Option 1" and "1)" differ by letters; "+" and "-" by nothing but symbols, which category S keeps.
    return " ".join(kept.split()) or " ".join(folded.split())


def placeholders(text: str) -> Counter[str]:
    """Placeholders, formulas and addresses of a text, with their counts."""
    return Counter(PLACEHOLDER.findall(text))


def without_placeholders(text: str) -> str:
    """The text with its placeholders replaced by blanks."""
    return PLACEHOLDER.sub(" ", text)


def ascii_digits(text: str) -> str:
    """Decimal digits of any script as 0-9."""
    return "".join(str(value) if (value := unicodedata.decimal(char, None)) is not None else char for char in text)


def numbers(text: str) -> Counter[str]:
    """Numbers written in digits of any script, with their counts.

    Marks between thousands are dropped and a decimal comma is a point: "1,000.5", "1 000,5" and "١٠٠٠٫٥" are equal.
    """
    plain = _GROUPED.sub("", ascii_digits(without_placeholders(text)))
    return Counter(re.sub("[,٫]", ".", number) for number in _NUMBER.findall(plain))


def words(text: str) -> int:
    """How many words of two letters or more a text has, placeholders apart (a run of letters is a word)."""
    return len(re.findall(r"[^\W\d_]{2,}", without_placeholders(text)))


def translatable(text: str) -> bool:
    """Whether there is anything to translate: "5", "A", "3:30 $x=1$" stay as they are in every language."""
    return words(text) > 0


def entities(text: str) -> list[str]:
    """HTML entities such as `&#39;` or `&quot;`; a bare ampersand is none."""
    return [found for found in _ENTITY.findall(text) if html.unescape(found) != found]


@lru_cache(maxsize=8192)
def _script_name(char: str) -> str:
    return unicodedata.name(char, "")


def script_share(text: str, script: str) -> float | None:
    """Share (0-1) of a text's letters that are of a script, placeholders apart.

    Args:
        text: any text.
        script: ISO 15924 code. Hans and Hant are not told apart: most of their characters are the same.

    Returns:
        None if the text has no letters or the script is not known here.
    """
    names = _SCRIPTS.get(script)
    if names is None:
        return None
    letters = [char for char in without_placeholders(text) if unicodedata.category(char) in ("Lu", "Ll", "Lt", "Lo")]
    if not letters:
        return None
    return sum(_script_name(char).startswith(names) for char in letters) / len(letters)
