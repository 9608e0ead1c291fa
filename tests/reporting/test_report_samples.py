from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lrm_eval.reporting.embed import embed, pack
from lrm_eval.reporting.gather import gather
from lrm_eval.reporting.payload import table_payload
from lrm_eval.reporting.prompts import MARK, filled, template_of
from lrm_eval.reporting.render import read_answers
from lrm_eval.reporting.samples import Pool, choose, is_right, queue
from lrm_eval.types import Item, Reading, Response, Sample

if TYPE_CHECKING:
    from typing import Any

    from lrm_eval.runs import RunFolder

MULTILINGUAL = 1  # place in RULES


@pytest.fixture(scope="module")
def pools(good: RunFolder, hostile: RunFolder) -> dict[str, Pool]:
    return read_answers(gather([good, hostile])).pools


def kinds(pool: Pool, model: str, language: str, ids: list[str]) -> list[str]:
    known = pool.kinds()
    return [known[pool.answers[model, language][one].read[MULTILINGUAL]] for one in ids]


def texts(made: dict[str, Any], model: str, language: str) -> list[str]:
    return [made["texts"][place] for place in made["answers"][model][language]["t"]]


def test_problems_come_first_with_some_right_ones_between(pools: dict[str, Pool]) -> None:
    pool = pools["tiny-mme"]
    model = next(model for model, _ in pool.answers if model.startswith("evil"))
    order = kinds(pool, model, "am", queue(pool.answers[model, "am"], pool.kinds()))
    assert order[0] == "error" and order[1] == "unparsed" and order[2] == "wrong"
    assert order[:12].count("right") == 3
    assert set(order[-10:]) == {"right"}


def test_everything_is_taken_when_there_is_room(pools: dict[str, Pool]) -> None:
    chosen, _, full = choose(pools, lambda _: None, 10**9)
    assert not full
    assert {table: len(ids) for table, ids in chosen.items()} == {"tiny-mme": 80, "tiny-mmbench": 80}


def test_the_budget_holds_for_what_is_embedded(pools: dict[str, Pool]) -> None:
    budget = 20_000
    chosen, images, full = choose(pools, lambda sha: "data:image/webp;base64," + sha, budget)
    assert full
    made = [pack(table_payload(pools[table], ids)) for table, ids in chosen.items()]
    # What is not chosen by item (counts, templates, readings) is not counted by the budget, and small.
    assert sum(map(len, made)) + len(embed(images)) < budget + 6_000
    assert all(chosen.values()), "every table gets its turn"


def test_the_cap_is_per_cell(pools: dict[str, Pool]) -> None:
    chosen, _, _ = choose(pools, lambda _: None, 10**9, cell_cap=3)
    cells = {table: len(pool.answers) for table, pool in pools.items()}
    assert all(0 < len(ids) <= 3 * cells[table] for table, ids in chosen.items())


def test_a_chosen_item_is_there_in_every_language_and_model(pools: dict[str, Pool]) -> None:
    chosen, _, full = choose(pools, lambda _: None, 9_000)
    assert full
    made = table_payload(pools["tiny-mme"], chosen["tiny-mme"])
    assert all(-1 not in cell["t"] for by_language in made["answers"].values() for cell in by_language.values())


def test_counts_are_of_all_answers_not_of_the_chosen_ones(pools: dict[str, Pool]) -> None:
    made = table_payload(pools["tiny-mme"], [])
    errors, unparsed, wrong, right = made["counts"]["lrm-llava"]["sw"][MULTILINGUAL]
    assert errors + unparsed + wrong + right == 80
    assert errors == 2


def test_prompts_are_kept_as_templates_that_give_them_back() -> None:
    sample = Sample("i", "t", "en", "option", "Which one?", "A", options=("red", "blue"), labels=("A", "B"))
    prompt = "USER: <image>\nWhich one?\nA. red\nB. blue\nIs red the one? Which one? ASSISTANT:"
    form = template_of(prompt, sample)
    assert form.count(MARK) == 3 and "Which" not in form and "A. red" not in form
    assert filled(form, sample) == prompt


def test_a_prompt_that_holds_the_sign_of_templates_is_kept_as_it_is() -> None:
    sample = Sample("i", "t", "en", "yes_no", f"Is {MARK}q here?", "yes")
    assert template_of(f"USER: Is {MARK}q here?", sample) == f"USER: Is {MARK}q here?"


def test_questions_that_overlap_in_a_prompt_come_back_to_the_letter() -> None:
    sample = Sample("i", "t", "en", "yes_no", "aaa", "yes", instruction="qaa", hint="aqa")
    for prompt in ("aaaaaaaa", "qaaqaaqa aqaaqa", "aaqaaaqaaqaqaaa"):
        assert filled(template_of(prompt, sample), sample) == prompt


def test_one_template_serves_all_questions_of_a_model(pools: dict[str, Pool]) -> None:
    assert list(pools["tiny-mme"].templates) == [f"A chat. USER: <image>\n{MARK}q\n{MARK}i ASSISTANT:"]


def test_two_wordings_of_one_item_are_both_kept() -> None:
    pool = Pool()
    for model, question in (("a", "first?"), ("b", "second?"), ("c", "first?")):
        sample = Sample("x/1", "t", "en", "yes_no", question, "yes")
        reading = Reading("yes", "r", "read")
        pool.add(model, "en", [Item(sample, Response("x/1@en", "yes"), reading)], [reading])
    made = table_payload(pool, ["x/1"])
    asked = [made["texts"][made["wordings"][place][0]] for place in made["questions"]["en"][0]]
    assert asked == ["first?", "second?"]
    assert [made["answers"][model]["en"].get("w", [0]) for model in "abc"] == [[0], [1], [0]]


def test_long_answers_are_cut_and_say_so(pools: dict[str, Pool]) -> None:
    ids = choose(pools, lambda _: None, 10**9)[0]["tiny-mme"]
    made = table_payload(pools["tiny-mme"], ids)
    model = next(model for model in made["answers"] if model.startswith("evil"))
    told = list(zip(texts(made, model, "en"), made["answers"][model]["en"]["c"], strict=True))
    assert {(len(text), length) for text, length in told if length} == {(4000, 9000)}


def test_right_is_judged_by_kind() -> None:
    option = Sample("i", "t", "en", "option", "q", "B")
    text = Sample("i", "t", "en", "text", "q", "Red ")
    assert is_right(option, Reading("B", "r", "read")) and not is_right(option, Reading("b", "r", "read"))
    assert is_right(text, Reading("red", "r", "read"))
    assert not is_right(option, Reading(None, "r", "unparsed"))
