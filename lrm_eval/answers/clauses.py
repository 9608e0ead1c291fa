"""Clauses and sentences of a tokenised answer, and whether one is about the question."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

from lrm_eval.answers.tokens import PAUSE, STOP, Tokens, normalise, tokenise

if TYPE_CHECKING:
    from lrm_eval.answers.lexicon import Hit

_QUESTIONS = frozenset("?؟")
# Words of a denying sentence that need no link to the question, and words beyond which it says too much.
_SHORT, _LONG = 5, 14
# Han letters that a sentence must share with the question if it shares no two in a row.
_SIGNS = 3


class Clause(NamedTuple):
    """Tokens between two marks of punctuation: [start:end], in sentence number `sentence`."""

    start: int
    end: int
    sentence: int
    opens: bool
    asks: bool


def clauses(tokens: Tokens) -> list[Clause]:
    """The clauses of an answer, in order; sentences are numbered from 0."""
    found: list[Clause] = []
    start, sentence, opens = 0, 0, True
    kinds, count = tokens.kinds, len(tokens)
    for index in [*(place for place, kind in enumerate(kinds) if kind >= PAUSE), count]:
        end = index == count
        if index > start:
            asks = not end and tokens.raw[index] in _QUESTIONS
            found.append(Clause(start, index, sentence, opens, asks))
            opens = False
        if (end or kinds[index] == STOP) and found and found[-1].sentence == sentence:
            sentence += 1
            opens = True
        start = index + 1
    return found


def after_call(tokens: Tokens, clauses: list[Clause], clause: Clause) -> bool:
    """Whether a clause follows one opening word and a comma: "Je, ndiyo", "Well, yes"."""
    first = clauses[0]
    return clause is clauses[1] and first.end - first.start == 1 and tokens.raw[first.end] in ",，、፣،"


def about(tokens: Tokens, denial: Hit, clauses: list[Clause], question: str, spaces: bool) -> bool:
    """Whether a denying sentence is about what was asked: short, or with a word of the question in it.

    A word counts with its first four letters, so that a case ending does not hide it; Han letters by pairs or by
    three anywhere, those of other scripts without spaces by threes.
    """
    sentence = next(clause.sentence for clause in clauses if clause.start <= denial.start < clause.end)
    said = [
        tokens.folded[index]
        for clause in clauses
        if clause.sentence == sentence
        for index in range(clause.start, clause.end)
    ]
    # Two letters make a word in a script without spaces, more or less.
    words = len(said) if spaces else len(said) // 2
    if words <= _SHORT or not question:
        return True
    if words > _LONG:
        return False
    asked = tokenise(normalise(question)).folded
    return bool(_stems(said) & _stems(asked)) or len(_signs(said) & _signs(asked)) >= _SIGNS


def _signs(words: list[str]) -> set[str]:
    return {word for word in words if len(word) == 1 and word > "\u2fff"}


def _stems(words: list[str]) -> set[str]:
    stems = {word[:4] for word in words if len(word) >= 3}
    stems |= {a + b for a, b in itertools.pairwise(words) if len(a) == len(b) == 1 and a > "\u2fff"}
    # Thai, Lao, Burmese and Khmer letters are sounds: three make a syllable or two.
    sounds = zip(words, words[1:], words[2:], strict=False)
    return stems | {a + b + c for a, b, c in sounds if all("\u0e00" <= part < "\u1800" for part in (a, b, c))}
