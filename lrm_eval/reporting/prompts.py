"""Prompts as templates: what a prompt shares with every other prompt of its kind is kept once.

A prompt repeats the question, which is on the page already. Each part of the question is replaced by a sign that no
prompt holds; putting the parts back gives the prompt again, to the letter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lrm_eval.types import Sample

MARK = "\x01"
"""Before the letter of a part; see `parts`. The page's script puts the parts back in the same way."""
_SHORTEST = 3


def parts(sample: Sample) -> Iterator[tuple[str, str]]:
    """Letter and text of each part, in the order of replacement: question, hint, instruction, options."""
    yield "q", sample.question
    yield "h", sample.hint
    yield "i", sample.instruction
    if len(sample.options) == len(sample.labels):
        yield "o", "\n".join(f"{label}. {text}" for label, text in zip(sample.labels, sample.options, strict=True))


def template_of(prompt: str, sample: Sample) -> str:
    """The prompt with signs for the parts of its question; the prompt itself if it holds such a sign."""
    told = list(parts(sample))
    if MARK in prompt or any(MARK in text for _, text in told):
        return prompt
    for letter, text in told:
        # Replacing a text of a letter or two would scatter signs all over the prompt.
        if len(text) >= _SHORTEST:
            prompt = prompt.replace(text, MARK + letter)
    return prompt


def filled(template: str, sample: Sample) -> str:
    """The prompt again."""
    for letter, text in reversed(list(parts(sample))):
        template = template.replace(MARK + letter, text)
    return template
