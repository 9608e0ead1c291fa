"""The M5 Benchmark's own files: WebDataset shards, one folder a language (`wds/<language>/*.tar`).

A shard is a tar file; the members of one sample share a key and differ in what follows the first dot:
`00000001.hypothesis`, `.label_str`, `.topic`, `.language`, `.sample_id`, `.en_translation`, and its pictures.
Source of the layout: floschne/m5b (d63a7de), src/m5b/data/lit_m5b_vgr.py.
"""

from __future__ import annotations

import tarfile
from functools import partial
from typing import TYPE_CHECKING

from lrm_eval.data.rows import Row
from lrm_eval.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_STACKED = "horizontally_stacked_images.jpg"
_OTHER_STACK = "vertically_stacked_images.jpg"
_PICTURES = (".jpg", ".jpeg", ".png", ".webp")


def shards(folder: Path) -> list[Path]:
    """The shards of a folder, by language and number; none if it is no folder of that kind."""
    root = folder / "wds" if (folder / "wds").is_dir() else folder
    return sorted([*root.glob("*.tar"), *root.glob("*/*.tar")])


def read_shards(paths: Sequence[Path]) -> tuple[Row, ...]:
    """All samples of some shards, pictures unread.

    Where a shard holds a sample's two pictures by themselves, these are its images, in the order of their names;
    otherwise its one image is both side by side, as the M5 paper asks its models.

    Raises:
        UsageError: a file that is no tar archive, or a sample without a statement or a picture.
    """
    return tuple(row for path in paths for row in _read(path))


def _read(path: Path) -> list[Row]:
    samples: dict[str, dict[str, tarfile.TarInfo]] = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                key, dot, kind = member.name.rpartition("/")[2].partition(".")
                if member.isfile() and dot:
                    samples.setdefault(key, {})[kind] = member
            values = {key: {kind: _text(archive, member) for kind, member in kinds.items() if not _is_picture(kind)}
                      for key, kinds in samples.items()}  # fmt: skip
    except (OSError, tarfile.TarError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not a readable shard (tar) of the M5 Benchmark: {error}") from None
    rows = []
    for number, (key, kinds) in enumerate(samples.items()):
        where = f"{path}:{key}"
        if "hypothesis" not in kinds:
            raise UsageError(f"{where}: no 'hypothesis' (it has {', '.join(sorted(kinds))})")
        pictures = sorted(kind for kind in kinds if _is_picture(kind) and kind not in (_STACKED, _OTHER_STACK))
        chosen = pictures if len(pictures) == 2 else [kind for kind in (_STACKED, _OTHER_STACK) if kind in kinds][:1]
        if not chosen:
            raise UsageError(f"{where}: no pictures (it has {', '.join(sorted(kinds))})")
        spans = [(kinds[kind].offset_data, kinds[kind].size) for kind in chosen]
        given = {"sample_id": key, **values[key]}
        rows.append(Row(given, where, path, number, partial(_images, path, spans)))
    return rows


def _is_picture(kind: str) -> bool:
    return kind.lower().endswith(_PICTURES)


def _text(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    stream = archive.extractfile(member)
    return "" if stream is None else stream.read().decode("utf-8").strip()


def _images(path: Path, spans: Sequence[tuple[int, int]], column: str) -> object:
    if column != "image":
        return None
    found = []
    with path.open("rb") as handle:
        for start, size in spans:
            handle.seek(start)
            found.append(handle.read(size))
    return found
