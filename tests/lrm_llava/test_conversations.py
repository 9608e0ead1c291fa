"""LLaVA's JSON: what is read, and what is refused with its reason."""

import json

import pytest
from lrm_llava_small_parts import record

from lrm_eval.errors import UsageError
from lrm_llava.conversations import RecordError, Turn, parse_record, read_records


def test_the_image_goes_before_the_question_wherever_the_record_has_it() -> None:
    found = parse_record(
        {"id": 7, "image": "a.png", "conversations": [
            {"from": "human", "value": "What is it?\n<image>"}, {"from": "gpt", "value": "A star"}]}
    )  # fmt: skip
    assert (found.id, found.image, found.turns) == ("7", "a.png", (Turn("What is it?", "A star"),))
    assert found.messages()[0]["content"][0] == {"type": "image"}


def test_a_record_survives_a_round_trip() -> None:
    found = parse_record(record(1, "Je?", "Ndiyo", language="sw", instruction="mvqa", source="s"))
    assert parse_record(found.record()) == found


def test_a_question_without_an_answer_is_left_out() -> None:
    said = [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}, {"from": "human", "value": "c"}]
    assert parse_record({"id": "1", "conversations": said}).turns == (Turn("a", "b"),)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"conversations": []}, "no conversations"),
        ({"conversations": [{"from": "gpt", "value": "Hi"}]}, "starts with the assistant"),
        ({"conversations": [{"from": "human", "value": "<image>a"}, {"from": "human", "value": "b"}]}, "turn 2 is not"),
        (
            {"conversations": [{"from": "human", "value": "<image><image>a"}, {"from": "gpt", "value": "b"}]},
            "2 <image>",
        ),
        ({"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}, "0 <image>"),
        ({"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "<image>"}]}, "in turn 2"),
        ({"conversations": [{"from": "human", "value": "<image>a"}, {"from": "gpt", "value": " "}]}, "turn 2 is empty"),
        ({"conversations": [{"from": "human", "value": "<image>a"}, {"from": "gpt"}]}, "turn 2 has no value"),
        ({"conversations": [{"from": "human", "value": "<image>a"}]}, "no answer"),
        ({"image": 3}, "image is not a path"),
    ],
)
def test_a_record_that_cannot_be_trained_on_says_why(change: dict, words: str) -> None:
    with pytest.raises(RecordError, match=words):
        parse_record(record(1, "q", "a") | change)


@pytest.mark.parametrize("form", ["lines", "array", "spaced array"])
def test_arrays_and_lines_are_read_record_by_record(tmp_path, form: str) -> None:
    records = [record(number, "q" * (number * 700), "[a, {b}]") for number in range(2000)]
    path = tmp_path / "data.json"
    path.write_text(
        "\n".join(json.dumps(one) for one in records) if form == "lines"
        else json.dumps(records, indent=None if form == "array" else 2), encoding="utf-8",
    )  # fmt: skip
    assert [one for _, one in read_records(path)] == records


def test_broken_json_names_file_and_place(tmp_path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text('{"id": 1}\n{"id": \n', encoding="utf-8")
    with pytest.raises(UsageError, match=r"data.jsonl:2: not JSON"):
        list(read_records(path))
    path = tmp_path / "data.json"
    path.write_text('[{"id": 1}, {"id": ', encoding="utf-8")
    with pytest.raises(UsageError, match=r"data.json: record 2: not JSON"):
        list(read_records(path))
    with pytest.raises(UsageError, match="no such file"):
        list(read_records(tmp_path / "none.json"))
