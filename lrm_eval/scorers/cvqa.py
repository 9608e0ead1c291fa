"""CVQA: accuracy over the questions of a language (Romero et al. 2024), by country and by category.

The authors' board takes the index of an option and nothing else; under official rules a letter is read as VLMEvalKit
reads it without a judge (`lrm_eval.answers.official.can_infer`), since VLMEvalKit carries CVQA (its pull request 1176).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lrm_eval.scorers.columns import slug

if TYPE_CHECKING:
    from lrm_eval.scorers.columns import Columns
    from lrm_eval.scorers.metric import BoolArray, Metric


def _accuracy(data: Columns, name: str, chosen: BoolArray, *, primary: bool = False) -> Metric:
    return data.proportion(name, data.right, chosen, primary=primary, guessing=data.guessing(chosen))


def metrics(data: Columns) -> list[Metric]:
    """Accuracy (primary), `accuracy_in_<country>` where a language has several countries, `accuracy_<category>`."""
    every = np.ones(len(data.items), dtype=np.bool_)
    found = [_accuracy(data, "accuracy", every, primary=True)]
    countries = np.array([slug(item.sample.split) if item.sample.split else "" for item in data.items])
    several = sorted({str(name) for name in countries} - {""})
    if len(several) > 1:
        found += [_accuracy(data, f"accuracy_in_{name}", countries == name) for name in several]
    names = np.array([slug(name) if name else "" for name in data.category.names])[data.category.codes]
    found += [
        _accuracy(data, f"accuracy_{name}", names == name) for name in sorted({str(name) for name in names} - {""})
    ]
    return found
