"""What `check_samples` refuses before anything is generated, each beside what it lets pass."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lrm_eval.data import check_samples
from lrm_eval.errors import UsageError
from lrm_eval.tasks import load_task
from lrm_eval.types import Sample

YES = Sample("mme/color/a/0", "mme", "en", "yes_no", "Q?", "yes", category="color", group="mme/color/a")
NO = replace(YES, id="mme/color/a/1", gold="no")
OPTION = Sample(
    "mmbench/1", "mmbench", "en", "option", "Q?", "A", options=("x", "y"), labels=("A", "B"), group="mmbench/1"
)
TURNED = replace(OPTION, id="mmbench/1000001", options=("y", "x"), gold="B")


def refused(task: str, *samples: Sample) -> str:
    with pytest.raises(UsageError) as caught:
        check_samples(load_task(task), samples)
    return str(caught.value)


def test_right_samples_pass() -> None:
    check_samples(load_task("mme"), [YES, NO])
    check_samples(load_task("mmbench"), [OPTION, TURNED])


def test_one_id_in_two_languages_passes() -> None:
    check_samples(load_task("mmbench"), [OPTION, replace(OPTION, language="sw", options=("a", "b"))])


def test_no_samples_are_refused() -> None:
    assert "holds no questions" in refused("mme")


def test_id_twice_is_refused() -> None:
    assert "two rows have the id 'mmbench/1' (language en)" in refused("mmbench", OPTION, OPTION)


def test_gold_that_is_no_option_is_refused() -> None:
    message = refused("mmbench", replace(OPTION, gold="C"))
    assert message == "mmbench/1 (en): gold answer 'C' is not among the options (A. x, B. y)"


def test_gold_that_is_neither_yes_nor_no_is_refused() -> None:
    assert (
        refused("mme", YES, replace(NO, gold="maybe"))
        == "mme/color/a/1 (en): gold answer 'maybe' is neither yes nor no"
    )


def test_options_without_labels_are_refused() -> None:
    assert "2 options and 1 labels" in refused("mmbench", replace(OPTION, labels=("A",)))


@pytest.mark.parametrize("extra", [(), (NO, replace(NO, id="mme/color/a/2"))])
def test_mme_image_needs_exactly_two_questions(extra: tuple[Sample, ...]) -> None:
    assert f"exactly two questions in its subtask, this one has {1 + len(extra)}" in refused("mme", YES, *extra)


def test_right_option_that_changes_between_passes_is_refused() -> None:
    message = refused("mmbench", OPTION, replace(TURNED, gold="A"))
    assert message == "mmbench/1 (en): the right option differs between passes of one question: 'x' and 'y'"


def test_unknown_pope_split_is_refused() -> None:
    sample = Sample("pope/x/1", "pope", "en", "yes_no", "Q?", "yes", split="x", group="pope/x/1")
    assert "split 'x' is none of random, popular, adversarial" in refused("pope", sample)
