"""What a run varies besides task and language: language of the format instruction, of the answer, the hidden image.

    --prompt-lang   native: the format instruction in the language of the question (the benchmark's own prompt);
                    en: in English. The question, its hint and its options are the item and stay in their language.
    --answer-lang   nothing said by default, as in the benchmark's own prompt; native and en add one sentence, in the
                    language of the instruction, that asks for an answer in the question's language or in English.
    --hide-image    the same text without the image.

The two axes of language are those of XLT (Huang et al. 2023, arXiv:2305.07004) and Etxaniz et al. 2023
(arXiv:2308.01223); hiding the image is Hinck et al. 2024 (arXiv:2407.02333). A condition is part of a request's key
and of the names of a run's files, so its name says what it is: `prompt=en+answer=native+image=hidden`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from lrm_eval.errors import UsageError, unknown
from lrm_eval.types import DEFAULT_CONDITION

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lrm_eval.languages import Language

PromptLanguage: TypeAlias = Literal["native", "en"]
AnswerLanguage: TypeAlias = Literal["", "native", "en"]

ENGLISH = "en"
_SENTENCES = Path(__file__).resolve().parent / "fidelity" / "data" / "answer_in.yaml"


@dataclass(frozen=True, slots=True, order=True)
class Condition:
    """One combination of what is varied.

    Attributes:
        prompt: language of the format instruction: the question's own, or English.
        answer: language that the prompt asks the answer to be in; "": it says nothing about it.
        hidden: the image is not shown.
    """

    prompt: PromptLanguage = "native"
    answer: AnswerLanguage = ""
    hidden: bool = False

    @property
    def name(self) -> str:
        """As in keys and file names; "default" where nothing is varied."""
        parts = [f"prompt={self.prompt}"] if self.prompt != "native" else []
        parts += [f"answer={self.answer}"] if self.answer else []
        parts += ["image=hidden"] if self.hidden else []
        return "+".join(parts) or DEFAULT_CONDITION

    def shown(self) -> Condition:
        """The same with the image."""
        return replace(self, hidden=False)

    def in_language(self, tag: str) -> Condition:
        """What it comes to in one language: English has no other instruction than the English one."""
        return replace(self, prompt="native") if tag == ENGLISH else self


DEFAULT = Condition()


def parse_condition(name: str) -> Condition | None:
    """The condition of a name; None for one that this module does not make (a translator's, a plug-in's)."""
    if name == DEFAULT_CONDITION:
        return DEFAULT
    return {one.name: one for one in _all()}.get(name)


@cache
def _all() -> tuple[Condition, ...]:
    prompts: tuple[PromptLanguage, ...] = ("native", "en")
    answers: tuple[AnswerLanguage, ...] = ("", "native", "en")
    return tuple(Condition(*each) for each in product(prompts, answers, (False, True)))


def asked_language(tag: str, condition: str) -> str:
    """The language that an answer should be in: what the prompt asks for, else that of the question.

    Args:
        tag: language of the question.
        condition: name of the condition; one that is not known asks for nothing.
    """
    known = parse_condition(condition)
    return ENGLISH if known is not None and known.answer == "en" else tag


def hides_image(name: str) -> bool:
    """Whether the image is not shown under the condition of that name."""
    known = parse_condition(name)
    return known is not None and known.hidden


def choose_conditions(
    prompt_lang: str = "native", answer_lang: str | None = None, hide_image: bool = False
) -> list[Condition]:
    """The conditions that a command asks for, the ones nearest to the benchmark's own prompt first.

    Args:
        prompt_lang: native, en, or both.
        answer_lang: native, en, or both; None: the prompt says nothing about it.
        hide_image: whether the image is left out.

    Raises:
        UsageError: another word.
    """
    valid = ("native", "en", "both")
    if prompt_lang not in valid:
        raise unknown("--prompt-lang", prompt_lang, valid)
    if answer_lang is not None and answer_lang not in valid:
        raise unknown("--answer-lang", answer_lang, valid)
    prompts: Sequence[PromptLanguage] = [one for one in ("native", "en") if prompt_lang in (one, "both")]
    answers: Sequence[AnswerLanguage] = (
        [""] if answer_lang is None else [one for one in ("native", "en") if answer_lang in (one, "both")]
    )
    return [Condition(prompt, answer, hide_image) for prompt in prompts for answer in answers]


def in_language(conditions: Iterable[Condition], tag: str) -> list[Condition]:
    """The different ones among the conditions in one language, in their order."""
    return list(dict.fromkeys(condition.in_language(tag) for condition in conditions))


def answer_sentence(language: Language, condition: Condition) -> str:
    """The sentence that asks for the language of the answer, in the language of the instruction; "" if none does.

    Raises:
        UsageError: nobody has written that sentence in this language yet.
    """
    if not condition.answer:
        return ""
    if condition.prompt == "en" or language.tag == ENGLISH:
        name = "English" if condition.answer == "en" else language.name
        return f"Answer in {name}."
    known = _sentences().get(language.tag)
    if known is None:
        raise UsageError(
            f"--answer-lang {condition.answer}: {language.name} ({language.tag}) has no sentence that asks for the "
            "language of the answer; add --prompt-lang en, which asks in English"
        )
    return known[condition.answer]


@cache
def _sentences() -> dict[str, dict[str, str]]:
    from lrm_eval.tasks.yamlfile import read_yaml

    found = read_yaml(_SENTENCES).data
    return {str(tag): {str(key): str(text) for key, text in texts.items()} for tag, texts in found.items()}
