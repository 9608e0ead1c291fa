from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from lrm_eval.runs.folder import RunFolder
from lrm_eval.runs.images import ImageStore, thumbnail
from lrm_eval.types import ImageRef

if TYPE_CHECKING:
    from pathlib import Path


def encoded(mode: str = "RGB", size: tuple[int, int] = (600, 300), kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.radial_gradient("L").resize(size).convert(mode).save(out, kind)
    return out.getvalue()


def ref(content: bytes, uri: str = "a.png") -> ImageRef:
    return ImageRef(uri, hashlib.sha256(content).hexdigest(), lambda: content)


@pytest.mark.parametrize(
    ("mode", "kind"), [("RGB", "PNG"), ("RGB", "JPEG"), ("L", "PNG"), ("P", "GIF"), ("RGBA", "PNG"), ("CMYK", "JPEG")]
)
def test_a_thumbnail_is_webp_of_at_most_256_pixels(mode: str, kind: str) -> None:
    with Image.open(io.BytesIO(thumbnail(encoded(mode, kind=kind)))) as small:
        assert (small.format, small.size) == ("WEBP", (256, 128))


def test_a_small_image_is_not_enlarged() -> None:
    with Image.open(io.BytesIO(thumbnail(encoded(size=(20, 10))))) as small:
        assert small.size == (20, 10)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"no image", "not an image file"), (b"", "not an image file"), (encoded(kind="JPEG")[:2000], "truncated")],
)
def test_what_is_not_a_whole_image_is_said_so(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        thumbnail(content)


def test_a_good_image_has_no_problem_and_leaves_a_thumbnail(tmp_path: Path) -> None:
    store = ImageStore(RunFolder(tmp_path))
    image = ref(encoded())
    assert store.problem(image) is None
    assert RunFolder(tmp_path).thumbnail(str(image.sha256)) is not None


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "gone.png"
    problem = ImageStore(RunFolder(tmp_path)).problem(ImageRef(str(path), None, path.read_bytes))
    assert problem == f"cannot read image {path}: No such file or directory"


def test_a_broken_image_is_named_and_leaves_no_thumbnail(tmp_path: Path) -> None:
    problem = ImageStore(RunFolder(tmp_path)).problem(ref(b"no image", "b.png"))
    assert problem == "cannot decode image b.png: not an image file"
    assert not (tmp_path / "images").exists()


def test_thumbnails_are_capped_and_checking_goes_on(tmp_path: Path) -> None:
    store = ImageStore(RunFolder(tmp_path), cap=2)
    images = [ref(encoded(size=(10 + number, 10))) for number in range(4)]
    assert [store.problem(image) for image in images] == [None] * 4
    assert store.kept == len(list((tmp_path / "images").iterdir())) == 2
    assert store.problem(ref(b"no image")) is not None


def test_a_kept_thumbnail_stands_for_an_image_that_was_looked_at(tmp_path: Path) -> None:
    content = encoded()
    ImageStore(RunFolder(tmp_path)).problem(ref(content))

    def unread() -> bytes:
        raise AssertionError("read again")

    assert ImageStore(RunFolder(tmp_path)).problem(ImageRef("a", ref(content).sha256, unread)) is None


def test_images_looked_at_ahead_have_the_same_problems_and_thumbnails(tmp_path: Path) -> None:
    contents = [encoded(size=(10 + number, 10)) if number % 7 else b"no image" for number in range(90)]
    images = [ref(content, f"{number}.png") for number, content in enumerate(contents)]
    asked = [image for image in images for _ in range(3)]
    problems = {}
    for name in ("alone", "ahead"):
        store = ImageStore(RunFolder(tmp_path / name), cap=40)
        if name == "alone":
            problems[name] = [store.problem(image) for image in asked]
        else:
            with store.looking_ahead(asked):
                problems[name] = [store.problem(image) for image in asked]
        assert store.kept == 40
    assert problems["ahead"] == problems["alone"]
    kept = [sorted(path.name for path in (tmp_path / name / "images").iterdir()) for name in ("alone", "ahead")]
    assert kept[0] == kept[1]


def test_no_more_images_are_read_ahead_than_a_few(tmp_path: Path) -> None:
    read: list[int] = []

    def image(number: int) -> ImageRef:
        def content() -> bytes:
            read.append(number)
            return encoded(size=(10 + number, 10))

        return ImageRef(f"{number}.png", f"{number:064x}", content)

    store = ImageStore(RunFolder(tmp_path))
    images = [image(number) for number in range(200)]
    with store.looking_ahead(images):
        store.problem(images[0])
    assert 1 <= len(read) < 50
