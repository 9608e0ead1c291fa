"""Benchmarks that people wrote in each language, in the exact layouts of their hub data sets and releases.

Layouts: the data set cards of afaji/cvqa, floschne/marvl and floschne/xm3600 (columns and types), marvl-sw.jsonl of
marvl-challenge/marvl-code, captions.jsonl of google/crossmodal-3600, the shards of floschne/m5b.
"""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from lrm_eval.data import availability, check_samples, load_samples
from lrm_eval.errors import UsageError
from lrm_eval.languages import get
from lrm_eval.prompts import build_request
from lrm_eval.tasks import list_tasks, load_task
from lrm_eval.types import ImagePart, TextPart

if TYPE_CHECKING:
    from collections.abc import Callable

    from lrm_eval.types import Sample

REAL = Path(os.environ.get("LRM_EVAL_REAL_DATA", "")) / "marvl" / "marvl-sw.jsonl"


def picture(shade: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (4, 4), (shade, 0, 0)).save(stream, format="PNG")
    return stream.getvalue()


def cell(shade: int) -> dict[str, Any]:
    return {"bytes": picture(shade), "path": None}


BYTES = pa.struct([("bytes", pa.binary()), ("path", pa.null())])
CVQA = pa.schema(
    [
        ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        *[(name, pa.string()) for name in ("ID", "Subset", "Question", "Translated Question")],
        ("Options", pa.list_(pa.string())),
        ("Translated Options", pa.list_(pa.string())),
        ("Label", pa.int64()),
        *[(name, pa.string()) for name in ("Category", "Image Type", "Image Source", "License")],
    ]
)


def cvqa_row(number: int, subset: str, label: int = 1, **other: Any) -> dict[str, Any]:
    return {
        "image": cell(number),
        "ID": f"59{number:017d}_0",
        "Subset": subset,
        "Question": f"Hiki ni chakula gani {number}?",
        "Translated Question": f"What food is this {number}?",
        "Options": ["Ugali", "Pilau", "Chapati", "Wali"],
        "Translated Options": ["Ugali", "Pilau rice", "Flat bread", "Rice"],
        "Label": label,
        "Category": "Cooking and food",
        "Image Type": "Self",
        "Image Source": "",
        "License": "CC BY-SA",
    } | other


def write(path: Path, rows: list[dict[str, Any]], schema: pa.Schema | None = None) -> Path:
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    return path


SWAHILI = "('Swahili', 'Kenya')"


def test_cvqa_asks_in_the_language_and_in_english_with_one_right_answer(tmp_path: Path) -> None:
    rows = [cvqa_row(1, SWAHILI, 2), cvqa_row(2, "('Amharic', 'Ethiopia')"), cvqa_row(3, "('Breton', 'France')")]
    data = write(tmp_path / "test-00000-of-00001.parquet", rows, CVQA)
    (own,) = load_samples(load_task("cvqa"), get("sw"), data)
    (english,) = load_samples(load_task("cvqa-en"), get("sw"), data)
    assert (own.question, own.options[1]) == ("Hiki ni chakula gani 1?", "Pilau")
    assert (english.question, english.options[1]) == ("What food is this 1?", "Pilau rice")
    assert own.gold == english.gold == "C"
    assert (own.category, own.split) == ("Cooking and food", "Kenya")
    assert own.cluster == english.cluster == own.images[0].sha256
    assert own.instruction == get("sw").option_letter
    assert english.instruction == get("en").option_letter
    check_samples(load_task("cvqa"), [own])


