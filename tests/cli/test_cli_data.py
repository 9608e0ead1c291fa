"""`lrm-eval data` as typed, in this process."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from lrm_eval.commands import entry
from lrm_eval.commands.data import app
from lrm_eval.data import find_pack
from lrm_eval.tasks import load_task

if TYPE_CHECKING:
    from pathlib import Path

Type = Callable[..., tuple[int, str, str]]


@pytest.fixture
def type_(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Type:
    """Type what comes after `lrm-eval data`: exit status, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LRM_EVAL_PACKS", str(tmp_path / "user-packs"))
    monkeypatch.setenv("LRM_EVAL_CACHE", str(tmp_path / "user-cache"))

    def call(*args: str) -> tuple[int, str, str]:
        status = entry.call(app, args)
        out, err = capsys.readouterr()
        return status, out, err

    return call


def spoiled(path: Path) -> Path:
    """The bundled Croatian pack of tiny-mmbench with two options of its first question made equal."""
    pack = find_pack(load_task("tiny-mmbench"), "hr")
    assert pack is not None
    first, *others = pack.read_text(encoding="utf-8").splitlines()
    row = json.loads(first)
    row["options"][0] = row["options"][1]
    path.write_text("\n".join([json.dumps(row), *others]) + "\n", encoding="utf-8")
    return path


def test_a_sound_pack_is_zero_and_warnings_do_not_count(type_: Type) -> None:
    status, out, err = type_("audit", "tiny-mmbench", "--lang", "fr")
    assert (status, err) == (0, "")
    assert out.startswith("tiny-mmbench in French: 570 lines for 570 English samples (15 different questions)")
    assert out.splitlines()[-1] == "0 errors, 1 warning"
    # Option letter and count follow from the benchmark's draw; "triangle" is French and English.
    assert re.search(r"option [A-D]: is the English text: 'triangle' \(and \d+ more times\)", out)


def test_a_pack_with_an_error_is_one(type_: Type, tmp_path: Path) -> None:
    pack = spoiled(tmp_path / "hr.jsonl")
    status, out, _ = type_("audit", "tiny-mmbench", "--lang", "hr", "--pack", str(pack))
    assert status == 1
    assert f"error: merged: {pack}:1: tiny-mmbench/1: options A and B are both" in out


def test_json_is_all_there_is_on_standard_output(type_: Type, tmp_path: Path) -> None:
    pack = spoiled(tmp_path / "hr.jsonl")
    status, out, _ = type_("audit", "tiny-mmbench", "--lang", "hr", "--pack", str(pack), "--json")
    assert status == 1
    (result,) = json.loads(out)["audits"]
    assert (result["language"], result["ok"], result["samples"]) == ("hr", False, 570)
    assert {"check", "level", "id", "where", "detail"} == set(result["findings"][0])


def test_an_imported_pack_is_loaded_by_the_next_audit(type_: Type, tmp_path: Path) -> None:
    pack = find_pack(load_task("tiny-mme"), "sw")
    assert pack is not None
    copy = tmp_path / "mine.jsonl"
    copy.write_bytes(pack.read_bytes())
    status, out, _ = type_("import", "tiny-mme", str(copy), "--lang", "swahili", "--provenance", "human", "--replace")
    assert status == 0, out
    target = tmp_path / "user-packs" / "tiny-mme" / "sw.jsonl"
    assert out.splitlines()[-1] == f"pack: {target}"
    assert find_pack(load_task("tiny-mme"), "sw") == target
    status, out, _ = type_("verify", "tiny-mme")
    assert (status, out.splitlines()[-1]) == (0, "12 checks hold, 0 do not")


