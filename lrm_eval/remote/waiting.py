"""How long to wait before a server is asked again."""

from __future__ import annotations

import email.utils
import math
import random
from datetime import UTC, datetime

# Statuses that another attempt may not get.
AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
# A server that wants a longer rest has a quota by the hour or day: waiting for it in silence helps nobody.
LONGEST_ASKED = 300.0
_LONGEST_WAIT = 60.0


def back_off(attempt: int, first: float) -> float:
    """Seconds to wait after an attempt (counted from 0): twice as long each time, at most about a minute."""
    return min(first * 2.0 ** min(attempt, 30), _LONGEST_WAIT) * random.uniform(0.75, 1.25)


def retry_after_text(text: str) -> float | None:
    """Seconds of a `Retry-After` value (RFC 9110, 10.2.3: a number or a date), or None."""
    value = text.strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        pass
    else:
        return None if math.isnan(seconds) else max(seconds, 0.0)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)
