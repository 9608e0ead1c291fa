"""VLMEvalKit's tables for yes/no benchmarks: xlsx or TSV with index, question, answer, category, prediction.

Its multiple-choice tables have the columns of MMBench and are read by `choices`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrm_eval.errors import UsageError
from lrm_eval.predictions.mme import cluster_of
from lrm_eval.predictions.table import Row, as_text, table
from lrm_eval.scorers.pope import SPLITS
from lrm_eval.types import Response, Sample

if TYPE_CHECKING:
    from pathlib import Path


def _gold(row: Row) -> str:
    gold = as_text(row.need("answer")).strip().lower()
    if gold not in ("yes", "no"):
        raise UsageError(f"{row.where}: the answer is {row.text('answer')!r}, expected Yes or No")
    return gold


def read_pope_table(path: Path, task: str, language: str) -> list[tuple[Sample, Response]]:
    """POPE: a question that several splits share stands once, its `category` naming them, comma-joined.

    Raises:
        UsageError: a missing column, another split, a gold answer that is not yes or no.
    """
    pairs: list[tuple[Sample, Response]] = []
    for row in table(path):
        named = [name.strip().casefold() for name in as_text(row.need("category")).split(",")]
        strange = [name for name in named if name not in SPLITS]
        if strange:
            raise UsageError(f"{row.where}: category {strange[0]!r}, expected some of {', '.join(SPLITS)}")
        gold = _gold(row)
        for split in named:
            identity = f"{task}/{split}/{row.text('index') or len(pairs)}"
            sample = Sample(
                id=identity,
                task=task,
                language=language,
                kind="yes_no",
                question=row.text("question"),
                gold=gold,
                split=split,
                cluster=row.text("image_source", "image_path", "image"),
                order=len(pairs),
            )
            row.need("prediction")
            pairs.append((sample, Response(key=f"{identity}@{language}", text=row.text("prediction"))))
    return pairs


def read_mme_table(path: Path, task: str, language: str) -> list[tuple[Sample, Response]]:
    """MME: rows of one category and image_path are a pair, wherever they stand.

    Raises:
        UsageError: a missing column, a gold answer that is not yes or no, an image without exactly two rows.
    """
    pairs = []
    asked: dict[str, list[str]] = {}
    for order, row in enumerate(table(path)):
        subtask = as_text(row.need("category"))
        image = as_text(row.need("image_path", "image"))
        rows = asked.setdefault(f"{subtask}/{image}", [])
        identity = f"{task}/{subtask}/{image}/{len(rows)}"
        rows.append(row.where)
        row.need("prediction")
        sample = Sample(
            id=identity,
            task=task,
            language=language,
            kind="yes_no",
            question=row.text("question"),
            gold=_gold(row),
            category=subtask,
            group=f"{task}/{subtask}/{image}",
            cluster=cluster_of(subtask, image.rpartition("/")[2]),
            order=order,
        )
        pairs.append((sample, Response(key=f"{identity}@{language}", text=row.text("prediction"))))
    for image, rows in asked.items():
        if len(rows) != 2:
            raise UsageError(f"{rows[-1]}: image {image!r} has {len(rows)} rows, MME needs exactly two")
    return pairs
