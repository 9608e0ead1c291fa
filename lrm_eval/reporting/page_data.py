"""The board as the page's script takes it: as `tables.board_dict`, but cells as short lists (script/10-base.js)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lrm_eval.conditions import asked_language
from lrm_eval.reporting.tables import SCHEMA
from lrm_eval.reporting.view import MARKS
from lrm_eval.types import OUTCOMES, RULES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lrm_eval.reporting.view import (
        Board,
        CellView,
        Estimate,
        Likeness,
        Lowest,
        MetricView,
        Place,
        SetView,
        TableView,
    )
    from lrm_eval.types import Rules


def page_data(board: Board, rules: Rules) -> dict[str, Any]:
    """Everything but the samples.

    Args:
        board: the tables.
        rules: those that the page opens with.
    """
    index = {model.name: place for place, model in enumerate(board.models)}
    return {
        "schema": SCHEMA,
        "rules": rules,
        "rules_order": list(RULES),
        "outcomes": list(OUTCOMES),
        "models": [model.name for model in board.models],
        "trained": [None if model.trained is None else sorted(model.trained) for model in board.models],
        "languages": [
            {
                "tag": one.tag,
                "name": one.name,
                "autonym": one.autonym,
                "script": one.script,
                "direction": one.direction,
                "family": one.family,
                "joshi_class": one.joshi_class,
            }
            for one in board.languages
        ],
        "marks": {name: list(mark) for name, mark in MARKS.items()},
        "tables": [
            {
                "id": table.id,
                "task": table.task,
                "condition": table.condition,
                "title": table.title,
                "languages": list(table.languages),
                "asked": {
                    tag: asked for tag in table.languages if (asked := asked_language(tag, table.condition)) != tag
                },
                "metrics": {rules: [_metric(one, table, index) for one in table.metrics[rules]] for rules in RULES},
            }
            for table in board.tables
        ],
    }


def _metric(metric: MetricView, table: TableView, index: Mapping[str, int]) -> dict[str, Any]:
    return {
        "name": metric.name,
        "label": metric.label,
        "unit": metric.unit,
        "primary": metric.primary,
        "mean_over": list(metric.mean_over),
        "gap_over": list(metric.gap_over),
        "note": metric.note,
        "heat_range": metric.heat_range,
        "sets": [_set(one) for one in metric.sets],
        "rows": [
            {
                "model": index[row.model],
                "sums": _sums(row.mean, row.gap, row.corrected, row.place),
                "beats": sorted(index[name] for name in row.place.beats) if row.place else [],
                "lowest": _lowest(row.lowest),
                "kappa": _estimate(row.kappa),
                "cells": {
                    tag: _cell(cell, index) for tag, cell in zip(table.languages, row.cells, strict=True) if cell
                },
            }
            for row in metric.rows
        ],
    }


def _set(part: SetView) -> dict[str, Any]:
    return {"label": part.label, "tags": list(part.tags), "rows": [_sums(*row) for row in part.rows]}


def _sums(mean: Estimate | None, gap: Estimate | None, corrected: Estimate | None, place: Place | None) -> list[Any]:
    told = None if place is None else [place.low, place.high, place.group, int(place.best)]
    return [_estimate(mean), _estimate(gap), _estimate(corrected), told]


def _lowest(lowest: Lowest | None) -> list[Any] | None:
    if lowest is None:
        return None
    ties, fifth = list(lowest.ties), list(lowest.fifth)
    return [lowest.tag, lowest.value, ties, fifth, lowest.fifth_mean, lowest.spread]


def _like(like: Likeness | None) -> list[Any] | None:
    return None if like is None else [_estimate(like.same), like.kappa, like.both, like.ranks, like.n]


def _cell(cell: CellView, index: Mapping[str, int]) -> list[Any]:
    found = [
        cell.value,
        cell.ci_low,
        cell.ci_high,
        cell.n,
        cell.clusters,
        cell.unparsed_rate,
        [cell.outcomes.get(outcome, 0.0) for outcome in OUTCOMES],
        list(cell.marks),
        cell.note,
        _estimate(cell.gap),
        cell.heat,
        int(cell.best),
        _estimate(cell.corrected),
        cell.chance,
        _estimate(cell.gated),
        cell.lost,
        _like(cell.like),
        sorted(index[name] for name in cell.beats) or None,
    ]
    # What is empty at the end need not be said.
    while found[-1] is None:
        found.pop()
    return found


def _estimate(estimate: Estimate | None) -> list[float | None] | None:
    return None if estimate is None else [estimate.value, estimate.ci_low, estimate.ci_high]
