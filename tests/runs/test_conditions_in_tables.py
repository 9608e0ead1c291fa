"""Conditions of a run in its scores, in tables and at the end of the command."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

import lrm_eval
from lrm_eval.commands.summary import print_notes, print_run
from lrm_eval.errors import UsageError
from lrm_eval.runs.folder import Cell
from lrm_eval.runs.verify import verify
from lrm_eval.types import ScoreRow

if TYPE_CHECKING:
    from collections.abc import Callable

    Evaluate = Callable[..., lrm_eval.RunResult]


TINY = {"model": "random", "suite": "tiny", "data": None, "tasks": "mme", "limit": 16}


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory) -> lrm_eval.RunResult:
    out = tmp_path_factory.mktemp("varied") / "run"
    for more in ({"prompt_lang": "both"}, {"hide_image": True}):
        result = lrm_eval.run(langs="en,sw", out=out, report=False, **TINY, **more)  # type: ignore[arg-type]
    return result


def test_each_condition_has_its_own_headline(varied: lrm_eval.RunResult) -> None:
    heads = {(r.language, r.condition) for r in varied.scores if r.primary and r.rules == "multilingual"}
    assert heads == {
        ("en", "default"),
        ("en", "image=hidden"),
        ("sw", "default"),
        ("sw", "prompt=en"),
        ("sw", "image=hidden"),
    }


def test_what_conditions_change_is_in_the_scores_of_both_rule_sets(varied: lrm_eval.RunResult) -> None:
    found = {(r.rules, r.language, r.condition, r.metric) for r in varied.scores if r.metric.startswith("condition_")}
    for rules in ("official", "multilingual"):
        assert {
            (rules, "sw", "prompt=en", "condition_delta"),
            (rules, "sw", "image=hidden", "condition_delta"),
            (rules, "sw", "default", "condition_spread"),
            (rules, "en", "image=hidden", "condition_delta"),
        } == {key for key in found if key[0] == rules}


def test_a_difference_is_that_of_the_two_headlines(varied: lrm_eval.RunResult) -> None:
    rows = {(r.condition, r.metric): r.value for r in varied.scores if r.language == "sw" and r.rules == "multilingual"}
    assert rows["prompt=en", "condition_delta"] == rows["prompt=en", "perception"] - rows["default", "perception"]  # type: ignore[operator]


def test_verify_derives_the_comparisons_again(varied: lrm_eval.RunResult) -> None:
    assert [check for check in verify(varied.folder) if check.ok is False] == []


def test_a_table_shows_the_default_condition_and_what_the_others_change(varied: lrm_eval.RunResult) -> None:
    text = str(lrm_eval.report(varied.folder.path, "md"))
    assert "### MME, tiny: Perception" in text
    assert "prompt=en: Perception" not in text
    assert "### MME, tiny: what the conditions change" in text
    assert "| model | language | default | prompt=en | image=hidden | spread |" in text


def test_a_table_shows_the_condition_that_is_asked_for(varied: lrm_eval.RunResult) -> None:
    text = str(lrm_eval.report(varied.folder.path, "md", condition="prompt=en"))
    assert "### MME, tiny · prompt=en: Perception" in text
    assert "### MME, tiny: Perception" not in text
    assert "image=hidden" in str(lrm_eval.report(varied.folder.path, "latex", condition="all"))


@pytest.mark.parametrize("form", ["md", "latex", "csv", "json", "html"])
def test_a_condition_that_no_run_has_is_refused_with_the_nearest(varied: lrm_eval.RunResult, form: str) -> None:
    with pytest.raises(UsageError, match="unknown condition of these runs 'prompt=eng': did you mean 'prompt=en'"):
        lrm_eval.report(varied.folder.path, form, condition="prompt=eng")  # type: ignore[arg-type]


def test_a_run_without_the_default_condition_is_shown_as_it_is(evaluate: Evaluate) -> None:
    result = evaluate(langs="sw", prompt_lang="en", **TINY)
    assert "### MME, tiny · prompt=en: Perception" in str(lrm_eval.report(result.folder.path, "md"))


def test_the_end_of_a_run_shows_what_its_conditions_change(varied: lrm_eval.RunResult) -> None:
    out = io.StringIO()
    print_run(varied, Console(file=out, width=120))
    _, _, changed = out.getvalue().partition("what the conditions change, paired by question")
    # The one without the image stands last: no spread is over it.
    assert changed.index("prompt=en") < changed.rindex("image=hidden")
    assert changed.split()[:7] == ["task", "language", "metric", "default", "condition", "difference", "spread"]


def test_a_note_names_the_conditions_that_it_is_about_unless_it_is_about_all() -> None:
    def row(condition: str, note: str, language: str = "sw") -> ScoreRow:
        return ScoreRow(
            "m", "mme", language, condition, "multilingual", "perception", 1.0, None, None, 1, 1, 0.0, {}, True, note
        )

    rows = [row("default", "few"), row("image=hidden", "few"), row("prompt=en", "low"), row("default", "few", "en")]
    out = io.StringIO()
    print_notes(rows, [Cell(r.task, r.language, r.condition) for r in rows], Console(file=out, width=120))
    assert out.getvalue().splitlines() == [
        "mme (sw under default, image=hidden; en): few",
        "mme (sw under prompt=en): low",
    ]


def test_a_run_of_one_condition_says_nothing_of_conditions(evaluate: Evaluate) -> None:
    out = io.StringIO()
    result = evaluate(**TINY)
    print_run(result, Console(file=out, width=120))
    assert "what the conditions change" not in out.getvalue()
    assert "what the conditions change" not in str(lrm_eval.report(result.folder.path, "md"))
