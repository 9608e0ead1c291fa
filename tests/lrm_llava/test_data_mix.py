"""The mixture: shares of languages and instructions, to the sample."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrm_eval import languages as registry
from lrm_llava.conversations import Conversation, Turn
from lrm_llava.data.mix import Quota, compensated_ratio, draw_instruction, shown, split_instruction
from lrm_llava.instructions import load_wording
from lrm_llava.recipes import RECIPES, Instructions
from lrm_llava.tiny.grammar import languages

NINE = RECIPES["paper-13b"].languages[1:]
SHORT = registry.get("en").short_answer


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 9), st.integers(1, 60), st.integers(0, 9))
def test_after_every_block_the_other_languages_have_their_ratio_and_share_it_alike(ratio, blocks, seed) -> None:
    quota = Quota(NINE, ratio, seed)
    chosen = [quota.languages_of(number) for number in range(9 * blocks)]
    assert all(len(set(tags)) == len(tags) for tags in chosen)
    assert sum(len(tags) for tags in chosen) == int(9 * blocks * ratio)
    shares = Counter(tag for tags in chosen for tag in tags)
    assert max(shares.values(), default=0) - min((shares[tag] for tag in NINE), default=0) <= 1


@pytest.mark.parametrize(
    ("name", "ratio"), [("paper-13b-ratio-40", 0.4), ("paper-13b", 1.0), ("paper-13b-ratio-150", 1.5)]
)
def test_the_ratios_of_figure_6(name: str, ratio: float) -> None:
    recipe = RECIPES[name]
    quota = Quota(recipe.languages[1:], recipe.non_english, recipe.seed)
    assert sum(len(quota.languages_of(number)) for number in range(9000)) == pytest.approx(ratio * 9000, abs=9)


def test_sets_that_stay_english_are_made_up_for() -> None:
    # 100 English samples of which 80 are translated: each of the 80 gives 1.25, so that 100 come out.
    assert compensated_ratio(1.0, 100, 80) == 1.25
    assert compensated_ratio(1.0, 5, 0) == 0.0


def test_instructions_are_drawn_by_their_shares_and_are_the_same_again() -> None:
    shares = Instructions(0.5, 0.2, 0.3)
    drawn = [draw_instruction(shares, 1, str(number)) for number in range(5000)]
    assert drawn == [draw_instruction(shares, 1, str(number)) for number in range(5000)]
    found = Counter(drawn)
    assert found["mvqa"] / 5000 == pytest.approx(0.5, abs=0.03) and found["ep_vqa"] / 5000 == pytest.approx(
        0.2, abs=0.03
    )
    assert {draw_instruction(Instructions(1, 0, 0), 1, str(n)) for n in range(50)} == {"mvqa"}


def test_the_format_instruction_is_told_from_the_question() -> None:
    assert split_instruction(f"Is it?\n{SHORT}") == ("Is it?", "short_answer")
    assert split_instruction("Is it?\nA. Yes") == ("Is it?\nA. Yes", "")
    assert split_instruction(SHORT) == (SHORT, "")


ENGLISH = Conversation("7", "a.png", (Turn(f"Is it?\n{SHORT}", "Yes"), Turn("Sure?", "No")), source="s")


def in_language(tag: str) -> Conversation:
    line = registry.get(tag).short_answer
    return Conversation("7", "a.png", (Turn(f"[{tag}]?\n{line}", f"<{tag}>"), Turn(f"[{tag}]2?", f"<{tag}>2")))


@pytest.mark.parametrize("tag", [tag for tag in languages() if tag != "en"])
def test_each_instruction_asks_and_answers_in_its_languages(tag: str) -> None:
    language, wording = registry.get(tag), load_wording(tag)
    plain = shown(ENGLISH, in_language(tag), tag, "mvqa", 0)
    assert plain.turns[0] == Turn(f"[{tag}]?\n{language.short_answer}", f"<{tag}>") and plain.id == f"7@{tag}"
    pivot = shown(ENGLISH, in_language(tag), tag, "ep_vqa", 0)
    assert pivot.turns[0].answer == f"Is it?\n<{tag}>" and pivot.turns[1].answer == f"Sure?\n<{tag}>2"
    assert pivot.turns[0].question.endswith(wording.translate_then_answer[0])
    out, back = shown(ENGLISH, in_language(tag), tag, "bvqa", 0), shown(ENGLISH, in_language(tag), tag, "bvqa", 1)
    assert (out.turns[0].answer, out.language) == ("Yes", "en") and out.turns[0].question.startswith(f"[{tag}]?")
    assert (back.turns[0].answer, back.language) == (f"<{tag}>", tag)
    assert back.turns[0].question.startswith(f"Is it?\n{SHORT}")


def test_a_translation_with_other_turns_is_refused() -> None:
    short = Conversation("7", "a.png", (Turn("x", "y"),))
    with pytest.raises(ValueError, match="1 turns, the English sample has 2"):
        shown(ENGLISH, short, "sw", "mvqa", 0)
