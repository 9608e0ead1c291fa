"""Figures 1 and 6: what they draw, and that the files are what their endings say."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from report_run_folders import make_run

from lrm_eval.cli import app
from lrm_eval.commands import entry
from lrm_eval.errors import RunError, UsageError
from lrm_eval.reporting.gather import gather
from lrm_eval.reporting.paper_figures import paper_figure, radar_series

if TYPE_CHECKING:
    from pathlib import Path

    from lrm_eval.runs import RunFolder


@pytest.fixture(scope="module")
def arms(tmp_path_factory: pytest.TempPathFactory) -> list[RunFolder]:
    """Three models trained with other shares of non-English data."""
    found = []
    for share, skill in ((40, 5), (100, 8), (150, 7)):
        manifest = {"model": {"name": f"r{share}", "training": {"non_english_percent": share}}}
        folder = tmp_path_factory.mktemp("arms") / str(share)
        found.append(make_run(folder, f"r{share}", {"en": 9, "zh": skill}, tasks=("tiny-mme",), manifest=manifest))
    return found


def test_the_published_radar_is_figure_1() -> None:
    axes, lines, left_out = radar_series([], True, "mme", None)
    assert axes == ("en", "cs", "de", "fr", "hr", "it", "ro", "ru", "es", "zh")
    assert lines[0].name == "LRM-LLaVA" and len(lines) == 6 and left_out == []
    assert lines[0].values[4] == 1422.3  # table 1: LRM-LLaVA, MME, Croatian


def test_our_runs_take_the_room_of_published_models(tmp_path: Path) -> None:
    skills = {"en": 9, "zh": 9, "sw": 8}
    runs = [make_run(tmp_path / name, name, skills, ("mmbench",), 8) for name in "abc"]
    axes, lines, left_out = radar_series(gather(runs), True, "mmbench", None)
    assert len(axes) == 10
    assert [one.name for one in lines] == ["a", "b", "c", "LRM-LLaVA", "LLaVA-v1.5", "ShareGPT4V"]
    assert left_out == ["LVIS-Instruct4V"]


@pytest.mark.parametrize(("fmt", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_a_radar_in_every_form_and_twice_the_same(good: RunFolder, fmt: str, start: bytes) -> None:
    made = paper_figure("radar", [good], fmt=fmt)
    assert made.startswith(start)
    assert made == paper_figure("radar", [good], fmt=fmt)


def test_a_png_is_not_blank(good: RunFolder) -> None:
    picture = Image.open(io.BytesIO(paper_figure("radar", [good], fmt="png"))).convert("RGB")
    assert (0, 114, 178) in {color for _, color in picture.getcolors(1 << 24) or []}  # the first line's blue


def test_the_ratio_is_drawn_against_the_score(arms: list[RunFolder]) -> None:
    made = paper_figure("ratio", arms, fmt="svg").decode()
    assert made.count("<use") > 6


def test_a_name_with_dollars_and_letters_no_font_has_is_drawn(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a", "$x_{1}$ \U00012000", {"en": 9, "zh": 9, "sw": 8}, tasks=("tiny-mme",))
    assert paper_figure("radar", [run], fmt="svg")


def test_what_cannot_be_drawn_is_refused(good: RunFolder, arms: list[RunFolder], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="other questions than the published"):
        paper_figure("radar", [good], published=True)
    with pytest.raises(UsageError, match="without numbers: name runs"):
        paper_figure("ratio", [], published=True)
    with pytest.raises(RunError, match=r"at least two ratios .* these tell of none"):
        paper_figure("ratio", [good])
    with pytest.raises(RunError, match=r"at least two ratios .* 40 %"):
        paper_figure("ratio", arms[:1])
    with pytest.raises(RunError, match="at least three languages, here are en, zh"):
        paper_figure("radar", arms)
    with pytest.raises(RunError, match="none of these runs has a score on pope"):
        paper_figure("radar", [good], task="pope")
    with pytest.raises(UsageError, match="nothing to draw"):
        paper_figure("radar")
    with pytest.raises(UsageError, match="did you mean 'radar'"):
        paper_figure("rader", [good])
    with pytest.raises(UsageError, match="did you mean 'png'"):
        paper_figure("radar", [good], fmt="pgn")
    seven = [make_run(tmp_path / str(n), f"m{n}", {"en": 9, "zh": 9, "sw": 9}, ("tiny-mme",), 8) for n in range(7)]
    with pytest.raises(UsageError, match="a radar of 7 models cannot be read"):
        paper_figure("radar", seven)


def test_the_verb_goes_by_the_ending(good: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "f.svg"
    assert entry.call(app, ["figure", "radar", str(good.path), "--langs", "en,sw,am", "--out", str(out)]) == 0
    assert out.read_bytes().startswith(b"<?xml")
    assert entry.call(app, ["figure", "radar", str(good.path), "--out", str(tmp_path / "f.jpg")]) == 2
    assert "ends in .png, .svg, .pdf" in capsys.readouterr().err
    assert entry.call(app, ["table", "main", str(good.path), "--out", str(tmp_path / "t.txt")]) == 2
    assert entry.call(app, ["table", "main", str(good.path), "--out", str(tmp_path / "t.tex")]) == 0
    assert (tmp_path / "t.tex").read_text().startswith("% needs")
