"""Translations that exist: known by name, from the hub, the web or local files, whole or in part."""

from __future__ import annotations

import functools
import http.server
import json
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lrm_eval.cli import app
from lrm_eval.commands.entry import call
from lrm_eval.data import availability, hub, load_samples
from lrm_eval.errors import RunError, UsageError
from lrm_eval.languages import get
from lrm_eval.tasks import load_task, task_names
from lrm_eval.translation import read_card, workflow
from lrm_eval.translation.auditing import audit_pack
from lrm_eval.translation.existing import load_existing, obtain, sources
from lrm_eval.translation.importing import import_tables
from lrm_eval.translation.packfile import user_pack
from lrm_eval.translation.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterator

HR, KO = get("hr"), get("ko")
REVISION = "0123456789abcdef0123456789abcdef01234567"


def main(args: list[str]) -> int:
    return call(app, args)


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def english_rows() -> list[dict[str, Any]]:
    """Three MMBench questions, two passes of each, as MMBench numbers them."""
    rows = []
    for index, right in ((1, "red"), (2, "blue"), (5, "green")):
        wrong = "white" if index == 5 else "black"
        for step, options in ((0, (right, wrong)), (1_000_000, (wrong, right))):
            rows.append(
                {"index": index + step, "question": f"Which colour has thing {index}?", "hint": "nan", "A": options[0],
                 "B": options[1], "C": "nan", "D": "nan", "answer": "AB"[options.index(right)],
                 "category": "attribute_recognition", "image": "x.png"}
            )  # fmt: skip
    return rows


def korean(row: dict[str, Any]) -> dict[str, Any]:
    words = {"red": "빨간색", "blue": "파란색", "green": "초록색", "black": "검은색", "white": "흰색"}
    return {
        **{key: words.get(value, value) if key in "ABCD" else value for key, value in row.items()},
        "question": f"{row['index'] % 1_000_000}번 물건은 무슨 색입니까?",
    }


@pytest.mark.parametrize(("task", "name"), [(task, name) for task in task_names() for name in sources(load_task(task))])
def test_every_known_translation_is_well_described(task: str, name: str) -> None:
    found = load_existing(load_task(task), name)
    assert found.homepage.startswith("https://")
    assert found.contact.startswith("https://")
    assert found.languages
    for tag in found.languages:
        assert get(tag).tag == tag
    assert "en" not in found.languages
    if found.url is not None:
        assert len(found.revision or "") == 40
        assert "{revision}" in found.url


def test_the_translations_that_people_ask_for_are_known() -> None:
    mmbench, pope = load_task("mmbench"), load_task("pope")
    assert set(load_existing(mmbench, "parrot").languages) == {"ar", "pt", "ru", "tr", "zh"}
    assert set(load_existing(mmbench, "deepvk").languages) == {"ru"}
    assert set(load_existing(mmbench, "k-mmbench").languages) == {"ko"}
    assert len(load_existing(pope, "mhr").languages) == 32  # MHR's 33 without English
    assert mmbench.dataset_of("zh").path == "lmms-lab/MMBench"


def test_an_unknown_name_or_language_is_told() -> None:
    task = load_task("mmbench")
    with pytest.raises(UsageError, match=r"unknown translation of mmbench 'parot': did you mean 'parrot'\?"):
        load_existing(task, "parot")
    with pytest.raises(UsageError, match="K-MMBench is not in Croatian; it is in ko"):
        obtain(load_existing(task, "k-mmbench"), "k-mmbench", HR)
    with pytest.raises(UsageError, match="task 'mme': no translations are known"):
        load_existing(load_task("mme"), "parrot")


