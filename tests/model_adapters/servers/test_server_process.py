"""A server that is started and stopped, with a small program of its own in place of a model."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lrm_eval.errors import RunError
from model_adapters.servers import process

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Answers GET /health, starts a child of its own as engines do, and dies when it is told to.
PROGRAM = """
import http.server, os, subprocess, sys
port, behaviour = int(sys.argv[1]), sys.argv[2]
print("hello from the server", flush=True)
if behaviour == "fail":
    print("Traceback (most recent call last):\\n  File x\\nValueError: no such checkpoint", flush=True)
    sys.exit(3)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die":
            os.kill(os.getpid(), 9)
        data = f"{os.getpid()} {child.pid}".encode()
        self.send_response(503 if behaviour == "sick" else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def log_message(self, *args):
        pass
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return path


def command(program: Path, port: int, behaviour: str = "well") -> Sequence[str]:
    return [sys.executable, str(program), str(port), behaviour]


@pytest.fixture
def running(program: Path) -> Iterator[process.ServerProcess]:
    server = process.start("a server", lambda port: command(program, port), os.environ, 60)
    yield server
    server.stop()


def opened(server: process.ServerProcess, path: str = "/health") -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{server.port}{path}", timeout=10) as answer:
        return str(answer.read().decode())


def there(number: int) -> bool:
    """Whether a process runs; one that ended and nobody asked for is gone."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(numbers: Sequence[int]) -> bool:
    until = time.monotonic() + 20
    while any(map(there, numbers)) and time.monotonic() < until:
        time.sleep(0.02)
    return not any(map(there, numbers))


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc which processes there are")


@needs_proc
def test_a_server_answers_and_is_stopped_with_everything_it_started(running: process.ServerProcess):
    numbers = [int(number) for number in opened(running).split()]
    assert all(map(there, numbers))
    assert running.ended() is None
    running.stop()
    assert gone(numbers)
    assert running.log.read_text() == "hello from the server\n"


@needs_proc
def test_a_server_that_is_killed_says_so_and_leaves_nothing_behind(running: process.ServerProcess):
    numbers = [int(number) for number in opened(running).split()]
    with pytest.raises(OSError):
        opened(running, "/die")
    told = str(running.ended())
    assert told.startswith("a server ended by signal 9: hello from the server; its log: ")
    assert gone(numbers)


@needs_proc
def test_a_server_does_not_outlive_a_starter_that_is_killed(program: Path):
    starter = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, sys, time\n"
            "from model_adapters.servers import process\n"
            f"command = lambda port: [sys.executable, {str(program)!r}, str(port), 'well']\n"
            "made = process.start('s', command, os.environ, 60)\n"
            "print(made.port, flush=True)\n"
            "time.sleep(300)\n",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout is not None
    port = int(starter.stdout.readline())
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
        numbers = [int(number) for number in answer.read().split()]
    starter.send_signal(signal.SIGKILL)
    starter.communicate()
    assert gone(numbers)


def test_a_server_that_ends_before_it_answers_tells_its_last_words(program: Path):
    with pytest.raises(RunError, match=r"a server ended with status 3: ValueError: no such checkpoint; its log: "):
        process.start("a server", lambda port: command(program, port, "fail"), os.environ, 60)


def test_a_server_that_never_answers_is_given_up(program: Path):
    with pytest.raises(RunError, match="a server did not answer within 1 s; its log: "):
        process.start("a server", lambda port: command(program, port, "sick"), os.environ, 1.4)


def test_only_the_last_logs_are_kept(program: Path, tmp_path: Path):
    folder = tmp_path / "cache" / "servers"
    folder.mkdir(parents=True)
    for number in range(30):
        (folder / f"{number}.log").write_text("old")
    process.start("a server", lambda port: command(program, port), os.environ, 60).stop()
    assert len(list(folder.glob("*.log"))) == 21
