"""What a server charges: told by the user, never guessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from lrm_eval.errors import UsageError

Unit: TypeAlias = Literal["characters", "tokens", "free"]


@dataclass(frozen=True, slots=True)
class Price:
    """What a server charges.

    Attributes:
        unit: what is counted; "free" for a model of one's own.
        sent: US dollars per million units sent; None if not known.
        received: US dollars per million units received (tokens only).
        source: where the price comes from.
    """

    unit: Unit
    sent: float | None = None
    received: float = 0.0
    source: str = ""


def price_of(text: str | None, default: Price) -> Price:
    """`--price`: "20" per million characters or tokens, "0.15,0.60" for tokens sent and received.

    Raises:
        UsageError: no numbers.
    """
    if text is None:
        return default
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not 1 <= len(numbers) <= 2 or any(not 0 <= number < 1e6 for number in numbers):
        raise UsageError(f"--price {text}: type US dollars per million units, for example 20, or 0.15,0.60 for tokens")
    unit: Unit = default.unit if default.unit != "free" else "tokens"
    return Price(unit, numbers[0], numbers[-1] if unit == "tokens" else 0.0, "--price")
