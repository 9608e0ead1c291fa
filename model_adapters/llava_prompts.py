"""Requests as rows of token ids, the way a LLaVA processor would make them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_adapters.engine.grouping import shared_length
from model_adapters.engine.rows import Choice, Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from lrm_eval.types import Request
    from model_adapters.llava_loading import LoadedLlava
    from model_adapters.templates import PromptTemplate


class RequestError(Exception):
    """One request cannot be asked; the others can. The message is one line."""


class PromptBuilder:
    """Renders and tokenises requests.

    Args:
        loaded: tokenizer and sizes.
        template: the conversation around a request.
    """

    def __init__(self, loaded: LoadedLlava, template: PromptTemplate) -> None:
        self._loaded, self._template = loaded, template

    def row(self, request: Request, images: tuple[str, ...], features: tuple[torch.Tensor, ...], budget: int) -> Row:
        """The row of one request.

        Args:
            request: what is asked.
            images: what identifies its images.
            features: of its images, each [T_image, D].
            budget: most tokens to generate.

        Raises:
            RequestError: the prompt does not fit the context, or a choice cannot be scored.
            PromptError: the request cannot be rendered.
        """
        prompt = self._template.render(request.parts, request.system, request.shots)
        expansion = [len(one) for one in features]
        ids = self._tokens(prompt, expansion)
        context = self._loaded.context
        if len(ids) >= context:
            raise RequestError(f"the prompt has {len(ids)} tokens and the model a context of {context}")
        choices = tuple(self._choice(prompt, ids, expansion, choice) for choice in request.choices)
        return Row(request, prompt, ids, images, features, budget, choices)

    def _tokens(self, text: str, expansion: Sequence[int]) -> tuple[int, ...]:
        tokenizer = self._loaded.processor.tokenizer
        # A template that writes the begin token itself must not get a second one from the tokenizer.
        written = tokenizer.bos_token is not None and text.startswith(tokenizer.bos_token)
        ids: list[int] = []
        left = iter(expansion)
        for token in tokenizer(text, add_special_tokens=not written)["input_ids"]:
            ids.extend([token] * (next(left, 0) if token == self._loaded.image_token_id else 1))
        if ids.count(self._loaded.image_token_id) != sum(expansion):
            raise RequestError(f"the prompt holds another number of images than the request ({len(expansion)})")
        return tuple(ids)

    def _choice(self, prompt: str, ids: tuple[int, ...], expansion: Sequence[int], choice: str) -> Choice:
        """Prompt and choice, and how many of the tokens, at the end, are the choice's.

        Prompt and choice are tokenised together, as in training; the choice's tokens are those after the longest
        beginning that it shares with the prompt alone, so that a token that spans both counts as the choice's.
        """
        together = self._tokens(prompt + self._template.separator + choice, expansion)
        shared = shared_length([ids, together])
        if not choice or shared == len(together):
            raise RequestError(f"the choice {choice!r} has no token of its own")
        if len(together) > self._loaded.context:
            raise RequestError(
                f"prompt and choice have {len(together)} tokens and the model a context of {self._loaded.context}"
            )
        return Choice(choice, together, len(together) - shared)
