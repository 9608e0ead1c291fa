"""The audit finds each planted defect, and nothing in a pack without one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lrm_eval.data import find_pack
from lrm_eval.data.packs import PackRow
from lrm_eval.languages import get
from lrm_eval.tasks import load_task
from lrm_eval.translation import Audit, audit, problems, textual
from lrm_eval.translation.english import english_samples
from lrm_eval.translation.packfile import read_loosely
from lrm_eval.types import Sample

if TYPE_CHECKING:
    from collections.abc import Callable

Rows = dict[str, PackRow]
HR, AM = get("hr"), get("am")


def mmbench(tag: str) -> tuple[list[Sample], Rows]:
    task = load_task("tiny-mmbench")
    pack = find_pack(task, tag)
    assert pack is not None
    rows, malformed = read_loosely(pack)
    assert not malformed
    return english_samples(task), rows


def found(samples: list[Sample], rows: Rows, tag: str = "hr") -> Audit:
    return audit(samples, rows, get(tag), "pack.jsonl")


def checks(result: Audit, level: str = "error") -> set[str]:
    return {finding.check for finding in result.findings if finding.level == level}


@pytest.mark.parametrize("task", ["tiny-mme", "tiny-pope", "tiny-seedbench", "tiny-mmbench"])
def test_the_bundled_packs_have_no_errors(task: str) -> None:
    loaded = load_task(task)
    english = english_samples(loaded)
    for tag in ("am", "cs", "de", "es", "fr", "hr", "it", "ro", "ru", "sw", "zh"):
        pack = find_pack(loaded, tag)
        assert pack is not None
        rows, malformed = read_loosely(pack)
        result = audit(english, rows, get(tag), str(pack), malformed)
        assert result.ok, result.findings[:3]
        assert result.samples == result.rows == len(english)
        assert result.multiplicity[0] == result.multiplicity[1]
        assert result.script_share == 1.0


def with_question(row: PackRow, question: str) -> PackRow:
    return replace(row, question=question)


def with_options(row: PackRow, *options: str) -> PackRow:
    return replace(row, options=options)


@pytest.mark.parametrize(
    ("check", "spoil"),
    [
        ("empty", lambda row, sample: with_question(row, " ")),
        ("empty", lambda row, sample: with_question(row, " \u200b\u200e ")),
        ("untranslated", lambda row, sample: with_question(row, sample.question.upper())),
        ("script", lambda row, sample: with_question(row, "Какого цвета треугольник?")),
        ("options", lambda row, sample: with_options(row, *row.options[:-1])),
        ("options", lambda row, sample: replace(row, hint="Pogledaj sliku.")),
        ("merged", lambda row, sample: with_options(row, row.options[1].upper() + " ", *row.options[1:])),
        ("moved", lambda row, sample: with_options(row, row.options[1], row.options[0], *row.options[2:])),
        ("characters", lambda row, sample: with_question(row, row.question + " &quot;da&quot;")),
        ("characters", lambda row, sample: with_question(row, row.question + "\ufffd")),
        ("placeholders", lambda row, sample: with_question(row, row.question + " <image>")),
    ],
)
def test_a_planted_defect_is_found_where_it_is(check: str, spoil: Callable[[PackRow, Sample], PackRow]) -> None:
    samples, rows = mmbench("hr")
    target = samples[0]
    rows[target.id] = spoil(rows[target.id], target)
    result = found(samples, rows)
    assert check in checks(result)
    finding = next(item for item in result.findings if item.check == check and item.level == "error")
    assert finding.id == target.id or check == "moved"
    if finding.id == target.id:
        assert finding.where.endswith("hr.jsonl:1")


def test_missing_and_unknown_ids_are_found_with_the_nearest() -> None:
    samples, rows = mmbench("hr")
    row = rows.pop("tiny-mmbench/2")
    rows["tiny-mmbench/2x"] = replace(row, id="tiny-mmbench/2x")
    details = [finding.detail for finding in found(samples, rows).findings if finding.check == "ids"]
    assert "no line for 'tiny-mmbench/2'" in details
    assert any("no sample has the id 'tiny-mmbench/2x'; did you mean 'tiny-mmbench/2'" in text for text in details)


def test_later_passes_need_no_line() -> None:
    samples, rows = mmbench("hr")
    first = {name: row for name, row in rows.items() if samples_group(samples, name) == name}
    assert len(first) < len(rows)
    assert found(samples, first).ok


def samples_group(samples: list[Sample], name: str) -> str:
    return next(sample.group for sample in samples if sample.id == name)


def test_one_question_repeated_is_an_error_and_two_synonyms_a_warning() -> None:
    samples, rows = mmbench("hr")
    same = {name: replace(row, question="Koje je boje trokut?") for name, row in rows.items()}
    result = found(samples, same)
    assert "repeated" in checks(result)
    assert result.multiplicity[1] == len(samples) > result.multiplicity[0]
    detail = next(finding.detail for finding in result.findings if finding.check == "repeated")
    assert detail.startswith("15 different English questions became 'Koje je boje trokut?'")
    questions = sorted({sample.question for sample in samples})[:2]
    two = {
        sample.id: replace(rows[sample.id], question="Koje je boje trokut?")
        if sample.question in questions
        else rows[sample.id]
        for sample in samples
    }
    result = found(samples, two)
    assert "repeated" not in checks(result)
    assert "repeated" in checks(result, "warning")


def test_a_block_that_was_not_translated_is_counted() -> None:
    samples, rows = mmbench("hr")
    for sample in samples[:57]:
        rows[sample.id] = replace(rows[sample.id], question=sample.question, options=sample.options)
    result = found(samples, rows)
    assert result.untranslated_share == pytest.approx(57 / 570)
    assert result.count("error", "untranslated") == 57


def test_the_english_text_of_another_item_is_no_translation_either() -> None:
    samples, rows = mmbench("hr")
    other = next(sample for sample in samples if sample.question != samples[0].question)
    rows[samples[0].id] = replace(rows[samples[0].id], question=other.question)
    result = found(samples, rows)
    assert [item.id for item in result.findings if item.check == "untranslated"] == [samples[0].id]
    assert not result.ok


def test_a_right_option_that_differs_between_passes_is_an_error() -> None:
    samples, rows = mmbench("hr")
    later = next(sample for sample in samples if sample.group != sample.id)
    options = list(rows[later.id].options)
    options[later.labels.index(later.gold)] = "nešto drugo"
    rows[later.id] = replace(rows[later.id], options=tuple(options))
    result = found(samples, rows)
    finding = next(item for item in result.findings if item.check == "moved")
    assert "the right option is 'nešto drugo', but in" in finding.detail


def sample(number: int, question: str, options: tuple[str, ...] = ()) -> Sample:
    labels = ("A", "B", "C", "D")[: len(options)]
    kind = "option" if options else "yes_no"
    return Sample(f"t/{number}", "t", "en", kind, question, "A" if options else "yes", options=options, labels=labels)  # type: ignore[arg-type]


def row(number: int, question: str, options: tuple[str, ...] = ()) -> PackRow:
    return PackRow(f"t/{number}", question, options, "", "", f"pack.jsonl:{number}")


def test_a_length_far_from_the_rest_is_a_warning() -> None:
    # 30 pairs of equal length but one of four times: far beyond 3.5 robust deviations.
    words = [chr(97 + number % 26) * (3 + number % 7) + chr(97 + number // 26) for number in range(30)]
    samples = [sample(number, f"Is there a {word} here?") for number, word in enumerate(words)]
    rows = {f"t/{number}": row(number, f"Ima li ovdje {word}?") for number, word in enumerate(words)}
    rows["t/7"] = row(
        7, "Ima li ovdje možda negdje na ovoj lijepoj slici koju gledamo upravo sada jedan takav predmet?"
    )
    result = found(samples, rows)
    lengths = [finding.id for finding in result.findings if finding.check == "length"]
    assert lengths == ["t/7"]
    assert result.ok


def test_numbers_as_options_must_stay_and_in_sentences_should() -> None:
    samples = [sample(1, "How many of the 3 dogs?", ("5", "6"))]
    result = found(samples, {"t/1": row(1, "Koliko od tri psa?", ("5", "7"))})
    assert [(item.level, item.detail) for item in result.findings if item.check == "numbers"] == [
        ("error", "option B: 6 became 7"),
        ("warning", "question: 3 became none"),
    ]


def test_one_english_text_with_two_translations_is_a_warning() -> None:
    samples = [sample(1, "What is it?", ("red", "blue")), sample(2, "And that one?", ("red", "green"))]
    rows = {"t/1": row(1, "Što je to?", ("crvena", "plava")), "t/2": row(2, "A ono?", ("crveno", "zelena"))}
    details = [item.detail for item in found(samples, rows).findings if item.check == "consistency"]
    assert details == ["2 translations of 'red': 'crvena', 'crveno'"]


def test_names_and_options_that_are_equal_in_english_too_are_no_errors() -> None:
    samples = [sample(1, "Who is it?", ("Tom Hanks", "5", "5"))]
    result = found(samples, {"t/1": row(1, "Tko je to?", ("Tom Hanks", "5", "5"))})
    assert result.ok
    assert checks(result, "warning") == {"untranslated"}


def test_lines_that_no_reader_takes_are_all_told(tmp_path: object) -> None:
    from pathlib import Path

    assert isinstance(tmp_path, Path)
    pack = tmp_path / "hr.jsonl"
    pack.write_text(
        '{"id": "t/1", "question": "Ima li psa?"}\n'
        '{"id": "t/1", "question": "Ima li psa?"}\n'
        '{"id": "t/2", "qestion": "Ima li mačke?"}\n'
        "{broken\n"
        '{"id": "t/3", "question": "Ima li konja?", "options": "a"}\n',
        encoding="utf-8",
    )
    rows, malformed = read_loosely(pack)
    assert list(rows) == ["t/1", "t/2", "t/3"]
    assert [(where.rpartition(":")[2], what.split(":")[0]) for where, _, what in malformed] == [
        ("2", f"id 't/1' is given twice (first in {pack}"),
        ("3", "unknown key 'qestion'"),
        ("4", "malformed JSON"),
        ("5", "'options' must be a list of texts"),
    ]
    result = audit([sample(1, "A dog?"), sample(2, "A cat?"), sample(3, "A horse?")], rows, HR, "p", malformed)
    assert {"ids", "format", "empty"} <= checks(result)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("1,000 dogs", "1.000 pasa"),
        ("1,000.5", "1 000,5"),
        ("3.5 m", "3,5 m"),
        ("12 birds", "१२ पक्षी"),
        ("at 10:30", "u 10:30"),
    ],
)
def test_numbers_are_equal_however_they_are_written(left: str, right: str) -> None:
    assert textual.numbers(left) == textual.numbers(right)


@pytest.mark.parametrize(("left", "right"), [("12", "21"), ("3.5", "35"), ("1 dog, 2 cats", "1 pas")])
def test_other_numbers_are_not(left: str, right: str) -> None:
    assert textual.numbers(left) != textual.numbers(right)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Look at <image> and {name}.", ["<image>", "{name}"]),
        ("Solve $x^2 = 4$ or \\(a+b\\).", ["$x^2 = 4$", "\\(a+b\\)"]),
        ("It costs $5 or $6.", []),
        ("Is 3 < 5 and 7 > 2?", []),
        ("See https://example.org/a?b=1.", ["https://example.org/a?b=1."]),
    ],
)
def test_placeholders_are_told_from_prices_and_comparisons(text: str, expected: list[str]) -> None:
    assert list(textual.placeholders(text).elements()) == expected


@pytest.mark.parametrize(
    ("text", "script", "share"),
    [
        ("ይህ ውሻ ነው", "Ethi", 1.0),
        ("ውሻ dog", "Ethi", 2 / 5),
        ("这是一只狗吗？", "Hans", 1.0),
        ("これは犬です", "Jpan", 1.0),
        ("12 ?", "Latn", None),
        ("dog", "Zzzz", None),
        ("<image> ውሻ", "Ethi", 1.0),
    ],
)
def test_script_share(text: str, script: str, share: float | None) -> None:
    assert textual.script_share(text, script) == share


def test_a_refusal_is_told_from_an_option_that_says_so() -> None:
    assert [item.check for item in problems.find("red", "I'm sorry, I cannot help.", HR, False)] == ["refusal"]
    assert not problems.find("I cannot tell", "Ne mogu reći", HR, False)


def test_what_needs_no_translation_may_stay() -> None:
    for text in ("5", "A", "3:30", "$x^2=4$", "?"):
        assert not problems.find(text, text, AM, False)
