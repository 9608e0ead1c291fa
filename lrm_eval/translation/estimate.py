"""What a build will cost and how long it will take, told before anything is sent. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrm_eval.remote.price import Price
    from lrm_eval.translation.build import Plan

# English has about four characters a token in today's tokenizers; a translation costs one to four times the tokens of
# its English text (Petrov et al. 2023, arXiv:2305.15425: up to fifteen in the worst cases).
_CHARACTERS_PER_TOKEN = 4.0
_DEAREST = 4.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """Before a build.

    Attributes:
        low: US dollars at least; None if no price is known.
        high: at most, corrections apart.
        seconds: how long it will take; None if there is nothing to do.
        measured: whether the speed was measured in an earlier build, or is assumed.
        price: what was reckoned with.
    """

    low: float | None
    high: float | None
    seconds: float | None
    measured: bool
    price: Price


def estimate(
    plan: Plan[Any], price: Price, overhead: int, calls_at_once: int, seconds: float | None, assumed: float
) -> Estimate:
    """Cost and time of a plan.

    Args:
        plan: what there is to do.
        price: what the translator charges.
        overhead: characters sent with each call besides its texts (a prompt).
        calls_at_once: calls under way at the same time.
        seconds: measured seconds a call; None if there were none yet.
        assumed: seconds a call where nothing was measured.
    """
    return estimate_of(len(plan.jobs), plan.characters, price, overhead, calls_at_once, seconds, assumed)


def estimate_of(
    calls: int, texts: int, price: Price, overhead: int, calls_at_once: int, seconds: float | None, assumed: float
) -> Estimate:
    """Cost and time of so many calls with so many characters of text; the other arguments as `estimate`."""
    sent = texts + overhead * calls
    low: float | None = None
    high: float | None = None
    if price.unit == "free" or calls == 0:
        low = high = 0.0
    elif price.sent is not None:
        per_unit = 1.0 if price.unit == "characters" else _CHARACTERS_PER_TOKEN
        base = sent / per_unit * price.sent / 1e6
        answer = texts / per_unit * price.received / 1e6
        low, high = base + answer, base + answer * (_DEAREST if price.unit == "tokens" else 1.0)
    each = seconds if seconds is not None else assumed
    return Estimate(low, high, calls * each / calls_at_once if calls else None, seconds is not None, price)


def shown(found: Estimate) -> str:
    """One line: "about $0.12 to $0.40 (…), about 3 min (…)"."""
    if found.seconds is None:
        return "nothing to send"
    if found.price.unit == "free":
        cost = "no charge (a model of your own)"
    elif found.low is None or found.high is None:
        cost = f"cost not known: --price says what a million {found.price.unit} cost"
    elif found.high < 0.005:
        cost = "less than one cent"
    elif round(found.low, 2) == round(found.high, 2):
        cost = f"about ${found.high:.2f} ({found.price.source})"
    else:
        cost = f"about ${found.low:.2f} to ${found.high:.2f} ({found.price.source})"
    how = "as measured before" if found.measured else "assumed, measured as it goes"
    return f"{cost}; about {duration(found.seconds)} ({how})"


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
