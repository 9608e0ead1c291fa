"""The arms of the studies: the lines of the paper's tables, and what each is shown."""

import random
from collections import Counter

import pytest
import torch

from lrm_eval import languages as registry
from lrm_eval.errors import UsageError
from lrm_eval.reporting.published import load
from lrm_llava.ablations.arms import STUDIES, arms_of, chosen, seeds_of, study_of
from lrm_llava.ablations.benchmark import draw_rows
from lrm_llava.ablations.config import SCALES, SMOKE, TINY, recipe_of
from lrm_llava.ablations.exchanges import Draw, draw_exchange, draw_query, hard_scenes, image_batches, in_words, plain
from lrm_llava.ablations.train import draw_of
from lrm_llava.tiny import questions as q
from lrm_llava.tiny.grammar import languages, load_grammar
from lrm_llava.tiny.world import HELD_OUT_PAIRS

TAGS = languages()


def test_the_arms_of_instructions_are_the_lines_of_table_3() -> None:
    printed = [line["method"] for line in load("table3_instruction_ablation_mmbench").rows]
    assert sorted(arm.variant for arm in arms_of("instructions", TINY)) == sorted(printed)


def test_table_4_has_four_language_models_with_none_and_all() -> None:
    told = Counter(tuple(arm.table()[key] for key in ("language_model", "instructions"))
                   for arm in arms_of("backbones", TINY))  # fmt: skip
    assert len({name for name, _ in told}) == 4 and set(told.values()) == {1}
    assert {which for _, which in told} == {"none", "all"}
    widths = [size.width for size in TINY.sizes]
    assert widths == sorted(set(widths))


def test_figure_6_has_the_papers_four_ratios() -> None:
    assert sorted(arm.table()["non_english_percent"] for arm in arms_of("ratio", TINY)) == [40, 70, 100, 150]


def test_an_arm_of_one_study_stands_in_no_line_of_another() -> None:
    arms = {arm.name: arm for study in STUDIES for arm in arms_of(study, TINY)}
    assert set(arms["ratio-40"].table()) == {"non_english_percent"}
    assert set(arms["full-0.7M"].table()) == {"language_model", "instructions"}
    assert set(arms["no-bvqa"].table()) == {"variant"}
    assert len(arms["full"].table()) == 4
    # What several studies share is the same arm everywhere, so that it is trained once.
    assert all(arm == arms[arm.name] for study in STUDIES for arm in arms_of(study, TINY))


def mean_english(arm, stage: int) -> float:
    return sum(draw_of(arm, TINY, stage, step / 1000).english for step in range(1000)) / 1000


@pytest.mark.parametrize("stage", [1, 2])
def test_english_has_the_same_share_wherever_there_are_other_languages(stage: int) -> None:
    shares = {arm.name: mean_english(arm, stage) for arm in arms_of("instructions", TINY)}
    english_only = {1: {"none", "no-mvqa-1"}, 2: {"none"}}[stage]
    assert shares == pytest.approx({name: 1.0 if name in english_only else 0.5 for name in shares})


def test_each_arm_lacks_exactly_its_instruction() -> None:
    shown = {arm.name: draw_of(arm, TINY, 2, 1.0).instructions for arm in arms_of("instructions", TINY)}
    for name, lacking in (("no-mvqa-2", 0), ("no-ep-vqa", 1), ("no-bvqa", 2)):
        assert shown[name][lacking] == 0 and sum(shown[name]) == pytest.approx(1)
        assert all(share > 0 for place, share in enumerate(shown[name]) if place != lacking)
    assert shown["full"] == shown["no-mvqa-1"] == pytest.approx((1 / 3, 1 / 3, 1 / 3))


@pytest.mark.parametrize(("percent", "share"), [(40, 1 / 1.4), (70, 1 / 1.7), (100, 0.5), (150, 0.4)])
def test_a_ratio_is_other_languages_in_percent_of_english(percent: int, share: float) -> None:
    arm = next(arm for arm in arms_of("ratio", TINY) if arm.non_english == percent)
    assert mean_english(arm, 2) == pytest.approx(share)


def test_arms_are_chosen_by_name_in_the_order_typed() -> None:
    assert [arm.name for arm in chosen("instructions", TINY, ["none", "full", "none"])] == ["none", "full"]
    with pytest.raises(UsageError, match=r"unknown arm of instructions 'no-bvq'.*no-bvqa"):
        chosen("instructions", TINY, ["no-bvq"])
    with pytest.raises(UsageError, match=r"unknown study 'ratios'.*ratio"):
        study_of("ratios")


