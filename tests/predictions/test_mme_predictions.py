from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lrm_eval.errors import UsageError
from lrm_eval.predictions import read_predictions, score_predictions
from lrm_eval.types import RULES

if TYPE_CHECKING:
    from pathlib import Path

COLOR = "1.jpg\tIs it red? Please answer yes or no.\tYes\tYes\n1.jpg\tIs it blue?\tNo\tNo.\n"


def _folder(tmp_path: Path, **files: str) -> Path:
    for name, text in files.items():
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    return tmp_path


def test_a_folder_is_scored_by_subtask(tmp_path: Path) -> None:
    folder = _folder(tmp_path, color=COLOR, count=COLOR.replace("\tNo.", "\tYes"))
    found = {row.metric: row for row in score_predictions("mme", folder, rules="official")}
    assert (found["color"].value, found["count"].value) == (200, 50)
    assert found["perception"].value is None
    assert "absent: existence, position" in found["perception"].note
    assert found["color"].model == folder.name


def test_two_adjacent_lines_are_one_image(tmp_path: Path) -> None:
    twice = COLOR + COLOR.replace("Yes\n", "No\n")
    found = {row.metric: row.value for row in score_predictions("mme", _folder(tmp_path, OCR=twice), rules="official")}
    assert found["OCR"] == 75 + 50


def test_answers_keep_their_blanks_and_may_be_empty(tmp_path: Path) -> None:
    pairs = read_predictions("mme", _folder(tmp_path, color="1\tq\tYes\t  yes\n1\tq\tNo\t\n"))[0].pairs
    assert [response.text for _, response in pairs] == ["  yes", ""]


def test_ids_name_subtask_image_and_number(tmp_path: Path) -> None:
    pairs = read_predictions("mme", _folder(tmp_path, color=COLOR))[0].pairs
    assert [sample.id for sample, _ in pairs] == ["mme/color/1.jpg/0", "mme/color/1.jpg/1"]


def test_only_coco_names_mean_the_same_image_in_two_subtasks(tmp_path: Path) -> None:
    coco = COLOR.replace("1.jpg", "000000006040.jpg")
    folder = _folder(tmp_path, color=COLOR + coco, count=COLOR + coco)
    clusters = {sample.cluster for sample, _ in read_predictions("mme", folder)[0].pairs}
    assert clusters == {"000000006040.jpg", "color/1.jpg", "count/1.jpg"}


def test_answers_are_read_in_their_language(tmp_path: Path) -> None:
    folder = _folder(tmp_path, color="1\tq\tYes\tNdiyo\n1\tq\tNo\tHapana\n")
    value = {
        rules: {row.metric: row.value for row in score_predictions("mme", folder, language="swahili", rules=rules)}[
            "color"
        ]
        for rules in RULES
    }
    assert value == {"official": 0, "multilingual": 200}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\tq\tYes\n", r"color\.txt:1: 3 tab-separated fields, expected 4|1 lines"),
        ("1\tq\tYes\tyes\n1\tq\tNo\tno\tno\n", r"color\.txt:2: 5 tab-separated fields"),
        ("1\tq\tYes\tyes\n\n", r"color\.txt:1: 1 lines"),
        ("1\tq\tYes\tyes\n1\tq\tMaybe\tno\n", r"color\.txt:2: the gold answer is 'Maybe'"),
        ("1\tq\tYes\tyes\n2\tq\tNo\tno\n", r"color\.txt:2: image '2' after '1'"),
        ("", r"color\.txt: no lines"),
    ],
)
def test_a_malformed_file_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        score_predictions("mme", _folder(tmp_path, color=text))


def test_an_unknown_subtask_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"colour\.txt.*did you mean 'color'"):
        score_predictions("mme", _folder(tmp_path, colour=COLOR))


def test_a_folder_without_text_files_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"existence\.txt"):
        score_predictions("mme", tmp_path)


def test_text_that_is_not_utf8_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "color.txt").write_bytes(COLOR.encode() + b"1\tq\xff\tYes\tyes\n")
    with pytest.raises(UsageError, match=r"color\.txt:3: not UTF-8"):
        score_predictions("mme", tmp_path)