def test_several_countries_of_one_language_are_told_apart(tmp_path: Path) -> None:
    rows = [cvqa_row(1, "('Spanish', 'Chile')"), cvqa_row(2, "('Spanish', 'Mexico')"), cvqa_row(3, SWAHILI)]
    data = write(tmp_path / "a.parquet", rows, CVQA)
    assert [sample.split for sample in load_samples(load_task("cvqa"), get("es"), data)] == ["Chile", "Mexico"]
    egypt = write(tmp_path / "b.parquet", [cvqa_row(1, "('Egyptian_Arabic', 'Egypt')")], CVQA)
    assert len(load_samples(load_task("cvqa"), get("ar"), egypt)) == 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"Label": -1}, r"a\.parquet row 1: CVQA's Label must be 0 to 3, here it is -1"),
        ({"Options": None}, "CVQA has a list of options in 'Options'"),
        ({"Subset": "Swahili"}, "expected a language and a country"),
    ],
)
def test_a_cvqa_row_that_cannot_be_scored_is_named(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    data = write(tmp_path / "a.parquet", [cvqa_row(1, SWAHILI) | changed], CVQA)
    with pytest.raises(UsageError, match=message):
        load_samples(load_task("cvqa"), get("sw"), data)


MARVL = pa.schema(
    [
        *[(name, pa.string()) for name in ("id", "hypothesis", "hypo_en", "language")],
        ("label", pa.bool_()),
        *[(name, pa.string()) for name in ("chapter", "concept")],
        *[(name, pa.string()) for name in ("left_img_id", "right_img_id")],
        *[(name, BYTES) for name in ("left_img", "right_img", "resized_left_img", "resized_right_img")],
        *[(name, BYTES) for name in ("vertically_stacked_img", "horizontally_stacked_img")],
    ]
)


def marvl_row(number: int, left: int, right: int, statement: str = "Kuna mbwa wawili", label: bool = True) -> Any:
    return {
        "id": f"sw-{number}",
        "hypothesis": statement,
        "hypo_en": "There are two dogs",
        "language": "sw",
        "label": label,
        "chapter": "Animal",
        "concept": "39-Mbwa",
        "left_img_id": f"39-{left}.jpg",
        "right_img_id": f"39-{right}.jpg",
        "left_img": cell(left),
        "right_img": cell(right),
        "resized_left_img": cell(left),
        "resized_right_img": cell(right),
        "vertically_stacked_img": cell(200 + number),
        "horizontally_stacked_img": cell(100 + number),
    }


def test_marvl_shows_two_pictures_and_asks_in_the_language(tmp_path: Path) -> None:
    task = load_task("marvl")
    data = write(tmp_path / "sw-00000-of-00001.parquet", [marvl_row(0, 1, 2), marvl_row(1, 3, 4, label=False)], MARVL)
    first, second = load_samples(task, get("sw"), data)
    assert [image.read() for image in first.images] == [picture(1), picture(2)]
    assert [first.gold, second.gold] == ["yes", "no"]
    assert first.question == "Kulingana na picha hizi mbili, je, ni sahihi kusema “Kuna mbwa wawili”? Ndiyo au hapana?"
    assert first.group == second.group
    request = build_request(task, first)
    assert [type(part) for part in request.parts] == [ImagePart, ImagePart, TextPart]
    check_samples(task, [first, second])


def test_the_two_pictures_of_marvl_side_by_side_are_another_task_with_other_images(tmp_path: Path) -> None:
    data = write(tmp_path / "sw-00000-of-00001.parquet", [marvl_row(0, 1, 2)], MARVL)
    (pair,) = load_samples(load_task("marvl"), get("sw"), data)
    (stacked,) = load_samples(load_task("marvl-stacked"), get("sw"), data)
    assert [image.read() for image in stacked.images] == [picture(100)]
    assert stacked.images[0].sha256 not in {image.sha256 for image in pair.images}
    assert stacked.images[0].uri != pair.images[0].uri


def test_what_shares_a_picture_or_a_statement_is_one_cluster(tmp_path: Path) -> None:
    rows = [
        marvl_row(0, 1, 2, "Kuna mbwa"),
        marvl_row(1, 3, 4, "Kuna mbwa"),
        marvl_row(2, 4, 5, "Kuna paka"),
        marvl_row(3, 6, 7, "Kuna ndege"),
    ]
    samples = load_samples(load_task("marvl"), get("sw"), write(tmp_path / "sw.parquet", rows, MARVL))
    clusters = [sample.cluster for sample in samples]
    assert clusters[0] == clusters[1] == clusters[2] != clusters[3]


def test_the_authors_own_statements_find_their_pictures(tmp_path: Path, lines: Callable[..., Path]) -> None:
    def row(name: str) -> dict[str, Any]:
        return {"concept": "39-Mbwa", "language": "sw", "caption": "Kuna mbwa", "left_img": "39-1.jpg"} | {
            "right_img": "39-2.jpg", "chapter": "Animal", "id": name, "label": True,
        }  # fmt: skip

    folder = tmp_path / "images" / "39-Mbwa"
    folder.mkdir(parents=True)
    for number in (1, 2):
        (folder / f"39-{number}.jpg").write_bytes(picture(number))
    for place in ("marvl-sw.jsonl", "annotations/marvl-sw.jsonl"):
        (sample,) = load_samples(load_task("marvl"), get("sw"), lines(place, row("sw-0")))
        assert [image.read() for image in sample.images] == [picture(1), picture(2)]
        assert sample.id == "marvl/sw-0"


@pytest.mark.skipif(not REAL.is_file(), reason="LRM_EVAL_REAL_DATA has no MaRVL")
def test_the_real_swahili_statements_are_whole() -> None:
    # MaRVL (Liu et al. 2021), table 2: 1,108 Swahili data points.
    task = load_task("marvl")
    samples = load_samples(task, get("sw"), REAL, images=False)
    check_samples(task, samples)
    assert len(samples) == 1108
    assert sum(sample.gold == "yes" for sample in samples) == 547
    assert (len({sample.group for sample in samples}), len({sample.cluster for sample in samples})) == (276, 78)
    assert all(len(sample.images) == 2 for sample in samples)


def shard(path: Path, *samples: dict[str, bytes | str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for number, members in enumerate(samples):
            for kind, content in members.items():
                info = tarfile.TarInfo(f"{number:08d}.{kind}")
                data = content.encode() if isinstance(content, str) else content
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return path


def vgr(language: str, *pictures: str, label: str = "True") -> dict[str, bytes | str]:
    named = {f"{name}.jpg": picture(SHADES[name]) for name in pictures}
    return {
        "hypothesis": "ሁለቱም ምስሎች ወጥ ቤት ያሳያሉ",
        "label_str": label,
        "topic": "kitchens",
        "language": language,
        "sample_id": f"{language}_7",
        "en_translation": "Both images show a kitchen",
        **named,
    }


SHADES = {"horizontally_stacked_images": 9, "vertically_stacked_images": 8, "image_a": 1, "image_b": 2}
STACKED = ("horizontally_stacked_images", "vertically_stacked_images")


def test_m5_shards_give_both_pictures_or_the_stacked_one(tmp_path: Path) -> None:
    task = load_task("m5-vgr")
    both = vgr("am", *STACKED, "image_a", "image_b")
    shard(tmp_path / "wds" / "am" / "00000.tar", both, vgr("am", *STACKED, label="False") | {"sample_id": "am_8"})
    shard(tmp_path / "wds" / "sw" / "00000.tar", vgr("sw", *STACKED))
    first, second = load_samples(task, get("am"), tmp_path)
    assert [image.read() for image in first.images] == [picture(1), picture(2)]
    assert [image.read() for image in second.images] == [picture(9)]
    assert [first.gold, second.gold] == ["yes", "no"]
    assert (first.id, first.category) == ("m5-vgr/am_7", "kitchens")
    assert "“ሁለቱም ምስሎች ወጥ ቤት ያሳያሉ”" in first.question
    assert len(load_samples(task, get("sw"), tmp_path / "wds" / "sw" / "00000.tar")) == 1


def test_a_shard_that_is_none_is_named(tmp_path: Path) -> None:
    bad = tmp_path / "wds" / "am" / "00000.tar"
    bad.parent.mkdir(parents=True)
    bad.write_bytes(b"no archive")
    with pytest.raises(UsageError, match=r"00000\.tar: not a readable shard"):
        load_samples(load_task("m5-vgr"), get("am"), tmp_path)
    shard(bad, {"label_str": "True"})
    with pytest.raises(UsageError, match=r"00000\.tar:00000000: no 'hypothesis'"):
        load_samples(load_task("m5-vgr"), get("am"), tmp_path)
    shard(bad, vgr("am", *STACKED, label="maybe"))
    with pytest.raises(UsageError, match="label_str 'maybe' is neither true nor false"):
        load_samples(load_task("m5-vgr"), get("am"), tmp_path)


XM3600 = pa.schema(
    [
        ("image_id", pa.string()),
        ("image_locale", pa.string()),
        ("captions", pa.list_(pa.string())),
        ("captions_tokenized", pa.list_(pa.string())),
        ("captions_tokenized_lowercase", pa.list_(pa.string())),
        ("image", BYTES),
    ]
)


def captioned(number: int) -> dict[str, Any]:
    captions = ["Mbwa mweusi\n amelala.", "Mbwa amelala chini"]
    return {"image_id": f"{number:016x}", "image_locale": "sw", "captions": captions, "image": cell(number)} | {
        "captions_tokenized": captions, "captions_tokenized_lowercase": captions,
    }  # fmt: skip


def the_captions(samples: list[Sample]) -> None:
    (sample,) = samples
    assert sample.gold.split("\n") == ["Mbwa mweusi amelala.", "Mbwa amelala chini"]
    assert (sample.kind, sample.question) == ("text", "Eleza picha hii kwa sentensi moja.")
    assert sample.instruction == ""
    assert sample.id == "xm3600/0000000000000001"
    assert sample.images[0].read() == picture(1)


def test_xm3600_of_the_hub_is_in_the_language_of_its_file(tmp_path: Path) -> None:
    data = write(tmp_path / "sw-00000-of-00001.parquet", [captioned(1)], XM3600)
    the_captions(load_samples(load_task("xm3600"), get("sw"), data))
    with pytest.raises(UsageError, match=r"no rows in French \(fr\)"):
        load_samples(load_task("xm3600"), get("fr"), data)


def test_xm3600_of_google_holds_all_languages_in_one_line(tmp_path: Path, lines: Callable[..., Path]) -> None:
    texts = {"caption": ["Mbwa mweusi\n amelala.", "Mbwa amelala chini"], "caption/tokenized": ["x"]}
    row = {"image/key": "0000000000000001", "image/locale": "sw", "sw": texts, "quz": texts, "fr": {"caption": ["Un"]}}
    lines("captions.jsonl", row)
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "0000000000000001.jpg").write_bytes(picture(1))
    the_captions(load_samples(load_task("xm3600"), get("sw"), tmp_path))
    assert load_samples(load_task("xm3600"), get("fr"), tmp_path)[0].gold == "Un"


def test_rows_with_our_own_fields_need_no_layout(tmp_path: Path, lines: Callable[..., Path]) -> None:
    for number in (1, 2):
        (tmp_path / f"{number}.png").write_bytes(picture(number))
    row = {"id": "a", "image": ["1.png", "2.png"], "question": "Kuna mbwa", "answer": "ndiyo", "language": "sw"}
    (sample,) = load_samples(load_task("m5-vgr"), get("sw"), lines("data.jsonl", row))
    assert (sample.gold, len(sample.images)) == ("yes", 2)
    assert "“Kuna mbwa”" in sample.question


@pytest.mark.parametrize("task", [task for task in list_tasks() if task.native], ids=lambda task: task.name)
def test_native_tasks_name_their_languages_and_no_others(task: Any) -> None:
    assert all(get(tag).tag == tag for tag in task.languages)
    assert all(own.provenance == "created" and own.pack is None for own in task.languages.values())
    assert all("{question}" in (own.wording.question or "{question}") or task.kind == "text"
               for own in task.languages.values())  # fmt: skip
    there = availability(task, get("so"))
    assert there.state == "needs-pack"
    assert there.detail.startswith("people wrote it in ")
    first = next(iter(task.languages))
    assert availability(task, get(first)).state == "needs-download"


def test_each_language_reads_its_own_part_of_the_hubs_data() -> None:
    # Files of the hub's repositories: data/sw-00000-of-00002.parquet, data/test-00000-of-00009.parquet.
    assert load_task("marvl").dataset_of("sw").patterns() == (("sw", "data/sw-*.parquet"),)
    assert load_task("xm3600").dataset_of("th").patterns() == (("th", "data/th-*.parquet"),)
    assert load_task("cvqa").dataset_of("am").patterns() == (("test", "data/test-*.parquet"),)
    assert load_task("cvqa-en").dataset_of("am").path == "afaji/cvqa"


def test_data_that_is_had_by_hand_says_how() -> None:
    with pytest.raises(UsageError, match=r"one archive .* then give it with --data m5-vgr=PATH"):
        load_samples(load_task("m5-vgr"), get("sw"))
