"""What a comparison looks like: terminal, page, files."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from typing import TYPE_CHECKING

import pytest
from comparison_run_folders import make_run, mmbench, pope
from rich.console import Console

from lrm_eval.cli import app
from lrm_eval.commands import entry
from lrm_eval.commands.compare import rendered
from lrm_eval.comparison import compare
from lrm_eval.comparison.page import WIDTH
from lrm_eval.comparison.text import print_comparison

if TYPE_CHECKING:
    from pathlib import Path

    from lrm_eval.runs import RunFolder

HOSTILE = "<script>document.title='owned'</script> \u202egnp\u202c & 'q' \"d\" null\x00 half \ud800 _{$%#}^~\\ [x]"


@pytest.fixture
def runs(tmp_path: Path) -> list[RunFolder]:
    found = []
    for name, share in (("a", 2), ("b", 9)):
        right = [place % 10 < share for place in range(60)]
        cells = {("pope", tag): pope(tag, right) for tag in ("en", "sw", "am")}
        cells["mmbench", "en"] = mmbench("en", [[hit, True] for hit in right])
        found.append(make_run(tmp_path / name, cells))
    return found


@pytest.fixture
def hostile(tmp_path: Path) -> list[RunFolder]:
    right = [place % 2 == 0 for place in range(30)]
    lines = [pope("en", right), pope("en", right, response={"text": HOSTILE})]
    for both in lines:
        for line in both:
            line["sample"]["question"] = HOSTILE
    return [
        make_run(tmp_path / str(place), {("pope", "en"): both}, model=f"{place} {HOSTILE}".replace("\ud800", ""))
        for place, both in enumerate(lines)
    ]


def test_the_table_fits_80_columns_and_has_every_number(runs: list[RunFolder]) -> None:
    out = io.StringIO()
    print_comparison(compare(runs), Console(file=out, width=80))
    shown = out.getvalue()
    # Only the two lines that name the folders may be longer: a path is never cut.
    assert max(len(line.rstrip()) for line in shown.splitlines()[2:]) <= 80
    for word in (
        "A  a",
        "B  b",
        "POPE: F1 (percent)",
        "B better",
        "<0.001",
        "mean: of en, am, sw",
        "would most likely",
    ):
        assert word in shown
    assert "●" not in shown


def test_a_wide_terminal_has_a_forest_plot(runs: list[RunFolder]) -> None:
    out = io.StringIO()
    print_comparison(compare(runs), Console(file=out, width=120))
    assert re.search(r"B better .*│.*─●─", out.getvalue())


def test_a_page_is_complete_and_has_no_script(runs: list[RunFolder]) -> None:
    made = rendered(compare(runs), runs, "html")
    assert "default-src 'none'" in html.unescape(made)
    assert "<script" not in made
    assert not re.search(r"(src|href)=\"(?!data:)", made)
    assert made.count("<svg") == 5
    assert "English" in made and "አማርኛ" in made


def test_the_forest_plot_shows_the_interval_to_scale(runs: list[RunFolder]) -> None:
    found = compare(runs)
    made = rendered(found, runs, "html")
    for x in re.findall(r'(?:x1|x2|cx)="([\d.]+)"', made):
        assert 0 <= float(x) <= WIDTH
    # All differences are positive: every point lies right of the zero line.
    assert all(float(point) > WIDTH / 2 for point in re.findall(r'cx="([\d.]+)"', made))


def test_what_models_and_data_wrote_is_escaped(hostile: list[RunFolder]) -> None:
    made = rendered(compare(hostile), hostile, "html")
    assert "<script" not in made and "&lt;script&gt;" in made
    assert "\x00" not in made
    made.encode("utf-8")


def test_latex_is_ascii_without_raw_specials(hostile: list[RunFolder]) -> None:
    made = rendered(compare(hostile), hostile, "latex")
    assert made.isascii()
    assert "_{$" not in made


def test_csv_and_json_hold_what_was_found(runs: list[RunFolder]) -> None:
    found = compare(runs)
    rows = list(csv.DictReader(io.StringIO(rendered(found, runs, "csv"))))
    assert [row["verdict"] for row in rows] == ["B better"] * 5
    told = json.loads(rendered(found, runs, "json"))
    line = told["pairs"][0]["lines"][0]
    assert line["difference"] == found.pairs[0].lines[0].difference.value
    assert (line["language"], line["won"], told["pairs"][0]["lines"][-1]["language"]) == ("en", 42, None)


def test_the_verb_writes_a_page_and_prints_a_table(
    runs: list[RunFolder], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = (str(run.path) for run in runs)
    assert entry.call(app, ["compare", a, b]) == 0
    assert "B better" in capsys.readouterr().out
    out = tmp_path / "x.html"
    assert entry.call(app, ["compare", a, b, "--out", str(out)]) == 0
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--format", "html"], "a page needs a place"),
        (["--out", "x.pdf"], "which format?"),
        (["--format", "htlm"], "did you mean 'html'"),
    ],
)
def test_the_verb_refuses_in_one_line(
    runs: list[RunFolder], args: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert entry.call(app, ["compare", *(str(run.path) for run in runs), *args]) == 2
    err = capsys.readouterr().err
    assert told in err and len(err.splitlines()) == 1
