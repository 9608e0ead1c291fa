"""One server: its address, its client, and one exchange with it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import UsageError
from lrm_eval.remote.address import Key, is_loopback
from model_adapters.servers.answers import Answer, AnswerError, ReportedError, model_names, read_answer
from model_adapters.servers.faults import Again, Fault, fault_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from lrm_eval.errors import LrmEvalError
    from model_adapters.servers.limiter import Limiter

_CONNECT_SECONDS = 10.0
# A server without a key gets this one: the client insists on some.
_NO_KEY = "none"
# So many questions may share one server that no limit of the client's must come before the limiter's.
_CONNECTIONS = 1024


@dataclass(eq=False)
class Endpoint:
    """One server. Used on one event loop only.

    Attributes:
        url: its address.
        key: for it.
        timeout: seconds for one answer.
        limiter: how many requests are under way.
        answered: good answers.
        rests_until: loop time before which it asked not to be asked.
        misses: rounds of requests, since its last answer, in which a connection failed.
        down: whether it is given up.
        names: models that it lists; empty if it does not tell.
        owner: what it says of their owner, which tells vLLM from others.
        ended: why it will never answer again (a server that we started and that is gone), or None.
    """

    url: str
    key: Key
    timeout: float
    limiter: Limiter
    answered: int = 0
    rests_until: float = 0.0
    misses: int = 0
    down: bool = False
    names: list[str] = field(default_factory=list)
    owner: str = ""
    ended: Callable[[], LrmEvalError | None] = lambda: None
    _round: int = 0
    _client: Any = None
    _http: Any = None
    _headers: Any = None
    _failures: tuple[type[Exception], ...] = ()

    def open(self) -> None:
        """Make the client.

        Raises:
            UsageError: the official client is not installed.
        """
        try:
            import aiohttp
            import httpx2
            from openai import AsyncOpenAI, DefaultAioHttpClient

            # The client's transport over aiohttp costs half the time of its own (benchmarks/server_client.py).
            # Redirects are not followed. No proxy can reach a loopback address.
            self._http = DefaultAioHttpClient(
                timeout=httpx2.Timeout(self.timeout, connect=_CONNECT_SECONDS),
                limits=httpx2.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS),
                follow_redirects=False,
                trust_env=not is_loopback(self.url),
            )
        except (ImportError, RuntimeError) as error:
            raise UsageError('asking a server needs the official client: `pip install "lrm-eval[servers]"`') from error
        self._client = AsyncOpenAI(
            base_url=self.url, api_key=self.key.value or _NO_KEY, max_retries=0, http_client=self._http
        )
        given = {**self._client.default_headers, **self._client.auth_headers}
        self._headers = httpx2.Headers({name: value for name, value in given.items() if isinstance(value, str)})
        self._failures = (TimeoutError, OSError, httpx2.HTTPError, aiohttp.ClientError)

    async def close(self) -> None:
        """Close its connections."""
        if self._client is not None:
            await self._client.close()

    def rest(self, until: float) -> None:
        """Is not asked before a time of the loop."""
        self.rests_until = max(self.rests_until, until)

    def missed(self, number: int) -> bool:
        """A connection failed; whether that is the first one of its round, see `Limiter`."""
        if number <= self._round:
            return False
        self._round = self.limiter.sent
        self.misses += 1
        return True

    async def ask(self, body: bytes, budget: int) -> Answer | tuple[Fault, bytes]:
        """One chat completion, asked once.

        Args:
            body: the JSON.
            budget: its token budget.

        Returns:
            The answer, or what went wrong and what the server said to it.
        """
        found = await self._send("/chat/completions", body)
        if isinstance(found, tuple):
            return found
        try:
            answer = read_answer(found, budget)
        except AnswerError as error:
            return Again(str(error), reached=True), found
        except ReportedError as error:
            return fault_of(error.status, {}, error.text.encode(), self.url, self.key), error.text.encode()
        return replace(answer, text=self.key.blot(answer.text), model=self.key.name(answer.model))

    async def look(self) -> Fault | None:
        """Ask which models there are; None if it answers, whatever it says."""
        found = await self._send("/models", None)
        if isinstance(found, tuple):
            return found[0]
        try:
            names, owners = model_names(found)
        except AnswerError as error:
            return Again(str(error), reached=True)
        self.names = [self.key.name(name) for name in names]
        self.owner = self.key.name(owners[0]) if owners else ""
        return None

    async def _send(self, path: str, body: bytes | None) -> bytes | tuple[Fault, bytes]:
        # With the client's headers and connections, but not by its `create`: that copies, checks and retries what is
        # made, checked and retried here already, and takes 2 ms of processor time a question where this takes 0.3.
        method = "GET" if body is None else "POST"
        try:
            async with asyncio.timeout(self.timeout):
                request = self._http.build_request(method, self.url + path, headers=self._headers, content=body)
                answer = await self._http.send(request)
        except self._failures as error:
            return _unreached(error, self.timeout, self.key), b""
        content = bytes(answer.content)
        if answer.is_success:
            return content
        return fault_of(answer.status_code, answer.headers, content, self.url, self.key), content


def _unreached(error: BaseException, seconds: float, key: Key) -> Again:
    """A connection that failed: the transport's own words stand at the root of the chain."""
    root: BaseException = error
    while root.__cause__ is not None and not isinstance(root, TimeoutError):
        root = root.__cause__
    if isinstance(root, TimeoutError):
        return Again(f"no answer within {seconds:g} s", reached=False, crowded=True)
    what = key.said(str(root)) or type(root).__name__
    return Again(f"the connection failed ({what})", reached=False)
