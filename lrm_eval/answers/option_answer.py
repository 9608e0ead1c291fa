"""One answer to a question with options, and what the rules of `options` ask about it."""

from __future__ import annotations

from bisect import bisect_left
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from lrm_eval.answers.labels import Form, forms, label_endings
from lrm_eval.answers.lexicon import Hit, Lexicon, Role
from lrm_eval.answers.tokens import JOINT, PAUSE, STOP, WORD, Tokens, tokenise, words
from lrm_eval.types import Reading

if TYPE_CHECKING:
    from lrm_eval.types import Sample

OPENING = frozenset("([{<")


@lru_cache(maxsize=4096)
def _option_words(options: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    return tuple(words(option) for option in options)


class Answer:
    """One answer: its tokens, its phrases, and where in it labels and options stand.

    Attributes:
        sample: the question with its options and the labels shown.
        lexicon: words of the sample's language.
        foreign_digits: whether its digits were written as ②, ٢ or ፪.
        forms: every way of writing a label.
        tokens: the answer.
        hits: phrases of the lexicon in it, left to right.
        at: the same by the token they start at.
    """

    def __init__(self, text: str, sample: Sample, lexicon: Lexicon, foreign_digits: bool) -> None:
        self.sample = sample
        self.lexicon = lexicon
        self.foreign_digits = foreign_digits
        self.forms = forms(sample.labels, lexicon.native)
        endings = lexicon.language.label_endings
        if endings:
            text = label_endings(sample.labels, lexicon.native, endings).sub(r"\g<1> ", text)
        self.tokens: Tokens = tokenise(text)
        self.hits: list[Hit] = lexicon.scan(self.tokens)
        self.at: dict[int, Hit] = {hit.start: hit for hit in self.hits}
        # What rules ask of every label is looked up, not searched for: an answer may be megabytes of labels.
        self._ending: dict[int, Hit] = {hit.end: hit for hit in self.hits}

    @cached_property
    def _latin(self) -> bool:
        return any(char.isascii() and char.isalpha() for char in self.tokens.text)

    @cached_property
    def _numbered(self) -> bool:
        return any(char.isdigit() for option in self.sample.options for char in option)

    @cached_property
    def _stops(self) -> list[int]:
        return [index for index, kind in enumerate(self.tokens.kinds) if kind == STOP]

    @cached_property
    def _breaks(self) -> list[int]:
        return [index for index, kind in enumerate(self.tokens.kinds) if kind >= PAUSE]

    @cached_property
    def _denials(self) -> list[int]:
        return [hit.start for hit in self.hits if hit.roles & (Role.NEGATION | Role.DENIAL | Role.NO)]

    @cached_property
    def _markers(self) -> list[int]:
        return [hit.start for hit in self.hits if hit.roles & Role.MARKER]

    def form(self, index: int) -> Form | None:
        """The label that token `index` may be, by itself and its neighbours."""
        tokens = self.tokens
        if not 0 <= index < len(tokens) or tokens.kinds[index] != WORD:
            return None
        form = self.forms.get(tokens.raw[index])
        if form is None:
            return None
        if index + 1 < len(tokens) and tokens.kinds[index + 1] == JOINT and not self._opens_option_word(index + 2):
            return None
        if index and tokens.kinds[index - 1] == JOINT:
            # Zulu writes the copula onto the letter: `ngu-A`.
            copula = self._ending.get(index - 1)
            if copula is None or not copula.roles & (Role.LINK | Role.OPTION):
                return None
        if form.how in ("native", "digit") and not self.foreign(index, form):
            return None
        # A letter of a script without spaces is a label only where a word could not go on.
        follows = tokens.raw[index + 1] if tokens.glued(index) else ""
        if follows and tokens.kinds[index + 1] == WORD and _same_script(tokens.raw[index], follows):
            return None
        return form

    def _opens_option_word(self, index: int) -> bool:
        """Whether a word for option starts at token `index`: Finnish "C-vaihtoehto"."""
        hit = self.at.get(index)
        return hit is not None and bool(hit.roles & Role.OPTION)

    def foreign(self, index: int, form: Form) -> bool:
        """Whether a native letter or a digit stands for a label: no Latin letter is there, no option is a number."""
        if form.how == "native":
            return not self._latin
        if self._numbered:
            return False
        if self.foreign_digits and not self._latin:
            return True
        before = self.before(index)
        if before is not None and before.roles & Role.OPTION:
            return True
        # Japanese `3番`, Korean `2번`: a number, and the word for option written onto it.
        return self.tokens.glued(index) and self._opens_option_word(index + 1)

    def hit_ending(self, index: int) -> Hit | None:
        """The phrase that ends just before token `index`."""
        return self._ending.get(index)

    def before(self, index: int) -> Hit | None:
        """The phrase that ends just before token `index`, punctuation left out."""
        while index > 0 and self.tokens.kinds[index - 1] == PAUSE:
            index -= 1
        return self.hit_ending(index)

    def denied_after(self, index: int) -> bool:
        """Whether a negation at token `index` denies what stands before it.

        It does where the language denies so (Turkish "A değil B"), elsewhere at the end of a clause ("A is wrong").
        """
        hit = self.at.get(index)
        if hit is not None and hit.roles & Role.LINK and not hit.roles & Role.NEGATION:
            hit = self.at.get(hit.end)
        if hit is None or not hit.roles & (Role.NEGATION | Role.DENIAL):
            return False
        if self.lexicon.language.negation_follows:
            return True
        return hit.end >= len(self.tokens) or self.tokens.kinds[hit.end] in (PAUSE, STOP)

    def glued_letter(self, index: int) -> bool:
        """Whether a single letter follows token `index` without a space, as in "D.C."."""
        return (
            self.tokens.glued(index) and len(self.tokens.raw[index + 1]) == 1 and self.tokens.raw[index + 1].isalpha()
        )

    def ends(self, index: int) -> bool:
        """Whether nothing that could make token `index` a word follows it."""
        after = index + 1
        return after >= len(self.tokens) or self.tokens.kinds[after] in (PAUSE, STOP)

    def stands(self, index: int, form: Form, after_link: bool) -> bool:
        """Whether a label followed by a word is a label there."""
        if self.ends(index):
            return True
        tokens = self.tokens
        if tokens.glued(index):
            return True
        following = self.at.get(index + 1)
        goes_on = following is not None and bool(
            following.roles & (Role.LINK | Role.REASON | Role.OPTION | Role.MARKER)
        )
        if tokens.folded[index] in self.lexicon.letter_words:
            return (after_link or goes_on) and form.bare and self.is_capital(index)
        return goes_on or (form.bare and self.is_capital(index))

    def is_capital(self, index: int) -> bool:
        """Whether token `index` is written in capitals."""
        raw = self.tokens.raw[index]
        return raw.isupper()

    def capital(self, index: int) -> Form | None:
        """A label in capitals that is no word of the language there."""
        form = self.form(index)
        if form is None or not self.is_capital(index):
            return None
        if self.tokens.folded[index] in self.lexicon.letter_words and not self.ends(index):
            return None
        return form

    def listed(self, index: int, form: Form) -> bool:
        """Whether another label is joined to this one: "A or C", "A, B, C"."""
        place = index + 1
        article = self.tokens.folded[index] in self.lexicon.letter_words
        while place < len(self.tokens):
            other = self.form(place)
            if other is not None and (place != index + 1):
                closed = place + 1 >= len(self.tokens) or self.tokens.kinds[place + 1] != WORD
                following = self.at.get(place + 1)
                joined = following is not None and bool(following.roles & (Role.JOINER | Role.LINK))
                return other.label != form.label and (closed or joined)
            hit = self.at.get(place)
            if hit is not None and hit.roles & Role.JOINER and not self.denied_after(place):
                place = hit.end
            elif hit is not None and hit.roles & Role.OPTION and place > index + 1:
                # "Option A or option B".
                place = hit.end
            elif self.tokens.kinds[place] == PAUSE or self.tokens.raw[place] == "\n":
                place += 1
            elif other is not None:
                # Hungarian "A C" is "the C".
                return other.label != form.label and not article
            else:
                return False
        return False

    def letter(self, form: Form, index: int, rule: str = "letter") -> Reading:
        """The reading of a label found at token `index` by a rule."""
        how = f"{form.how}:{self.tokens.raw[index]}" if form.how else ""
        return Reading(form.label, f"{rule}+{how}" if how and rule != "letter" else how or rule, "read")

    def texts(self) -> tuple[tuple[str, ...], ...]:
        """The options' texts as tuples of folded tokens."""
        return _option_words(self.sample.options)

    def texts_at(self, index: int) -> list[tuple[int, int]]:
        """(option, end) of the longest option texts that start at token `index`."""
        best: list[tuple[int, int]] = []
        length = 0
        for place, option in enumerate(self.texts()):
            if option and len(option) >= length and self._says(index, option):
                best = [*(best if len(option) == length else []), (place, index + len(option))]
                length = len(option)
        return best

    def _says(self, index: int, option: tuple[str, ...]) -> bool:
        """Whether an option's text starts at token `index`, perhaps with a copula written onto it (ko 토끼입니다)."""
        folded = self.tokens.folded
        if folded[index] != option[0] and len(option) > 1:
            return False
        said = tuple(folded[index : index + len(option)])
        if said == option:
            return True
        copulas = self.lexicon.copulas
        if not copulas or len(said) != len(option) or said[:-1] != option[:-1]:
            return False
        return said[-1].startswith(option[-1]) and said[-1][len(option[-1]) :] in copulas

    def enclosed(self, start: int, end: int) -> bool:
        """Whether tokens[start:end] are a Han sign between words of the language: `これは犬です`."""
        if self.tokens.raw[start] < "\u2e80":
            return False
        opened = start == 0 or self.tokens.kinds[start - 1] != WORD or self.hit_ending(start) is not None
        return opened and (end >= len(self.tokens) or self.tokens.kinds[end] != WORD or end in self.at)

    def structural(self) -> list[Form]:
        """Labels that open a line or a sentence as an option would ("A. dog"): a list of them is no answer."""
        found: list[Form] = []
        tokens = self.tokens
        for index in range(len(tokens) - 1):
            before = tokens.raw[index - 1] if index else "\n"
            form = self.form(index)
            if form is None or tokens.raw[index + 1] not in ").:" or tokens.kinds[index + 1] == WORD:
                continue
            if index == 0 or tokens.kinds[index - 1] != WORD or before in OPENING:
                found.append(form)
        return found

    def sentence_end(self, index: int) -> int:
        """The token that ends the sentence of token `index`."""
        place = bisect_left(self._stops, index)
        return self._stops[place] if place < len(self._stops) else max(index, len(self.tokens))

    def denied(self, start: int, end: int) -> bool:
        """Whether a negation stands in tokens[start:end], in the sentence of `end`."""
        place = bisect_left(self._stops, end)
        if place:
            start = max(start, self._stops[place - 1] + 1)
        return _any_between(self._denials, start, end)

    def denied_label(self, index: int) -> bool:
        """Whether the label at token `index` is denied in its own clause, before it or right behind it."""
        place = bisect_left(self._breaks, index)
        start = self._breaks[place - 1] + 1 if place else 0
        return self.denied(start, index) or self.denied_after(index + 1)

    def marked_between(self, start: int, end: int) -> bool:
        """Whether a marker ("the answer", "correct") begins in tokens[start:end]."""
        return _any_between(self._markers, start, end)


def _any_between(places: list[int], start: int, end: int) -> bool:
    """Whether one of the ascending `places` is in [start, end)."""
    place = bisect_left(places, start)
    return place < len(places) and places[place] < end


def _same_script(left: str, right: str) -> bool:
    """Whether two letters are of one script without spaces, so that they could be one word."""
    first, second = ord(left[0]), ord(right[0])
    return first > 0x0E00 and second > 0x0E00 and abs(first - second) < 0x5200
