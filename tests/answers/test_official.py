"""The rules of the official parsers, each with the example that the notes on the programs give for it."""

from __future__ import annotations

import pytest

from lrm_eval.answers.official import can_infer, mme_answer, pope_answer, read_official
from lrm_eval.errors import UsageError
from lrm_eval.types import Sample

ANIMALS = {"A": "teddy bear", "B": "rabbit", "C": "cat", "D": "dog"}


def _question(options: tuple[str, ...] = ("teddy bear", "rabbit", "cat", "dog"), labels: str = "ABCD") -> Sample:
    return Sample("x/1", "x", "en", "option", "Which?", labels[0], options=options, labels=tuple(labels))


YES_NO = Sample("x/1", "x", "en", "yes_no", "Is it?", "yes")


@pytest.mark.parametrize("text", ["Yes", "YES", "Yes and no", "yes, it is", " yes", "\nyes"])
def test_mme_reads_yes_in_the_first_four_characters(text: str) -> None:
    assert mme_answer(text) == "yes"


@pytest.mark.parametrize("text", ["no", "No.", "\nno", "None", "Nope", "Not", "know", "snow", "noon", "Non"])
def test_mme_takes_any_no_in_the_first_four_characters_for_no(text: str) -> None:
    assert mme_answer(text) == "no"


@pytest.mark.parametrize(
    "text", ["", "  yes", "There is no dog", "the answer is yes", "y", "n", "Hapana", "ndiyo", "አዎ"]
)
def test_mme_calls_everything_else_other(text: str) -> None:
    assert mme_answer(text) == "other"


@pytest.mark.parametrize(
    "text", ["No", "no", "no.", "No, there is not", "There is not a dog.", "I see no dog", "Si, no"]
)
def test_pope_finds_no_and_not_as_words_of_the_first_sentence(text: str) -> None:
    assert pope_answer(text) == "no"


@pytest.mark.parametrize(
    "text",
    [
        "NO",
        "Not",
        "NOT",
        "Nope",
        "None",
        "no\n",
        "no!",
        "(no)",
        "'No'",
        "No\tYes",
        "",
        "hapana",
        "いいえ",
        "нет",
        "አይ",
        "Nein",
    ],
)
def test_pope_calls_everything_without_that_word_yes(text: str) -> None:
    assert pope_answer(text) == "yes"


def test_pope_reads_nothing_after_the_first_full_stop() -> None:
    assert pope_answer("It is hard to say. No dog.") == "yes"
    assert pope_answer(". no") == "yes"


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        ("(C)", "C"),
        ("The correct answer is **B**.", "B"),
        ("答案:B", "B"),
        ("Jibu ni B", "B"),
        ("መልሱ B ነው", "B"),
        ("A dog is in the picture", "A"),  # 2024-08; the 2026 version reads D
        ("a cute teddy bear", "A"),  # by text
        ("B B", "B"),
        ("A cat or B", "C"),  # two letters, so the text decides
    ],
)
def test_can_infer_reads_a_lone_letter_or_a_lone_option_text(text: str, letter: str) -> None:
    assert can_infer(text, ANIMALS) == letter


@pytest.mark.parametrize(
    "text", ["b", "A and B", "答案是B", "B。", "Ｂ", "В", "Β", "It is a cat or dog", "", "'A'", "A-", "paka"]
)
def test_can_infer_leaves_everything_else_unread(text: str) -> None:
    assert can_infer(text, ANIMALS) is None


@pytest.mark.parametrize(
    "text",
    [
        "Z",
        "Z.",
        "Cannot determine the answer",
        "Sorry, I can't help with images of people yet. B",
        "I can't process this file.",
        "I'm sorry, but without the image provided",
    ],
)
def test_can_infer_calls_refusals_z(text: str) -> None:
    assert can_infer(text, ANIMALS) == "Z"


def test_an_api_failure_is_read_by_option_text_only() -> None:
    assert can_infer("Failed to obtain answer via API B", ANIMALS) is None
    assert can_infer("Failed to obtain answer via API: rabbit", ANIMALS) == "B"


def test_the_letter_z_is_an_option_where_there_are_26() -> None:
    choices = {letter: f"option {number}" for number, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ")}
    sample = _question(tuple(choices.values()), "".join(choices))
    assert read_official("mmbench", sample, "Z").value == "Z"
    assert read_official("mmbench", sample, "Z").rule == "can_infer:letter"


@pytest.mark.parametrize("text", ["A", "B", "C", "D"])
def test_seedbench_takes_the_exact_letter(text: str) -> None:
    assert read_official("seedbench", _question(), text).value == text


@pytest.mark.parametrize("text", ["a", "A.", "(A)", " A", "A\n", "The answer is A", "E", "", "AB"])
def test_seedbench_takes_nothing_but_the_exact_letter(text: str) -> None:
    reading = read_official("seedbench", _question(), text)
    assert (reading.value, reading.outcome) == (None, "unparsed")


@pytest.mark.parametrize("benchmark", ["seedbench", "mmbench"])
def test_a_latin_letter_means_the_label_shown_in_its_place(benchmark: str) -> None:
    sample = _question(labels="АБВГ")
    assert read_official(benchmark, sample, "B").value == "Б"
    assert read_official(benchmark, sample, "Б").value is None


def test_a_letter_beyond_the_options_is_not_read() -> None:
    assert read_official("mmbench", _question(("x1", "x2"), "AB"), "C").value is None


@pytest.mark.parametrize("benchmark", ["mme", "pope", "seedbench", "mmbench"])
def test_read_is_the_outcome_exactly_where_there_is_a_value(benchmark: str) -> None:
    sample = YES_NO if benchmark in ("mme", "pope") else _question()
    for text in ("yes", "no", "B", "", "Hapana", "Z", "x"):
        reading = read_official(benchmark, sample, text)
        assert (reading.outcome == "read") == (reading.value is not None)


def test_an_unknown_benchmark_is_named_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="'mmbench'"):
        read_official("mmbanch", YES_NO, "yes")
