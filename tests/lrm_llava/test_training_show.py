"""What `lrm-llava data show` prints."""

from pathlib import Path

import pytest
from lrm_llava_small_parts import record, save_samples, save_small_data, small_recipe

from lrm_eval.errors import UsageError
from lrm_llava.encoding import Encoded
from lrm_llava.training.show import colored, pieces, show_samples

IMAGE = 9


def decode(ids: list[int]) -> str:
    return "".join(chr(96 + number) for number in ids)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return save_small_data(tmp_path_factory.mktemp("data"))


def test_runs_are_told_apart_by_image_and_by_supervision() -> None:
    encoded = Encoded([1, IMAGE, IMAGE, 2, 3, 4, 5], [-100, -100, -100, -100, 3, 4, -100])
    assert list(pieces(encoded, decode, IMAGE)) == [
        ("a", False), ("<image x 2>", False), ("b", False), ("cd", True), ("e", False),
    ]  # fmt: skip


def test_what_is_supervised_is_green_and_in_brackets() -> None:
    text = colored(Encoded([1, 2, 3], [-100, 2, -100]), decode, IMAGE)
    assert text.plain == "a⟦b⟧c"
    assert [(text.plain[span.start : span.end], str(span.style)) for span in text.spans] == [
        ("a", "dim"), ("⟦b⟧", "bold green"), ("c", "dim"),
    ]  # fmt: skip


def test_the_answer_and_its_end_are_all_that_is_supervised(data) -> None:
    (head, text), *_ = show_samples(small_recipe(), 2, data, [2])
    assert head.endswith(f"part-00000.jsonl:2: en plain, {head.split(', ')[-1]}") and "tokens supervised" in head
    assert text is not None
    assert text.plain.count("⟦") == 1 and text.plain.endswith("No red star</s>⟧")
    assert "<image x 16>" in text.plain and "USER: " in text.plain.partition("⟦")[0]


def test_a_sample_that_cannot_be_trained_on_is_named_and_the_next_shown(data, tmp_path) -> None:
    for part in ("vision", "language"):
        (tmp_path / part).symlink_to(data / part)
    broken = record(0, "Is it?", "Yes")
    broken["conversations"].reverse()
    save_samples(tmp_path, 2, [broken, record(1, "Is it?", "Yes")])
    found = list(show_samples(small_recipe(), 2, tmp_path, [1, 2]))
    assert "part-00000.jsonl:1: cannot be trained on: starts with the assistant" in found[0][0] and found[0][1] is None
    assert found[1][1] is not None


def test_numbers_and_folders_that_are_not_there_are_named(data, tmp_path) -> None:
    with pytest.raises(UsageError, match="stage 2 has samples 1 to 24, not 25"):
        list(show_samples(small_recipe(), 2, data, [25]))
    with pytest.raises(UsageError, match="is not a LLaVA checkpoint"):
        list(show_samples(small_recipe(), 2, data, [1], tmp_path))
    (tmp_path / "stage2").mkdir()
    with pytest.raises(UsageError, match="no shards"):
        list(show_samples(small_recipe(), 2, tmp_path, [1]))
