"""`lrm-llava data build`: what comes out, what is dropped and said, and that a kill costs nothing."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from lrm_llava_small_parts import record

from lrm_eval.errors import UsageError
from lrm_llava.conversations import parse_record
from lrm_llava.data import build as building
from lrm_llava.data.build import build_stage
from lrm_llava.recipes import Instructions, Source, load_recipe

TAGS = ("en", "sw", "de")


def recipe(**changes: object):
    stage = replace(
        load_recipe("tiny").stage2, instructions=Instructions(0.5, 0.2, 0.3),
        sources=(Source("vqa", "vqa.json", "pictures"), Source("maths", "maths.jsonl", ".", translate=False)),
    )  # fmt: skip
    return replace(load_recipe("tiny"), languages=TAGS, stage2=stage, **changes)


@pytest.fixture
def sources(tmp_path) -> Path:
    root = tmp_path / "sources"
    (root / "translations" / "vqa").mkdir(parents=True)
    english = [record(n, f"Q{n}?", f"A{n}") for n in range(40)]
    (root / "vqa.json").write_text(json.dumps(english))
    (root / "maths.jsonl").write_text("".join(json.dumps(record(n, f"{n}+1?", "2", False)) + "\n" for n in range(10)))
    for tag in TAGS[1:]:
        said = [
            [{"from": "human", "value": f"{tag} Q{n}?"}, {"from": "gpt", "value": f"{tag} A{n}"}] for n in range(40)
        ]
        lines = [json.dumps({"id": str(n), "conversations": turns}) for n, turns in enumerate(said)]
        (root / "translations" / "vqa" / f"{tag}.jsonl").write_text("\n".join(lines))
    return root


def rows(folder: Path) -> list[dict]:
    return [json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]


def test_half_is_english_and_the_rest_is_shared_alike_though_maths_stays_english(sources, tmp_path) -> None:
    build_stage(recipe(), 2, sources, tmp_path / "out", lambda _: None)
    found = rows(tmp_path / "out" / "stage2")
    assert len(found) == 100  # 50 English, 25 in each of two languages
    card = json.loads((tmp_path / "out" / "stage2" / "card.json").read_text())
    assert card["by_language"] == {"en": 50, "sw": 25, "de": 25}
    assert card["samples"] == 100 and card["by_source"] == {"vqa": 90, "maths": 10}
    assert sum(card["by_instruction"].values()) == 100 and card["by_instruction"]["english"] == 50


def test_every_sample_can_be_read_again_and_names_its_image_from_the_data_folder(sources, tmp_path) -> None:
    build_stage(recipe(), 2, sources, tmp_path / "out", lambda _: None)
    for one in rows(tmp_path / "out" / "stage2"):
        found = parse_record(one)
        assert (found.image or "").startswith("pictures/images/") == (found.source == "vqa")


def test_a_stopped_build_goes_on_and_gives_the_same(sources, tmp_path, monkeypatch) -> None:
    build_stage(recipe(), 2, sources, tmp_path / "whole", lambda _: None, block=7)
    close, calls = building._close, []

    def killed(*args):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return close(*args)

    with monkeypatch.context() as patch:
        patch.setattr(building, "_close", killed)
        with pytest.raises(KeyboardInterrupt):
            build_stage(recipe(), 2, sources, tmp_path / "out", lambda _: None, block=7)
    assert len(list((tmp_path / "out" / "stage2").glob("*.jsonl"))) == 3
    build_stage(recipe(), 2, sources, tmp_path / "out", lambda _: None, block=7)
    names = sorted(path.name for path in (tmp_path / "whole" / "stage2").iterdir())
    assert sorted(path.name for path in (tmp_path / "out" / "stage2").iterdir()) == names
    for name in names:
        left, right = ((tmp_path / which / "stage2" / name).read_text() for which in ("out", "whole"))
        assert left == right, name


def test_what_is_left_out_is_counted_with_its_first_place(sources, tmp_path) -> None:
    english = json.loads((sources / "vqa.json").read_text())
    english[4]["conversations"] = []
    (sources / "vqa.json").write_text(json.dumps(english))
    path = sources / "translations" / "vqa" / "sw.jsonl"
    lines = [line for n, line in enumerate(path.read_text().splitlines()) if n not in (4, 9, 10)]
    path.write_text("\n".join(lines))
    total = build_stage(recipe(non_english=1.6), 2, sources, tmp_path / "out", lambda _: None)
    assert total.dropped["no conversations"] == 1 and total.examples["no conversations"].endswith("vqa.json: record 5")
    assert total.dropped["no translation into sw"] == 2
    assert total.examples["no translation into sw"].endswith("sw.jsonl: id '9'")


def test_translations_out_of_order_are_refused(sources, tmp_path) -> None:
    path = sources / "translations" / "vqa" / "sw.jsonl"
    path.write_text("\n".join(path.read_text().splitlines()[::-1]))
    with pytest.raises(UsageError, match=r"sw.jsonl:2: id '38' is not in the source, or the records"):
        build_stage(recipe(), 2, sources, tmp_path / "out", lambda _: None)


def test_a_language_without_translations_names_the_command(sources, tmp_path) -> None:
    (sources / "translations" / "vqa" / "de.jsonl").unlink()
    with pytest.raises(UsageError, match=r"no translation of vqa into de; .*lrm-llava data translate"):
        build_stage(recipe(), 2, sources, tmp_path / "out", lambda _: None)


def test_a_missing_source_is_one_line(sources, tmp_path) -> None:
    (sources / "maths.jsonl").unlink()
    with pytest.raises(UsageError, match=r"maths.jsonl: no such file; the recipe's sources are read from --sources"):
        build_stage(recipe(), 2, sources, tmp_path / "out", lambda _: None)


def test_another_mixture_in_the_same_folder_is_refused(sources, tmp_path) -> None:
    build_stage(recipe(), 2, sources, tmp_path / "out", lambda _: None)
    with pytest.raises(UsageError, match="was built with other non_english; give another --out"):
        build_stage(recipe(non_english=0.5), 2, sources, tmp_path / "out", lambda _: None)


def test_more_than_the_languages_can_give_is_refused(sources, tmp_path) -> None:
    with pytest.raises(UsageError, match="2 languages cannot give"):
        build_stage(recipe(non_english=4.0), 2, sources, tmp_path / "out", lambda _: None)


def test_a_translation_that_was_mended_does_not_leave_the_old_shards(sources, tmp_path) -> None:
    path = sources / "translations" / "vqa" / "sw.jsonl"
    whole = path.read_text()
    path.write_text("\n".join(whole.splitlines()[:20]))
    build_stage(recipe(), 2, sources, tmp_path / "out", lambda _: None)
    path.write_text(whole)
    with pytest.raises(UsageError, match="was built with other translations; give another --out or remove it"):
        build_stage(recipe(), 2, sources, tmp_path / "out", lambda _: None)


def test_a_build_that_stopped_before_its_first_shard_takes_the_mended_translation(sources, tmp_path) -> None:
    path = sources / "translations" / "vqa" / "sw.jsonl"
    whole = path.read_text()
    path.write_text(f"5\n{whole}")
    with pytest.raises(UsageError, match=r"sw.jsonl:1: not an object with id"):
        build_stage(recipe(), 2, sources, tmp_path / "out", lambda _: None)
    path.write_text(whole)
    assert build_stage(recipe(), 2, sources, tmp_path / "out", lambda _: None).samples


@pytest.mark.parametrize("turn", [5, "words", None, [1, 2]])
def test_a_translation_whose_turns_are_no_objects_costs_its_record(sources, tmp_path, turn) -> None:
    path = sources / "translations" / "vqa" / "sw.jsonl"
    lines = path.read_text().splitlines()
    for number in range(len(lines)):
        lines[number] = json.dumps({"id": str(number), "conversations": [turn, turn]})
    path.write_text("\n".join(lines))
    total = build_stage(recipe(), 2, sources, tmp_path / "out", lambda _: None)
    assert total.dropped["translation into sw: turn 1 has no value"] == 25


def test_a_language_without_wording_is_refused_unless_mvqa_is_all(sources, tmp_path) -> None:
    folder = sources / "translations" / "vqa"
    (folder / "de.jsonl").rename(folder / "pt.jsonl")
    asked = replace(recipe(), languages=("en", "sw", "pt"))
    with pytest.raises(UsageError, match="no wording of EP-VQA and BVQA in pt; there is one in am, cs"):
        build_stage(asked, 2, sources, tmp_path / "out", lambda _: None)
    alone = replace(asked, stage2=replace(asked.stage2, instructions=Instructions()))
    build_stage(alone, 2, sources, tmp_path / "out", lambda _: None)


@pytest.mark.parametrize("name", ["vqa.json", "maths.jsonl", "translations/vqa/sw.jsonl"])
def test_a_file_in_another_encoding_is_one_line(sources, tmp_path, name) -> None:
    path = sources / name
    path.write_bytes(path.read_bytes() + b"\n\xff\xfe\n")
    with pytest.raises(UsageError, match=rf"{path.name}: is not UTF-8 text"):
        build_stage(recipe(), 2, sources, tmp_path / "out", lambda _: None)
