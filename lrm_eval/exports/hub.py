"""Runs in a data set repository of the Hugging Face hub, when asked.

    <model>/scores.jsonl, run.json, readings/…       always
    <model>/responses/…                              only if asked: they hold the benchmark's questions and gold answers
    README.md                                        the data set's card: a table of the scores is one click away

Everything of a push goes out as one commit: the repository has all of it or nothing. The hub client finds the user's
token by itself ($HF_TOKEN, `hf auth login`); it is neither asked for nor shown here.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import RunError, UsageError
from lrm_eval.runs.codec import dumps_line, score_to_dict
from lrm_eval.runs.folder import Cell
from lrm_eval.runs.responses import whole_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lrm_eval.runs.folder import RunFolder

_REPO = re.compile(r"[\w.-]+/[\w.-]+")
_CARD = """---
pretty_name: Results of lrm-eval
tags:
- evaluation
- multilingual
- lrm-eval
configs:
- config_name: scores
  data_files: "*/scores.jsonl"
---

# Results of lrm-eval

One folder a model. `scores.jsonl`: every score with its 95 % interval. `run.json`: what was asked, with the hashes of
checkpoint, data and code. `readings/`: how each answer was read. `responses/`, where it is there: questions and
answers; they are the benchmark's, under its licence.
"""


def repository_files(folder: RunFolder, responses: bool = False) -> dict[str, bytes]:
    """What is pushed of one run, by path in the repository.

    Args:
        folder: the run.
        responses: with questions and answers.

    Raises:
        RunError: the run has no scores, or a file is damaged.
    """
    manifest = folder.manifest()
    rows = folder.scores()
    if not rows:
        raise RunError(f"{folder.path}: has no scores; finish the run, or `lrm-eval rescore {folder.path}`")
    name = re.sub(r"[^\w.-]+", "-", str(manifest["model"]["name"])).strip(".-") or "model"
    lines = "".join(json.dumps(score_to_dict(row), ensure_ascii=False) + "\n" for row in rows)
    files = {f"{name}/scores.jsonl": lines.encode()}
    for path in sorted((folder.path / "readings").rglob("*.jsonl")):
        files[f"{name}/{path.relative_to(folder.path).as_posix()}"] = path.read_bytes()
    told = _public(manifest)
    if responses:
        for cell in told.get("cells", []):
            path = folder.responses_path(Cell(cell["task"], cell["language"], cell["condition"]))
            content = _without_paths(path)
            files[f"{name}/{path.relative_to(folder.path).as_posix()}"] = content
            # What is pushed must still be what run.json says it is.
            cell["responses_sha256"] = hashlib.sha256(content).hexdigest()
    files[f"{name}/run.json"] = (json.dumps(told, ensure_ascii=False, indent=1) + "\n").encode()
    return files


def push(
    repository: str, folders: Sequence[RunFolder], responses: bool = False, public: bool = False
) -> tuple[str, int]:
    """Put runs into a data set repository, which is made if it is not there.

    Args:
        repository: `OWNER/NAME`.
        folders: the runs, each of another model.
        responses: with questions and answers.
        public: whether a repository that is made now can be seen by everybody.

    Returns:
        The address of the commit, and how many files it has.

    Raises:
        UsageError: not the name of a repository, or two runs of one model.
        RunError: a run has no scores; the hub refused, or cannot be reached.
    """
    if not _REPO.fullmatch(repository):
        raise UsageError(f"repository {repository!r}: type OWNER/NAME, e.g. my-group/multilingual-results")
    files = {"README.md": _CARD.encode()}
    for folder in folders:
        own = repository_files(folder, responses)
        twice = sorted(set(own) & set(files))
        if twice:
            raise UsageError(f"{folder.path}: another of the runs is of the same model ({twice[0].partition('/')[0]})")
        files |= own
    return _commit(repository, files, public), len(files)


def _commit(repository: str, files: Mapping[str, bytes], public: bool) -> str:
    import huggingface_hub

    client = huggingface_hub.HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None, library_name="lrm-eval")
    operations = [huggingface_hub.CommitOperationAdd(path, content) for path, content in files.items()]
    try:
        client.create_repo(repository, repo_type="dataset", private=not public, exist_ok=True)
        if client.file_exists(repository, "README.md", repo_type="dataset"):
            # A card that is there may have been written by hand.
            operations = [operation for operation in operations if operation.path_in_repo != "README.md"]
        done = client.create_commit(
            repository, operations, commit_message=f"Results of {_models(files)}", repo_type="dataset"
        )
    except Exception as error:  # the hub client raises its own, httpx's and the operating system's errors
        raise RunError(f"data set {repository}: {_reason(error, client.token)}") from None
    return str(getattr(done, "commit_url", "") or done)


def _models(files: Mapping[str, bytes]) -> str:
    return ", ".join(sorted({path.partition("/")[0] for path in files if "/" in path}))


def _reason(error: Exception, token: Any) -> str:
    """What went wrong, in one line. A token never stands in it, whoever put it there."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    text = " ".join(str(error).split())
    for secret in {str(value) for value in (token, os.environ.get("HF_TOKEN")) if isinstance(value, str) and value}:
        text = text.replace(secret, "***")
    if status == 401:
        return "the hub does not know you: type `hf auth login`, or set HF_TOKEN to a token that may write"
    if status == 403:
        return "the hub does not let you write there: a token with write access to it is needed"
    return f"cannot be written ({type(error).__name__}: {text[:300]})"


def _public(manifest: Mapping[str, Any]) -> Any:
    """run.json without what is nobody's business: the command line and the folders of this machine."""
    told = json.loads(json.dumps(manifest))
    for command in (told.get("command", {}), *told.get("history", [])):
        if isinstance(command, dict):
            command.pop("argv", None)
    return _short_paths(told)


def _short_paths(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _short_paths(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_short_paths(item) for item in value]
    if isinstance(value, str) and Path(value).is_absolute():
        return Path(value).name
    return value


def _without_paths(path: Path) -> bytes:
    """A responses file whose images are called by their file names."""
    lines = []
    for _, line in whole_lines(path):
        data = json.loads(line)
        data["sample"]["images"] = _short_paths(data["sample"]["images"])
        lines.append(dumps_line(data))
    return b"".join(lines)
