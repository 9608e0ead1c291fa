"""Conditions of a run: what is asked, resumed, grown and refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lrm_eval.errors import UsageError
from lrm_eval.runs.folder import Cell

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import lrm_eval

    Evaluate = Callable[..., lrm_eval.RunResult]

ENGLISH_LINE = "Answer the question using a single word or phrase."
SWAHILI_LINE = "Jibu swali kwa neno moja au kifungu kifupi cha maneno."


def asked(result: lrm_eval.RunResult, language: str, condition: str) -> list[dict[str, object]]:
    path = result.folder.responses_path(Cell("mme", language, condition))
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def instructions(result: lrm_eval.RunResult, language: str, condition: str) -> set[object]:
    return {line["sample"]["instruction"] for line in asked(result, language, condition)}  # type: ignore[index]


def names(result: lrm_eval.RunResult) -> list[str]:
    return [f"{cell.language} {cell.condition}" for cell in result.cells]


def test_both_prompt_languages_are_two_cells_of_one_run_and_english_has_one(evaluate: Evaluate) -> None:
    result = evaluate(prompt_lang="both")
    assert names(result) == ["en default", "sw default", "sw prompt=en"]
    assert instructions(result, "sw", "default") == {SWAHILI_LINE}
    assert instructions(result, "sw", "prompt=en") == {ENGLISH_LINE}


def test_the_question_stays_in_its_language_under_an_english_instruction(evaluate: Evaluate) -> None:
    result = evaluate(langs="sw", prompt_lang="en")
    assert {str(line["sample"]["question"])[:3] for line in asked(result, "sw", "prompt=en")} == {"sw:"}  # type: ignore[index]


@pytest.mark.parametrize(
    ("prompt", "answer", "line"),
    [
        ("native", "native", f"{SWAHILI_LINE} Jibu kwa Kiswahili."),
        ("native", "en", f"{SWAHILI_LINE} Jibu kwa Kiingereza."),
        ("en", "native", f"{ENGLISH_LINE} Answer in Swahili."),
        ("en", "en", f"{ENGLISH_LINE} Answer in English."),
    ],
)
def test_the_language_of_the_answer_is_asked_for_in_that_of_the_instruction(
    evaluate: Evaluate, prompt: str, answer: str, line: str
) -> None:
    result = evaluate(langs="sw", prompt_lang=prompt, answer_lang=answer)
    assert instructions(result, "sw", result.cells[0].condition) == {line}


def test_keys_carry_the_condition(evaluate: Evaluate) -> None:
    result = evaluate(langs="sw", answer_lang="en", hide_image=True)
    assert {str(line["key"]).partition("@")[2] for line in asked(result, "sw", "answer=en+image=hidden")} == {
        "sw.answer=en+image=hidden"
    }


def test_a_hidden_image_is_not_in_the_request(evaluate: Evaluate) -> None:
    seen = {
        condition: {line["response"]["text"] for line in asked(result, "sw", condition)}  # type: ignore[index]
        for condition, result in (
            ("default", evaluate("scripted:images=1", "sw")),
            ("image=hidden", evaluate("scripted:images=1", "sw", hide_image=True)),
        )
    }
    assert seen == {"default": {"1"}, "image=hidden": {"0"}}


def test_a_model_that_cannot_be_asked_without_an_image_says_so(evaluate: Evaluate, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--hide-image: model scripted:blindless=1 cannot be asked without an image"):
        evaluate("scripted:blindless=1", "sw", hide_image=True)
    assert not (tmp_path / "run").exists()


def test_one_command_asks_with_the_image_and_without_it(evaluate: Evaluate) -> None:
    result = evaluate("scripted:images=1", "sw", hide_image="both", prompt_lang="both")
    assert names(result) == ["sw default", "sw image=hidden", "sw prompt=en", "sw prompt=en+image=hidden"]
    seen = {
        cell.condition: {line["response"]["text"] for line in asked(result, "sw", cell.condition)}  # type: ignore[index]
        for cell in result.cells
    }
    assert seen == {
        "default": {"1"},
        "image=hidden": {"0"},
        "prompt=en": {"1"},
        "prompt=en+image=hidden": {"0"},
    }


def test_a_run_with_the_hidden_form_keeps_what_either_spelling_asked(evaluate: Evaluate) -> None:
    assert (evaluate(langs="sw").asked, evaluate(langs="sw", hide_image=True).asked) == (12, 12)
    assert evaluate(langs="sw", hide_image="both").asked == 0


def test_both_forms_are_refused_by_the_option_that_was_typed(evaluate: Evaluate) -> None:
    with pytest.raises(UsageError, match=r"--with-hidden: model .* leave --with-hidden out"):
        evaluate("scripted:blindless=1", "sw", hide_image="both")


@pytest.mark.parametrize("word", ["hidden", "", None])
def test_another_word_for_hiding_is_refused(evaluate: Evaluate, word: object) -> None:
    with pytest.raises(UsageError, match=r"hide_image=.*valid: False, True, 'both'"):
        evaluate(langs="sw", hide_image=word)


def test_a_folder_grows_by_conditions_and_asks_nothing_twice(evaluate: Evaluate) -> None:
    assert evaluate(langs="sw").asked == 12
    grown = evaluate(langs="sw", prompt_lang="both", answer_lang="en")
    assert grown.asked == 24
    assert [cell.condition for cell in grown.folder.cells()] == ["answer=en", "default", "prompt=en+answer=en"]
    assert evaluate(langs="sw", prompt_lang="en", answer_lang="en").asked == 0


def test_a_condition_asked_otherwise_is_refused(evaluate: Evaluate, questions: Path) -> None:
    evaluate(langs="sw", prompt_lang="en")
    text = (questions / "data.jsonl").read_text(encoding="utf-8")
    (questions / "data.jsonl").write_text(text.replace("sw: is there", "sw: was there"), encoding="utf-8")
    with pytest.raises(UsageError, match=r"question of mme/existence/000\.png/0@sw\.prompt=en"):
        evaluate(langs="sw", prompt_lang="en")


def test_an_error_under_one_condition_is_asked_again_there_alone(
    evaluate: Evaluate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    evaluate(langs="sw")
    (tmp_path / "fail").touch()
    monkeypatch.setenv("SCRIPTED_FAIL", str(tmp_path / "fail"))
    failed = evaluate(langs="sw", prompt_lang="both").errors
    assert failed > 0
    (tmp_path / "fail").unlink()
    again = evaluate(langs="sw", prompt_lang="both")
    assert (again.asked, again.errors) == (failed, 0)


def test_the_headline_names_the_conditions(evaluate: Evaluate) -> None:
    told: list[str] = []

    class Watch:
        def headline(self, text: str) -> None:
            told.append(text)

        def __getattr__(self, name: str) -> Callable[..., None]:
            return lambda *_: None

    evaluate(langs="sw", prompt_lang="both", observer=Watch())
    assert told[0].endswith("languages: sw · conditions: default, prompt=en")


@pytest.mark.parametrize("option", ["prompt_lang", "answer_lang"])
def test_another_word_is_refused_with_the_valid_ones(evaluate: Evaluate, option: str) -> None:
    with pytest.raises(UsageError, match="valid: native, en, both"):
        evaluate(langs="sw", **{option: "klingon"})
