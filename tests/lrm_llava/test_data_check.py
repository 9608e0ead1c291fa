"""`lrm-llava data check` finds what was planted, and nothing in clean data."""

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lrm_llava_small_parts import record, save_samples
from PIL import Image, ImageDraw

from lrm_eval import languages as registry
from lrm_eval.data import load_samples
from lrm_eval.errors import UsageError
from lrm_eval.tasks import load_task
from lrm_llava.data.check import check_shards
from lrm_llava.data.contamination import Benchmark, image_hash, index_benchmark, normalised
from lrm_llava.data.report import check_stage


def picture(number: int, side: int = 160) -> Image.Image:
    """A picture with large structure, as photographs have and flat colours have not."""
    image = Image.new("L", (side, side), 30)
    draw = ImageDraw.Draw(image)
    for part in range(6):
        x, y = (number * 37 + part * 53) % 120 * side // 160, (number * 71 + part * 29) % 120 * side // 160
        draw.rectangle((x, y, x + 40 * side // 160, y + 25 * side // 160), fill=60 + (number * 17 + part * 41) % 190)
    return image.convert("RGB")


def data(root: Path, records: list[dict]) -> list[Path]:
    shard = save_samples(root, 2, records)
    for number, one in enumerate(records):
        if "image" in one:
            picture(number).save(root / one["image"])
    return [shard]


def test_clean_data_has_no_findings(tmp_path) -> None:
    found = check_shards(data(tmp_path, [record(n, f"Is it {n}?", "Yes") for n in range(9)]), tmp_path)
    assert (found.samples, found.images, dict(found.faults)) == (9, 9, {})


def test_every_planted_fault_is_found_at_its_place(tmp_path) -> None:
    records = [record(n, f"Is it {n}?", "Yes") for n in range(8)]
    records[1]["conversations"] = []
    records[4] = {**records[3], "id": "copy"}
    records[5] |= {"language": "ru"}
    records[5]["conversations"][1]["value"] = "The red star is in the middle of the picture"
    turn = [{"from": "human", "value": "Again?"}, {"from": "gpt", "value": "Yes"}]
    records[6]["conversations"] += turn + turn
    shards = data(tmp_path, records)
    (tmp_path / "images" / "0.png").unlink()
    (tmp_path / "images" / "2.png").write_bytes(b"\x89PNG rubbish")
    found = check_shards(shards, tmp_path)
    assert dict(found.faults) == {
        "record": 1, "missing image": 1, "broken image": 1, "duplicate": 1, "wrong language": 1, "same turn twice": 1,
    }  # fmt: skip
    places = {kind: examples[0].partition(": ")[0].rpartition(":")[2] for kind, examples in found.examples.items()}
    assert places == {
        "missing image": "1", "record": "2", "broken image": "3", "duplicate": "5", "wrong language": "6",
        "same turn twice": "7",
    }  # fmt: skip


def test_an_english_translation_before_the_answer_is_no_wrong_language(tmp_path) -> None:
    one = record(0, "?", "Is there a red star in the picture?\nНет, её там нет", language="ru", instruction="ep_vqa")
    assert not check_shards(data(tmp_path, [one]), tmp_path).faults


def test_a_benchmarks_image_is_found_scaled_and_compressed_and_with_its_question(tmp_path) -> None:
    benchmark = Benchmark("pope")
    for number in (3, 5):
        buffer = io.BytesIO()
        picture(number, 480).save(buffer, "JPEG", quality=60)
        benchmark.add(image_hash(buffer.getvalue()), f"Is there a {number}?")
    records = [record(n, f"is there a  {n}!\nAnswer.", "Yes") for n in range(7)]
    records[5]["conversations"][0]["value"] = "<image>\nWhat is it?"
    found = check_shards(data(tmp_path, records), tmp_path, [benchmark])
    assert dict(found.faults) == {"pope: image and question": 1, "pope: image": 1}


def test_a_bundled_benchmark_is_found_in_itself(tmp_path) -> None:
    samples = load_samples(load_task("tiny-pope"), registry.get("en"), limit=12)
    index = index_benchmark("tiny-pope", samples)
    records = [record(n, sample.question, "Yes") for n, sample in enumerate(samples)]
    shards = data(tmp_path, records)
    for number, sample in enumerate(samples):
        (tmp_path / "images" / f"{number}.png").write_bytes(sample.images[0].read())
    found = check_shards(shards, tmp_path, [index])
    assert found.faults["tiny-pope: image and question"] == len(samples)


@given(st.integers(0, 2**64 - 1), st.lists(st.integers(0, 63), max_size=3, unique=True))
def test_any_hash_within_three_bits_is_found(value: int, bits: list[int]) -> None:
    benchmark = Benchmark("x")
    benchmark.add(value, "q")
    other = value
    for bit in bits:
        other ^= 1 << bit
    assert benchmark.near(other) == [value]


def test_punctuation_and_case_do_not_hide_a_copied_question() -> None:
    assert normalised("Is there a  RED star?") == normalised("is there a red star") == "is there a red star"


def test_the_report_tells_and_stores_what_it_found(tmp_path, capsys) -> None:
    records = [record(n, f"Is it {n}?", "Yes") for n in range(3)]
    data(tmp_path, records)
    told: list[str] = []
    assert check_stage(tmp_path, 2, [], [], told.append)
    (tmp_path / "images" / "1.png").unlink()
    assert not check_stage(tmp_path, 2, [], [], told.append)
    assert "missing image" in capsys.readouterr().out and told[-2].endswith("1 findings")
    assert json.loads((tmp_path / "stage2" / "check.json").read_text())["faults"] == {"missing image": 1}


def test_what_cannot_be_checked_is_one_line(tmp_path) -> None:
    with pytest.raises(UsageError, match=r"stage2: no shards"):
        check_stage(tmp_path, 2, [], [], print)
    data(tmp_path, [record(0, "Is it?", "Yes")])
    with pytest.raises(UsageError, match="did you mean"):
        check_stage(tmp_path, 2, ["popee"], [], print)
    with pytest.raises(UsageError, match="TASK=PATH with a task of --against"):
        check_stage(tmp_path, 2, ["pope"], ["mme=x"], print)
