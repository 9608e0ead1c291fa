"""Packs by template of a part of a benchmark: made when asked for, usable, and said honestly."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from lrm_eval.cli import app
from lrm_eval.commands.entry import call
from lrm_eval.data import availability, load_samples
from lrm_eval.languages import get
from lrm_eval.tasks import load_task
from lrm_eval.translation import read_card
from lrm_eval.translation.packfile import user_pack
from lrm_eval.translation.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

# In the layout of MME's own tables: image, question, answer.
TABLES = {
    "existence": [
        ("1.jpg", "Is there a elephant in this image?", "Yes"),
        ("1.jpg", "Is there a hair drier in this image?", "No"),
    ],
    "color": [
        ("2.jpg", "Is there a red couch in the image?", "Yes"),
        ("2.jpg", "Is there a black couch in the image?", "No"),
        ("3.jpg", "Is there a red couch in the image?", "Yes"),
        ("3.jpg", "Is there a couch that nobody has described?", "No"),
    ],
    "scene": [("4.jpg", "Is this picture captured in a place of bar?", "Yes"), ("4.jpg", "Is it a zoo?", "No")],
}
WHOLE_PAIRS = ["mme/existence/1.jpg", "mme/color/2.jpg"]


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    folder = tmp_path / "questions"
    folder.mkdir()
    for subtask, rows in TABLES.items():
        lines = [f"{image}\t{question} Please answer yes or no.\t{answer}\n" for image, question, answer in rows]
        (folder / f"{subtask}.txt").write_text("".join(lines), encoding="utf-8")
    return folder


def build(*args: str) -> int:
    return call(app, ["data", "build", *args])


def test_a_part_is_a_pack_of_whole_pairs_and_its_card_counts_the_rest(
    tables: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build("mme", "--lang", "hr", "--part", "--data", str(tables)) == 0
    out = capsys.readouterr().out
    assert "mme in Croatian: left out and not asked: 2 of scene, 1 of color; the first: " in out
    pack = user_pack(load_task("mme"), "hr")
    card = read_card(pack)
    assert card is not None
    assert (card.rows, card.lacks, card.method, card.provenance, card.version) == (4, 4, "rendered", "created", "1")
    assert all(item.ok is not False for item in verify([load_task("mme")]))


def test_a_part_is_asked_and_nothing_else(tables: Path) -> None:
    assert build("mme", "--lang", "hr", "--part", "--data", str(tables)) == 0
    samples = load_samples(load_task("mme"), get("hr"), tables, images=False)
    assert sorted({re.sub(r"/\d$", "", sample.id) for sample in samples}) == sorted(WHOLE_PAIRS)
    assert "Nalazi li se na slici crveni kauč?" in {sample.question for sample in samples}
    assert [sample.gold for sample in samples].count("yes") == 2


def test_a_part_says_so_where_it_is_ready(tables: Path) -> None:
    assert build("mme", "--lang", "hr", "--part", "--data", str(tables)) == 0
    there = availability(load_task("mme"), get("hr"), tables)
    assert there.state == "ready"
    assert there.detail.endswith("hr.jsonl (4 English samples are not in it)")


def test_the_list_of_tasks_counts_what_a_part_leaves_out(tables: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build("mme", "--lang", "hr", "--part", "--data", str(tables)) == 0
    capsys.readouterr()
    assert call(app, ["tasks"]) == 0
    out = capsys.readouterr().out
    assert "mme (hr): a part only, its pack leaves out 4 English samples" in out
    assert out.count("a part only") == 1


def test_without_a_pack_it_is_said_that_a_part_can_be_had(tables: Path) -> None:
    there = availability(load_task("mme"), get("hr"), tables)
    assert (there.state, there.command) == ("needs-pack", "lrm-eval data build mme --lang hr")
    assert there.detail == "no language pack in Croatian yet; a part is made by template (--part)"
    assert availability(load_task("seedbench"), get("hr")).detail == "no language pack in Croatian"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            (),
            "words 5 of the 8 questions, not 2 of scene, 1 of color; the first: .*; --part .*; which translator",
        ),
        (("--method", "template"), "words 5 of the 8 questions, .*; --translator SPEC translates what is left"),
        (("--part", "--translator", "openai:m"), "--part is a pack of what the lexicon words, a translator .*: choose"),
        (("--part", "--dry-run"), "--part is .*: without --given and --dry-run"),
    ],
)
def test_what_is_not_asked_for_is_not_made(
    tables: Path, capsys: pytest.CaptureFixture[str], args: tuple[str, ...], message: str
) -> None:
    assert build("mme", "--lang", "hr", "--data", str(tables), *args) == 2
    assert re.search(message, capsys.readouterr().err.replace("\n", " "))
    assert not user_pack(load_task("mme"), "hr").exists()


def test_a_lexicon_that_words_no_whole_pair_makes_no_pack(tables: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for subtask in ("existence", "color"):
        (tables / f"{subtask}.txt").unlink()
    assert build("mme", "--lang", "hr", "--part", "--data", str(tables)) == 2
    assert "words 0 of the 2 questions" in capsys.readouterr().err
    assert not user_pack(load_task("mme"), "hr").exists()


def test_a_language_without_a_lexicon_has_no_part(tables: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build("mme", "--lang", "ja", "--part", "--data", str(tables)) == 2
    assert "task 'mme' has no lexicon in Japanese" in capsys.readouterr().err
