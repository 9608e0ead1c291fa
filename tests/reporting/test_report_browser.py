"""The page in a real browser: no script error, no violation of its policy, and a reader's walk through it."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from html import unescape
from typing import TYPE_CHECKING

import pytest
from test_report_latex import compile_latex

from lrm_eval.reporting import render
from lrm_eval.reporting.html import csp_hash

if TYPE_CHECKING:
    from pathlib import Path

    from lrm_eval.runs import RunFolder

pytestmark = pytest.mark.browser
CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
QUIET = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
    "--enable-logging=stderr", "--v=0", "--virtual-time-budget=3000",
]  # fmt: skip
EVIL = "evil%3Cb%3E%26_%22%231%22%7C%5Cx"


def visit(page: Path, fragment: str, profile: Path, *options: str) -> tuple[str, list[str]]:
    """The document after its script ran, and what the browser complained about."""
    if CHROMIUM is None:
        pytest.skip("no chromium (Debian: apt-get install chromium fonts-noto-core fonts-noto-cjk)")
    command = [CHROMIUM, *QUIET, *options, f"--user-data-dir={profile}", "--dump-dom", f"{page.as_uri()}#{fragment}"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=120, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture(scope="module")
def page(good: RunFolder, weak: RunFolder, hostile: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = render([good, weak, hostile], "html", tmp_path_factory.mktemp("page") / "report.html")
    assert not isinstance(made, str)
    return made


def words(markup: str) -> str:
    """What a reader sees of some markup, blanks evened out."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", markup))).strip()


def tables(document: str) -> list[str]:
    return [words(table) for table in re.findall(r'<table class="board">(.*?)</table>', document, re.DOTALL)]


def dialog(document: str) -> str:
    found = re.search(r'<dialog id="samples"[^>]* open="".*?</dialog>', document, re.DOTALL)
    assert found, "no samples are open"
    return found.group()


def test_the_page_opens_without_errors_and_the_script_draws_what_the_page_came_with(page: Path, tmp_path: Path) -> None:
    drawn, complaints = visit(page, "", tmp_path / "p")
    assert complaints == []
    assert tables(drawn) == tables(page.read_text(encoding="utf-8"))
    assert drawn.count("<figure") == 2
    assert 'id="controls" role="search">' in drawn  # no longer hidden: the script ran to its end


