"""Planted defects of whole packs, in a set of many different questions: each is found, and a clean pack has none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lrm_eval.data.packs import PackRow
from lrm_eval.languages import get
from lrm_eval.translation import Audit, audit
from lrm_eval.translation.glossary import Entry, Glossary
from lrm_eval.types import Sample

if TYPE_CHECKING:
    from collections.abc import Callable

Rows = dict[str, PackRow]
HR = get("hr")
# English, Croatian: written for this test.
THINGS = [
    ("dog", "pas"), ("cat", "mačka"), ("house", "kuća"), ("tree", "stablo"), ("car", "auto"), ("table", "stol"),
    ("chair", "stolica"), ("book", "knjiga"), ("bird", "ptica"), ("horse", "konj"), ("boat", "čamac"),
    ("cup", "šalica"),
]  # fmt: skip
COLORS = [("red", "crvena"), ("blue", "plava"), ("green", "zelena"), ("black", "crna")]
PLACES = [
    ("next to the window", "pokraj prozora"), ("in front of the door", "ispred vrata"),
    ("behind the old wall", "iza starog zida"), ("under the bridge", "ispod mosta"), ("on the beach", "na plaži"),
    ("in the garden", "u vrtu"), ("at the station", "na kolodvoru"), ("near the church", "blizu crkve"),
    ("in the kitchen", "u kuhinji"), ("on the roof", "na krovu"),
]  # fmt: skip


def clean() -> tuple[list[Sample], Rows]:
    """120 different questions, four options each, numbers, a quoted text and a placeholder now and then."""
    samples, rows = [], {}
    for number, (thing, place) in enumerate((thing, place) for thing in THINGS for place in PLACES):
        sign = f' with the sign "EXIT {number}"' if number % 3 == 0 else ""
        znak = f' sa znakom "EXIT {number}"' if number % 3 == 0 else ""
        tag = " in <image>" if number % 5 == 0 else ""
        question = f"Which color is the {thing[0]} {place[0]}{sign}{tag}?"
        prijevod = f"Koje je boje {thing[1]} {place[1]}{znak}{tag}?"
        name = f"t/{number}"
        turn = number % 4
        colors = [*COLORS[turn:], *COLORS[:turn]]
        samples.append(
            Sample(
                name, "t", "en", "option", question, "ABCD"[(4 - turn) % 4], options=tuple(one for one, _ in colors),
                labels=("A", "B", "C", "D"), category=place[0], group=name, order=number,
            )
        )  # fmt: skip
        rows[name] = PackRow(name, prijevod, tuple(other for _, other in colors), "", "", f"hr.jsonl:{number + 1}")
    return samples, rows


def found(samples: list[Sample], rows: Rows, **other: object) -> Audit:
    return audit(samples, rows, HR, "hr.jsonl", **other)  # type: ignore[arg-type]


def errors(result: Audit) -> dict[str, set[str]]:
    by_check: dict[str, set[str]] = {}
    for item in result.findings:
        if item.level == "error":
            by_check.setdefault(item.check, set()).add(item.id)
    return by_check


def test_a_clean_pack_has_no_errors_and_hardly_a_warning() -> None:
    result = found(*clean())
    assert errors(result) == {}
    assert result.count("warning") <= 3, result.findings


def change(rows: Rows, numbers: range, how: Callable[[PackRow, int], PackRow]) -> Rows:
    return {**rows, **{f"t/{n}": how(rows[f"t/{n}"], n) for n in numbers}}


def test_one_question_repeated_a_hundred_times() -> None:
    samples, rows = clean()
    result = found(samples, change(rows, range(10, 110), lambda row, n: replace(row, question=rows["t/7"].question)))
    assert "repeated" in errors(result)
    assert result.multiplicity == (1, 101)


def test_an_untranslated_block() -> None:
    samples, rows = clean()
    result = found(samples, change(rows, range(40, 55), lambda row, n: replace(row, question=samples[n].question)))
    assert errors(result)["untranslated"] == {f"t/{n}" for n in range(40, 55)}
    assert result.untranslated_share == pytest.approx(15 / 120)


def test_a_moved_gold() -> None:
    samples, rows = clean()
    result = found(samples, change(rows, range(30, 31), lambda row, n: replace(row, options=row.options[::-1])))
    assert errors(result) == {"moved": {"t/30"}}


def test_a_moved_gold_in_data_of_the_languages_own() -> None:
    samples, rows = clean()
    own = [replace(sample, gold="B") if sample.id == "t/8" else sample for sample in samples]
    own = [replace(sample, category="on the moon") if sample.id == "t/9" else sample for sample in own]
    result = found(samples, rows, own_data=own)
    assert errors(result)["gold"] == {"t/8", "t/9"}
    sizes = [item.detail for item in result.findings if item.check == "sizes"]
    assert "category 'on the moon' has 1 items, in English 0" in sizes


def test_a_lost_placeholder() -> None:
    samples, rows = clean()
    lost = change(rows, range(15, 16), lambda row, n: replace(row, question=row.question.replace(" in <image>", "")))
    assert errors(found(samples, lost)) == {"placeholders": {"t/15"}}


def test_two_merged_options() -> None:
    samples, rows = clean()
    merged = change(rows, range(22, 23), lambda row, n: replace(row, options=(row.options[1], *row.options[1:])))
    assert errors(found(samples, merged))["merged"] == {"t/22"}


def test_a_wrong_script() -> None:
    samples, rows = clean()
    cyrillic = change(rows, range(60, 63), lambda row, n: replace(row, question="Које је боје пас поред прозора?"))
    assert {"t/60", "t/61", "t/62"} <= errors(found(samples, cyrillic))["script"]


def test_a_block_in_another_language_of_the_same_script() -> None:
    samples, rows = clean()

    def polish(row: PackRow, number: int) -> PackRow:
        return replace(row, question=f"Jakiego koloru jest ten przedmiot, który stoi obok drzwi numer {number}?")

    result = found(samples, change(rows, range(70, 80), polish))
    assert {f"t/{n}" for n in range(70, 80)} <= errors(result)["language"]


def test_a_block_that_slipped_by_one_line() -> None:
    samples, rows = clean()
    # Every third question has a number that survives translation: make each carry one.
    samples = [replace(one, question=f"{one.question} ({n + 100})") for n, one in enumerate(samples)]
    rows = {name: replace(row, question=f"{row.question} ({n + 100})") for n, (name, row) in enumerate(rows.items())}
    assert errors(found(samples, rows)) == {}
    moved = change(rows, range(50, 60), lambda row, n: replace(row, question=rows[f"t/{n + 1}"].question))
    assert errors(found(samples, moved))["slipped"] == {f"t/{n}" for n in range(50, 60)}


def test_two_questions_that_recur_and_changed_places() -> None:
    samples, rows = clean()
    first, second = samples[1].question, samples[2].question
    samples = [replace(one, question=first if n % 2 else second) for n, one in enumerate(samples)]
    text = {first: rows["t/1"].question, second: rows["t/2"].question}
    rows = {name: replace(rows[name], question=text[one.question]) for one in samples for name in (one.id,)}
    other = change(rows, range(44, 45), lambda row, n: replace(row, question=text[first]))
    assert errors(found(samples, other)) == {"slipped": {"t/44"}}


def test_half_questions() -> None:
    samples, rows = clean()
    half = change(rows, range(90, 92), lambda row, n: replace(row, question=row.question[: len(row.question) // 2]))
    result = found(samples, half)
    assert {item.id for item in result.findings if item.check == "cut"} == {"t/90", "t/91"}


@pytest.mark.parametrize(
    ("check", "spoil"),
    [
        ("loop", lambda text: text + " boje" * 8),
        ("refusal", lambda text: "Sure! Here is the translation: " + text),
        ("characters", lambda text: text.replace("š", "Å¡").replace("č", "Ä\u008d") + " Å¡"),
        ("characters", lambda text: text + " &#39;da&#39;"),
        ("length", lambda text: text + " i još mnogo toga" * 20),
        ("empty", lambda text: "\u200b "),
    ],
)
def test_what_one_text_shows(check: str, spoil: Callable[[str], str]) -> None:
    samples, rows = clean()
    spoiled = change(rows, range(33, 34), lambda row, n: replace(row, question=spoil(row.question)))
    assert "t/33" in errors(found(samples, spoiled))[check]


def test_a_quoted_text_and_a_term_are_warned_of() -> None:
    samples, rows = clean()
    izlaz = change(rows, range(3, 4), lambda row, n: replace(row, question=row.question.replace("EXIT", "IZLAZ")))
    result = found(samples, izlaz, glossary=Glossary((Entry("window", "okno"),)))
    by_check = {item.check: item.id for item in result.findings if item.level == "warning"}
    assert by_check["quoted"] == "t/3"
    assert "glossary" in by_check
