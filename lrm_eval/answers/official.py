"""The parsers of the official programs, quirks included.

One program each:

- MME: `eval_tool/calculation.py`, function parse_pred_ans (MME, branch Evaluation, dd29509)
- POPE: `evaluate.py` (AoiDragon/POPE 08d957b)
- SEED-Bench: `scripts/convert_seed_for_submission.py` of LLaVA (c121f04): the exact letter
- MMBench: `can_infer` of VLMEvalKit, 2024-08, without a judge (the copy in AIDC-AI/Parrot 989d6d0)

They know English only, and Latin capital letters only. What that does to answers in another language
is a finding, not a fault of this module: `multilingual` reads those.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from lrm_eval.answers.official_native import read_caption, read_m5
from lrm_eval.errors import unknown
from lrm_eval.types import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lrm_eval.types import Sample

MME_OTHER = "other"
MCQ_REFUSED = "Z"

# VLMEvalKit 2024-08, vlmeval/utils/matching_util.py, can_infer_option.
_API_FAILED = "Failed to obtain answer via API"
_REFUSALS = (
    "Sorry, I can't help with images of people yet.",
    "I can't process this file.",
    "I'm sorry, but without the image provided",
    "Cannot determine the answer",
)
_BLANKED = str.maketrans(dict.fromkeys(".()[],:;!*#{}", " "))


def mme_answer(text: str) -> str:
    """What `parse_pred_ans` makes of an answer as it stands at the end of a line.

    The program reads the fourth field of a line without stripping it, so it sees the line's end too;
    beyond an exact "yes" or "no" it looks at four characters only.

    Args:
        text: the answer without its line end.

    Returns:
        "yes", "no" or "other".
    """
    answer = f"{text}\n".lower()
    start = answer[:4]
    if answer == "yes" or "yes" in start:
        return "yes"
    if answer == "no" or "no" in start:
        return "no"
    return MME_OTHER


def pope_answer(text: str) -> str:
    """What `evaluate.py` makes of an answer: "no" if its first sentence has the word, else "yes".

    Words are what stands between single blanks; line ends, tabs and other marks do not part words.
    """
    words = text.split(".", 1)[0].replace(",", "").split(" ")
    return "no" if "No" in words or "not" in words or "no" in words else "yes"


def can_infer_option(answer: str, letters: str) -> str | None:
    """The only option letter that stands in the answer as a word of its own.

    Args:
        answer: the raw answer.
        letters: the letters of the options, e.g. "ABCD".

    Returns:
        A letter; "Z" for one of four known refusals, or where "Z" stands in place of a letter; None otherwise.
    """
    if _API_FAILED in answer:
        return None
    if any(refusal in answer for refusal in _REFUSALS):
        return MCQ_REFUSED
    words = set(answer.translate(_BLANKED).split())
    found = [letter for letter in letters if letter in words]
    if len(found) == 1:
        return found[0]
    if not found and MCQ_REFUSED in words:
        return MCQ_REFUSED
    return None


def can_infer_text(answer: str, choices: Mapping[str, str]) -> str | None:
    """The letter of the only option whose text occurs in the answer, case ignored; None if none or several do."""
    lowered = answer.lower()
    found = [letter for letter, text in choices.items() if text.lower() in lowered]
    return found[0] if len(found) == 1 else None


def can_infer(answer: str, choices: Mapping[str, str]) -> str | None:
    """VLMEvalKit's reading of a multiple-choice answer, its `False` written None.

    Args:
        answer: the raw answer.
        choices: text of each option by its letter, in the order shown.
    """
    return can_infer_option(answer, "".join(choices)) or can_infer_text(answer, choices)


def _as_shown(letter: str, sample: Sample) -> str:
    # The programs know columns A, B, C, D. Where a sample shows other labels, a letter means the label in its place.
    position = string.ascii_uppercase.index(letter)
    return sample.labels[position] if position < len(sample.labels) else letter


def _letters(sample: Sample) -> str:
    return string.ascii_uppercase[: len(sample.labels) or len(sample.options)]


def _read_mme(sample: Sample, text: str) -> Reading:
    return Reading(mme_answer(text), "mme:first-four", "read")


def _read_pope(sample: Sample, text: str) -> Reading:
    value = pope_answer(text)
    return Reading(value, "pope:no-word" if value == "no" else "pope:otherwise-yes", "read")


def _read_seedbench(sample: Sample, text: str) -> Reading:
    if len(text) == 1 and text in _letters(sample):
        return Reading(_as_shown(text, sample), "seedbench:exact-letter", "read")
    return Reading(None, "seedbench:exact-letter", "unparsed")


def _read_mmbench(sample: Sample, text: str) -> Reading:
    letters = _letters(sample)
    letter = can_infer_option(text, letters)
    if letter == MCQ_REFUSED and MCQ_REFUSED not in letters:
        return Reading(MCQ_REFUSED, "can_infer:refused", "read")
    if letter:
        return Reading(_as_shown(letter, sample), "can_infer:letter", "read")
    letter = can_infer_text(text, dict(zip(letters, sample.options, strict=False)))
    if letter:
        return Reading(_as_shown(letter, sample), "can_infer:text", "read")
    return Reading(None, "can_infer", "unparsed")


_READERS: dict[str, Callable[[Sample, str], Reading]] = {
    "cvqa": _read_mmbench,
    "marvl": read_m5,
    "m5-vgr": read_m5,
    "xm3600": read_caption,
    "mme": _read_mme,
    "pope": _read_pope,
    "seedbench": _read_seedbench,
    "mmbench": _read_mmbench,
}


def read_official(benchmark: str, sample: Sample, text: str) -> Reading:
    """Read an answer as the benchmark's official program does.

    Args:
        benchmark: "mme", "pope", "seedbench", "mmbench", "cvqa", "marvl", "m5-vgr" or "xm3600".
        sample: the question; its labels and options matter for multiple choice only.
        text: the raw answer, nothing stripped.

    Returns:
        mme: "yes", "no" or "other". pope: "yes" or "no", never unparsed. seedbench and mmbench: a label of
        the sample or None; mmbench also "Z" for a refusal.

    Raises:
        UsageError: an unknown benchmark.
    """
    reader = _READERS.get(benchmark)
    if reader is None:
        raise unknown("benchmark", benchmark, _READERS)
    return reader(sample, text)
