"""Checkpoints on disk: found, downloaded, checked and hashed by content, before any weight is loaded."""

from __future__ import annotations

import hashlib
import json
import math
import re
from pathlib import Path
from typing import Any

from lrm_eval.errors import UsageError
from model_adapters.hub import download
from model_adapters.spec import CheckpointRef

# What decides an answer: weights, configuration, tokenizer, image processing, template. Cards and logs do not.
_CONTENT = (
    "*.safetensors",
    "*.safetensors.index.json",
    "*.model",
    "*.jinja",
    "additional_chat_templates/*.jinja",
    "config.json",
    "generation_config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "chat_template.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "qformer_tokenizer/*",
)
_CODE = ("*.py",)
_PICKLED = ("pytorch_model*.bin", "pytorch_model.bin.index.json", "mm_projector.bin")
# Read by transformers with silent defaults where one is damaged: a lost end token changes every answer.
_SETTINGS = tuple(name for name in _CONTENT if name.endswith(".json") and "*" not in name)
_HUB_ID = re.compile(r"(?P<id>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")
_hashes: dict[tuple[str, int, int], str] = {}


def parse_checkpoint(text: str) -> CheckpointRef:
    """A local folder or `ORG/NAME[@REVISION]` of the model hub, as typed; nothing is downloaded.

    Raises:
        UsageError: there is no such folder and the text is no hub id.
    """
    path = Path(text).expanduser()
    if path.is_dir():
        return CheckpointRef(path=path.resolve())
    if path.exists():
        raise UsageError(f"checkpoint {text}: is a file; give the folder that holds config.json and *.safetensors")
    match = _HUB_ID.fullmatch(text)
    # A first component that exists here means a mistyped local path, not an organisation of the hub.
    if match is None or text.startswith(".") or path.parent.is_dir():
        raise UsageError(f"checkpoint {text}: no such folder; a model of the hub is written ORG/NAME")
    return CheckpointRef(hub_id=match["id"], revision=match["revision"])


def bundled_checkpoint(relative: str) -> CheckpointRef:
    """A checkpoint that ships inside the package lrm_llava.

    Args:
        relative: path inside the package, e.g. `checkpoints/lrm-llava`. Whether it is there is seen by `locate`.
    """
    import lrm_llava

    return CheckpointRef(path=Path(lrm_llava.__file__).resolve().parent / relative)


def locate(reference: CheckpointRef, remote_code: bool = False, pickle: bool = False) -> Path:
    """The local folder of a checkpoint, downloaded if it lies on the hub.

    Args:
        reference: a folder or a repository.
        remote_code: fetch the checkpoint's code too.
        pickle: fetch pickled weights too, where there are no safetensors to fetch.

    Raises:
        UsageError: a local folder that is not there.
        RunError: the download failed; the message says what to do.
    """
    if reference.path is not None:
        if not reference.path.is_dir():
            raise UsageError(f"checkpoint {reference.path}: no such folder")
        return reference.path
    wanted = [*_CONTENT, *(_CODE if remote_code else ())]
    folder = download(reference, wanted)
    if pickle and not any(folder.glob("*.safetensors")):
        folder = download(reference, [*wanted, *_PICKLED])
    return folder


def read_config(reference: CheckpointRef) -> dict[str, Any]:
    """config.json of a checkpoint; of one on the hub nothing else is downloaded.

    Raises:
        UsageError: a local folder that is not there, or no such file, or it is damaged.
        RunError: the download failed.
    """
    folder = download(reference, ["config.json"]) if reference.path is None else locate(reference)
    return _json(folder / "config.json", "a checkpoint folder holds config.json and *.safetensors")


def check_llava(folder: Path) -> dict[str, Any]:
    """Check a folder without loading its weights: complete, not truncated, LLaVA architecture.

    Returns:
        The content of config.json.

    Raises:
        UsageError: one line that says what is wrong with which file.
    """
    config = _json(folder / "config.json", "a checkpoint folder holds config.json and *.safetensors")
    if config.get("model_type") != "llava":
        what = config.get("model_type") or "unknown"
        raise UsageError(
            f"{folder / 'config.json'}: model_type is {what!r}, not 'llava'; "
            "only LLaVA-architecture checkpoints (LlavaForConditionalGeneration) can be loaded"
        )
    vision = config.get("vision_config")
    if isinstance(vision, dict) and vision.get("model_type") == "pixtral":
        raise UsageError(f"{folder / 'config.json'}: vision_config 'pixtral' (images of varying size) is not supported")
    check_complete(folder)
    return config


