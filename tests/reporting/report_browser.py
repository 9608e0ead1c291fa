"""A page in a real browser that has no network: what it complained about, what it asked for, and its words."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from playwright.sync_api import Browser, Locator, Page

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


@dataclass
class Visit:
    """An open page."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def table(self, place: int) -> str:
        """The words of one task's table, blanks evened out."""
        return words(self.page.locator("section.task table.board").nth(place))

    def names(self, place: int) -> list[str]:
        """The models of one task's table, from the top."""
        return self.page.locator("section.task").nth(place).locator("tbody th").all_inner_texts()

    def samples(self) -> Locator:
        """The open dialog of samples, drawn."""
        dialog = self.page.locator("dialog#samples")
        dialog.locator(".bar").wait_for()
        return dialog

    def hash(self) -> str:
        """What the address says of the view."""
        return str(self.page.evaluate("location.hash"))


def words(part: Locator) -> str:
    """The text of a part of the page, blanks evened out."""
    return re.sub(r"\s+", " ", part.inner_text()).strip()


def start() -> Iterator[Browser]:
    """The browser; skips where there is none."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no chromium (Debian: apt-get install chromium fonts-noto-core fonts-noto-cjk)")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def visit(browser: Browser, page: Path, fragment: str = "", **options: Any) -> Visit:
    """Opens a page from disk in a context of its own, offline, and waits until its script has drawn."""
    context = browser.new_context(offline=True, **options)
    # A loaded machine may take long for what takes no time.
    context.set_default_timeout(60_000)
    opened = Visit(context.new_page())
    opened.page.on("console", lambda message: opened.complaints.append(message.text))
    opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    opened.page.on("request", lambda request: opened.asked.append(request.url))
    opened.page.goto(f"{page.as_uri()}{'#' if fragment else ''}{fragment}")
    return opened
