from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from lrm_eval.errors import RunError
from lrm_eval.runs.files import sha256_tree, sweep, write_atomic

if TYPE_CHECKING:
    from pathlib import Path

# A limit on the size of files makes every write past it stop short, as a full disk does, without a disk.
FULL = """
import resource, sys
from pathlib import Path
from lrm_eval.errors import RunError
from lrm_eval.runs.files import write_atomic
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_atomic(Path(sys.argv[1]), b"x" * 5000)
except RunError as error:
    print(error)
"""


def test_a_file_is_replaced_and_its_folder_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "scores.json"
    write_atomic(path, "one")
    write_atomic(path, b"two")
    assert path.read_text() == "two"
    assert list(path.parent.iterdir()) == [path]


def test_the_file_has_ordinary_rights(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", "x")
    (tmp_path / "b").write_text("x")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_on_a_full_disk_the_old_file_stays_and_nothing_half_written_lies_about(tmp_path: Path) -> None:
    path = tmp_path / "scores.json"
    path.write_text("old")
    done = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"disk full: cannot write {path}")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"^cannot write .*file/scores\.json: "):
        write_atomic(tmp_path / "file" / "scores.json", "x")


def test_the_hash_of_a_tree_follows_names_and_contents(tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(name)
    files = [tmp_path / "b.py", tmp_path / "a.py"]
    first = sha256_tree(tmp_path, files)
    assert sha256_tree(tmp_path, reversed(files)) == first
    (tmp_path / "a.py").write_text("other")
    assert sha256_tree(tmp_path, files) != first


def test_what_a_killed_process_left_half_written_is_swept_and_nothing_else(tmp_path: Path) -> None:
    kept = tmp_path / "readings" / "official" / "mme" / "en.jsonl"
    kept.parent.mkdir(parents=True)
    for path in (kept, kept.with_name(".en.jsonl.ab12_x.tmp"), tmp_path / ".scores.json.q.tmp", tmp_path / ".lock"):
        path.write_text("x")
    sweep(tmp_path)
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == [tmp_path / ".lock", kept]
