from __future__ import annotations

import json
import math
from functools import partial
from pathlib import Path

import pytest

from lrm_eval.runs.codec import (
    decode_record,
    dumps_scores,
    encode_record,
    parse_line,
    reading_from_dict,
    reading_to_dict,
    request_digest,
    score_from_dict,
)
from lrm_eval.types import (
    ChoiceScore,
    ImagePart,
    ImageRef,
    Reading,
    Request,
    Response,
    Sample,
    ScoreRow,
    TextPart,
)


def request(text: str = "Q?", image: Path = Path("a.png")) -> Request:
    ref = ImageRef(str(image), "ab" * 32, partial(image.read_bytes))
    sample = Sample(
        id="mmbench/3",
        task="mmbench",
        language="am",
        kind="option",
        question="ምን ይታያል?",
        gold="B",
        images=(ref,),
        instruction="letter",
        hint="hint",
        options=("x\u2028y", "z"),
        labels=("A", "B"),
        category="c",
        split="s",
        group="mmbench/3",
        cluster="ab" * 32,
        order=4,
    )
    return Request("mmbench/3@am", (ImagePart(ref), TextPart(text)), sample, 16, ("A", "B"))


def response(text: str = "ለ", logprob: float = -0.5) -> Response:
    choices = (ChoiceScore("A", logprob, logprob / 2, 2), ChoiceScore("B", -1.25, -1.25, 1))
    return Response("mmbench/3@am", text, "length", 600, 16, choices, "USER: …", None)


def test_a_record_comes_back_as_it_was_written() -> None:
    record = decode_record(encode_record(request(), response()))
    assert record.sample == request().sample
    assert record.response == response()
    assert (record.key, record.order) == ("mmbench/3@am", 4)


def test_a_record_is_one_line_whatever_the_answer_holds() -> None:
    line = encode_record(request(), response("a\nb\r\u2028\u2029\x00"))
    assert line.count(b"\n") == 1
    assert decode_record(line).response.text == "a\nb\r\u2028\u2029\x00"


def test_half_a_character_in_an_answer_is_kept() -> None:
    line = encode_record(request(), response("broken \ud83d"))
    assert decode_record(line).response.text == "broken \ud83d"


def test_ethiopic_stays_readable_in_the_file() -> None:
    assert "ምን ይታያል?".encode() in encode_record(request(), response())


def test_an_impossible_choice_is_null_in_the_file_and_minus_infinity_again() -> None:
    line = encode_record(request(), response(logprob=-math.inf))
    assert json.loads(line)["response"]["choices"][0]["logprob_sum"] is None
    assert decode_record(line).response.choices[0].logprob_sum == -math.inf


def test_the_image_of_a_record_is_read_from_where_it_lay(tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    image.write_bytes(b"png")
    record = decode_record(encode_record(request(image=image), response()))
    assert record.sample.images[0].read() == b"png"
    image.unlink()
    with pytest.raises(OSError, match="No such file"):
        record.sample.images[0].read()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"[1]\n", "not a JSON object"),
        (b'{"key": 3}\n', "no 'key'"),
        (b'{"key": "k", "order": 1, "sample": {}, "response": []}\n', "no 'response'"),
        (b"\x00\x00\n", "Expecting value"),
        (b'{"key": "\xff"}\n', "utf-8"),
    ],
)
def test_a_line_of_another_form_is_a_value_error(line: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_line(line)


def test_a_record_without_a_field_names_it() -> None:
    data = json.loads(encode_record(request(), response()))
    del data["sample"]["gold"]
    with pytest.raises(ValueError, match="no field 'gold'"):
        decode_record(json.dumps(data).encode())


def test_the_digest_of_a_request_follows_its_prompt() -> None:
    assert request_digest(request("Q?")) == request_digest(request("Q?"))
    assert request_digest(request("Q?")) != request_digest(request("Q!"))


def test_a_reading_comes_back_as_it_was_written() -> None:
    reading = Reading("yes", "lexicon:አዎ", "read", "am")
    assert reading_from_dict(json.loads(json.dumps(reading_to_dict("k", reading)))) == reading


def row(value: float | None) -> ScoreRow:
    return ScoreRow("m", "mme", "sw", "default", "official", "perception", value, None, 2.0, 4, 2, 0.25, {"read": 0.75})


def test_scores_are_valid_json_with_null_for_what_is_undefined() -> None:
    text = dumps_scores([row(0.1 + 0.2), row(math.nan)])
    rows = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))["scores"]
    assert [entry["value"] for entry in rows] == [0.1 + 0.2, None]
    assert score_from_dict(rows[0]) == row(0.1 + 0.2)


def test_no_scores_are_valid_json_too() -> None:
    assert json.loads(dumps_scores([])) == {"schema": 2, "scores": []}
