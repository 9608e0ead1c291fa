from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lrm_eval.reporting.gather import gather
from lrm_eval.reporting.render import read_answers
from lrm_eval.reporting.samples import Pool, choose, is_right, kind_of, queue, table_payload
from lrm_eval.types import Reading, Response, Sample

if TYPE_CHECKING:
    from lrm_eval.runs import RunFolder

MULTILINGUAL = 1  # place in RULES


@pytest.fixture(scope="module")
def pools(good: RunFolder, hostile: RunFolder) -> dict[str, Pool]:
    return read_answers(gather([good, hostile]))[1]


def kinds(pool: Pool, model: str, language: str, ids: list[str]) -> list[str]:
    cell = pool.answers[model, language]
    return [kind_of(cell[one].readings[MULTILINGUAL], cell[one].right[MULTILINGUAL]) for one in ids]


def test_problems_come_first_with_some_right_ones_between(pools: dict[str, Pool]) -> None:
    pool = pools["tiny-mme"]
    model = next(model for model, _ in pool.answers if model.startswith("evil"))
    order = kinds(pool, model, "am", queue(pool.answers[model, "am"]))
    assert order[0] == "error" and order[1] == "unparsed" and order[2] == "wrong"
    assert order[:12].count("right") == 3
    assert set(order[-10:]) == {"right"}


def test_everything_is_taken_when_there_is_room(pools: dict[str, Pool]) -> None:
    chosen, _, full = choose(pools, lambda _: None, 10**9)
    assert not full
    assert {table: len(ids) for table, ids in chosen.items()} == {"tiny-mme": 80, "tiny-mmbench": 80}


def test_the_budget_holds_for_what_is_embedded(pools: dict[str, Pool]) -> None:
    import json

    budget = 60_000
    chosen, images, full = choose(pools, lambda sha: "data:image/webp;base64," + sha, budget)
    assert full
    made = [table_payload(pools[table], ids) for table, ids in chosen.items()]
    # Frame of the payload (counts, item heads) is not counted by the budget and small.
    assert len(json.dumps([made, images], ensure_ascii=False, separators=(",", ":")).encode()) < budget + 12_000
    assert all(chosen.values()), "every table gets its turn"


def test_the_cap_is_per_cell(pools: dict[str, Pool]) -> None:
    chosen, _, _ = choose(pools, lambda _: None, 10**9, cell_cap=3)
    cells = {table: len(pool.answers) for table, pool in pools.items()}
    assert all(0 < len(ids) <= 3 * cells[table] for table, ids in chosen.items())


def test_a_chosen_item_is_there_in_every_language_and_model(pools: dict[str, Pool]) -> None:
    chosen, _, _ = choose(pools, lambda _: None, 40_000)
    made = table_payload(pools["tiny-mme"], chosen["tiny-mme"])
    assert all(None not in answers for by_language in made["answers"].values() for answers in by_language.values())


def test_counts_are_of_all_answers_not_of_the_chosen_ones(pools: dict[str, Pool]) -> None:
    made = table_payload(pools["tiny-mme"], [])
    counts = made["counts"]["lrm-llava"]["sw"]["multilingual"]
    assert sum(counts.values()) == 80
    assert counts["error"] == 2


def test_prompts_are_stored_without_what_they_share_and_can_be_put_together_again(pools: dict[str, Pool]) -> None:
    ids = choose(pools, lambda _: None, 10**9)[0]["tiny-mme"]
    made = table_payload(pools["tiny-mme"], ids)
    start, end = made["prompts"]["lrm-llava"]
    assert start.startswith("A chat. USER:") and end.endswith("ASSISTANT:")
    answer = pools["tiny-mme"].answers["lrm-llava", "zh"][ids[0]]
    assert start + made["answers"]["lrm-llava"]["zh"][0]["p"] + end == answer.response.prompt


def test_two_wordings_of_one_item_are_both_kept() -> None:
    pool = Pool()
    for model, question in (("a", "first?"), ("b", "second?"), ("c", "first?")):
        sample = Sample("x/1", "t", "en", "yes_no", question, "yes")
        from lrm_eval.types import Item

        reading = Reading("yes", "r", "read")
        pool.add(model, "en", [Item(sample, Response("x/1@en", "yes"), reading)], [reading])
    made = table_payload(pool, ["x/1"])
    assert [form["q"] for form in made["questions"]["en"][0]] == ["first?", "second?"]
    assert [made["answers"][model]["en"][0]["w"] for model in "abc"] == [0, 1, 0]


def test_long_answers_are_cut_and_say_so(pools: dict[str, Pool]) -> None:
    ids = choose(pools, lambda _: None, 10**9)[0]["tiny-mme"]
    made = table_payload(pools["tiny-mme"], ids)
    model = next(model for model in made["answers"] if model.startswith("evil"))
    long = [answer for answer in made["answers"][model]["en"] if "cut" in answer]
    assert long
    assert all(len(answer["t"]) == 4000 and answer["cut"] == 9000 for answer in long)


def test_right_is_judged_by_kind() -> None:
    option = Sample("i", "t", "en", "option", "q", "B")
    text = Sample("i", "t", "en", "text", "q", "Red ")
    assert is_right(option, Reading("B", "r", "read")) and not is_right(option, Reading("b", "r", "read"))
    assert is_right(text, Reading("red", "r", "read"))
    assert not is_right(option, Reading(None, "r", "unparsed"))
