"""Conversations cut into what a translator gets and what it must not touch, and put together again."""

import pytest

from lrm_eval import languages as registry
from lrm_llava.conversations import Conversation, Turn
from lrm_llava.data.lines import cut, cut_conversation, joined, lines_of


def sent(text: str, sentences: bool = False) -> list[str]:
    return [piece.text for piece in cut(text, sentences) if piece.translated]


@pytest.mark.parametrize(
    "text",
    [
        "What is it?\n\nA. a dog\nB. a cat\n",
        "See:\n```python\nprint('red star')\n```\nDone.",
        "  1. First one.  \n  - second * one\n### Head",
        "$$\nx = 1\n$$ and \\[y\\] and \\begin{align}a\\end{align}.",
        'Dr. Smith has 3.5 dogs. They run. "Look!" he said.',
        "",
        "one line without an end",
        "```never closed\nx",
    ],
)
@pytest.mark.parametrize("sentences", [False, True])
def test_the_pieces_together_are_the_text(text: str, sentences: bool) -> None:
    assert "".join(piece.text for piece in cut(text, sentences)) == text


def test_letters_of_options_and_marks_of_lists_are_not_sent() -> None:
    assert sent("Which?\nA. a dog\n(B) a cat\nc) a cow\n- one thing\n2. two things\n## Head") == [
        "Which?", "a dog", "a cat", "a cow", "one thing", "two things", "Head",
    ]  # fmt: skip


def test_code_and_displayed_formulas_are_not_sent() -> None:
    assert sent("Run it:\n```bash\nrm red\n```\nwhere $$a dog = 1$$ holds, \\[b\\] too.") == [
        "Run it:", "where", "holds,", "too.",
    ]  # fmt: skip


def test_what_has_nothing_to_translate_is_not_sent() -> None:
    assert sent("42\n3:30\nB\n\\(x^2\\)") == []


def test_an_article_is_no_label() -> None:
    assert sent("A dog runs.") == ["A dog runs."]


def test_sentences_are_cut_where_they_end_and_nowhere_else() -> None:
    assert sent("Dr. Smith has 3.5 dogs, e.g. two. They run! Do they? yes", True) == [
        "Dr. Smith has 3.5 dogs, e.g. two.", "They run!", "Do they? yes",
    ]  # fmt: skip


def conversation() -> Conversation:
    line = registry.get("en").short_answer
    return Conversation("7", "a.png", (Turn(f"Is it red?\n{line}", "Yes"), Turn("Why?", "It is red.\nVery red.")))


def test_a_format_instruction_is_not_sent_and_stands_there_in_the_language() -> None:
    turns = cut_conversation(conversation())
    (lines,) = lines_of(turns)
    assert list(lines.texts()) == [
        ("Is it red?", True), ("Yes", False), ("Why?", False), ("It is red.", True), ("Very red.", False),
    ]  # fmt: skip
    swahili = registry.get("sw")
    said = joined(turns, {text: f"<{text}>" for text, _ in lines.texts()}, swahili)
    assert [one["from"] for one in said] == ["human", "gpt", "human", "gpt"]
    assert said[0]["value"] == f"<Is it red?>\n{swahili.short_answer}"
    assert said[3]["value"] == "<It is red.>\n<Very red.>"


def test_a_text_without_a_translation_is_an_error() -> None:
    with pytest.raises(KeyError):
        joined(cut_conversation(conversation()), {}, registry.get("sw"))


def test_long_conversations_are_sent_in_portions_and_each_text_once() -> None:
    turns = tuple(Turn(f"Question number {n}?", "the same answer") for n in range(40))
    portions = lines_of(cut_conversation(Conversation("1", None, turns)))
    texts = [text for portion in portions for text in portion.of]
    assert len(portions) == 2 and len(texts) == len(set(texts)) == 41
    long = Conversation("1", None, (Turn("a dog " * 500, "a cat " * 500),))
    assert len(lines_of(cut_conversation(long))) == 2
