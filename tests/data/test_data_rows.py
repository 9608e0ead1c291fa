"""Rows of JSON lines, JSON, TSV and CSV files, good and bad."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest

from lrm_eval.data.rows import is_missing, read_rows
from lrm_eval.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_json_lines_know_their_line(lines: Callable[..., Path]) -> None:
    path = lines("a.jsonl", {"id": "x"}, "", {"id": "y"})
    assert [(row.values["id"], row.where) for row in read_rows(path)] == [("x", f"{path}:1"), ("y", f"{path}:3")]


def test_json_file_may_hold_lines(lines: Callable[..., Path]) -> None:
    # POPE's coco_pope_random.json is JSON lines.
    assert [row.values["id"] for row in read_rows(lines("a.json", {"id": 1}, {"id": 2}))] == [1, 2]


def test_json_file_may_hold_a_list(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"id": 1},\n {"id": 2}]', encoding="utf-8")
    assert [row.where for row in read_rows(path)] == [f"{path} item 1", f"{path} item 2"]


def test_json_file_may_hold_questions(tmp_path: Path) -> None:
    # SEED-Bench.json: {"questions": [...], "question_type": {...}}.
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"questions": [{"question_id": "1"}], "question_type": {}}), encoding="utf-8")
    assert [row.values["question_id"] for row in read_rows(path)] == ["1"]


def test_line_separators_inside_a_text_end_no_line(lines: Callable[..., Path]) -> None:
    path = lines("a.jsonl", '{"question": "one\u2028two\u0085three"}')
    assert read_rows(path)[0].values["question"] == "one\u2028two\u0085three"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"id": 1}\n{"id": 2', r"a\.jsonl:2: malformed JSON"),
        ('{"id": 1}\n[1]', r"a\.jsonl:2: expected a JSON object"),
        ('{"id": 1, "id": 2}', r"a\.jsonl:1: key 'id' is given twice"),
        ("[" * 100_000, r"a\.jsonl:1: malformed JSON"),
    ],
)
def test_malformed_json_lines_name_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        read_rows(path)


def test_malformed_json_list_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"id": 1},\n{"id": }]', encoding="utf-8")
    with pytest.raises(UsageError, match=r"a\.json:2: malformed JSON"):
        read_rows(path)


@pytest.mark.parametrize("name", ["a.tsv", "a.csv"])
def test_words_for_nothing_stay_words_in_tables(tmp_path: Path, name: str) -> None:
    # pandas would read all of them as missing.
    path = tmp_path / name
    sep = "\t" if name.endswith("tsv") else ","
    path.write_text(sep.join("ABCDE") + "\n" + sep.join(["NA", "None", "null", "nan", ""]) + "\n", encoding="utf-8")
    assert list(read_rows(path)[0].values.values()) == ["NA", "None", "null", "nan", ""]


def test_quoted_cell_with_a_line_break_keeps_line_numbers_right(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text('index\tquestion\n1\t"two\nlines"\n2\tone\n', encoding="utf-8")
    rows = read_rows(path)
    assert [row.where for row in rows] == [f"{path}:2", f"{path}:4"]
    assert rows[0].values["question"] == "two\nlines"


def test_a_cell_as_large_as_an_image_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("index\timage\n1\t" + "A" * 400_000 + "\n", encoding="utf-8")
    assert len(str(read_rows(path)[0].image("image"))) == 400_000


def test_row_with_another_number_of_cells_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("index\tquestion\n1\ta\n2\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"a\.tsv:3: 1 fields, but the header has 2"):
        read_rows(path)


def test_column_given_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("A,B,A\n1,2,3\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"a\.csv:1: column 'A' is given twice"):
        read_rows(path)


def test_image_cell_may_name_the_row_that_has_it(tmp_path: Path) -> None:
    # MMBench's TSV: a pass refers to the index of the row with the image (VLMEvalKit: image_base.py).
    path = tmp_path / "a.tsv"
    path.write_text(f"index\timage\n7\t{'A' * 100}\n1000007\t7\n", encoding="utf-8")
    assert [row.image("image") for row in read_rows(path)] == ["A" * 100] * 2


def test_image_cell_that_names_no_row_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("index\timage\n7\t8\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"a\.tsv:2: image refers to row '8'"):
        read_rows(path)


def test_unknown_ending_lists_the_known_ones(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text("<a/>", encoding="utf-8")
    with pytest.raises(UsageError, match=r"\.xml is no known format; known: \.parquet, \.jsonl"):
        read_rows(path)


def test_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no\.jsonl: cannot be read: No such file"):
        read_rows(tmp_path / "no.jsonl")


@pytest.mark.parametrize("name", ["a.jsonl", "a.tsv"])
def test_bytes_that_are_no_text_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"question\n\xff\xfe\x00\n")
    with pytest.raises(UsageError, match="not UTF-8 text"):
        read_rows(path)


def test_broken_parquet_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(UsageError, match=r"a\.parquet: not a readable parquet file"):
        read_rows(path)


@pytest.mark.parametrize(
    ("value", "missing"), [(None, True), (math.nan, True), ("  ", True), ("nan", False), (0, False)]
)
def test_what_is_missing(value: object, missing: bool) -> None:
    assert is_missing(value) is missing
