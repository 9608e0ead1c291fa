"""What an exported task calls inside lmms-eval: our prompts, our readers, our scorers.

`lrm-eval export lmms-eval` writes beside each task's YAML a small `utils.py` that takes its functions from here, so a
score there is the score here by construction. lrm-eval must be installed beside lmms-eval for that.

Everything is a plain function: lmms-eval copies a task's configuration deeply, and a function is not copied.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import RunError
from lrm_eval.interop.lmms_images import FILE, stored_images
from lrm_eval.runs.codec import (
    reading_from_dict,
    reading_to_dict,
    response_from_dict,
    response_to_dict,
    sample_from_dict,
    sample_to_dict,
)
from lrm_eval.types import Item, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lrm_eval.types import ImageRef, Rules, Sample

Doc = dict[str, Any]
# The column that holds the whole sample; whoever sees it knows that the row is ours.
SAMPLE = "lrm_sample"


def row_of(sample: Sample, prompt: str, max_new_tokens: int, budget_language: str) -> Doc:
    """A row of an exported task's questions."""
    fields = sample_to_dict(replace(sample, images=()))
    return {
        "id": sample.id,
        "language": sample.language,
        "prompt": prompt,
        "gold": sample.gold,
        "images": [image.sha256 for image in sample.images],
        "max_new_tokens": max_new_tokens,
        "budget_language": budget_language,
        SAMPLE: json.dumps(fields, ensure_ascii=False),
    }


def sample_of(doc: Mapping[str, Any], images: Sequence[ImageRef] = ()) -> Sample:
    """The sample of a row again.

    Raises:
        RunError: it is not a row that `row_of` made.
    """
    try:
        return replace(sample_from_dict(json.loads(doc[SAMPLE])), images=tuple(images))
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"row {doc.get('id', '?')!r}: not a question that lrm-eval exported ({error!r})") from error


def image_refs(doc: Mapping[str, Any], folder: Path) -> tuple[ImageRef, ...]:
    """References to the images of a row, in the images file of its task's folder."""
    store = stored_images(folder / FILE)
    return tuple(store.reference(sha256) for sha256 in doc["images"])


def visuals(folder: Path) -> Callable[[Doc], list[Any]]:
    """lmms-eval's `doc_to_visual` for the task in `folder`: the images, decoded as RGB."""

    def doc_to_visual(doc: Doc) -> list[Any]:
        from model_adapters.images import decode_image

        return [decode_image(reference) for reference in image_refs(doc, folder)]

    # The bridge takes the encoded bytes from there, so that an image is decoded once and by one program.
    doc_to_visual.lrm_folder = folder  # type: ignore[attr-defined]
    return doc_to_visual


def doc_to_text(doc: Doc) -> str:
    """lmms-eval's `doc_to_text`: the prompt as `lrm-eval run` would ask it."""
    return str(doc["prompt"])


def results(benchmark: str, rules: Rules, metrics: Sequence[str]) -> Callable[[Doc, Sequence[Any]], dict[str, Any]]:
    """lmms-eval's `process_results`: the answer read under our rules, once for each metric.

    Deviation: lmms-eval removes blanks around an answer before it hands it over, and does not say whether the token
    budget ran out; see "Differences in score" in docs/interop.md.

    Args:
        benchmark: whose rules.
        rules: "official" or "multilingual".
        metrics: names of the metrics of the task.
    """

    def process_results(doc: Doc, answers_given: Sequence[Any]) -> dict[str, Any]:
        from lrm_eval import answers

        sample = sample_of(doc)
        given = answers_given[0] if answers_given else ""
        response = Response(key=f"{sample.id}@{sample.language}", text=given if isinstance(given, str) else str(given))
        reading = answers.read(benchmark, sample, response, rules)
        # Scorers look at neither question nor prompt, and each metric's copy of the item is logged.
        light = sample_to_dict(replace(sample, question="", hint="", instruction="", images=()))
        item = {
            "sample": light,
            "response": response_to_dict(response),
            "reading": reading_to_dict(response.key, reading),
        }
        return dict.fromkeys(metrics, item)

    return process_results


def metric(
    benchmark: str, rules: Rules, declared: Sequence[str] | None, name: str
) -> Callable[[Sequence[Mapping[str, Any]]], float]:
    """The aggregation of one metric over the items of `results`.

    Args:
        benchmark: whose scorer.
        rules: "official" or "multilingual".
        declared: the categories that the task consists of; None: the benchmark's own.
        name: as in scores.json.

    Returns:
        A function whose value is unrounded, and NaN where the metric is undefined on the items.
    """

    def aggregate(items: Sequence[Mapping[str, Any]]) -> float:
        from lrm_eval import scorers

        found = {
            each.name: each.value
            for each in scorers.metrics(benchmark, [_item(item) for item in items], rules, declared)
        }
        value = found.get(name)
        return math.nan if value is None else value

    return aggregate


def _item(data: Mapping[str, Any]) -> Item:
    key = data["reading"]["key"]
    return Item(
        sample_from_dict(data["sample"]), response_from_dict(key, data["response"]), reading_from_dict(data["reading"])
    )


def here(file: str) -> Path:
    """The folder of a task's `utils.py`."""
    return Path(file).resolve().parent
