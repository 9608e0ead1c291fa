"""SEED-Bench: accuracy of letters as LLaVA scores it, and of ranked choices as SEED-Bench itself does.

Letters: `scripts/convert_seed_for_submission.py` of LLaVA (c121f04), micro average over the image questions; a
question without a prediction stays in the denominator. Ranking: `eval.py` of SEED-Bench (991e849), the choice
with the least loss.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lrm_eval.scorers.columns import slug
from lrm_eval.types import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lrm_eval.scorers.columns import Columns
    from lrm_eval.scorers.metric import BoolArray, Metric
    from lrm_eval.types import Item, Sample

# question_type_id in SEED-Bench's DATASET.md; 1 to 9 are about an image, 10 to 12 about a video.
TYPES = (
    "scene_understanding",
    "instance_identity",
    "instance_attributes",
    "instance_location",
    "instances_counting",
    "spatial_relation",
    "instance_interaction",
    "visual_reasoning",
    "text_understanding",
    "action_recognition",
    "action_prediction",
    "procedure_understanding",
)
VIDEO_TYPES = frozenset(TYPES[9:])


def type_name(category: str) -> str:
    """The question type as the suffix of a metric: "1" and "Scene Understanding" are `scene_understanding`."""
    if category.isdecimal() and 1 <= int(category) <= len(TYPES):
        return TYPES[int(category) - 1]
    return slug(category)


def _is_video(sample: Sample) -> bool:
    return sample.split == "video" or (sample.category != "" and type_name(sample.category) in VIDEO_TYPES)


def ranked_label(item: Item, *, mean: bool) -> str | None:
    """The label of the choice with the least loss, the first of equals; None where no choices were scored.

    Args:
        item: a question with `response.choices` in the order of its options.
        mean: by the mean over a choice's tokens (LLaVA's convention), else by their sum (InstructBLIP's).
    """
    choices = item.response.choices
    if not choices or len(choices) != len(item.sample.labels):
        return None
    losses = [-(choice.logprob_mean if mean else choice.logprob_sum) for choice in choices]
    return item.sample.labels[losses.index(min(losses))]


def _ranking(data: Columns, image: BoolArray) -> list[Metric]:
    scored = np.array([bool(item.response.choices) for item in data.items], dtype=np.bool_)
    if not (scored & image).any():
        return []
    codes = np.where(scored, OUTCOMES.index("read"), data.outcome)
    # An answer in text does not make up for choices that were not scored.
    codes = np.where(~scored & (codes == OUTCOMES.index("read")), OUTCOMES.index("unparsed"), codes)
    counts = np.bincount(codes[image], minlength=len(OUTCOMES))
    outcomes: dict[str, float] = {
        name: float(count / image.sum()) for name, count in zip(OUTCOMES, counts, strict=True)
    }
    found = []
    for name, mean in (("accuracy_ranking", True), ("accuracy_ranking_sum", False)):
        hits = np.array([ranked_label(item, mean=mean) == item.sample.gold for item in data.items], dtype=np.bool_)
        found.append(data.proportion(name, hits, image, outcomes=outcomes, guessing=data.guessing(image)))
    return found


def metrics(data: Columns) -> Iterator[Metric]:
    """Accuracy over the image questions (primary), by ranking where choices were scored, and per question type.

    Where there are video questions too, `accuracy_video` and `accuracy_all` stand beside.
    """
    video = np.array([_is_video(item.sample) for item in data.items], dtype=np.bool_)
    note = "" if not video.all() else "no image questions"

    def accuracy(name: str, chosen: BoolArray, *, primary: bool = False, note: str = "") -> Metric:
        guessing = data.guessing(chosen)
        return data.proportion(name, data.right, chosen, primary=primary, note=note, guessing=guessing)

    yield accuracy("accuracy", ~video, primary=True, note=note)
    yield from _ranking(data, ~video)
    if video.any():
        yield accuracy("accuracy_video", video)
        yield accuracy("accuracy_all", video | True)
    names = np.array([type_name(name) if name else "" for name in data.category.names])[data.category.codes]
    order = {name: place for place, name in enumerate(TYPES)}
    for name in sorted({str(name) for name in names} - {""}, key=lambda name: (order.get(name, len(order)), name)):
        yield accuracy(f"accuracy_{name}", names == name)
