from __future__ import annotations

from pathlib import Path

import pytest

from lrm_eval.commands.options import parse_batch_size, parse_data, parse_gen_kwargs, split
from lrm_eval.errors import UsageError


def test_names_are_split_at_commas() -> None:
    assert split(" mme, pope,") == ["mme", "pope"]
    assert split(None) is None


def test_local_data_is_task_and_path() -> None:
    assert parse_data(["mme=a=b.tsv", "pope = c"]) == {"mme": Path("a=b.tsv"), "pope": Path("c")}


@pytest.mark.parametrize("pair", ["mme", "=a", "mme=", ""])
def test_local_data_in_another_form_says_what_to_type(pair: str) -> None:
    with pytest.raises(UsageError, match="type --data TASK=PATH"):
        parse_data([pair])


def test_local_data_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="mme is given twice"):
        parse_data(["mme=a", "mme=b"])


def test_decoding_settings_get_their_types() -> None:
    text = "num_beams=2, temperature=0.5,do_sample=True,top_k=none,stop=###"
    assert parse_gen_kwargs(text) == {
        "num_beams": 2,
        "temperature": 0.5,
        "do_sample": True,
        "top_k": None,
        "stop": "###",
    }
    assert parse_gen_kwargs(None) == {}


@pytest.mark.parametrize("text", ["beams", "=2", "a=1,a=2"])
def test_decoding_settings_in_another_form_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--gen-kwargs"):
        parse_gen_kwargs(text)


def test_a_batch_size_is_a_number_or_auto() -> None:
    assert (parse_batch_size("8"), parse_batch_size("auto")) == (8, "auto")


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "big", "٣x"])
def test_another_batch_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="type a number of at least 1, or auto"):
        parse_batch_size(text)
