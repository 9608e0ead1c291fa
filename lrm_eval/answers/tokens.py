"""Answer text -> tokens, for any script. Pure functions.

A token is a word, a joint (the apostrophe of `l'option`, the hyphen of `X-ray`) or a punctuation mark. A change
of script ends a word (`C입니다`, `选C`), except among Latin, Cyrillic and Greek, whose letters look alike and stand in
one word when they are mixed at all. Scripts written without spaces give one token per letter. Emphasis and quotation
marks are dropped: `**B**` is `B`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, cached_property, lru_cache

WORD, JOINT, PAUSE, STOP = range(4)

_THINKING = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_THINKING_BEGINS = re.compile(r"<think(?:ing)?>", re.IGNORECASE)
_THINKING_ENDS = re.compile(r"</think(?:ing)?>", re.IGNORECASE)

_WRAPPERS = ("answer", "final_answer", "b", "strong", "i", "em", "u", "p", "code", "span")

# Marks that show nothing: bidi controls and isolates, zero-width spaces and joiners, soft hyphen, byte order mark,
# variation selectors. Joiners shape letters but never tell two answers apart, so they go from text and lexicon alike.
_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180e\ufeff\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f]")
_CONTROLS = re.compile("[\u00ad\u061c\ufeff\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069]")
_APOSTROPHES = re.compile("[\u2018\u2019\u201b\u02bc\u02b9\u00b4\u2032]")
_HYPHENS = re.compile("[\u2010\u2011\u2012\u2212]")

# Arabic and Hebrew are written with and without vowel signs, Arabic letters in forms that keyboards mix up: hamza on
# alef or not, Persian and Arabic yeh and kaf, Urdu heh. None of these tells two answers apart.
_SEMITIC = re.compile("[\u0590-\u06ff]")
_VARIANTS = {
    **dict.fromkeys((*range(0x0591, 0x05BE), 0x05BF, 0x05C1, 0x05C2, 0x05C4, 0x05C5, 0x05C7)),
    **dict.fromkeys((0x0640, *range(0x0610, 0x061B), *range(0x064B, 0x0660), 0x0670, *range(0x06D6, 0x06DD))),
    **str.maketrans("أإآٱىيكةۃہھۀۂۓ", "اااایی\u06a9ههههههے"),
}

# Latin, Greek and Cyrillic with their supplements: one class (see the module's docstring).
_ALIKE = (
    "A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af\u1e00-\u1eff\u2c60-\u2c7f\ua722-\ua7ff"
    "\u0370-\u0373\u0376-\u037d\u037f\u0386\u0388-\u03ff\u1f00-\u1fff"
    "\u0400-\u0481\u048a-\u052f\u1c80-\u1c88\ua640-\ua66e\ua680-\ua69d"
)
# Thai, Lao, Tibetan, Burmese, Khmer, Kana, Han: no spaces between words.
_UNSPACED = (
    "\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46\u0e81-\u0eb0\u0eb2\u0eb3\u0ec0-\u0ec6\u0f40-\u0f6c\u1000-\u102a\u103f"
    "\u1780-\u17b3\u3005\u3007\u3041-\u3096\u309d-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
)
_STOPS = ".!?。！？…።؟।॥۔။៕\n"
# Stands for the hyphen inside a word; `normalise` leaves none in a text.
_HYPHEN = "\u2010"
_QUIET = "\"'*_#`$~“”„«»‹›「」『』‚‘’\\"


@cache
def marks() -> str:
    """All combining marks, as the inside of a character class."""
    runs: list[list[int]] = []
    for code in range(0x300, 0x20000):
        if unicodedata.category(chr(code))[0] == "M":
            if runs and runs[-1][1] == code - 1:
                runs[-1][1] = code
            else:
                runs.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in runs)


# What may follow the hyphen or apostrophe inside a word.
_JOINED = rf"(?=[{_ALIKE}]|(?![{_UNSPACED}])[^\W\d_])"
_JOINING_HYPHEN = re.compile(rf"(?<=[^\W_])-{_JOINED}")


@cache
def _scanner() -> re.Pattern[str]:
    signs = marks()
    return re.compile(
        rf"[{_ALIKE}][{_ALIKE}{signs}\d]*"
        rf"|\d+(?:[.,]\d+)*[{_ALIKE}{signs}]*"
        rf"|[{_UNSPACED}][{signs}]*"
        rf"|(?:(?![{_ALIKE}{_UNSPACED}])[^\W\d_])(?:(?![{_ALIKE}{_UNSPACED}])[^\W\d_]|[{signs}])*"
        rf"|(?<=[^\W_])['{_HYPHEN}]{_JOINED}"
        rf"|[^\s{re.escape(_QUIET)}]|\n"
    )


# The same for ASCII, a third faster.
_ASCII_SCANNER = re.compile(
    rf"[A-Za-z][A-Za-z\d]*|\d+(?:[.,]\d+)*[A-Za-z]*|(?<=[A-Za-z\d])['{_HYPHEN}](?=[A-Za-z])|[^\s{re.escape(_QUIET)}]|\n"
)


class _Kinds(dict[str, int]):
    """Kind of every token that is no word, learnt from the letters of the texts seen."""

    def __init__(self) -> None:
        super().__init__({"'": JOINT, _HYPHEN: JOINT, **dict.fromkeys(_STOPS, STOP)})
        self.known: set[str] = set()
        self.learn("".join(map(chr, range(128))))

    def learn(self, text: str) -> None:
        """Know every character of a text. There are as many as Unicode has, so this ends."""
        for char in set(text) - self.known:
            self.known.add(char)
            if not char.isalnum():
                self.setdefault(char, PAUSE)


_KINDS = _Kinds()


@cache
def _digits() -> re.Pattern[str]:
    """Every digit that is not ASCII: decimal ones of all scripts, and others with a digit's value (Ethiopic ፪)."""
    return re.compile("[" + "".join(char for char in map(chr, range(0x80, 0x20000)) if char.isdigit()) + "]")


