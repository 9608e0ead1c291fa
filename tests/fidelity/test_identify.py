from __future__ import annotations

import subprocess
import sys

import pytest

from lrm_eval.errors import UsageError
from lrm_eval.fidelity import answer_language, with_language
from lrm_eval.languages import all_languages
from lrm_eval.types import Reading, Response, Sample

# Sentences of our own, one a language, about pictures.
SENTENCES = {
    "sw": "Kuna mbwa mkubwa karibu na nyumba.",
    "de": "Ein großer Hund sitzt neben dem Haus.",
    "fr": "Un grand chien est assis près de la maison.",
    "es": "Un perro grande está sentado junto a la casa.",
    "it": "Un grande cane è seduto vicino alla casa.",
    "cs": "Velký pes sedí vedle domu na zahradě.",
    "hr": "Veliki pas sjedi pokraj kuće u vrtu.",
    "ro": "Un câine mare stă lângă casă în grădină.",
    "ru": "Большая собака сидит возле дома в саду.",
    "am": "ትልቅ ውሻ ከቤቱ አጠገብ ተቀምጧል።",
    "zh": "一只大狗坐在房子旁边。",
    "ja": "大きな犬が家のそばに座っています。",
    "ko": "큰 개가 집 옆에 앉아 있습니다.",
    "yo": "Ajá ńlá kan jókòó sí ẹ̀gbẹ́ ilé náà.",
    "ha": "Akwai babban kare a kusa da gidan nan.",
    "zu": "Kukhona inja enkulu eduze kwendlu yethu.",
    "en": "A large dog sits next to the house.",
}


@pytest.mark.parametrize("tag", SENTENCES)
def test_a_sentence_in_the_language_asked_for_passes(tag: str) -> None:
    assert answer_language(SENTENCES[tag], tag) == tag


@pytest.mark.parametrize("tag", [tag for tag in SENTENCES if tag != "en"])
def test_an_english_sentence_is_caught_in_every_language(tag: str) -> None:
    assert answer_language(SENTENCES["en"], tag) == "en"


@pytest.mark.parametrize("tag", [tag for tag in SENTENCES if tag != "en"])
def test_another_language_is_caught_when_english_was_asked_for(tag: str) -> None:
    assert answer_language(SENTENCES[tag], "en") == tag


@pytest.mark.parametrize(
    ("text", "asked", "language"),
    [
        ("Ndiyo", "sw", "sw"),
        ("Hapana.", "sw", "sw"),
        ("Yes", "sw", "en"),
        ("**No**", "am", "en"),
        ("አዎ", "am", "am"),
        ("Да", "ru", "ru"),
        ("nein", "sw", "de"),
        ("yes", "en", "en"),
    ],
)
def test_answer_words_are_judged_alone(text: str, asked: str, language: str) -> None:
    assert answer_language(text, asked) == language


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("A", "sw"),
        ("(B)", "am"),
        ("3", "de"),
        ("", "de"),
        ("…", "zh"),
        ("🙂", "zh"),
        ("No", "es"),  # Spanish and English
        ("Paris", "fr"),  # a name
        ("是 (Yes)", "zh"),  # a gloss: more Latin letters than Han, one word of each
        ("NBA", "am"),  # an abbreviation in an answer of another script
        ("red ball", "sw"),  # too short to tell
        ("犬", "ja"),  # Chinese too
        ("собака", "ru"),  # Cyrillic is not Russian
        ("कुत्ता", "mr"),  # Devanagari is not Marathi
        ("प्रत्येक व्यक्ति", "hi"),  # two words, of many letters and marks
        ("cha", "sw"),  # no in Zulu, a preposition here
    ],
)
def test_what_cannot_be_known_is_not_judged(text: str, asked: str) -> None:
    assert answer_language(text, asked) is None


@pytest.mark.parametrize(("text", "asked"), [("ውሻ", "am"), ("개", "ko"), ("หมา", "th"), ("σκύλος", "el"), ("狗", "zh")])
def test_one_word_is_enough_in_a_script_that_no_other_language_of_the_registry_uses(text: str, asked: str) -> None:
    assert answer_language(text, asked) == asked


def test_letters_of_another_script_are_another_language_even_if_it_has_no_name() -> None:
    assert answer_language("xqzt wvbn plkj", "am") == "und-Latn"


def test_names_and_units_in_another_script_do_not_turn_an_answer() -> None:
    assert answer_language("На фото изображён Boeing 747 в аэропорту", "ru") == "ru"


def test_one_line_in_another_language_is_enough() -> None:
    assert answer_language(f"{SENTENCES['sw']}\n{SENTENCES['en']}", "sw") == "en"
    assert answer_language(f"{SENTENCES['sw']}\nA\n\n3", "sw") == "sw"


def test_reasoning_is_no_part_of_the_answer() -> None:
    assert answer_language(f"<think>{SENTENCES['en']}</think>Ndiyo", "sw") == "sw"


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Velik pas sedi pored kuće u vrtu.", "hr"),  # Serbian in Latin letters
        ("Seekor anjing besar duduk dekat rumah itu.", "ms"),
    ],
)
def test_languages_that_are_hardly_told_apart_count_as_the_one_asked_for(text: str, asked: str) -> None:
    assert answer_language(text, asked) == asked


def test_capitals_and_width_change_nothing() -> None:
    assert answer_language("YES", "sw") == "en"
    assert answer_language("Ｙｅｓ", "sw") == "en"


def test_every_language_passes_its_own_answer_words() -> None:
    for language in all_languages():
        for word in (language.yes[0], language.no[0]):
            assert answer_language(word, language.tag) in (language.tag, None), (language.tag, word)


def test_an_unknown_language_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="unknown language 'klingon'"):
        answer_language("a few words here", "klingon")


@pytest.mark.parametrize("text", ["\x00", "\ud800", "A\u202eB", "a" * 5000, "\u0301", "\n\n", "½ ² ①"])
def test_no_text_is_too_strange(text: str) -> None:
    answer_language(text, "sw")


def read(text: str, *, condition: str = "default", **fields: object) -> str | None:
    sample = Sample("t/1", "mmbench", "sw", "option", "Ni nini?", "A", **fields)  # type: ignore[arg-type]
    reading = Reading("A", "letter", "read", "sw")
    return with_language(reading, sample, Response("t/1@sw", text), condition).language


def test_a_letter_has_no_language_and_an_option_that_of_the_question() -> None:
    options = {"options": ("mbwa mweusi", "NBA"), "labels": ("A", "B")}
    assert read("A", **options) is None
    assert read("Mbwa mweusi.", **options) == "sw"
    assert read("NBA", **options) is None


def test_what_the_prompt_asks_for_counts() -> None:
    assert read("kabisa hapana", condition="answer=en") != "en"
    assert read("No", condition="answer=en") == "en"
    assert read("Yes", condition="prompt=en") == "en"


def test_an_error_has_no_language() -> None:
    sample = Sample("t/1", "pope", "sw", "yes_no", "?", "yes")
    reading = Reading(None, "error", "error", "sw")
    assert with_language(reading, sample, Response("k", "Ndiyo", "error", error="no")).language is None


def test_short_answers_are_judged_without_the_library() -> None:
    program = (
        "import sys; from lrm_eval.fidelity import answer_language as f\n"
        "print([f(t, a) for t, a in (('Ndiyo','sw'),('Yes','sw'),('A','de'),('red ball','sw'),('ውሻ','am'))],"
        "'py3langid' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['sw', 'en', None, None, 'am'] False"
