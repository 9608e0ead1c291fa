"""What stands around and before a question: styles, system texts, examples, repeats."""

from __future__ import annotations

import json

import pytest

import lrm_eval
from lrm_eval.commands.summary import repeats_lines
from lrm_eval.conditions import Condition, Prompting, choose_conditions, is_repeat, parse_condition
from lrm_eval.errors import UsageError
from lrm_eval.fewshot import Shots
from lrm_eval.prompts import authors_text
from lrm_eval.types import Sample

CHOICE = Sample(
    "q", "mmbench", "en", "option", "What is it?", "B", hint="It flies.", options=("cat", "bird"), labels=("A", "B")
)


def pool(count=12, kind="yes_no"):
    return [
        Sample(f"p/{n}", "pope", "en", kind, f"Is there {n}?", ("yes", "no")[n % 3 == 0], cluster=f"image{n // 2}")
        for n in range(count)
    ]


@pytest.mark.parametrize(
    "condition",
    [
        Condition(),
        Condition(style="authors"),
        Condition(shots=2, repeat=3),
        Condition("en", "native", True, "authors", 4, "Be brief.", 1),
    ],
)
def test_a_conditions_name_is_read_back(condition):
    known = parse_condition(condition.name)
    assert known is not None
    assert known.name == condition.name
    assert (known.style, known.shots, known.repeat) == (condition.style, condition.shots, condition.repeat)


@pytest.mark.parametrize(
    "name", ["style=other", "shots=x", "shots=0", "repeat=0", "prompt=native", "translator=nllb", "a"]
)
def test_a_name_that_this_module_would_not_make_is_not_read(name):
    assert parse_condition(name) is None


def test_the_first_of_several_draws_is_the_condition_itself():
    names = [condition.name for condition in choose_conditions(prompting=Prompting(repeats=3))]
    assert names == ["default", "repeat=1", "repeat=2"]
    assert [is_repeat(name) for name in names] == [False, True, True]


@pytest.mark.parametrize(
    ("prompting", "message"),
    [
        (Prompting(style="author"), "did you mean 'authors'"),
        (Prompting(shots=-1), "--few-shot -1"),
        (Prompting(repeats=0), "--repeats 0"),
        (Prompting(system="#x"), "cannot begin with '#'"),
    ],
)
def test_what_cannot_be_asked_is_refused(prompting, message):
    with pytest.raises(UsageError, match=message):
        choose_conditions(prompting=prompting)


def test_a_line_of_the_authors_whose_place_is_empty_is_left_out():
    template = "Hint: {hint}\nQuestion: {question}\nOptions:\n{options}\nAnswer with {letters}."
    assert authors_text(template, CHOICE) == (
        "Hint: It flies.\nQuestion: What is it?\nOptions:\nA. cat\nB. bird\nAnswer with A or B."
    )
    plain = Sample("q", "pope", "en", "yes_no", "Is it {red}?", "yes")
    assert authors_text("Hint: {hint}\n{question} Yes or no?", plain) == "Is it {red}? Yes or no?"


def test_examples_never_show_the_image_of_the_question_nor_one_image_twice():
    samples = pool()
    for sample in samples:
        images = [shot.cluster for shot in Shots(samples, 4, seed=0).of(sample)]
        assert sample.cluster not in images
        assert len(set(images)) == 4


def test_examples_are_balanced_over_the_answers():
    golds = [shot.gold for shot in Shots(pool(), 4, seed=1).of(pool()[0])]
    assert sorted(golds) == ["no", "no", "yes", "yes"]


def test_examples_depend_on_seed_and_ids_and_on_nothing_else():
    samples = pool()
    chosen = [shot.id for shot in Shots(samples, 3, seed=5).of(samples[0])]
    assert [shot.id for shot in Shots(samples[::-1], 3, seed=5).of(samples[0])] == chosen
    others = {tuple(shot.id for shot in Shots(samples, 3, seed=seed).of(samples[0])) for seed in range(8)}
    assert len(others) > 1


def test_more_examples_than_there_are_images_are_refused():
    with pytest.raises(UsageError, match="--few-shot 6: pope in en has only 5 questions on other images"):
        Shots(pool(), 6, seed=0).of(pool()[0])


