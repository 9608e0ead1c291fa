from __future__ import annotations

from pathlib import Path

import pytest

from lrm_eval.errors import UsageError
from lrm_eval.runs.manifest import Difference, compare, grow, refuse


def test_nested_settings_are_compared_leaf_by_leaf() -> None:
    old = {"fingerprint": {"weights": {"a": "1" * 64}, "dtype": "float32"}}
    new = {"fingerprint": {"weights": {"a": "2" * 64}, "dtype": "float32", "beams": 2}}
    assert [str(difference) for difference in compare(old, new, "model")] == [
        "model.fingerprint.weights.a: 111111111111… → 222222222222…",
        "model.fingerprint.beams: (not set) → 2",
    ]


def test_equal_settings_have_no_difference() -> None:
    assert compare({"a": {}, "b": None}, {"b": None, "a": {}}) == []


def test_a_refusal_lists_what_differs_and_what_to_do() -> None:
    with pytest.raises(UsageError, match=r"run was made otherwise \(seed: 0 → 1; limit: 4 → 2\).*--out"):
        refuse(Path("run"), [Difference("seed", "0", "1"), Difference("limit", "4", "2")])


def test_a_long_refusal_is_cut() -> None:
    with pytest.raises(UsageError, match="and 12 more"):
        refuse(Path("run"), [Difference(str(number), "a", "b") for number in range(20)])


def entry(task: str, language: str, planned: int) -> dict[str, object]:
    return {"task": task, "language": language, "condition": "default", "planned": planned}


def test_a_manifest_grows_by_cells_and_keeps_the_earlier_commands() -> None:
    first = grow(
        None,
        {"languages": ["sw"], "tasks": {"pope": 1}, "cells": [entry("pope", "sw", 2)], "command": {"argv": ["1"]}},
    )
    second = grow(
        first,
        {
            "languages": ["am", "sw"],
            "tasks": {"mme": 2},
            "cells": [entry("mme", "am", 3), entry("pope", "sw", 9)],
            "command": {"argv": ["2"]},
        },
    )
    assert second["languages"] == ["sw", "am"]
    assert list(second["tasks"]) == ["mme", "pope"]
    assert second["cells"] == [entry("mme", "am", 3), entry("pope", "sw", 9)]
    assert (second["history"], second["command"]) == ([{"argv": ["1"]}], {"argv": ["2"]})
