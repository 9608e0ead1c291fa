from __future__ import annotations

import math
from collections import Counter

import pytest
from tiny_checkpoint import make_request

from lrm_eval.errors import UsageError
from lrm_eval.languages import get
from model_adapters import load_model, resolve_model

LETTERS = ("A", "B", "C", "D")


def yes_no(count, language="en", golds=("yes", "no")):
    return [make_request(f"q/{n}@{language}", "?", language=language, gold=golds[n % len(golds)]) for n in range(count)]


def lettered(count, gold, labels=LETTERS, start=0, **more):
    return [
        make_request(f"q/{n}@en", "?", kind="option", gold=gold, labels=labels, options=("x",) * len(labels), **more)
        for n in range(start, start + count)
    ]


def texts(name, requests, plan=None, seed=0):
    floor = load_model(resolve_model(name), seed=seed)
    floor.prepare(plan if plan is not None else requests)
    return [response.text for response in floor.generate(requests)]


@pytest.mark.parametrize("language", ["en", "sw", "am", "zh"])
def test_random_answers_in_the_words_of_the_language(language):
    answers = Counter(texts("random", yes_no(400, language)))
    assert set(answers) == {get(language).yes[0], get(language).no[0]}
    # Four standard deviations of a fair coin.
    assert all(abs(count - 200) < 40 for count in answers.values())


def test_random_draws_among_the_labels_that_are_shown():
    answers = Counter(texts("random", lettered(400, "A", labels=("A", "B", "C"))))
    assert set(answers) == {"A", "B", "C"}
    assert min(answers.values()) > 90


def test_random_depends_on_seed_and_key_and_not_on_the_order():
    requests = yes_no(50)
    forward = texts("random", requests, seed=3)
    assert texts("random", requests[::-1], seed=3) == forward[::-1]
    assert texts("random", requests, seed=4) != forward


def test_random_draws_scores_for_choices():
    requests = lettered(400, "A", choices=("red", "green", "blue", "yellow"))
    best = Counter()
    for response in load_model(resolve_model("random")).generate(requests):
        assert math.fsum(math.exp(score.logprob_sum) for score in response.choices) == pytest.approx(1)
        best[max(response.choices, key=lambda score: score.logprob_sum).text] += 1
    assert len(best) == 4
    assert min(best.values()) > 60


def test_majority_gives_the_most_frequent_gold_of_the_whole_plan():
    plan = yes_no(9, golds=("no", "no", "yes"))
    assert texts("majority", plan[2:3], plan) == [get("en").no[0]]


def test_majority_counts_each_task_and_language_for_itself():
    english = yes_no(4, "en", golds=("yes",))
    swahili = yes_no(4, "sw", golds=("no",))
    answers = texts("majority", [*english, *swahili])
    assert answers == [get("en").yes[0]] * 4 + [get("sw").no[0]] * 4


def test_majority_takes_the_best_label_that_is_shown():
    many, few = lettered(5, "D"), lettered(2, "B", start=5)
    short = lettered(1, "A", labels=("A", "B"), start=7)
    assert texts("majority", [*many, *few, *short]) == ["D"] * 7 + ["B"]


def test_majority_prefers_the_choice_under_its_label():
    requests = lettered(3, "C", choices=("red", "green", "blue", "yellow"))
    floor = load_model(resolve_model("majority"))
    floor.prepare(requests)
    for response in floor.generate(requests):
        assert max(response.choices, key=lambda score: score.logprob_sum).text == "blue"


def test_majority_without_a_plan_is_a_mistake_of_the_caller():
    with pytest.raises(RuntimeError, match="prepare"):
        next(load_model(resolve_model("majority")).generate(yes_no(1)))


def test_a_free_text_cannot_be_drawn():
    assert texts("random", [make_request("q@en", "?", kind="text", gold="a cat")]) == [""]


def test_a_floor_takes_no_decoding_settings():
    with pytest.raises(UsageError, match=r"takes no --gen-kwargs \(num_beams\)"):
        load_model(resolve_model("random"), gen_kwargs={"num_beams": 2})


def test_only_the_random_floor_has_a_seed_in_its_fingerprint():
    prints = {
        (name, seed): load_model(resolve_model(name), seed=seed).fingerprint()
        for name in ("random", "majority")
        for seed in (0, 1)
    }
    assert prints["random", 0] != prints["random", 1]
    assert prints["majority", 0] == prints["majority", 1]
    assert prints["random", 0] != prints["majority", 0]
