"""Is the answer in the language that was asked for, and is it whole? Beside every benchmark's own metrics.

Formulas: Marchisio et al. 2024, "Understanding and Mitigating Language Confusion in LLMs" (arXiv:2406.20052),
`compute_metrics.py`. None of these is ever a headline.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lrm_eval.conditions import ENGLISH, asked_language
from lrm_eval.scorers.metric import Metric, ratio
from lrm_eval.types import DEFAULT_CONDITION

if TYPE_CHECKING:
    from lrm_eval.scorers.columns import Columns
    from lrm_eval.scorers.metric import BoolArray, FloatArray
    from lrm_eval.types import Item

LINE_PASS_RATE = "line_pass_rate"  # noqa: S105 - a metric, no password
_LONGEST_UNJUDGED_WORD = 3
_LATIN_WORD = re.compile(r"(?<![^\W_])[A-Za-z]+(?![^\W_])")


def fidelity_metrics(data: Columns, condition: str = DEFAULT_CONDITION) -> list[Metric]:
    """Language of the answers, accuracy gated by it, and truncation.

    - line_pass_rate (LPR): share of the judged answers without a line in another language.
    - word_pass_rate (WPR): share of those without an English word; only in languages not written in Latin letters.
    - language_pass_rate (LCPR): the harmonic mean of both.
    - judged_rate: share of the answers whose language can be known.
    - gated_accuracy: right and not in another language; gated_accuracy_loss: right, but in another language. The sum
      of both is the plain accuracy of the items. An answer whose language cannot be known (a letter) is not held
      against a model.
    - truncation_rate: share of the answers that ran into their token budget, read or not.

    Args:
        data: items with readings whose language is filled in.
        condition: decides which language was asked for.

    Returns:
        Those that are defined: without one judged answer there are no pass rates.
    """
    wanted = [asked_language(item.sample.language, condition) for item in data.items]
    found = [item.reading.language for item in data.items]
    answered = np.array([item.response.error is None and bool(item.response.text.strip()) for item in data.items])
    judged = np.array([language is not None for language in found], dtype=np.bool_) & answered
    passed = np.array([one == other for one, other in zip(found, wanted, strict=True)], dtype=np.bool_) & judged
    everything = np.ones(len(data.items), dtype=np.bool_)
    cut = np.array([item.response.finish_reason == "length" for item in data.items], dtype=np.bool_)
    right = data.right & answered
    metrics = [
        *_pass_rates(data, wanted, judged, passed),
        data.proportion("judged_rate", judged, answered),
        data.proportion("gated_accuracy", right & (passed | ~judged), everything),
        data.proportion("gated_accuracy_loss", right & judged & ~passed, everything),
        data.proportion("truncation_rate", cut, everything),
    ]
    return [metric for metric in metrics if metric.n]


def line_pass_rate(data: Columns, condition: str, chosen: BoolArray) -> Metric:
    """LPR over the chosen items ([N]), all of them judged: for pairs of conditions."""
    wanted = [asked_language(item.sample.language, condition) for item in data.items]
    same = (item.reading.language == language for item, language in zip(data.items, wanted, strict=True))
    return data.proportion(LINE_PASS_RATE, np.fromiter(same, dtype=np.bool_, count=len(wanted)), chosen)


def _pass_rates(data: Columns, wanted: list[str], judged: BoolArray, passed: BoolArray) -> list[Metric]:
    if not judged.any():
        return []
    note = "" if judged.all() else f"{int(judged.sum())} of {len(judged)} answers judged"
    lines = data.proportion(LINE_PASS_RATE, passed, judged, note=note)
    if not _other_script(wanted[0]) or not passed.any():
        return [lines]
    clean = np.array(
        [ok and not english_words(item, wanted[0]) for item, ok in zip(data.items, passed, strict=True)],
        dtype=np.bool_,
    )
    words = data.proportion("word_pass_rate", clean, passed)
    indices = np.flatnonzero(judged)
    both = replace(
        lines,
        name="language_pass_rate",
        stats=np.stack(
            [passed[indices], np.ones(len(indices)), clean[indices], passed[indices]], axis=1, dtype=np.float64
        ),
        value_of=_harmonic,
        proportion=False,
        low=np.tile([0.0, 1.0, 0.0, 0.0], (len(indices), 1)),
        high=np.tile([1.0, 1.0, 1.0, 1.0], (len(indices), 1)),
    )
    return [lines, words, both]


def _harmonic(sums: FloatArray) -> FloatArray:
    """100 times the harmonic mean of sums[..., 0] / sums[..., 1] and sums[..., 2] / sums[..., 3]. [..., 4] -> [...]."""
    lines, words = ratio(sums[..., 0], sums[..., 1]), ratio(sums[..., 2], sums[..., 3], empty=0.0)
    return ratio(2 * lines * words, lines + words, empty=0.0) * 100


def _other_script(tag: str) -> bool:
    from lrm_eval.languages import get

    return tag != ENGLISH and get(tag).script != "Latn"


def english_words(item: Item, asked: str) -> list[str]:
    """The English words in an answer that should be in a language not written in Latin letters.

    Deviation: Marchisio et al. look words of more than three letters up in a list of English ones; here such a word in
    ASCII letters counts unless it begins with a capital (a name, an abbreviation) or stands in the question or its
    options; answer words of the registry ("Yes") count however they are written.
    """
    from lrm_eval.answers.lexicon import lexicon

    if not any(char.isascii() and char.isalpha() for char in item.response.text):
        return []
    sample = item.sample
    shown = {word.casefold() for text in (sample.question, *sample.options) for word in _LATIN_WORD.findall(text)}
    answers = lexicon(ENGLISH).whole
    return [
        word
        for word in _LATIN_WORD.findall(item.response.text)
        if word.casefold() not in shown
        and (word.casefold() in answers or (word.islower() and len(word) > _LONGEST_UNJUDGED_WORD))
        and word not in sample.labels
    ]
