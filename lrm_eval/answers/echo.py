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
    full = list(_asked(question))
    # A question said back as a question, up to its mark, is no answer.
    if len(said) < 3 or said == full:
        return None
    said = [word for word in said if word not in lexicon.fillers]
    full = [word for word in full if word not in lexicon.fillers]
    if len(said) != len(full) or not said or not (said == full or _turned(said, full)):
        return None
    return Reading("yes", "echo", "read", lexicon.language.tag)


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
