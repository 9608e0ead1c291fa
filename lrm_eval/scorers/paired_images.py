"""MaRVL and M5-VGR: is a statement true of two pictures?

Accuracy as both papers give it; consistency as NLVR2 does (Suhr et al. 2019, section 5): the share of statements that
are judged right for every pair of pictures they are shown with (MaRVL: four). Error bars take what shares a picture
or a statement as one: in MaRVL's Swahili part 1,108 questions are 78 such sets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lrm_eval.scorers.columns import encode, hit_or_miss, share, slug

if TYPE_CHECKING:
    from lrm_eval.scorers.columns import Columns
    from lrm_eval.scorers.metric import Metric


def metrics(data: Columns) -> list[Metric]:
    """Accuracy (primary), consistency where statements come with several pairs, yes ratio, accuracy by category."""
    every = np.ones(len(data.items), dtype=np.bool_)
    found = [data.proportion("accuracy", data.right, every, primary=True, guessing=data.guessing(every))]
    statement = encode(item.sample.group or item.sample.id for item in data.items)
    count = len(statement.names)
    if count < len(data.items):
        all_right = np.bincount(statement.codes, weights=~data.right, minlength=count) == 0
        all_guessed = np.ones(count)
        np.multiply.at(all_guessed, statement.codes, data.guess)
        first = np.unique(statement.codes, return_index=True)[1]
        found.append(
            share(
                "consistency",
                all_right.astype(np.float64),
                data.cluster.codes[first],
                data.cluster.names,
                data.outcomes(),
                note=f"{count} statements",
                guessing=hit_or_miss(all_guessed),
            )
        )
    says_yes = np.array([item.reading.value == "yes" for item in data.items], dtype=np.bool_)
    read = np.array([item.reading.value in ("yes", "no") for item in data.items], dtype=np.bool_)
    found.append(data.proportion("yes_ratio", says_yes, read))
    names = np.array([slug(name) if name else "" for name in data.category.names])[data.category.codes]
    found += [
        data.proportion(f"accuracy_{name}", data.right, names == name, guessing=data.guessing(names == name))
        for name in sorted({str(name) for name in names} - {""})
    ]
    return found
