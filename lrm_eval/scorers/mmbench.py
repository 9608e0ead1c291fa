"""MMBench as VLMEvalKit (2024-08) scores it in exact-matching mode, that is without a judge.

CircularEval: a question is asked once per rotation of its options (index, index + 1,000,000, ...) and counts as
right only if every pass is right; a pass without a reading makes it wrong. The passes of a question are all rows
with the same index % 1,000,000, however many there are: 53 questions of dev have one fewer than options.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lrm_eval.scorers.columns import encode, hit_or_miss, share, slug

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lrm_eval.scorers.columns import Columns
    from lrm_eval.scorers.metric import BoolArray, IntArray, Metric
    from lrm_eval.types import Sample

PASS_OFFSET = 1_000_000


def row_index(sample: Sample) -> int | None:
    """The `index` of the sample's row, from its id `mmbench/<index>`; None if it has another form."""
    tail = sample.id.rpartition("/")[2]
    return int(tail) if tail.isdecimal() else None


def group_name(sample: Sample) -> str:
    """The question that a pass belongs to."""
    if sample.group:
        return sample.group
    index = row_index(sample)
    return sample.id if index is None else str(index % PASS_OFFSET)


def _first_passes(data: Columns, group: IntArray) -> BoolArray:
    """[N] the rows whose index is that of their group; without numbers, the first row of each group."""
    indices = [row_index(item.sample) for item in data.items]
    if None not in indices:
        return np.array([index is not None and index < PASS_OFFSET for index in indices], dtype=np.bool_)
    first = np.zeros(len(group), dtype=np.bool_)
    first[np.unique(group, return_index=True)[1]] = True
    return first


def metrics(data: Columns) -> Iterator[Metric]:
    """Circular accuracy (primary), accuracy of the first passes and of all rows, and circular accuracy by category.

    Only groups whose first pass is there are counted, and passes that are not there are not asked for, as in
    the official program. `n` of circular accuracy counts groups.
    """
    group = encode(group_name(item.sample) for item in data.items)
    first = _first_passes(data, group.codes)
    all_right = np.bincount(group.codes, weights=~data.right, minlength=len(group.names)) == 0
    # A guess has to be right in every pass: k^-k for k passes over k options.
    all_guessed = np.ones(len(group.names))
    np.multiply.at(all_guessed, group.codes, data.guess)

    base = np.flatnonzero(first)
    hits = all_right[group.codes[base]].astype(np.float64)
    rows = np.isin(group.codes, group.codes[base])
    left_out = len(group.names) - len(base)
    note = f"{len(base)} groups of {int(rows.sum())} rows"
    if left_out > 0:
        note += f"; {left_out} groups without their first pass left out"

    def circular(name: str, chosen: BoolArray, *, primary: bool = False, note: str = "") -> Metric:
        codes = data.cluster.codes[base[chosen]]
        passes = np.isin(group.codes, group.codes[base[chosen]])
        return share(
            name,
            hits[chosen],
            codes,
            data.cluster.names,
            data.outcomes(passes),
            primary=primary,
            note=note,
            strata=data.category.codes[base[chosen]],
            guessing=hit_or_miss(all_guessed[group.codes[base[chosen]]]),
        )

    every = np.ones(len(first), dtype=np.bool_)

    yield circular("circular_accuracy", np.ones(len(base), dtype=np.bool_), primary=True, note=note)
    yield data.proportion("vanilla_accuracy", data.right, first, guessing=data.guessing(first))
    yield data.proportion("vanilla_accuracy_all", data.right, every, guessing=data.guessing(every))
    names = np.array([slug(name) if name else "" for name in data.category.names])[data.category.codes[base]]
    for name in sorted({str(name) for name in names} - {""}):
        yield circular(f"circular_accuracy_{name}", names == name)