def test_the_mistakes_of_a_table_are_a_line_each(type_: Type, tmp_path: Path) -> None:
    table = tmp_path / "t.tsv"
    table.write_text("id\tquestion\nnowhere\tIpo?\nother\t\n", encoding="utf-8")
    status, out, err = type_("import", "tiny-mme", str(table), "--lang", "sw", "--provenance", "found", "--replace")
    assert (status, out) == (1, "")
    first, second, last = err.splitlines()
    assert first.startswith(f"{table}:2: no sample has the id 'nowhere'")
    assert second.startswith(f"{table}:3: no sample has the id 'other'")
    assert last == f"error: {table}: 2 problems; nothing was written; --part leaves out what cannot be used"
    assert not (tmp_path / "user-packs").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("audit", "tiny-mme", "--lang", "en"), "English is what packs are held against"),
        (("audit", "mme", "--lang", "hr"), "has no pack in Croatian; name a file with --pack, or make one: `lrm-eval"),
        (("audit", "tiny-mmme", "--lang", "hr"), "did you mean 'tiny-mme'"),
        (("audit", "tiny-mme", "--lang", "hr,sw", "--pack", "x"), "--pack names one file"),
        (("audit", "tiny-mme", "--lang", "hr", "--pack", "none.jsonl"), "none.jsonl: cannot be read: No such file"),
        (("build", "seedbench", "--lang", "hr"), "which translator? --translator openai:MODEL"),
        (("build", "mme", "--lang", "hr", "--translator", "gpt-4o"), "type openai:gpt-4o"),
        (("build", "tiny-mme", "--lang", "hr", "--translator", "openai:m"), "has a pack in Croatian already"),
        (("import", "tiny-mme", "x.tsv", "--lang", "hr"), "how were these texts made? --provenance human"),
        (("import", "tiny-mme", "x.tsv", "--lang", "hr", "--provenance", "humen"), "did you mean 'human'"),
        (("aduit",), "did you mean 'audit'"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(type_: Type, args: tuple[str, ...], message: str) -> None:
    status, out, err = type_(*args)
    assert (status, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    assert message in line


def test_bundled_data_needs_no_download(type_: Type) -> None:
    status, out, _ = type_("fetch", "tiny-mme")
    assert (status, out) == (0, "tiny-mme: comes with the task, nothing to download\n")


def test_a_download_without_network_says_what_to_do(type_: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    status, _, err = type_("fetch", "mme")
    assert status == 2
    assert "HF_HUB_OFFLINE is set; unset it to download" in err


def test_what_is_here_already_is_not_downloaded_again(type_: Type, tmp_path: Path) -> None:
    from lrm_eval.data import hub

    task = load_task("mme")
    revision = "0123456789abcdef0123456789abcdef01234567"
    file = tmp_path / "snapshots" / revision / "test.parquet"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x" * 1_500_000)
    patterns = {pattern: [str(file)] for _, pattern in task.dataset.patterns()}
    lock = {"datasets": {task.dataset.path: {"revision": revision, "files": {revision: patterns}}}}
    hub.lock_path().parent.mkdir(parents=True, exist_ok=True)
    hub.lock_path().write_text(json.dumps(lock), encoding="utf-8")
    status, out, _ = type_("fetch", "mme")
    assert status == 0
    assert out == f"mme: {task.dataset.path} is here already: 1 file, 1.5 MB, revision {revision}\n"


def test_without_a_verb_there_is_help(type_: Type) -> None:
    status, out, err = type_()
    assert (status, err) == (0, "")
    assert all(verb in out for verb in ("fetch", "import", "build", "audit", "verify"))


def test_several_tasks_are_built_by_one_command(type_: Type, tmp_path: Path) -> None:
    (tmp_path / "pope").mkdir()
    (tmp_path / "pope" / "coco_pope_random.json").write_text(
        '{"question_id": 1, "image": "1.jpg", "text": "Is there a dog in the image?", "label": "yes"}\n',
        encoding="utf-8",
    )
    (tmp_path / "mme").mkdir()
    lines = [
        f"1.jpg\tIs there a {color} couch in the image? Please answer yes or no.\tYes\n" for color in ("red", "black")
    ]
    (tmp_path / "mme" / "color.txt").write_text("".join(lines), encoding="utf-8")
    data = ("--data", "mme=mme", "--data", "pope=pope")
    status, out, err = type_("build", "mme,pope", "--lang", "sw,hr", "--part", *data)
    assert (status, err) == (0, "")
    packs = [f"{task}/{tag}.jsonl" for task in ("mme", "pope") for tag in ("sw", "hr")]
    assert [line.rpartition("user-packs/")[2] for line in out.splitlines() if line.startswith("pack: ")] == packs
    assert "Je, kuna mbwa katika picha?" in (tmp_path / "user-packs" / "pope" / "sw.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("mme,pope", "--data", "here"), "--data here: write --data TASK=PATH with one of mme, pope"),
        (("mme,pope", "--data", "mme=a", "--data", "mme=b"), "--data names mme twice: a and b"),
        (("mme,popo",), "unknown task 'popo': did you mean 'pope'?"),
        (("mme,pope", "--given", "hr.csv"), "--given names the texts of one task: name one task"),
        ((",",), "which task?"),
    ],
)
def test_a_mistake_about_several_tasks_is_one_line(type_: Type, args: tuple[str, ...], message: str) -> None:
    status, _, err = type_("build", *args, "--lang", "hr")
    assert status == 2
    assert message in err
    assert len(err.splitlines()) == 1
