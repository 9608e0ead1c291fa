"""A study from its first step to its page, at a scale of seconds; and the arithmetic of its effects."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lrm_eval.errors import UsageError
from lrm_llava.ablations.arms import arms_of
from lrm_llava.ablations.config import SMOKE
from lrm_llava.ablations.effects import Change, Contrast, Effect, _over_seeds, contrasts
from lrm_llava.ablations.places import TASK, Places
from lrm_llava.ablations.study import conduct
from lrm_llava.cli import app

FULL, NONE, *_ = arms_of("instructions", SMOKE)


def ablate(out: Path, *words: str):
    command = ["ablate", "instructions", "--scale", "smoke", "--out", str(out), "--jobs", "1", *words]
    return CliRunner().invoke(app, command)


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("study")
    result = ablate(out, "--arms", "full,none")
    assert result.exit_code == 0, result.output
    assert "w/o all task instructions: the nine other languages" in result.stdout
    return out


def test_every_arm_is_a_checkpoint_that_says_which_line_it_is(study) -> None:
    for arm in (FULL, NONE):
        told = json.loads((study / "arms" / f"{arm.name}-seed1" / "training.json").read_text())
        assert told["table"] == arm.table() and told["stage2"]["steps"] == SMOKE.stage2.steps
        assert told["base"] == json.loads((study / "arms" / "full-seed1" / "training.json").read_text())["base"]


def test_its_runs_fill_the_tables_of_the_paper(study) -> None:
    import lrm_eval.cli

    for table, line in (
        ("instructions", "w/o all task instructions"),
        ("backbones", "Llama, 0.05M"),
        ("ratio", "100%"),
    ):
        result = CliRunner().invoke(lrm_eval.cli.app, ["table", table, str(study / "runs")])
        assert result.exit_code == 0 and line in result.stdout and "words" in result.stdout


def test_the_page_says_what_is_missing_and_that_it_is_one_seed(study) -> None:
    page = (study / "instructions.md").read_text()
    assert "**Missing:** no-mvqa-1 (seed 1)" in page and "**One seed**" in page
    told = json.loads((study / "instructions.json").read_text())
    assert len(told["missing"]) == 4 and [one["arm"] for one in told["effects"]] == ["none"]
    # Table 3: 61.6 less 66.1 in the other languages, 70.2 less 70.1 in English.
    assert told["effects"][0]["published"] == pytest.approx([-4.5, 0.1])


def test_what_is_done_is_not_done_again(study, monkeypatch) -> None:
    before = {path: path.stat().st_mtime_ns for path in study.rglob("*") if path.is_file() and path.parent != study}
    log: list[str] = []
    conduct([FULL, NONE], SMOKE, [1], Places(study), log.append)
    assert "seed 1: 2 of 2 arms are done" in log
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_an_arm_whose_evaluation_stopped_is_only_evaluated(study) -> None:
    weights = study / "arms" / "none-seed1" / "model.safetensors"
    made = weights.stat().st_mtime_ns
    (study / "arms" / "none-seed1" / "evaluated.json").unlink()
    conduct([NONE], SMOKE, [1], Places(study), lambda _: None)
    assert (study / "arms" / "none-seed1" / "evaluated.json").is_file() and weights.stat().st_mtime_ns == made


def test_arms_made_otherwise_are_not_mixed(study, tmp_path) -> None:
    with pytest.raises(UsageError, match="its arms were made with other stage2; give another --out"):
        conduct([FULL], replace(SMOKE, stage2=replace(SMOKE.stage2, steps=3)), [1], Places(study), lambda _: None)
    with pytest.raises(UsageError, match=r"no model\.safetensors"):
        conduct([FULL], SMOKE, [1], Places(study, tmp_path), lambda _: None)


@pytest.mark.slow
def test_a_base_made_elsewhere_is_taken(study, tmp_path) -> None:
    result = ablate(tmp_path / "out", "--arms", "full", "--base", str(study / "base" / "0.05M-seed1" / "base"))
    assert result.exit_code == 0, result.output
    told = [
        json.loads((root / "arms" / "full-seed1" / "training.json").read_text()) for root in (study, tmp_path / "out")
    ]
    assert told[0]["base"] == told[1]["base"] and told[1]["base_given"]
    # The same start, seed and data: the same arm.
    assert told[0]["stage2"]["loss"] == told[1]["stage2"]["loss"]


def test_the_benchmark_is_written_whole_in_the_worlds_languages(study) -> None:
    folder = study / "tasks" / TASK
    assert {path.stem for path in (folder / "packs").iterdir()} >= {"cs", "sw", "zh"}
    lines = [json.loads(line) for line in (folder / "packs" / "sw.jsonl").read_text().splitlines()]
    assert len(lines) == 4 * SMOKE.groups and lines[0]["id"] == f"{TASK}/1"


def test_several_seeds_give_a_t_interval_of_their_differences() -> None:
    # t(0.975, 2) = 4.302653; mean -2, standard deviation 1: half width 4.302653 / sqrt(3) = 2.484138.
    found = _over_seeds([-1.0, -2.0, -3.0])
    assert (found.value, found.over, found.seeds) == (-2.0, "seeds", 3)
    assert (found.low, found.high) == pytest.approx((-4.484138, 0.484138), abs=1e-6)


@pytest.mark.parametrize(
    ("low", "high", "sign", "verdict"),
    [
        (-3, -1, -1, "shows"),
        (-3, -1, 1, "opposite"),
        (1, 3, 1, "shows"),
        (-3, 0.1, -1, "open"),
        (None, None, -1, "open"),
    ],
)
def test_a_direction_shows_only_if_the_interval_leaves_0_out(low, high, sign, verdict) -> None:
    assert Change(-2.0 if (high or 0) < 0.5 else 2.0, low, high, "seeds", 3).verdict(sign) == verdict


def test_each_arm_gets_a_plain_sentence() -> None:
    contrast = Contrast(NONE, FULL, "others", -1, (-4.5, 0.1), "w/o all")

    def sentence(low: float | None, high: float | None) -> str:
        change = Change(-2.0, low, high, "seeds", 3)
        return Effect(contrast, 1.0, 1.0, {}, change, change).sentence

    assert sentence(-3.0, -1.0) == (
        "w/o all: the nine other languages -2.0 [-3.0, -1.0]: the paper's direction shows (worse in the paper)."
    )
    assert "holds 0" in sentence(-5.0, 1.0) and "too few questions" in sentence(None, None)


def test_the_ratios_say_what_the_paper_says_in_words() -> None:
    found = {one.arm.non_english: (one.where, one.sign) for one in contrasts("ratio", arms_of("ratio", SMOKE))}
    assert found == {40: ("others", -1), 70: ("others", -1), 150: ("english", -1)}


def test_a_language_model_is_held_against_itself_without_instructions() -> None:
    for one in contrasts("backbones", arms_of("backbones", SMOKE)):
        assert one.arm.size == one.reference.size and one.sign == 1
        assert one.arm.instructions is not None and one.reference.instructions is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--arms", "fulll"], "full"), (["--set", "stage3.steps=1"], "stage"), (["--seeds", "x"], "--seeds x"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_before_anything_is_made(tmp_path, words: list[str], message: str) -> None:
    result = ablate(tmp_path / "out", *words)
    assert isinstance(result.exception, UsageError) and message in str(result.exception)
    assert not (tmp_path / "out").exists()
