"""Every case of the corpus in data/<tag>.yaml gets the reading a person would give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from lrm_eval.answers import read_multilingual
from lrm_eval.languages import all_languages
from lrm_eval.types import OUTCOMES, AnswerKind, Sample

DATA = Path(__file__).parent / "data"
LABELS = ("A", "B", "C", "D")


def _file(tag: str) -> dict[str, Any]:
    loaded = yaml.safe_load((DATA / f"{tag}.yaml").read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def _sample(tag: str, kind: AnswerKind, file: dict[str, Any]) -> Sample:
    options = tuple(file["options"]) if kind == "option" else ()
    question = file["question"] if kind == "yes_no" else ""
    return Sample("1", "t", tag, kind, question, gold="", options=options, labels=LABELS[: len(options)])


def _cases() -> list[tuple[str, AnswerKind, str, str]]:
    kinds: tuple[AnswerKind, ...] = ("yes_no", "option")
    return [
        (path.stem, kind, expected, text)
        for path in sorted(DATA.glob("*.yaml"))
        for kind in kinds
        for expected, texts in _file(path.stem)[kind].items()
        for text in texts
    ]


@pytest.mark.parametrize(("tag", "kind", "expected", "text"), _cases())
def test_a_person_would_read_it_so(tag: str, kind: AnswerKind, expected: str, text: str) -> None:
    reading = read_multilingual(_sample(tag, kind, _file(tag)), text, "stop")
    got = reading.value if reading.value is not None else reading.outcome
    assert got == expected, reading
    assert (reading.outcome == "read") == (reading.value is not None)


@pytest.mark.parametrize("language", [language.tag for language in all_languages()])
def test_corpus_has_enough_patterns_of_every_language(language: str) -> None:
    cases = [case for case in _cases() if case[0] == language]
    paper_and_african = language in ["en", "cs", "de", "fr", "hr", "it", "ro", "ru", "es", "zh", "sw", "am"]
    assert len({case[1:] for case in cases}) >= (50 if paper_and_african else 10)
    assert len({case[1:] for case in cases}) == len(cases), "a case stands there twice"
    nothing = [case for case in cases if case[2] in OUTCOMES]
    assert len(nothing) >= 5
