"""A cell's samples and the downloads of the leaderboard, in a real browser without a network."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from report_browser import visit, words
from report_run_folders import HOSTILE
from test_report_latex import compile_latex

from lrm_eval.reporting import render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser
    from report_browser import Visit

    from lrm_eval.runs import RunFolder

pytestmark = pytest.mark.browser
EVIL = "evil%3Cb%3E%26_%22%231%22%7C%5Cx"


@pytest.fixture(scope="module")
def page(good: RunFolder, weak: RunFolder, hostile: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = render([good, weak, hostile], "html", tmp_path_factory.mktemp("page") / "report.html")
    assert not isinstance(made, str)
    return made


@pytest.fixture(scope="module")
def shared(browser: Browser, page: Path) -> Iterator[Visit]:
    opened = visit(browser, page, viewport={"width": 1280, "height": 900}, accept_downloads=True)
    opened.page.locator("section.task figure svg").first.wait_for()
    yield opened
    opened.page.context.close()


@pytest.fixture
def board(shared: Visit) -> Iterator[Visit]:
    """The page as it opens; nothing may have complained by the end of the test."""
    shared.page.evaluate("location.hash = ''")
    yield shared
    assert shared.complaints == []


def go(board: Visit, fragment: str) -> None:
    board.page.evaluate("where => { location.hash = where }", fragment)
    board.samples()


def test_a_sample_shows_all_there_is_to_know(board: Visit) -> None:
    row = board.page.locator("section.task").nth(1).locator("tbody tr").filter(has_text="llava-tiny")
    row.locator("a.fill").nth(4).click()
    dialog = board.samples()
    dialog.get_by_role("button", name=re.compile("^wrong")).click()
    article = dialog.locator("article").first
    assert dialog.locator("article").count() == 20
    assert article.locator("img").evaluate("node => node.decode().then(() => node.naturalWidth)") == 96
    assert article.locator('bdi[lang="he"]').first.inner_text() == "האם יש בתמונה עיגול אדום?"
    assert article.locator("li.gold .tag").inner_text() == "gold"
    assert article.locator("li.bad .tag").inner_text() == "read"
    assert words(article.locator(".answer")) == "C"
    assert re.match(
        r"wrong read as C, gold [AB], by rule letter, language of the answer not", words(article.locator(".read"))
    )
    prompt, elsewhere, others = (article.locator("details").nth(place) for place in range(3))
    for part in (prompt, elsewhere, others):
        part.locator("summary").click()
    assert (
        prompt.locator("pre").inner_text().startswith("A chat. USER: <image>\nהאם יש בתמונה עיגול אדום?\nAnswer with")
    )
    assert elsewhere.locator("tr").count() == 4
    assert "Je, kuna duara jekundu kwenye picha?" in words(elsewhere)
    assert words(others).startswith("What the other model answered lrm-llava")


def test_the_language_of_an_answer_is_named(board: Visit) -> None:
    go(board, "cell=tiny-mme/sw/lrm-llava&show=right")
    assert "by rule lexicon:Ndiyo, answer in Swahili" in words(board.page.locator("article .read").first)


def test_filters_count_what_they_show(board: Visit) -> None:
    go(board, "cell=tiny-mmbench/sw/llava-tiny")
    for button in board.page.locator("dialog button[data-show]").all():
        name = button.get_attribute("data-show")
        count = int(button.inner_text().split()[-1])
        go(board, f"cell=tiny-mmbench/sw/llava-tiny&show={name}&page=9")
        pages = (count + 19) // 20
        here = board.page.locator("article").count()
        assert here == (count - 20 * (max(pages, 1) - 1) if count else 0), name


def test_where_one_model_is_right_and_the_other_wrong(board: Visit) -> None:
    go(board, "cell=tiny-mmbench/am/llava-tiny")
    board.page.locator('[data-go="with"]').select_option("lrm-llava")
    board.page.get_by_role("button", name=re.compile("right there, not here")).click()
    articles = board.page.locator("article").all()
    assert articles
    for article in articles:
        assert "right" not in words(article.locator(".read .chip"))
        other = article.locator("details").last.locator("tr").first
        assert words(other).startswith("lrm-llava") and "right" in words(other)
    assert "with=lrm-llava" in board.hash() and "show=theirs" in board.hash()


def test_another_language_and_model_can_be_chosen_in_place(board: Visit) -> None:
    go(board, "cell=tiny-mmbench/am/llava-tiny")
    board.page.locator('[data-go="language"]').select_option("zh")
    board.page.locator('[data-go="model"]').select_option("lrm-llava")
    assert words(board.page.locator("#samples-title")) == "lrm-llava · MMBench, tiny · Chinese 中文"
    assert board.hash() == "#cell=tiny-mmbench/zh/lrm-llava"


def test_one_question_has_an_address_of_its_own(board: Visit) -> None:
    go(board, "cell=tiny-mmbench/am/llava-tiny")
    link = board.page.locator("article .id a").nth(2)
    name = link.inner_text()
    link.click()
    board.page.wait_for_function("document.querySelectorAll('article').length === 1")
    assert board.page.locator("article").get_attribute("data-item") == name
    board.page.get_by_role("button", name="show all").click()
    assert board.page.locator("article").count() == 20


def test_pages_of_samples_are_turned_by_buttons(board: Visit) -> None:
    go(board, "cell=tiny-mmbench/am/llava-tiny")
    first = board.page.locator("article").first.get_attribute("data-item")
    board.page.get_by_role("button", name="after").click()
    assert "page 2 of 4" in words(board.page.locator(".pager"))
    assert board.page.locator("article").first.get_attribute("data-item") != first
    assert board.page.evaluate("document.activeElement.dataset.page") == "3", "the keyboard stays where it was"


def test_hostile_answers_are_shown_as_text_and_do_nothing(board: Visit) -> None:
    seen = ""
    for number in range(1, 3):
        go(board, f"cell=tiny-mmbench/am/{EVIL}&show=unparsed&page={number}")
        seen += board.page.locator("dialog .body").inner_text()
    assert board.page.title() == "3 models in 5 languages"
    assert HOSTILE[0] in seen and HOSTILE[1] in seen
    assert "\u202e" not in seen and "U+202E" in seen and "U+0000" in seen
    assert "… the first part of 9000 characters" in seen
    assert board.page.locator("dialog b, dialog script, dialog iframe").filter(has_text="bold").count() == 0


@pytest.fixture(scope="module")
def downloads(shared: Visit) -> dict[str, str]:
    """What the four buttons give of one view: English and Swahili."""
    shared.page.evaluate("location.hash = 'q=sw%20en'")
    found = {}
    for name in ("CSV", "JSON", "Markdown", "LaTeX"):
        with shared.page.expect_download() as waiting:
            shared.page.locator("#downloads").get_by_role("button", name=name).click()
        path = Path(waiting.value.path())
        found[waiting.value.suggested_filename] = path.read_text(encoding="utf-8")
    return found


def test_a_downloaded_table_holds_the_current_view_unrounded(downloads: dict[str, str], good: RunFolder) -> None:
    rows = list(csv.DictReader(io.StringIO(downloads["leaderboard.csv"])))
    assert {row["language"] for row in rows} == {"en", "sw"}
    known = {
        (row.task, row.language): row.value for row in good.scores() if row.primary and row.rules == "multilingual"
    }
    mine = {(row["task"], row["language"]): float(row["value"]) for row in rows if row["model"] == "lrm-llava"}
    assert mine == {key: value for key, value in known.items() if key[1] in {"en", "sw"}}


def test_downloaded_json_says_which_view_it_is(downloads: dict[str, str]) -> None:
    made = json.loads(downloads["leaderboard.json"])
    assert made["tables"][0]["languages"] == ["en", "sw"]
    assert (made["rules"], made["view"]) == ("multilingual", "#q=sw%20en")


def test_downloaded_markdown_has_ranks_and_bold(downloads: dict[str, str]) -> None:
    assert "| model | rank | mean | gap | English (en) | Swahili (sw) |" in downloads["leaderboard.md"]
    assert "evil&lt;b&gt;&amp;\\_" in downloads["leaderboard.md"]
    assert "| lrm-llava | 1 | **" in downloads["leaderboard.md"]


@pytest.mark.latex
def test_downloaded_latex_compiles(downloads: dict[str, str], tmp_path: Path) -> None:
    assert downloads["leaderboard.tex"].isascii()
    compile_latex(downloads["leaderboard.tex"], tmp_path, "pdflatex")
