"""CIDEr-D (Vedantam et al. 2015), as COCO's evaluation computes it; ours, for a given segmentation.

Formula: equations 2 to 6 of the paper and its section on CIDEr-D (clipped counts, a Gaussian penalty of length with
sigma 6, factor 10); the reference program is pycocoevalcap's `cider_scorer.py`, whose values the tests hold. One
difference is deliberate, below.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ORDERS = 4
_SIGMA = 6.0
_SCALE = 10.0

Gram: TypeAlias = tuple[str, ...]


def _counts(tokens: Sequence[str]) -> list[Counter[Gram]]:
    """Counts of n-grams, n = 1 to 4."""
    return [
        Counter(tuple(tokens[start : start + order]) for start in range(len(tokens) - order + 1))
        for order in range(1, _ORDERS + 1)
    ]


def cider_d(candidates: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]]) -> list[float]:
    """CIDEr-D of each caption, 0 to 10; papers print the mean times 100.

    Args:
        candidates: [N] tokens of each caption.
        references: [N] [R] tokens of each reference; every caption has at least one.

    Returns:
        [N]. All zero for a single image: no n-gram is then rarer than another.
    """
    cooked = [[_counts(tokens) for tokens in group] for group in references]
    documents: Counter[Gram] = Counter()
    for group in cooked:
        documents.update({gram for counts in group for order in counts for gram in order})
    total = math.log(len(references)) if references else 0.0
    weights = {gram: total - math.log(count) for gram, count in documents.items()}

    def vectors(counts: Sequence[Counter[Gram]]) -> list[tuple[dict[Gram, float], float]]:
        found = []
        for order in counts:
            vector = {gram: count * weights.get(gram, total) for gram, count in order.items()}
            found.append((vector, math.sqrt(sum(value * value for value in vector.values()))))
        return found

    scores = []
    for tokens, given, group in zip(candidates, references, cooked, strict=True):
        own = vectors(_counts(tokens))
        score = 0.0
        for reference, counts in zip(given, group, strict=True):
            # Deviation: the program takes the number of bigrams for the length (one less for both, so the same
            # difference), except of texts of no or one token; here it is the number of tokens.
            penalty = math.exp(-((len(tokens) - len(reference)) ** 2) / (2 * _SIGMA**2))
            score += penalty * sum(_cosine(one, other) for one, other in zip(own, vectors(counts), strict=True))
        scores.append(_SCALE * score / _ORDERS / len(group))
    return scores


def _cosine(own: tuple[Mapping[Gram, float], float], other: tuple[Mapping[Gram, float], float]) -> float:
    (vector, norm), (reference, reference_norm) = own, other
    if norm == 0 or reference_norm == 0:
        return 0.0
    return sum(min(value, reference[gram]) * reference[gram] for gram, value in vector.items() if gram in reference) / (
        norm * reference_norm
    )
