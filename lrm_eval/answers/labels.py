"""What may stand for an option's label: the letter shown, its look-alikes, and the letters of the language's books."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from lrm_eval.answers.tokens import fold_script, marks

# Capital letters that look the same as a Latin one (Unicode confusables of single capitals).
_CYRILLIC = dict(zip("АВСЕНІЈКМОРЅТХ", "ABCEHIJKMOPSTX", strict=True))
_GREEK = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True))
# In small letters only these look alike: в, н, к, м, т do not look like b, h, k, m, t.
_SMALL = dict(zip("асеорхіјѕοα", "aceopxijsoa", strict=True))
_LATIN_OF = {**_CYRILLIC, **_GREEK, **_SMALL}


class Form(NamedTuple):
    """One way of writing a label.

    Attributes:
        label: the label as shown in the prompt.
        how: "" for the label itself, else how it was recognised ("lookalike", "native", "latin", "digit").
        bare: whether it can stand before another word in a sentence (capitals can, small letters and digits cannot).
    """

    label: str
    how: str
    bare: bool


@lru_cache(maxsize=512)
def forms(labels: tuple[str, ...], native: tuple[tuple[str, ...], ...]) -> dict[str, Form]:
    """Every way of writing each of the labels shown.

    What was shown decides about look-alikes: a Cyrillic В is B where A to D were shown, and the third letter where
    А Б В Г were. A form that could be two labels is none.

    Args:
        labels: the labels shown, in order ("A", "B", ...; "1", ...; "А", "Б", ...).
        native: series of letters that label options in the language's own books, each in order.
    """
    table: dict[str, Form] = {}
    shown = [_plain(label) for label in labels]
    for label, text in zip(labels, shown, strict=True):
        table[text] = Form(label, "", not text.isdigit())
        if text.lower() != text:
            table.setdefault(text.lower(), Form(label, "", False))
    if all(len(text) == 1 and text.isascii() and text.isalpha() for text in shown):
        by_upper = {text.upper(): label for label, text in zip(labels, shown, strict=True)}
        for letter, latin in _LATIN_OF.items():
            if latin.upper() in by_upper:
                table.setdefault(letter, Form(by_upper[latin.upper()], "lookalike", letter.isupper()))
        for series in native:
            for label, letter in zip(labels, series, strict=False):
                table.setdefault(_plain(letter), Form(label, "native", False))
        for number, label in enumerate(labels, 1):
            table.setdefault(str(number), Form(label, "digit", False))
    elif all(len(text) == 1 and text.isalpha() for text in shown):
        _add_latin(table, labels, shown)
    return table


@lru_cache(maxsize=512)
def label_endings(
    labels: tuple[str, ...], native: tuple[tuple[str, ...], ...], endings: tuple[str, ...]
) -> re.Pattern[str]:
    """Finds a label (group 1) with an ending written onto it: Turkish `B'dir`, Finnish `B:n`, Korean `가입니다`.

    A Latin letter needs a mark before the ending, or it would be the first letter of a word.
    """
    ways = forms(labels, native)
    ending = "|".join(sorted(map(re.escape, endings), key=len, reverse=True))
    latin = "|".join(re.escape(way) for way in ways if way.isascii()) or "(?!)"
    glued = "|".join(re.escape(way) for way, form in ways.items() if not way.isascii() and form.how != "lookalike")
    signs = marks()
    label = rf"(?:{latin})(?=['\-:])|(?:{glued or '(?!)'})"
    return re.compile(rf"(?<![^\W_])(?<![{signs}])({label})['\-:]?(?:{ending})(?![^\W_]|[{signs}])")


def _plain(label: str) -> str:
    return fold_script(unicodedata.normalize("NFKC", label))


def _add_latin(table: dict[str, Form], labels: tuple[str, ...], shown: list[str]) -> None:
    """Latin letters for native labels, by their place, unless they look like a label in another place."""
    looks = {_LATIN_OF.get(text, ""): label for label, text in zip(labels, shown, strict=True)}
    for place, label in enumerate(labels):
        latin = chr(ord("A") + place)
        if looks.get(latin, label) == label:
            table.setdefault(latin, Form(label, "latin", True))
            table.setdefault(latin.lower(), Form(label, "latin", False))
