"""Planted defects that a text shows hardly or not at all: look-alikes, hidden marks, half sentences, turned senses."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_translation_planted import Rows, change, clean, errors, found

from lrm_eval.languages import get
from lrm_eval.translation import problems
from lrm_eval.translation.audit_order import polarity
from lrm_eval.translation.crossed import against_english, against_second
from lrm_eval.translation.findings import Pair
from lrm_eval.types import Sample

HR = get("hr")


def warned(samples: list[Sample], rows: Rows) -> dict[str, set[str]]:
    by_check: dict[str, set[str]] = {}
    for item in found(samples, rows).findings:
        by_check.setdefault(item.check, set()).add(item.id)
    return by_check


def checks(source: str, translation: str, tag: str = "hr", sentence: bool = True) -> set[tuple[str, bool]]:
    return {(one.check, one.error) for one in problems.find(source, translation, get(tag), sentence)}


@pytest.mark.parametrize(
    ("tag", "text", "check"),
    [
        # Cyrillic а and о among Latin letters, Latin a among Cyrillic ones.
        ("hr", "Koje je bоje pas?", ("script", True)),
        ("ru", "Какого цвета сoбака?", ("script", True)),
        ("el", "Τι χρώμα έχει ο σκύλoς;", ("script", True)),
        # A whole word of look-alikes.
        ("hr", "Koje je boje мост?", ("script", False)),
        # What turns the text after it around, what has no partner, what is only there.
        ("hr", "Koje je boje \u202epas?", ("characters", True)),
        ("ar", "ما لون \u2067الكلب؟", ("characters", True)),
        ("hr", "Koje je boje\u200b pas?", ("characters", False)),
        ("hr", "\u200fKoje je boje pas?", ("characters", False)),
        # What a translator said before it.
        ("hr", "Prijevod: Koje je boje pas?", ("layout", False)),
        ("sw", "Tafsiri ya swali: Mbwa ana rangi gani?", ("layout", False)),
        ("zh", "译文：狗是什么颜色的？", ("layout", False)),
        # Half of it was left in English.
        ("hr", "Koje je boje the pas koji stoji pokraj prozora u kuhinji?", ("untranslated", False)),
        ("am", "What color ነው ውሻው?", ("script", False)),
    ],
)
def test_what_hardly_shows_in_one_text(tag: str, text: str, check: tuple[str, bool]) -> None:
    assert check in checks("What color is the dog? Which color is it?", text, tag)


@pytest.mark.parametrize(
    ("tag", "source", "text"),
    [
        ("ar", "What color is the dog?", "ما لون \u200fالكلب؟"),
        ("fa", "Is the dog visible?", "آیا سگ دیده می\u200cشود؟"),
        ("hi", "Is there a dog?", "क्या कुत्\u200dता है?"),
        ("th", "Is there a dog in the image?", "มีสุนัข\u200bในภาพหรือไม่"),
        ("hr", "What is the value of µ in the β-carotene?", "Kolika je vrijednost µ u β-karotenu?"),
        ("ru", "Which team is FC Bayern München?", "Что это за команда FC Bayern München?"),
        ("fr", "Choose: is it red?", "Choisissez : est-ce rouge ?"),
        ("zh", "Is there a dog in the image?", "图片中有狗吗？"),
        ("nl", "What is the color of the dog?", "Wat is de kleur van de hond?"),
    ],
)
def test_what_belongs_to_writing_is_no_defect(tag: str, source: str, text: str) -> None:
    assert not {"script", "characters", "layout", "untranslated"} & {check for check, _ in checks(source, text, tag)}


def test_an_option_letter_that_was_translated_is_an_error() -> None:
    assert ("letters", True) in checks("B", "Б", "ru", sentence=False)
    assert checks("B", "Ｂ", "ru", sentence=False) == set()
    assert checks("3", "٣", "ar", sentence=False) == set()
    assert ("numbers", True) in checks("3", "8", "hr", sentence=False)


def test_digits_that_changed_in_a_question_are_warned_of() -> None:
    assert ("numbers", False) in checks("Are there 3 dogs in the image?", "Jesu li na slici 8 pasa?")


def test_options_that_differ_by_marks_or_blanks_alone_are_one() -> None:
    samples, rows = clean()
    for text in ("zele\u200bna", "zelena\u00a0", "  Zelena.", "\u200ezelena"):
        options = (text, "zelena", *rows["t/22"].options[2:])
        spoiled = {**rows, "t/22": replace(rows["t/22"], options=options)}
        assert "t/22" in errors(found(samples, spoiled))["merged"], repr(text)


def test_a_question_that_was_negated_is_warned_of() -> None:
    samples, rows = clean()
    negated = change(
        rows, range(50, 52), lambda row, n: replace(row, question=row.question.replace("Koje je", "Koje nije"))
    )
    assert warned(samples, negated)["polarity"] == {"t/50", "t/51"}
    assert "polarity" not in warned(samples, rows)


def test_a_negation_that_was_lost_is_warned_of() -> None:
    samples, rows = clean()
    samples = [
        replace(one, question=one.question.replace("is the", "is not the")) if n in (3, 4) else one
        for n, one in enumerate(samples)
    ]
    rows = change(rows, range(3, 4), lambda row, n: replace(row, question=row.question.replace("Koje je", "Koje nije")))
    assert warned(samples, rows)["polarity"] == {"t/4"}


def test_a_language_that_asks_with_a_negation_is_not_warned_of() -> None:
    samples, rows = clean()
    pairs = [Pair(one, replace(rows[one.id], question=f"Có phải {one.question} không?"), own=True) for one in samples]
    assert polarity(pairs, get("vi")) == []


def test_options_that_changed_places_show_against_another_translation_and_in_english() -> None:
    options = ("an old wooden ship", "a modern steel bridge", "a field of yellow flowers", "two children at play")
    here = ("stari drveni brod", "moderni čelični most", "polje žutog cvijeća", "dvoje djece u igri")
    sample = Sample("t/1", "t", "en", "option", "What is it?", "B", options=options, labels=("A", "B", "C", "D"))
    _, rows = clean()
    row = replace(rows["t/1"], question="Što je to?", options=here)
    swapped = replace(row, options=(here[1], here[0], *here[2:]))
    other = dict(
        zip(
            options, ("star drveni brod", "suvremeni čelični most", "polje žutih cvjetova", "djeca u igri"), strict=True
        )
    )
    assert against_second([Pair(sample, row, own=True)], other) == []
    (finding,) = against_second([Pair(sample, swapped, own=True)], other)
    assert finding.level == "error" and finding.check == "moved"
    assert "in the other translation option B ('a modern steel bridge'), the right one" in finding.detail
    backs = dict(
        zip(
            here, ("old wooden ship", "modern steel bridge", "field of yellow flowers", "two kids playing"), strict=True
        )
    )
    assert against_english([Pair(sample, row, own=True)], backs) == []
    (finding,) = against_english([Pair(sample, swapped, own=True)], backs)
    assert "translated back option B" in finding.detail
