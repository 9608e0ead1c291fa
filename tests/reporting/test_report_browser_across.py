"""What the page says across languages and of two models, by clicking."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from report_browser import visit, words

from lrm_eval.reporting import render

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser
    from report_browser import Visit

    from lrm_eval.runs import RunFolder

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(good: RunFolder, weak: RunFolder, hostile: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = render([weak, good, hostile], "html", tmp_path_factory.mktemp("page") / "report.html")
    assert not isinstance(made, str)
    return made


@pytest.fixture
def board(browser: Browser, page: Path) -> Iterator[Visit]:
    opened = visit(browser, page, viewport={"width": 1280, "height": 900})
    opened.page.locator("section.task figure svg").first.wait_for()
    yield opened
    assert opened.complaints == []
    opened.page.context.close()


def only(board: Visit, typed: str) -> None:
    board.page.locator("#q").fill(typed)
    board.page.wait_for_function("location.hash.includes('q=')")


def test_two_models_side_by_side_get_a_sentence_that_says_which_is_better_and_where(board: Visit) -> None:
    assert board.page.locator(".verdict").count() == 0, "three models"
    only(board, "llava")
    said = words(board.page.locator("section.task").nth(1).locator(".verdict"))
    assert re.match(
        r"lrm-llava is better by the mean, and in .*Hebrew\. The data cannot tell which is better in English", said
    )
    assert "All 3 models of this table are tested together" in said


def test_a_sentence_over_some_languages_says_nothing_of_the_mean_of_all(board: Visit) -> None:
    only(board, "llava en am")
    said = words(board.page.locator("section.task").nth(1).locator(".verdict"))
    assert "mean" not in said
    assert "Amharic" in said and "Hebrew" not in said


def test_the_share_of_answers_that_are_as_in_english_is_a_view(board: Visit) -> None:
    board.page.get_by_role("button", name="same as in English").click()
    section = board.page.locator("section.task").nth(1)
    told = words(section)
    assert "Questions with the same answer as in English, right or wrong, in percent, multilingual rules" in told
    assert re.search(r"κ [−\d.]+ · both right \d+%", told)
    assert "Mean over Swahili, Amharic and Chinese," in told, "English is like itself"
    section.locator("tbody tr").filter(has_text="llava-tiny").locator("a.fill").nth(1).click()
    assert board.samples().locator('button[data-show="english"][aria-pressed="true"]').count() == 1


def test_the_lowest_language_leads_to_its_wrong_answers(board: Visit) -> None:
    section = board.page.locator("#across")
    line = section.locator("tbody tr").filter(has_text="llava-tiny")
    assert re.search(r"llava-tiny Amharic [\d.]+ (may be as low|lower than all others)", words(line))
    assert "spread" in words(line) and "κ" in words(line)
    assert "Over English, Swahili, Amharic and Chinese, whatever is filtered" in words(section)
    line.locator("a.fill").first.click()
    dialog = board.samples()
    assert "Amharic" in words(dialog.locator("#samples-title"))
    assert dialog.locator('button[data-show="wrong"][aria-pressed="true"]').count() == 1
    assert dialog.locator("article .chip.wrong").count() > 0


def test_the_citation_can_be_copied(board: Visit) -> None:
    assert "@software{lrmeval" in words(board.page.locator("#cite"))
    board.page.get_by_role("button", name="Copy citation").click()
    board.page.wait_for_function("document.getElementById('copied').textContent !== ''")
    assert words(board.page.locator("#copied")) == "citation copied"
    board.page.locator("#q").focus()
    board.page.keyboard.press("Control+V")
    assert board.page.locator("#q").input_value().startswith("@software{lrmeval")
