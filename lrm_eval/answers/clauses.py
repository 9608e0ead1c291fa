"""Clauses and sentences of a tokenised answer, and whether one is about the question."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

from lrm_eval.answers.lexicon import Role
from lrm_eval.answers.tokens import PAUSE, STOP, Tokens, normalise, tokenise

if TYPE_CHECKING:
    from lrm_eval.answers.lexicon import Hit, Lexicon

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


def sees_no_object(tokens: Tokens, refusal: Hit, clauses: list[Clause], question: str, lexicon: Lexicon) -> bool:
    """Whether "I cannot see" is said of what was asked about, and so is a no: not the image, but the dog.

    Only phrases that stand among both refusals and denials can be, and only if a word of the question that is neither
    the image's nor the language's own stands in their sentence.
    """
    if not refusal.roles & Role.DENIAL or not lexicon.image_words:
        return False
    asked = tokenise(normalise(question))
    own = {word for hit in lexicon.scan(asked) for word in asked.folded[hit.start : hit.end]}
    sentence = next(clause.sentence for clause in clauses if clause.start <= refusal.start < clause.end)
    spans = [clause for clause in clauses if clause.sentence == sentence]
    said = tokens.folded[spans[0].start : refusal.start] + tokens.folded[refusal.end : spans[-1].end]
    return bool(_stems(_plain(said, own, lexicon)) & _stems(_plain(asked.folded, own, lexicon)))


def _plain(words: list[str], own: set[str], lexicon: Lexicon) -> list[str]:
    """Words that are neither fillers nor `own` nor words for image."""
    skipped = own | lexicon.fillers
    if not lexicon.language.spaces:
        text = "".join(words)
        for image in lexicon.language.image_words:
            text = text.replace(image, " ")
        words = tokenise(text).folded
    return [word for word in words if word not in skipped and not word.startswith(lexicon.image_words)]


def _signs(words: list[str]) -> set[str]:
    return {word for word in words if len(word) == 1 and word > "\u2fff"}


def _stems(words: list[str]) -> set[str]:
    # "dogs" is "dog", but "there" is not "the".
    stems = {word[:4] for word in words if len(word) >= 3} | {word[:3] for word in words if len(word) == 4}
    stems |= {a + b for a, b in itertools.pairwise(words) if len(a) == len(b) == 1 and a > "\u2fff"}
    # Thai, Lao, Burmese and Khmer letters are sounds: three make a syllable or two.
    sounds = zip(words, words[1:], words[2:], strict=False)
    return stems | {a + b + c for a, b, c in sounds if all("\u0e00" <= part < "\u1800" for part in (a, b, c))}
