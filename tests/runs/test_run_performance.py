from __future__ import annotations

import json

import pytest

from lrm_eval import api
from lrm_eval.errors import UsageError


def manifest(folder):
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


def test_run_json_tells_how_far_the_run_was_from_the_least_time_and_how_it_was_asked(tmp_path):
    common = {"tasks": "tiny-pope", "limit": 12, "report": False, "device": "cpu"}
    shared = api.run("lrm-llava", "en,sw", out=tmp_path / "a", feature_cache=tmp_path / "cache", **common)
    plain = api.run("lrm-llava", "en,sw", out=tmp_path / "b", engine="plain", **common)
    told = {name: manifest(tmp_path / name) for name in "ab"}
    assert [told[name]["model"]["settings"]["engine"] for name in "ab"] == ["shared", "plain"]
    for name in "ab":
        performance = told[name]["command"]["performance"]
        assert performance["prompts"] == 24
        assert performance["times_least"] > 1
    assert list((tmp_path / "cache").iterdir())
    texts = [
        [record.response.text for cell in result.folder.cells() for record in result.folder.records(cell)]
        for result in (shared, plain)
    ]
    assert texts[0] == texts[1]


def test_a_model_that_computes_nothing_tells_no_performance(tmp_path):
    api.run("random", "en", "tiny-pope", suite="tiny", limit=4, out=tmp_path / "r", report=False)
    assert manifest(tmp_path / "r")["command"]["performance"] == {}


def test_an_unknown_engine_is_refused_and_nothing_is_left_behind(tmp_path):
    with pytest.raises(UsageError, match=r"unknown engine 'fast'"):
        api.run("random", "en", "tiny-pope", suite="tiny", limit=4, out=tmp_path / "r", engine="fast")
    assert not (tmp_path / "r").exists()
