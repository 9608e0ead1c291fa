"""Task YAMLs are strict: every mistake is one line with file, line and the nearest key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lrm_eval.errors import UsageError
from lrm_eval.tasks.model import Dataset, DatasetOverride, TaskLanguage, TaskSpec
from lrm_eval.tasks.yamlfile import read_yaml, validate

if TYPE_CHECKING:
    from pathlib import Path

BASE = """\
name: mine
title: Mine
description: A task.
benchmark: pope
kind: yes_no
version: 1
instruction: short_answer
max_new_tokens: 8
dataset:
  local: data.jsonl
licence: MIT
citation: none
homepage: https://example.org
"""


def spec(tmp_path: Path, text: str) -> TaskSpec:
    path = tmp_path / "base.yaml"
    path.write_text(text, encoding="utf-8")
    return validate(read_yaml(path), TaskSpec)


def error_of(tmp_path: Path, text: str) -> str:
    with pytest.raises(UsageError) as caught:
        spec(tmp_path, text)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(tmp_path / "base.yaml"), "FILE")


def test_a_right_file_is_read(tmp_path: Path) -> None:
    task = spec(tmp_path, BASE)
    assert (task.name, task.max_new_tokens, task.dataset.local) == ("mine", 8, "data.jsonl")


def test_unknown_key_names_file_line_and_nearest_key(tmp_path: Path) -> None:
    message = error_of(tmp_path, BASE.replace("max_new_tokens", "max_tokens"))
    assert message.startswith("FILE:8: unknown key 'max_tokens': did you mean 'max_new_tokens'?")


def test_unknown_key_inside_a_section_names_its_line(tmp_path: Path) -> None:
    message = error_of(tmp_path, BASE.replace("  local: data.jsonl", "  local: data.jsonl\n  revison: abc"))
    assert message == "FILE:11: unknown key 'dataset.revison': did you mean 'revision'?"


def test_unknown_key_with_nothing_near_lists_the_valid_ones(tmp_path: Path) -> None:
    message = error_of(tmp_path, BASE + "xyzzy: 1\n")
    assert message.startswith("FILE:14: unknown key 'xyzzy': valid: name, title, ")


def test_missing_key_is_named(tmp_path: Path) -> None:
    assert error_of(tmp_path, BASE.replace("version: 1\n", "")) == "FILE: key 'version' is missing"


def test_wrong_type_names_the_line(tmp_path: Path) -> None:
    message = error_of(tmp_path, BASE.replace("max_new_tokens: 8", "max_new_tokens: '8'"))
    assert message.startswith("FILE:8: 'max_new_tokens': ")


def test_wrong_value_names_the_choices(tmp_path: Path) -> None:
    message = error_of(tmp_path, BASE.replace("benchmark: pope", "benchmark: poppe"))
    assert message.startswith("FILE:4: 'benchmark': ")
    assert "'pope'" in message


def test_malformed_yaml_names_file_and_line(tmp_path: Path) -> None:
    assert error_of(tmp_path, "name: mine\ntitle: [1, 2\nkind: x\n").startswith("FILE:3: malformed YAML: ")


def test_key_given_twice_is_refused(tmp_path: Path) -> None:
    assert error_of(tmp_path, BASE + "name: other\n") == "FILE:14: key 'name' is given twice (first in line 1)"


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just text\n"])
def test_a_file_without_keys_is_refused(tmp_path: Path, text: str) -> None:
    assert error_of(tmp_path, text) == "FILE:1: expected keys and values (`key: value`)"


def test_python_objects_in_yaml_are_refused(tmp_path: Path) -> None:
    assert "malformed YAML" in error_of(tmp_path, "name: !!python/object/apply:os.getcwd []\n")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "base.yaml"
    path.write_bytes(b"name: \xff\xfe\n")
    with pytest.raises(UsageError, match="not UTF-8 text"):
        read_yaml(path)


@pytest.mark.parametrize("section", ["{}", "{path: a/b, local: c.jsonl}"])
def test_a_data_set_is_on_the_hub_or_local(tmp_path: Path, section: str) -> None:
    message = error_of(tmp_path, BASE.replace("dataset:\n  local: data.jsonl", f"dataset: {section}"))
    assert message.startswith("FILE:9: 'dataset': exactly one of 'path'")


def test_categories_may_be_a_plain_list(tmp_path: Path) -> None:
    task = spec(tmp_path, BASE + "categories: [a, b]\n")
    assert dict(task.categories) == {"": ("a", "b")}


def test_patterns_fill_in_config_and_split() -> None:
    data = Dataset(path="a/b", config="Full", split=("random", "popular"), files="{config}/{split}-*.parquet")
    assert data.patterns() == (("random", "Full/random-*.parquet"), ("popular", "Full/popular-*.parquet"))


def test_an_override_changes_only_what_it_sets() -> None:
    data = Dataset(path="a/b", config="en", revision="abc", files="{config}/x.parquet")
    changed = data.overridden(DatasetOverride(config="cn"))
    assert (changed.path, changed.config, changed.revision) == ("a/b", "cn", "abc")


def test_another_path_does_not_keep_the_old_revision() -> None:
    changed = Dataset(path="a/b", revision="abc").overridden(DatasetOverride(path="c/d"))
    assert (changed.path, changed.revision) == ("c/d", None)


def test_provenance_is_one_of_the_known_terms(tmp_path: Path) -> None:
    path = tmp_path / "sw.yaml"
    path.write_text("pack: sw.jsonl\nprovenance: google\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"sw\.yaml:2: 'provenance': .*'machine-translated and verified'"):
        validate(read_yaml(path), TaskLanguage)
