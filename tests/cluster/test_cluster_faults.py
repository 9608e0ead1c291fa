"""Two machines, one of them killed; drivers killed and stopped; workers killed at random."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from drawn_mme_for_tests import PLUGIN, write_drawn_mme

import lrm_eval

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

pytestmark = pytest.mark.slow
ROOT = Path(lrm_eval.__file__).parents[1]
SECONDS = 240.0


@pytest.fixture(scope="module", autouse=True)
def _with_ray() -> None:
    pytest.importorskip("ray", reason="type `pip install 'lrm-eval[ray]'`")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_drawn_mme(tmp_path_factory.mktemp("many") / "questions", images=60)


@pytest.fixture(scope="module")
def unbroken(many: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    out = tmp_path_factory.mktemp("unbroken") / "run"
    process = start(many, out, ())
    _, notes = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, notes
    return (out / "scores.json").read_bytes()


@pytest.fixture
def two_machines() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    server = Path(__file__).with_name("nodes_for_tests.py")
    with subprocess.Popen(
        [sys.executable, str(server), "1", "1"],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield process.stdout.readline().strip(), process
        process.stdin.close()


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    return {**kept, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}


def start(data: Path, out: Path, more: Sequence[str], model: str = "hardy:delay=0.05") -> subprocess.Popen[str]:
    options = ["--langs", "sw,en", "--data", f"mme={data}", "--out", str(out), "--include-path", str(PLUGIN)]
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "lrm_eval.cli", "run", "--model", model, *options, *more],
        env=environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def lines(out: Path) -> list[bytes]:
    return [line for path in out.glob("responses/*/*.jsonl") for line in path.read_bytes().splitlines(keepends=True)]


def wait_for(out: Path, count: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + SECONDS
    while len(lines(out)) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def pids(out: Path) -> list[int]:
    """The workers that answered, the latest last."""
    found = [int(number) for line in lines(out) for number in re.findall(rb'"prompt":"(\d+)"', line)]
    return list(dict.fromkeys(reversed(found)))[::-1]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until_gone(numbers: Sequence[int]) -> None:
    deadline = time.monotonic() + 60
    while any(alive(pid) for pid in numbers):
        assert time.monotonic() < deadline, [pid for pid in numbers if alive(pid)]
        time.sleep(0.1)


def test_a_machine_killed_in_the_middle_costs_only_what_it_was_asked(
    many: Path, unbroken: bytes, tmp_path: Path, two_machines: tuple[str, subprocess.Popen[str]]
) -> None:
    address, machines = two_machines
    out = tmp_path / "run"
    process = start(many, out, ("--ray", address))
    wait_for(out, 60, process)
    assert machines.stdin is not None
    assert machines.stdout is not None
    machines.stdin.write("kill\n")
    machines.stdin.flush()
    assert machines.stdout.readline() == "killed\n"
    _, notes = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, notes
    assert (out / "scores.json").read_bytes() == unbroken
    # Nothing that was answered is asked again: one line a question.
    assert len(lines(out)) == 240
    assert "what it was asked goes to another" in notes
    assert "Traceback" not in notes


def test_a_driver_killed_and_started_again_goes_on_from_there(
    many: Path, unbroken: bytes, tmp_path: Path, two_machines: tuple[str, subprocess.Popen[str]]
) -> None:
    address, _ = two_machines
    out = tmp_path / "run"
    for count in (20, 120):
        process = start(many, out, ("--ray", address))
        wait_for(out, count, process)
        process.kill()
        process.communicate(timeout=SECONDS)
    kept = len(lines(out))
    process = start(many, out, ("--ray", address))
    _, notes = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, notes
    assert f"{kept} of 240 questions are answered already" in notes
    assert (out / "scores.json").read_bytes() == unbroken
    assert len(lines(out)) == 240


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_the_workers_and_a_cluster_of_our_own(
    many: Path, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    out = tmp_path / "run"
    process = start(many, out, ("--ray", "local", "--workers", "2"))
    wait_for(out, 30, process)
    workers = pids(out)
    assert len(workers) == 2
    process.send_signal(number)
    _, notes = process.communicate(timeout=SECONDS)
    assert process.returncode == status, notes
    assert re.search(r"stopped.*; \d+ of 240 answers asked for are kept", notes.splitlines()[-1]), notes
    assert "Traceback" not in notes
    wait_until_gone(workers)


def test_a_killed_driver_takes_a_cluster_of_its_own_with_it(many: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = start(many, out, ("--ray", "local", "--workers", "2"))
    wait_for(out, 30, process)
    workers = pids(out)
    process.kill()
    process.communicate(timeout=SECONDS)
    wait_until_gone(workers)


def test_workers_killed_at_random_cost_only_what_they_were_asked(many: Path, unbroken: bytes, tmp_path: Path) -> None:
    out = tmp_path / "run"
    moments = random.Random(3)
    process = start(many, out, ("--ray", "local", "--workers", "2"))
    for count in (20, 60, 120):
        wait_for(out, count, process)
        time.sleep(moments.uniform(0, 0.3))
        os.kill(pids(out)[-1], signal.SIGKILL)
    _, notes = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, notes
    assert notes.count("ended (its process died); what it was asked goes to another") == 3
    assert (out / "scores.json").read_bytes() == unbroken
    assert len(lines(out)) == 240