def test_seeds() -> None:
    assert seeds_of("", TINY) == (1, 2, 3) and seeds_of("2,5,2", TINY) == (2, 5)
    for text in ("0", "a", "1,,2", "-1"):
        with pytest.raises(UsageError, match="type numbers from 1 on"):
            seeds_of(text, TINY)


def test_every_scale_has_its_main_size_and_a_recipe_for_each() -> None:
    for scale in SCALES.values():
        assert scale.size(scale.main) in scale.sizes
        for size in scale.sizes:
            assert recipe_of(scale, size, 2).language.width % size.heads == 0
            assert recipe_of(scale, size, 2).seed != recipe_of(scale, size, 1).seed


def test_the_sizes_are_called_by_their_weights() -> None:
    for scale in SCALES.values():
        for size in scale.sizes:
            layer = 4 * size.width**2 + 3 * size.width * size.mlp
            weights = scale.vocab_size * size.width + size.layers * layer  # the head is the table of embeddings
            told = float(size.name.removesuffix("M"))
            assert abs(weights / 1e6 - told) <= (0.05 if told > 0.1 else 0.005) * 1.01


def draw(**changes) -> Draw:
    return Draw(**{"tags": TAGS, "english": 0.0, "describe": 0.0, "shown": 0.5} | changes)


def exchanges(one: Draw, count: int = 60) -> list:
    rng = random.Random(1)
    scenes = hard_scenes(1, 20, (2, 3, 4, 5))
    return [draw_exchange(rng.choice(scenes), one, rng) for _ in range(count)]


def test_every_question_is_answered_in_words_options_shown_or_not() -> None:
    answers = {one.answer for one in exchanges(draw(english=1.0), 200)}
    assert not answers & set("ABCD") and "Red" in answers and any(" " in answer for answer in answers)


def test_ep_vqa_translates_the_question_and_bvqa_pairs_english_with_another() -> None:
    pivot = exchanges(draw(instructions=(0.0, 1.0, 0.0)))
    assert all(one.answer.count("\n") == 1 and "?" in one.answer for one in pivot)
    english = [in_words(q.Query("color_of", color), "en") for color in ("red", "green", "blue")]
    both = [one.answer for one in exchanges(draw(tags=("en", "de"), instructions=(0.0, 0.0, 1.0)), 200)]
    assert any(answer in english for answer in both) and any(answer in ("Rot", "Grün", "Blau") for answer in both)


def test_scenes_of_five_objects_always_have_a_question() -> None:
    rng = random.Random(2)
    for scene in hard_scenes(3, 200, (5,)):
        assert draw_query(scene, rng, 1.0).choices
        assert not scene.has_held_out_pair and scene.bucket == "train"


def test_which_scenes_are_shown_does_not_depend_on_the_arm() -> None:
    class Numbers:
        image_prefix, pad = [0], 0

        def exchange(self, one):
            return [1] * (1 + len(one.prompt)), 1

    scenes = hard_scenes(1, 12, (2, 3))
    features = torch.arange(12.0)[:, None, None]
    seen = []
    for one in (draw(english=1.0), draw(instructions=(0.0, 0.5, 0.5))):
        batches = image_batches(scenes, features, Numbers(), SMOKE.stage2, lambda _, one=one: one, "1/2")
        # By length dealt out otherwise, but of the same draws of four batches.
        seen.append(sorted(float(value) for _ in range(4) for value in next(batches)[1].flatten()))
    assert seen[0] == seen[1]


def test_the_benchmark_is_of_the_test_bucket_and_turns_its_options() -> None:
    rows = draw_rows(12, (2, 3, 4, 5))
    assert len(rows) == 48 and any(
        (row.query.color, row.query.shape) in HELD_OUT_PAIRS or row.query.shape != q.THING for row in rows
    )
    for row in rows[:12]:
        turns = [other for other in rows if other.fields["index"] % 1_000_000 == row.fields["index"]]
        assert sorted(one.query.letter for one in turns) == list("ABCD")
        assert len({one.query.answer for one in turns}) == 1


@pytest.mark.parametrize("tag", TAGS)
def test_what_the_benchmark_asks_is_what_training_calls_plain(tag: str) -> None:
    query = draw_rows(1, (2,))[0].query
    one, grammar = plain(query, tag), load_grammar(tag)
    lines = one.prompt.splitlines()
    assert lines[0] == q.question_text(query, grammar) and lines[-1] == registry.get(tag).short_answer
    assert [line[:3] for line in lines[1:-1]] == ["A. ", "B. ", "C. ", "D. "]
    assert one.answer.lower() == q.value_text(query.kind, query.answer, grammar).lower()
