from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lrm_eval.errors import RunError
from lrm_eval.runs.responses import ResponseWriter, read_records, repair, scan
from lrm_eval.types import Request, Response, Sample, TextPart

# The size limit lets the third line through in part: the system accepts some bytes of it, then none.
FULL = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_responses_file import answer, ask
from lrm_eval.errors import RunError
from lrm_eval.runs.responses import ResponseWriter
path = Path(sys.argv[1])
with ResponseWriter() as writer:
    writer.append(path, ask(1), answer(1))
    size = path.stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * size + 100, 2 * size + 100))
    writer.append(path, ask(2), answer(2))
    try:
        writer.append(path, ask(3), answer(3))
    except RunError as error:
        print(error)
print(path.stat().st_size - 2 * size)
"""


def ask(number: int) -> Request:
    sample = Sample(f"pope/random/{number}", "pope", "sw", "yes_no", "Je?", "yes", order=number)
    return Request(f"{sample.id}@sw", (TextPart("Je?"),), sample, 16)


def answer(number: int, text: str = "ndiyo", error: str | None = None) -> Response:
    return Response(ask(number).key, text, "error" if error else "stop", error=error)


@pytest.fixture
def three(tmp_path: Path) -> Path:
    path = tmp_path / "responses" / "pope" / "sw.jsonl"
    with ResponseWriter() as writer:
        for number in (2, 1, 3):
            writer.append(path, ask(number), answer(number))
    return path


def test_records_stand_in_the_order_in_which_they_came(three: Path) -> None:
    assert [record.sample.order for record in read_records(three)] == [2, 1, 3]


def test_each_line_is_in_the_file_when_append_returns(tmp_path: Path) -> None:
    path = tmp_path / "sw.jsonl"
    with ResponseWriter() as writer:
        writer.append(path, ask(1), answer(1))
        assert len(read_records(path)) == 1


def test_a_missing_file_holds_nothing(tmp_path: Path) -> None:
    assert read_records(tmp_path / "none.jsonl") == []
    assert scan(tmp_path / "none.jsonl").answered == set()
    assert repair(tmp_path / "none.jsonl") == 0


@pytest.mark.parametrize("keep", [1, 40, -1])
def test_a_half_written_last_line_is_cut_off(three: Path, keep: int) -> None:
    whole = three.read_bytes()
    line = whole.splitlines(keepends=True)[-1]
    half = line[:keep]
    three.write_bytes(whole + half)
    assert repair(three) == len(half)
    assert three.read_bytes() == whole
    assert repair(three) == 0


def test_a_file_of_one_half_line_becomes_empty(tmp_path: Path) -> None:
    path = tmp_path / "sw.jsonl"
    path.write_bytes(b'{"key": "' + b"x" * 200_000)
    assert repair(path) == 200_009
    assert path.read_bytes() == b""


def test_reading_leaves_a_half_written_last_line_out(three: Path) -> None:
    three.write_bytes(three.read_bytes()[:-5])
    assert [record.sample.order for record in read_records(three)] == [2, 1]


def test_a_damaged_line_in_the_middle_is_an_error_with_file_and_line(three: Path) -> None:
    lines = three.read_bytes().splitlines(keepends=True)
    three.write_bytes(lines[0] + lines[1][:30] + b"\n" + lines[2])
    for read in (read_records, scan):
        with pytest.raises(RunError, match=r"sw\.jsonl, line 2: not a record of a run"):
            read(three)


def test_the_last_line_of_a_key_wins(three: Path) -> None:
    with ResponseWriter() as writer:
        writer.append(three, ask(2), answer(2, "hapana"))
    records = read_records(three)
    assert [record.sample.order for record in records] == [1, 3, 2]
    assert records[-1].response.text == "hapana"


def test_an_error_is_not_an_answer_until_one_stands_after_it(tmp_path: Path) -> None:
    path = tmp_path / "sw.jsonl"
    with ResponseWriter() as writer:
        writer.append(path, ask(1), answer(1, "", "no memory"))
        assert (scan(path).answered, scan(path).failed) == (set(), {ask(1).key})
        writer.append(path, ask(1), answer(1))
        assert (scan(path).answered, scan(path).failed) == ({ask(1).key}, set())


def test_many_files_are_written_side_by_side(tmp_path: Path) -> None:
    with ResponseWriter() as writer:
        for turn in range(2):
            for number in range(150):
                request = ask(2 * number + turn)
                writer.append(tmp_path / f"{number}.jsonl", request, replace(answer(0), key=request.key))
    assert {len(read_records(path)) for path in tmp_path.glob("*.jsonl")} == {2}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_line() -> None:
    with ResponseWriter() as writer, pytest.raises(RunError, match=r"^disk full: cannot write /dev/full"):
        writer.append(Path("/dev/full"), ask(1), answer(1))


def test_a_line_that_the_disk_took_only_in_part_is_taken_back(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL, str(tmp_path / "sw.jsonl"), str(Path(__file__).parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    message, left = done.stdout.splitlines()
    assert message.startswith("disk full")
    assert left == "0"
    assert len(read_records(tmp_path / "sw.jsonl")) == 2
