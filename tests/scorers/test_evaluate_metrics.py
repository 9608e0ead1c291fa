"""The `evaluate.Metric` wrappers. Importing evaluate takes seconds: all in one module, once."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from lrm_eval.errors import UsageError
from lrm_eval.scorers.evaluate_metrics import COLUMNS, load


@pytest.fixture(scope="module", autouse=True)
def _offline(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        # evaluate's own imports may warn; that is not ours to mend.
        warnings.simplefilter("ignore")
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hf")))
        import evaluate  # noqa: F401

        yield


def test_mme_through_evaluate() -> None:
    found = load("mme").compute(
        predictions=["Yes", "no", "Yes", "yes"],
        references=["Yes", "No", "Yes", "No"],
        category=["color"] * 4,
        image=["1.jpg", "1.jpg", "2.jpg", "2.jpg"],
        declared=["color"],
    )
    assert found["color"] == pytest.approx(125)
    assert found["perception"] == pytest.approx(125)


def test_pope_through_evaluate_is_official_unless_asked() -> None:
    columns = {"predictions": ["Hapana", "Ndiyo"], "references": ["no", "yes"], "split": ["random"] * 2}
    assert load("pope").compute(**columns)["accuracy"] == 50
    assert load("pope").compute(**columns, rules="multilingual", language="sw")["accuracy"] == 100


def test_seedbench_through_evaluate() -> None:
    found = load("seedbench").compute(predictions=["A", "B."], references=["A", "B"], category=["1", "1"])
    assert found == {"accuracy": 50, "accuracy_scene_understanding": 50}


def test_mmbench_through_evaluate() -> None:
    found = load("mmbench").compute(
        predictions=["A", "a red ball", "B"],
        references=["A", "B", "A"],
        index=[7, 1_000_007, 8],
        options=[["a red ball", "a cube"], ["a cube", "a red ball"], ["x", "y"]],
        category=["color"] * 3,
    )
    assert (found["circular_accuracy"], found["vanilla_accuracy"]) == (50, 50)


def test_a_wrapper_is_a_real_metric_that_documents_its_columns() -> None:
    import evaluate

    metric = load("mmbench")
    assert isinstance(metric, evaluate.Metric)
    for name in COLUMNS["mmbench"]:
        assert name in metric.inputs_description


def test_unknown_names_are_usage_errors() -> None:
    with pytest.raises(UsageError, match="unknown benchmark"):
        load("vqa")
    with pytest.raises(UsageError, match="unknown rules"):
        load("seedbench").compute(predictions=["A"], references=["A"], category=["1"], rules="oficial")


@pytest.mark.parametrize("benchmark", list(COLUMNS))
def test_a_metric_loads_by_path_and_scores_as_the_same_one_in_memory(benchmark: str) -> None:
    import evaluate

    from lrm_eval.metrics import path

    columns: dict[str, Any] = {
        "mme": {"category": ["color"] * 2, "image": ["1.jpg"] * 2},
        "pope": {"split": ["random"] * 2},
        "seedbench": {"category": ["1"] * 2},
        "mmbench": {"index": [1, 2], "options": [["x", "y"]] * 2, "category": ["c"] * 2},
    }[benchmark]
    yes_no = benchmark in ("mme", "pope")
    columns |= {
        "predictions": ["Yes", "no"] if yes_no else ["A", "B."],
        "references": ["yes", "no"] if yes_no else ["A", "B"],
    }
    found = evaluate.load(path(benchmark), keep_in_memory=True).compute(**columns)
    assert found == load(benchmark).compute(**columns)
    assert any(value is not None for value in found.values())


def test_a_path_of_an_unknown_metric_is_a_usage_error() -> None:
    from lrm_eval.metrics import path

    with pytest.raises(UsageError, match="did you mean 'pope'"):
        path("pop")
