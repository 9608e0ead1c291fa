from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from report_browser import start
from report_run_folders import make_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from lrm_eval.runs import RunFolder

GOOD = {"en": 10, "sw": 9, "am": 9, "zh": 9, "he": 8}
WEAK = {"en": 10, "sw": 5, "am": 4, "zh": 6, "he": 3}


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """lrm-llava on two tasks in five languages, one of them (Hebrew) outside the registry and right to left."""
    return make_run(tmp_path_factory.mktemp("runs") / "lrm-llava", "lrm-llava", GOOD)


@pytest.fixture(scope="session")
def weak(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """llava-tiny on the same questions."""
    return make_run(tmp_path_factory.mktemp("runs") / "llava-tiny", "llava-tiny", WEAK)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A model whose name and answers try to be markup, without Hebrew."""
    folder = tmp_path_factory.mktemp("runs") / "hostile"
    return make_run(folder, 'evil<b>&_"#1"|\\x', {"en": 8, "sw": 6, "am": 6, "zh": 7}, hostile=True)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One headless browser for all tests."""
    yield from start()
