"""Yes by saying the question back as a statement: "There is a dog" to "Is there a dog?"."""

from __future__ import annotations

from functools import lru_cache

from lrm_eval.answers.lexicon import Hit, Lexicon, Role
from lrm_eval.answers.tokens import STOP, WORD, Tokens, normalise, tokenise
from lrm_eval.types import Reading


def said_back(tokens: Tokens, hits: list[Hit], question: str, lexicon: Lexicon) -> Reading | None:
    """Yes, if the answer says the whole question back as a statement, else None.

    The words must be the question's, in its order but for the one (the
    verb) that moved away from the front, or turned around it ("auf dem Bild ist ein Hund"). Question particles and
    indefinite articles (`fillers`) may come and go; anything else more or less ("there may be", "two dogs") and
    nothing is read.
    """
    if not question or not tokens.raw or STOP in tokens.kinds:
        return None
    if any(hit.roles & (Role.NEGATION | Role.DENIAL | Role.REFUSAL) for hit in hits):
        return None
    said = [word for word, kind in zip(tokens.folded, tokens.kinds, strict=True) if kind == WORD]
    return Reading("yes", "echo", "read", lexicon.language.tag) if repeats(said, question, lexicon) else None


def repeats(said: list[str], question: str, lexicon: Lexicon) -> bool:
    """Whether folded words are those of the question made a statement."""
    full = list(_asked(question))
    # A question said back as a question, up to its mark, is no answer.
    if len(said) < 3 or said == full:
        return False
    said = [word for word in said if word not in lexicon.fillers]
    full = [_stated(word, lexicon) for word in full if word not in lexicon.fillers]
    return len(said) == len(full) > 0 and (said == full or _turned(said, full))


def _stated(word: str, lexicon: Lexicon) -> str:
    """A word of a question as it stands in a statement: Finnish onko -> on, Korean 있습니까 -> 있습니다."""
    for ending, instead in lexicon.question_endings:
        if word.endswith(ending):
            return word.removesuffix(ending) + instead
    return word


@lru_cache(maxsize=4096)
def _asked(question: str) -> tuple[str, ...]:
    asked = tokenise(normalise(question))
    return tuple(word for word, kind in zip(asked.folded, asked.kinds, strict=True) if kind == WORD)


def _turned(said: list[str], full: list[str]) -> bool:
    """Whether the answer is the question with its first word moved, and what follows it perhaps turned around."""
    if full[0] not in said:
        return False
    rest = list(said)
    rest.remove(full[0])
    body = full[1:]
    return any(rest == body[cut:] + body[:cut] for cut in range(len(body)))
