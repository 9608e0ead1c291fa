"""What an engine is given and gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch

    from lrm_eval.types import Request


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice to be scored as the answer to a row.

    Attributes:
        text: the choice.
        ids: prompt and choice.
        scored: how many of the ids, at the end, are the choice's.
    """

    text: str
    ids: tuple[int, ...]
    scored: int


@dataclass(frozen=True, slots=True)
class Row:
    """One prompt, ready for the model.

    Attributes:
        request: what was asked.
        prompt: as text.
        ids: tokens of the prompt [T], image tokens repeated.
        images: what identifies its images; rows with other images share no cache, whatever their tokens.
        features: of its images, each [T_image, D].
        budget: most tokens to generate; 0 generates none.
        choices: to be scored.
        inputs: what the model takes beside the tokens, as its processor made it for this prompt alone (pixels, sizes,
            types of tokens [1, T]); empty where `features` says it all.
    """

    request: Request
    prompt: str
    ids: tuple[int, ...]
    images: tuple[str, ...] = ()
    features: tuple[torch.Tensor, ...] = ()
    budget: int = 0
    choices: tuple[Choice, ...] = ()
    inputs: Mapping[str, torch.Tensor] = field(default_factory=dict, hash=False, compare=False)


class Loaded(Protocol):
    """What an engine needs of a loaded checkpoint.

    Attributes:
        model: a conditional-generation model of transformers.
        device: where it is.
        image_token_id: token that stands for an image, or a part of one.
        end_token_ids: tokens that end an answer.
        context: most tokens of prompt and answer.
    """

    model: Any
    device: torch.device
    image_token_id: int
    end_token_ids: frozenset[int]
    context: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one row.

    Attributes:
        ids: generated tokens; what follows an end token means nothing.
        scores: per choice, the log-probability of each scored token in nats.
    """

    ids: tuple[int, ...] = ()
    scores: tuple[tuple[float, ...], ...] = ()


class Engine(Protocol):
    """Answers rows."""

    name: str

    def answer(self, rows: Sequence[Row]) -> list[Answer | None]:
        """An answer a row, in order; None where not even the row alone fits the memory."""
        ...

    @property
    def limit(self) -> int:
        """Most rows at once, as far as memory has shown it by now."""
        ...
