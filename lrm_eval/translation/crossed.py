"""Options that changed places, told by something that a pack itself does not hold. Pure functions.

Two options that stand nowhere else in a pack and changed places leave no trace in it. Against another translation of
the same texts, or translated back into English, the one reads like the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrm_eval.translation import textual
from lrm_eval.translation.back import chrf
from lrm_eval.translation.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lrm_eval.translation.findings import Pair

# An option must fit the other's meaning so much better than its own (chrF2, 0-100) before it is called misplaced.
_MARGIN = 30.0


def against_second(pairs: Sequence[Pair], second: Mapping[str, str]) -> list[Finding]:
    """Options that read like another option of the same question in a second translation.

    Args:
        pairs: samples with their wording.
        second: English text -> its other translation.
    """
    found: list[Finding] = []
    for pair in pairs:
        meant = [second.get(option) for option in pair.sample.options]
        found += _crossed(pair, pair.row.options, meant, "in the other translation")
    return found


def against_english(pairs: Sequence[Pair], backs: Mapping[str, str]) -> list[Finding]:
    """Options that, translated back, read like another option of the same question.

    Args:
        pairs: samples with their wording.
        backs: option of the pack -> its English back-translation.
    """
    found: list[Finding] = []
    for pair in pairs:
        said = [backs.get(option) for option in pair.row.options]
        found += _crossed(pair, said, pair.sample.options, "translated back")
    return found


def _crossed(pair: Pair, said: Sequence[str | None], meant: Sequence[str | None], how: str) -> Iterator[Finding]:
    sample, row = pair.sample, pair.row
    for place, text in enumerate(said):
        own = meant[place]
        if text is None or own is None or not textual.translatable(own):
            continue
        fits = {other: chrf(mean, text) for other, mean in enumerate(meant) if mean is not None}
        best = max(fits, key=lambda other: fits[other])
        if fits[best] < fits[place] + _MARGIN:
            continue
        right = ", the right one" if sample.gold in (sample.labels[place], sample.labels[best]) else ""
        yield Finding(
            "moved",
            "error",
            sample.id,
            row.where,
            f"option {sample.labels[place]} ({sample.options[place]!r}) is {row.options[place]!r}, {how} option "
            f"{sample.labels[best]} ({sample.options[best]!r}){right}",
        )
        return
