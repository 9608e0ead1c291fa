"""What must hold for every answer, whatever it says."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lrm_eval.answers import read_multilingual
from lrm_eval.languages import all_languages
from lrm_eval.types import OUTCOMES, AnswerKind, Reading, Sample

DATA = Path(__file__).parent / "data"
TAGS = [language.tag for language in all_languages()]
FILES = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(DATA.glob("*.yaml"))}
CASES = [
    (tag, kind, text)
    for tag, file in FILES.items()
    for kind in ("yes_no", "option")
    for texts in file[kind].values()
    for text in texts
]
KINDS: tuple[AnswerKind, ...] = ("yes_no", "option", "text")
AROUND = st.text(
    alphabet=" \t\n\r.,;:!?…'\"()[]{}«»„“”‘’*_#`~-–—/|。，、！？「」（）።፣፤؟،"
    "\u200e\u200f\u202a\u202c\u2067\u2069\u200b\ufeff",
    max_size=6,
)
PIECES = [*"ABCDabcdАВС②ለሀБ :()'-\n\ud800", ". ", ", ", "yes", "no", "ndiyo", "не", "没有", "is", "answer"]


def _sample(tag: str, kind: AnswerKind) -> Sample:
    file = FILES[tag]
    options = tuple(file["options"]) if kind == "option" else ()
    return Sample("1", "t", tag, kind, file["question"], "", options=options, labels=tuple("ABCD")[: len(options)])


def _meaning(reading: Reading) -> tuple[str | None, str]:
    return reading.value, reading.outcome


@settings(max_examples=1500, deadline=None)
@given(case=st.sampled_from(CASES), before=AROUND, after=AROUND)
def test_punctuation_space_and_marks_around_an_answer_change_nothing(
    case: tuple[str, AnswerKind, str], before: str, after: str
) -> None:
    tag, kind, text = case
    sample = _sample(tag, kind)
    assert _meaning(read_multilingual(sample, before + text + after)) == _meaning(read_multilingual(sample, text))


@settings(max_examples=400, deadline=None)
@given(case=st.sampled_from(CASES), data=st.data())
def test_a_bidi_mark_anywhere_changes_nothing(case: tuple[str, AnswerKind, str], data: st.DataObject) -> None:
    tag, kind, text = case
    place = data.draw(st.integers(0, len(text)))
    mark = data.draw(st.sampled_from("\u200e\u200f\u202b\u2068\u2069\u200b\ufeff"))
    sample = _sample(tag, kind)
    marked = text[:place] + mark + text[place:]
    # Inside <think> the mark would break the tag, which is not what a bidi mark does in real answers.
    if "think" not in text:
        assert _meaning(read_multilingual(sample, marked)) == _meaning(read_multilingual(sample, text))


@settings(max_examples=300, deadline=None)
@given(case=st.sampled_from(CASES), form=st.sampled_from(["NFC", "NFD", "NFKC"]))
def test_unicode_form_changes_nothing(case: tuple[str, AnswerKind, str], form: str) -> None:
    tag, kind, text = case
    sample = _sample(tag, kind)
    again = unicodedata.normalize(form, text)  # type: ignore[arg-type]
    if form == "NFKC" and any(char in text for char in "②①Ⓑ"):
        return  # ② becomes a plain 2, which is no label
    assert _meaning(read_multilingual(sample, again)) == _meaning(read_multilingual(sample, text))


@settings(max_examples=1500, deadline=None)
@given(text=st.text(max_size=60), tag=st.sampled_from(TAGS), kind=st.sampled_from(KINDS))
def test_any_unicode_is_read_without_a_crash(text: str, tag: str, kind: AnswerKind) -> None:
    reading = read_multilingual(_sample(tag, kind), text)
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
    value = read_multilingual(_sample(tag, kind), "".join(pieces)).value
    if kind != "text":
        assert value in ({"yes", "no", None} if kind == "yes_no" else {*"ABCD", None})


@settings(max_examples=200, deadline=None)
@given(case=st.sampled_from(CASES), finish=st.sampled_from(["stop", "length"]))
def test_truncation_changes_the_outcome_of_unread_answers_only(case: tuple[str, AnswerKind, str], finish: str) -> None:
    tag, kind, text = case
    whole = read_multilingual(_sample(tag, kind), text, "stop")
    cut = read_multilingual(_sample(tag, kind), text, "length")
    assert cut.value == whole.value
    assert cut.outcome == ("truncated" if whole.outcome in ("unparsed", "empty") else whole.outcome)
