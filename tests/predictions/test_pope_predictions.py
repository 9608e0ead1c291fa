from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lrm_eval.errors import UsageError
from lrm_eval.predictions import read_predictions, score_predictions

Write = Callable[[str, list[dict[str, Any]]], Path]
SPLITS = ("random", "popular", "adversarial")


def _labels(split: str, golds: str) -> list[dict[str, Any]]:
    return [
        {
            "question_id": n,
            "image": f"{n // 2}.jpg",
            "text": f"Is there a {split} {n}?",
            "label": {"y": "yes", "n": "no"}[g],
        }
        for n, g in enumerate(golds, 1)
    ]


def _answers(golds: str, start: int = 1) -> list[dict[str, Any]]:
    return [{"question_id": start + n, "text": {"y": "Yes", "n": "No"}[g]} for n, g in enumerate(golds)]


def _value(rows: list[Any], metric: str) -> Any:
    return next(row.value for row in rows if row.metric == metric)


def test_answers_in_another_order_are_matched_by_id(jsonl: Write) -> None:
    labels = jsonl("labels.json", _labels("x", "yynn"))
    answers = jsonl("answers.jsonl", _answers("yynn")[::-1])
    assert _value(score_predictions("pope", answers, labels, rules="official"), "accuracy") == 100


@pytest.mark.parametrize("start", [10_000_001, 2])
def test_answers_with_ids_of_their_own_are_matched_by_order(jsonl: Write, start: int) -> None:
    labels = jsonl("labels.json", _labels("x", "yynn"))
    answers = jsonl("answers.jsonl", _answers("yynn", start))
    assert _value(score_predictions("pope", answers, labels, rules="official"), "accuracy") == 100


def test_repeated_ids_are_matched_by_order(jsonl: Write) -> None:
    labels = jsonl("labels.json", [row | {"question_id": 1} for row in _labels("x", "yn")])
    answers = jsonl("answers.jsonl", [row | {"question_id": 1} for row in _answers("yn")])
    assert _value(score_predictions("pope", answers, labels, rules="official"), "accuracy") == 100


@pytest.mark.parametrize("key", ["text", "answer"])
def test_an_answer_is_text_or_answer(jsonl: Write, key: str) -> None:
    labels = jsonl("labels.json", _labels("x", "n"))
    answers = jsonl("answers.jsonl", [{"question_id": 1, key: "No"}])
    assert read_predictions("pope", answers, labels)[0].pairs[0][1].text == "No"


def test_in_a_label_file_with_answers_added_text_is_the_question(jsonl: Write) -> None:
    rows = [row | {"answer": "No"} for row in _labels("random", "yn")]
    found = score_predictions("pope", jsonl("coco_random.jsonl", rows), rules="official")
    assert _value(found, "accuracy") == _value(found, "accuracy_random") == 50


def test_a_folder_of_answers_meets_a_folder_of_labels(jsonl: Write, tmp_path: Path) -> None:
    for split, golds in zip(SPLITS, ("yn", "yynn", "ynynyn"), strict=True):
        jsonl(f"labels/coco_pope_{split}.json", _labels(split, golds))
        jsonl(f"answers/{split}_sw.jsonl", _answers(golds))
        jsonl(f"answers/{split}_en.jsonl", _answers(golds.replace("y", "n")))
    sw = score_predictions("pope", tmp_path / "answers", tmp_path / "labels", "sw", "official")
    en = score_predictions("pope", tmp_path / "answers", tmp_path / "labels", "en", "official")
    assert (_value(sw, "accuracy"), _value(en, "accuracy")) == (100, 50)
    assert {row.n for row in sw if row.metric.startswith("accuracy_")} == {2, 4, 6}


def test_one_file_of_three_splits_is_told_apart_by_its_questions(jsonl: Write, tmp_path: Path) -> None:
    golds = {"adversarial": "yynn", "random": "yn", "popular": "nnyy"}
    answers = []
    for split, each in golds.items():
        labels = _labels(split, each)
        jsonl(f"labels/coco_pope_{split}.json", labels)
        answers += [
            {
                "question_id": 20_000_000 + n,
                "prompt": f"{row['text']}\nAnswer the question using a single word.",
                "text": a,
            }
            for n, (row, a) in enumerate(zip(labels, ["Yes" if g == "y" else "No" for g in each], strict=True))
        ]
    found = score_predictions("pope", jsonl("a.jsonl", answers), tmp_path / "labels", rules="official")
    assert [_value(found, f"f1_{split}") for split in golds] == [100, 100, 100]


