"""What a build has to ask for: which texts are known already, and which calls of the translator are left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from lrm_eval.translation import textual
from lrm_eval.translation.glossary import EMPTY, Glossary

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lrm_eval.translation.cache import Cache
    from lrm_eval.translation.translators import Translator


@dataclass(frozen=True, slots=True)
class Job:
    """Texts for one call of the translator.

    Attributes:
        texts: what is sent.
        wanted: those of them whose translations are kept; the others only explain them.
        sentences: those of `wanted` that are questions or hints.
    """

    texts: tuple[str, ...]
    wanted: frozenset[str]
    sentences: frozenset[str]


class Texts(Protocol):
    """Texts that belong together: of a line of a pack, of a conversation."""

    def texts(self) -> Iterator[tuple[str, bool]]:
        """(text, whether it is a sentence) in order; the first one explains the others."""
        ...


T = TypeVar("T", bound=Texts)


@dataclass(frozen=True, slots=True)
class Plan(Generic[T]):
    """What a build has to do.

    Attributes:
        units: the lines of the pack, or whatever else has texts.
        known: English text -> translation, from the cache, from a file, or because there is nothing to translate.
        jobs: the calls that are left.
        texts: different texts.
        cached: those found in the cache.
        people: those that people gave.
        glossary: terms and names that translations keep to.
    """

    units: tuple[T, ...]
    known: Mapping[str, str]
    jobs: tuple[Job, ...]
    texts: int
    cached: int
    people: frozenset[str] = frozenset()
    glossary: Glossary = EMPTY

    @property
    def left(self) -> int:
        """Texts still to be translated."""
        return sum(len(job.wanted) for job in self.jobs)

    @property
    def characters(self) -> int:
        """Characters that are sent, explanations included."""
        return sum(len(text) for job in self.jobs for text in job.texts)


def plan(
    units: Sequence[T],
    cache: Cache,
    given: Mapping[str, str],
    translator: Translator,
    glossary: Glossary = EMPTY,
    rendered: Mapping[str, str] | None = None,
) -> Plan[T]:
    """Which texts are known and which calls are left.

    A text belongs to the first unit that has it. A translator that sees texts together gets that whole unit, so that
    the question explains an option; its other texts keep the translations they have.

    Args:
        units: the lines of the pack.
        cache: open.
        given: English text -> translation by people.
        translator: decides how texts are put into calls.
        glossary: a text that is a term of it needs no translator.
        rendered: English text -> wording by the task's lexicon.
    """
    people: set[str] = set()
    known: dict[str, str] = {}
    owner: dict[str, T] = {}
    sentences: set[str] = set()
    cached = 0
    for unit in units:
        for text, sentence in unit.texts():
            if sentence:
                sentences.add(text)
            if text in known or text in owner:
                continue
            found = given.get(text.strip())
            if found is not None:
                people.add(text)
            else:
                found = (rendered or {}).get(text.strip()) or (None if textual.translatable(text) else text.strip())
            if found is None:
                found = glossary.whole(text)
            if found is None:
                found = cache.get(text, glossary.context(text))
                cached += found is not None
            if found is None:
                owner[text] = unit
            else:
                known[text] = found
    jobs = _together(units, owner, sentences) if translator.together else _batched(owner, sentences, translator.batch)
    texts = len(known) + len(owner)
    return Plan(tuple(units), known, tuple(jobs), texts, cached, frozenset(people), glossary)


def _together(units: Sequence[Texts], owner: Mapping[str, Texts], sentences: set[str]) -> Iterator[Job]:
    for unit in units:
        texts = tuple(text for text, _ in unit.texts())
        wanted = frozenset(text for text in texts if owner.get(text) is unit)
        if wanted:
            yield Job(texts, wanted, wanted & sentences)


def _batched(owner: Mapping[str, Texts], sentences: set[str], size: int) -> Iterator[Job]:
    # By length: a batch is padded to its longest text.
    texts = sorted(owner, key=lambda text: (len(text), text))
    for start in range(0, len(texts), size):
        batch = texts[start : start + size]
        yield Job(tuple(batch), frozenset(batch), frozenset(batch) & sentences)
