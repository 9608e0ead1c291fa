"""Items made by hand, for the tests of the scorers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lrm_eval.scorers import metrics
from lrm_eval.types import ChoiceScore, Item, Reading, Response, Sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_eval.scorers import Metric
    from lrm_eval.types import Outcome, Rules


def item(
    sample_id: str,
    gold: str,
    value: str | None,
    *,
    outcome: Outcome | None = None,
    choices: Sequence[tuple[float, float]] = (),
    **fields: Any,
) -> Item:
    """An item whose reading is `value`; `choices` are (sum, mean) log-probabilities of the options."""
    kind = "yes_no" if gold in ("yes", "no") else "option"
    labels = ("A", "B", "C", "D") if kind == "option" else ()
    sample = Sample(
        **{"id": sample_id, "task": sample_id.partition("/")[0], "language": "en", "kind": kind, "question": "?"}
        | {"gold": gold, "labels": labels, "options": tuple(f"option {label}" for label in labels)}
        | fields
    )
    scores = tuple(ChoiceScore(f"option {place}", total, mean, 2) for place, (total, mean) in enumerate(choices))
    reading = Reading(value, "test", outcome or ("read" if value is not None else "unparsed"))
    return Item(sample, Response(sample_id, value or "", choices=scores), reading)


def by_name(
    benchmark: str, items: Sequence[Item], rules: Rules = "official", declared: Any = None
) -> dict[str, Metric]:
    """The metrics of a benchmark by name."""
    return {metric.name: metric for metric in metrics(benchmark, items, rules, declared)}


def values(benchmark: str, items: Sequence[Item], rules: Rules = "official", declared: Any = None) -> dict[str, Any]:
    """The values of a benchmark's metrics by name."""
    return {name: metric.value for name, metric in by_name(benchmark, items, rules, declared).items()}
