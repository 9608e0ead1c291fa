r"""LLaVA-1.5's prompts: the image, then one text that ends in a format instruction.

    short answer (MME, POPE)          <question>\n<instruction>
    options (SEED-Bench, MMBench)     [<hint>\n]<question>\nA. <option>\nB. <option>\n<instruction>

Source: LLaVA, llava/eval/model_vqa_loader.py, llava/eval/model_vqa_mmbench.py and the question files of
docs/Evaluation.md. The chat template around it is the adapter's. A condition changes the format instruction or leaves
the image out (see `lrm_eval.conditions`); hint, question and options are never touched.
"""

from __future__ import annotations

import re
import string
from dataclasses import replace
from typing import TYPE_CHECKING

from lrm_eval.conditions import DEFAULT, answer_sentence, asked_language
from lrm_eval.errors import UsageError
from lrm_eval.types import DEFAULT_CONDITION, ImagePart, Request, Shot, TextPart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_eval.conditions import Condition
    from lrm_eval.languages import Language
    from lrm_eval.tasks.model import Task
    from lrm_eval.types import Part, Sample

# A condition is part of file names and keys: responses/<task>/<lang>.<condition>.jsonl
_CONDITION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_=+-]*")


def format_instruction(task: Task, language: Language) -> str:
    """The line that asks for the form of an answer: the task's own in that language, else LLaVA-1.5's."""
    lines = {"short_answer": language.short_answer, "option_letter": language.option_letter, "none": ""}
    line = lines[task.instruction]
    return task.language(language.tag).wording.instruction or line


def vary(task: Task, language: Language, sample: Sample, condition: Condition) -> Sample:
    """A sample with the format instruction that a condition asks it with.

    Args:
        task: the sample's task.
        language: the sample's language.
        sample: as the data has it.
        condition: the default one changes nothing.

    Raises:
        UsageError: the language has no sentence yet that asks for the language of an answer.
    """
    from lrm_eval.languages import get

    instruction = sample.instruction
    if condition.prompt == "en":
        instruction = format_instruction(task, get("en"))
    sentence = answer_sentence(language, condition)
    if sentence:
        # Chinese and Japanese put no blank after a full stop.
        blank = "" if not instruction or instruction.endswith("。") else " "
        instruction = f"{instruction}{blank}{sentence}"
    return sample if instruction == sample.instruction else replace(sample, instruction=instruction)


def build_request(
    task: Task,
    sample: Sample,
    condition: Condition | str = DEFAULT,
    *,
    template: str | None = None,
    shots: Sequence[Sample] = (),
) -> Request:
    """The request of a sample.

    Args:
        task: the task; gives token budget and whether the options are to be scored.
        sample: one of its samples. What a condition varies in the text is already in it, see `vary`.
        condition: what is varied, or only its name.
        template: the model's authors' own words around a question, see `authors_text`; None takes LLaVA's.
        shots: questions shown with their answers first; like `sample`, with what the condition varies in them.

    Returns:
        The images first, unless the condition hides them, then one text. `choices` are the option texts where the task
        scores them.
        Deviation: SEED-Bench ranks the option texts after "Question: ... Answer:"; here they are ranked after the
        same prompt as is generated from, unless the adapter renders one of its own from `sample`.

    Raises:
        UsageError: the condition's name cannot be part of a file name.
    """
    name, hidden = (condition, False) if isinstance(condition, str) else (condition.name, condition.hidden)
    english = not isinstance(condition, str) and condition.answer == "en"

    def parts(shown: Sample) -> tuple[Part, ...]:
        text = prompt_text(shown) if template is None else authors_text(template, shown)
        return (*(ImagePart(image) for image in (() if hidden else shown.images)), TextPart(text))

    return Request(
        key=request_key(sample, name),
        parts=parts(sample),
        sample=sample,
        max_new_tokens=task.max_new_tokens,
        choices=sample.options if task.score_choices else (),
        budget_language=asked_language(sample.language, name) if task.scale_budget else "",
        system="" if isinstance(condition, str) else condition.system,
        shots=tuple(Shot(parts(shot), answer_words(shot, "en" if english else shot.language)) for shot in shots),
    )


def answer_words(sample: Sample, language: str) -> str:
    """A sample's gold answer as a model should say it: yes or no in a language's own word, a label or text as it is."""
    if sample.kind != "yes_no":
        return sample.gold
    from lrm_eval.languages import get

    words = get(language)
    return str((words.yes if sample.gold == "yes" else words.no)[0])


def authors_text(template: str, sample: Sample) -> str:
    """A question in the words of a model's authors.

    Args:
        template: with `{question}`, `{hint}`, `{options}` (a lettered line each) and `{letters}` ("A, B, C or D") in
            it. A line in which one of them comes out empty is left out. The authors' words stay in their language.
        sample: the question; its format instruction is LLaVA's and is left out.
    """
    labels = list(sample.labels)
    places = {
        "question": sample.question,
        "hint": sample.hint,
        "options": "\n".join(f"{label}. {option}" for label, option in zip(sample.labels, sample.options, strict=True)),
        "letters": f"{', '.join(labels[:-1])} or {labels[-1]}" if len(labels) > 1 else "".join(labels),
    }
    lines = []
    for line in template.split("\n"):
        used = [name for _, name, _, _ in string.Formatter().parse(line) if name is not None]
        if all(places[name] for name in used):
            lines.append(line.format_map(places))
    return "\n".join(lines)


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
