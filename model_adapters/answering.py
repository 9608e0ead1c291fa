"""What adapters that run a model in this process do alike: from a request to what is asked, from tokens to text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from lrm_eval.types import ChoiceScore, ImagePart, Response
from model_adapters.devices import is_spread

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence

    from lrm_eval.fidelity.cost import BudgetScale
    from lrm_eval.types import ImageRef, Request
    from model_adapters.decoding import Decoding
    from model_adapters.engine.rows import Answer


class Scored(Protocol):
    """A choice that was scored."""

    @property
    def text(self) -> str:
        """The choice."""
        ...


def images_of(request: Request) -> list[ImageRef]:
    """A request's images in the order in which its prompt shows them: those of its shots first."""
    parts = (*(part for shot in request.shots for part in shot.parts), *request.parts)
    return [part.image for part in parts if isinstance(part, ImagePart)]


def token_budget(request: Request, decoding: Decoding, scale: BudgetScale) -> int:
    """Most tokens of an answer: what was typed, or the task's, grown by what the language costs the tokenizer."""
    if decoding.max_new_tokens is not None:
        return decoding.max_new_tokens
    if not request.budget_language:
        return request.max_new_tokens
    return scale.budget(request.max_new_tokens, request.budget_language)


def why_not_greedy(decoding: Decoding, model: Any) -> str | None:
    """Why prompts cannot share what they begin with, whatever the architecture; None if they can."""
    if decoding.for_transformers() != {"do_sample": False, "num_beams": 1}:
        return "it decodes greedily, without sampling, beams or penalties"
    if is_spread(model):
        return "its layers lie on several devices"
    return None


def readable(tokenizer: Any, ids: Sequence[int], separator: str) -> str:
    """The text of generated tokens, without what the template puts between prompt and answer."""
    text = tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return str(text).removeprefix(separator)


def failed(request: Request, message: str, prompt: str | None = None) -> Response:
    """The error of one request."""
    return Response(request.key, finish_reason="error", prompt=prompt, error=message)


def response_of(
    request: Request,
    prompt: str,
    prompt_tokens: int,
    choices: Sequence[Scored],
    answer: Answer | None,
    most: int,
    ends: Container[int],
    decode: Callable[[Sequence[int]], str],
) -> Response:
    """An engine's answer as a Response.

    Args:
        request: what was asked.
        prompt: as text.
        prompt_tokens: of the prompt.
        choices: in the order of `answer.scores`.
        answer: tokens and log-probabilities; None: no memory.
        most: tokens that count, by budget and context; 0: no answer was asked for.
        ends: tokens that end an answer.
        decode: tokens to text.
    """
    if answer is None:
        return failed(request, "out of memory with this request alone", prompt)
    scores = tuple(
        ChoiceScore(choice.text, sum(score), sum(score) / len(score), len(score))
        for choice, score in zip(choices, answer.scores, strict=True)
    )
    if not most:
        return Response(request.key, prompt_tokens=prompt_tokens, prompt=prompt, choices=scores)
    new = list(answer.ids)[:most]
    end = next((place for place, token in enumerate(new) if token in ends), None)
    kept = new if end is None else new[: end + 1]
    return Response(
        request.key,
        text=decode(kept),
        finish_reason="length" if end is None else "stop",
        prompt_tokens=prompt_tokens,
        completion_tokens=len(kept),
        choices=scores,
        prompt=prompt,
    )