def test_a_hub_data_set_in_its_own_layout_becomes_a_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Columns of NCSOFT/K-MMBench, as its viewer shows them.
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [
        {**korean(row), "image": {"bytes": b"x", "path": None}, "source": "s", "l2-category": "a", "comment": "nan",
         "split": "dev"}
        for row in english_rows()
    ]  # fmt: skip
    file = tmp_path / "dev-00000-of-00001.parquet"
    pq.write_table(pa.Table.from_pylist(rows), file)
    entry = {"revision": REVISION, "files": {REVISION: {"data/dev-*.parquet": [str(file)]}}}
    hub.lock_path().parent.mkdir(parents=True, exist_ok=True)
    hub.lock_path().write_text(json.dumps({"schema": 1, "datasets": {"NCSOFT/K-MMBench": entry}}), encoding="utf-8")
    source = lines(tmp_path / "en" / "dev.jsonl", english_rows())
    status = main(["data", "import", "mmbench", "--from", "k-mmbench", "--lang", "ko", "--data", str(source)])
    assert status == 0
    task = load_task("mmbench")
    card = read_card(user_pack(task, "ko"))
    assert card is not None
    assert (card.origin, card.version, card.method) == ("NCSOFT/K-MMBench", REVISION, "imported")
    assert (card.provenance, card.licence) == ("machine-translated and verified", "CC BY-NC 4.0")
    assert card.translator.startswith("translated, then read by people")
    assert (card.rows, card.lacks) == (6, 0)
    samples = load_samples(task, KO, source, images=False)
    assert [sample.options for sample in samples][:2] == [("빨간색", "검은색"), ("검은색", "빨간색")]
    assert samples[4].options == ("초록색", "흰색")
    assert [sample.gold for sample in samples] == [row["answer"] for row in english_rows()]


