"""The corpus in data/<tag>.yaml: answers, and the reading a person would give of each."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from lrm_eval.types import AnswerKind, Sample

DATA = Path(__file__).parent / "data"
LABELS = ("A", "B", "C", "D")
KINDS: tuple[AnswerKind, ...] = ("yes_no", "option")


class Case(NamedTuple):
    """One answer. `expected` is the value, or the outcome where nothing is to be read."""

    tag: str
    kind: AnswerKind
    expected: str
    text: str

    @property
    def sample(self) -> Sample:
        """The question that was answered."""
        return sample(self.tag, self.kind)


@cache
def sample(tag: str, kind: AnswerKind) -> Sample:
    """The question of a language's file."""
    file = _files()[tag]
    options = tuple(file["options"]) if kind == "option" else ()
    question = file["question"] if kind != "option" else ""
    return Sample("1", "t", tag, kind, question, gold="", options=options, labels=LABELS[: len(options)])


@cache
def cases() -> tuple[Case, ...]:
    """All cases of all languages, in the order of the files."""
    return tuple(
        Case(tag, kind, expected, text)
        for tag, file in _files().items()
        for kind in KINDS
        for expected, texts in file[kind].items()
        for text in texts
    )


@cache
def _files() -> dict[str, dict[str, Any]]:
    # PyYAML built without libyaml lacks the fast loader.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return {
        path.stem: yaml.load(path.read_text(encoding="utf-8"), Loader=loader) for path in sorted(DATA.glob("*.yaml"))
    }
