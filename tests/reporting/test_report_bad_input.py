"""Runs that are odd or damaged: each is shown honestly, or refused with the reason."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from report_browser import visit, words
from report_run_folders import make_run
from test_report_html import unpacked

from lrm_eval.errors import RunError
from lrm_eval.reporting import paper_table, render
from lrm_eval.runs import RunFolder
from lrm_eval.runs.codec import dumps_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Browser


ONE = ("tiny-mme",)


def page_of(*runs: RunFolder) -> str:
    made = render(list(runs), "html")
    assert isinstance(made, str)
    return made


def primary(page: str, place: int = 0) -> dict[str, Any]:
    table = unpacked(page, "board")["tables"][place]
    found: dict[str, Any] = next(one for one in table["metrics"]["multilingual"] if one["primary"])
    return found


def change_scores(run: RunFolder, change: Callable[[dict[str, Any]], Any]) -> None:
    data = json.loads(run.scores_path.read_text(encoding="utf-8"))
    for row in data["scores"]:
        change(row)
    run.scores_path.write_text(json.dumps(data), encoding="utf-8")


def test_runs_of_other_tasks_stand_in_tables_of_their_own(tmp_path: Path) -> None:
    page = page_of(
        make_run(tmp_path / "a", "a", {"en": 9, "sw": 9}, ONE, count=20),
        make_run(tmp_path / "b", "b", {"en": 9, "am": 9}, ("tiny-mmbench",), count=20),
    )
    tables = unpacked(page, "board")["tables"]
    assert [[row["model"] for row in primary(page, place)["rows"]] for place in (0, 1)] == [[0], [1]]
    assert [table["languages"] for table in tables] == [["en", "sw"], ["en", "am"]]


def test_models_without_a_common_language_have_no_mean_and_no_rank(tmp_path: Path) -> None:
    page = page_of(
        make_run(tmp_path / "a", "a", {"sw": 9}, ONE, count=20), make_run(tmp_path / "b", "b", {"am": 9}, ONE, count=20)
    )
    assert [row["sums"] for row in primary(page)["rows"]] == [[None, None, None, None]] * 2
    assert "No mean: no language is common to all models here." in page
    assert 'data-col="rank"' not in page and 'data-col="mean"' not in page


def test_one_image_has_no_interval_and_says_so(tmp_path: Path) -> None:
    page = page_of(make_run(tmp_path / "r", "m", {"en": 10, "sw": 10}, ONE, count=2))
    cell = primary(page)["rows"][0]["cells"]["en"]
    assert cell[1:3] == [None, None]
    assert "no honest interval exists for this number" in page
    assert "on 1 image." in page


def test_perfect_and_hopeless_scores_have_intervals_of_some_length(tmp_path: Path) -> None:
    page = page_of(make_run(tmp_path / "r", "m", {"en": 11, "sw": 0}, ("tiny-mmbench",), count=30))
    cells = primary(page)["rows"][0]["cells"]
    assert cells["en"][0] == 100 and cells["en"][1] < 95
    assert cells["sw"][0] == 0 and cells["sw"][2] > 5


def test_not_a_number_becomes_an_empty_cell(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", "m", {"en": 9, "sw": 9}, ONE, count=20)
    change_scores(run, lambda row: row.update(value=float("nan")) if row["language"] == "sw" else None)
    metric = primary(page_of(run))
    assert metric["rows"][0]["cells"]["sw"][:3] == [None, None, None], "no interval of nothing"
    assert metric["mean_over"] == ["en"]
    table = paper_table("main", [run], False, "csv", languages=("sw", "en"))
    assert table.splitlines()[1].startswith('"MME, tiny (not comparable with the paper)",m,ours,,')


def test_a_name_full_of_signs_is_only_a_name(tmp_path: Path) -> None:
    name = "a\"b'c<i>d</i>&e\\f{g}$h_i%j\u202ek"
    page = page_of(make_run(tmp_path / "r", name, {"en": 9}, ONE, count=20))
    assert unpacked(page, "board")["models"] == [name.replace("\u202e", "")]
    assert "<i>" not in page and "\u202e" not in page


def test_a_model_called_like_a_part_of_javascript_is_shown(browser: Browser, tmp_path: Path) -> None:
    runs = [make_run(tmp_path / name, name, {"en": 9, "sw": 8}, ONE, count=20) for name in ("__proto__", "constructor")]
    render(runs, "html", tmp_path / "page.html")
    opened = visit(browser, tmp_path / "page.html", "cell=tiny-mme/sw/__proto__")
    assert words(opened.samples().locator("#samples-title")).startswith("__proto__ · MME, tiny · Swahili")
    assert "What the other model answered" in words(opened.page.locator("article").first)
    assert opened.complaints == []
    opened.page.context.close()


def test_all_answers_unread_is_shown_as_such(browser: Browser, tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", "mumbler", {"en": 9, "sw": 9}, ONE, count=20)
    for path in (run.path / "readings").rglob("*.jsonl"):
        text = re.sub(r'"value":"[^"]*"', '"value":null', path.read_text(encoding="utf-8"))
        path.write_text(text.replace('"outcome":"read"', '"outcome":"unparsed"'), encoding="utf-8")
    unread = {"read": 0.0, "unparsed": 1.0, "refusal": 0.0, "empty": 0.0, "truncated": 0.0, "error": 0.0}
    change_scores(run, lambda row: row.update(value=0.0, ci_low=None, ci_high=None, unparsed_rate=1.0, outcomes=unread))
    render([run], "html", tmp_path / "page.html")
    opened = visit(browser, tmp_path / "page.html", "view=unread")
    opened.page.locator("#health li").first.wait_for()
    assert "100% not read, unparsed 100%" in words(opened.page.locator("#health"))
    assert re.search(r"mumbler 100\.0 100\.0.*unparsed 100%", opened.table(0))
    assert opened.complaints == []
    opened.page.context.close()


def test_a_responses_file_that_was_cut_off_is_refused_with_what_to_do(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", "m", {"en": 9, "sw": 9}, ONE, count=20)
    path = run.path / "responses" / "tiny-mme" / "sw.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(RunError, match=r"tiny-mme sw are 13, and 20 were scored.*lrm-eval rescore"):
        page_of(run)
    with pytest.raises(RunError, match=r"tiny-mme sw are 1[23], and 20 were scored.*lrm-eval rescore"):
        paper_table("main", [run], False, "md", languages=("en", "sw"))


def test_lines_that_another_program_wrote_are_read_as_well(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", "m", {"en": 9, "sw": 8}, ONE, count=20)
    before = page_of(run)
    for path in (*(run.path / "responses").rglob("*.jsonl"), *(run.path / "readings").rglob("*.jsonl")):
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        path.write_text("".join(json.dumps(line, indent=None) + "\n" for line in lines), encoding="utf-8")
    assert page_of(run) == before


def test_lines_of_our_own_writer_are_read_the_quick_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path / "r", "m", {"en": 9, "sw": 8}, ONE, count=20)
    # As the runner leaves them: with a digest of the request between place and question, and a name in quotes.
    for path in (run.path / "responses").rglob("*.jsonl"):
        path.write_bytes(path.read_bytes().replace(b',"sample":', b',"request":"0123456789abcdef","sample":'))
    before = page_of(run)
    monkeypatch.setattr(RunFolder, "items", None)
    assert page_of(run) == before


def test_a_question_asked_again_counts_once_with_its_last_answer(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", "m", {"en": 9}, ONE, count=20)
    path = run.path / "responses" / "tiny-mme" / "en.jsonl"
    first = json.loads(path.read_text(encoding="utf-8").splitlines()[0])
    first["response"]["text"] = "I looked again"
    with path.open("ab") as stream:
        stream.write(dumps_line(first))
    samples = unpacked(page_of(run), "samples-0")
    texts = [samples["texts"][place] for place in samples["answers"]["m"]["en"]["t"]]
    assert len(texts) == 20 and texts.count("I looked again") == 1


def test_a_damaged_line_is_refused_with_file_and_line(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", "m", {"en": 9}, ONE, count=20)
    path = run.path / "responses" / "tiny-mme" / "en.jsonl"
    lines = path.read_bytes().split(b"\n")
    lines[4] = lines[4][:60]
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(RunError, match=r"en\.jsonl, line 5"):
        page_of(run)


def test_an_unknown_schema_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", "m", {"en": 9}, ONE, count=20)
    data = json.loads(run.scores_path.read_text(encoding="utf-8"))
    run.scores_path.write_text(json.dumps({**data, "schema": 99}), encoding="utf-8")
    with pytest.raises(RunError, match="schema 99"):
        page_of(run)


def test_what_the_page_leaves_out_is_said(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", "m", {"en": 9, "sw": 9}, ONE, count=80)
    least, most = (len(str(render([run], "html", max_bytes=size)).encode()) for size in (0, 20_000_000))
    made = str(render([run], "html", max_bytes=(2 * most + least) // 3 + 10_000))
    told = re.search(r'id="left-out">([\d,]+) of 160 answers are on this page', made)
    assert told and 0 < int(told.group(1)) < 160
