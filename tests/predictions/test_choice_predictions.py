from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lrm_eval.errors import UsageError
from lrm_eval.predictions import read_predictions, score_predictions

Write = Callable[[str, list[dict[str, Any]]], Path]


def _row(index: int, answer: str = "A", prediction: Any = "A", **more: Any) -> dict[str, Any]:
    return {
        "index": index,
        "A": "cat",
        "B": "dog",
        "C": None,
        "D": None,
        "answer": answer,
        "prediction": prediction,
    } | more


def _values(rows: list[Any]) -> dict[str, Any]:
    return {row.metric: row.value for row in rows}


def test_passes_are_grouped_by_index(jsonl: Write) -> None:
    rows = [_row(3), _row(1_000_003, "B", "B"), _row(4), _row(1_000_004, "B", "A")]
    found = score_predictions("mmbench", jsonl("p.jsonl", rows), rules="official")
    assert _values(found)["circular_accuracy"] == 50
    assert found[0].n == found[0].clusters == 2


def test_options_end_at_the_first_missing_one(jsonl: Write) -> None:
    rows = [_row(1, C="nan"), _row(2, C="None", D="none"), _row(3, C=float("nan")), _row(4, C="")]
    pairs = read_predictions("mmbench", jsonl("p.jsonl", rows))[0].pairs
    assert {sample.options for sample, _ in pairs} == {("cat", "dog")}
    assert {sample.labels for sample, _ in pairs} == {("A", "B")}


def test_a_gold_answer_none_is_an_option(jsonl: Write) -> None:
    pairs = read_predictions("mmbench", jsonl("p.jsonl", [_row(1, "D", "D", C="None", D="nan")]))[0].pairs
    assert pairs[0][0].options == ("cat", "dog", "None", "nan")


def test_a_tsv_keeps_na_and_null_as_options_and_answers(tmp_path: Path) -> None:
    path = tmp_path / "p.tsv"
    path.write_text("index\tA\tB\tC\tD\tanswer\tprediction\n7\tNA\tnull\t\t\tB\tnull\n", encoding="utf-8")
    sample, response = read_predictions("mmbench", path)[0].pairs[0]
    assert (sample.options, response.text) == (("NA", "null"), "null")
    assert _values(score_predictions("mmbench", path, rules="official"))["circular_accuracy"] == 100


def test_a_tsv_cell_may_hold_line_ends_and_tabs(tmp_path: Path) -> None:
    path = tmp_path / "p.tsv"
    path.write_text(
        'index\tA\tB\tanswer\tprediction\n1\tx\ty\tA\t"The answer\tis\n(A)."\n2\tx\ty\tA\tA\u2028A\n', encoding="utf-8"
    )
    texts = [response.text for _, response in read_predictions("mmbench", path)[0].pairs]
    assert texts == ["The answer\tis\n(A).", "A\u2028A"]


def _workbook(path: Path, *rows: list[Any]) -> Path:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    book.save(path)
    return path


def test_an_xlsx_is_read_with_its_empty_cells_and_numbers(tmp_path: Path) -> None:
    header = ["index", "question", "A", "B", "C", "D", "answer", "category", "prediction"]
    path = _workbook(
        tmp_path / "m_MMBench.xlsx",
        header,
        [12, "How many?", 1, 2, None, None, "B", "counting", "2"],
        [1_000_012, "How many?", 2, 1, None, None, "A", "counting", None],
    )
    pairs = read_predictions("mmbench", path)[0].pairs
    assert pairs[0][0].options == ("1", "2")
    assert pairs[1][1].text == ""
    assert _values(score_predictions("mmbench", path, rules="official"))["vanilla_accuracy_all"] == 50


