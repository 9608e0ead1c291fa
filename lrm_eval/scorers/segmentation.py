"""How a text is cut into tokens for BLEU and CIDEr, by language: stated, never by blanks where none are written.

sacreBLEU's own tokenizers, so that its signature says which: `zh` for Chinese; `ja-mecab` for Japanese where MeCab is
installed, else characters; `char` for Thai, Lao, Khmer, Burmese and whatever else is written without blanks; `13a` for
the rest. Its `flores200` would need a model that has to be downloaded.
"""

from __future__ import annotations

import importlib.util
import unicodedata
from functools import lru_cache
from typing import Any

_BY_LANGUAGE = {"zh": "zh", "zh-Hant": "zh", "yue": "zh", "ja": "ja-mecab"}
# Written without blanks between words, for languages that the registry does not hold.
_UNSPACED = {"th", "lo", "km", "my", "bo", "dz", "shn", "jv-Java", "su-Sund"}
CHARACTERS = "char"
_DEFAULT = "13a"


def tokenizer_name(tag: str) -> str:
    """The sacreBLEU tokenizer of a language on this machine.

    Args:
        tag: canonical BCP-47 tag.
    """
    from lrm_eval.errors import UsageError
    from lrm_eval.languages import get

    name = _BY_LANGUAGE.get(tag)
    if name is None:
        try:
            unspaced = not get(tag).spaces
        except UsageError:
            unspaced = tag in _UNSPACED
        return CHARACTERS if unspaced else _DEFAULT
    return name if name != "ja-mecab" or has_mecab() else CHARACTERS


def has_mecab() -> bool:
    """Whether Japanese can be cut into words here (`pip install "sacrebleu[ja]"`)."""
    return all(importlib.util.find_spec(name) is not None for name in ("MeCab", "ipadic"))


@lru_cache(maxsize=64)
def tokenizer(name: str) -> Any:
    """The tokenizer itself: text -> text with single blanks between tokens."""
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(tokenize=name).tokenizer


@lru_cache(maxsize=65536)
def words(text: str, name: str) -> tuple[str, ...]:
    """Lower-case tokens without punctuation, as CIDEr wants them; `name` is a tokenizer's."""
    tokens = tokenizer(name)(unicodedata.normalize("NFC", text).lower()).split()
    return tuple(token for token in tokens if any(unicodedata.category(char)[0] in "LMNS" for char in token))