def test_one_file_of_three_splits_may_name_them(jsonl: Write, tmp_path: Path) -> None:
    answers = []
    for split in SPLITS:
        jsonl(f"labels/coco_pope_{split}.json", _labels(split, "yn"))
        answers += [row | {"category": split} for row in _answers("yn")]
    found = score_predictions("pope", jsonl("a.jsonl", answers), tmp_path / "labels", rules="official")
    assert _value(found, "f1") == 100


def test_one_file_of_three_splits_that_tells_nothing_is_refused(jsonl: Write, tmp_path: Path) -> None:
    for split in SPLITS:
        jsonl(f"labels/coco_pope_{split}.json", _labels(split, "yn"))
    with pytest.raises(UsageError, match="give `split` in every row"):
        score_predictions("pope", jsonl("a.jsonl", _answers("ynynyn")), tmp_path / "labels")


def test_a_split_in_the_file_name_chooses_its_labels(jsonl: Write, tmp_path: Path) -> None:
    for split in SPLITS:
        jsonl(f"labels/coco_pope_{split}.json", _labels(split, "yn" if split == "popular" else "ny"))
    found = score_predictions(
        "pope", jsonl("mine_popular.jsonl", _answers("yn")), tmp_path / "labels", rules="official"
    )
    assert _value(found, "f1_popular") == 100
    assert not [row for row in found if row.metric == "f1_random"]


def test_missing_labels_are_asked_for(jsonl: Write) -> None:
    with pytest.raises(UsageError, match="add --labels"):
        score_predictions("pope", jsonl("a.jsonl", _answers("yn")))


def test_another_number_of_labels_is_an_error_with_both_numbers(jsonl: Write) -> None:
    labels = jsonl("labels.json", _labels("x", "yynn"))
    with pytest.raises(UsageError, match=r"a\.jsonl: 3 answers, but 4 labels in .*labels\.json"):
        score_predictions("pope", jsonl("a.jsonl", _answers("yyn")), labels)


@pytest.mark.parametrize("label", ["hapana", "No", "", None])
def test_a_label_that_is_neither_yes_nor_no_is_refused(jsonl: Write, label: str | None) -> None:
    labels = jsonl("labels.json", [_labels("x", "y")[0], {"question_id": 2, "image": "i", "text": "?", "label": label}])
    with pytest.raises(UsageError, match=r"labels\.json:2: the label is"):
        score_predictions("pope", jsonl("a.jsonl", _answers("yn")), labels)


def test_malformed_json_is_named_with_its_line(jsonl: Write) -> None:
    labels = jsonl("labels.json", _labels("x", "yn"))
    answers = jsonl("a.jsonl", _answers("y"))
    answers.write_text(answers.read_text() + '\n{"question_id": 2, "text": \n')
    with pytest.raises(UsageError, match=r"a\.jsonl:3: malformed JSON"):
        score_predictions("pope", answers, labels)


def test_a_row_without_an_answer_is_named_with_what_it_has(jsonl: Write) -> None:
    labels = jsonl("labels.json", _labels("x", "y"))
    with pytest.raises(UsageError, match=r"a\.jsonl:1: no field 'text' or 'answer'; did you mean 'txt'"):
        score_predictions("pope", jsonl("a.jsonl", [{"question_id": 1, "txt": "Yes"}]), labels)


@pytest.mark.parametrize("name", ["nowhere.jsonl", "nowhere"])
def test_a_path_that_is_not_there_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no such file"):
        score_predictions("pope", tmp_path / name)


def test_labels_are_for_pope_alone(jsonl: Write) -> None:
    path = jsonl("a.jsonl", [{"question_id": 1, "prediction": "A", "answer": "A"}])
    with pytest.raises(UsageError, match="--labels is for POPE"):
        score_predictions("seedbench", path, path)


def test_vlmevalkit_tables_name_several_splits_in_a_row(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["index", "question", "answer", "category", "image_path", "prediction"])
    sheet.append([0, "?", "Yes", "adversarial,popular,random", "1.jpg", "Yes"])
    sheet.append([1, "?", "No", "random", "1.jpg", "Yes"])
    book.save(tmp_path / "m_POPE.xlsx")
    found = score_predictions("pope", tmp_path / "m_POPE.xlsx", rules="official")
    assert {row.metric: row.n for row in found}["accuracy"] == 4
    assert (_value(found, "accuracy_random"), _value(found, "accuracy_popular")) == (50, 100)
