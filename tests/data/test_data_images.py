"""Images as paths, bytes, base64, data URLs and parquet cells; and those that cannot be read."""

from __future__ import annotations

import base64
import hashlib
import os
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lrm_eval.data.images import image_refs
from lrm_eval.data.rows import read_rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def table(path: Path, images: list[Any], kind: pa.DataType | None = None, group: int = 2) -> Path:
    columns = {"id": pa.array([str(n) for n in range(len(images))]), "image": pa.array(images, type=kind)}
    pq.write_table(pa.table(columns), path, row_group_size=group)
    return path


@pytest.mark.parametrize("folder", ["", "images/", "val2014/"])
def test_path_is_relative_to_the_data_file(
    tmp_path: Path, png: Callable[..., bytes], lines: Callable[..., Path], folder: str
) -> None:
    content = png(f"{folder}a.png")
    (ref,) = image_refs(read_rows(lines("a.jsonl", {"image": "a.png"}))[0])
    assert (ref.uri, ref.sha256, ref.read()) == (str(tmp_path / folder / "a.png"), sha(content), content)


def test_an_image_asked_about_in_many_languages_has_one_reference_as_long_as_its_content_stays(
    tmp_path: Path, png: Callable[..., bytes], lines: Callable[..., Path]
) -> None:
    old = png("a.png")
    english, swahili = (lines(f"{tag}.jsonl", {"image": "a.png", "language": tag}) for tag in ("en", "sw"))
    first, second = (image_refs(read_rows(path)[0])[0] for path in (english, swahili))
    assert first is second
    new = png("a.png", (0, 0, 200))
    os.utime(tmp_path / "a.png", (1, 1))
    (changed,) = image_refs(read_rows(english)[0])
    assert changed.sha256 == sha(new) != sha(old)


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
def test_base64_text_is_an_image(png: Callable[..., bytes], lines: Callable[..., Path], prefix: str) -> None:
    content = png("a.png")
    path = lines("a.jsonl", {"image": "x.png"}, {"image": prefix + base64.b64encode(content).decode()})
    (ref,) = image_refs(read_rows(path)[1])
    assert (ref.uri, ref.sha256, ref.read()) == (f"{path}#1", sha(content), content)


def test_parquet_struct_as_datasets_writes_it(tmp_path: Path, png: Callable[..., bytes]) -> None:
    red, blue = png("r.png"), png("b.png", (0, 0, 200))
    path = table(tmp_path / "a.parquet", [{"bytes": red, "path": "r.png"}] * 3 + [{"bytes": blue, "path": None}])
    refs = [image_refs(row)[0] for row in read_rows(path)]
    assert [ref.uri for ref in refs] == [f"{path}#{number}" for number in range(4)]
    assert [ref.read() for ref in refs] == [red, red, red, blue]
    assert [ref.sha256 for ref in refs] == [sha(red)] * 3 + [sha(blue)]


def test_parquet_struct_with_a_path_only(tmp_path: Path, png: Callable[..., bytes]) -> None:
    content = png("r.png")
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    (ref,) = image_refs(read_rows(table(tmp_path / "a.parquet", [{"bytes": None, "path": "r.png"}], kind))[0])
    assert ref.read() == content


def test_parquet_bytes_and_lists_of_images(tmp_path: Path, png: Callable[..., bytes]) -> None:
    red, blue = png("r.png"), png("b.png", (0, 0, 200))
    (plain,) = image_refs(read_rows(table(tmp_path / "a.parquet", [red], pa.binary()))[0])
    assert plain.read() == red
    path = table(tmp_path / "b.parquet", [[{"bytes": red, "path": None}, {"bytes": blue, "path": None}]])
    refs = image_refs(read_rows(path)[0])
    assert [ref.read() for ref in refs] == [red, blue]
    assert [ref.uri for ref in refs] == [f"{path}#0", f"{path}#0.1"]


def test_parquet_with_paths_as_text(tmp_path: Path, png: Callable[..., bytes]) -> None:
    content = png("r.png")
    (ref,) = image_refs(read_rows(table(tmp_path / "a.parquet", ["r.png"], pa.string()))[0])
    assert ref.read() == content


def test_same_content_has_the_same_hash_wherever_it_lies(png: Callable[..., bytes], lines: Callable[..., Path]) -> None:
    png("a.png")
    png("b.png")
    rows = read_rows(lines("a.jsonl", {"image": "a.png"}, {"image": "b.png"}))
    assert image_refs(rows[0])[0].sha256 == image_refs(rows[1])[0].sha256


def test_changed_image_gets_another_hash(png: Callable[..., bytes], lines: Callable[..., Path]) -> None:
    row = read_rows(lines("a.jsonl", {"image": "a.png"}))[0]
    first = png("a.png")
    before = image_refs(row)[0].sha256
    second = png("a.png", (0, 99, 0))
    assert first != second
    assert (before, image_refs(row)[0].sha256) == (sha(first), sha(second))


@pytest.mark.parametrize("cell", [None, "", "nowhere.png", "#" * 200])
def test_image_that_cannot_be_read_stays_as_a_reference(lines: Callable[..., Path], cell: str | None) -> None:
    path = lines("a.jsonl", {"id": "1", "image": cell})
    (ref,) = image_refs(read_rows(path)[0])
    assert ref.sha256 is None
    with pytest.raises((OSError, ValueError)):
        ref.read()


def test_nothing_is_read_unless_asked(png: Callable[..., bytes], lines: Callable[..., Path]) -> None:
    png("a.png")
    (ref,) = image_refs(read_rows(lines("a.jsonl", {"image": "a.png"}))[0], read=False)
    assert ref.sha256 is None
    assert ref.read().startswith(b"\x89PNG")
