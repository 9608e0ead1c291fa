r"""LLaVA-1.5's prompts: the image, then one text that ends in a format instruction.

    short answer (MME, POPE)          <question>\n<instruction>
    options (SEED-Bench, MMBench)     [<hint>\n]<question>\nA. <option>\nB. <option>\n<instruction>

Source: LLaVA, llava/eval/model_vqa_loader.py, llava/eval/model_vqa_mmbench.py and the question files of
docs/Evaluation.md. The chat template around it is the adapter's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lrm_eval.errors import UsageError
from lrm_eval.types import DEFAULT_CONDITION, ImagePart, Request, TextPart

if TYPE_CHECKING:
    from lrm_eval.tasks.model import Task
    from lrm_eval.types import Sample

# A condition is part of file names and keys: responses/<task>/<lang>.<condition>.jsonl
_CONDITION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_=+-]*")


def build_request(task: Task, sample: Sample, condition: str = DEFAULT_CONDITION) -> Request:
    """The request of a sample.

    Args:
        task: the task; gives token budget and whether the options are to be scored.
        sample: one of its samples. What a condition varies is already in it.
        condition: name of the condition, "default" if nothing is varied.

    Returns:
        The images first, then one text. `choices` are the option texts where the task scores them.
        Deviation: SEED-Bench ranks the option texts after "Question: ... Answer:"; here they are ranked after the
        same prompt as is generated from, unless the adapter renders one of its own from `sample`.

    Raises:
        UsageError: the condition's name cannot be part of a file name.
    """
    return Request(
        key=request_key(sample, condition),
        parts=(*(ImagePart(image) for image in sample.images), TextPart(prompt_text(sample))),
        sample=sample,
        max_new_tokens=task.max_new_tokens,
        choices=sample.options if task.score_choices else (),
    )


def request_key(sample: Sample, condition: str = DEFAULT_CONDITION) -> str:
    """`<sample id>@<language>`, with `.<condition>` after it unless that is the default.

    Raises:
        UsageError: the condition's name cannot be part of a file name.
    """
    key = f"{sample.id}@{sample.language}"
    if condition == DEFAULT_CONDITION:
        return key
    if not _CONDITION.fullmatch(condition):
        raise UsageError(f"condition {condition!r}: use letters, digits, '-', '_', '+' and '=' only")
    return f"{key}.{condition}"


def prompt_text(sample: Sample) -> str:
    """Hint, question, lettered options and format instruction, each on a line of its own; empty ones left out."""
    options = (f"{label}. {option}" for label, option in zip(sample.labels, sample.options, strict=True))
    lines = (sample.hint, sample.question, *options, sample.instruction)
    return "\n".join(line for line in lines if line)
