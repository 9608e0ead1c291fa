from __future__ import annotations

import pytest

from lrm_eval.errors import UsageError
from model_adapters.decoding import parse_decoding, request_seed


def test_nothing_asked_is_greedy():
    assert parse_decoding({}).for_transformers() == {"do_sample": False, "num_beams": 1}


def test_values_may_be_text():
    decoding = parse_decoding({"max_new_tokens": "7", "temperature": "0.5", "top_p": "0.9"})
    assert decoding.max_new_tokens == 7
    assert decoding.for_transformers() == {
        "do_sample": True, "num_beams": 1, "temperature": 0.5, "top_p": 0.9, "top_k": 0,
    }  # fmt: skip


def test_a_temperature_of_zero_is_greedy():
    assert parse_decoding({"temperature": "0"}).for_transformers() == {"do_sample": False, "num_beams": 1}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_tokens": 3}, "unknown generation setting 'max_tokens': did you mean 'max_new_tokens'"),
        ({"max_new_tokens": "0"}, "max_new_tokens=0"),
        ({"max_new_tokens": "many"}, "max_new_tokens=many"),
        ({"temperature": "-1"}, "temperature=-1"),
        ({"temperature": "nan"}, "temperature=nan"),
        ({"top_p": 1.5, "temperature": 1}, "top_p=1.5"),
        ({"top_k": 5}, "top_k needs sampling"),
        ({"do_sample": "true", "temperature": "0"}, "contradict"),
        ({"do_sample": "false", "temperature": "0.7"}, "needs sampling"),
        ({"length_penalty": 2}, "needs beam search"),
    ],
)
def test_a_setting_that_cannot_be_followed_is_one_line(settings, message):
    with pytest.raises(UsageError, match=message) as caught:
        parse_decoding(settings)
    assert "\n" not in str(caught.value)


def test_seeds_differ_by_run_seed_and_by_key_and_stay_the_same():
    # Fixed for ever: a run that is continued by a later version must draw the same.
    assert request_seed(0, "mme/color/1.png/0@en") == 114523105405848471
    assert len({request_seed(seed, key) for seed in (0, 1) for key in ("a", "b")}) == 4
