"""Finding tasks: bundled ones, included ones, and what an include path may not do."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from lrm_eval.errors import UsageError
from lrm_eval.tasks import list_tasks, load_task, task_names

if TYPE_CHECKING:
    from pathlib import Path

BUILT_IN = ["mme", "pope", "seedbench", "mmbench", "tiny-mme", "tiny-pope", "tiny-seedbench", "tiny-mmbench"]
BUILT_IN += ["cvqa", "cvqa-en", "marvl", "marvl-stacked", "m5-vgr", "xm3600"]
BASE = """\
name: mine
title: Mine
description: A task.
benchmark: pope
kind: yes_no
version: 1
instruction: short_answer
max_new_tokens: 8
dataset: {local: data.jsonl}
licence: MIT
citation: none
homepage: https://example.org
"""


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def own_task(root: Path, **languages: str) -> Path:
    return write(root / "mine", base=BASE, en="provenance: created\n", **languages)


def test_the_built_in_tasks_in_order() -> None:
    assert task_names() == BUILT_IN


def test_unknown_task_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"unknown task 'seed-bench': did you mean 'seedbench'"):
        load_task("seed-bench")


def test_english_comes_first() -> None:
    assert next(iter(load_task("mme").languages)) == "en"


def test_files_lists_every_yaml_with_the_base_first() -> None:
    task = load_task("mme")
    assert task.files[0].name == "base.yaml"
    assert len(task.files) == 1 + len(task.languages)


def test_an_included_folder_of_tasks_is_found(tmp_path: Path) -> None:
    own_task(tmp_path)
    assert task_names([tmp_path]) == [*BUILT_IN, "mine"]
    assert load_task("mine", [tmp_path]).title == "Mine"


def test_an_included_task_folder_itself_is_found(tmp_path: Path) -> None:
    assert "mine" in task_names([own_task(tmp_path)])


def test_missing_include_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        task_names([tmp_path / "nowhere"])


def test_a_built_in_task_cannot_be_replaced(tmp_path: Path) -> None:
    write(tmp_path / "mme", base=BASE.replace("mine", "mme"), en="provenance: created\n")
    with pytest.raises(UsageError, match="'mme' is a built-in task and cannot be replaced"):
        load_task("mme", [tmp_path])


def test_a_folder_without_base_adds_its_language(tmp_path: Path) -> None:
    own_task(tmp_path / "a")
    write(tmp_path / "b" / "mine", sw="pack: sw.jsonl\nprovenance: human-translated\n")
    task = load_task("mine", [tmp_path / "a", tmp_path / "b"])
    assert task.languages["sw"].provenance == "human-translated"
    assert list(load_task("mine", [tmp_path / "a"]).languages) == ["en"]


def test_a_folder_of_packs_is_added_to_a_built_in_task(tmp_path: Path) -> None:
    (tmp_path / "mme" / "packs").mkdir(parents=True)
    task = load_task("mme", [tmp_path])
    assert task.pack_dirs == ((tmp_path / "mme").resolve() / "packs",)
    assert load_task("mme").pack_dirs == ()


def test_a_language_of_a_built_in_task_cannot_be_replaced(tmp_path: Path) -> None:
    write(tmp_path / "mme", sw="pack: sw.jsonl\nprovenance: human-translated\n")
    with pytest.raises(UsageError, match="task 'mme' has 'sw' already"):
        load_task("mme", [tmp_path])


def test_two_included_tasks_of_one_name_are_refused(tmp_path: Path) -> None:
    own_task(tmp_path / "a")
    own_task(tmp_path / "b")
    with pytest.raises(UsageError, match="task 'mine' is already in"):
        task_names([tmp_path / "a", tmp_path / "b"])


def test_languages_without_a_task_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "mmme", ha="pack: ha.jsonl\nprovenance: created\n")
    with pytest.raises(UsageError, match="no task 'mmme' that it could add languages to"):
        task_names([tmp_path])


def test_the_name_is_the_folders(tmp_path: Path) -> None:
    write(tmp_path / "yours", base=BASE, en="provenance: created\n")
    with pytest.raises(UsageError, match=r"base\.yaml:1: name 'mine' differs from its folder 'yours'"):
        load_task("yours", [tmp_path])


def test_a_task_needs_english(tmp_path: Path) -> None:
    write(tmp_path / "mine", base=BASE)
    with pytest.raises(UsageError, match=r"no en\.yaml"):
        load_task("mine", [tmp_path])


def test_a_language_file_has_the_canonical_tag(tmp_path: Path) -> None:
    own_task(tmp_path, swahili="pack: sw.jsonl\nprovenance: created\n")
    with pytest.raises(UsageError, match=r"rename it to sw\.yaml"):
        load_task("mine", [tmp_path])


def test_a_language_file_of_no_language_is_refused(tmp_path: Path) -> None:
    own_task(tmp_path, qqqqqq="pack: x.jsonl\nprovenance: created\n")
    with pytest.raises(UsageError, match=r"qqqqqq\.yaml: unknown language"):
        load_task("mine", [tmp_path])


def test_a_changed_yaml_is_read_again(tmp_path: Path) -> None:
    own_task(tmp_path)
    assert load_task("mine", [tmp_path]).title == "Mine"
    write(tmp_path / "mine", base=BASE.replace("Mine", "Ours truly"))
    assert load_task("mine", [tmp_path]).title == "Ours truly"


def test_an_unlisted_language_is_a_translated_one() -> None:
    assert load_task("pope").language("ha").pack == "ha.jsonl"


def test_listing_tasks_imports_nothing_heavy() -> None:
    code = (
        "import sys; from lrm_eval.tasks import list_tasks; from lrm_eval.data import availability;"
        "from lrm_eval.languages import get; [availability(t, get(l)) for t in list_tasks() for l in t.languages];"
        "print([m for m in ('torch','transformers','evaluate','datasets','pandas','pyarrow','huggingface_hub') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_list_tasks_reads_all() -> None:
    assert [task.name for task in list_tasks()] == BUILT_IN
