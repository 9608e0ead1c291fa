"""What the answers of a run cost: requests, tokens, money."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrm_eval.remote.price import Price
    from model_adapters.servers.answers import Answer

_MODELS = 20


@dataclass
class Usage:
    """Counts of one command.

    Attributes:
        price: what a million tokens cost, or None.
        answered: good answers.
        filtered: answers that a content filter kept back.
        failed: questions without an answer.
        sent: tokens read by the model, as the server counts them.
        received: tokens written.
        uncounted: answers whose tokens the server did not count.
        models: what the server called the model: a name that others stand behind may change its model overnight.
    """

    price: Price | None = None
    answered: int = 0
    filtered: int = 0
    failed: int = 0
    sent: int = 0
    received: int = 0
    uncounted: int = 0
    models: Counter[str] = field(default_factory=Counter)

    def add(self, answer: Answer) -> None:
        """Count an answer."""
        self.answered += 1
        self.filtered += answer.finish == "content_filter"
        self.sent += answer.prompt_tokens or 0
        self.received += answer.completion_tokens or 0
        self.uncounted += answer.prompt_tokens is None or answer.completion_tokens is None
        if answer.model in self.models or len(self.models) < _MODELS:
            self.models[answer.model] += 1

    @property
    def money(self) -> float | None:
        """US dollars; None where no price was given or the server did not count all tokens."""
        if self.price is None or self.price.sent is None or self.uncounted:
            return None
        return (self.sent * self.price.sent + self.received * self.price.received) / 1e6

    def record(self) -> dict[str, Any]:
        """For run.json."""
        return {
            "answered": self.answered,
            "filtered": self.filtered,
            "failed": self.failed,
            "prompt_tokens": self.sent,
            "completion_tokens": self.received,
            "answers_without_token_counts": self.uncounted,
            "us_dollars": self.money,
            "price": None if self.price is None else [self.price.sent, self.price.received],
            "served_models": dict(self.models),
        }

    def line(self, retried: int = 0, smaller: int = 0) -> str:
        """One line for people.

        Args:
            retried: attempts beside the first ones.
            smaller: images that were sent smaller than they are.
        """
        parts = [f"{self.answered:,} answers"]
        if self.uncounted < self.answered:
            parts.append(f"{self.sent:,} tokens sent, {self.received:,} received")
        if self.uncounted:
            parts.append(f"the server did not count the tokens of {self.uncounted:,}")
        if self.money is not None:
            parts.append(f"${self.money:.2f}" if self.money >= 0.005 else "less than one cent")
        elif self.price is not None:
            parts.append("the cost is not known, for not all tokens were counted")
        if len(self.models) > 1:
            parts.append(f"under one name the server answered with {len(self.models)} models: {', '.join(self.models)}")
        if retried:
            parts.append(f"{retried:,} attempts were repeated")
        if smaller:
            parts.append(f"{smaller:,} images were sent smaller than they are")
        return "; ".join(parts)
