"""Every case of the corpus in data/<tag>.yaml gets the reading a person would give."""

from __future__ import annotations

import pytest
from answer_corpus import KINDS, cases

from lrm_eval.answers import read_multilingual
from lrm_eval.languages import all_languages
from lrm_eval.types import OUTCOMES, AnswerKind

TAGS = [language.tag for language in all_languages()]
TWELVE = {"en", "cs", "de", "fr", "hr", "it", "ro", "ru", "es", "zh", "sw", "am"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tag", TAGS)
def test_answers_are_read_as_a_person_would(tag: str, kind: AnswerKind) -> None:
    wrong = []
    for case in cases():
        if (case.tag, case.kind) == (tag, kind):
            reading = read_multilingual(case.sample, case.text, "stop")
            assert (reading.outcome == "read") == (reading.value is not None)
            if (reading.value or reading.outcome) != case.expected:
                wrong.append((case.text, case.expected, reading.value or reading.outcome, reading.rule))
    assert wrong == []


@pytest.mark.parametrize("tag", TAGS)
def test_corpus_has_enough_patterns_of_every_language(tag: str) -> None:
    ours = [case for case in cases() if case.tag == tag]
    # At least 25 patterns for each of the twelve and 10 for each other language; these are more.
    assert len({case.text for case in ours}) >= (70 if tag in TWELVE else 45)
    nothing = [case for case in ours if case.expected in OUTCOMES]
    assert len(nothing) >= 10
    assert {case.expected for case in ours} >= {"yes", "no", *"ABCD", "unparsed", "refusal"}


def test_corpus_is_large_and_no_case_stands_there_twice() -> None:
    assert len(set(cases())) == len(cases()) >= 1500
