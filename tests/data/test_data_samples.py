"""Rows of the four benchmarks to samples: ids, groups, gold, clusters, limits."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lrm_eval.data import check_samples, load_samples
from lrm_eval.errors import UsageError
from lrm_eval.languages import get
from lrm_eval.tasks import load_task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lrm_eval.types import Sample

EN = get("en")


def load(task: str, path: Path, tag: str = "en", **options: Any) -> list[Sample]:
    return load_samples(load_task(task), get(tag), path, **options)


def option_row(index: int | str, answer: str = "A", **more: Any) -> dict[str, Any]:
    row = {
        "index": index,
        "question": f"Q{index}?",
        "A": "one",
        "B": "two",
        "C": "three",
        "answer": answer,
        "image": "a.png",
    }
    return row | more


# --- MME ---


def mme_rows(subtask: str, image: str) -> list[dict[str, str]]:
    # The hub's fields (lmms-lab/MME): question_id is the image, not the question.
    return [
        {
            "question_id": f"{subtask}/{image}",
            "question": f"Is it {answer}?  Please answer yes or no.",
            "answer": answer,
            "category": subtask,
            "image": image,
        }
        for answer in ("Yes", "No")
    ]


def test_mme_ids_count_the_questions_of_an_image(lines: Callable[..., Path], png: Callable[..., bytes]) -> None:
    content = png("a.png")
    samples = load("mme", lines("d.jsonl", *mme_rows("color", "a.png"), *mme_rows("count", "a.png")))
    assert [sample.id for sample in samples] == [f"mme/{sub}/a.png/{n}" for sub in ("color", "count") for n in (0, 1)]
    assert [sample.group for sample in samples][::2] == ["mme/color/a.png", "mme/count/a.png"]
    assert {sample.cluster for sample in samples} == {hashlib.sha256(content).hexdigest()}
    assert [sample.gold for sample in samples] == ["yes", "no"] * 2
    assert [sample.order for sample in samples] == [0, 1, 2, 3]
    assert samples[0].category == "color"


def test_mme_question_and_instruction_are_apart(lines: Callable[..., Path]) -> None:
    # Seven MME questions have two blanks before the suffix; LLaVA removes both forms.
    sample = load("mme", lines("d.jsonl", *mme_rows("color", "a.png")), images=False)[0]
    assert sample.question == "Is it Yes?"
    assert sample.instruction == "Answer the question using a single word or phrase."


def test_mme_in_our_fields(lines: Callable[..., Path]) -> None:
    rows = [{"id": f"mme/color/b/1.png/{n}", "question": "Q?", "answer": "yes", "image": "x.png"} for n in (0, 1)]
    samples = load("mme", lines("d.jsonl", *rows), images=False)
    assert [sample.id for sample in samples] == ["mme/color/b/1.png/0", "mme/color/b/1.png/1"]
    assert {sample.category for sample in samples} == {"color"}


def test_mme_image_names_recur_in_subtasks(lines: Callable[..., Path]) -> None:
    # Thirty of MME's image names stand in several subtasks.
    path = lines("d.jsonl", *mme_rows("OCR", "1.jpg"), *mme_rows("posters", "1.jpg"))
    assert len({sample.cluster for sample in load("mme", path, images=False)}) == 2


def test_mme_row_without_an_image_name_is_refused(lines: Callable[..., Path]) -> None:
    path = lines("d.jsonl", {"question": "Q?", "answer": "yes"})
    with pytest.raises(UsageError, match=r"d\.jsonl:1: MME needs a category and an image name"):
        load("mme", path)


def test_tiny_mme_has_its_own_prefix(lines: Callable[..., Path]) -> None:
    assert (
        load("tiny-mme", lines("d.jsonl", *mme_rows("color", "a.png")), images=False)[0].id == "tiny-mme/color/a.png/0"
    )


@pytest.mark.parametrize("layout", ["tables", "beside", "release"])
def test_mme_folder_of_its_authors(tmp_path: Path, png: Callable[..., bytes], layout: str) -> None:
    content = png("mme/count/images/1.png" if layout == "release" else "mme/count/1.png")
    pairs = [("Is it? Please answer yes or no.", "Yes"), ("Isn't it? Please answer yes or no.", "No")]
    if layout == "tables":
        text = "".join(f"1.png\t{question}\t{answer}\n" for question, answer in pairs)
        (tmp_path / "mme/count.txt").write_text(text, encoding="utf-8")
        (tmp_path / "mme/readme.txt").write_text("Read me.\n", encoding="utf-8")
    else:
        folder = tmp_path / "mme/count" / ("questions_answers_YN" if layout == "release" else "")
        folder.mkdir(exist_ok=True)
        (folder / "1.txt").write_text("\n".join("\t".join(pair) for pair in pairs), encoding="utf-8")
    samples = load("mme", tmp_path / "mme")
    check_samples(load_task("mme"), samples)
    assert [(sample.id, sample.gold) for sample in samples] == [
        ("mme/count/1.png/0", "yes"),
        ("mme/count/1.png/1", "no"),
    ]
    assert samples[0].images[0].read() == content


def test_mme_folder_line_with_other_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "count.txt").write_text("1.png\tIs it?\tYes\n1.png\tIs it?\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"count\.txt:2: 2 tab-separated columns, expected 3"):
        load("mme", tmp_path)


# --- POPE ---


def test_pope_in_the_hubs_fields(lines: Callable[..., Path]) -> None:
    # lmms-lab/POPE: id is a row number over all splits, question_id counts inside one.
    row = {"id": "3000", "question_id": "1", "question": "Is there a cup?", "answer": "no", "category": "popular"}
    sample = load("pope", lines("d.jsonl", row), images=False)[0]
    assert (sample.id, sample.group, sample.split, sample.category) == (
        "pope/popular/1",
        "pope/popular/1",
        "popular",
        "",
    )


def test_pope_folder_of_its_authors(lines: Callable[..., Path]) -> None:
    for split in ("adversarial", "popular", "random"):
        row = {"question_id": 1, "image": "c.jpg", "text": f"A {split} cup?", "label": "yes"}
        path = lines(f"pope/coco_pope_{split}.json", row)
    samples = load("pope", path.parent, images=False)
    assert [sample.id for sample in samples] == ["pope/random/1", "pope/popular/1", "pope/adversarial/1"]
    assert [sample.order for sample in samples] == [0, 1, 2]
    assert samples[0].cluster == "c.jpg"


def test_pope_in_our_fields_without_ids(lines: Callable[..., Path]) -> None:
    rows = [{"split": "random", "question": f"{n}?", "answer": "yes", "image": "c.jpg"} for n in range(2)]
    assert [sample.id for sample in load("pope", lines("d.jsonl", *rows), images=False)] == [
        "pope/random/1",
        "pope/random/2",
    ]


def test_pope_row_without_a_split_is_refused(lines: Callable[..., Path]) -> None:
    path = lines("d.jsonl", {"question_id": 1, "question": "Q?", "answer": "yes", "category": "rndom"})
    with pytest.raises(UsageError, match=r"d\.jsonl:1: which POPE split\? .*random, popular, adversarial"):
        load("pope", path)


def test_gold_in_the_datas_language_is_normalised(lines: Callable[..., Path]) -> None:
    rows = [
        {"question_id": n, "question": "Je?", "answer": word, "category": "random", "language": "swahili"}
        for n, word in enumerate(["ndiyo", "Hapana.", "Yes", "no"])
    ]
    assert [sample.gold for sample in load("pope", lines("d.jsonl", *rows), "sw", images=False)] == ["yes", "no"] * 2


def test_english_labels_are_english_in_any_language(lines: Callable[..., Path]) -> None:
    # In colloquial Czech "no" agrees.
    row = {"question_id": 1, "question": "Je tam?", "answer": "no", "category": "random", "language": "cs"}
    assert load("pope", lines("d.jsonl", row), "cs", images=False)[0].gold == "no"


# --- SEED-Bench ---


def seed_row(number: int | str, **more: Any) -> dict[str, Any]:
    row = {f"choice_{letter}": f"option {letter}" for letter in "abcd"}
    return (
        row
        | {"question_id": number, "question": "Q?", "answer": "B", "question_type_id": 5, "data_type": "image"}
        | more
    )


def test_seedbench_in_the_hubs_fields(tmp_path: Path, png: Callable[..., bytes]) -> None:
    # lmms-lab/SEED-Bench: image is a list; videos are left out.
    content = png("a.png")
    rows = [seed_row("101", image=[{"bytes": content, "path": None}]), seed_row("102", data_type="video", image=[])]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "test.parquet")
    (sample,) = load("seedbench", tmp_path / "test.parquet")
    assert (sample.id, sample.category, sample.gold) == ("seedbench/101", "Instances Counting", "B")
    assert sample.options == ("option a", "option b", "option c", "option d")
    assert (sample.labels, sample.cluster) == (("A", "B", "C", "D"), hashlib.sha256(content).hexdigest())


def test_the_one_duplicate_that_seedbench_publishes_is_counted_once(lines: Callable[..., Path]) -> None:
    # LLaVA's scoring goes by id: the last of two rows wins.
    path = lines("d.jsonl", seed_row("49914", question="old?"), seed_row("1"), seed_row("49914", question="new?"))
    samples = load("seedbench", path, images=False)
    assert [(sample.id, sample.question) for sample in samples] == [("seedbench/49914", "new?"), ("seedbench/1", "Q?")]


def test_any_other_id_given_twice_is_refused_with_both_lines(lines: Callable[..., Path]) -> None:
    path = lines("d.jsonl", seed_row("1"), seed_row("2"), seed_row("1"))
    with pytest.raises(UsageError, match=r"d\.jsonl:3: id 'seedbench/1' is given twice \(first in .*d\.jsonl:1\)"):
        load("seedbench", path, images=False)


# --- MMBench ---


def test_mmbench_passes_are_one_group(lines: Callable[..., Path]) -> None:
    path = lines("d.jsonl", option_row(241), option_row(1000241, "B", A="three", B="one", C="two"))
    samples = load("mmbench", path, images=False)
    assert [(sample.id, sample.group) for sample in samples] == [
        ("mmbench/241", "mmbench/241"),
        ("mmbench/1000241", "mmbench/241"),
    ]


@pytest.mark.parametrize("nothing", [None, "", "nan", "None", "NONE", float("nan")])
def test_options_end_at_the_first_that_is_none(lines: Callable[..., Path], nothing: object) -> None:
    # LLaVA: llava/eval/model_vqa_mmbench.py, is_none.
    sample = load("mmbench", lines("d.jsonl", option_row(1, D=nothing)), images=False)[0]
    assert (sample.options, sample.labels) == (("one", "two", "three"), ("A", "B", "C"))


def test_a_right_answer_is_never_cut_off(lines: Callable[..., Path]) -> None:
    sample = load("mmbench", lines("d.jsonl", option_row(1, "D", D="None")), images=False)[0]
    assert sample.options == ("one", "two", "three", "None")
    middle = load("mmbench", lines("e.jsonl", option_row(1, "C", B="None", D=None)), images=False)[0]
    assert middle.options == ("one", "None", "three")


def test_words_like_na_are_options(tmp_path: Path) -> None:
    path = tmp_path / "d.tsv"
    path.write_text("index\tquestion\thint\tA\tB\tC\tD\tanswer\n1\tQ?\tnan\tNA\tnull\t\t\tB\n", encoding="utf-8")
    sample = load("mmbench", path, images=False)[0]
    assert (sample.options, sample.hint) == (("NA", "null"), "")


def test_options_may_be_a_list_with_labels_of_its_own(lines: Callable[..., Path]) -> None:
    row = {"id": 1, "question": "Q?", "options": ["u", "v"], "labels": ["ሀ", "ለ"], "answer": "ለ", "language": "am"}
    sample = load("mmbench", lines("d.jsonl", row), "am", images=False)[0]
    assert (sample.options, sample.labels, sample.gold) == (("u", "v"), ("ሀ", "ለ"), "ለ")


def test_gold_may_be_the_text_of_an_option(lines: Callable[..., Path]) -> None:
    assert load("mmbench", lines("d.jsonl", option_row(1, "three")), images=False)[0].gold == "C"


def test_numbers_as_options_are_text(lines: Callable[..., Path]) -> None:
    sample = load("mmbench", lines("d.jsonl", option_row(1, A=0, B=1.0, C=2.5)), images=False)[0]
    assert sample.options == ("0", "1", "2.5")


def test_labels_as_many_as_options(lines: Callable[..., Path]) -> None:
    row = {"id": 1, "question": "Q?", "options": ["u", "v"], "labels": ["1"], "answer": "1"}
    with pytest.raises(UsageError, match=r"d\.jsonl:1: 2 options but 1 labels"):
        load("mmbench", lines("d.jsonl", row))


def test_chinese_mmbench_has_llavas_chinese_instruction(lines: Callable[..., Path]) -> None:
    # LLaVA: scripts/v1_5/eval/mmbench_cn.sh.
    sample = load("mmbench", lines("d.jsonl", option_row(1, language="zh")), "zh", images=False)[0]
    assert sample.instruction == "请直接回答选项字母。"


# --- all ---


def test_rows_serve_the_language_they_name(lines: Callable[..., Path]) -> None:
    path = lines("d.jsonl", option_row(1), option_row(1, language="zh-CN"), option_row(2, language="chinese"))
    assert [sample.id for sample in load("mmbench", path, images=False)] == ["mmbench/1"]
    assert [sample.id for sample in load("mmbench", path, "zh", images=False)] == ["mmbench/1", "mmbench/2"]


def test_language_without_rows_and_without_english_lists_what_there_is(lines: Callable[..., Path]) -> None:
    path = lines("d.jsonl", option_row(1, language="zh"))
    with pytest.raises(UsageError, match=r"no rows in Swahili \(sw\); the data has zh"):
        load("mmbench", path, "sw")


def test_unknown_language_in_a_row_names_its_line(lines: Callable[..., Path]) -> None:
    path = lines("d.jsonl", option_row(1), option_row(2, language="swahilli"))
    with pytest.raises(UsageError, match=r"d\.jsonl:2: unknown language 'swahilli'"):
        load("mmbench", path)


@pytest.mark.parametrize("missing", ["question", "answer"])
def test_row_without_question_or_answer_is_refused(lines: Callable[..., Path], missing: str) -> None:
    path = lines("d.jsonl", option_row(1), option_row(2) | {missing: None})
    with pytest.raises(UsageError, match=rf"d\.jsonl:2: no {missing} \(columns: index, question"):
        load("mmbench", path)


def test_unreadable_image_is_the_samples_own_error(lines: Callable[..., Path], tmp_path: Path) -> None:
    sample = load("mmbench", lines("d.jsonl", option_row(1)))[0]
    assert sample.images[0].sha256 is None
    assert sample.cluster == str(tmp_path / "a.png")


def test_data_without_any_image_is_refused(lines: Callable[..., Path]) -> None:
    path = lines("d.jsonl", option_row(1, image=None), option_row(2, image=""))
    with pytest.raises(UsageError, match=r"d\.jsonl: no images: expected them in a column 'image' \(columns: index"):
        load("mmbench", path)


def test_one_row_without_an_image_is_its_own_error(lines: Callable[..., Path], png: Callable[..., bytes]) -> None:
    png("a.png")
    samples = load("mmbench", lines("d.jsonl", option_row(1), option_row(2, image=None)))
    assert [sample.images[0].sha256 is None for sample in samples] == [False, True]


@pytest.mark.parametrize(("limit", "count"), [(1, 2), (2, 2), (3, 4), (99, 6)])
def test_limit_counts_rows_and_keeps_groups_whole(lines: Callable[..., Path], limit: int, count: int) -> None:
    rows = [row for image in ("1.png", "2.png", "3.png") for row in mme_rows("color", image)]
    assert len(load("mme", lines("d.jsonl", *rows), limit=limit, images=False)) == count


def test_limit_keeps_passes_that_lie_apart(lines: Callable[..., Path]) -> None:
    rows = [option_row(1), option_row(2), option_row(1000001), option_row(1000002)]
    samples = load("mmbench", lines("d.jsonl", *rows), limit=1, images=False)
    assert [sample.id for sample in samples] == ["mmbench/1", "mmbench/1000001"]


def test_limit_below_one_is_refused(lines: Callable[..., Path]) -> None:
    with pytest.raises(UsageError, match="--limit 0: must be 1 or more"):
        load("mmbench", lines("d.jsonl", option_row(1)), limit=0)


def test_missing_data_path_names_the_nearest(lines: Callable[..., Path]) -> None:
    path = lines("questions.jsonl", option_row(1))
    with pytest.raises(
        UsageError, match=r"--data mmbench=.*question\.jsonl: no such file or folder; did you mean .*questions"
    ):
        load("mmbench", path.with_name("question.jsonl"))


def test_folder_without_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no data file in this folder"):
        load("mmbench", tmp_path)


def test_folder_with_several_data_files_asks_which(lines: Callable[..., Path]) -> None:
    lines("d/a.jsonl", option_row(1))
    path = lines("d/b.jsonl", option_row(1))
    with pytest.raises(UsageError, match=r"which of these is the data\? name one file: a\.jsonl, b\.jsonl"):
        load("mmbench", path.parent)


def test_parquet_shards_are_one_table(tmp_path: Path) -> None:
    for shard in range(2):
        pq.write_table(pa.Table.from_pylist([option_row(shard)]), tmp_path / f"test-{shard:05d}-of-00002.parquet")
    assert [sample.id for sample in load("mmbench", tmp_path, images=False)] == ["mmbench/0", "mmbench/1"]


def test_empty_data_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="holds no rows"):
        load("mmbench", tmp_path / "d.jsonl")
