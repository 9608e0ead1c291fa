"""Does a model give the same answer to the same question in another language? For the pages.

`lrm_eval.statistics.consistency` has the numbers and their sources; here they are taken for every language of a model
beside English, and for all its languages together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lrm_eval.reporting.names import interval, number
from lrm_eval.reporting.paired import PIVOT
from lrm_eval.reporting.tables import headline, md_escape
from lrm_eval.reporting.view import Estimate, Likeness
from lrm_eval.statistics import agreement, fleiss_kappa, kappa, match, metric_interval, rank_consistency, right_overlap

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lrm_eval.reporting.view import Board, MetricView, RowView, TableView
    from lrm_eval.scorers.metric import Metric
    from lrm_eval.statistics import Answers
    from lrm_eval.types import Item, Rules


class Across(NamedTuple):
    """One model on one task.

    Attributes:
        likeness: by language other than English; those with no question to compare are left out.
        kappa: Fleiss' kappa over all languages; None with fewer than two, or where nothing can be compared.
    """

    likeness: dict[str, Likeness]
    kappa: Estimate | None


def across(cells: Mapping[str, Sequence[Item]]) -> Across:
    """A model's answers to the same questions in several languages.

    Args:
        cells: by language, its items on one task, read under the same rules. Free texts (captions) have no equal
            answers: they are left out.
    """
    asked = {tag: items for tag, items in cells.items() if items and items[0].sample.kind != "text"}
    if len(asked) < 2:
        return Across({}, None)
    whole = match(asked)
    likeness = {}
    for tag in asked:
        if tag == PIVOT or PIVOT not in asked:
            continue
        # Where a third language lacks some questions, these two may still share them.
        pair = whole if not whole.left_out else match({PIVOT: asked[PIVOT], tag: asked[tag]})
        found = _likeness(pair, tag)
        if found is not None:
            likeness[tag] = found
    return Across(likeness, _estimate(fleiss_kappa(whole)) if len(whole.clusters) else None)


def _likeness(pair: Answers, tag: str) -> Likeness | None:
    if not len(pair.clusters):
        return None
    same = agreement(pair, tag, PIVOT)
    estimate = _estimate(same)
    if estimate is None:
        return None
    ranked = rank_consistency(pair, tag, PIVOT)
    return Likeness(
        estimate,
        kappa(pair, tag, PIVOT).value,
        right_overlap(pair, tag, PIVOT).value,
        ranked.value if ranked.n else None,
        same.n,
    )


def _estimate(metric: Metric) -> Estimate | None:
    if metric.value is None:
        return None
    interval, _ = metric_interval(metric)
    return Estimate(metric.value, *(interval or (None, None)))


def across_markdown(board: Board, rules: Rules) -> str:
    """A table a task: the lowest languages of each model, and how alike its answers are; "" where there is nothing."""
    return "\n\n".join(
        _markdown(board, table, metric)
        for table in board.tables
        for metric in headline(table, rules)
        if any(row.lowest for row in metric.rows)
    )


def _markdown(board: Board, table: TableView, metric: MetricView) -> str:
    head = ["model", "lowest", "may be as low", "lowest fifth", "spread", "same as in English", "κ, all languages"]
    lines = [head, ["---", "---", "---", "--:", "--:", "--:", "--:"]]
    lines += [_line(board, row) for row in metric.rows if row.lowest]
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    over = ", ".join(board.language(tag).name for tag in metric.mean_over)
    return (
        f"### {md_escape(table.title)}: across languages\n\n{body}\n\n"
        f"{md_escape(metric.label)} over {md_escape(over)}. May be as low: not significantly higher (paired by image, "
        "Holm). Spread: standard deviation over the languages. Same as in English: mean share of the questions with "
        "the same answer, right or wrong. κ: Fleiss' kappa of the answers in all languages, 0 is habit alone; its 95 % "
        "interval in brackets."
    )


def _line(board: Board, row: RowView) -> list[str]:
    low, kappa = row.lowest, row.kappa
    assert low is not None
    shares = [cell.like.same.value for cell in row.cells if cell and cell.like]
    fifth = ", ".join(low.fifth)
    return [
        md_escape(row.model),
        f"{md_escape(board.language(low.tag).name)} {number(low.value)}",
        ", ".join(low.ties) or "none",
        f"{number(low.fifth_mean)} ({fifth})",
        number(low.spread),
        f"{number(sum(shares) / len(shares))} %" if shares else "",
        f"{number(kappa.value, 2)} {interval(kappa.ci_low, kappa.ci_high, 2)}".strip() if kappa else "",
    ]