def test_labels_shown_may_be_others(jsonl: Write) -> None:
    shown = {"C": "bird", "D": "fish"}
    rows = [
        _row(1, "Б", "Б", labels=["А", "Б", "В", "Г"], **shown),
        _row(2, "B", "Б", labels="АБВГ", **shown),
        _row(3, "D", "Г", labels="А, Б, В, Г", **shown),
    ]
    path = jsonl("p.jsonl", rows)
    pairs = read_predictions("mmbench", path, language="ru")[0].pairs
    assert [sample.gold for sample, _ in pairs] == ["Б", "Б", "Г"]
    assert _values(score_predictions("mmbench", path, language="ru"))["circular_accuracy"] == 100
    assert _values(score_predictions("mmbench", path, language="ru", rules="official"))["circular_accuracy"] == 0


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (_row(2, "C"), r":2: the answer 'C' is not among the options \['A', 'B'\]"),
        (_row(1), r":2: index 1 was given before \(.*:1\)"),
        (_row(2, labels=["x"]), r":2: 2 options need 2 different labels"),
        ({"index": "two", "A": "x", "B": "y", "answer": "A", "prediction": "A"}, r":2: index is 'two'"),
        ({"A": "x", "B": "y", "answer": "A", "prediction": "A"}, r":2: no field 'index'"),
        ({"index": 2, "a": "x", "answer": "A", "prediction": "A"}, r":2: no field 'A'; did you mean 'a'"),
    ],
)
def test_a_wrong_row_is_named_with_its_line(jsonl: Write, row: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        score_predictions("mmbench", jsonl("p.jsonl", [_row(1), row]))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.xlsx", b"PK not a workbook", r"p\.xlsx: not an Excel workbook"),
        ("p.tsv", b"index\tA\tanswer\tprediction\n1\tx\tA\n", r"p\.tsv:2: 3 fields, but the header has 4"),
        ("p.tsv", b"index\tA\tA\tanswer\n1\tx\ty\tA\n", r"p\.tsv:1: column 'A' is given twice"),
        ("p.jsonl", b"", r"p\.jsonl: no rows"),
        ("p.jsonl", b"[1, 2]\n", r"p\.jsonl:1: expected a JSON object"),
        ("p.jsonl", b'{"index": 1}\n\xff\n', r"p\.jsonl:2: not UTF-8"),
    ],
)
def test_a_malformed_file_is_said_with_its_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=message):
        score_predictions("mmbench", tmp_path / name)


def test_a_file_without_predictions_is_refused(jsonl: Write) -> None:
    row = _row(1)
    del row["prediction"]
    with pytest.raises(UsageError, match="no field 'prediction'"):
        score_predictions("mmbench", jsonl("p.jsonl", [row]))


def _seed(question: Any, prediction: Any, answer: str = "A", kind: str = "image") -> dict[str, Any]:
    return {"question_id": question, "data_type": kind, "answer": answer, "prediction": prediction}


def test_seedbench_counts_image_questions_with_and_without_prediction(jsonl: Write) -> None:
    rows = [_seed(1, "A"), _seed(2, None), _seed(3, ""), _seed("v4", "B", kind="video")]
    lost = _seed(5, "A")
    del lost["prediction"]
    found = score_predictions("seedbench", jsonl("p.jsonl", [*rows, lost]), rules="official")
    assert _values(found) == {"accuracy": 25, "accuracy_video": 0, "accuracy_all": 20}
    assert found[0].unparsed_rate == 0.75


def test_of_a_repeated_question_the_last_row_counts_and_it_is_noted(jsonl: Write) -> None:
    found = score_predictions(
        "seedbench", jsonl("p.jsonl", [_seed(1, "B"), _seed(1, "A"), _seed(2, "B")]), rules="official"
    )
    assert (found[0].value, found[0].n) == (50, 2)
    assert "1 repeated question_id" in found[0].note


def test_without_image_names_it_is_noted_that_questions_count_as_images(jsonl: Write) -> None:
    found = score_predictions("seedbench", jsonl("p.jsonl", [_seed(n, "A") for n in range(40)]))
    assert "names no images" in found[0].note
    assert found[0].clusters == 40


def test_seedbench_letters_are_exact_officially_and_read_multilingually(jsonl: Write) -> None:
    path = jsonl("p.jsonl", [_seed(1, "A."), _seed(2, "Jibu ni A")])
    assert score_predictions("seedbench", path, rules="official")[0].value == 0
    assert score_predictions("seedbench", path, language="sw")[0].value == 100


def test_a_gold_answer_outside_the_letters_is_refused(jsonl: Write) -> None:
    with pytest.raises(UsageError, match=r"p\.jsonl:2: the answer 'E'"):
        score_predictions("seedbench", jsonl("p.jsonl", [_seed(1, "A"), _seed(2, "A", "E")]))


def test_an_unknown_task_is_named_with_the_nearest(jsonl: Write) -> None:
    with pytest.raises(UsageError, match="seedbench"):
        score_predictions("seedbensh", jsonl("p.jsonl", [_seed(1, "A")]))
