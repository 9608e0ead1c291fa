"""What must survive a translation, glossaries, signs that a translator went wrong, and what a build will cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lrm_eval.errors import UsageError
from lrm_eval.languages import get
from lrm_eval.remote.price import Price, price_of
from lrm_eval.translation import problems, protect, signs
from lrm_eval.translation.build import Job, Plan
from lrm_eval.translation.estimate import duration, estimate, shown
from lrm_eval.translation.glossary import Entry, Glossary, read_glossary

if TYPE_CHECKING:
    from pathlib import Path

SW, HR, ZH, RU, TH = (get(tag) for tag in ("sw", "hr", "zh", "ru", "th"))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("In <image>, solve $x^2=4$.", ["<image>", "$x^2=4$"]),
        ('Does the sign say "STOP & GO"?', ['"STOP & GO"']),
        ("Is the word in the logo 'angie's'?", ["'angie's'"]),
        ("Is the dog's owner's hat red?", []),
        ("Is point B left of point A?", ["B", "A"]),
        ("A dog or a cat? I see both.", []),
        ("Which option (A) or C is right?", ["A", "C"]),
        ("What is Vitamin C for?", ["C"]),
        ("Is this U.S. territory?", []),
        ("See https://example.org/A?b=B now", ["https://example.org/A?b=B"]),
        ("“Hello” and «salut»", ["“Hello”", "«salut»"]),
    ],
)
def test_spans_that_must_stay(text: str, kept: list[str]) -> None:
    assert [text[span.start : span.end] for span in protect.spans(text)] == kept


def test_names_and_numbers_are_spans_where_asked_for_and_outer_ones_win() -> None:
    text = 'Is Tom Hanks, 68, in "Tom Hanks 2"?'
    found = protect.spans(text, ("Tom Hanks",), numbers=True)
    assert [text[span.start : span.end] for span in found] == ["Tom Hanks", "68", '"Tom Hanks 2"']
    assert "".join(part for part, _ in protect.pieces(text, found)) == text


@pytest.mark.parametrize(
    ("source", "translation", "language", "check"),
    [
        ('Does it say "STOP"?', 'Je, inasema "SIMAMA"?', SW, "quoted"),
        ("Is point B red?", "Je, nukta ni nyekundu?", SW, "letters"),
        ("Is point B red?", "Точка В красная?", RU, "letters"),  # a Cyrillic look-alike
        ("What is it?", "Ni nini nini nini nini nini nini nini?", SW, "loop"),
        ("What is it?", "这是狗这是狗这是狗这是狗这是狗", ZH, "loop"),
        ("What is it?", "Here is the translation: Ni nini?", SW, "refusal"),
        ("What is it?", "Ni nini?\nNote: informal.", SW, "refusal"),
        ("What is it?", "Ni nini?\n\nPlease let me know if you need any further assistance.", SW, "refusal"),
        ("What is it?", "Å to je to?".encode().decode("latin-1"), HR, "characters"),
        ("The big dog sits near the old red house over there.", "Ni", SW, "length"),
        ("What is the man with the red hat doing here?", "Što radi man with the red hat ovdje?", HR, "untranslated"),
        ("How many people are there in the picture?", "¿Cuántas personas hay en esta imagen de aquí?", SW, "language"),
    ],
)
def test_signs_that_a_translator_went_wrong(source: str, translation: str, language: object, check: str) -> None:
    assert check in {item.check for item in problems.find(source, translation, language, True)}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "translation", "language"),
    [
        ('Does it say "STOP"?', "Je, inasema «STOP»?", SW),
        ("Is point B red?", "B点是红色的吗？", ZH),
        ("Is it red, red, red, red, red?", "Je, ni nyekundu, nyekundu, nyekundu, nyekundu, nyekundu?", SW),
        ("A dog.", "Mbwa.", SW),
        ("Note: look at the dog.", "Kumbuka: mwangalie mbwa.", SW),
        ("Where is it?", "อยู่ที่ไหน", TH),
        ("Is Tom Hanks in it?", "Je, Tom Hanks yumo?", SW),
    ],
)
def test_good_translations_have_none(source: str, translation: str, language: object) -> None:
    assert not problems.find(source, translation, language, True)  # type: ignore[arg-type]


def test_a_glossary_is_kept_to_in_any_inflected_form() -> None:
    terms = Glossary((Entry("dog", "pas"), Entry("Tom Hanks", "Tom Hanks"), Entry("triangle", "trokut")))
    found = problems.find("Is the triangle near Tom Hanks?", "Je li trokutu blizu Tom Hanks?", HR, True, terms)
    assert not found
    found = problems.find("Is the triangle near Tom Hanks?", "Je li kvadrat blizu Toma Henksa?", HR, True, terms)
    assert {item.detail for item in found} == {
        "'triangle' should be 'trokut', which is not there",
        "the name 'Tom Hanks' is not there",
    }
    assert [entry.source for entry in terms.matching("Two hotdogs")] == []


def test_a_glossary_is_read_with_its_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "terms.csv"
    path.write_text("source,translation\ndog,mbwa\nTom Hanks,\n", encoding="utf-8")
    terms = read_glossary(path)
    assert terms.names == ("Tom Hanks",)
    assert (terms.whole("DOG"), terms.whole("a dog")) == ("mbwa", None)
    path.write_text("source,translation\ndog,mbwa\nDog,jibwa\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"terms\.csv:3: 'Dog' has two translations: 'mbwa' and 'jibwa'"):
        read_glossary(path)
    path.write_text("term,translation\ndog,mbwa\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"terms\.csv:2: no column 'source'"):
        read_glossary(path)


def test_mojibake_is_told_from_accents() -> None:
    assert signs.mojibake("Ã©lÃ©phant") == "éléphant"
    assert signs.mojibake("éléphant à côté") is None


def plan_of(texts: int, characters: int) -> Plan:
    jobs = tuple(Job(("x" * characters,), frozenset({str(n)}), frozenset()) for n in range(texts))
    return Plan((), {}, jobs, texts, 0)


def test_cost_and_time_before_anything_is_sent() -> None:
    google = estimate(plan_of(100, 1000), Price("characters", 20.0, source="list"), 0, 4, None, 0.5)
    assert (google.low, google.high) == (2.0, 2.0)
    assert shown(google) == "about $2.00 (list); about 12 s (assumed, measured as it goes)"
    # 100 calls of 1,000 characters and a prompt of 600: 40,000 tokens sent, 25,000 to 100,000 received.
    chat = estimate(plan_of(100, 1000), price_of("0.5,2", Price("tokens")), 600, 1, 3.0, 2.0)
    assert [chat.low, chat.high] == pytest.approx([0.07, 0.22])
    assert shown(chat) == "about $0.07 to $0.22 (--price); about 5 min (as measured before)"
    assert "cost not known" in shown(estimate(plan_of(1, 1), Price("tokens"), 0, 1, None, 2.0))
    assert shown(estimate(plan_of(2, 1), Price("free"), 0, 1, None, 5.0)).startswith("no charge")
    assert shown(estimate(plan_of(0, 1), Price("free"), 0, 1, None, 5.0)) == "nothing to send"
    assert [duration(seconds) for seconds in (0.2, 600, 7200)] == ["1 s", "10 min", "2.0 h"]


@pytest.mark.parametrize("text", ["free", "-1", "1,2,3", ""])
def test_a_price_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--price"):
        price_of(text, Price("tokens"))
