"""A run folder of the first version, kept for ever: it can be read, reported, verified and scored again."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

import lrm_eval
from lrm_eval.errors import RunError
from lrm_eval.runs import RunFolder
from lrm_eval.runs.derive import walk
from lrm_eval.runs.verify import verify
from lrm_eval.scorers.versions import RULES_VERSIONS

KEPT = Path(__file__).parent / "data" / "old_run"
# The versions under which the kept readings and scores were made.
THEN = {"official": "1", "multilingual": "1"}


@pytest.fixture
def old(tmp_path: Path) -> RunFolder:
    shutil.copytree(KEPT, tmp_path / "old")
    return RunFolder.open(tmp_path / "old")


def failures(folder: RunFolder) -> list[str]:
    return [f"{check.what}: {check.detail}" for check in verify(folder) if check.ok is False]


def test_its_scores_are_read_without_versions(old: RunFolder) -> None:
    rows = old.scores()
    assert {row.language for row in rows} == {"en", "sw"}
    assert {(row.task_version, row.rules_version) for row in rows} == {("", "")}
    circular = {row.language: row.value for row in rows if row.primary and row.task == "tiny-mmbench"}
    assert circular == {"en": 100.0, "sw": pytest.approx(200 / 3)}


def test_the_same_responses_still_have_the_same_values_or_the_version_of_the_rules_was_raised(old: RunFolder) -> None:
    stored = {
        (row.task, row.language, row.rules, row.metric): (row.value, row.n, row.unparsed_rate) for row in old.scores()
    }
    derived = {
        (row.task, row.language, row.rules, row.metric): (row.value, row.n, row.unparsed_rate)
        for row in walk(old, lambda *_: None).scores
    }
    for rules, version in RULES_VERSIONS.items():
        if version == THEN[rules]:
            mine = {key: value for key, value in stored.items() if key[2] == rules}
            for key, then in mine.items():
                assert derived[key] == pytest.approx(then) if then[0] is not None else derived[key] == then, key


def test_it_verifies(old: RunFolder) -> None:
    if dict(RULES_VERSIONS) == THEN:
        assert failures(old) == []


@pytest.mark.parametrize("fmt", ["html", "md", "latex", "csv", "json"])
def test_it_is_reported_in_every_form(old: RunFolder, fmt: str) -> None:
    made = lrm_eval.report(old.path, fmt)  # type: ignore[arg-type]
    assert "lrm-llava" in str(made)


def test_scored_again_its_rows_carry_versions_and_its_page_is_new(old: RunFolder) -> None:
    old.report_path.write_text("stale", encoding="utf-8")
    result = lrm_eval.rescore(old.path)
    assert {row.rules_version for row in old.scores()} == set(RULES_VERSIONS.values())
    assert {row.task_version for row in old.scores()} == {"1"}
    assert result.report == old.report_path
    assert "<!doctype html>" in old.report_path.read_text(encoding="utf-8").lower()
    assert failures(old) == []


def test_scored_again_without_a_page_the_stale_one_is_gone(old: RunFolder) -> None:
    old.report_path.write_text("stale", encoding="utf-8")
    assert lrm_eval.rescore(old.path, report=False).report is None
    assert not old.report_path.exists()


@pytest.mark.parametrize("schema", [3, 0, "2", True, None])
def test_scores_of_an_unknown_schema_are_refused(old: RunFolder, schema: object) -> None:
    data = json.loads(old.scores_path.read_text(encoding="utf-8"))
    old.scores_path.write_text(json.dumps({**data, "schema": schema}), encoding="utf-8")
    with pytest.raises(RunError, match=r"scores\.json: schema .* knows 1 to 2"):
        old.scores()


def test_a_run_of_an_unknown_schema_is_refused(old: RunFolder) -> None:
    data = json.loads(old.manifest_path.read_text(encoding="utf-8"))
    old.manifest_path.write_text(json.dumps({**data, "schema": 99}), encoding="utf-8")
    with pytest.raises(RunError, match=r"run\.json: schema 99"):
        lrm_eval.report(old.path, "csv")


def changed(folder: RunFolder, old_text: str, new_text: str) -> Path:
    path = folder.path / "responses" / "tiny-mmbench" / "en.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace(old_text, new_text), encoding="utf-8")
    return path


def test_changed_questions_do_not_verify(old: RunFolder) -> None:
    changed(old, '"gold":"C"', '"gold":"B"')
    found = failures(old)
    assert "responses of tiny-mmbench en: changed since the run" in found
    assert "questions of tiny-mmbench en: not those that run.json has the hash of" in found


def test_a_forged_gold_answer_does_not_verify_even_if_every_hash_was_made_again(tmp_path: Path) -> None:
    # On a run of today: the old one's questions are those of the task's version before, which is not installed.
    made = lrm_eval.run(
        "random", langs="en", tasks="mmbench", suite="tiny", limit=8, out=tmp_path / "run", report=False
    )
    folder = made.folder
    path = folder.path / "responses" / "tiny-mmbench" / "en.jsonl"
    text = path.read_text(encoding="utf-8")
    gold = next(letter for letter in "ABCD" if f'"gold":"{letter}"' in text)
    path.write_text(
        text.replace(f'"gold":"{gold}"', '"gold":"B"' if gold != "B" else '"gold":"A"', 1), encoding="utf-8"
    )
    data = json.loads(folder.manifest_path.read_text(encoding="utf-8"))
    for cell in data["cells"]:
        cell["responses_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        del cell["data_sha256"]
    folder.manifest_path.write_text(json.dumps(data), encoding="utf-8")
    lrm_eval.rescore(folder.path, report=False)
    found = failures(folder)
    assert len(found) == 1
    assert "against the task's data: 1 are not the task's" in found[0]


def test_questions_of_another_version_of_the_task_are_not_held_against_it(old: RunFolder) -> None:
    told = [check for check in verify(old) if "against the task's data" in check.what]
    assert told and all(check.ok is None and "version 2 of the task is installed" in check.detail for check in told)


def test_a_changed_score_is_named_with_both_values(old: RunFolder) -> None:
    text = old.scores_path.read_text(encoding="utf-8")
    old.scores_path.write_text(text.replace('"value": 800.0', '"value": 801.0', 1), encoding="utf-8")
    assert any("value is 801.0, derived 800.0" in one for one in failures(old))


def test_a_row_that_follows_from_nothing_does_not_verify(old: RunFolder) -> None:
    data = json.loads(old.scores_path.read_text(encoding="utf-8"))
    data["scores"].append({**data["scores"][0], "language": "zh"})
    old.scores_path.write_text(json.dumps(data), encoding="utf-8")
    assert any("1 rows follow from no response" in one for one in failures(old))


def test_a_changed_reading_does_not_verify(old: RunFolder) -> None:
    path = old.path / "readings" / "multilingual" / "tiny-mmbench" / "en.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace('"value":"C"', '"value":"D"'), encoding="utf-8")
    assert any("readings of tiny-mmbench en, multilingual" in one and "now 'C'" in one for one in failures(old))


def test_a_reading_of_no_answer_and_a_missing_one_do_not_verify(old: RunFolder) -> None:
    path = old.path / "readings" / "official" / "tiny-mmbench" / "en.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[1:]), encoding="utf-8")
    assert any("1 missing" in one for one in failures(old))
    stranger = json.dumps({**json.loads(lines[0]), "key": "tiny-mmbench/99@en"}) + "\n"
    path.write_text("".join([*lines, stranger]), encoding="utf-8")
    assert any("1 of no answer" in one for one in failures(old))