def check_complete(folder: Path) -> None:
    """Check that a folder of any architecture has everything, nothing of it truncated.

    Raises:
        UsageError: one line that says what is wrong with which file.
    """
    _json(folder / "config.json", "a checkpoint folder holds config.json and *.safetensors")
    for shard in weight_files(folder):
        safetensors_header(shard)
    tokenizers = ("tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json", "vocab.txt")
    if not any((folder / name).is_file() for name in tokenizers):
        raise UsageError(f"checkpoint {folder}: has no tokenizer (tokenizer.json or tokenizer.model)")
    if not any((folder / name).is_file() for name in ("preprocessor_config.json", "processor_config.json")):
        raise UsageError(
            f"checkpoint {folder}: has no image processor (preprocessor_config.json or processor_config.json)"
        )
    _check_settings(folder)


def _check_settings(folder: Path) -> None:
    """Every JSON file and template that decides an answer can be read."""
    for name in _SETTINGS:
        if (folder / name).is_file():
            _json(folder / name)
    for template in sorted(path for pattern in _CONTENT if "jinja" in pattern for path in folder.glob(pattern)):
        try:
            template.read_text(encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{template}: cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise UsageError(f"{template}: not UTF-8 text") from error


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a checkpoint, sorted.

    Raises:
        UsageError: there are none, or the index names one that is missing.
    """
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        weight_map = _json(index).get("weight_map")
        if not isinstance(weight_map, dict) or not weight_map:
            raise UsageError(f"{index}: has no 'weight_map'")
        shards = sorted({folder / str(name) for name in weight_map.values()})
        for shard in shards:
            if not shard.is_file():
                raise UsageError(
                    f"checkpoint {folder}: {shard.name} is missing (named in {index.name}); was the download broken "
                    "off? Copy it again, or fetch it again with `hf download`"
                )
        return shards
    single = folder / "model.safetensors"
    if single.is_file():
        return [single]
    if any(folder.glob("*.bin")):
        raise UsageError(f"checkpoint {folder}: has only pickled weights (*.bin); only model.safetensors is loaded")
    raise UsageError(f"checkpoint {folder}: has no model.safetensors")


def safetensors_header(path: Path) -> dict[str, Any]:
    """The header of a safetensors file: names, types and shapes of the tensors.

    Raises:
        UsageError: the file is truncated or is no safetensors file.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        prefix = file.read(8)
        if prefix == b"version ":
            raise UsageError(f"{path}: not a safetensors file but git's stand-in for one; type `git lfs pull` there")
        length = int.from_bytes(prefix, "little")
        if len(prefix) < 8 or size < 8 + length:
            # A random first word announces a header of exabytes; a real one is some kilobytes.
            what = "truncated" if len(prefix) < 8 or length < 2**27 else "not a safetensors file"
            raise UsageError(f"{path}: {what} ({size} bytes)")
        try:
            header = json.loads(file.read(length))
            end = max((entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"), default=0)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise UsageError(f"{path}: not a safetensors file (broken header)") from error
    if size != 8 + length + end:
        what = "truncated" if size < 8 + length + end else "longer than its header says"
        raise UsageError(f"{path}: {what} ({size} bytes, {8 + length + end} expected)")
    return dict(header)


def parameter_count(folder: Path) -> int:
    """Number of parameters of a checkpoint, from the headers of its files.

    Raises:
        UsageError: as `weight_files` and `safetensors_header`.
    """
    return sum(
        math.prod(entry["shape"])
        for shard in weight_files(folder)
        for name, entry in safetensors_header(shard).items()
        if name != "__metadata__"
    )


def content_hash(folder: Path) -> str:
    """SHA-256 over names and contents of every file that decides an answer; the folder's path is no part of it.

    A file is read once per process as long as its path, size and time of change stay the same.

    Returns:
        `sha256:` and 64 hexadecimal digits.
    """
    total = hashlib.sha256()
    for path in sorted({path for pattern in (*_CONTENT, *_CODE) for path in folder.glob(pattern) if path.is_file()}):
        total.update(f"{path.relative_to(folder).as_posix()}\0{_file_hash(path)}\n".encode())
    return f"sha256:{total.hexdigest()}"


def _file_hash(path: Path) -> str:
    status = path.stat()
    key = (str(path.resolve()), status.st_size, status.st_mtime_ns)
    if key not in _hashes:
        with path.open("rb") as file:
            _hashes[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return _hashes[key]


def _json(path: Path, hint: str = "") -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"checkpoint {path.parent}: {path.name} is missing{'; ' + hint if hint else ''}") from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}:{error.lineno}: not valid JSON: {error.msg}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 text") from error
    if not isinstance(data, dict):
        raise UsageError(f"{path}: holds no JSON object")
    return data
