from __future__ import annotations

from pathlib import Path

import pytest

from lrm_eval.errors import UsageError
from lrm_eval.runs.suites import TaskChoice, choose_suite, choose_tasks
from lrm_eval.tasks import task_names

KNOWN = task_names()
LOCAL = Path("local")


def names(asked: list[str] | None, suite: str, **data: Path) -> list[str]:
    return [choice.name for choice in choose_tasks(asked, choose_suite(suite, "full"), data, KNOWN)]


def test_the_suite_is_the_models_unless_one_is_asked_for() -> None:
    assert choose_suite(None, "tiny") == "tiny"
    assert choose_suite("full", "tiny") == "full"


def test_an_unknown_suite_is_told_with_the_valid_ones() -> None:
    with pytest.raises(UsageError, match="unknown suite 'tin': did you mean 'tiny'"):
        choose_suite("tin", "full")


def test_all_four_benchmarks_are_the_default() -> None:
    assert names(None, "full") == ["mme", "pope", "seedbench", "mmbench"]
    assert names(None, "tiny") == ["tiny-mme", "tiny-pope", "tiny-seedbench", "tiny-mmbench"]


def test_in_the_tiny_suite_mme_means_tiny_mme() -> None:
    assert names(["mme", "tiny-pope"], "tiny") == ["tiny-mme", "tiny-pope"]


def test_in_the_full_suite_a_tiny_task_is_called_by_its_name() -> None:
    assert names(["tiny-mme", "mme"], "full") == ["tiny-mme", "mme"]


def test_a_task_typed_twice_is_one_task() -> None:
    assert names(["mme", "tiny-mme"], "tiny") == ["tiny-mme"]


def test_local_data_is_data_of_the_full_task_whatever_the_suite() -> None:
    chosen = choose_tasks(["mme", "pope"], "tiny", {"mme": LOCAL}, KNOWN)
    assert chosen == [TaskChoice("mme", LOCAL), TaskChoice("tiny-pope")]


def test_local_data_alone_says_which_tasks() -> None:
    assert names(None, "tiny", mmbench=LOCAL) == ["mmbench"]


@pytest.mark.parametrize(
    ("asked", "data", "message"),
    [
        (["mmee"], {}, "unknown task 'mmee': did you mean 'mme'"),
        ([], {}, "--tasks names no task"),
        ([" "], {}, "--tasks names no task"),
        (["pope"], {"mme": LOCAL}, "--data is given for mme, which --tasks does not name"),
        (None, {"tiny-mme": LOCAL}, "type `--data mme=PATH`"),
        (None, {"mmbenc": LOCAL}, "unknown task 'mmbenc': did you mean 'mmbench'"),
    ],
)
def test_names_that_mean_nothing_are_told(asked: list[str] | None, data: dict[str, Path], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        choose_tasks(asked, "full", data, KNOWN)
