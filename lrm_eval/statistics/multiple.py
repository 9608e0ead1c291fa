"""Many tests at once: what stays significant among all the cells that a reader sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


def _finite(p_values: Sequence[float | None]) -> tuple[list[int], list[float]]:
    places = [place for place, p in enumerate(p_values) if p is not None]
    found = [float(p) for p in p_values if p is not None]
    if any(not 0 <= p <= 1 for p in found):
        raise ValueError("p-values lie between 0 and 1")
    return places, found


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjusted p-values that hold the chance of even one false finding (Holm 1979, Scand. J. Statist. 6:65-70).

    Sorted p_(1) <= ... <= p_(m): adjusted p_(i) = max over j <= i of min(1, (m - j + 1) p_(j)).

    Args:
        p_values: one per cell shown; None (no test) stays None and does not count.

    Raises:
        ValueError: a p-value is outside 0-1 or NaN.
    """
    places, found = _finite(p_values)
    order = np.argsort(found, kind="stable")
    ranked = np.array(found)[order]
    scaled = np.minimum(1.0, ranked * np.arange(len(found), 0, -1))
    return _back(len(p_values), places, order, np.maximum.accumulate(scaled))


def benjamini_hochberg(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjusted p-values that hold the share of false findings among the findings (Benjamini and Hochberg 1995).

    Adjusted p_(i) = min over j >= i of min(1, m p_(j) / j). J. R. Statist. Soc. B 57:289-300. Cells over the same
    images are positively dependent, which the method allows (Benjamini and Yekutieli 2001).

    Args:
        p_values: as for `holm`.

    Raises:
        ValueError: as for `holm`.
    """
    places, found = _finite(p_values)
    order = np.argsort(found, kind="stable")
    ranked = np.array(found)[order]
    scaled = np.minimum(1.0, ranked * len(found) / np.arange(1, len(found) + 1))
    return _back(len(p_values), places, order, np.minimum.accumulate(scaled[::-1])[::-1])


def _back(
    count: int,
    places: list[int],
    order: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    adjusted: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> list[float | None]:
    result: list[float | None] = [None] * count
    for position, p in zip(order.tolist(), adjusted.tolist(), strict=True):
        result[places[position]] = p
    return result
