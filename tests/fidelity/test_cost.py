from __future__ import annotations

import pytest

from lrm_eval.errors import UsageError
from lrm_eval.fidelity.cost import BudgetScale, language_costs, parallel_texts
from lrm_eval.languages import all_languages, get


def letters(text: str) -> int:
    """A tokenizer with one token a letter, whatever stands between them."""
    return len("".join(text.split()))


def byte_pairs(text: str) -> int:
    return len(text.encode())


def test_every_bundled_language_has_the_same_six_sentences() -> None:
    texts = parallel_texts()
    assert {language.tag for language in all_languages()} <= texts.keys()
    assert {len(sentences) for sentences in texts.values()} == {6}
    assert all(sentence.strip() == sentence and sentence for sentences in texts.values() for sentence in sentences)


def test_costs_by_hand() -> None:
    costs = {c.tag: c for c in language_costs(letters, {"en": ("two dogs", "a cat"), "sw": ("mbwa wawili wadogo",)})}
    assert (costs["en"].tokens, costs["en"].words, costs["en"].characters) == (11, 4, 11)
    assert (costs["en"].parity, costs["en"].per_word) == (1.0, 11 / 4)
    assert (costs["sw"].parity, costs["sw"].per_word, costs["sw"].per_character) == (16 / 11, 16 / 3, 1.0)


def test_words_are_counted_only_where_blanks_separate_them() -> None:
    costs = {cost.tag: cost for cost in language_costs(byte_pairs)}
    assert (costs["zh"].words, costs["th"].words, costs["ja"].per_word) == (None, None, None)
    assert costs["de"].words is not None
    assert costs["am"].parity > costs["de"].parity


@pytest.mark.parametrize(
    ("texts", "message"),
    [({"sw": ("mbwa",)}, "English"), ({"en": ()}, "English"), ({"en": ("a dog",), "sw": (" ",)}, "no text in 'sw'")],
)
def test_texts_without_something_to_count_are_refused(texts: dict[str, tuple[str, ...]], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        language_costs(letters, texts)


def test_a_tokenizer_that_makes_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="makes no tokens"):
        language_costs(lambda _: 0)


def test_a_budget_grows_with_parity_and_is_never_smaller_than_in_english() -> None:
    scale = BudgetScale(byte_pairs)
    costs = {cost.tag: cost.parity for cost in language_costs(byte_pairs)}
    assert scale.budget(16, "en") == 16
    assert scale.budget(100, "am") == -(-100 * costs["am"] // 1)
    assert costs["sw"] < 1
    assert scale.budget(16, "sw") == 16


def test_a_whole_multiple_is_not_rounded_up() -> None:
    class Half(BudgetScale):
        def _measured(self, tag: str) -> float:
            return 3 * 1.1  # 3.3000000000000003

    assert Half(letters).budget(10, "am") == 33


def test_a_language_without_a_text_is_measured_by_its_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {tag: sentences for tag, sentences in parallel_texts().items() if tag != "am"}
    monkeypatch.setattr("lrm_eval.fidelity.cost.parallel_texts", lambda: texts)
    own = sum(map(byte_pairs, (get("am").short_answer, get("am").option_letter)))
    english = sum(map(byte_pairs, (get("en").short_answer, get("en").option_letter)))
    assert BudgetScale(byte_pairs).parity("am") == own / english
