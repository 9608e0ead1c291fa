"""The words of the tiny world in one language, read from grammar/<tag>.yaml.

Agreement is data: a phrase is a pattern whose slots name fields of the noun and of the colour, and a
colour field that is a mapping is looked up by the noun's gender. No code knows any language.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from lrm_llava.tiny.world import CELLS, COLORS, COLUMNS, ROWS, SHAPES

GRAMMAR_DIR = Path(__file__).resolve().parent / "grammar"
PHRASES = ("bare", "indef", "def", "shape_indef", "shape_def")
QUESTIONS = (
    "exist_object", "exist_shape", "exist_color", "count_is", "color_is", "row_is", "column_is",
    "color_of", "shape_of", "count_of", "where_is", "describe",
)  # fmt: skip
THING = "thing"


class GrammarError(ValueError):
    """A grammar file lacks a word or names a slot that does not exist."""


@dataclass(frozen=True)
class Grammar:
    """Words and sentences of one language. Nouns are SHAPES or THING, colours are COLORS."""

    tag: str
    data: dict[str, Any]

    def noun(self, shape: str) -> dict[str, str]:
        """All fields of a noun."""
        entry: dict[str, str] = self.data["thing"] if shape == THING else self.data["shapes"][shape]
        return entry

    def color_name(self, color: str) -> str:
        """Citation form of a colour, as an option shows it."""
        return str(self.data["colors"][color]["name"])

    def shape_name(self, shape: str) -> str:
        """Citation form of a shape, as an option shows it."""
        return str(self.noun(shape)["name"])

    def number(self, count: int) -> str:
        """Citation form of a number, 1 to 4."""
        return str(self.data["numbers"][count])

    def cell(self, cell: int) -> str:
        """Citation form of a cell, 0 to 8."""
        return str(self.data["cells"][CELLS[cell]])

    def phrase(self, name: str, shape: str, color: str | None = None) -> str:
        """A noun phrase: `indef` of a red star is "a red star"."""
        return self._fill(self.data["phrases"][name], shape, color, {})

    def sentence(self, name: str, shape: str = THING, color: str | None = None, **words: str) -> str:
        """A question or request; slots {indef}, {def}, ... are phrases about `shape` and `color`."""
        return self._fill(self.data["questions"][name], shape, color, words)

    def count_is(self, count: int) -> str:
        """Whether there are exactly `count` objects, as a question."""
        return str(self.data["questions"]["count_is"][count])

    def row(self, row: str) -> str:
        """A phrase for a row, e.g. "in the top row"."""
        return str(self.data["rows"][row])

    def column(self, column: str) -> str:
        """A phrase for a column, e.g. "in the left column"."""
        return str(self.data["columns"][column])

    def _fill(self, pattern: str, shape: str, color: str | None, words: dict[str, str]) -> str:
        out: list[str] = []
        for literal, slot, _, _ in string.Formatter().parse(pattern):
            out.append(literal)
            if slot is None:
                continue
            head, _, key = slot.partition(".")
            if head == "shape":
                out.append(self._field(self.noun(shape), key, pattern))
            elif head == "color" and color is not None:
                value = self._field(self.data["colors"][color], key, pattern)
                out.append(value[self.noun(shape)["gender"]] if isinstance(value, dict) else value)
            elif head in PHRASES:
                out.append(self.phrase(head, shape, color))
            elif head in words:
                out.append(words[head])
            else:
                raise GrammarError(f"{self.tag}: slot {{{slot}}} of {pattern!r} has no value")
        return "".join(out)

    def _field(self, entry: dict[str, Any], key: str, pattern: str) -> Any:
        if key not in entry:
            raise GrammarError(f"{self.tag}: {pattern!r} needs the field {key!r}, which {entry.get('name')!r} lacks")
        return entry[key]


@cache
def load_grammar(tag: str) -> Grammar:
    """The grammar of a language.

    Raises:
        GrammarError: no such file, or a word is missing in it.
    """
    path = GRAMMAR_DIR / f"{tag}.yaml"
    if not path.is_file():
        raise GrammarError(f"no grammar for {tag!r}: {path} does not exist")
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    wanted = {
        "shapes": SHAPES, "colors": COLORS, "cells": CELLS, "rows": ROWS, "columns": COLUMNS,
        "numbers": (1, 2, 3, 4), "phrases": PHRASES, "questions": QUESTIONS,
    }  # fmt: skip
    for section, names in wanted.items():
        missing = [name for name in names if name not in data.get(section, {})]
        if missing:
            raise GrammarError(f"{path}: {section} lacks {', '.join(map(str, missing))}")
    return Grammar(tag, data)


def languages() -> tuple[str, ...]:
    """Tags of all languages with a grammar, English first, the rest in order."""
    tags = sorted(path.stem for path in GRAMMAR_DIR.glob("*.yaml"))
    return ("en", *(tag for tag in tags if tag != "en"))