def moved(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Index 5 is gone, one pass of index 2 is gone, and index 7 is of another revision."""
    kept = [korean(row) for row in rows if row["index"] not in (5, 1_000_005, 2)]
    return [*kept, {**korean(rows[0]), "index": 7}]


def test_a_part_needs_to_be_asked_for(tmp_path: Path) -> None:
    task = load_task("mmbench")
    source = lines(tmp_path / "en.jsonl", english_rows())
    table = lines(tmp_path / "ko.jsonl", moved(english_rows()))
    made, imported = workflow.import_pack(task, KO, [table], "found", source)
    assert made.pack is None
    assert imported.problems[0].endswith("no sample has the id '7'; did you mean 'mmbench/1'?") or (
        "no sample has the id '7'" in imported.problems[0]
    )


def test_a_part_is_taken_by_whole_questions_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task = load_task("mmbench")
    source = lines(tmp_path / "en.jsonl", english_rows())
    table = lines(tmp_path / "ko.jsonl", moved(english_rows()))
    command = ["data", "import", "mmbench", str(table), "--lang", "ko", "--provenance", "found", "--data", str(source)]
    assert main([*command, "--part"]) == 0
    printed = capsys.readouterr().out
    assert "1 row of questions that the English data has not were left out" in printed
    assert "4 English samples have no text in the pack and will not be asked" in printed
    pack = user_pack(task, "ko")
    card = read_card(pack)
    assert card is not None
    assert card.lacks == 4
    assert [sample.id for sample in load_samples(task, KO, source, images=False)] == ["mmbench/1", "mmbench/1000001"]
    assert "(4 English samples are not in it)" in availability(task, KO, source).detail
    assert audit_pack(task, KO, pack, source).ok
    assert all(check.ok for check in verify([task]) if check.what == "mmbench ko")


def test_rows_that_cannot_be_used_are_left_out_of_a_part_with_their_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [korean(row) for row in english_rows()]
    rows[0]["answer"] = "B"
    rows[1]["question"] = " "
    source, table = lines(tmp_path / "en.jsonl", english_rows()), lines(tmp_path / "ko.jsonl", rows)
    command = ["data", "import", "mmbench", str(table), "--lang", "ko", "--provenance", "lm", "--data", str(source)]
    assert main(command) == 1
    assert "--part leaves out what cannot be used" in capsys.readouterr().err
    assert not user_pack(load_task("mmbench"), "ko").exists()
    assert main([*command, "--part"]) == 0
    printed = capsys.readouterr()
    assert "the right answer is B, but in English A (mmbench/1)" in printed.err
    assert "2 rows that cannot be used were left out" in printed.out
    assert len(load_samples(load_task("mmbench"), KO, source, images=False)) == 4


def test_a_part_of_nothing_is_refused(tmp_path: Path) -> None:
    source = lines(tmp_path / "en.jsonl", english_rows())
    table = lines(tmp_path / "ko.jsonl", [{**korean(row), "index": row["index"] + 100} for row in english_rows()])
    with pytest.raises(UsageError, match="is it another revision"):
        workflow.import_pack(load_task("mmbench"), KO, [table], "found", source, part=True)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """MHR's layout on a server of our own: tiny POPE in Croatian, with labels that went through a translator."""
    bundled = load_samples(load_task("tiny-pope"), HR, images=False)
    for split in ("random", "popular", "adversarial"):
        rows = [
            {"question_id": item.id.rpartition("/")[2], "image": "x.jpg", "text": item.question, "label": "da - da."}
            for item in bundled
            if item.split == split
        ]
        lines(tmp_path / "www" / REVISION / "coco" / "hr" / f"coco_pope_{split}_hr.json", rows)
    handler = functools.partial(Quiet, directory=str(tmp_path / "www"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    folder = tmp_path / "more" / "tiny-pope"
    (folder / "packs").mkdir(parents=True)
    (folder / "imports").mkdir()
    mhr = (load_task("pope").folder / "imports" / "mhr.yaml").read_text(encoding="utf-8")
    base, _, tail = mhr.partition("url: ")
    text = f"{base}url: http://127.0.0.1:{server.server_port}/{{revision}}/coco\nrevision: {REVISION}\n"
    files = "".join(
        f"\n  - '{{name}}/coco_pope_{split}_{{name}}.json'" for split in ("random", "popular", "adversarial")
    )
    (folder / "imports" / "web.yaml").write_text(
        f"{text}files:{files}\nlanguages: {{hr: hr, cs: cs}}\n", encoding="utf-8"
    )
    assert tail
    yield str(tmp_path / "more")
    server.shutdown()
    server.server_close()
    thread.join()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


def test_files_of_the_web_are_taken_at_their_commit_with_the_original_labels(web: str) -> None:
    command = ["data", "import", "tiny-pope", "--from", "web", "--lang", "hr", "--include-path", web, "--replace"]
    assert main(command) == 0
    task = load_task("tiny-pope", [web])
    english = load_samples(task, get("en"), images=False)
    samples = load_samples(task, HR, images=False)
    assert samples == load_samples(load_task("tiny-pope"), HR, images=False)
    assert [sample.gold for sample in samples] == [sample.gold for sample in english]
    card = read_card(user_pack(task, "hr"))
    assert card is not None
    assert (card.origin, card.version) == ("https://github.com/ssmisya/MHR", REVISION)
    assert (card.provenance, card.translator) == ("machine-translated", "not named by the authors")
    # What was downloaded is kept: the second time needs no network.
    found = load_existing(task, "web").model_copy(update={"url": "http://127.0.0.1:1/{revision}/coco"})
    assert len(obtain(found, "web", HR).paths) == 3


def test_a_server_that_has_not_the_file_is_told(web: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = load_existing(load_task("tiny-pope", [web]), "web")
    with pytest.raises(RunError, match="answered with status 404; get it by hand and name the FILE"):
        obtain(found, "web", get("cs"))
    gone = found.model_copy(update={"url": "http://127.0.0.1:1/{revision}/coco"})
    with pytest.raises(RunError, match=r"cannot be downloaded: .*; get it by hand and name the FILE"):
        obtain(gone, "web", HR)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UsageError, match="is not on this machine and HF_HUB_OFFLINE is set"):
        obtain(found, "web", HR)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["--lang", "sw"], "which FILE? or --from NAME"),
        (["x.jsonl", "--lang", "sw"], "how were these texts made? --provenance"),
        (["x.jsonl", "--lang", "sw,hr", "--provenance", "human"], "a FILE is in one language"),
        (["x.jsonl", "--provenance", "human"], "which language? --lang L"),
        (["--from", "mhr", "--lang", "am"], "multilingual POPE of MHR is not in Amharic"),
    ],
)
def test_what_is_missing_is_asked_for(typed: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "import", "pope", *typed]) == 2
    assert message in capsys.readouterr().err


def test_the_known_translations_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "import", "mmbench", "--from", "list"]) == 0
    printed = capsys.readouterr().out
    for name in ("parrot", "deepvk", "k-mmbench"):
        assert name in printed


def test_the_real_files_of_mhr_fit_pope() -> None:
    root = os.environ.get("LRM_EVAL_REAL_DATA")
    if not root:
        pytest.skip("LRM_EVAL_REAL_DATA is not set")
    task = load_task("pope")
    english = load_samples(task, get("en"), Path(root) / "pope" / "coco", images=False)
    files = sorted((Path(root) / "pope_multilingual" / "questions" / "sw").glob("*.json"))
    found = import_tables(task, get("sw"), files, english, "machine-translated")
    assert found.problems == ()
    assert set(found.rows) == {sample.id for sample in english}
