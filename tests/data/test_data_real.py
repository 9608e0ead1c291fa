"""The published question files load as they are. Runs where LRM_EVAL_REAL_DATA names a folder that has them."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lrm_eval.data import check_samples, load_samples
from lrm_eval.languages import get
from lrm_eval.tasks import load_task

if TYPE_CHECKING:
    from lrm_eval.types import Sample

REAL = Path(os.environ.get("LRM_EVAL_REAL_DATA", ""))
pytestmark = pytest.mark.skipif(not os.environ.get("LRM_EVAL_REAL_DATA"), reason="LRM_EVAL_REAL_DATA is not set")


def load(name: str, path: str, tag: str = "en", images: bool = False) -> list[Sample]:
    task = load_task(name)
    samples = load_samples(task, get(tag), REAL / path, images=images)
    check_samples(task, samples)
    return samples


@pytest.mark.parametrize(("tag", "count", "first"), [("en", 20, "mmbench/1"), ("zh", 14, "mmbench/ccbench/0")])
def test_mmbench_samples_with_their_images(tag: str, count: int, first: str) -> None:
    samples = load("mmbench", "mmbench/samples_with_images", tag, images=True)
    assert (len(samples), samples[0].id) == (count, first)
    assert all(sample.images[0].read()[:2] == b"\xff\xd8" for sample in samples)
    assert len({sample.cluster for sample in samples}) == count


def test_mmbench_ids_do_not_collide_between_languages() -> None:
    ids = [sample.id for tag in ("en", "zh") for sample in load("mmbench", "mmbench/samples_with_images", tag)]
    assert len(set(ids)) == 34


def test_half_of_mmbench_dev() -> None:
    # 588 groups and 2,187 rows: every second group of dev_20230712.
    samples = load("mmbench", "mmbench/dev_20230712_llava15_13b_half.jsonl")
    assert (len(samples), len({sample.group for sample in samples})) == (2187, 588)


def test_mme() -> None:
    # MME: 2,374 questions on 1,187 images, half of them yes; no question keeps the suffix.
    samples = load("mme", "mme/questions_labels")
    assert (len(samples), len({sample.cluster for sample in samples})) == (2374, 1187)
    assert Counter(sample.gold for sample in samples) == {"yes": 1187, "no": 1187}
    assert set(load_task("mme").category_order) == {sample.category for sample in samples}
    assert not [
        sample.id for sample in samples if "answer yes or no" in sample.question or sample.question.endswith(" ")
    ]


@pytest.mark.parametrize(("folder", "random"), [("pope/coco", 3000), ("pope/coco_e3e3926", 2910)])
def test_pope(folder: str, random: int) -> None:
    samples = load("pope", folder)
    assert Counter(sample.split for sample in samples) == {"random": random, "popular": 3000, "adversarial": 3000}
    assert len({sample.cluster for sample in samples}) == 500
