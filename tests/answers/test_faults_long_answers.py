"""Megabytes of one word: an answer is read in time that grows with its length, not with its square or cube."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from lrm_eval.answers import read
from lrm_eval.answers.tokens import without_thinking
from lrm_eval.types import Response, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

OPTION = Sample("x", "mmbench", "en", "option", "What is it?", "A", options=("cat", "dog"), labels=("A", "B"))
YES_NO = Sample("x", "mme", "en", "yes_no", "Is there a cat in the picture?", "yes")


@contextmanager
def counted() -> Iterator[list[int]]:
    """Counts the lines that run in lrm_eval.answers: a measure of work that no other program disturbs."""
    count = [0]

    def trace(frame: FrameType, event: str, _: object) -> object:
        if "answers" not in frame.f_code.co_filename:
            return None
        count[0] += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield count
    finally:
        sys.settrace(before)


def work(sample: Sample, text: str) -> int:
    benchmark = "mmbench" if sample.kind == "option" else "mme"
    with counted() as count:
        read(benchmark, sample, Response("k", text=text), "multilingual")
    return count[0]


@pytest.mark.parametrize("sample", [OPTION, YES_NO], ids=["option", "yes_no"])
@pytest.mark.parametrize(
    "part",
    [
        "A cat ",
        "1 ",
        "(A) ",
        "not A ",
        "the answer is ",
        "A is B is ",
        "B not C ",
        "<b>B</b> ",
        "A or ",
        "yes ",
        "no, ",
        "yes. ",
        "B\n",
        "a-",
        "猫",
    ],
)
def test_twice_the_answer_is_twice_the_work(sample: Sample, part: str) -> None:
    read("mmbench", OPTION, Response("k", text="A"), "multilingual")  # lexicons are built at first use
    short, long = work(sample, part * 60), work(sample, part * 120)
    assert long < 2.5 * short


# What a search with regular expressions over the whole text gave (the earlier form of `without_thinking`).
@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<think>a</think>B", "\nB"),
        ("<think>a</think>B<think>c</think>D", "\nB\nD"),
        ("a</think>B", "B"),
        ("a</THINKING>b</think>C", "C"),
        ("A<think>b", "A"),
        ("A<think>b<think>c", "A"),
        ("<think>a</think>B</think>C", "C"),
        ("<think>a</think>B<think>c", "\nB"),
        ("<think>a<think>b</think>C", "\nC"),
        ("I think B", "I think B"),
        ("a</think>b<think>c", "b"),
    ],
)
def test_reasoning_is_taken_out(text: str, left: str) -> None:
    assert without_thinking(text) == left


@pytest.mark.parametrize("text", ["<think>" * 100_000, "I think " * 100_000, "</think>" + "<think>" * 100_000])
def test_reasoning_that_never_ends_is_taken_out_of_a_megabyte(text: str) -> None:
    # With a search for an end from every begin this took hours.
    assert len(without_thinking(text)) in (0, len(text))
