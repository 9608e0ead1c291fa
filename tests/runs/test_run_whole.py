"""Whole runs in this process, with an adapter of another package found through its entry point."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

import lrm_eval
from lrm_eval.errors import RunError, UsageError
from lrm_eval.runs.folder import Cell
from lrm_eval.runs.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

Evaluate = Callable[..., lrm_eval.RunResult]


def lines(result: lrm_eval.RunResult, language: str) -> list[dict[str, object]]:
    path = result.folder.responses_path(Cell("mme", language))
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_run_leaves_the_whole_folder(evaluate: Evaluate) -> None:
    result = evaluate()
    folder = result.folder.path
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    readings = {f"readings/{rules}/mme/{tag}.jsonl" for rules in ("official", "multilingual") for tag in ("en", "sw")}
    assert {name for name in names if not name.startswith("images/")} == {
        "run.json",
        "scores.json",
        "responses/mme/en.jsonl",
        "responses/mme/sw.jsonl",
        *readings,
    }
    assert len([name for name in names if name.startswith("images/")]) == 6
    assert (result.asked, result.errors, result.unfinished) == (24, 0, {})


def test_the_four_tiny_tasks_run_in_three_languages(evaluate: Evaluate) -> None:
    result = evaluate("random", langs="sw,am,en", suite="tiny", data=None, limit=4)
    primary = {(row.task, row.language): row for row in result.scores if row.primary and row.rules == "multilingual"}
    assert set(primary) == {
        (f"tiny-{name}", tag) for name in ("mme", "pope", "seedbench", "mmbench") for tag in ("sw", "am", "en")
    }
    assert {row.outcomes["read"] for row in primary.values()} == {1.0}


def test_the_manifest_says_what_was_asked_and_on_what(evaluate: Evaluate) -> None:
    manifest = evaluate(seed=3, gen_kwargs={"num_beams": 1}).folder.manifest()
    assert manifest["model"]["name"] == "scripted"
    assert manifest["model"]["fingerprint"] == {"adapter": "scripted", "weights": {"sha256": "a"}}
    assert (manifest["seed"], manifest["gen_kwargs"], manifest["languages"]) == (3, {"num_beams": 1}, ["en", "sw"])
    assert next(iter(manifest["tasks"]["mme"]["files"])) == "mme/base.yaml"
    assert manifest["command"]["state"] == "finished"
    assert manifest["command"]["versions"]["python"]
    assert re.fullmatch("[0-9a-f]{64}", manifest["command"]["code_sha256"]["rules"])
    assert [cell["planned"] for cell in manifest["cells"]] == [12, 12]
    assert manifest["thumbnails"] == {"max_side": 256, "cap": 2000, "kept": 6}


def test_both_rule_sets_are_in_the_scores_with_a_headline_each(evaluate: Evaluate) -> None:
    primary = [(row.language, row.rules, row.metric) for row in evaluate().scores if row.primary]
    assert sorted(primary) == [
        (language, rules, "perception") for language in ("en", "sw") for rules in ("multilingual", "official")
    ]


def test_scores_on_disk_are_those_of_the_result_and_a_data_frame(evaluate: Evaluate) -> None:
    result = evaluate()
    assert result.folder.scores() == result.scores
    frame = result.frame()
    assert len(frame) == len(result.scores)
    assert frame["value"].dtype == "float64"
    assert {"metric", "ci_low", "outcome_read"} <= set(frame.columns)


def test_items_are_in_the_order_of_the_data(evaluate: Evaluate) -> None:
    result = evaluate()
    items = result.folder.items(Cell("mme", "sw"), "multilingual")
    assert [item.sample.order for item in items] == sorted(item.sample.order for item in items)
    assert all(item.reading.value in ("yes", "no") for item in items)


def test_the_same_command_asks_nothing_again(evaluate: Evaluate) -> None:
    first = evaluate()
    before = first.folder.scores_path.read_bytes()
    second = evaluate()
    assert second.asked == 0
    assert first.folder.scores_path.read_bytes() == before


def test_a_folder_grows_by_languages(evaluate: Evaluate) -> None:
    evaluate(langs="sw")
    result = evaluate(langs="en")
    assert (result.asked, [cell.language for cell in result.cells]) == (12, ["en"])
    assert {row.language for row in result.scores} == {"en", "sw"}
    assert len(result.folder.manifest()["history"]) == 1


def test_a_grown_folder_has_the_scores_of_one_made_at_once(evaluate: Evaluate, tmp_path: Path) -> None:
    evaluate(langs="sw")
    grown = evaluate(langs="en,sw")
    whole = evaluate(langs="en,sw", out=tmp_path / "whole")
    assert grown.folder.scores_path.read_bytes() == whole.folder.scores_path.read_bytes()


def test_a_larger_limit_grows_a_folder(evaluate: Evaluate) -> None:
    assert evaluate(langs="sw", limit=4).asked == 4
    result = evaluate(langs="sw")
    assert (result.asked, next(row.n for row in result.scores if row.primary)) == (8, 12)


def test_a_smaller_limit_is_refused(evaluate: Evaluate) -> None:
    evaluate(langs="sw", limit=8)
    with pytest.raises(UsageError, match=r"questions of mme sw \(--limit\): 8 → 4"):
        evaluate(langs="sw", limit=4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "scripted:weights=b"}, r"model\.name: scripted → scripted:weights=b"),
        ({"model": "random"}, r"model\.name: scripted → random"),
        ({"seed": 1}, "seed: 0 → 1"),
        ({"gen_kwargs": {"num_beams": 2}}, r"gen_kwargs.*num_beams: .*→ 2"),
    ],
)
def test_another_model_or_setting_is_refused_and_changes_nothing(
    evaluate: Evaluate, change: dict[str, object], message: str
) -> None:
    folder = evaluate().folder.path
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match=message + ".*--out"):
        evaluate(**change)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_weights_replaced_in_place_are_refused_though_the_name_is_the_same(
    evaluate: Evaluate, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate()
    import scripted_adapter_for_tests as adapter

    monkeypatch.setattr(adapter.Scripted, "fingerprint", lambda self: {"adapter": "scripted", "weights": "new"})
    with pytest.raises(UsageError, match=r"model\.fingerprint\.weights: \(not set\) → new|weights\.sha256: a → "):
        evaluate()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("sw: is there a 0 in 3?", "sw: was there a 0 in 3?", r"question of mme/existence/003\.png/0@sw: sw: is there"),
        ('"answer": "no"', '"answer": "yes"', "gold of .* and 5 more"),
    ],
)
def test_changed_data_is_refused(evaluate: Evaluate, questions: Path, old: str, new: str, message: str) -> None:
    evaluate(langs="sw")
    path = questions / "data.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        evaluate(langs="sw")


def test_a_changed_image_is_refused(evaluate: Evaluate, questions: Path) -> None:
    evaluate(langs="sw")
    shutil.copy(questions / "001.png", questions / "000.png")
    with pytest.raises(UsageError, match=r"image of mme/existence/000\.png/0@sw and 1 more"):
        evaluate(langs="sw")


def test_moved_data_is_the_same_data(evaluate: Evaluate, questions: Path, tmp_path: Path) -> None:
    evaluate(langs="sw")
    moved = questions.rename(tmp_path / "elsewhere")
    assert evaluate(langs="sw", data={"mme": moved}).asked == 0


def test_a_missing_or_broken_image_is_an_error_of_its_questions_alone(evaluate: Evaluate, questions: Path) -> None:
    (questions / "001.png").unlink()
    (questions / "002.png").write_bytes((questions / "002.png").read_bytes()[:45])
    (questions / "003.png").write_text("no image")
    result = evaluate(langs="sw")
    assert (result.asked, result.errors) == (12, 6)
    errors = [line["response"]["error"] for line in lines(result, "sw") if line["response"]["error"]]  # type: ignore[index]
    assert sum("001.png" in error for error in errors) == 2
    row = next(row for row in result.scores if row.primary)
    assert (row.n, row.outcomes["error"]) == (12, 0.5)


def test_errors_are_asked_again_and_only_they(
    evaluate: Evaluate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flag = tmp_path / "down"
    flag.touch()
    monkeypatch.setenv("SCRIPTED_FAIL", str(flag))
    first = evaluate()
    assert 0 < first.errors < 24
    flag.unlink()
    second = evaluate()
    assert (second.asked, second.errors) == (first.errors, 0)
    whole = evaluate(out=tmp_path / "whole")
    assert second.folder.scores_path.read_bytes() == whole.folder.scores_path.read_bytes()


def test_a_mended_image_is_asked_again(evaluate: Evaluate, questions: Path) -> None:
    content = (questions / "001.png").read_bytes()
    (questions / "001.png").unlink()
    assert evaluate(langs="sw").errors == 2
    (questions / "001.png").write_bytes(content)
    result = evaluate(langs="sw")
    assert (result.asked, result.errors) == (2, 0)


def test_when_the_adapter_breaks_what_came_is_kept_and_the_next_run_goes_on(evaluate: Evaluate, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="the model broke off: ValueError: the device is on fire; 10 of 24 answers"):
        evaluate("scripted:break=10", out=tmp_path / "run")
    manifest = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert (manifest["command"]["state"], manifest["command"]["answered"]) == ("failed", 10)
    assert not (tmp_path / "run" / ".lock").exists()


def test_ctrl_c_keeps_what_came(evaluate: Evaluate, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt, match=r"stopped; 5 of 24 answers asked for are kept in .*run: type the same"):
        evaluate("scripted:stop=5")
    assert json.loads((tmp_path / "run" / "run.json").read_text())["command"]["state"] == "interrupted"


def test_an_adapter_that_leaves_requests_out_is_a_failure(evaluate: Evaluate) -> None:
    with pytest.raises(RunError, match="left 1 requests without an answer"):
        evaluate("scripted:skip=3")


def test_an_adapter_that_answers_what_was_not_asked_is_a_failure(evaluate: Evaluate) -> None:
    with pytest.raises(RunError, match="'nobody asked', which was not asked"):
        evaluate("scripted:stranger=1")


def test_unfinished_cells_have_no_scores(evaluate: Evaluate, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="broke off"):
        evaluate("scripted:break=3")
    result = lrm_eval.rescore(tmp_path / "run")
    assert {str(cell): count for cell, count in result.unfinished.items()} == {"mme en": (2, 12), "mme sw": (1, 12)}
    assert result.scores == []


def test_rescoring_gives_the_same_bytes(evaluate: Evaluate) -> None:
    result = evaluate()
    before = result.folder.scores_path.read_bytes()
    result.folder.scores_path.unlink()
    lrm_eval.rescore(result.folder.path)
    assert result.folder.scores_path.read_bytes() == before


def test_a_half_written_last_line_is_repaired_on_the_way(evaluate: Evaluate) -> None:
    first = evaluate()
    scores = first.folder.scores_path.read_bytes()
    path = first.folder.responses_path(Cell("mme", "sw"))
    path.write_bytes(path.read_bytes()[:-9])
    second = evaluate()
    assert second.asked == 1
    assert second.folder.scores_path.read_bytes() == scores


def test_a_damaged_line_is_an_error_with_file_and_line(evaluate: Evaluate) -> None:
    path = evaluate().folder.responses_path(Cell("mme", "sw"))
    content = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([content[0], b"nonsense\n", *content[1:]]))
    with pytest.raises(RunError, match=r"sw\.jsonl, line 2: not a record of a run"):
        evaluate()


def test_a_folder_with_other_things_in_it_is_left_alone(evaluate: Evaluate, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("")
    with pytest.raises(UsageError, match="is not empty and holds no run"):
        evaluate(out=tmp_path / "thesis")
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter.tex"]


def test_a_run_that_comes_to_nothing_leaves_no_folder(evaluate: Evaluate, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="gen-kwargs"):
        evaluate("random", out=tmp_path / "a" / "b", gen_kwargs={"x": 1})
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "lrm-lava"}, "unknown model 'lrm-lava': did you mean 'lrm-llava'"),
        ({"langs": ""}, "lang"),
        ({"langs": "swahilli"}, "swahili"),
        ({"langs": "fr"}, "mme has no questions in French"),
        ({"limit": 0}, "--limit 0"),
        ({"suite": "small"}, "unknown suite 'small'"),
        ({"data": {"mme": "nowhere"}}, "--data mme=nowhere: no such file or folder"),
    ],
)
def test_what_cannot_be_asked_is_told_before_anything_happens(
    evaluate: Evaluate, tmp_path: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=f"(?i){message}"):
        evaluate(**options)
    assert not (tmp_path / "run").exists()


def test_a_gold_answer_of_another_kind_is_found_before_anything_is_asked(
    evaluate: Evaluate, questions: Path, tmp_path: Path
) -> None:
    path = questions / "data.jsonl"
    path.write_text(path.read_text().replace('"answer": "no"', '"answer": "perhaps"', 1))
    with pytest.raises(UsageError, match="perhaps"):
        evaluate()
    assert not (tmp_path / "run").exists()


def test_a_sound_folder_verifies(evaluate: Evaluate) -> None:
    checks = verify(evaluate().folder)
    assert [check for check in checks if check.ok is False] == []
    assert sum(check.ok is True for check in checks) >= 8


@pytest.mark.parametrize("damage", ["scores", "readings", "responses", "missing"])
def test_a_changed_folder_does_not_verify(evaluate: Evaluate, damage: str) -> None:
    folder = evaluate().folder
    cell = Cell("mme", "sw")
    path, wrong = {
        "scores": (folder.scores_path, "scores.json"),
        "readings": (folder.readings_path(cell, "official"), "readings of mme sw, official"),
        "responses": (folder.responses_path(cell), "responses of mme sw"),
        "missing": (folder.responses_path(cell), "cells"),
    }[damage]
    if damage == "missing":
        path.unlink()
    else:
        path.write_text(path.read_text(encoding="utf-8").replace("no", "on", 1), encoding="utf-8")
    assert wrong in {check.what for check in verify(folder) if check.ok is False}


@pytest.mark.parametrize("again", ["rescore", "run"])
def test_neither_rescoring_nor_going_on_vouches_for_answers_that_were_changed(evaluate: Evaluate, again: str) -> None:
    folder = evaluate().folder
    path = folder.responses_path(Cell("mme", "sw"))
    path.write_bytes(path.read_bytes().replace(b'"text":"', b'"text":"Ndiyo ', 1))
    if again == "rescore":
        lrm_eval.rescore(folder.path)
    else:
        evaluate()
    wrong = {check.what: check.detail for check in verify(folder) if check.ok is False}
    assert wrong["responses of mme sw"] == "changed since the run"
    assert "responses of mme en" not in wrong


def test_answers_that_run_json_does_not_know_of_do_not_verify(evaluate: Evaluate) -> None:
    folder = evaluate().folder
    manifest = json.loads(folder.manifest_path.read_text(encoding="utf-8"))
    manifest["cells"] = [cell for cell in manifest["cells"] if cell["language"] != "sw"]
    folder.manifest_path.write_text(json.dumps(manifest), encoding="utf-8")
    assert ("responses of mme sw", False) in {(check.what, check.ok) for check in verify(folder)}


def test_the_folder_of_a_report_is_the_run(evaluate: Evaluate) -> None:
    folder = evaluate().folder
    folder.report_path.write_text("<html>")
    assert lrm_eval.RunFolder.open(folder.report_path).path == folder.path


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"it has no run\.json"):
        lrm_eval.RunFolder.open(tmp_path)
    with pytest.raises(UsageError, match="does not exist"):
        lrm_eval.RunFolder.open(tmp_path / "none")
