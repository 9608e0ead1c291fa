"""From options as typed to servers that are there: checked before anything is asked or written."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lrm_eval.errors import LrmEvalError, RunError, UsageError
from lrm_eval.remote.address import OPENAI_URL, check_address, read_key
from lrm_eval.remote.price import Price, price_of
from model_adapters.servers.endpoints import Endpoint
from model_adapters.servers.faults import Again, Stop
from model_adapters.servers.limiter import Limiter
from model_adapters.servers.options import ServerOptions, refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_adapters.servers.pool import Pool
    from model_adapters.spec import LoadOptions, ModelSpec

_MOST_UNDER_WAY = 32


def checked(spec: ModelSpec, options: LoadOptions, allowed: Sequence[str]) -> ServerOptions:
    """The options about servers, checked.

    Args:
        spec: the model.
        options: everything that was asked.
        allowed: the flags that this kind of server follows.

    Raises:
        UsageError: a value out of range, or a flag that it does not follow.
    """
    asked = options.server or ServerOptions()
    refuse(asked, allowed, spec.name, "it is a server of its own" if spec.adapter == "openai" else "it is started here")
    asked.check()
    price_of(asked.price, Price("tokens"))
    return asked


def endpoints_of(asked: ServerOptions) -> list[Endpoint]:
    """The servers of `--base-url`, $OPENAI_BASE_URL, or OpenAI's own.

    Raises:
        UsageError: an address or key that cannot be used.
    """
    typed = asked.base_urls or (os.environ.get("OPENAI_BASE_URL", "").strip() or OPENAI_URL,)
    urls = list(dict.fromkeys(check_address(url, asked.key_variable) for url in typed))
    key = read_key(asked.key_variable)
    if not key.value and OPENAI_URL in urls:
        raise UsageError(f"{OPENAI_URL} needs a key: set ${asked.key_variable}, or name another server with --base-url")
    return [Endpoint(url, key, asked.timeout, Limiter(asked.concurrency or _MOST_UNDER_WAY)) for url in urls]


def look(pool: Pool, timeout: float) -> None:
    """Ask each server for its models: address, key and reach are known before anything is written.

    Args:
        pool: asks them.
        timeout: seconds for one of them.

    Raises:
        UsageError: a wrong key or address.
        RunError: none can be reached. Those that cannot, beside one that can, are done without.
    """
    problems: list[LrmEvalError] = []
    for endpoint in pool.endpoints:
        fault = pool.call(endpoint.look(), timeout + 30)
        if isinstance(fault, Stop):
            raise fault.error
        if isinstance(fault, Again) and (not fault.reached or "web page" in fault.problem):
            hint = "is it running, and is the address right, up to and including /v1?"
            problems.append(endpoint.ended() or RunError(f"{endpoint.url}: {fault.problem}; {hint}"))
            endpoint.down = True
    if all(endpoint.down for endpoint in pool.endpoints):
        raise problems[0]
