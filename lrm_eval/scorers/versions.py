"""Versions of the rules: what readings and scores of the same responses may be held against each other.

Raised by hand whenever a change of `lrm_eval.answers`, the language registry's answer words or `lrm_eval.scorers` gives
the same responses other values. tests/runs/test_old_run.py derives a committed run again and fails if values change
and this does not. Intervals have no part in it: they describe a value and do not change it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lrm_eval.types import Rules

RULES_VERSIONS: Mapping[Rules, str] = {"official": "1", "multilingual": "1"}
