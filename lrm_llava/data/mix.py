"""Which languages and which instruction a sample is shown in: pure functions of the recipe and the sample's number."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrm_eval import languages as registry
from lrm_eval.errors import UsageError
from lrm_llava.conversations import Conversation, Turn
from lrm_llava.instructions import bvqa, ep_vqa, load_wording, mvqa

if TYPE_CHECKING:
    from lrm_llava.recipes import Instructions


@dataclass(frozen=True)
class Quota:
    """How many samples in other languages follow from each English one.

    Attributes:
        languages: the other languages, which share alike.
        ratio: samples in other languages a translatable English one (figure 6: 1.0 is "100 %").
        seed: of the recipe.
    """

    languages: tuple[str, ...]
    ratio: float
    seed: int

    def languages_of(self, number: int) -> tuple[str, ...]:
        """The languages of the translatable sample with this number (from 0).

        Samples are dealt in blocks of as many as there are languages, shuffled within the block; after every block
        the languages have floor(samples * ratio) together, none more than one ahead of another, and no sample has a
        language twice while `ratio` is at most the number of languages.
        """
        count = len(self.languages)
        if not count:
            return ()
        block = number // count
        deal = list(range(count))
        random.Random(f"{self.seed}/{block}").shuffle(deal)
        place = block * count + deal[number % count]
        first, last = int(place * self.ratio), int((place + 1) * self.ratio)
        return tuple(self.languages[slot % count] for slot in range(first, last))


def compensated_ratio(ratio: float, english: int, translatable: int) -> float:
    """Samples in other languages for each translatable one, so that `ratio` holds over all English samples.

    The paper keeps mathematics-like data in English and still has half of all data in other languages: the sets that
    are translated make up for those that are not.
    """
    return ratio * english / translatable if translatable else 0.0


def draw_instruction(shares: Instructions, seed: int, key: str) -> str:
    """One of "mvqa", "ep_vqa" and "bvqa": the same for the same seed and key."""
    roll = int.from_bytes(hashlib.sha256(f"{seed}/{key}".encode()).digest()[:8], "big") / 2**64
    total = shares.mvqa + shares.ep_vqa + shares.bvqa
    if roll * total < shares.mvqa:
        return "mvqa"
    return "ep_vqa" if roll * total < shares.mvqa + shares.ep_vqa else "bvqa"


def check_wording(shares: Instructions, tags: tuple[str, ...]) -> None:
    """Every language can be given every instruction that has a share.

    Raises:
        UsageError: one has no wording; MVQA needs none.
    """
    if not shares.ep_vqa and not shares.bvqa:
        return
    names = load_wording("en").name_in or {}
    lacking = [tag for tag in tags if tag not in names]
    if lacking:
        raise UsageError(
            f"no wording of EP-VQA and BVQA in {', '.join(lacking)}; there is one in {', '.join(sorted(names))}. Use "
            "MVQA alone (--set stageN.instructions.ep_vqa=0 --set stageN.instructions.bvqa=0), or write one in "
            "lrm_llava/instructions/data"
        )


def split_instruction(question: str) -> tuple[str, str]:
    """A question of LLaVA's mixture without its last line if that is one of LLaVA-1.5's format instructions.

    Returns:
        The question, and "short_answer", "option_letter" or "".
    """
    english = registry.get("en")
    body, _, last = question.rpartition("\n")
    for name in ("short_answer", "option_letter"):
        if body and last.strip() == getattr(english, name):
            return body.strip(), name
    return question, ""


def shown(english: Conversation, translated: Conversation, tag: str, instruction: str, key: int) -> Conversation:
    """A sample in another language under one of the three instructions.

    The instruction is given with every question of a conversation, so that each turn can be read by itself. BVQA
    asks in one of the two languages, drawn by `key`, and is answered in the other.

    Args:
        english: the sample.
        translated: the same turns in language `tag`.
        tag: canonical tag.
        instruction: "mvqa", "ep_vqa" or "bvqa".
        key: picks phrasing and direction.

    Raises:
        ValueError: the two do not have the same number of turns.
    """
    if len(english.turns) != len(translated.turns):
        raise ValueError(f"{len(translated.turns)} turns, the English sample has {len(english.turns)}")
    to_english = instruction == "bvqa" and key % 2 == 0
    source = "en" if instruction == "bvqa" and not to_english else tag
    turns = tuple(
        _turn(one, other, tag, instruction, source, key // 2)
        for one, other in zip(english.turns, translated.turns, strict=True)
    )
    answered = "en" if to_english else tag
    return Conversation(
        id=f"{english.id}@{tag}", image=english.image, turns=turns, language=answered, instruction=instruction,
        source=english.source,
    )  # fmt: skip


def _turn(english: Turn, other: Turn, tag: str, instruction: str, source: str, phrasing: int) -> Turn:
    question_en, form = split_instruction(english.question)
    question, _ = _split_translated(other.question, tag, form)
    asked = question_en if source == "en" else question
    line = getattr(registry.get(source), form) if form else ""
    if instruction == "ep_vqa":
        one = ep_vqa(asked, question_en, line, other.answer, load_wording(tag), phrasing)
    elif instruction == "bvqa":
        target = "en" if source == tag else tag
        answer = english.answer if target == "en" else other.answer
        one = bvqa(asked, line, answer, load_wording(source), target, phrasing)
    else:
        one = mvqa(asked, line, other.answer)
    return Turn(one.prompt, one.answer)


def _split_translated(question: str, tag: str, form: str) -> tuple[str, str]:
    """Without the last line where the English question has a format instruction: its translation stands there."""
    if not form:
        return question, ""
    body, _, last = question.rpartition("\n")
    return (body.strip(), last) if body else (question, "")
