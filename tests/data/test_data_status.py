"""`availability` tells the truth: ready, needs a download, needs a pack, with the command that gets it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lrm_eval.data import availability, cache_dir, hub, packs_dir
from lrm_eval.languages import get
from lrm_eval.tasks import load_task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

REVISION = "0123456789abcdef0123456789abcdef01234567"


def state(task: str, tag: str, source: Path | None = None) -> tuple[str, str]:
    found = availability(load_task(task), get(tag), source)
    return found.state, found.command


def lock(*files: Path, pattern: str = "data/test-*.parquet", path: str = "lmms-lab/MME") -> None:
    """What `fetch` writes after a download of these files."""
    hub.lock_path().parent.mkdir(parents=True, exist_ok=True)
    entry = {"revision": REVISION, "files": {REVISION: {pattern: [str(file) for file in files]}}}
    hub.lock_path().write_text(json.dumps({"schema": 1, "datasets": {path: entry}}), encoding="utf-8")


def test_english_needs_the_download_first() -> None:
    assert state("mme", "en") == ("needs-download", "lrm-eval data fetch mme")


def test_english_is_ready_when_it_is_here(lines: Callable[..., Path]) -> None:
    lock(lines("test-0.parquet", "x"))
    assert state("mme", "en") == ("ready", "")


def test_a_deleted_download_is_noticed(lines: Callable[..., Path]) -> None:
    file = lines("test-0.parquet", "x")
    lock(file)
    file.unlink()
    assert state("mme", "en")[0] == "needs-download"


def test_a_language_without_a_pack_names_the_command() -> None:
    assert state("mme", "sw") == ("needs-pack", "lrm-eval data build mme --lang sw")


def test_a_language_with_a_pack_needs_the_download_all_the_same(lines: Callable[..., Path]) -> None:
    lines("user-packs/mme/sw.jsonl", "{}")
    assert state("mme", "sw") == ("needs-download", "lrm-eval data fetch mme")
    lock(lines("test-0.parquet", "x"))
    assert state("mme", "sw") == ("ready", "")


def test_chinese_mmbench_needs_no_pack(lines: Callable[..., Path]) -> None:
    assert state("mmbench", "zh") == ("needs-download", "lrm-eval data fetch mmbench")
    lock(lines("dev-0.parquet", "x"), pattern="cn/dev-*.parquet", path="lmms-lab/MMBench")
    assert state("mmbench", "zh") == ("ready", "")
    assert state("mmbench", "en")[0] == "needs-download"


def test_local_data_is_ready_in_the_languages_of_its_rows(lines: Callable[..., Path]) -> None:
    path = lines("d.jsonl", {"id": "1"}, {"id": "1", "language": "zh"})
    assert state("mmbench", "en", path) == ("ready", "")
    assert state("mmbench", "zh", path) == ("ready", "")
    assert state("mmbench", "sw", path) == ("needs-pack", "lrm-eval data build mmbench --lang sw")
    lines("user-packs/mmbench/sw.jsonl", "{}")
    assert state("mmbench", "sw", path) == ("ready", "")


def test_local_data_without_english_rows_cannot_take_a_pack(lines: Callable[..., Path]) -> None:
    path = lines("d.jsonl", {"id": "1", "language": "zh"})
    lines("user-packs/mmbench/sw.jsonl", "{}")
    assert state("mmbench", "sw", path) == ("needs-pack", f'add rows with "language": "sw" to {path}')


def test_a_task_of_ones_own_is_ready_with_its_file(lines: Callable[..., Path], tmp_path: Path) -> None:
    base = (
        "name: mine\ntitle: M\ndescription: d\nbenchmark: pope\nkind: yes_no\nversion: 1\ninstruction: short_answer\n"
        "max_new_tokens: 8\ndataset: {local: data.jsonl}\nlicence: MIT\ncitation: c\nhomepage: https://example.org\n"
    )
    lines("mine/base.yaml", base)
    lines("mine/en.yaml", "provenance: created")
    task = load_task("mine", [tmp_path])
    assert availability(task, get("en")).command == "--data mine=PATH"
    lines("mine/data.jsonl", {"id": "1"})
    assert availability(task, get("en")).state == "ready"


def test_folders_follow_the_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("LRM_EVAL_PACKS")
    monkeypatch.delenv("LRM_EVAL_CACHE")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert packs_dir() == tmp_path / "share/lrm-eval/packs"
    assert cache_dir() == tmp_path / "cache/lrm-eval"
