"""One model in many languages: gaps, the worst, groups, and averages that name what they are averages of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, NamedTuple, TypeAlias, TypeVar

import numpy as np

from lrm_eval.statistics.joint import Estimate, joint
from lrm_eval.statistics.multiple import holm
from lrm_eval.statistics.paired import Difference, difference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from lrm_eval.languages import Language
    from lrm_eval.scorers.metric import Metric
    from lrm_eval.statistics.joint import Joint

M = TypeVar("M")
GroupBy: TypeAlias = Literal["script", "family", "resource class", "training"]

PIVOT = "en"
GROUPINGS: tuple[GroupBy, ...] = ("script", "family", "resource class", "training")
SEEN, UNSEEN, UNKNOWN = "seen in training", "unseen in training", "unknown"


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


class Group(NamedTuple):
    """Languages that have something in common.

    Attributes:
        by: "script", "family", "resource class" or "training".
        name: of the group, e.g. "Latn", "Niger-Congo", "1", "unseen in training".
        languages: tags.
        estimate: mean over exactly these languages.
    """

    by: str
    name: str
    languages: tuple[str, ...]
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class CommonAverage(Generic[M]):
    """Means over the languages that every compared model has.

    Attributes:
        languages: the set, sorted; the same for all models.
        left_out: languages that some model lacks, with the models that lack them.
        estimates: per model.
        label: "mean of 7 of 8 languages (am, de, ...; without zh)", to stand beside the numbers.
    """

    languages: tuple[str, ...]
    left_out: Mapping[str, tuple[M, ...]]
    estimates: Mapping[M, Estimate]
    label: str


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


def _difference(together: Joint[str], tag: str, other: str, comparisons: int) -> Difference:
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
    tags = sorted(together.metrics if languages is None else languages)
    value_of = {tag: together.value({tag: 1.0}) for tag in tags}
    values = {tag: value for tag, value in value_of.items() if value is not None}
    if not values:
        raise ValueError("no language has a value")
    order = sorted(values, key=lambda tag: (values[tag], tag))
    lowest = order[0]
    others = order[1:]
    tests = [_difference(together, tag, lowest, len(others)) for tag in others]
    adjusted = holm([one.p_value for one in tests])
    level = 0.05
    ties = tuple(tag for tag, p in zip(others, adjusted, strict=True) if p is None or p > level)
    fifth = order[: max(1, math.ceil(len(order) / 5))]
    return Worst(
        language=lowest,
        estimate=together.estimate({lowest: 1.0}),
        not_separable=ties,
        fifth=tuple(fifth),
        fifth_mean=sum(values[tag] for tag in fifth) / len(fifth),
        spread=float(np.std(list(values.values()))),
        languages=tuple(tags),
    )


def grouping(by: GroupBy, trained_on: Iterable[str] | None = None) -> Callable[[str], str]:
    """A function from a language tag to the name of its group.

    Args:
        by: "script" (ISO 15924 code), "family" (without the branch), "resource class" (Joshi et al. 2020, "0"
            to "5") or "training".
        trained_on: tags the model saw in training, for "training"; None: "unknown" for all.

    Raises:
        ValueError: another grouping.
    """
    if by not in GROUPINGS:
        raise ValueError(f"no grouping {by!r}: one of {', '.join(GROUPINGS)}")
    if by == "training":
        seen = None if trained_on is None else set(trained_on)
        return lambda tag: UNKNOWN if seen is None else SEEN if tag in seen else UNSEEN
    read: dict[str, Callable[[Language], str]] = {
        "script": lambda language: language.script,
        "family": lambda language: language.family.partition(" (")[0],
        "resource class": lambda language: str(language.joshi_class),
    }

    def name(tag: str) -> str:
        from lrm_eval.errors import UsageError
        from lrm_eval.languages import get

        try:
            return read[by](get(tag))
        except UsageError:
            return UNKNOWN

    return name


def group_means(
    together: Joint[str],
    by: GroupBy,
    trained_on: Iterable[str] | None = None,
    languages: Iterable[str] | None = None,
) -> list[Group]:
    """The mean of each group of languages, each group with the tags it is a mean of.

    Args:
        together: one model's metrics by language.
        by: as for `grouping`.
        trained_on: as for `grouping`.
        languages: to group; None: all. Pass the common ones when models are compared.

    Returns:
        Groups by name.
    """
    name_of = grouping(by, trained_on)
    members: dict[str, list[str]] = {}
    for tag in sorted(together.metrics if languages is None else languages):
        members.setdefault(name_of(tag), []).append(tag)
    return [
        Group(by, name, tuple(tags), together.estimate(dict.fromkeys(tags, 1 / len(tags))))
        for name, tags in sorted(members.items())
    ]


def common_languages(languages: Mapping[M, Iterable[str]]) -> tuple[tuple[str, ...], dict[str, tuple[M, ...]]]:
    """The languages that all models have, sorted, and for every other language the models that lack it."""
    own = {model: set(tags) for model, tags in languages.items()}
    every: set[str] = set().union(*own.values()) if own else set()
    lacking = {tag: tuple(model for model, tags in own.items() if tag not in tags) for tag in sorted(every)}
    return tuple(tag for tag, models in lacking.items() if not models), {t: m for t, m in lacking.items() if m}


def set_label(languages: Sequence[str], left_out: Iterable[str] = (), total: int | None = None) -> str:
    """The name of an average: "mean of 2 of 3 languages (am, sw; without zh)".

    Args:
        languages: that it is taken over.
        left_out: that some model lacks.
        total: languages there are; None: those two together.
    """
    missing = sorted(left_out)
    total = len(languages) + len(missing) if total is None else total
    count = f"{len(languages)} of {total}" if missing else str(len(languages))
    noun = "language" if total == 1 else "languages"
    without = f"; without {', '.join(missing)}" if missing else ""
    return f"mean of {count} {noun} ({', '.join(languages)}{without})"


def common_average(
    together: Joint[tuple[M, str]], models: Sequence[M] | None = None, without: Iterable[str] = ()
) -> CommonAverage[M]:
    """The mean of each model over the languages that all of them have; never over other sets side by side.

    Args:
        together: metrics by (model, language).
        models: to compare; None: all.
        without: languages to leave out by choice, e.g. English.

    Returns:
        With no common language, no estimates.
    """
    chosen = list(dict.fromkeys(model for model, _ in together.metrics)) if models is None else list(models)
    excluded = set(without)
    own = {
        model: [
            tag
            for (whose, tag), metric in together.metrics.items()
            if whose == model and metric.value is not None and tag not in excluded
        ]
        for model in chosen
    }
    tags, left_out = common_languages(own)
    estimates = {model: together.estimate({(model, tag): 1 / len(tags) for tag in tags}) for model in chosen if tags}
    label = set_label(tags, left_out) if tags else "no language that all models have"
    if excluded:
        label += f", {', '.join(sorted(excluded))} left out by choice"
    return CommonAverage(tags, left_out, estimates, label)
