"""What must hold for every answer, whatever it says."""

from __future__ import annotations

import unicodedata
from typing import Literal

from answer_corpus import Case, cases, sample
from hypothesis import given, settings
from hypothesis import strategies as st

from lrm_eval.answers import read_multilingual
from lrm_eval.languages import all_languages
from lrm_eval.types import OUTCOMES, AnswerKind, FinishReason, Reading

TAGS = [language.tag for language in all_languages()]
CASES = cases()
KINDS: tuple[AnswerKind, ...] = ("yes_no", "option", "text")
AROUND = st.text(
    alphabet=" \t\n\r.,:!…'\"()[]{}«»„“”‘’*_#`~-–—/|。，、！「」（）።፣፤،"
    "\u200e\u200f\u202a\u202c\u2067\u2069\u200b\ufeff",
    max_size=6,
)
FINISHES: st.SearchStrategy[FinishReason] = st.sampled_from(["stop", "length"])
PIECES = [*"ABCDabcdАВС②ለሀБ :()'-\n\ud800", ". ", ", ", "yes", "no", "ndiyo", "не", "没有", "is", "answer"]


def _meaning(reading: Reading) -> tuple[str | None, str]:
    return reading.value, reading.outcome


def _read(case: Case, text: str | None = None) -> tuple[str | None, str]:
    return _meaning(read_multilingual(case.sample, case.text if text is None else text))


@settings(max_examples=1500, deadline=None)
@given(case=st.sampled_from(CASES), before=AROUND, after=AROUND)
def test_punctuation_space_and_marks_around_an_answer_change_nothing(case: Case, before: str, after: str) -> None:
    assert _read(case, before + case.text + after) == _read(case)


@settings(max_examples=400, deadline=None)
@given(case=st.sampled_from(CASES), after=st.text(alphabet=" ?？؟;!.\u200f", max_size=4))
def test_a_question_mark_unsays_a_statement_and_changes_nothing_else(case: Case, after: str) -> None:
    # "Hay un perro en la imagen" says yes and with a question mark (Greek: a semicolon) says nothing.
    plain = read_multilingual(case.sample, case.text)
    asked = read_multilingual(case.sample, case.text + after)
    stated = plain.rule == "echo" or plain.rule.startswith("affirmed:")
    assert _meaning(asked) == _meaning(plain) or (stated and asked.value is None)


@settings(max_examples=400, deadline=None)
@given(case=st.sampled_from(CASES), space=st.sampled_from(["  ", "\t", "\u00a0", "\u3000", " \u200f", "\u200b \ufeff"]))
def test_other_or_more_space_between_words_changes_nothing(case: Case, space: str) -> None:
    assert _read(case, case.text.replace(" ", space)) == _read(case)


@settings(max_examples=400, deadline=None)
@given(case=st.sampled_from(CASES), data=st.data())
def test_a_bidi_mark_anywhere_changes_nothing(case: Case, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(case.text)))
    mark = data.draw(st.sampled_from("\u200e\u200f\u202b\u2068\u2069\u200b\ufeff"))
    # Inside <think> the mark would break the tag, which is not what a bidi mark does in real answers.
    if "think" not in case.text:
        assert _read(case, case.text[:place] + mark + case.text[place:]) == _read(case)


@settings(max_examples=400, deadline=None)
@given(case=st.sampled_from(CASES), form=st.sampled_from(["NFC", "NFD", "NFKC"]))
def test_unicode_form_changes_nothing(case: Case, form: Literal["NFC", "NFD", "NFKC"]) -> None:
    if form == "NFKC" and any(char.isdigit() and not char.isdecimal() for char in case.text):
        return  # ② becomes a plain 2, which is no label
    assert _read(case, unicodedata.normalize(form, case.text)) == _read(case)


@settings(max_examples=1500, deadline=None)
@given(text=st.text(max_size=60), tag=st.sampled_from(TAGS), kind=st.sampled_from(KINDS))
def test_any_unicode_is_read_without_a_crash(text: str, tag: str, kind: AnswerKind) -> None:
    reading = read_multilingual(sample(tag, kind), text)
    assert (reading.outcome == "read") == (reading.value is not None)
    assert reading.outcome in OUTCOMES


@settings(max_examples=600, deadline=None)
@given(
    pieces=st.lists(st.sampled_from(PIECES), max_size=12),
    tag=st.sampled_from(TAGS),
    kind=st.sampled_from(KINDS),
)
def test_mixtures_of_answer_parts_never_crash_and_give_shown_labels_only(
    pieces: list[str], tag: str, kind: AnswerKind
) -> None:
    value = read_multilingual(sample(tag, kind), "".join(pieces)).value
    if kind != "text":
        assert value in ({"yes", "no", None} if kind == "yes_no" else {*"ABCD", None})


@settings(max_examples=200, deadline=None)
@given(case=st.sampled_from(CASES), finish=FINISHES)
def test_truncation_changes_the_outcome_of_unread_answers_only(case: Case, finish: FinishReason) -> None:
    whole = read_multilingual(case.sample, case.text, "stop")
    cut = read_multilingual(case.sample, case.text, finish)
    assert cut.value == whole.value
    unread = finish == "length" and whole.outcome in ("unparsed", "empty")
    assert cut.outcome == ("truncated" if unread else whole.outcome)
