"""Behaviours of read() and read_multilingual that do not belong to one language."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from lrm_eval.answers import read, read_multilingual
from lrm_eval.errors import UsageError
from lrm_eval.languages import all_languages
from lrm_eval.types import Response, Sample

ABCD = ("A", "B", "C", "D")
ANIMALS = ("teddy bear", "rabbit", "cat", "dog")


def yes_no(language: str = "en", question: str = "") -> Sample:
    return Sample("1", "pope", language, "yes_no", question, "yes")


def option(language: str = "en", labels: tuple[str, ...] = ABCD, options: tuple[str, ...] = ANIMALS) -> Sample:
    return Sample("1", "mmbench", language, "option", "", labels[0], options=options, labels=labels)


def value(sample: Sample, text: str) -> str | None:
    return read_multilingual(sample, text).value


def test_rule_names_the_word_that_was_read() -> None:
    assert read_multilingual(yes_no("sw"), "Ndiyo.").rule == "lexicon:ndiyo"
    assert read_multilingual(yes_no("sw"), "Ndiyo.").language == "sw"


def test_rule_and_language_say_that_english_was_read_in_another_language() -> None:
    reading = read_multilingual(yes_no("sw"), "Yes.")
    assert (reading.value, reading.rule, reading.language) == ("yes", "lexicon-en:yes", "en")


def test_rule_names_the_marker() -> None:
    assert read_multilingual(option("sw"), "Jibu ni C.").rule == "marker:jibu"


def test_letter_has_no_language() -> None:
    assert read_multilingual(option("sw"), "C").language is None


def test_last_marker_wins() -> None:
    assert value(option(), "Answer: A. Hmm, no. Answer: C") == "C"
    assert value(yes_no(), "The answer is no. Looking again, the answer is yes.") == "yes"


def test_czech_no_is_not_english_no() -> None:
    assert value(yes_no("cs"), "No") is None
    assert value(yes_no("de"), "No") == "no"


def test_cyrillic_ve_is_b_where_latin_letters_were_shown() -> None:
    reading = read_multilingual(option("ru"), "В")
    assert (reading.value, reading.rule) == ("B", "lookalike:В")


def test_cyrillic_ve_is_third_where_cyrillic_letters_were_shown() -> None:
    sample = option("ru", labels=("А", "Б", "В", "Г"))
    assert value(sample, "В") == "В"
    assert value(sample, "Ответ: в)") == "В"


def test_latin_letter_for_cyrillic_labels_is_read_by_place_only_if_it_looks_like_no_other() -> None:
    sample = option("ru", labels=("А", "Б", "В", "Г"))
    assert value(sample, "A") == "А"
    assert value(sample, "D") == "Г"
    # B is the second Latin letter and looks like the third Cyrillic one.
    assert value(sample, "B") is None


def test_native_letters_shown_are_read() -> None:
    sample = option("am", labels=("ሀ", "ለ", "ሐ", "መ"))
    assert value(sample, "መልሱ ሐ ነው") == "ሐ"
    assert value(sample, "ሐ") == "ሐ"


def test_native_letter_is_not_read_beside_a_latin_one() -> None:
    assert value(option("am"), "ለ B C") is None


def test_digit_labels_are_read_in_any_digits() -> None:
    sample = option("am", labels=("1", "2", "3", "4"))
    assert [value(sample, text) for text in ("2", "፪", "②", "２", "መልሱ 2 ነው")] == ["2"] * 5


def test_circled_digit_counts_places_unless_options_are_numbers() -> None:
    assert value(option(), "②") == "B"
    assert value(option(options=("1", "2", "12", "21")), "①") == "A"  # the text "1"
    assert value(option(options=("10", "20", "12", "21")), "①") is None


def test_option_texts_are_matched_as_whole_words_and_longest_first() -> None:
    sample = option(options=("1", "2", "12", "21"))
    assert [value(sample, text) for text in ("1", "2", "12", "21", "There are 12.", "212", "2.5")] == [
        *("A", "B", "C", "D", "C"), None, None,
    ]  # fmt: skip
    assert value(option(options=("red", "dark red", "blue", "green")), "It is dark red.") == "B"


def test_two_options_with_the_same_text_are_not_told_apart() -> None:
    assert value(option(options=("cat", "Cat", "dog", "cow")), "cat") is None


def test_option_that_is_a_yes_is_read_as_an_option() -> None:
    assert value(option(labels=("A", "B"), options=("Yes", "No")), "Yes") == "A"
    assert value(option("es", labels=("A", "B"), options=("Sí", "No")), "No.") == "B"


def test_option_may_say_what_a_refusal_says() -> None:
    sample = option(options=("cat", "dog", "cow", "Cannot be determined"))
    assert value(sample, "Cannot be determined") == "D"
    assert value(sample, "D. Cannot be determined") == "D"


def test_reasoning_is_not_the_answer() -> None:
    assert value(option(), "<think>The answer is A.</think>B") == "B"
    assert value(option(), "The answer is A.</think>\n\nB") == "B"
    assert value(yes_no(), "<think>no no no</think> Yes") == "yes"


def test_cut_reasoning_is_truncated() -> None:
    reading = read_multilingual(option(), "<think>The answer is A or maybe", "length")
    assert (reading.value, reading.outcome) == (None, "truncated")


@pytest.mark.parametrize("text", ["", "  \n", "\u200f\u2069", "...", "\ufeff", "?!"])
def test_nothing_said_is_empty(text: str) -> None:
    assert read_multilingual(yes_no(), text).outcome == "empty"


def test_free_text_is_normalised_and_kept_in_its_case() -> None:
    sample = Sample("1", "xm", "fr", "text", "", "")
    assert value(sample, "  « Un  ｃhat\u200e noir. » ") == "Un chat noir"
    assert read_multilingual(sample, "Je ne peux pas voir l'image.").outcome == "refusal"


def test_denial_counts_only_if_it_is_about_the_question() -> None:
    long = "The text on the old wooden wall is not written in any script"
    assert value(yes_no(question="Is there a dog?"), long) is None
    assert value(yes_no(question="Is the text on the wall in Latin script?"), long) == "no"


def test_language_without_a_file_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="tlh"):
        read_multilingual(yes_no("tlh"), "HIja'")


# read()


@pytest.mark.parametrize("rules", ["official", "multilingual"])
def test_an_error_is_read_as_an_error_under_either_rule_set(rules: str) -> None:
    reading = read("pope", yes_no(), Response("k", error="image cannot be read"), rules)  # type: ignore[arg-type]
    assert (reading.value, reading.outcome) == (None, "error")


def test_multilingual_rules_know_truncated_and_empty() -> None:
    assert read("pope", yes_no(), Response("k", "Well, the", "length"), "multilingual").outcome == "truncated"
    assert read("pope", yes_no(), Response("k", " "), "multilingual").outcome == "empty"


def test_official_pope_reads_native_words_as_yes_and_multilingual_does_not() -> None:
    # POPE's evaluate.py: whatever holds no "no" is a yes (scoring rules, 1.2).
    response = Response("k", "Hapana")
    assert read("pope", yes_no("sw"), response, "official").value == "yes"
    assert read("pope", yes_no("sw"), response, "multilingual").value == "no"


def test_official_option_unread_and_cut_is_truncated() -> None:
    assert read("mmbench", option(), Response("k", "hmm", "length"), "official").outcome == "truncated"


# Answers that other parsers got wrong


@pytest.mark.skipif("LRM_EVAL_REAL_DATA" not in os.environ, reason="LRM_EVAL_REAL_DATA is not set")
def test_every_peer_failure_in_a_known_language_is_read_right() -> None:
    cases = json.loads((Path(os.environ["LRM_EVAL_REAL_DATA"]) / "parser_cases.json").read_text(encoding="utf-8"))
    known = {language.tag for language in all_languages()}
    ours = [case for case in cases if case["lang"] in known]
    assert len(ours) == len(cases) == 44
    wrong = [case for case in ours if value(option(case["lang"]), case["text"]) != case["gold"]]
    assert wrong == []
