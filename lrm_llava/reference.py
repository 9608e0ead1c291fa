"""The chat templates once more, in plain code: what the Jinja ones are tested against.

Sources: haotian-liu/LLaVA, llava/conversation.py (conv_vicuna_v1, conv_llava_llama_2); the prompt format in
Meta Llama 3's model card.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from lrm_llava.conversations import Conversation

_VICUNA = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)
_LLAMA2 = (
    "You are a helpful language and vision assistant. You are able to understand the visual content that the user "
    "provides, and assist the user with a variety of tasks using natural language."
)


class Style(NamedTuple):
    """What stands before an answer (number of the turn, question, bos), and the answer with its end (text, eos)."""

    before: Callable[[int, str, str], str]
    answer: Callable[[str, str], str]


def _vicuna(number: int, question: str, _: str) -> str:
    return (f"{_VICUNA} " if number == 0 else "") + f"USER: {question} ASSISTANT:"


def _llama2(number: int, question: str, bos: str) -> str:
    opening = f"<<SYS>>\n{_LLAMA2}\n<</SYS>>\n\n" if number == 0 else ""
    return ("" if number == 0 else bos) + f"[INST] {opening}{question} [/INST]"


def _llama3(_: int, question: str, __: str) -> str:
    turn = "<|start_header_id|>{}<|end_header_id|>\n\n"
    return turn.format("user") + question + "<|eot_id|>" + turn.format("assistant")


STYLES: dict[str, Style] = {
    "vicuna_v1": Style(_vicuna, lambda text, eos: f" {text}{eos}"),
    "llama2": Style(_llama2, lambda text, eos: f" {text} {eos}"),
    "llama3": Style(_llama3, lambda text, _: f"{text}<|eot_id|>"),
    "tiny": Style(lambda _, question, __: f"USER: {question} ASSISTANT:", lambda text, eos: f" {text}{eos}"),
}


def reference_spans(
    conversation: Conversation, template: str, eos: str = "</s>", bos: str = "<s>"
) -> tuple[str, list[tuple[int, int]]]:
    """The text of a conversation and its supervised spans, written out by hand for each template.

    It says in plain code what the template must say; tests compare the two.

    Raises:
        KeyError: a template without a reference.
    """
    style = STYLES[template]
    text, spans = "", []
    for number, turn in enumerate(conversation.turns):
        image = "<image>\n" if number == 0 and conversation.image is not None else ""
        text += style.before(number, image + turn.question, bos)
        answer = style.answer(turn.answer, eos)
        spans.append((len(text), len(text) + len(answer)))
        text += answer
    return text, spans
