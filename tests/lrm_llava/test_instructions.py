"""MVQA, EP-VQA and BVQA as the paper describes them."""

import pytest

from lrm_llava.instructions import bvqa, ep_vqa, load_wording, mvqa
from lrm_llava.tiny.grammar import languages

OTHERS = [tag for tag in languages() if tag != "en"]


def test_mvqa_asks_and_answers_in_one_language() -> None:
    one = mvqa("Je, nyota ni nyekundu?", "Jibu kwa neno moja.", "Ndiyo")
    assert one.prompt == "Je, nyota ni nyekundu?\nJibu kwa neno moja."
    assert one.answer == "Ndiyo"


@pytest.mark.parametrize("tag", OTHERS)
def test_ep_vqa_answers_with_the_translation_and_then_the_answer(tag: str) -> None:
    wording = load_wording(tag)
    for phrasing in range(2):
        one = ep_vqa("question", "Is it red?", "format", "answer", wording, phrasing)
        assert one.answer == "Is it red?\nanswer"
        assert one.prompt == f"question\nformat {wording.translate_then_answer[phrasing]}"


@pytest.mark.parametrize("tag", OTHERS)
def test_bvqa_asks_in_one_language_and_wants_the_answer_in_the_other(tag: str) -> None:
    english, other = load_wording("en"), load_wording(tag)
    to_english = bvqa("question", "format", "Yes", other, "en")
    assert to_english.prompt.endswith(other.answer_in_english[0])
    from_english = bvqa("question", "format", "answer", english, tag)
    assert english.name_in is not None
    assert english.name_in[tag] in from_english.prompt


@pytest.mark.parametrize(("source", "target"), [("en", "en"), ("sw", "am")])
def test_bvqa_refuses_pairs_without_exactly_one_english(source: str, target: str) -> None:
    with pytest.raises(ValueError, match="BVQA"):
        bvqa("question", "format", "answer", load_wording(source), target)


@pytest.mark.parametrize("tag", OTHERS)
def test_every_language_words_both_instructions_twice_and_differently(tag: str) -> None:
    wording = load_wording(tag)
    assert wording.tag == tag
    assert len(set(wording.translate_then_answer)) == 2
    assert len(set(wording.answer_in_english)) == 2
