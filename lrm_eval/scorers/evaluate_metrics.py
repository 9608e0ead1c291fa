"""The four scorers as `evaluate.Metric`, for people who build on Hugging Face's evaluate.

    from lrm_eval.scorers.evaluate_metrics import load
    load("pope").compute(predictions=["Yes", "No"], references=["yes", "no"], split=["random", "random"])

or by path, `evaluate.load(".../lrm_eval/metrics/pope")`.

`evaluate` is imported on the first `load`, never before: it takes seconds and brings torch with it.
Nothing goes to the model hub.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lrm_eval.errors import unknown
from lrm_eval.scorers.mmbench import PASS_OFFSET
from lrm_eval.scorers.scoring import BENCHMARKS, metrics
from lrm_eval.types import RULES, Item, Response, Sample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lrm_eval.types import Rules

LETTERS = ("A", "B", "C", "D")

# Columns besides predictions and references: feature type, and what it is.
COLUMNS: dict[str, dict[str, tuple[str, str]]] = {
    "mme": {
        "category": ("string", "the subtask, e.g. color"),
        "image": ("string", "image name; the two questions of an image and subtask are a pair"),
    },
    "pope": {"split": ("string", "random, popular or adversarial")},
    "seedbench": {"category": ("string", "the question type, by name or number")},
    "mmbench": {
        "index": ("int64", "index of the row; passes of a question have the same index % 1,000,000"),
        "options": ("strings", "option texts in the order shown, lettered A, B, ..."),
        "category": ("string", "the category"),
    },
}

_DESCRIPTIONS = {
    "mme": "MME perception and cognition in points, and every subtask (eval_tool/calculation.py).",
    "pope": "POPE F1, accuracy, precision, recall and yes ratio, means over splits and per split (evaluate.py).",
    "seedbench": "SEED-Bench image accuracy, total and per question type (LLaVA's exact letter).",
    "mmbench": "MMBench CircularEval and vanilla accuracy (VLMEvalKit 2024-08, exact-matching mode).",
}


def _sample(benchmark: str, row: Mapping[str, Any], order: int, language: str) -> Sample:
    gold = str(row["references"])
    if benchmark in ("mme", "pope"):
        return Sample(
            id=f"{benchmark}/{order}",
            task=benchmark,
            language=language,
            kind="yes_no",
            question="",
            gold=gold.lower() if benchmark == "mme" else gold,
            category=row.get("category", ""),
            split=row.get("split", ""),
            group=row.get("image", ""),
            cluster=row.get("image", ""),
            order=order,
        )
    options = tuple(row.get("options", ()))
    index = int(row.get("index", order))
    return Sample(
        id=f"{benchmark}/{index}",
        task=benchmark,
        language=language,
        kind="option",
        question="",
        gold=gold,
        options=options,
        labels=tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: len(options)]) or LETTERS,
        category=row.get("category", ""),
        group=str(index % PASS_OFFSET) if benchmark == "mmbench" else "",
        order=order,
    )


def compute(
    benchmark: str, columns: Mapping[str, Sequence[Any]], rules: Rules, language: str, declared: Sequence[str] | None
) -> dict[str, float | None]:
    """Value of every metric by name; None where undefined.

    Args:
        benchmark: one of the four.
        columns: predictions (raw answers), references (gold) and the benchmark's own `COLUMNS`, equally long.
        rules: "official" or "multilingual".
        language: canonical tag of the answers.
        declared: the subtasks of MME's sums; None: the fourteen of MME.

    Raises:
        UsageError: unknown rules or benchmark; an MME image with more than two questions in a subtask.
    """
    from lrm_eval import answers

    if rules not in RULES:
        raise unknown("rules", rules, RULES)
    items = []
    for order, values in enumerate(zip(*columns.values(), strict=True)):
        row = dict(zip(columns, values, strict=True))
        sample = _sample(benchmark, row, order, language)
        response = Response(key=sample.id, text=str(row["predictions"]))
        items.append(Item(sample, response, answers.read(benchmark, sample, response, rules)))
    return {metric.name: metric.value for metric in metrics(benchmark, items, rules, declared)}


def load(benchmark: str) -> Any:
    """A benchmark's scorer as an `evaluate.Metric`, made offline; as `evaluate.load` of its folder in lrm_eval/metrics.

    Raises:
        UsageError: an unknown benchmark.
    """
    # In memory, because a metric on disk takes a lock file in the user's cache for every instance.
    return metric_class(benchmark)(config_name=benchmark, keep_in_memory=True)


def metric_class(benchmark: str) -> Any:
    """A benchmark's scorer as a subclass of `evaluate.Metric`.

    Its `compute` takes predictions, references, the benchmark's `COLUMNS`, and the options `rules` ("official" by
    default), `language` ("en") and `declared`; it returns the value of every metric by name.

    Args:
        benchmark: "mme", "pope", "seedbench" or "mmbench".

    Raises:
        UsageError: an unknown benchmark.
    """
    if benchmark not in BENCHMARKS:
        raise unknown("benchmark", benchmark, BENCHMARKS)
    import datasets
    import evaluate

    features: dict[str, Any] = {"predictions": datasets.Value("string"), "references": datasets.Value("string")}
    for name, (kind, _) in COLUMNS[benchmark].items():
        features[name] = datasets.Sequence(datasets.Value("string")) if kind == "strings" else datasets.Value(kind)
    explained = "\n".join(f"    {name}: {text}" for name, (_, text) in COLUMNS[benchmark].items())

    class BenchmarkMetric(evaluate.Metric):  # type: ignore[misc]
        def _info(self) -> Any:
            return evaluate.MetricInfo(
                description=_DESCRIPTIONS[benchmark],
                citation="",
                inputs_description=f"    predictions: raw answers\n    references: gold answers\n{explained}",
                features=datasets.Features(features),
            )

        def _compute(
            self,
            *,
            rules: Rules = "official",
            language: str = "en",
            declared: Sequence[str] | None = None,
            **columns: Sequence[Any],
        ) -> dict[str, float | None]:
            return compute(benchmark, columns, rules, language, declared)

    return BenchmarkMetric
