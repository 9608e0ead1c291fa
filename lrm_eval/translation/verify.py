"""`lrm-eval data verify`: are packs and downloaded files still what they were when they were made?"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

from lrm_eval.data import hub, packs_dir, read_pack
from lrm_eval.data.packs import apply_pack, card_path, find_pack, pack_command
from lrm_eval.errors import LrmEvalError, UsageError
from lrm_eval.runs.check import Check
from lrm_eval.runs.files import sha256_file
from lrm_eval.translation.english import ENGLISH, english_samples
from lrm_eval.translation.packfile import english_hash, read_card

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from lrm_eval.tasks.model import Task
    from lrm_eval.types import Sample

_SHA256 = re.compile(r"[0-9a-f]{64}")
_SHA1 = re.compile(r"[0-9a-f]{40}")


def verify(tasks: Sequence[Task]) -> list[Check]:
    """Check every pack of these tasks, bundled ones too, and every file that was downloaded for them.

    Nothing is downloaded: a pack whose English data is not on this machine is only held against its card.
    """
    checks: list[Check] = []
    for task in tasks:
        checks += _packs(task)
        checks += _downloads(task)
    return checks


def _packs(task: Task) -> Iterator[Check]:
    tags = {tag for tag in task.languages if tag != ENGLISH}
    own = packs_dir() / task.name
    tags |= {path.stem for path in own.glob("*.jsonl")}
    english: list[Sample] | None = None
    loaded = False
    for tag in sorted(tags):
        pack = find_pack(task, tag)
        if pack is None:
            continue
        if not loaded:
            english, loaded = _english(task), True
        yield from _pack(task, tag, pack, english)


def _english(task: Task) -> list[Sample] | None:
    if task.dataset.local is None and hub.fetched(task.dataset) is None:
        return None
    return english_samples(task)


def _pack(task: Task, tag: str, pack: Path, english: list[Sample] | None) -> Iterator[Check]:
    what = f"{task.name} {tag}"
    try:
        card = read_card(pack)
        rows = read_pack(pack)
        if english is not None and (card is None or card.english_sha256 == english_hash(english)):
            lacking = card is not None and card.lacks > 0
            apply_pack(english, rows, pack, tag, pack_command(task.name, tag), partial=False, lacking=lacking)
            yield Check(what, True, f"{len(rows)} lines fit the English data")
    except LrmEvalError as error:
        yield Check(what, False, str(error))
        return
    if card is None:
        # The bundled packs come with the installation, whose own records hold their hashes.
        if task.folder not in pack.parents:
            yield Check(what, None, f"{pack} has no card {card_path(pack).name}: nothing to hold it against")
        return
    found = sha256_file(pack)
    if found == card.pack_sha256:
        yield Check(what, True, "the pack is its card's")
    else:
        yield Check(
            what, False, f"{pack} was changed since it was {card.method} ({card.made}); its card: {card_path(pack)}"
        )
    if english is not None and card.english_sha256 != english_hash(english):
        detail = f"{pack} words other English data ({card.source}) than what is here; build or import it again"
        yield Check(what, None, detail)


def _downloads(task: Task) -> Iterator[Check]:
    datasets = [task.dataset_of(tag) for tag in task.languages]
    for dataset in {(item.path, item.config): item for item in datasets if item.path is not None}.values():
        locked = _locked(dataset.path or "")
        if not locked:
            continue
        for revision, files in locked.items():
            for path in files:
                yield _file(f"{dataset.path} {dataset.config}", revision, path)


def _locked(name: str) -> dict[str, list[Path]]:
    """Revision -> files, as the lock file of downloads has them."""
    from pathlib import Path

    path = hub.lock_path()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        files = content["datasets"][name]["files"]
        return {
            revision: [Path(file) for found in patterns.values() for file in found]
            for revision, patterns in files.items()
        }
    except FileNotFoundError:
        return {}
    except KeyError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise UsageError(
            f"{path}: the lock file of downloads cannot be read ({error}); delete it to resolve anew"
        ) from None


def _file(what: str, revision: str, path: Path) -> Check:
    """A file in the hub's cache is a link to a blob that is named by its hash: git's for small files, else SHA-256."""
    name = f"{what} {path.name}"
    if not path.is_file():
        return Check(name, False, f"{path} is gone; `lrm-eval data fetch` downloads it again")
    if revision not in path.parts:
        return Check(name, False, f"{path} is not of the locked revision {revision}")
    blob = path.resolve().name
    if path.is_symlink() and _SHA256.fullmatch(blob):
        found = sha256_file(path)
    elif path.is_symlink() and _SHA1.fullmatch(blob):
        found = _git_hash(path)
    else:
        return Check(name, None, f"{path} is a copy without a recorded hash: nothing to hold it against")
    if found == blob:
        return Check(name, True, f"revision {revision[:12]}")
    return Check(name, False, f"{path} was changed or is torn: its hash is {found[:12]}…, recorded is {blob[:12]}…")


def _git_hash(path: Path) -> str:
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
