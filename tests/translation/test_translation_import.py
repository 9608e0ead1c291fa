"""Importing translated tables: what fits becomes a pack, what does not is told line by line."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import pytest

from lrm_eval.data import load_samples, read_pack
from lrm_eval.errors import UsageError
from lrm_eval.languages import get
from lrm_eval.tasks import load_task
from lrm_eval.translation import read_card, storing, workflow
from lrm_eval.translation.english import english_samples
from lrm_eval.translation.importing import provenance_of
from lrm_eval.translation.packfile import user_pack
from lrm_eval.translation.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

HR = get("hr")


@pytest.fixture
def table(tmp_path: Path) -> list[dict[str, Any]]:
    """Tiny MMBench in Croatian as somebody might deliver it: index, question, A to D, answer."""
    task = load_task("tiny-mmbench")
    rows = []
    for sample in load_samples(task, HR, images=False):
        letters = dict.fromkeys("ABCD", "") | dict(zip(sample.labels, sample.options, strict=True))
        rows.append(
            {"index": sample.id.partition("/")[2], "question": sample.question, **letters, "answer": sample.gold}
        )
    return rows


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        if path.suffix == ".jsonl":
            stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        else:
            table = csv.DictWriter(stream, list(rows[0]), delimiter="\t" if path.suffix == ".tsv" else ",")
            table.writeheader()
            table.writerows(rows)
    return path


def bring(path: Path, **settings: Any) -> tuple[storing.Made, tuple[str, ...]]:
    task = load_task("tiny-mmbench")
    made, imported = workflow.import_pack(task, HR, [path], "human-translated", replace_pack=True, **settings)
    return made, imported.problems


@pytest.mark.parametrize("suffix", [".tsv", ".csv", ".jsonl"])
def test_a_table_becomes_the_pack_that_a_run_loads(tmp_path: Path, table: list[dict[str, Any]], suffix: str) -> None:
    task = load_task("tiny-mmbench")
    bundled = load_samples(task, HR, images=False)
    made, problems = bring(write(tmp_path / f"t{suffix}", table))
    assert problems == ()
    assert made.pack == user_pack(task, "hr")
    assert made.audit is not None
    assert made.audit.ok
    assert load_samples(task, HR, images=False) == bundled
    card = read_card(made.pack)
    assert card is not None
    assert (card.provenance, card.method, card.origin, card.rows) == ("human-translated", "imported", f"t{suffix}", 570)


def test_a_first_pass_is_enough(tmp_path: Path, table: list[dict[str, Any]]) -> None:
    bundled = load_samples(load_task("tiny-mmbench"), HR, images=False)
    firsts = [row for row in table if int(row["index"]) < 1_000_000]
    made, _ = bring(write(tmp_path / "t.tsv", firsts))
    assert made.pack is not None
    assert len(read_pack(made.pack)) == 160
    assert load_samples(load_task("tiny-mmbench"), HR, images=False) == bundled


def test_passes_that_disagree_are_refused_and_can_be_turned_from_the_first(
    tmp_path: Path, table: list[dict[str, Any]]
) -> None:
    later = next(row for row in table if int(row["index"]) > 1_000_000)
    later[later["answer"]] = "posve drugo"
    path = write(tmp_path / "t.tsv", table)
    made, problems = bring(path)
    assert made.pack is None
    assert len(problems) == 1
    assert "the same question" in problems[0]
    assert "--first-pass" in problems[0]
    assert bring(path, later=False)[0].pack is not None


def test_every_mistake_is_told_with_file_and_row_and_nothing_is_written(
    tmp_path: Path, table: list[dict[str, Any]]
) -> None:
    table[0]["question"] = " "
    table[1]["B"] = ""
    table[2]["index"] = "99x"
    table[3]["answer"] = "A" if table[3]["answer"] != "A" else "B"
    table.append(dict(table[4]))
    path = write(tmp_path / "t.csv", table)
    made, problems = bring(path)
    assert made.pack is None
    found = {problem.partition(": ")[0].rpartition(":")[2]: problem.partition(": ")[2] for problem in problems}
    assert found["2"].startswith("no question")
    assert found["3"].startswith("option B is empty, in English it is")
    assert found["4"].startswith("no sample has the id '99x'")
    assert found["5"].startswith("the right answer is")
    assert found[str(len(table) + 1)].startswith("id 'tiny-mmbench/5' is given twice")
    assert not user_pack(load_task("tiny-mmbench"), "hr").exists()


def test_missing_rows_are_told(tmp_path: Path, table: list[dict[str, Any]]) -> None:
    rows = [row for row in table if row["index"] not in ("7", "1000007", "2000007", "3000007")]
    _, problems = bring(write(tmp_path / "t.tsv", rows))
    assert problems[0] == "t.tsv: no line for 'tiny-mmbench/7'"


def test_rows_in_other_languages_are_left_out(tmp_path: Path, table: list[dict[str, Any]]) -> None:
    rows = [{**row, "language": "hrvatski"} for row in table] + [{**row, "language": "cs"} for row in table]
    task = load_task("tiny-mmbench")
    path = write(tmp_path / "t.tsv", rows)
    made, imported = workflow.import_pack(task, HR, [path], "found", replace_pack=True)
    assert made.pack is not None
    assert imported.skipped == len(table)
    with pytest.raises(UsageError, match=r"no rows in German \(de\); 1140 rows are in other languages"):
        workflow.import_pack(task, get("de"), [path], "found", replace_pack=True)


def test_the_word_none_is_an_option_where_english_has_one(tmp_path: Path, table: list[dict[str, Any]]) -> None:
    table[0]["A"] = "None"
    made, problems = bring(write(tmp_path / "t.tsv", [row for row in table if int(row["index"]) < 1_000_000]))
    assert problems == ()
    assert made.pack is not None
    assert read_pack(made.pack)["tiny-mmbench/1"].options[0] == "None"


def test_pope_files_are_told_apart_by_their_names(tmp_path: Path) -> None:
    task = load_task("tiny-pope")
    files = []
    for split in ("random", "popular", "adversarial"):
        rows = [
            {"question_id": sample.id.rpartition("/")[2], "text": sample.question}
            for sample in load_samples(task, HR, images=False)
            if sample.split == split
        ]
        files.append(write(tmp_path / f"hr_pope_{split}.jsonl", rows))
    made, imported = workflow.import_pack(task, HR, files, "machine-translated", replace_pack=True)
    assert imported.problems == ()
    assert made.pack is not None
    assert len(read_pack(made.pack)) == len(english_samples(task))


@pytest.mark.parametrize(
    ("typed", "term"),
    [
        ("human", "human-translated"),
        ("Machine-Verified", "machine-translated and verified"),
        ("machine-translated and verified", "machine-translated and verified"),
        ("found", "found"),
        ("lm", "LM-generated"),
    ],
)
def test_provenance_is_typed_short_or_in_full(typed: str, term: str) -> None:
    assert provenance_of(typed) == term


def test_another_provenance_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="unknown provenance 'humen': did you mean 'human'"):
        provenance_of("humen")


def test_verify_holds_a_pack_against_its_card(tmp_path: Path, table: list[dict[str, Any]]) -> None:
    task = load_task("tiny-mmbench")
    made, _ = bring(write(tmp_path / "t.tsv", table))
    assert made.pack is not None
    checks = [check for check in verify([task]) if check.what == "tiny-mmbench hr"]
    assert [check.ok for check in checks] == [True, True]
    text = made.pack.read_text(encoding="utf-8")
    made.pack.write_text(text.replace("Koje", "Kakve", 1), encoding="utf-8")
    wrong = [check for check in verify([task]) if check.ok is False]
    assert len(wrong) == 1
    assert "was changed since it was imported" in wrong[0].detail
    made.pack.write_text(text.replace('"options"', '"optionz"', 1), encoding="utf-8")
    wrong = [check for check in verify([task]) if check.ok is False]
    assert "hr.jsonl:1: unknown key 'optionz'" in wrong[0].detail


def test_verify_holds_downloaded_files_against_the_hash_in_their_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hashlib

    from lrm_eval.data import hub

    revision = "0123456789abcdef0123456789abcdef01234567"
    content = b"PAR1 rows PAR1"
    snapshot = tmp_path / "hub" / "snapshots" / revision
    blobs = tmp_path / "hub" / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    blob = blobs / hashlib.sha256(content).hexdigest()
    blob.write_bytes(content)
    small = blobs / hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    small.write_bytes(content)
    for name, target in (("big.parquet", blob), ("small.parquet", small)):
        (snapshot / name).symlink_to(target)
    files = [str(snapshot / name) for name in ("big.parquet", "small.parquet")]
    lock = {"schema": 1, "datasets": {"lmms-lab/POPE": {"revision": revision, "files": {revision: {"other-*": files}}}}}
    hub.lock_path().parent.mkdir(parents=True, exist_ok=True)
    hub.lock_path().write_text(json.dumps(lock), encoding="utf-8")
    task = load_task("pope")
    assert task.dataset.path == "lmms-lab/POPE"
    assert [check.ok for check in verify([task])] == [True, True]
    blob.write_bytes(content[:-1])
    small.unlink()
    details = [check.detail for check in verify([task]) if check.ok is False]
    assert "was changed or is torn" in details[0]
    assert "is gone; `lrm-eval data fetch`" in details[1]
