"""What the options about servers say, checked before anything is started."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from lrm_eval.errors import UsageError
from lrm_eval.remote.address import KEY_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

_FLAGS = {
    "base_urls": "--base-url",
    "key_variable": "--api-key-env",
    "concurrency": "--concurrency",
    "timeout": "--timeout",
    "price": "--price",
    "image_side": "--max-image-side",
    "arguments": "--server-args",
}
_LEAST_SIDE = 28


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How a server is asked.

    Attributes:
        base_urls: addresses up to and including `/v1`; several are asked side by side. None: $OPENAI_BASE_URL, or
            OpenAI's own.
        key_variable: environment variable that holds the key.
        concurrency: most requests under way at one address; None: what suits the kind of server.
        timeout: seconds for one answer.
        price: US dollars per million tokens sent and received, "0.15,0.60"; None: the money is not reckoned.
        image_side: longest side of an image in pixels; larger ones are sent smaller. None: as they are.
        arguments: more arguments for a server that we start, as one would type them.
    """

    base_urls: tuple[str, ...] = ()
    key_variable: str = KEY_VARIABLE
    concurrency: int | None = None
    timeout: float = 300.0
    price: str | None = None
    image_side: int | None = None
    arguments: str = ""

    def given(self) -> list[str]:
        """The flags that were typed, as far as they differ from what holds without them."""
        nothing = ServerOptions()
        return [
            _FLAGS[field.name] for field in fields(self) if getattr(self, field.name) != getattr(nothing, field.name)
        ]

    def check(self) -> None:
        """Numbers in range.

        Raises:
            UsageError: names the option.
        """
        if self.concurrency is not None and self.concurrency < 1:
            raise UsageError(f"--concurrency {self.concurrency}: must be 1 or more")
        if not 0 < self.timeout < 86400:
            raise UsageError(f"--timeout {self.timeout:g}: type seconds between 1 and 86400")
        if self.image_side is not None and self.image_side < _LEAST_SIDE:
            raise UsageError(f"--max-image-side {self.image_side}: must be {_LEAST_SIDE} pixels or more")


def refuse(options: ServerOptions | None, allowed: Sequence[str], model: str, why: str) -> None:
    """Raise if an option was typed that a model cannot follow.

    Args:
        options: what was typed.
        allowed: flags that it follows.
        model: its name.
        why: the reason, for the message.

    Raises:
        UsageError: names the first such option.
    """
    for flag in options.given() if options is not None else []:
        if flag not in allowed:
            raise UsageError(f"model {model}: takes no {flag}: {why}")
