"""The texts of a conversation that a translator gets, and the conversation put together again. Pure functions.

What no translator may touch is cut out before: code, displayed formulas, the letters of options and the marks of lists,
line breaks, LLaVA's format instructions (each language has its own) and `<image>`. Formulas, code and numbers inside a
line are the translators' to keep (`lrm_eval.translation.protect`), and are checked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrm_eval.translation import textual
from lrm_llava.data.mix import split_instruction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lrm_eval.languages import Language
    from lrm_llava.conversations import Conversation

_BLOCK = re.compile(r"```.*?(?:```|\Z)|\$\$.+?\$\$|\\\[.+?\\\]|\\begin\{(\w+\*?)\}.*?\\end\{\1\}", re.DOTALL)
# "A. ", "(b) ", "- ", "2) ", "### ": what labels a line. A capital and a full stop alone are no sentence.
_LABEL = re.compile(r"\s*(?:(?:[A-Ha-h][.):]|\([A-Ha-h]\)|[-*•+>]|#+|\d{1,3}[.)])[ \t]+)*")
_SENTENCE_END = re.compile(r"[.!?][\"”’)\]]*[ \t]+(?=[\"“‘(\[]?[A-Z0-9])")
_ABBREVIATION = re.compile(r"\b(?:[A-Za-z]|Mr|Mrs|Ms|Dr|Prof|St|Mt|No|Fig|vs|etc|approx|e\.g|i\.e|a\.m|p\.m|U\.S)\Z")
_SENTENCE_WORDS = 3
_MOST_TEXTS = 30
_MOST_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a turn; all of them together are the turn."""

    text: str
    translated: bool


@dataclass(frozen=True, slots=True)
class CutTurn:
    """What one of the two says.

    Attributes:
        speaker: "human" or "gpt".
        pieces: its text, without the format instruction.
        form: "short_answer", "option_letter" or "": the format instruction of its last line.
    """

    speaker: str
    pieces: tuple[Piece, ...]
    form: str = ""


@dataclass(frozen=True, slots=True)
class Lines:
    """Texts of one record that are translated together (protocol: `lrm_eval.translation.planning.Texts`)."""

    of: tuple[str, ...]

    def texts(self) -> Iterator[tuple[str, bool]]:
        """(text, whether it is a sentence)."""
        for text in self.of:
            yield text, is_sentence(text)


def is_sentence(text: str) -> bool:
    """Whether a text must change in another language; one or two words may be a name."""
    return textual.words(text) >= _SENTENCE_WORDS


def cut(text: str, sentences: bool = False) -> tuple[Piece, ...]:
    """The pieces of a turn.

    Args:
        text: what is said.
        sentences: whether lines are cut into sentences, for models that were trained on single ones.
    """
    found: list[Piece] = []
    end = 0
    for block in _BLOCK.finditer(text):
        found += _lines(text[end : block.start()], sentences)
        found.append(Piece(block.group(), False))
        end = block.end()
    return tuple(piece for piece in (*found, *_lines(text[end:], sentences)) if piece.text)


def _lines(text: str, sentences: bool) -> Iterator[Piece]:
    for line in text.splitlines(keepends=True):
        label = _LABEL.match(line)
        start = label.end() if label else 0
        body = line[start:].rstrip()
        yield Piece(line[:start], False)
        for sentence in _sentences(body) if sentences else [body]:
            kept = sentence.rstrip()
            yield Piece(kept, textual.translatable(kept))
            yield Piece(sentence[len(kept) :], False)
        yield Piece(line[start + len(body) :], False)


def _sentences(text: str) -> Iterator[str]:
    """Sentences with the blanks after them."""
    start = 0
    for match in _SENTENCE_END.finditer(text):
        if text[match.start()] == "." and _ABBREVIATION.search(text, start, match.start()):
            continue
        yield text[start : match.end()]
        start = match.end()
    yield text[start:]


def cut_conversation(one: Conversation, sentences: bool = False) -> tuple[CutTurn, ...]:
    """All turns of a conversation, the human's and the assistant's in turn."""
    found = []
    for turn in one.turns:
        question, form = split_instruction(turn.question)
        found.append(CutTurn("human", cut(question, sentences), form))
        found.append(CutTurn("gpt", cut(turn.answer, sentences)))
    return tuple(found)


def lines_of(turns: tuple[CutTurn, ...]) -> list[Lines]:
    """What is sent: the texts of a record in order, each once, in portions that a chat model can answer in one go."""
    texts = dict.fromkeys(piece.text for turn in turns for piece in turn.pieces if piece.translated)
    portions: list[list[str]] = []
    size = 0
    for text in texts:
        if not portions or len(portions[-1]) == _MOST_TEXTS or size + len(text) > _MOST_CHARACTERS:
            portions.append([])
            size = 0
        portions[-1].append(text)
        size += len(text)
    return [Lines(tuple(portion)) for portion in portions]


def joined(turns: tuple[CutTurn, ...], known: Mapping[str, str], language: Language) -> list[dict[str, str]]:
    """The conversation in a language, as LLaVA's JSON has it.

    Raises:
        KeyError: a text has no translation.
    """
    found = []
    for turn in turns:
        said = "".join(known[piece.text] if piece.translated else piece.text for piece in turn.pieces)
        value = f"{said}\n{getattr(language, turn.form)}" if turn.form else said
        found.append({"from": turn.speaker, "value": value})
    return found
