"""What a command line costs before it does anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import lrm_eval

ROOT = Path(lrm_eval.__file__).parents[1]
HEAVY = ("torch", "transformers", "evaluate", "datasets", "pandas")
PROBE = """
import json, sys
sys.argv = json.loads(sys.argv[1])
from lrm_eval.cli import main
try:
    main()
except SystemExit as stop:
    status = stop.code
print(json.dumps([status, sorted(set(sys.modules) & {"torch", "transformers", "evaluate", "datasets", "pandas"})]))
"""


def python(code: str, *args: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, *args]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("verb", ["--help", "run --help", "tasks", "langs", "models"])
def test_these_verbs_load_nothing_heavy(verb: str) -> None:
    status, loaded = json.loads(python(PROBE, json.dumps(["lrm-eval", *verb.split()])).splitlines()[-1])
    assert (status, loaded) == (0, [])


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import lrm_eval, sys; lrm_eval.run, lrm_eval.RunFolder, lrm_eval.ScoreRow; print(*sys.modules, sep='\\n')"
    assert not set(HEAVY) & set(python(code).split())


def test_the_public_names_are_sorted_and_all_there() -> None:
    assert lrm_eval.__all__ == sorted(lrm_eval.__all__)
    assert all(getattr(lrm_eval, name) is not None for name in lrm_eval.__all__)
    assert dir(lrm_eval) == lrm_eval.__all__


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'evaluate'"):
        lrm_eval.evaluate  # noqa: B018