@lru_cache(maxsize=4096)
def _surrounds(char: str) -> bool:
    """Whether a character around an answer says nothing: punctuation, symbol, space, control; not Ⓐ or ①."""
    if unicodedata.category(char)[0] not in "PSZCM":
        return False
    return not any(part.isalnum() for part in unicodedata.normalize("NFKC", char))


def strip_around(text: str) -> str:
    """Text without the punctuation, symbols, marks and space around it."""
    start, end = 0, len(text)
    while start < end and not text[start].isalnum() and _surrounds(text[start]):
        start += 1
    while end > start and not text[end - 1].isalnum() and _surrounds_end(text, end - 1):
        end -= 1
    return text[start:end]


def _surrounds_end(text: str, last: int) -> bool:
    """As `_surrounds`, for the last character: there a combining mark belongs to the letter it stands on."""
    if unicodedata.category(text[last])[0] != "M":
        return _surrounds(text[last])
    base = last
    while base > 0 and unicodedata.category(text[base])[0] == "M":
        base -= 1
    return not text[base].isalnum()


def without_thinking(text: str) -> str:
    """Text after the model's reasoning: `<think>` blocks are taken out, an open one to the end of the text."""
    if "think" not in text and "THINK" not in text:
        return text
    ends = [match.end() for match in _THINKING_ENDS.finditer(text)]
    # Nothing after the last end of a block is in one: no search for an end runs in vain to the end of the text.
    closed, rest = (text[: ends[-1]], text[ends[-1] :]) if ends else ("", text)
    begins = _THINKING_BEGINS.search(rest)
    rest = rest[: begins.start()] if begins else rest
    closed = _THINKING.sub("\n", closed)
    # Chat templates that open the block in the prompt leave only its end in the answer.
    loose = [match.end() for match in _THINKING_ENDS.finditer(closed)]
    return (closed[loose[-1] :] if loose else closed) + rest


def without_marks(text: str) -> str:
    """Text without bidi controls and zero-width marks, but with the joiners inside its words."""
    return _CONTROLS.sub("", text)


def _without_tags(text: str) -> str:
    """Text without the HTML-like tags that models wrap an answer in."""
    for tag in _WRAPPERS:
        if f"</{tag}>" in text:
            text = text.replace(f"<{tag}>", " ").replace(f"</{tag}>", " ")
    return text


def normalise(text: str) -> str:
    """Text as it is read: NFKC, tags and invisible marks gone, digits ASCII, one kind of apostrophe, trimmed."""
    plain = text.isascii()
    if not plain:
        # First, for a mark inside a tag would hide the tag.
        text = _INVISIBLE.sub("", text)
    if "</" in text:
        text = _without_tags(text)
    if plain:
        return strip_around(text)
    text = strip_around(_HYPHENS.sub("-", _APOSTROPHES.sub("'", text)))
    text = fold_script(unicodedata.normalize("NFKC", text))
    text = _digits().sub(lambda match: str(unicodedata.digit(match.group())), text)
    return strip_around(text)


def fold_script(text: str) -> str:
    """NFKC text with the spellings of one Arabic or Hebrew word made one (see `_VARIANTS`)."""
    return text.translate(_VARIANTS) if _SEMITIC.search(text) else text


class Tokens:
    """A tokenised answer; the lists have one entry per token.

    Attributes:
        text: the normalised text.
        folded: case-folded.
        raw: as written (after NFKC).
        kinds: WORD, JOINT, PAUSE (within a sentence) or STOP (ends one).
    """

    def __init__(self, text: str, folded: list[str], raw: list[str], kinds: list[int]) -> None:
        self.text = text
        self.folded = folded
        self.raw = raw
        self.kinds = kinds

    def __len__(self) -> int:
        return len(self.raw)

    @cached_property
    def _starts(self) -> list[int]:
        """Offsets in `text`. What the scanner dropped between tokens is no token, so each is the next of its kind."""
        starts = []
        place = 0
        for token in self.raw:
            place = self.text.index(token, place)
            starts.append(place)
            place += len(token)
        return starts

    def glued(self, index: int) -> bool:
        """Whether the next token follows without anything between."""
        if index + 1 >= len(self.raw):
            return False
        return self._starts[index] + len(self.raw[index]) == self._starts[index + 1]


def tokenise(text: str) -> Tokens:
    """Tokens of a normalised text."""
    if "-" in text:
        text = _JOINING_HYPHEN.sub(_HYPHEN, text)
    if text.isascii():
        raw = _ASCII_SCANNER.findall(text)
    else:
        raw = _scanner().findall(text)
        _KINDS.learn(text)
    kind = _KINDS.get
    # One call folds all: no token holds a space.
    folded = " ".join(raw).casefold().split(" ") if raw else []
    if "İ" in text:
        # Turkish capitals: case folding leaves a dot above the i.
        folded = [token.replace("i\u0307", "i") for token in folded]
    return Tokens(text, folded, raw, [kind(token, WORD) for token in raw])


def words(phrase: str) -> tuple[str, ...]:
    """A phrase as the tuple of folded tokens it matches."""
    return tuple(tokenise(normalise(phrase)).folded)
