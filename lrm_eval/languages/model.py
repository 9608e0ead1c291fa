"""What the harness knows of one language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Direction: TypeAlias = Literal["ltr", "rtl"]


@dataclass(frozen=True, slots=True)
class Language:
    """One language, as read from `data/<tag>.yaml`. Every field is in the file, empty ones as `[]`.

    Words and phrases are matched after NFKC and case folding, as whole words (character by character
    where `spaces` is false), the longest first.

    Attributes:
        tag: canonical BCP-47 tag, with a script only where it is not the language's default.
        iso639_3: ISO 639-3 code; of the individual language where the tag is a macrolanguage's (swh for sw).
        name: English name.
        autonym: the language's name for itself.
        script: ISO 15924 code.
        direction: writing direction.
        family: family and branch.
        joshi_class: resource class 0 (left behind) to 5 (winners), Joshi et al. 2020, arXiv:2004.09095.
        paper: whether it is one of the ten languages of the LRM-LLaVA paper.
        aliases: further codes and names a user may type.
        yes: words for yes with everyday variants; the first is the one a model should answer.
        no: words for no, likewise.
        answer_markers: words that introduce an answer or call one right ("the answer", "correct", "I choose").
        refusals: phrases by which a model says that it cannot or will not answer.
        negations: words that turn around what follows ("the answer is not B").
        negation_follows: whether they stand behind what they deny (Turkish "A değil", Japanese `Aではない`).
        short_answer: LLaVA-1.5's "Answer the question using a single word or phrase."
        option_letter: LLaVA-1.5's "Answer with the option's letter from the given choices directly."
        spaces: whether words are separated by spaces.
        ambiguous: those of `yes` and `no` that are everyday words as well: they count only as a clause of their own.
        denials: phrases by which a statement says no to a yes/no question ("there is no", "kein").
        idioms: phrases that hold an answer word and answer nothing ("no doubt", 是否).
        answer_links: words that may stand between a marker and the answer ("is", "the").
        option_words: words for option, choice, letter, which may stand before a label.
        joiners: words for and, or: two labels joined by one are two answers.
        reasons: words for because.
        letter_words: single letters that are words ("a"): bare, before another word, they are no label.
        option_letters: the letters that label options in this language's own books, in order.
        option_series: further series of such letters, each in order with a space between ("ㄱ ㄴ ㄷ ㄹ").
        label_endings: endings that are written onto a label (Turkish `B'dir`, Korean `가입니다`).
        digits: the language's own decimal digits from zero to nine; empty where it uses 0 to 9 alone.
        fillers: words in which a question and the statement that repeats it may differ: question particles, "a", "any".
        question_endings: endings that make a verb a question, and what a statement has in their place, as "까=다".
        false_friends: English answer words that mean something else here; never read as English.
        affirmations: phrases by which a statement says yes to a yes/no question ("there is", "I see"), written as in a
            statement, not as in a question. They count only where all else is said in the question. May be left out.
        image_words: words for image, picture, photo: "I cannot see the image" refuses, "I cannot see a dog" answers.
            May be left out.
    """

    tag: str
    iso639_3: str
    name: str
    autonym: str
    script: str
    direction: Direction
    family: str
    joshi_class: int
    paper: bool
    aliases: tuple[str, ...]
    yes: tuple[str, ...]
    no: tuple[str, ...]
    answer_markers: tuple[str, ...]
    refusals: tuple[str, ...]
    negations: tuple[str, ...]
    negation_follows: bool
    short_answer: str
    option_letter: str
    spaces: bool
    ambiguous: tuple[str, ...]
    denials: tuple[str, ...]
    idioms: tuple[str, ...]
    answer_links: tuple[str, ...]
    option_words: tuple[str, ...]
    joiners: tuple[str, ...]
    reasons: tuple[str, ...]
    letter_words: tuple[str, ...]
    option_letters: tuple[str, ...]
    option_series: tuple[str, ...]
    label_endings: tuple[str, ...]
    digits: tuple[str, ...]
    fillers: tuple[str, ...]
    question_endings: tuple[str, ...]
    false_friends: tuple[str, ...]
    affirmations: tuple[str, ...] = ()
    image_words: tuple[str, ...] = ()
