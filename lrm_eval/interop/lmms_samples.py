"""Answers that lmms-eval logged to tasks that `lrm-eval export lmms-eval` wrote.

`<date>_samples_<task>.jsonl` holds doc_id, target, input and answers. Which task and language that is, the name of the
file tells; the questions stand in the export. Answers to lmms-eval's own tasks are read by
`lrm_eval.predictions.lmms_eval`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import UsageError, unknown
from lrm_eval.exports.lmms_eval import INDEX, ExportedTask, read_index
from lrm_eval.interop.lmms_task import image_refs, sample_of
from lrm_eval.predictions.lmms_eval import answer_of, is_samples
from lrm_eval.predictions.table import json_lines
from lrm_eval.types import Response

if TYPE_CHECKING:
    from pathlib import Path

    from lrm_eval.predictions.table import Row
    from lrm_eval.types import Sample

_NAME = re.compile(r".*?_samples_(?P<task>.+)")


@dataclass(frozen=True, slots=True)
class ExportedAnswers:
    """The answers of one log.

    Attributes:
        task: what it is about.
        pairs: questions with their answers, in the order of the data.
        data: the parquet with the questions.
    """

    task: ExportedTask
    pairs: tuple[tuple[Sample, Response], ...]
    data: Path


def is_export(path: Path) -> bool:
    """Whether a path is a folder that `lrm-eval export lmms-eval` wrote."""
    return path.is_dir() and (path / INDEX).is_file()


def read_exported(path: Path, export: Path) -> ExportedAnswers:
    """The answers of one log, joined to the questions of an export.

    Args:
        path: `<date>_samples_<task>.jsonl`.
        export: the folder that was given to `--include_path`.

    Raises:
        UsageError: a file of another name or form, a task that is not in the export, a doc_id twice or outside the
            data, or answers to other questions.
    """
    import pyarrow.parquet as pq

    index = read_index(export)
    match = _NAME.fullmatch(path.name.removesuffix(".jsonl"))
    if match is None:
        raise UsageError(f"{path}: lmms-eval names its logs <date>_samples_<task>.jsonl; this name tells no task")
    if match["task"] not in index:
        raise unknown(f"task of {export} (named in {path.name})", match["task"], index)
    task = index[match["task"]]
    data = export / task.data
    try:
        docs: list[dict[str, Any]] = pq.read_table(data).to_pylist()
    except (OSError, ValueError) as error:
        raise UsageError(f"{data}: cannot be read: {error}") from None
    pairs: dict[int, tuple[Sample, Response]] = {}
    for row in json_lines(path):
        if not is_samples(row):
            raise UsageError(f"{row.where}: not a line of lmms-eval's log (doc_id, and resps or filtered_resps)")
        place = row.values["doc_id"]
        if not isinstance(place, int) or not 0 <= place < len(docs):
            raise UsageError(f"{row.where}: doc_id {place!r} is no row of the data ({len(docs)} rows)")
        if place in pairs:
            raise UsageError(f"{row.where}: doc_id {place} was given before")
        doc = docs[place]
        _check(row, doc, data)
        sample = sample_of(doc, image_refs(doc, data.parent))
        pairs[place] = (sample, _response(row, f"{sample.id}@{sample.language}"))
    return ExportedAnswers(task, tuple(pairs[place] for place in sorted(pairs)), data)


def _check(row: Row, doc: dict[str, Any], data: Path) -> None:
    for field, wanted in (("target", doc["gold"]), ("input", doc["prompt"])):
        found = row.values.get(field)
        if isinstance(found, str) and found != wanted:
            raise UsageError(
                f"{row.where}: {field} {found!r}, but {data} has {wanted!r}: answers to another prompt or other data"
            )


def _response(row: Row, key: str) -> Response:
    counts = row.values.get("token_counts")
    # A list with the counts of each request; null where the model counts none.
    counts = counts[0] if isinstance(counts, list) and counts else {}
    counts = counts if isinstance(counts, dict) else {}
    return Response(
        key=key,
        text=answer_of(row),
        prompt_tokens=_whole(counts.get("input_tokens")),
        completion_tokens=_whole(counts.get("output_tokens")),
    )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
