"""`lrm-eval models` on a terminal of a common width."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from lrm_eval import cli
from lrm_eval.commands import data_options
from lrm_eval.commands.models import print_models
from model_adapters import list_models


def table(width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    print_models(list_models(), console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return str(text).partition("maya-8b: ")[0].splitlines()


def test_on_eighty_columns_each_title_is_whole_and_in_lines_of_some_words() -> None:
    lines = table(80)
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    assert "…" not in text
    assert all(info.name in text for info in list_models())
    # A handful of letters a line would make the table three times as long.
    assert len(lines) < 2 * len(list_models())


def test_on_a_wide_console_the_suite_has_a_column() -> None:
    assert "suite" in table(120)[1]
    assert "suite" not in table(80)[1]


@pytest.mark.parametrize("console", [*cli._consoles(), *data_options.consoles()])
def test_a_name_between_colons_is_no_picture(console: Console) -> None:
    assert console.render_str("openai:x: 'yes'").plain == "openai:x: 'yes'"
