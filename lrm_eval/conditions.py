"""What a run varies besides task and language: the words around a question, what stands before it, and the draw.

    --prompt-lang   native: the format instruction in the language of the question (the benchmark's own prompt);
                    en: in English. The question, its hint and its options are the item and stay in their language.
    --answer-lang   nothing said by default, as in the benchmark's own prompt; native and en add one sentence, in the
                    language of the instruction, that asks for an answer in the question's language or in English.
    --hide-image    the same text without the image.
    --with-hidden   with the image, and without it.
    --prompt-style  llava: LLaVA-1.5's prompt, the same for every model; authors: how the model's own authors ask.
    --system        a text in the system turn.
    --few-shot      questions of the same benchmark with their answers before the question (`lrm_eval.fewshot`).
    --repeats       the same request again, drawn with another seed. No condition to compare: a draw.

The two axes of language are those of XLT (Huang et al. 2023, arXiv:2305.07004) and Etxaniz et al. 2023
(arXiv:2308.01223); hiding the image is Hinck et al. 2024 (arXiv:2407.02333). A condition is part of a request's key
and of the names of a run's files, so its name says what it is: `prompt=en+answer=native+image=hidden`.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from lrm_eval.errors import UsageError, unknown
from lrm_eval.types import DEFAULT_CONDITION

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lrm_eval.languages import Language

PromptLanguage: TypeAlias = Literal["native", "en"]
AnswerLanguage: TypeAlias = Literal["", "native", "en"]
PromptStyle: TypeAlias = Literal["llava", "authors"]
HideImage: TypeAlias = bool | Literal["both"]

ENGLISH = "en"
_SENTENCES = Path(__file__).resolve().parent / "fidelity" / "data" / "answer_in.yaml"


@dataclass(frozen=True, slots=True, order=True)
class Condition:
    """One combination of what is varied.

    Attributes:
        prompt: language of the format instruction: the question's own, or English.
        answer: language that the prompt asks the answer to be in; "": it says nothing about it.
        hidden: the image is not shown.
        style: whose prompt it is.
        shots: how many examples come before the question.
        system: text of the system turn; of a condition read from its name, "#" and the text's digest.
        repeat: number of the draw, from 0.
    """

    prompt: PromptLanguage = "native"
    answer: AnswerLanguage = ""
    hidden: bool = False
    style: PromptStyle = "llava"
    shots: int = 0
    system: str = ""
    repeat: int = 0

    @property
    def name(self) -> str:
        """As in keys and file names; "default" where nothing is varied."""
        parts = [f"prompt={self.prompt}"] if self.prompt != "native" else []
        parts += [f"answer={self.answer}"] if self.answer else []
        parts += ["image=hidden"] if self.hidden else []
        parts += [f"style={self.style}"] if self.style != "llava" else []
        parts += [f"shots={self.shots}"] if self.shots else []
        parts += [f"system={_digest(self.system)}"] if self.system else []
        parts += [f"repeat={self.repeat}"] if self.repeat else []
        return "+".join(parts) or DEFAULT_CONDITION

    def shown(self) -> Condition:
        """The same with the image."""
        return replace(self, hidden=False)

    def first(self) -> Condition:
        """The same, drawn the first time."""
        return replace(self, repeat=0)

    def facts(self) -> dict[str, str | int | bool]:
        """What is varied, in full, for run.json."""
        return {name: value for name, value in asdict(self).items() if value != getattr(DEFAULT, name)}

    def in_language(self, tag: str) -> Condition:
        """What it comes to in one language: English has no other instruction than the English one."""
        return replace(self, prompt="native") if tag == ENGLISH else self


DEFAULT = Condition()


def _digest(text: str) -> str:
    return text[1:] if text.startswith("#") else hashlib.sha256(text.encode()).hexdigest()[:8]


@cache
def parse_condition(name: str) -> Condition | None:
    """The condition of a name; None for one that this module does not make (a translator's, a plug-in's)."""
    if name == DEFAULT_CONDITION:
        return DEFAULT
    given = dict(part.partition("=")[::2] for part in name.split("+"))
    numbers = {key: int(given[key]) if given[key].isdecimal() else -1 for key in ("shots", "repeat") if key in given}
    found = Condition(
        prompt=given.get("prompt", "native"),  # type: ignore[arg-type]  # checked below
        answer=given.get("answer", ""),  # type: ignore[arg-type]
        hidden=given.get("image") == "hidden",
        style=given.get("style", "llava"),  # type: ignore[arg-type]
        shots=numbers.get("shots", 0),
        system=f"#{given['system']}" if "system" in given else "",
        repeat=numbers.get("repeat", 0),
    )
    known = found.prompt in ("native", "en") and found.answer in ("", "native", "en")
    return found if known and found.style in ("llava", "authors") and found.name == name else None


def asked_language(tag: str, condition: str) -> str:
    """The language that an answer should be in: what the prompt asks for, else that of the question.

    Args:
        tag: language of the question.
        condition: name of the condition; one that is not known asks for nothing.
    """
    known = parse_condition(condition)
    return ENGLISH if known is not None and known.answer == "en" else tag


def is_repeat(name: str) -> bool:
    """Whether the condition of that name is a further draw of another one."""
    known = parse_condition(name)
    return known is not None and known.repeat > 0


def hides_image(name: str) -> bool:
    """Whether the image is not shown under the condition of that name."""
    known = parse_condition(name)
    return known is not None and known.hidden


@dataclass(frozen=True, slots=True)
class Prompting:
    """What a command asks to stand around and before a question, and how often it is asked.

    Attributes:
        style: llava, authors, or both.
        system: text of the system turn.
        shots: examples before the question.
        repeats: how often each question is asked.
    """

    style: str = "llava"
    system: str = ""
    shots: int = 0
    repeats: int = 1


def choose_conditions(
    prompt_lang: str = "native",
    answer_lang: str | None = None,
    hide_image: HideImage = False,
    prompting: Prompting | None = None,
) -> list[Condition]:
    """The conditions that a command asks for, the ones nearest to the benchmark's own prompt first.

    Args:
        prompt_lang: native, en, or both.
        answer_lang: native, en, or both; None: the prompt says nothing about it.
        hide_image: whether the image is left out; both: asks with it, and without it.
        prompting: style, system text, examples, repeats.

    Raises:
        UsageError: another word, or a number out of range.
    """
    asked = prompting or Prompting()
    if asked.style not in ("llava", "authors", "both"):
        raise unknown("--prompt-style", asked.style, ("llava", "authors", "both"))
    if asked.shots < 0:
        raise UsageError(f"--few-shot {asked.shots}: type a number of at least 0")
    if asked.repeats < 1:
        raise UsageError(f"--repeats {asked.repeats}: type a number of at least 1")
    if asked.system.startswith("#"):
        raise UsageError("--system: a system text cannot begin with '#'")
    valid = ("native", "en", "both")
    if prompt_lang not in valid:
        raise unknown("--prompt-lang", prompt_lang, valid)
    if answer_lang is not None and answer_lang not in valid:
        raise unknown("--answer-lang", answer_lang, valid)
    if hide_image not in (False, True, "both"):
        raise UsageError(f"hide_image={hide_image!r}: valid: False, True, 'both'")
    prompts: Sequence[PromptLanguage] = [one for one in ("native", "en") if prompt_lang in (one, "both")]
    answers: Sequence[AnswerLanguage] = (
        [""] if answer_lang is None else [one for one in ("native", "en") if answer_lang in (one, "both")]
    )
    hidden = (False, True) if hide_image == "both" else (bool(hide_image),)
    styles: Sequence[PromptStyle] = [one for one in ("llava", "authors") if asked.style in (one, "both")]
    return [
        Condition(prompt, answer, hides, style, asked.shots, asked.system, repeat)
        for style in styles
        for prompt in prompts
        for answer in answers
        for hides in hidden
        for repeat in range(asked.repeats)
    ]


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
