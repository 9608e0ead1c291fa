"""The questions of a run as Every Eval Ever's instance records: one for each question of a headline score."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from lrm_eval.exports.eee import SCHEMA, evaluation_name, result_id
from lrm_eval.prompts import prompt_text
from lrm_eval.runs.folder import Cell

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lrm_eval.runs.folder import RunFolder
    from lrm_eval.types import Item, ScoreRow


def sample_lines(
    folder: RunFolder, manifest: Mapping[str, Any], rows: Sequence[ScoreRow], identity: str, model: str
) -> Iterator[dict[str, Any]]:
    """One record a question, under the multilingual rules, tied to the headline score of its task and language.

    Raises:
        RunError: a file is damaged or readings are missing.
    """
    for row in rows:
        if not row.primary or row.rules != "multilingual":
            continue
        for item in folder.items(Cell(row.task, row.language, row.condition), row.rules):
            if item.sample.kind != "text":  # a caption is neither right nor wrong
                yield _record(item, row, identity, model)


def _record(item: Item, row: ScoreRow, identity: str, model: str) -> dict[str, Any]:
    sample, response, reading = item.sample, item.response, item.reading
    raw, reference = prompt_text(sample), [sample.gold]
    right = reading.value is not None and reading.value == sample.gold
    record: dict[str, Any] = {
        "schema_version": SCHEMA,
        "evaluation_id": identity,
        "model_id": model,
        "evaluation_name": evaluation_name(row),
        "evaluation_result_id": result_id(identity, row),
        "sample_id": sample.id,
        "sample_hash": _hash(raw, reference),
        "interaction_type": "single_turn",
        "input": {
            "raw": raw,
            "formatted": response.prompt,
            "reference": reference,
            "choices": list(sample.options) or None,
        },
        "output": {"raw": [response.text]},
        "answer_attribution": [
            {
                "turn_idx": 0,
                "source": "output.raw",
                "extracted_value": reading.value or "",
                "extraction_method": reading.rule,
                "is_terminal": True,
            }
        ],
        "evaluation": {"score": float(right), "is_correct": right},
        "error": response.error,
        "metadata": {
            "language": sample.language,
            "outcome": reading.outcome,
            "image_sha256": " ".join(image.sha256 or "" for image in sample.images),
            **({"category": sample.category} if sample.category else {}),
            **({"split": sample.split} if sample.split else {}),
        },
    }
    if response.prompt_tokens is not None and response.completion_tokens is not None:
        record["token_usage"] = {
            "input_tokens": response.prompt_tokens,
            "output_tokens": response.completion_tokens,
            "total_tokens": response.prompt_tokens + response.completion_tokens,
        }
    return record


def _hash(raw: str, reference: list[str]) -> str:
    """The recipe that all sources share, so that one question has one hash."""
    text = json.dumps({"raw": raw, "reference": reference}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
