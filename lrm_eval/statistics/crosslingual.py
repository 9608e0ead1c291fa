"""One model in many languages: gaps to English, and the worst of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from lrm_eval.statistics.boundary import LEVEL
from lrm_eval.statistics.joint import Estimate, joint
from lrm_eval.statistics.multiple import holm
from lrm_eval.statistics.paired import Difference, difference

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lrm_eval.scorers.metric import Metric
    from lrm_eval.statistics.joint import Joint

K = TypeVar("K")
PIVOT = "en"


class Gap(NamedTuple):
    """A language less English on the same items; negative where the model is worse than in English.

    Attributes:
        language: its tag.
        difference: value, interval, uncorrected p-value and the rest.
        adjusted: p-value corrected over all languages (Holm).
        relative: value in the language / value in English; None where English is 0.
    """

    language: str
    difference: Difference
    adjusted: float | None
    relative: float | None


class Worst(NamedTuple):
    """The weakest languages, by name: the minimum of several noisy scores has no honest interval of its own.

    Attributes:
        language: with the lowest value.
        estimate: that language's own value and interval, which say nothing of its having been picked as the worst.
        not_separable: others whose value is not significantly higher (paired, Holm).
        fifth: the worst fifth of the languages, at least one, lowest first.
        fifth_mean: their mean; no interval, for the same reason.
        spread: standard deviation over languages of the values.
        languages: all languages compared.
    """

    language: str
    estimate: Estimate
    not_separable: tuple[str, ...]
    fifth: tuple[str, ...]
    fifth_mean: float
    spread: float
    languages: tuple[str, ...]


def languages_joint(metrics: Mapping[str, Metric], seed: int = 0) -> Joint[str]:
    """The metrics of one model by language, undefined ones left out.

    Raises:
        ValueError: none is defined.
    """
    return joint({tag: metric for tag, metric in metrics.items() if metric.value is not None}, seed)


def gaps(together: Joint[str], pivot: str = PIVOT) -> list[Gap]:
    """The paired gap of each language to English, Holm-corrected over them.

    s_l - s_en on the same items, intervals by the bootstrap over images (XTREME's transfer gap, Hu et al.
    2020, arXiv:2003.11080, made paired). Where a language lacks some images of English's, the interval keeps the
    pairs there are, and the test is that of the clustered t.

    Args:
        together: one model's metrics by language.
        pivot: what "English" is.

    Returns:
        One per other language, in the order given; empty without English.
    """
    if pivot not in together.metrics:
        return []
    others = [tag for tag in together.metrics if tag != pivot]
    found = [_difference(together, tag, pivot, len(others)) for tag in others]
    adjusted = holm([one.p_value for one in found])
    base = together.metrics[pivot].value
    result = []
    for tag, one, p_value in zip(others, found, adjusted, strict=True):
        own = together.metrics[tag].value
        result.append(Gap(tag, one, p_value, own / base if own is not None and base else None))
    return result


def _difference(together: Joint[K], tag: K, other: K, comparisons: int) -> Difference:
    if np.array_equal(together.places[tag], together.places[other]):
        return difference(together, {tag: 1.0}, {other: 1.0}, comparisons=comparisons)
    found = together.estimate({tag: 1.0, other: -1.0})
    test = "" if found.p_value is None else "clustered t"
    note = "; ".join(part for part in (found.note, "not all images in both languages") if part)
    return Difference(
        found.value, found.low, found.high, found.clusters, found.error, found.p_value, test, None, 0, 0, None, note
    )


def mean_gap(together: Joint[str], languages: Iterable[str] | None = None, pivot: str = PIVOT) -> Estimate | None:
    """Mean over languages of (value - value in English), paired on images.

    Args:
        together: one model's metrics by language.
        languages: of the mean; None: all but English.
        pivot: what "English" is.

    Returns:
        None without English or without another language.

    Raises:
        ValueError: a language that the model does not have.
    """
    tags = [tag for tag in (languages if languages is not None else together.metrics) if tag != pivot]
    if pivot not in together.metrics or not tags:
        return None
    return together.estimate({**dict.fromkeys(tags, 1 / len(tags)), pivot: -1.0})


def worst(together: Joint[str], languages: Iterable[str] | None = None) -> Worst:
    """The worst language with its name and its own interval, and the worst fifth.

    Args:
        together: one model's metrics by language.
        languages: to look among; None: all. Pass the common ones when models are compared.

    Raises:
        ValueError: no language.
    """
    return worst_of(together, {tag: tag for tag in (together.metrics if languages is None else languages)})


def worst_of(together: Joint[K], keys: Mapping[str, K]) -> Worst:
    """As `worst`, for one model among many.

    Args:
        together: metrics of several models.
        keys: by language to look among, the key of the model's metric.

    Raises:
        ValueError: no language.
    """
    tags = sorted(keys)
    value_of = {tag: together.value({keys[tag]: 1.0}) for tag in tags}
    values = {tag: value for tag, value in value_of.items() if value is not None}
    if not values:
        raise ValueError("no language has a value")
    order = sorted(values, key=lambda tag: (values[tag], tag))
    lowest = order[0]
    others = order[1:]
    tests = [_difference(together, keys[tag], keys[lowest], len(others)) for tag in others]
    adjusted = holm([one.p_value for one in tests])
    ties = tuple(tag for tag, p in zip(others, adjusted, strict=True) if p is None or p > 1 - LEVEL)
    fifth = order[: max(1, math.ceil(len(order) / 5))]
    return Worst(
        language=lowest,
        estimate=together.estimate({keys[lowest]: 1.0}),
        not_separable=ties,
        fifth=tuple(fifth),
        fifth_mean=sum(values[tag] for tag in fifth) / len(fifth),
        spread=float(np.std(list(values.values()))),
        languages=tuple(tags),
    )
