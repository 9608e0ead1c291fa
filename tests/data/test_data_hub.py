"""The hub loader against a real HTTP server on loopback that answers as the hub does, and without one."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lrm_eval.data import hub
from lrm_eval.errors import RunError, UsageError
from lrm_eval.tasks.model import Dataset

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REVISION = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_secretsecretsecretsecretsecret"
# In a process of its own: huggingface_hub reads its environment once, when it is imported.
SCRIPT = """
import sys
from lrm_eval.data import load_samples
from lrm_eval.errors import LrmEvalError
from lrm_eval.languages import get
from lrm_eval.tasks import load_task
try:
    for sample in load_samples(load_task(sys.argv[1]), get("en")):
        print(sample.id, sample.gold, sample.images[0].sha256)
except LrmEvalError as error:
    print(type(error).__name__, error)
"""


def parquet() -> bytes:
    """Two MME questions on one image in the hub's columns (lmms-lab/MME)."""
    row = {"question_id": "color/a.png", "question": "Q? Please answer yes or no.", "category": "color"}
    image: Any = {"bytes": b"\x89PNG image", "path": None}
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([row | {"answer": word, "image": image} for word in ("Yes", "No")]), buffer)
    return buffer.getvalue()


class Hub(http.server.BaseHTTPRequestHandler):
    """The few endpoints of the hub that a download uses."""

    files: ClassVar = {"data/test-00000-of-00001.parquet": parquet(), "README.md": b"# MME"}

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/api/datasets/lmms-lab/POPE"):
            self.answer(403, b"{}", {"X-Error-Code": "GatedRepo"})
        elif path.startswith("/api/datasets/lmms-lab/MMBench"):
            self.answer(500, b"{}", {})
        elif path.startswith("/api/datasets/lmms-lab/MME/tree/"):
            tree = [
                {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha256(content).hexdigest()}
                for name, content in self.files.items()
            ]
            self.answer(200, json.dumps(tree).encode(), {"Content-Type": "application/json"})
        elif path.startswith("/api/datasets/lmms-lab/MME"):
            info = {"id": "lmms-lab/MME", "sha": REVISION, "siblings": [{"rfilename": name} for name in self.files]}
            self.answer(200, json.dumps(info).encode(), {"Content-Type": "application/json"})
        elif (name := path.removeprefix(f"/datasets/lmms-lab/MME/resolve/{REVISION}/")) in self.files:
            etag = f'"{hashlib.sha256(self.files[name]).hexdigest()}"'
            self.answer(200, self.files[name], {"ETag": etag, "X-Repo-Commit": REVISION})
        else:
            self.answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Address of a running server."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def load(task: str, home: Path, endpoint: str, **extra: str) -> str:
    environment = {
        **os.environ,
        "HF_HOME": str(home / "hf"),
        "HF_ENDPOINT": endpoint,
        "HF_TOKEN": TOKEN,
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_OFFLINE": "0",
        **extra,
    }
    command = [sys.executable, "-c", SCRIPT, task]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert TOKEN not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_data_is_downloaded_locked_and_then_there_without_a_network(tmp_path: Path, endpoint: str) -> None:
    image = hashlib.sha256(b"\x89PNG image").hexdigest()
    expected = f"mme/color/a.png/0 yes {image}\nmme/color/a.png/1 no {image}"
    assert load("mme", tmp_path, endpoint) == expected
    entry = json.loads((tmp_path / "user-cache/hub-lock.json").read_text())["datasets"]["lmms-lab/MME"]
    assert entry["revision"] == REVISION
    assert load("mme", tmp_path, "http://127.0.0.1:1", HF_HUB_OFFLINE="1") == expected
    # Only in the hub's own cache, not in the lock: found offline all the same.
    (tmp_path / "user-cache/hub-lock.json").unlink()
    assert load("mme", tmp_path, "http://127.0.0.1:1", HF_HUB_OFFLINE="1") == expected


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("mmbench", "RunError hub data set 'lmms-lab/MMBench': "),
        ("pope", "UsageError hub data set 'lmms-lab/POPE' is gated: accept its terms at "),
        ("seedbench", "UsageError hub data set 'lmms-lab/SEED-Bench' does not exist at "),
    ],
)
def test_what_the_hub_refuses_is_one_clear_line(tmp_path: Path, endpoint: str, task: str, message: str) -> None:
    answer = load(task, tmp_path, endpoint)
    assert answer.startswith(message)
    assert "\n" not in answer


def test_no_network_is_one_clear_line(tmp_path: Path) -> None:
    answer = load("mme", tmp_path, "http://127.0.0.1:1")
    assert answer.startswith(
        "RunError hub data set 'lmms-lab/MME' cannot be downloaded: http://127.0.0.1:1 cannot be reached"
    )
    assert "--data TASK=PATH" in answer
    assert "\n" not in answer


def test_offline_without_the_data_is_one_clear_line(tmp_path: Path) -> None:
    answer = load("mme", tmp_path, "http://127.0.0.1:1", HF_HUB_OFFLINE="1")
    assert answer.startswith("UsageError hub data set 'lmms-lab/MME' is not on this machine and HF_HUB_OFFLINE is set")


def test_broken_lock_file_is_named(tmp_path: Path) -> None:
    hub.lock_path().parent.mkdir(parents=True)
    hub.lock_path().write_text("{", encoding="utf-8")
    with pytest.raises(UsageError, match=r"hub-lock\.json: the lock file of downloads cannot be read"):
        hub.fetched(Dataset(path="a/b"))


def test_another_revision_in_the_yaml_is_not_the_locked_one(tmp_path: Path) -> None:
    file = tmp_path / "x.parquet"
    file.write_bytes(b"x")
    hub.lock_path().parent.mkdir(parents=True)
    entry = {"revision": REVISION, "files": {REVISION: {"data/test-*.parquet": [str(file)]}}}
    hub.lock_path().write_text(json.dumps({"datasets": {"a/b": entry}}), encoding="utf-8")
    assert hub.fetched(Dataset(path="a/b")) == hub.Fetched(REVISION, (("test", file),))
    assert hub.fetched(Dataset(path="a/b", revision="f" * 40)) is None


def test_full_disk_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    import huggingface_hub

    def full(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", full)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(RunError, match="cannot be stored: No space left on device"):
        hub.fetch(Dataset(path="a/b"))
