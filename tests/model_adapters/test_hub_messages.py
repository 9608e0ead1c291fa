"""What a download that fails says, against a hub on this machine that refuses in each way."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lrm_eval.errors import RunError
from model_adapters.checkpoints import locate, read_config
from model_adapters.hub import explain
from model_adapters.spec import CheckpointRef

_COMMIT = "0123456789abcdef0123456789abcdef01234567"
_REFUSALS = {
    "own/gated": (403, {"X-Error-Code": "GatedRepo"}),
    "own/absent": (404, {"X-Error-Code": "RepoNotFound"}),
    "own/old": (404, {"X-Error-Code": "RevisionNotFound"}),
    "own/forbidden": (403, {}),
}
_FILES = {"config.json": json.dumps({"model_type": "qwen2_vl"}).encode()}


class _Hub(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = self.path.split("?")[0]
        name = "/".join(path.removeprefix("/api/models").strip("/").split("/")[:2])
        if name in _REFUSALS:
            return self._send(_REFUSALS[name][0], b"{}", _REFUSALS[name][1])
        if path.startswith("/api/models/own/whole/tree/"):
            tree = [{"type": "file", "path": file, "size": len(data), "oid": file} for file, data in _FILES.items()]
            return self._send(200, json.dumps(tree).encode(), {"Content-Type": "application/json"})
        if path.startswith("/api/models/own/whole"):
            siblings = [{"rfilename": file} for file in (*_FILES, "model.safetensors")]
            body = json.dumps({"id": name, "sha": _COMMIT, "siblings": siblings}).encode()
            return self._send(200, body, {"Content-Type": "application/json"})
        file = path.rpartition("/")[2]
        if file in _FILES:
            return self._send(200, _FILES[file], {"ETag": f'"{file}"', "X-Repo-Commit": _COMMIT})
        return self._send(404, b"{}", {"X-Error-Code": "EntryNotFound"})

    def _send(self, status, body, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@pytest.fixture(scope="module")
def hub():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def at(hub, monkeypatch, tmp_path):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_ENDPOINT", hub)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    return hub


def refusal(name, revision=None):
    with pytest.raises(RunError) as caught:
        locate(CheckpointRef(hub_id=name, revision=revision))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_gated_repository_says_where_to_accept_its_licence_and_how_to_log_in(at):
    said = refusal("own/gated")
    assert f"is gated: accept its licence at {at}/own/gated" in said
    assert "`hf auth login` or set HF_TOKEN" in said


def test_with_a_token_a_gated_repository_says_to_ask_for_access(at, monkeypatch):
    monkeypatch.setattr("huggingface_hub.get_token", lambda: "hf_secret")
    said = refusal("own/gated")
    assert "your token has no access yet" in said
    assert "hf_secret" not in said


def test_a_repository_that_is_not_there_may_be_private(at):
    said = refusal("own/absent")
    assert f"no such repository at {at}, or a private one" in said
    assert "check the spelling" in said


def test_a_revision_that_is_not_there_is_named(at):
    assert "no revision 'v9'" in refusal("own/old", "v9")


def test_a_token_that_is_refused_is_told(at):
    assert "forbids it to this token" in refusal("own/forbidden")


def test_config_json_alone_is_fetched_from_a_mirror(at, tmp_path):
    assert read_config(CheckpointRef(hub_id="own/whole"))["model_type"] == "qwen2_vl"
    assert not list(tmp_path.rglob("model.safetensors"))


@pytest.mark.parametrize(
    ("status", "words"),
    [(429, "asks to wait"), (503, "fails (HTTP 503): try again later, set HF_ENDPOINT"), (401, "refuses the token")],
)
def test_every_other_answer_of_the_hub_says_what_to_do(status, words):
    class FailedError(Exception):
        response = type("Response", (), {"status_code": status})

    assert words in explain(FailedError("…"), CheckpointRef(hub_id="own/busy"))


def test_a_full_disk_names_the_folder_that_fills():
    assert "HF_HOME" in explain(OSError(28, "No space left on device"), CheckpointRef(hub_id="own/large"))
