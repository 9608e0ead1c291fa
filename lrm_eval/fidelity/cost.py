"""What a language costs in tokens: tokens per word, and how many more than English for the same text.

Tokens per word ("fertility"): Rust et al. 2021 (arXiv:2012.15613). Parity, the tokens of a text over those of its
English version: Petrov et al. 2023 (arXiv:2305.15425). The text is six articles of the Universal Declaration of Human
Rights, the same in all languages of the registry.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lrm_eval.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ENGLISH = "en"
_TEXTS = Path(__file__).resolve().parent / "data" / "parallel.yaml"
# Changes with the text or the rule, and so with what budgets come to; part of an adapter's fingerprint.
SCALE_VERSION = 1


@dataclass(frozen=True, slots=True)
class LanguageCost:
    """What one language costs with one tokenizer.

    Attributes:
        tag: the language.
        tokens: of the text.
        words: of the text; None where words are not separated by blanks.
        characters: of the text, blanks left out.
        english_tokens: of the English text.
    """

    tag: str
    tokens: int
    words: int | None
    characters: int
    english_tokens: int

    @property
    def per_word(self) -> float | None:
        """Tokens per word; None where words are not separated by blanks."""
        return self.tokens / self.words if self.words else None

    @property
    def per_character(self) -> float:
        """Tokens per character."""
        return self.tokens / self.characters

    @property
    def parity(self) -> float:
        """Tokens of the text over tokens of its English version: 1 costs as much as English."""
        return self.tokens / self.english_tokens


@cache
def parallel_texts() -> Mapping[str, tuple[str, ...]]:
    """Tag -> the sentences, in one order in all languages.

    Raises:
        UsageError: the data file is damaged.
    """
    from lrm_eval.tasks.yamlfile import read_yaml

    return {str(tag): tuple(map(str, sentences)) for tag, sentences in read_yaml(_TEXTS).data.items()}


def language_costs(count: Callable[[str], int], texts: Mapping[str, Sequence[str]] | None = None) -> list[LanguageCost]:
    """The cost of each language with one tokenizer, in the order of the texts.

    Args:
        count: number of tokens of a text, without special ones.
        texts: tag -> sentences, English among them; None: the bundled ones.

    Raises:
        UsageError: no English text, an empty one, or a tokenizer that makes nothing of the English one.
    """
    from lrm_eval.languages import get

    known = parallel_texts() if texts is None else texts
    if not known.get(ENGLISH):
        raise UsageError("parity needs the English text: a file of texts has one key a language, 'en' among them")
    english = sum(map(count, known[ENGLISH]))
    if not english:
        raise UsageError("the tokenizer makes no tokens of the English text")
    found = []
    for tag, sentences in known.items():
        characters = sum(len("".join(sentence.split())) for sentence in sentences)
        if not characters:
            raise UsageError(f"no text in {tag!r}")
        words = sum(len(sentence.split()) for sentence in sentences) if get(tag).spaces else None
        found.append(LanguageCost(tag, sum(map(count, sentences)), words, characters, english))
    return found


class BudgetScale:
    """Token budgets for a tokenizer: as many more tokens as a language needs to say the same.

    Args:
        count: number of tokens of a text, without special ones.
    """

    def __init__(self, count: Callable[[str], int]) -> None:
        self._count = count
        self._parity: dict[str, float] = {}

    def parity(self, tag: str) -> float:
        """Parity to English, never below 1.

        A language without a bundled text is measured by its two format instructions, which every language has.
        """
        if tag not in self._parity:
            self._parity[tag] = max(1.0, self._measured(tag))
        return self._parity[tag]

    def budget(self, tokens: int, tag: str) -> int:
        """The budget in a language that is as long as `tokens` in English."""
        # Not 48.00000001 -> 49: a budget must not hang on the last bit of a quotient.
        return math.ceil(tokens * self.parity(tag) - 1e-9)

    def _measured(self, tag: str) -> float:
        from lrm_eval.languages import get

        texts = parallel_texts()
        if tag in texts:
            pair = (texts[tag], texts[ENGLISH])
        else:
            lines = [(one.short_answer, one.option_letter) for one in (get(tag), get(ENGLISH))]
            pair = (lines[0], lines[1])
        own, english = (sum(map(self._count, sentences)) for sentences in pair)
        return own / english if english else 1.0
