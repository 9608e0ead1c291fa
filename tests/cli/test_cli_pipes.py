from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import lrm_eval

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(lrm_eval.__file__).parents[1])}
LANGS = [sys.executable, "-m", "lrm_eval.cli", "langs"]


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    process = subprocess.Popen(LANGS, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_to_a_full_disk_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*LANGS, "--json"], env=ENVIRONMENT, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_a_terminal_without_the_letters_gets_escapes() -> None:
    environment = {**ENVIRONMENT, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(LANGS, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\\u12a0" in done.stdout
