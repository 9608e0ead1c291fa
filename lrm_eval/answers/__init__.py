"""Reading answers: what a response means, under the official rules or in the sample's own language."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from lrm_eval.answers.multilingual import read_multilingual
from lrm_eval.types import Reading

if TYPE_CHECKING:
    from lrm_eval.types import Response, Rules, Sample

__all__ = ["read", "read_multilingual"]


def read(benchmark: str, sample: Sample, response: Response, rules: Rules) -> Reading:
    """What a response means under a rule set.

    Args:
        benchmark: "mme", "pope", "seedbench" or "mmbench"; decides the official program.
        sample: what was asked.
        response: what was answered. One with an error is read as outcome "error", one that a server's content filter
            kept back as "refusal", under either rule set: the official programs never meet one, and POPE's would take
            it for a yes.
        rules: "official" or "multilingual".

    Raises:
        UsageError: unknown benchmark or language.
    """
    if response.error is not None or response.finish_reason == "error":
        return Reading(None, "error", "error")
    if response.finish_reason == "content_filter":
        # What is left of such an answer is the filter's, not the model's.
        return Reading(None, "content_filter", "refusal")
    if rules == "official":
        from lrm_eval.answers.official import read_official

        reading = read_official(benchmark, sample, response.text)
    else:
        reading = read_multilingual(sample, response.text, response.finish_reason)
    if reading.value is not None or reading.outcome == "refusal":
        return reading
    if response.finish_reason == "length":
        return dataclasses.replace(reading, outcome="truncated")
    return dataclasses.replace(reading, outcome="empty") if not response.text.strip() else reading
