"""Pass rates after Marchisio et al. 2024 (arXiv:2406.20052); numbers by hand."""

from __future__ import annotations

import pytest

from lrm_eval.scorers import rows
from lrm_eval.scorers.fidelity import english_words
from lrm_eval.types import Item, Reading, Response, Sample


def item(
    number: int, text: str, language: str | None, asked: str = "am", right: bool = True, finish: str = "stop"
) -> Item:
    key = f"mme/color/{number}/0"
    sample = Sample(key, "mme", asked, "yes_no", "?", "yes", category="color", cluster=str(number), group=str(number))
    response = Response(f"{key}@{asked}", text, finish)  # type: ignore[arg-type]
    return Item(sample, response, Reading("yes" if right else "no", "test", "read", language))


def values(items: list[Item], condition: str = "default", rules: str = "multilingual") -> dict[str, float | None]:
    language = items[0].sample.language
    found = rows("m", "mme", "mme", language, condition, rules, items)  # type: ignore[arg-type]
    return {row.metric: row.value for row in found}


def test_line_pass_rate_is_over_the_judged_answers() -> None:
    found = values([item(1, "አዎ", "am"), item(2, "Yes", "en"), item(3, "አዎ", "am"), item(4, "A", None)])
    assert found["line_pass_rate"] == pytest.approx(100 * 2 / 3)
    assert found["judged_rate"] == 75


def test_word_pass_rate_is_over_the_answers_without_a_wrong_line() -> None:
    items = [item(1, "አዎ", "am"), item(2, "አዎ there", "am"), item(3, "Yes", "en"), item(4, "አዎ", "am")]
    found = values(items)
    lines, words = 75.0, 100 * 2 / 3
    assert found["word_pass_rate"] == pytest.approx(words)
    assert found["language_pass_rate"] == pytest.approx(2 * lines * words / (lines + words))


def test_languages_in_latin_letters_have_no_word_pass_rate() -> None:
    found = values([item(1, "Ndiyo", "sw", "sw"), item(2, "Yes", "en", "sw")])
    assert "word_pass_rate" not in found
    assert "language_pass_rate" not in found
    assert found["line_pass_rate"] == 50


def test_gated_accuracy_and_its_loss_add_up_to_the_accuracy() -> None:
    items = [
        item(1, "አዎ", "am"),
        item(2, "Yes", "en"),
        item(3, "B", None),
        item(4, "አይ", "am", right=False),
        item(5, "No", "en", right=False),
    ]
    found = values(items)
    assert found["gated_accuracy"] == pytest.approx(40)
    assert found["gated_accuracy_loss"] == pytest.approx(20)


def test_a_condition_that_asks_for_english_turns_the_language_around() -> None:
    found = values([item(1, "አዎ", "am"), item(2, "Yes", "en")], "answer=en")
    assert (found["line_pass_rate"], found["gated_accuracy"]) == (50, 50)
    assert "word_pass_rate" not in found


def test_truncation_counts_read_answers_too() -> None:
    assert values([item(1, "አዎ", "am", finish="length"), item(2, "አዎ", "am")])["truncation_rate"] == 50


def test_without_a_judged_answer_there_are_no_pass_rates() -> None:
    found = values([item(1, "A", None), item(2, "", None)])
    assert "line_pass_rate" not in found
    assert found["judged_rate"] == 0
    assert found["gated_accuracy"] == 50


def test_an_empty_answer_is_right_in_no_language() -> None:
    assert values([item(1, "  ", None), item(2, "አዎ", "am")])["gated_accuracy"] == 50


def test_the_official_programs_know_no_languages() -> None:
    assert not {name for name in values([item(1, "አዎ", "am")], rules="official") if "rate" in name or "gated" in name}


def test_none_of_them_is_a_headline_and_each_has_an_interval() -> None:
    items = [item(n, "አዎ" if n % 3 else "Yes", "am" if n % 3 else "en") for n in range(40)]
    found = rows("m", "mme", "mme", "am", "default", "multilingual", items)
    beside = [row for row in found if row.metric.endswith("_rate") or row.metric.startswith("gated")]
    assert len(beside) == 7
    assert not any(row.primary for row in beside)
    assert all(row.ci_low is not None and row.ci_low <= row.value <= row.ci_high for row in beside)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("አዎ there", ["there"]),
        ("Yes ነው", ["Yes"]),
        ("ይህ iPhone ነው", []),  # capital inside: a name
        ("ይህ Boeing ነው", []),
        ("a cat ነው", []),  # no word of more than three letters
        ("ቀይ square ነው", []),  # stands in the question
    ],
)
def test_english_words(text: str, words: list[str]) -> None:
    sample = Sample("t/1", "mme", "am", "yes_no", "square ነው?", "yes")
    assert english_words(Item(sample, Response("k", text), Reading(None, "", "unparsed", "am")), "am") == words
