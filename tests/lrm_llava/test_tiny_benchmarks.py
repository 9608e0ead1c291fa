"""The tiny benchmarks have the forms of the real ones, and nothing of the training set."""

from collections import Counter, defaultdict

import pytest

from lrm_llava.tiny.benchmarks import MMBENCH_PASS, build_benchmarks, hub_row

SEED = 3


@pytest.fixture(scope="module")
def benchmarks():
    return build_benchmarks(SEED)


@pytest.mark.parametrize("task", ["tiny-mme", "tiny-pope", "tiny-seedbench", "tiny-mmbench"])
def test_every_task_has_at_least_500_questions(benchmarks, task: str) -> None:
    assert len(benchmarks[task]) >= 500


def test_benchmarks_are_the_same_for_the_same_seed(benchmarks) -> None:
    again = build_benchmarks(SEED)
    assert all(again[task] == rows for task, rows in benchmarks.items())


def test_mme_asks_two_questions_an_image_one_true_and_one_false(benchmarks) -> None:
    answers = defaultdict(list)
    for row in benchmarks["tiny-mme"]:
        answers[row.fields["question_id"]].append(row.fields["answer"])
    assert len(answers) == 256
    assert all(sorted(pair) == ["No", "Yes"] for pair in answers.values())
    assert {key.split("/")[0] for key in answers} == {"existence", "count", "position", "color"}


def test_pope_has_the_same_true_questions_in_all_splits_and_is_balanced(benchmarks) -> None:
    true = defaultdict(list)
    for row in benchmarks["tiny-pope"]:
        if row.query.answer:
            true[row.fields["category"]].append((row.fields["image_source"], row.query.color, row.query.shape))
    assert true["random"] == true["popular"] == true["adversarial"]
    assert Counter(row.fields["answer"] for row in benchmarks["tiny-pope"]) == {"yes": 360, "no": 360}


def test_pope_never_asks_one_thing_twice_of_an_image_in_a_split(benchmarks) -> None:
    asked = Counter(
        (row.fields["category"], row.fields["image_source"], row.query.color, row.query.shape)
        for row in benchmarks["tiny-pope"]
    )
    assert max(asked.values()) == 1


def test_mmbench_passes_rotate_the_options_right_and_keep_the_gold_text(benchmarks) -> None:
    groups = defaultdict(dict)
    for row in benchmarks["tiny-mmbench"]:
        turn, group = divmod(row.fields["index"], MMBENCH_PASS)
        groups[group][turn] = hub_row("tiny-mmbench", row)
    sizes = Counter()
    for passes in groups.values():
        options = [passes[0][letter] for letter in "ABCD" if passes[0][letter] is not None]
        assert sorted(passes) == list(range(len(options)))
        sizes[len(options)] += 1
        gold = passes[0][passes[0]["answer"]]
        for turn, row in passes.items():
            shown = [row[letter] for letter in "ABCD" if row[letter] is not None]
            assert shown == options[len(options) - turn :] + options[: len(options) - turn]
            assert row[row["answer"]] == gold
    assert sizes == {4: 110, 3: 30, 2: 20}


def test_seedbench_has_four_choices_and_130_questions_a_type(benchmarks) -> None:
    rows = benchmarks["tiny-seedbench"]
    assert all(len(set(row.query.choices)) == 4 for row in rows)
    assert Counter(row.fields["question_type_id"] for row in rows) == {2: 130, 3: 130, 4: 130, 5: 130}
