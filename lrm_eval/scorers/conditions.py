"""What a condition changes: the same questions asked in two ways, compared question by question.

Rows, beside those of each condition:

- `condition_delta`, under the condition: the headline metric minus that of the default condition, over the questions
  that both asked, with an interval that draws the images of both together;
- `condition_spread`, under the default condition: highest minus lowest headline over all conditions that show the
  image. It has no interval: the bootstrap of a range is not honest;
- `repeats_mean` and `repeats_sd`, under a condition that was drawn several times (`--repeats`): mean of the headline
  over the draws, with an interval that draws the images of all together, and its standard deviation over the draws. A
  further draw is no condition: it stands in neither of the rows above;
- `image_fidelity_loss`, under the condition with the image: how much language fidelity the image costs, that is
  the line pass rate without it minus that with it, over the answers judged in both (Hinck et al. 2024,
  arXiv:2407.02333); under the multilingual rules, as all of `lrm_eval.scorers.fidelity`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lrm_eval.conditions import hides_image, is_repeat, parse_condition
from lrm_eval.scorers.columns import columns
from lrm_eval.scorers.fidelity import LINE_PASS_RATE, line_pass_rate
from lrm_eval.scorers.scoring import metrics
from lrm_eval.statistics import combined_interval
from lrm_eval.types import DEFAULT_CONDITION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lrm_eval.scorers.metric import Metric
    from lrm_eval.types import Item, Rules, ScoreRow

DELTA = "condition_delta"
SPREAD = "condition_spread"
IMAGE_LOSS = "image_fidelity_loss"
REPEATS_MEAN, REPEATS_SD = "repeats_mean", "repeats_sd"


def condition_rows(
    benchmark: str,
    rules: Rules,
    items: Mapping[str, Sequence[Item]],
    rows: Sequence[ScoreRow],
    seed: int = 0,
    declared: Sequence[str] | None = None,
) -> list[ScoreRow]:
    """The rows that compare the conditions of one task in one language.

    Args:
        benchmark: the benchmark of the task.
        rules: the rules under which `items` were read.
        items: per condition, the items of that cell; whole cells only.
        rows: the cells' own rows under these rules: each new row takes model, task and rates from one of them.
        seed: of the bootstrap.
        declared: as in `scorers.rows`.

    Returns:
        Nothing where there is only one condition.
    """
    heads = {row.condition: row for row in rows if row.primary}
    found = []
    if DEFAULT_CONDITION in items and DEFAULT_CONDITION in heads:
        for condition in items:
            if condition != DEFAULT_CONDITION and condition in heads and not is_repeat(condition):
                found += _versus(benchmark, rules, items, condition, heads[condition], seed, declared)
        found += _spread(heads)
    for condition in items:
        if condition in heads and not is_repeat(condition):
            found += _repeats(benchmark, rules, items, condition, heads, seed, declared)
        known = parse_condition(condition)
        if known is not None and known.hidden and known.shown().name in items:
            found += _image_loss(rules, items, known.shown().name, condition, rows, seed)
    return found


def _common(one: Sequence[Item], other: Sequence[Item]) -> tuple[list[Item], list[Item]]:
    there = {item.sample.id: item for item in other}
    both = [(item, there[item.sample.id]) for item in one if item.sample.id in there]
    return [item for item, _ in both], [item for _, item in both]


def _versus(
    benchmark: str,
    rules: Rules,
    items: Mapping[str, Sequence[Item]],
    condition: str,
    head: ScoreRow,
    seed: int,
    declared: Sequence[str] | None,
) -> list[ScoreRow]:
    varied, plain = _common(items[condition], items[DEFAULT_CONDITION])
    pair = [_headline(benchmark, side, rules, declared) for side in (varied, plain)]
    if pair[0] is None or pair[1] is None:
        return []
    note = f"{head.metric} minus that of the default condition, paired by question and image"
    return [_difference(head, DELTA, pair[0], pair[1], seed, note)]


def _headline(benchmark: str, items: Sequence[Item], rules: Rules, declared: Sequence[str] | None) -> Metric | None:
    return next((metric for metric in metrics(benchmark, items, rules, declared) if metric.primary), None)


def _difference(head: ScoreRow, name: str, first: Metric, second: Metric, seed: int, note: str) -> ScoreRow:
    estimate = combined_interval([first, second], [1.0, -1.0], seed)
    notes = [note]
    if estimate.value is not None and estimate.low is None:
        notes.append(f"no interval: {estimate.clusters} image{'' if estimate.clusters == 1 else 's'}")
    return replace(
        head,
        metric=name,
        value=estimate.value,
        ci_low=estimate.low,
        ci_high=estimate.high,
        n=first.n,
        clusters=estimate.clusters,
        primary=False,
        chance=None,
        chance_corrected=None,
        note="; ".join(notes),
    )


def _repeats(
    benchmark: str,
    rules: Rules,
    items: Mapping[str, Sequence[Item]],
    condition: str,
    heads: Mapping[str, ScoreRow],
    seed: int,
    declared: Sequence[str] | None,
) -> list[ScoreRow]:
    known = parse_condition(condition)
    draws = [
        name
        for name in items
        if known is not None and (one := parse_condition(name)) is not None and one.first() == known and name in heads
    ]
    values = [heads[name].value for name in draws]
    if len(draws) < 2 or any(value is None for value in values):
        return []
    drawn = [metric for name in draws if (metric := _headline(benchmark, items[name], rules, declared)) is not None]
    estimate = combined_interval(drawn, [1 / len(draws)] * len(draws), seed)
    head = heads[condition]
    plain = replace(
        head,
        ci_low=None,
        ci_high=None,
        primary=False,
        chance=None,
        chance_corrected=None,
        note=f"{head.metric} over {len(draws)} draws of each answer",
    )
    mean = replace(plain, metric=REPEATS_MEAN, value=estimate.value, ci_low=estimate.low, ci_high=estimate.high)
    spread = float(np.std(np.array(values, dtype=np.float64), ddof=1))
    return [mean, replace(plain, metric=REPEATS_SD, value=spread)]


def _spread(heads: Mapping[str, ScoreRow]) -> list[ScoreRow]:
    values = {}
    for condition, row in heads.items():
        if row.value is not None and not hides_image(condition) and not is_repeat(condition):
            values[condition] = row.value
    if len(values) < 2 or DEFAULT_CONDITION not in values:
        return []
    low, high = min(values, key=lambda name: values[name]), max(values, key=lambda name: values[name])
    head = heads[DEFAULT_CONDITION]
    ends = f"lowest {values[low]:.1f} ({low}), highest {values[high]:.1f} ({high})"
    note = f"{head.metric} under {len(values)} conditions: {ends}"
    return [
        replace(
            head,
            metric=SPREAD,
            value=values[high] - values[low],
            ci_low=None,
            ci_high=None,
            primary=False,
            chance=None,
            chance_corrected=None,
            note=note,
        )
    ]


def _image_loss(
    rules: Rules,
    items: Mapping[str, Sequence[Item]],
    shown: str,
    hidden: str,
    rows: Sequence[ScoreRow],
    seed: int,
) -> list[ScoreRow]:
    head = next((row for row in rows if row.condition == shown and row.metric == LINE_PASS_RATE), None)
    seen, blind = _common(items[shown], items[hidden])
    judged = np.array(
        [a.reading.language is not None and b.reading.language is not None for a, b in zip(seen, blind, strict=True)],
        dtype=np.bool_,
    )
    if head is None or not judged.any():
        return []
    first, second = (
        line_pass_rate(columns(side, rules), condition, judged) for side, condition in ((blind, hidden), (seen, shown))
    )
    note = f"without the image minus with it, over the {int(judged.sum())} answers judged in both"
    return [_difference(head, IMAGE_LOSS, first, second, seed, note)]
