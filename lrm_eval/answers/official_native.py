"""The official readings of benchmarks that people wrote in each language.

- MaRVL and M5-VGR: `generated_label_classification_evaluation` of the M5 Benchmark (floschne/m5b d63a7de), the relaxed
  accuracy after post-processing: an answer is right that begins or ends with the right word, "yes" or "no".
- XM3600: captions are compared as they are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lrm_eval.types import Reading

if TYPE_CHECKING:
    from lrm_eval.types import Sample

_ARTICLES = {"a", "an", "the"}
# The program's marks; one is dropped if a blank stands beside it anywhere or a digit stands on both sides of a comma,
# and becomes a blank otherwise.
_MARKS = ';/[]"{}()=+\\_-><@`,?!'
_COMMA = re.compile(r"\d,\d")
_POINT = re.compile(r"(?!<=\d)(\.)(?!\d)")


def m5_clean(text: str) -> str:
    """What the program compares: lower case, no marks, no English articles.

    Deviation: numbers in words and contractions are left alone: they can make no yes or no of anything.
    """
    plain = text.replace("\n", "").replace("\t", "").strip()
    result = plain
    for mark in _MARKS:
        beside = f"{mark} " in plain or f" {mark}" in plain or _COMMA.search(plain) is not None
        result = result.replace(mark, "" if beside else " ")
    # The program hands `re.UNICODE` (32) to `sub` as a count: the first 32 points go.
    result = _POINT.sub("", result, count=32)
    return " ".join(word for word in result.lower().split() if word not in _ARTICLES)


def read_m5(sample: Sample, text: str) -> Reading:
    """Yes or no at either end of the answer; at both ends, whichever is right, as the program counts it."""
    answer = text.rstrip(".")
    if answer.lower() in ("true", "false"):
        answer = "yes" if answer.lower() == "true" else "no"
    clean = m5_clean(answer)
    found = [word for word in ("yes", "no") if clean.startswith(word) or clean.endswith(word)]
    if not found:
        return Reading(None, "m5:relaxed", "unparsed")
    return Reading(sample.gold if sample.gold in found else found[0], "m5:relaxed", "read")


def read_caption(sample: Sample, text: str) -> Reading:
    """The caption without blanks around it."""
    caption = " ".join(text.split())
    return Reading(caption, "caption", "read") if caption else Reading(None, "caption", "empty")
