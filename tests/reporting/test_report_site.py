"""A folder of runs as a static site."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest
from report_run_folders import make_run

from lrm_eval.cli import app
from lrm_eval.commands import entry
from lrm_eval.errors import RunError, UsageError
from lrm_eval.reporting.site import MOST_COMPARED, build_site, find_runs

if TYPE_CHECKING:
    from pathlib import Path

    from lrm_eval.runs import RunFolder


@pytest.fixture(scope="module")
def site(good: RunFolder, weak: RunFolder, hostile: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    build_site([good, weak, hostile], out)
    return out


def test_every_link_of_the_index_leads_to_a_file_of_the_site(site: Path) -> None:
    index = (site / "index.html").read_text(encoding="utf-8")
    links = re.findall(r'href="([^"]+)"', index)
    assert "leaderboard.html" in links and "runs/lrm-llava.html" in links and "tables/scores.csv" in links
    assert all((site / html.unescape(link)).is_file() for link in links)
    files = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    assert files - set(links) == {"index.html", ".nojekyll"}


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        made = html.unescape(path.read_text(encoding="utf-8"))
        assert "default-src 'none'" in made
        assert not re.search(r'<(?:script|img|link)[^>]+(?:src|href)="(?!data:)', made)


def test_names_become_files_that_every_server_takes_and_stay_text_on_the_page(site: Path) -> None:
    assert {path.name for path in (site / "runs").iterdir()} == {
        "lrm-llava.html", "llava-tiny.html", "evil-b-1-x.html"
    }  # fmt: skip
    index = (site / "index.html").read_text(encoding="utf-8")
    assert "evil<b>" not in index and "evil&lt;b&gt;" in index


def test_runs_that_cannot_be_compared_are_listed_with_the_reason(good: RunFolder, tmp_path: Path) -> None:
    fewer = make_run(tmp_path / "fewer", "fewer", {"en": 9}, count=40)
    build_site([good, fewer], tmp_path / "site")
    index = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "not compared" in index and "only in lrm-llava" in index


def test_many_runs_are_not_compared_pair_by_pair(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / str(n), f"m{n}", {"en": 9}, ("tiny-mmbench",), 8) for n in range(MOST_COMPARED + 1)]
    build_site(runs, tmp_path / "site")
    assert not (tmp_path / "site" / "compare").exists()


def test_two_runs_of_one_name_get_two_pages(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / name / "run", "m", {"en": 9}, ("tiny-mmbench",), 8) for name in "ab"]
    build_site(runs, tmp_path / "site")
    assert len(list((tmp_path / "site" / "runs").iterdir())) == 2


def test_the_same_runs_give_the_same_site(good: RunFolder, tmp_path: Path) -> None:
    for name in ("one", "two"):
        build_site([good], tmp_path / name)
    for path in (tmp_path / "one").rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()


def test_a_folder_of_runs_stands_for_the_runs_in_it(tmp_path: Path) -> None:
    for name in ("b", "a"):
        make_run(tmp_path / name, name, {"en": 9}, ("tiny-mmbench",), 8)
    (tmp_path / "published").mkdir()
    assert [run.path.name for run in find_runs([tmp_path])] == ["a", "b"]
    assert [run.path.name for run in find_runs([tmp_path / "b", tmp_path])] == ["b", "a"]


def test_what_is_no_site_is_refused(good: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a run folder: give the site a folder of its own"):
        build_site([good], good.path)
    with pytest.raises(UsageError, match=r"neither a run folder .* nor a folder of runs"):
        find_runs([tmp_path])
    with pytest.raises(UsageError, match="does not exist"):
        find_runs([tmp_path / "absent"])
    with pytest.raises(UsageError, match="no run given"):
        build_site([], tmp_path / "site")
    empty = make_run(tmp_path / "r", "r", {"en": 9}, ("tiny-mmbench",), 8)
    empty.scores_path.write_text('{"schema": 2, "scores": []}', encoding="utf-8")
    with pytest.raises(RunError, match="has no scores"):
        build_site([empty], tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_the_verb(good: RunFolder, weak: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [str(good.path), str(weak.path)]
    assert entry.call(app, ["report", *runs, "--site", str(tmp_path / "site")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'site' / 'index.html'}: 10 files\n"
    assert entry.call(app, ["report", *runs, "--site", str(tmp_path / "site"), "--format", "md"]) == 2
    assert entry.call(app, ["report", *runs]) == 2
    assert "--site site" in capsys.readouterr().err
