"""Runs that cannot be compared are refused with the reason; `common` compares what they share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from comparison_run_folders import make_run, mmbench, mme, pope, scored_otherwise

from lrm_eval.comparison import compare
from lrm_eval.errors import RunError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from lrm_eval.runs import RunFolder

RIGHT = [place % 3 > 0 for place in range(40)]


def run(folder: Path, right: list[bool] = RIGHT, language: str = "en", **changes: object) -> RunFolder:
    return make_run(folder, {("pope", language): pope(language, right, **changes)})


def test_questions_of_one_run_alone(tmp_path: Path) -> None:
    runs = [run(tmp_path / "a"), run(tmp_path / "b", RIGHT[:30])]
    with pytest.raises(UsageError, match=r"pope en: 10 questions \(e\.g\. pope/random/30\) only in a.*--common"):
        compare(runs)
    found = compare(runs, common=True).pairs[0]
    assert found.lines[0].total == 30
    assert "30 questions in common" in found.reduced[0]


def test_another_gold_answer(tmp_path: Path) -> None:
    runs = [run(tmp_path / "a"), run(tmp_path / "b", sample={"gold": "yes"})]
    with pytest.raises(UsageError, match=r"20 items .* not the same \(its gold: 'no' and 'yes'\)"):
        compare(runs)
    assert compare(runs, common=True).pairs[0].lines[0].total == 20


def test_other_images(tmp_path: Path) -> None:
    runs = [run(tmp_path / "a"), run(tmp_path / "b", sample={"images": [{"uri": "x.png", "sha256": "f" * 64}]})]
    with pytest.raises(UsageError, match="its image"):
        compare(runs)


def test_the_same_image_at_another_place_is_the_same_image(tmp_path: Path) -> None:
    unreadable = {"images": [{"uri": "/here/x.png", "sha256": None}]}
    elsewhere = {"images": [{"uri": "/there/x.png", "sha256": None}]}
    runs = [run(tmp_path / "a", sample=unreadable), run(tmp_path / "b", sample=elsewhere)]
    assert compare(runs).pairs[0].lines[0].total == 40


def test_another_prompt_or_budget(tmp_path: Path) -> None:
    runs = [run(tmp_path / "a"), run(tmp_path / "b", request="another")]
    with pytest.raises(UsageError, match=r"40 questions .* another instruction, prompt or token budget"):
        compare(runs)
    with pytest.raises(UsageError, match="no question in common"):
        compare(runs, common=True)


def test_another_version_of_the_rules_even_if_the_common_part_is_asked_for(tmp_path: Path) -> None:
    runs = [run(tmp_path / "a"), run(tmp_path / "b")]
    scored_otherwise(runs[1], rules_version="0")
    with pytest.raises(UsageError, match=r"version 1 of the rules in a, 0 in b; `lrm-eval rescore`"):
        compare(runs)
    with pytest.raises(UsageError, match=r"have no question in common .*rescore"):
        compare(runs, common=True)


def test_runs_of_before_there_were_versions_need_the_same_code(tmp_path: Path) -> None:
    runs = [run(tmp_path / "a"), run(tmp_path / "b")]
    for one in runs:
        scored_otherwise(one, rules_version="")
    assert compare(runs).tests == 1
    path = runs[1].manifest_path
    path.write_text(path.read_text(encoding="utf-8").replace("c" * 64, "d" * 64), encoding="utf-8")
    with pytest.raises(UsageError, match="rules of unknown version"):
        compare(runs)


def test_another_version_of_the_task(tmp_path: Path) -> None:
    runs = [run(tmp_path / "a"), make_run(tmp_path / "b", {("pope", "en"): pope("en", RIGHT)}, version=2)]
    with pytest.raises(UsageError, match="version 1 of the task in a, 2 in b"):
        compare(runs)


def test_an_unfinished_cell_even_if_both_stopped_at_the_same_question(tmp_path: Path) -> None:
    runs = [
        make_run(tmp_path / name, {("pope", "en"): pope("en", RIGHT), ("pope", "sw"): pope("sw", RIGHT[:9])},
                 planned={("pope", "sw"): 40})
        for name in "ab"
    ]  # fmt: skip
    with pytest.raises(UsageError, match="a answered 9 of its 40 questions"):
        compare(runs)
    assert [line.total for line in compare(runs, common=True).pairs[0].lines] == [40, 9, 49]


def test_other_languages_are_named_and_left_out(tmp_path: Path) -> None:
    both = {("pope", tag): pope(tag, RIGHT) for tag in ("en", "sw")}
    runs = [make_run(tmp_path / "a", both), run(tmp_path / "b")]
    assert compare(runs).pairs[0].left_out == ("pope sw: only in a",)


def test_nothing_in_common(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no question in common \(pope en: only in a; pope sw: only in b\)"):
        compare([run(tmp_path / "a"), run(tmp_path / "b", language="sw")])


def test_of_the_common_part_only_whole_groups_are_scored(tmp_path: Path) -> None:
    passes = mmbench("en", [[True, True]] * 8)
    runs = [
        make_run(tmp_path / "a", {("mmbench", "en"): passes}),
        make_run(tmp_path / "b", {("mmbench", "en"): passes[:-1]}),
    ]
    assert compare(runs, common=True).pairs[0].lines[0].total == 7
    pairs = mme("en", [True] * 10)
    halves = [
        make_run(tmp_path / "c", {("mme", "en"): pairs}),
        make_run(tmp_path / "d", {("mme", "en"): pairs[1:]}),
    ]
    assert compare(halves, common=True).pairs[0].lines[0].total == 8


def test_one_run_alone_and_one_twice(tmp_path: Path) -> None:
    one = run(tmp_path / "a")
    with pytest.raises(UsageError, match="one run alone"):
        compare([one])
    with pytest.raises(UsageError, match="given twice"):
        compare([one, one])


def test_unknown_names(tmp_path: Path) -> None:
    runs = [run(tmp_path / "a"), run(tmp_path / "b")]
    with pytest.raises(UsageError, match="'multilingual'"):
        compare(runs, rules="multilingal")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="'holm'"):
        compare(runs, correction="hulm")  # type: ignore[arg-type]


def test_a_damaged_responses_file_names_its_line(tmp_path: Path) -> None:
    runs = [run(tmp_path / "a"), run(tmp_path / "b")]
    path = tmp_path / "b" / "responses" / "pope" / "en.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([*lines[:3], lines[3][:50] + "\n", *lines[4:]]), encoding="utf-8")
    with pytest.raises(RunError, match=r"en\.jsonl, line 4"):
        compare(runs)


def test_a_responses_file_that_was_cut_off_is_an_unfinished_cell(tmp_path: Path) -> None:
    runs = [run(tmp_path / "a"), run(tmp_path / "b")]
    path = tmp_path / "b" / "responses" / "pope" / "en.jsonl"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UsageError, match="b answered 39 of its 40 questions"):
        compare(runs)


def test_two_runs_of_one_model_are_told_apart(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / name, {("pope", "en"): pope("en", RIGHT)}, model="m") for name in "ab"]
    found = compare(runs)
    assert [name for name, _ in found.models] == ["m [a]", "m [b]"]
