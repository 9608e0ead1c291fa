from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from lrm_eval.commands.progress import Bars, Lines, watcher
from lrm_eval.runs.folder import Cell
from lrm_eval.types import Response

CELLS = {Cell("mme", "sw"): (1, 3), Cell("mme", "en"): (0, 1)}


def console(terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=100, color_system=None)


def written(where: Console) -> str:
    assert isinstance(where.file, io.StringIO)
    return where.file.getvalue()


def test_a_terminal_gets_bars_and_a_log_gets_lines() -> None:
    assert isinstance(watcher(console(True), console(True)), Bars)
    assert isinstance(watcher(console(True), console(False)), Lines)


def test_a_log_has_a_line_for_each_finished_task_and_language() -> None:
    err = console(False)
    watch = Lines(console(False), err)
    watch.started(CELLS)
    for cell, error in ((Cell("mme", "sw"), None), (Cell("mme", "en"), "no memory"), (Cell("mme", "sw"), None)):
        watch.answered(cell, Response("k", error=error))
    watch.ended()
    assert written(err).splitlines() == [
        "note: 1 of 4 questions are answered already and are not asked again",
        "note: k: no memory",
        "mme en: 1 answers, 1 errors",
        "mme sw: 3 answers",
    ]


def test_there_is_a_bar_for_each_task_and_language_with_counts_and_errors() -> None:
    err = console(True)
    watch = Bars(console(True), err)
    watch.started(CELLS)
    watch.looked(3, 3)
    for cell, error in ((Cell("mme", "sw"), None), (Cell("mme", "en"), "no memory"), (Cell("mme", "sw"), None)):
        watch.answered(cell, Response("k", error=error))
    watch.ended()
    last = [line for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written(err)).splitlines() if "/" in line][-3:]
    assert [line.split()[0] for line in last] == ["all", "mme", "mme"]
    assert "4/4" in last[0]
    assert "3/3" in last[1]
    assert "1 errors" in last[2]


@pytest.mark.parametrize("kind", [Bars, Lines])
def test_only_the_first_errors_are_shown_one_by_one(kind: type[Bars] | type[Lines]) -> None:
    err = console(False)
    watch = kind(console(False), err)
    watch.started({Cell("mme", "sw"): (0, 9)})
    for number in range(9):
        watch.answered(Cell("mme", "sw"), Response(f"k{number}", error="down"))
    watch.ended()
    assert written(err).count("note: k") == 3
    assert "further errors are only counted" in written(err)
