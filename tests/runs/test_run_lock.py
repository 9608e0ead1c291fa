from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from lrm_eval.errors import RunError
from lrm_eval.runs.lock import RunLock, process_start

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys, time
from pathlib import Path
from lrm_eval.runs.lock import RunLock
with RunLock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_lock_leaves_nothing_behind(tmp_path: Path) -> None:
    with RunLock(tmp_path / "run"):
        assert (tmp_path / "run" / ".lock").exists()
    assert list((tmp_path / "run").iterdir()) == []


def test_a_second_process_is_refused_until_the_first_is_killed(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(RunError, match=f"is being written by process {holder.pid} on "), RunLock(tmp_path):
            pass
    finally:
        holder.kill()
        holder.communicate()
    assert (tmp_path / ".lock").exists()
    with RunLock(tmp_path):
        assert json.loads((tmp_path / ".lock").read_text())["pid"] == os.getpid()


def lock_of(folder: Path, pid: int, start: str | None, host: str | None = None) -> None:
    holder = {"pid": pid, "start": start, "host": host or platform.node()}
    (folder / ".lock").write_text(json.dumps(holder))


@pytest.mark.skipif(process_start(os.getpid()) is None, reason="needs /proc")
def test_a_live_holder_counts_even_where_flock_does_nothing(tmp_path: Path) -> None:
    parent = os.getppid()
    lock_of(tmp_path, parent, process_start(parent))
    with pytest.raises(RunError, match=f"process {parent} "), RunLock(tmp_path):
        pass


def test_a_process_id_that_is_used_again_is_a_stale_lock(tmp_path: Path) -> None:
    lock_of(tmp_path, os.getppid(), "0")
    with RunLock(tmp_path):
        pass


def test_a_damaged_lock_file_is_a_stale_lock(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text('{"pid": ')
    with RunLock(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot write"), RunLock(tmp_path / "file"):
        pass
