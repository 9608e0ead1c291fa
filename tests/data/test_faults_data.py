"""Data files as users have them, damaged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lrm_eval.data import check_samples
from lrm_eval.data.rows import read_rows
from lrm_eval.errors import UsageError
from lrm_eval.tasks import load_task
from lrm_eval.types import Sample

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

YES = Sample("mme/color/a/0", "mme", "en", "yes_no", "Q?", "yes", category="color", group="mme/color/a")


def test_an_unknown_mme_subtask_is_refused_with_the_nearest() -> None:
    samples = [replace(YES, category="colour"), replace(YES, id="mme/color/a/1", gold="no", category="colour")]
    with pytest.raises(UsageError, match="unknown MME subtask 'colour': did you mean 'color'"):
        check_samples(load_task("mme"), samples)


@pytest.mark.parametrize("name", ["data.jsonl", "data.json", "data.tsv", "data.csv"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_the_line_that_is_not_utf8_is_named(tmp_path: Path, name: str, mark: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(mark + b'{"id": "1"}\n' * 3000 + b'{"id": "caf\xe9"}\n')
    with pytest.raises(UsageError, match=rf"{name}:3001: not UTF-8 text"):
        read_rows(path)


@pytest.mark.parametrize("end", [".tsv", ".csv"])
def test_a_quote_that_nobody_closes_swallows_no_rows(tmp_path: Path, end: str) -> None:
    sign = "\t" if end == ".tsv" else ","
    path = tmp_path / f"data{end}"
    lines = [sign.join(cells) for cells in (("index", "question"), ("1", '"what is it?'), ("2", "and this?"))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(UsageError, match="malformed table: unexpected end of data"):
        read_rows(path)


def test_quotes_that_are_closed_are_read(tmp_path: Path) -> None:
    path = tmp_path / "data.tsv"
    path.write_text('index\tquestion\n1\t"what ""is""\nit?"\n2\tand "this"?\n', encoding="utf-8")
    assert [row.values["question"] for row in read_rows(path)] == ['what "is"\nit?', 'and "this"?']


def test_an_included_folder_of_presets_is_no_task(
    tmp_path: Path, lines: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lrm_eval.tasks import task_names

    lines("mine/models/my.yaml", "name: my", "title: Mine", "adapter: floor", "floor: random")
    assert task_names([tmp_path / "mine"]) == task_names()
