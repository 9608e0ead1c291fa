"""A language's words, compiled once: phrase -> what it does in an answer."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from lrm_eval.answers.tokens import tokenise, words
from lrm_eval.languages import Language, get

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lrm_eval.answers.tokens import Tokens


class Role:
    """What a phrase does, as bits. A phrase may do several things: Spanish `no` answers and negates.

    Plain integers: the operators of enum.IntFlag took half the time of a reading.
    """

    YES = 1
    NO = 2
    ANSWER = YES | NO
    MARKER = 4
    LINK = 8
    OPTION = 16
    NEGATION = 32
    DENIAL = 64
    REFUSAL = 128
    IDIOM = 256
    JOINER = 512
    REASON = 1024
    AMBIGUOUS = 2048
    ENGLISH = 4096
    AFFIRMATION = 8192


# Phrases that mean something only as a whole.
_WHOLE = Role.IDIOM | Role.REFUSAL


class Hit(NamedTuple):
    """A phrase found in tokens[start:end]."""

    start: int
    end: int
    roles: int
    phrase: str

    @property
    def value(self) -> str | None:
        """What it answers: yes, no or None."""
        return "yes" if self.roles & Role.YES else "no" if self.roles & Role.NO else None

    @property
    def rule(self) -> str:
        """The name of the lexicon rule that this hit fires."""
        return f"lexicon-en:{self.phrase}" if self.roles & Role.ENGLISH else f"lexicon:{self.phrase}"


def answers(hit: Hit) -> bool:
    """Whether a hit says yes or no."""
    return bool(hit.roles & Role.ANSWER) and not hit.roles & Role.IDIOM


_FIELDS = {
    "yes": Role.YES,
    "no": Role.NO,
    "answer_markers": Role.MARKER,
    "answer_links": Role.LINK,
    "option_words": Role.OPTION,
    "negations": Role.NEGATION,
    "denials": Role.DENIAL,
    "refusals": Role.REFUSAL,
    "idioms": Role.IDIOM,
    "joiners": Role.JOINER,
    "reasons": Role.REASON,
    "ambiguous": Role.AMBIGUOUS,
    "affirmations": Role.AFFIRMATION,
}


class Lexicon:
    """The phrases of one language, and of English where they mean nothing else in that language.

    Attributes:
        language: the language.
        letter_words: single letters that are words, folded.
        native: series of the letters that label options in the language, each in order.
        question_endings: endings of a question's verb, folded, and what a statement has in their place.
        question_tails: the same as folded tokens.
        copulas: words for "is" that may be written onto the word before them, folded.
        fillers: words in which a question and the statement that repeats it may differ, folded.
        image_words: words for image, folded.
    """

    def __init__(self, language: Language) -> None:
        self.language = language
        self.letter_words = frozenset(letter.casefold() for letter in language.letter_words)
        self.native = (language.option_letters, *(tuple(series.split()) for series in language.option_series))
        self.question_endings = [
            (end, instead) for end, _, instead in (pair.casefold().partition("=") for pair in language.question_endings)
        ]
        # In scripts without spaces an ending is a row of letters at the end of the question.
        self.question_tails = [(words(ending), words(instead)) for ending, instead in self.question_endings]
        self.copulas = frozenset(language.label_endings) & frozenset(language.answer_links)
        self.fillers = frozenset(word for filler in language.fillers for word in words(filler))
        self.image_words = tuple(word for phrase in language.image_words for word in words(phrase))
        roles: dict[tuple[str, ...], int] = {}
        shown: dict[tuple[str, ...], str] = {}
        _add(roles, shown, language, 0, ())
        _inherit_denials(roles)
        if language.tag != "en":
            native = frozenset(roles) | {words(phrase) for phrase in language.false_friends}
            _add(roles, shown, get("en"), Role.ENGLISH, native)
        # Longest first, so that "no doubt" is met before "no".
        self._by_first: dict[str, list[tuple[int, tuple[str, ...], int, str]]] = {}
        for phrase in sorted(roles, key=len, reverse=True):
            self._by_first.setdefault(phrase[0], []).append((len(phrase), phrase, roles[phrase], shown[phrase]))
        self.whole = {
            " ".join(phrase): Hit(0, len(phrase), role, shown[phrase])
            for phrase, role in roles.items()
            if role & Role.ANSWER and not role & Role.IDIOM
        }

    def scan(self, tokens: Tokens) -> list[Hit]:
        """All phrases in the tokens, left to right, the longest at each place, none overlapping."""
        folded = tokens.folded
        by_first = self._by_first
        hits: list[Hit] = []
        end = 0
        for index in [place for place, word in enumerate(folded) if word in by_first]:
            if index < end:
                continue
            for length, phrase, roles, shown in by_first[folded[index]]:
                if length == 1 or tuple(folded[index : index + length]) == phrase:
                    if length > 1 and not roles & _WHOLE and self._cut(folded, index, index + length):
                        continue
                    end = index + length
                    hits.append(Hit(index, end, roles, shown))
                    break
        return hits

    def _cut(self, folded: list[str], start: int, end: int) -> bool:
        """Whether an idiom or a refusal begins inside folded[start:end] and goes on: "there is | no doubt".

        In a script without spaces also whether a longer phrase does, and what stands before it is one: `は|いいえ`.
        """
        for inner in range(start + 1, end):
            for length, phrase, roles, _ in self._by_first.get(folded[inner], ()):
                goes_on = inner + length > end and (roles & _WHOLE or self._parted(folded, start, inner, end, length))
                if goes_on and tuple(folded[inner : inner + length]) == phrase:
                    return True
        return False

    def _parted(self, folded: list[str], start: int, inner: int, end: int, length: int) -> bool:
        head = tuple(folded[start:inner])
        longer = not self.language.spaces and length > end - start
        return longer and any(phrase == head for _, phrase, _, _ in self._by_first[head[0]])


def _add(
    roles: dict[tuple[str, ...], int],
    shown: dict[tuple[str, ...], str],
    language: Language,
    flag: int,
    skip: Iterable[tuple[str, ...]],
) -> None:
    skipped = frozenset(skip)
    for name, role in _FIELDS.items():
        for text in getattr(language, name):
            phrase = words(text) or tuple(tokenise(text).folded)
            # One letter is too little to be taken for an answer in another language.
            if not phrase or phrase in skipped or (flag and len(text) == 1 and role & (Role.ANSWER | Role.AMBIGUOUS)):
                continue
            roles[phrase] = roles.get(phrase, 0) | role | flag
            shown.setdefault(phrase, text)


def _inherit_denials(roles: dict[tuple[str, ...], int]) -> None:
    """Let a phrase for no deny as what it holds does: `definitiv nicht` is met before `nicht` and must not hide it."""
    denials = {phrase for phrase, role in roles.items() if role & Role.DENIAL}
    for phrase, role in roles.items():
        if role & Role.NO and not role & (Role.DENIAL | _WHOLE) and len(phrase) > 1:
            spans = ((start, end) for end in range(1, len(phrase) + 1) for start in range(end))
            if any(phrase[start:end] in denials for start, end in spans):
                roles[phrase] = role | Role.DENIAL


@lru_cache(maxsize=256)
def lexicon(tag: str) -> Lexicon:
    """The lexicon of a language, built at first use.

    Raises:
        UsageError: the language is not in the registry.
    """
    return Lexicon(get(tag))
