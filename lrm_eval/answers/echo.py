"""Yes by a statement: the question said back ("There is a dog"), or its object said to be there ("I see a dog").

A description from which a person could only infer the answer is not read: every word must be the question's own or a
word of the language that affirms, and nothing that was asked may be left out but the picture ("two dogs", "red").
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from lrm_eval.answers.lexicon import Hit, Lexicon, Role
from lrm_eval.answers.tokens import STOP, WORD, Tokens, normalise, tokenise
from lrm_eval.answers.tokens import words as phrase_words
from lrm_eval.types import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TAKES_BACK = Role.NEGATION | Role.DENIAL | Role.REFUSAL
_QUESTIONS = frozenset("?؟")
# Tokens by which a statement may be longer than twice its question: fillers, commas.
_MORE = 6
# "in the image": words, or letters of a script without spaces, by which a question says where to look.
_WHERE, _WHERE_LETTERS = 4, 9


def said_back(tokens: Tokens, hits: list[Hit], question: str, lexicon: Lexicon, affirms: bool = True) -> Reading | None:
    """Yes, if the first sentence says the whole question back as a statement or affirms its object, else None.

    The words must be the question's, in its order but for the one (the
    verb) that moved away from the front, or turned around it ("auf dem Bild ist ein Hund"). Question particles and
    indefinite articles (`fillers`) may come and go; anything else more or less ("there may be", "two dogs") and
    nothing is read. What follows may say more, but take nothing back.

    Args:
        tokens: the answer.
        hits: its phrases.
        question: the question as asked.
        lexicon: words of the sample's language.
        affirms: whether a phrase that affirms is among the hits.
    """
    if not question or not tokens.raw:
        return None
    end = tokens.kinds.index(STOP) if STOP in tokens.kinds else len(tokens)
    if end < len(tokens) and tokens.raw[end] in _QUESTIONS:
        return None
    # Most answers that get here are prose: what is longer than the question is not looked at word by word.
    if end > 2 * len(_asked(question)) + _MORE or any(map(_takes_back, hits)):
        return None
    said = [word for word, kind in zip(tokens.folded[:end], tokens.kinds, strict=False) if kind == WORD]
    if repeats(said, question, lexicon):
        return Reading("yes", "echo", "read", lexicon.language.tag)
    if not affirms:
        return None
    hit = _affirms(tokens, [hit for hit in hits if hit.end <= end], end, question, lexicon)
    return Reading("yes", f"affirmed:{hit.phrase}", "read", lexicon.language.tag) if hit else None


def _takes_back(hit: Hit) -> bool:
    return bool(hit.roles & _TAKES_BACK) or (bool(hit.roles & Role.NO) and not hit.roles & Role.AMBIGUOUS)


def repeats(said: list[str], question: str, lexicon: Lexicon) -> bool:
    """Whether folded words are those of the question made a statement."""
    if len(said) < 3:
        return False
    asked = _asked_of(question, lexicon.language.tag)
    kept = [word for word in said if word not in lexicon.fillers]
    # A question said back as a question, up to its mark, is no answer.
    if len(kept) not in asked.lengths or not kept or said == list(asked.words):
        return False
    return any(kept == stated or _turned(kept, stated) for stated in asked.statements)


def _statements(full: list[str], lexicon: Lexicon) -> Iterator[list[str]]:
    """The words of a question as they stand in a statement, without fillers."""
    if lexicon.language.spaces:
        yield [_stated(word, lexicon) for word in full if word not in lexicon.fillers]
        return
    for ending, instead in [((), ()), *lexicon.question_tails]:
        if tuple(full[len(full) - len(ending) :]) == ending:
            words = [*full[: len(full) - len(ending)], *instead]
            yield [word for word in words if word not in lexicon.fillers]


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
    if not full or len(said) != len(full) or full[0] not in said:
        return False
    rest = list(said)
    rest.remove(full[0])
    body = full[1:]
    return any(rest == body[cut:] + body[:cut] for cut in range(len(body)))


def _affirms(tokens: Tokens, hits: list[Hit], end: int, question: str, lexicon: Lexicon) -> Hit | None:
    """The phrase of a sentence that says of all that was asked that it is there."""
    found = next((hit for hit in hits if hit.roles & Role.AFFIRMATION), None)
    if found is None or any(hit.roles & (Role.IDIOM | Role.MARKER) for hit in hits):
        return None
    said = tokens.folded[:end]
    asked = _asked_of(question, lexicon.language.tag)
    # In statement order nothing but a word that answers by itself tells a statement from its question.
    words = [word for word, kind in zip(said, tokens.kinds, strict=False) if kind == WORD]
    # With more text after it, it is the prompt said back.
    if words == list(asked.words) and (not found.roles & Role.YES or end < len(tokens)):
        return None
    # "Je, kuna mbwa", 有狗吗: a particle where the question has it makes a question of it.
    if not words or any(word in lexicon.fillers and word in asked.ends for word in (words[0], words[-1])):
        return None
    covered: set[int] = set()
    for run in _runs(tokens, hits, end, lexicon):
        places = _places(run, asked.content, lexicon)
        if places is None:
            return None
        covered |= places
    if not any(not _shows(asked.content[index], lexicon) for index in covered):
        return None
    return found if _only_where(asked, covered, lexicon) else None


class _Asked:
    """A question: its words, the statements of it, what is asked, which of that are verbs, the words at its ends."""

    def __init__(self, question: str, lexicon: Lexicon) -> None:
        self.words = _asked(question)
        self.statements = list(_statements(list(self.words), lexicon))
        self.lengths = frozenset(map(len, self.statements))
        tokens = tokenise(normalise(question))
        affirming = {word for phrase in lexicon.language.affirmations for word in phrase_words(phrase)}
        # "Finns det", "An bhfuil", `있습니까`: the verb of the question, as it stands in a statement.
        verbs = {
            index
            for index, word in enumerate(tokens.folded)
            if lexicon.language.spaces and (word in affirming or _stated(word, lexicon) in affirming)
        }
        verbs |= set(_tail(tokens.folded, lexicon))
        for hit in lexicon.scan(tokens):
            if hit.roles & (Role.AFFIRMATION | Role.LINK | Role.YES | Role.IDIOM):
                verbs.update(range(hit.start, hit.end))
        kept = [
            (word, index in verbs)
            for index, word in enumerate(tokens.folded)
            if tokens.kinds[index] == WORD and word not in lexicon.fillers
        ]
        self.content = [word for word, _ in kept]
        self.verbs = {place for place, (_, verb) in enumerate(kept) if verb}
        self.ends = frozenset((*self.words[:1], *self.words[-1:]))


@lru_cache(maxsize=4096)
def _asked_of(question: str, tag: str) -> _Asked:
    from lrm_eval.answers.lexicon import lexicon

    return _Asked(question, lexicon(tag))


def _runs(tokens: Tokens, hits: list[Hit], end: int, lexicon: Lexicon) -> Iterator[list[str]]:
    """Stretches of words that neither affirm nor link nor fill."""
    skipped = {
        index for hit in hits if hit.roles & (Role.AFFIRMATION | Role.LINK) for index in range(hit.start, hit.end)
    }
    run: list[str] = []
    for index in range(end):
        word = tokens.folded[index]
        if index in skipped or tokens.kinds[index] != WORD:
            if run:
                yield run
            run = []
        elif word not in lexicon.fillers:
            run.append(word)
    if run:
        yield run


def _tail(words: list[str], lexicon: Lexicon) -> range:
    """Where the ending of a question in a script without spaces stands."""
    for ending, _ in lexicon.question_tails:
        if not lexicon.language.spaces and tuple(words[len(words) - len(ending) :]) == ending:
            return range(len(words) - len(ending), len(words))
    return range(0)


def _places(run: list[str], content: Sequence[str], lexicon: Lexicon) -> set[int] | None:
    """Where the words of a run stand in the question, piece by piece; None if one stands nowhere."""
    found: set[int] = set()
    start = 0
    while start < len(run):
        length, place = _longest(run, start, content)
        # One letter of a script without spaces is no word, unless it is a Han sign.
        if length == 1 and not lexicon.language.spaces and run[start] < "\u2e80":
            return None
        if length == 0:
            # "on" for "in": a word before the image.
            if not any(_shows(word, lexicon) for word in run[start + 1 : start + 3]):
                return None
            length = 1
        else:
            found.update(range(place, place + length))
        start += length
    return found


def _longest(run: list[str], start: int, content: Sequence[str]) -> tuple[int, int]:
    """(length, place) of the longest piece of run[start:] that stands in the question."""
    best = (0, 0)
    for place in range(len(content)):
        length = 0
        while start + length < len(run) and place + length < len(content):
            if not _same(run[start + length], content[place + length]):
                break
            length += 1
        best = max(best, (length, place), key=lambda found: found[0])
    return best


def _same(said: str, asked: str) -> bool:
    """Whether two words are one. Case endings count as one word in scripts where a longer word is no other one."""
    if said == asked:
        return True
    if said[0] < "\u0590" or min(len(said), len(asked)) < 2 or abs(len(said) - len(asked)) > 2:
        return False
    return said.startswith(asked) or asked.startswith(said)


def _shows(word: str, lexicon: Lexicon) -> bool:
    return any(word.startswith(image) or image.startswith(word) for image in lexicon.image_words)


def _only_where(asked: _Asked, covered: set[int], lexicon: Lexicon) -> bool:
    """Whether what a sentence leaves out of the question only says where to look ("in the image")."""
    left = [index for index in range(len(asked.content)) if index not in covered | asked.verbs]
    if not left:
        return True
    words = [asked.content[index] for index in left]
    spaced = lexicon.language.spaces
    # One phrase: "red … in the image" leaves out more than where to look.
    parted = any(index in covered for index in range(left[0], left[-1]))
    if parted or left[-1] - left[0] >= (_WHERE if spaced else _WHERE_LETTERS):
        return False
    if spaced:
        return any(_shows(word, lexicon) for word in words)
    return any(image in "".join(words) for image in lexicon.language.image_words)
