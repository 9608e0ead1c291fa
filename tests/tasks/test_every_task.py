"""Every registered task in every language: valid, complete, and true to its benchmark."""

from __future__ import annotations

import pytest

from lrm_eval.data import check_samples, load_samples, pack_paths
from lrm_eval.languages import get
from lrm_eval.tasks import Task, list_tasks, load_task

TWELVE = {"en", "cs", "de", "fr", "hr", "it", "ro", "ru", "es", "zh", "sw", "am"}
TASKS = [task for task in list_tasks() if not task.native]  # the others: tests/data/test_native_layouts.py
CELLS = [(task, tag) for task in TASKS for tag in task.languages]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_metadata_is_filled(task: Task) -> None:
    assert set(task.languages) == TWELVE
    assert task.categories or task.benchmark == "pope"
    assert len(set(task.category_order)) == len(task.category_order)
    assert set(task.category_names.values()) <= set(task.category_order)
    assert task.homepage.startswith("https://")
    assert "@" in task.citation
    assert task.name.startswith("tiny-") == task.tiny
    assert task.name.removeprefix("tiny-") == task.benchmark


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_answers_and_instruction_fit_the_benchmark(task: Task) -> None:
    yes_no = task.benchmark in ("mme", "pope")
    assert task.kind == ("yes_no" if yes_no else "option")
    assert task.instruction == ("short_answer" if yes_no else "option_letter")
    assert task.score_choices == (task.benchmark == "seedbench")


@pytest.mark.parametrize(("task", "tag"), CELLS, ids=lambda value: getattr(value, "name", value))
def test_language_is_canonical_and_has_a_source_of_its_text(task: Task, tag: str) -> None:
    assert get(tag).tag == tag
    own = task.languages[tag]
    if tag == "en":
        assert own.pack is None
        assert own.dataset is None
    else:
        assert (own.pack is None) != (own.dataset is None)
        assert [path.name for path in pack_paths(task, tag)][-1] == f"{tag}.jsonl"


@pytest.mark.parametrize("task", [task for task in TASKS if not task.tiny], ids=lambda task: task.name)
def test_full_tasks_name_their_hub_data(task: Task) -> None:
    # owner/name and rows: notes of the hub's data set cards (lmms-lab).
    assert task.dataset.path is not None
    assert task.dataset.path.startswith("lmms-lab/")
    assert task.dataset.revision is None
    assert all(pattern.endswith("-*.parquet") for _, pattern in task.dataset.patterns())


@pytest.mark.parametrize(
    ("task", "tag"),
    [(task, tag) for task, tag in CELLS if task.tiny],
    ids=lambda value: getattr(value, "name", value),
)
def test_bundled_data_is_whole_in_every_language(task: Task, tag: str) -> None:
    if not (task.folder / str(task.dataset.local)).is_file():
        pytest.skip("the bundled data is not built in this checkout; `lrm-llava tiny` does")
    samples = load_samples(task, get(tag))
    check_samples(task, samples)
    assert len(samples) >= 500
    assert {sample.category for sample in samples} <= {"", *task.category_order}
    assert all(sample.images[0].sha256 for sample in samples)


def test_mme_has_its_fourteen_subtasks() -> None:
    # MME: eval_tool/calculation.py lists ten of perception and four of cognition.
    task = load_task("mme")
    assert (len(task.categories["perception"]), len(task.categories["cognition"])) == (10, 4)


def test_seedbench_names_its_nine_image_types_by_number() -> None:
    # SEED-Bench: DATASET.md, types 1 to 9 are images.
    task = load_task("seedbench")
    assert [task.category_names[str(number)] for number in range(1, 10)] == list(task.category_order)


def test_mmbench_has_twenty_categories_in_six_groups() -> None:
    task = load_task("mmbench")
    assert (len(task.category_order), len(task.categories)) == (20, 6)


def test_chinese_mmbench_is_the_benchmarks_own() -> None:
    task = load_task("mmbench")
    assert task.dataset_of("zh").patterns() == (("dev", "cn/dev-*.parquet"),)
    assert task.dataset_of("sw").patterns() == (("dev", "en/dev-*.parquet"),)
