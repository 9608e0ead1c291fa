"""The leaderboard in a real browser without a network: a reader's walk through it, by clicking."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from report_browser import visit, words
from report_run_folders import make_run

from lrm_eval.reporting import render

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser
    from report_browser import Visit

    from lrm_eval.runs import RunFolder

pytestmark = pytest.mark.browser
EVIL = "evil%3Cb%3E%26_%22%231%22%7C%5Cx"
DRAWN = "section.task figure svg"


@pytest.fixture(scope="module")
def page(good: RunFolder, weak: RunFolder, hostile: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = render([weak, good, hostile], "html", tmp_path_factory.mktemp("page") / "report.html")
    assert not isinstance(made, str)
    return made


@pytest.fixture
def board(browser: Browser, page: Path) -> Iterator[Visit]:
    """The page as it opens, in a window of 1280 x 900; nothing may have complained by the end of the test."""
    opened = visit(browser, page, viewport={"width": 1280, "height": 900})
    opened.page.locator(DRAWN).first.wait_for()
    yield opened
    assert opened.complaints == []
    assert [url for url in opened.asked if not url.startswith(("file:", "data:", "blob:"))] == []
    opened.page.context.close()


def open_cell(board: Visit, task: int, model: str, column: int) -> None:
    row = board.page.locator("section.task").nth(task).locator("tbody tr").filter(has_text=model)
    row.locator("a.fill").nth(column).click()
    board.samples()


def test_the_script_draws_what_the_page_came_with(browser: Browser, board: Visit, page: Path) -> None:
    still = visit(browser, page, java_script_enabled=False, viewport={"width": 1280, "height": 900})
    assert [still.table(place) for place in (0, 1)] == [board.table(place) for place in (0, 1)]
    assert "Scripts are off" in words(still.page.locator("main"))
    still.page.context.close()


def test_a_page_whose_script_was_changed_is_stopped_by_its_policy(browser: Browser, page: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed.html"
    changed.write_text(page.read_text(encoding="utf-8").replace('"use strict";', '"use strict"; ', 1), encoding="utf-8")
    opened = visit(browser, changed)
    assert any("Content Security Policy" in line for line in opened.complaints)
    assert opened.page.locator("figure").count() == 0
    opened.page.context.close()


def test_a_browser_that_cannot_inflate_is_told_so_and_keeps_the_tables(browser: Browser, page: Path) -> None:
    context = browser.new_context(offline=True)
    context.add_init_script("delete window.DecompressionStream")
    old = context.new_page()
    old.goto(page.as_uri())
    assert "too old" in words(old.locator("#old"))
    assert "lrm-llava" in words(old.locator("section.task").first)
    context.close()


def test_clicking_a_heading_sorts_best_first_then_worst_first_then_as_before(board: Visit) -> None:
    swahili = board.page.locator("section.task").nth(1).get_by_role("button", name=re.compile("Swahili"))
    assert board.names(1)[0] == "lrm-llava"
    for expected, state in (("lrm-llava", "descending"), ("llava-tiny", "ascending")):
        swahili.click()
        assert board.names(1)[0] == expected
        assert board.page.locator(f'section.task th[aria-sort="{state}"]').count() == 1
    assert "sort=tiny-mmbench:sw:asc" in board.hash()
    swahili.click()
    assert "sort" not in board.hash()
    # The heading keeps the keyboard although the table was drawn anew.
    assert board.page.evaluate("document.activeElement.dataset.col") == "sw"


def test_opening_a_cell_of_one_table_leaves_the_order_of_another_and_back_closes_it(board: Visit) -> None:
    name = re.compile("Swahili")
    for _ in range(2):
        board.page.locator("section.task").nth(1).get_by_role("button", name=name).click()
    open_cell(board, 0, "lrm-llava", 1)
    assert board.names(1)[0] == "llava-tiny"
    assert "sort=tiny-mmbench:sw:asc" in board.hash() and "cell=tiny-mme/" in board.hash()
    board.page.go_back()
    board.page.wait_for_function("!document.getElementById('samples').open")
    assert board.names(1)[0] == "llava-tiny"


def test_searching_chooses_languages_and_models_and_the_mean_names_its_set(board: Visit) -> None:
    board.page.keyboard.press("/")
    board.page.keyboard.type("sw zh llava")
    board.page.wait_for_function("location.hash.endsWith('llava')")
    first = board.table(0)
    assert "Swahili" in first and "Chinese" in first and "Amharic" not in first and "evil" not in first
    assert "Mean over Swahili and Chinese (of those shown; without an interval)" in words(board.page.locator("main"))


def test_a_word_that_names_nothing_is_said(board: Visit) -> None:
    board.page.locator("#q").fill("klingon")
    board.page.wait_for_function("document.getElementById('found').textContent !== ''")
    assert words(board.page.locator("#found")) == "nothing is called klingon"
    assert "Swahili" in board.table(0)


def test_filtering_by_script_keeps_interval_and_rank_of_the_mean(board: Visit) -> None:
    board.page.locator("#script").select_option("Latn")
    assert re.search(r"English en Swahili Kiswahili · sw lrm-llava 1 group 1 [\d.]+ \[", board.table(1))
    assert "Mean over English and Swahili (script Latn), which" in words(board.page.locator("section.task").nth(1))


def test_filtering_by_what_the_makers_name(board: Visit) -> None:
    board.page.locator("#training").select_option("unnamed")
    assert "Hebrew" in board.table(0) and "Swahili" not in board.table(0)
    board.page.locator("#training").select_option("named")
    assert "English" in board.table(0) and "Swahili" not in board.table(0)


def test_gap_chance_and_unread_replace_the_numbers(board: Visit) -> None:
    seen = {board.table(1)}
    for name, told in (
        ("gap to English", "paired by image"),
        ("chance-corrected", "0 is guessing on the same questions"),
        ("not read", "Answers without a reading in percent"),
    ):
        board.page.get_by_role("button", name=name, exact=True).click()
        assert told in words(board.page.locator("section.task").nth(1))
        seen.add(board.table(1))
    assert len(seen) == 4
    assert re.search(r"evil\S+ .*unparsed 1\d%", board.table(1))


def test_the_fidelity_gated_view_shows_what_was_right_in_another_language(board: Visit) -> None:
    board.page.get_by_role("button", name="fidelity-gated").click()
    told = words(board.page.locator("section.task").nth(0))
    assert "Questions answered rightly and in the language asked, whatever the metric, in percent" in told
    assert "0.0 in another language" in told


def test_numbers_that_no_cell_has_are_not_offered(browser: Browser, tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", "m", {"sw": 9, "am": 8}, ("tiny-mme",), count=20)
    scores = json.loads(run.scores_path.read_text(encoding="utf-8"))
    scores["scores"] = [row for row in scores["scores"] if not row["metric"].startswith("gated")]
    run.scores_path.write_text(json.dumps(scores), encoding="utf-8")
    render([run], "html", tmp_path / "page.html")
    opened = visit(browser, tmp_path / "page.html", "view=fidelity")
    opened.page.locator("figure svg").first.wait_for()
    offered = opened.page.locator("#view button:visible").all_inner_texts()
    assert offered == ["score", "chance-corrected", "not read"], "no gap without English"
    assert opened.page.locator('#view button[aria-pressed="true"]').inner_text() == "score"
    opened.page.context.close()


def test_the_rank_shows_ties_and_bold_shows_what_cannot_be_told_apart(board: Visit) -> None:
    mmbench = board.page.locator("section.task").nth(1)
    assert mmbench.locator("tbody tr").first.locator("td").first.inner_text().split() == ["1", "group", "1"]
    english = mmbench.locator("tbody tr").filter(has_text="l").locator("td:nth-of-type(4) .best")
    assert english.count() >= 2, "both are right in English on nearly everything"
    assert "Bold: the best of its column" in words(board.page.locator("#legend"))


def test_dots_are_the_default_and_a_radar_is_there_for_who_asks(board: Visit) -> None:
    assert board.page.locator("figure .whisker").count() > 0
    board.page.get_by_role("button", name="radar").click()
    assert board.page.locator("section.task").first.locator("figure .web").count() == 3
    assert board.page.locator("figure .whisker").count() == 0
    board.page.locator("#plot").get_by_role("button", name="none").click()
    assert board.page.locator("figure").count() == 0


def test_the_axis_of_scores_near_the_top_ends_at_the_top(browser: Browser, tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", "m", {"en": 10, "sw": 10}, ("tiny-mmbench",), count=20)
    scores = json.loads(run.scores_path.read_text(encoding="utf-8"))
    for row in scores["scores"]:
        row.update(value=100.0, ci_low=99.0, ci_high=100.0)
    run.scores_path.write_text(json.dumps(scores), encoding="utf-8")
    render([run], "html", tmp_path / "page.html")
    opened = visit(browser, tmp_path / "page.html")
    opened.page.locator(DRAWN).first.wait_for()
    ticks = opened.page.locator("section.task figure text.axis").all_text_contents()
    numbers = [float(tick) for tick in ticks if re.fullmatch(r"[0-9.]+", tick)]
    assert numbers, ticks
    assert max(numbers) <= 100, numbers
    opened.page.context.close()


def test_the_overview_has_the_best_model_first_and_leads_to_its_lowest_language(board: Visit) -> None:
    lines = board.page.locator("#overview tbody tr")
    assert words(lines.first).startswith("lrm-llava")
    assert re.search(r"lowest: Hebrew [\d.]+", words(lines.first))
    lines.first.get_by_role("link", name="lowest: Hebrew").last.click()
    assert "MMBench, tiny · Hebrew" in words(board.samples().locator("#samples-title"))


def test_rows_can_be_languages(board: Visit) -> None:
    board.page.locator("#rows").get_by_role("button", name="languages").click()
    assert [name.split("\n")[0] for name in board.names(1)] == [
        *("Rank", "Mean", "Gap"), *("English", "Swahili", "Amharic", "Chinese", "Hebrew")
    ]  # fmt: skip


def test_parser_health_names_causes_and_leads_to_the_answers(board: Visit) -> None:
    health = board.page.locator("#health")
    assert re.search(r"evil\S+ \d+% unparsed \d+%, error", words(health.locator("table")))
    health.locator("li a").filter(has_text="evil").first.click()
    dialog = board.samples()
    assert dialog.locator('button[data-show="unparsed"][aria-pressed="true"]').count() == 1
    assert dialog.locator("article .chip.unparsed").count() > 0


def test_the_address_brings_the_view_back(board: Visit, browser: Browser, page: Path) -> None:
    board.page.locator("#script").select_option("Latn")
    board.page.get_by_role("button", name="gap to English", exact=True).click()
    board.page.get_by_role("button", name="official rules").click()
    board.page.get_by_role("button", name="radar").click()
    board.page.locator('select[data-metric="tiny-mme"]').select_option("color")
    board.page.locator("section.task").first.get_by_role("button", name=re.compile("Swahili")).click()
    again = visit(browser, page, board.hash().removeprefix("#"), viewport={"width": 1280, "height": 900})
    again.page.locator("section.task figure").first.wait_for()
    assert words(again.page.locator("main")) == words(board.page.locator("main"))
    assert again.page.locator('#view button[aria-pressed="true"]').inner_text() == "gap to English"
    again.page.context.close()


def test_a_damaged_address_shows_the_tables(browser: Browser, board: Visit, page: Path) -> None:
    damaged = "cell=nothing/xx/y&rules=none&page=-3&sort=a&metric=:&view=x&family=%FF&training=no&show=%00"
    again = visit(browser, page, damaged, viewport={"width": 1280, "height": 900})
    again.page.locator(DRAWN).first.wait_for()
    assert again.complaints == []
    assert again.table(1) == board.table(1)
    assert not again.page.locator("#samples").is_visible()
    again.page.context.close()


def test_arrow_keys_walk_through_a_table_and_enter_opens_a_cell(board: Visit) -> None:
    board.page.locator("section.task").nth(1).locator("tbody a.fill").first.focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "ArrowLeft", "ArrowRight"):
        board.page.keyboard.press(key)
    board.page.keyboard.press("Enter")
    title = words(board.samples().locator("#samples-title"))
    assert "MMBench, tiny · Swahili Kiswahili" in title
    board.page.keyboard.press("Escape")
    assert not board.page.locator("#samples").is_visible()
    assert "tiny-mmbench/sw/" in board.page.evaluate("document.activeElement.hash")
    assert "cell=" not in board.hash()


def test_names_in_right_to_left_scripts_run_from_right_to_left(board: Visit) -> None:
    autonym = board.page.locator("section.task").first.locator('th bdi[lang="he"]')
    assert autonym.evaluate("node => getComputedStyle(node).direction") == "rtl"


def test_nothing_runs_over_the_edge_of_a_narrow_window(browser: Browser, page: Path) -> None:
    for fragment in ("", "rows=models&view=chance", f"cell=tiny-mmbench/am/{EVIL}"):
        narrow = visit(browser, page, fragment, viewport={"width": 320, "height": 640})
        narrow.page.locator("section.task figure").first.wait_for(state="attached")
        if "cell" in fragment:
            narrow.samples()
            assert narrow.page.evaluate("document.querySelector('dialog').scrollWidth") <= 320
        assert narrow.page.evaluate("document.documentElement.scrollWidth") <= 320, fragment
        narrow.page.context.close()


def test_dark_and_print(board: Visit) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    assert board.page.evaluate(paper) == "rgb(252, 252, 250)"
    board.page.emulate_media(color_scheme="dark")
    assert board.page.evaluate(paper) == "rgb(20, 23, 26)"
    board.page.emulate_media(media="print", color_scheme="dark")
    assert board.page.evaluate(paper) == "rgb(255, 255, 255)"
    assert not board.page.locator("#controls").is_visible()
    assert board.page.locator("section.task table").first.is_visible()
