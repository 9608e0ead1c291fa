"""The three instructions as functions from an English sample and its translation to one exchange."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

DATA_DIR = Path(__file__).resolve().parent / "data"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One turn of a conversation: what the user says after the image, and the supervised answer."""

    prompt: str
    answer: str


@dataclass(frozen=True)
class Wording:
    """How a language words the instructions.

    Attributes:
        translate_then_answer: phrasings of "first translate the question into English, then answer in <this language>".
        answer_in_english: phrasings of "answer in English" in this language; empty for English itself.
        answer_in: English only: phrasings of "answer in {language}".
        name_in: English only: English names of the languages, by tag.
    """

    tag: str
    translate_then_answer: tuple[str, ...] = ()
    answer_in_english: tuple[str, ...] = ()
    answer_in: tuple[str, ...] = ()
    name_in: dict[str, str] | None = None


@cache
def load_wording(tag: str) -> Wording:
    """The wording of a language.

    Raises:
        FileNotFoundError: no wording has been written for it.
    """
    data = yaml.safe_load((DATA_DIR / f"{tag}.yaml").read_text(encoding="utf-8"))
    return Wording(
        tag=data["tag"],
        translate_then_answer=tuple(data.get("translate_then_answer", ())),
        answer_in_english=tuple(data.get("answer_in_english", ())),
        answer_in=tuple(data.get("answer_in", ())),
        name_in=data.get("name_in"),
    )


def _ask(question: str, *instructions: str) -> str:
    return f"{question}\n{' '.join(part for part in instructions if part)}".rstrip("\n")


def mvqa(question: str, instruction: str, answer: str) -> Exchange:
    """MVQA: question, format instruction and answer all in one language (paper: multilingual VQA)."""
    return Exchange(_ask(question, instruction), answer)


def ep_vqa(
    question: str, question_en: str, instruction: str, answer: str, wording: Wording, phrasing: int = 0
) -> Exchange:
    """EP-VQA: the target is the question in English, a line break, then the answer in the question's language."""
    ask = wording.translate_then_answer[phrasing % len(wording.translate_then_answer)]
    return Exchange(_ask(question, instruction, ask), f"{question_en}\n{answer}")


def bvqa(question: str, instruction: str, answer: str, source: Wording, target: str, phrasing: int = 0) -> Exchange:
    """BVQA: `question` and `instruction` in the language of `source`, `answer` in the language `target`.

    Raises:
        ValueError: neither of the two is English, or both are.
    """
    if (source.tag == "en") == (target == "en"):
        raise ValueError(f"BVQA pairs English with another language, not {source.tag!r} with {target!r}")
    if source.tag == "en":
        assert source.name_in is not None
        ask = source.answer_in[phrasing % len(source.answer_in)].format(language=source.name_in[target])
    else:
        ask = source.answer_in_english[phrasing % len(source.answer_in_english)]
    return Exchange(_ask(question, instruction, ask), answer)
