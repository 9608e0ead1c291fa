"""Samples logged by lmms-eval (`<date>_samples_<task>.jsonl`).

They hold doc_id, target and answers, but neither question nor image: those come from the task's data, in which
doc_id is the place of the row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrm_eval.errors import UsageError
from lrm_eval.predictions.table import Row, as_text, json_lines
from lrm_eval.types import Response

if TYPE_CHECKING:
    from pathlib import Path

    from lrm_eval.types import Sample


def is_samples(row: Row) -> bool:
    """Whether a row is one of lmms-eval's."""
    return "doc_id" in row.values and bool(row.has("resps", "filtered_resps"))


def answer_of(row: Row) -> str:
    """What the model said in one line of a log.

    Raises:
        UsageError: no text there.
    """
    # `resps` is what the model said; a filter may have changed `filtered_resps`.
    value = row.need("resps", "filtered_resps")
    while isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, str):
        raise UsageError(f"{row.where}: resps holds no text (a log-likelihood task?)")
    return value


def read_lmms_eval(path: Path, samples: list[Sample]) -> list[tuple[Sample, Response]]:
    """Answers joined to the samples of the data by doc_id.

    Args:
        path: the log.
        samples: all samples of the task's data in the language of the log.

    Raises:
        UsageError: a doc_id twice or outside the data, a target that contradicts the data, no text in resps.
    """
    by_order = {sample.order: sample for sample in samples}
    pairs: dict[int, tuple[Sample, Response]] = {}
    for row in json_lines(path):
        place = row.need("doc_id")
        sample = by_order.get(place) if isinstance(place, int) else None
        if sample is None:
            raise UsageError(f"{row.where}: doc_id {place!r} is no row of the data ({len(samples)} rows)")
        if place in pairs:
            raise UsageError(f"{row.where}: doc_id {place} was given before")
        target = as_text(row.values.get("target")).strip()
        if target and not _agrees(target, sample):
            raise UsageError(
                f"{row.where}: target {target!r}, but the data has {sample.gold!r} in row {place}: "
                "is --data the data it was made on?"
            )
        pairs[place] = (sample, Response(key=f"{sample.id}@{sample.language}", text=answer_of(row)))
    return [pairs[place] for place in sorted(pairs)]


def _agrees(target: str, sample: Sample) -> bool:
    # Only a target of the same kind can contradict: lmms-eval logs letters, words or whole option texts.
    if sample.kind == "yes_no":
        return target.casefold() not in ("yes", "no") or target.casefold() == sample.gold
    return target not in sample.labels or target == sample.gold
