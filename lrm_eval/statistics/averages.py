"""Means over languages that name what they are means of: groups, and the languages that all models have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, NamedTuple, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from lrm_eval.languages import Language
    from lrm_eval.statistics.joint import Estimate, Joint

M = TypeVar("M")
GroupBy: TypeAlias = Literal["script", "family", "resource class", "training"]

GROUPINGS: tuple[GroupBy, ...] = ("script", "family", "resource class", "training")
SEEN, UNSEEN, UNKNOWN = "seen in training", "unseen in training", "unknown"


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
