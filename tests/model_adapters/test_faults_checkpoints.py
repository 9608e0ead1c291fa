"""Every file of a checkpoint that decides answers, damaged."""

from __future__ import annotations

import shutil

import pytest

from lrm_eval.errors import UsageError
from model_adapters.checkpoints import check_llava

# generation_config.json is read by transformers without a word when it is damaged, and its end tokens are lost.
JSON = ["generation_config.json", "processor_config.json", "tokenizer.json", "tokenizer_config.json"]


@pytest.fixture
def copy(llava_folder, tmp_path):
    return shutil.copytree(llava_folder, tmp_path / "copy")


def test_a_whole_checkpoint_passes(copy):
    assert check_llava(copy)["model_type"] == "llava"


@pytest.mark.parametrize("name", JSON)
def test_a_truncated_file_is_named_with_its_line(copy, name):
    path = copy / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UsageError, match=rf"{name}:\d+: not valid JSON"):
        check_llava(copy)


@pytest.mark.parametrize("name", JSON)
def test_an_empty_file_is_named(copy, name):
    (copy / name).write_bytes(b"")
    with pytest.raises(UsageError, match=rf"{name}:1: not valid JSON"):
        check_llava(copy)


@pytest.mark.parametrize("name", [*JSON, "chat_template.jinja"])
def test_a_file_of_other_bytes_is_named(copy, name):
    (copy / name).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=rf"{name}: not UTF-8 text"):
        check_llava(copy)
