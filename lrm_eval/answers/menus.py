"""Pairs of yes and no that only offer an answer: "yes/no", "ja oder nein", "(ndiyo, hapana)"."""

from __future__ import annotations

from lrm_eval.answers.lexicon import Hit, Role, answers
from lrm_eval.answers.tokens import PAUSE, Tokens

# Tokens between the two of a pair with "or" among them ("yes, or else no").
_NEAR = 3
_BRACKETS = frozenset("([")


def without_menus(tokens: Tokens, hits: list[Hit]) -> list[Hit]:
    """Hits without pairs that only offer an answer: "yes/no", "ja oder nein", "(ndiyo, hapana)"."""
    if sum([1 for hit in hits if hit.roles & Role.ANSWER]) < 2:
        return hits
    kept: list[Hit] = []
    index = 0
    while index < len(hits):
        skip = _menu(tokens, hits, index) if answers(hits[index]) else 0
        if skip:
            index += skip
        else:
            kept.append(hits[index])
            index += 1
    return kept


def _menu(tokens: Tokens, hits: list[Hit], index: int) -> int:
    """How many hits the menu at `index` takes up, or 0."""
    first = hits[index]
    last = index + 1
    joined = last < len(hits) and bool(hits[last].roles & Role.JOINER)
    last += joined
    if last >= len(hits) or not answers(hits[last]) or first.value == hits[last].value:
        return 0
    second = hits[last]
    between = tokens.raw[first.end : second.start]
    # "Ja (noch nicht ...)" answers and comments on it.
    if any(mark in _BRACKETS for mark in between):
        return 0
    if any(kind != PAUSE for kind in tokens.kinds[first.end : second.start]) and not joined:
        return 0
    bracketed = (
        first.start > 0
        and tokens.raw[first.start - 1] in "(["
        # The bracket that closes the answer went with the punctuation around it.
        and (second.end == len(tokens) or tokens.raw[second.end] in ")]")
    )
    near = joined and (hits[index + 1].start, hits[index + 1].end) == (first.end, second.start)
    slashed = between in (["/"], ["|"])
    return last - index + 1 if bracketed or slashed or (joined and (near or second.start - first.end <= _NEAR)) else 0