def asked(result):
    (path,) = result.folder.path.glob("responses/*/*.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def run(out, **options):
    return lrm_eval.run(
        "lrm-llava", "sw", "pope", suite="tiny", limit=4, out=out, report=False, device="cpu", **options
    )


def test_examples_and_a_system_text_reach_the_model_and_run_json(tmp_path):
    result = run(tmp_path / "run", prompting=Prompting(system="Jibu kwa ufupi.", shots=1))
    (name,) = json.loads((tmp_path / "run" / "run.json").read_text())["conditions"]
    told = json.loads((tmp_path / "run" / "run.json").read_text())["conditions"][name]
    assert told == {"shots": 1, "system": "Jibu kwa ufupi."}
    for line in asked(result):
        prompt = line["response"]["prompt"]
        assert prompt.startswith("Jibu kwa ufupi.") or "Jibu kwa ufupi." in prompt
        assert prompt.count(line["sample"]["instruction"]) == 2
        assert "ndiyo" in prompt.casefold() or "hapana" in prompt.casefold()


def test_another_number_of_examples_is_another_condition_of_the_same_run(tmp_path):
    run(tmp_path / "run")
    run(tmp_path / "run", prompting=Prompting(shots=1))
    names = sorted(path.name for path in (tmp_path / "run").glob("responses/*/*.jsonl"))
    assert names == ["sw.jsonl", "sw.shots=1.jsonl"]


def test_repeats_are_drawn_with_seeds_of_their_own_and_summed_up(tmp_path):
    result = run(tmp_path / "run", prompting=Prompting(repeats=3), gen_kwargs={"temperature": 5.0, "max_new_tokens": 8})
    texts = {}
    for path in (tmp_path / "run").glob("responses/*/*.jsonl"):
        texts[path.name] = [json.loads(line)["response"]["text"] for line in path.read_text().splitlines()]
    assert sorted(texts) == ["sw.jsonl", "sw.repeat=1.jsonl", "sw.repeat=2.jsonl"]
    assert len({tuple(sorted(one)) for one in texts.values()}) > 1
    found = {row.metric for row in result.scores if row.condition == "default"}
    assert {"repeats_mean", "repeats_sd"} <= found
    assert "condition_delta" not in {row.metric for row in result.scores}
    (line,) = repeats_lines(result.scores, result.cells)
    assert line.startswith("tiny-pope (sw): f1 over 3 draws of each answer: mean ")


def test_repeats_of_greedy_answers_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"--repeats 2: greedy answers are the same each time; add --gen-kwargs temp"):
        run(tmp_path / "run", prompting=Prompting(repeats=2))


def test_a_model_without_its_authors_prompt_says_so(tmp_path):
    with pytest.raises(UsageError, match="--prompt-style authors: the model's preset has none, not for tiny-pope"):
        run(tmp_path / "run", prompting=Prompting(style="authors"))


def test_the_authors_prompt_is_asked_beside_llavas_and_compared_with_it(tmp_path):
    from model_adapters.checkpoints import bundled_checkpoint

    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine.yaml").write_text(
        "name: mine\ntitle: Mine\nadapter: llava\ncheckpoint: {id: me/mine, revision: null}\n"
        "prompts:\n  pope: {text: 'Q: {question} A:', source: me}\n"
    )
    result = lrm_eval.run(
        "mine", "sw", "pope", suite="tiny", limit=4, out=tmp_path / "run", report=False, device="cpu",
        checkpoint=bundled_checkpoint("checkpoints/lrm-llava").path, include_paths=[tmp_path],
        prompting=Prompting(style="both"),
    )  # fmt: skip
    first = {
        path.name: json.loads(path.read_text().splitlines()[0])["response"]["prompt"]
        for path in (tmp_path / "run").glob("responses/*/*.jsonl")
    }
    assert "Jibu swali" in first["sw.jsonl"]
    assert "Q: Je, " in first["sw.style=authors.jsonl"]
    assert "Jibu swali" not in first["sw.style=authors.jsonl"]
    assert {row.condition for row in result.scores if row.metric == "condition_delta"} == {"style=authors"}


def test_a_floor_takes_no_system_text(tmp_path):
    with pytest.raises(UsageError, match="--system: model random has no place for a system text"):
        lrm_eval.run(
            "random", "sw", "pope", suite="tiny", limit=4, out=tmp_path / "run", prompting=Prompting(system="Hi.")
        )