def test_a_page_whose_script_was_changed_is_stopped_by_its_policy(page: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed.html"
    changed.write_text(page.read_text(encoding="utf-8").replace('"use strict";', '"use strict"; ', 1), encoding="utf-8")
    drawn, complaints = visit(changed, "", tmp_path / "p")
    assert any("Content Security Policy" in line for line in complaints)
    assert "<figure" not in drawn


def test_a_link_to_a_cell_opens_its_samples(page: Path, tmp_path: Path) -> None:
    drawn, complaints = visit(page, "cell=tiny-mmbench/he/llava-tiny&show=wrong", tmp_path / "p")
    assert complaints == []
    opened = dialog(drawn)
    articles = re.findall(r"<article.*?</article>", opened, re.DOTALL)
    assert len(articles) == 20
    for article in articles:
        assert 'src="data:image/webp;base64,' in article
        assert '<bdi lang="he" dir="auto" class="t">האם יש בתמונה עיגול אדום?</bdi>' in article
        assert "chip wrong" in article and 'class="gold"' in article
        assert "The same question in 4 other languages" in article
        assert "What the other model answered" in article
        assert "USER: &lt;image&gt;" in article
    assert "by rule letter" in words(articles[0])


def test_hostile_answers_are_shown_as_text_and_do_nothing(page: Path, tmp_path: Path) -> None:
    drawn, complaints = visit(page, f"cell=tiny-mmbench/am/{EVIL}&show=unparsed", tmp_path / "p")
    assert complaints == []
    opened = dialog(drawn)
    assert "<title>3 models in 5 languages</title>" in drawn
    assert "&lt;/script&gt;&lt;script&gt;document.title='owned'&lt;/script&gt;" in opened
    assert "&lt;img src=x onerror=" in opened
    assert "\u202e" not in opened
    assert ">U+202E</span>" in opened and ">U+0000</span>" in opened


def test_official_rules_and_gap_are_in_the_link(page: Path, tmp_path: Path) -> None:
    drawn, complaints = visit(page, "rules=official&view=gap", tmp_path / "p")
    assert complaints == []
    assert "official rules, 95 % intervals" in words(drawn)
    mmbench = tables(drawn)[1]
    assert re.search(r"lrm-llava .*95\.0 .*−12\.5 ", mmbench)


def test_filters_choose_languages_and_models_and_the_mean_names_its_set(page: Path, tmp_path: Path) -> None:
    drawn, _ = visit(page, "q=sw%20am%20llava", tmp_path / "p")
    first = tables(drawn)[0]
    assert "Swahili" in first and "Amharic" in first and "Chinese" not in first and "evil" not in first
    assert "Mean over Swahili and Amharic (of those shown; without an interval)" in words(drawn)


def test_a_word_that_names_nothing_is_said(page: Path, tmp_path: Path) -> None:
    drawn, _ = visit(page, "q=klingon", tmp_path / "p")
    assert "nothing is called klingon" in words(drawn)
    assert "Swahili" in tables(drawn)[0]


def test_sorting_and_turning_are_in_the_link(page: Path, tmp_path: Path) -> None:
    drawn, _ = visit(page, "sort=tiny-mmbench:sw:asc", tmp_path / "p")
    names = re.findall(r"(lrm-llava|llava-tiny|evil\S+) ", tables(drawn)[1])
    assert names[0] == "llava-tiny"
    assert 'aria-sort="ascending"' in drawn
    turned, _ = visit(page, "rows=languages&sort=tiny-mmbench:llava-tiny:asc", tmp_path / "p2")
    assert re.findall(r"English|Swahili|Amharic|Chinese|Hebrew", tables(turned)[1])[0] == "Hebrew"


def test_a_damaged_link_shows_the_tables(page: Path, tmp_path: Path) -> None:
    drawn, complaints = visit(page, "cell=nothing/xx/y&rules=none&page=-3&sort=a&metric=:", tmp_path / "p")
    assert complaints == []
    assert tables(drawn) == tables(page.read_text(encoding="utf-8"))
    assert '<dialog id="samples" aria-labelledby="samples-title"></dialog>' in drawn


@pytest.fixture(scope="module")
def exports(page: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the four download buttons give for one view: the page's own writers, called by one line more of script."""
    text = page.read_text(encoding="utf-8")
    script = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)[0]
    probe = (
        "const made = board.tables.map(viewOf); document.body.dataset.made = "
        "JSON.stringify(Object.fromEntries(Object.entries(WRITERS).map(([name, write]) => [name, write(made)])));\n"
        "})();"
    )
    longer = script.rstrip().removesuffix("})();") + probe
    folder = tmp_path_factory.mktemp("exports")
    changed = text.replace(script, longer).replace(csp_hash(script), csp_hash(longer))
    (folder / "page.html").write_text(changed, encoding="utf-8")
    drawn, complaints = visit(folder / "page.html", "q=sw%20en", folder / "p")
    assert complaints == []
    found = re.search(r'data-made="([^"]*)"', drawn)
    assert found
    result: dict[str, str] = json.loads(unescape(found.group(1)))
    return result


def test_downloads_hold_the_current_view(exports: dict[str, str], good: RunFolder) -> None:
    rows = list(csv.DictReader(io.StringIO(exports["csv"])))
    assert {row["language"] for row in rows} == {"en", "sw"}
    known = {
        (row.task, row.language): row.value for row in good.scores() if row.primary and row.rules == "multilingual"
    }
    mine = {(row["task"], row["language"]): float(row["value"]) for row in rows if row["model"] == "lrm-llava"}
    assert mine == {key: value for key, value in known.items() if key[1] in {"en", "sw"}}
    assert json.loads(exports["json"])["tables"][0]["languages"] == ["en", "sw"]


def test_downloaded_markdown_is_as_the_command_writes_it(exports: dict[str, str]) -> None:
    assert "| model | English (en) | Swahili (sw) | mean | gap |" in exports["md"]
    assert "evil&lt;b&gt;&amp;\\_" in exports["md"]


@pytest.mark.latex
def test_downloaded_latex_compiles(exports: dict[str, str], tmp_path: Path) -> None:
    assert exports["tex"].isascii()
    compile_latex(exports["tex"], tmp_path, "pdflatex")
