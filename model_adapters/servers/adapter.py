"""Any model behind an OpenAI-compatible server: `--model openai:NAME --base-url URL`."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from lrm_eval.errors import LrmEvalError, UsageError
from lrm_eval.fidelity.cost import SCALE_VERSION, BudgetScale
from lrm_eval.remote.price import Price, price_of
from lrm_eval.types import Capabilities, Response
from model_adapters.base import AdapterBase
from model_adapters.decoding import Decoding, parse_decoding
from model_adapters.devices import check_names
from model_adapters.images import ImageError
from model_adapters.servers import prompts
from model_adapters.servers.answers import Answer
from model_adapters.servers.connecting import checked, endpoints_of, look
from model_adapters.servers.faults import Filtered, Refused, Stop, TooLarge
from model_adapters.servers.pictures import Picture, Pictures, next_side
from model_adapters.servers.pool import Outcome, Pool
from model_adapters.servers.referee import Job, Patience, Referee
from model_adapters.servers.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Self

    from lrm_eval.types import Request
    from model_adapters.servers.endpoints import Endpoint
    from model_adapters.servers.options import ServerOptions
    from model_adapters.spec import LoadOptions, ModelSpec

# Requests handed to the servers in one go, so that they have work while images of the next ones are made.
_BITE = 16
# Seconds in which answers gather; a few of the next requests wait at the servers' side meanwhile.
_TOGETHER = 0.004
_FLAGS = ("--base-url", "--api-key-env", "--concurrency", "--timeout", "--price", "--max-image-side")


@dataclass(slots=True)
class _Asked:
    """What belongs to a job: the request, its pictures as sent, and the side they were shrunk to."""

    request: Request
    pictures: list[Picture]
    side: int | None


class ServerAdapter(AdapterBase):
    """Asks one or more servers for answers.

    Args:
        model: what the servers call it.
        endpoints: the servers.
        decoding: how answers are generated.
        options: as typed.
        seed: of everything that is drawn.
        count: tokens of a text, to scale budgets; None: a server that does not tell its tokenizer, whose budgets grow
            with the bytes of UTF-8 that a language needs.
        identity: what else decides the answers, for the fingerprint.
        fields: JSON fields sent with each request.

    Raises:
        UsageError: key or address are wrong, or the official client is not installed.
        RunError: no server can be reached.
    """

    capabilities = Capabilities(
        choices=False, batch=True, concurrency=True, deterministic=False, text_only=True, system=True, shots=True
    )
    version: ClassVar[int] = 1
    patience: ClassVar[Patience] = Patience()

    def __init__(
        self,
        model: str,
        endpoints: Sequence[Endpoint],
        decoding: Decoding,
        options: ServerOptions,
        seed: int = 0,
        count: Callable[[str], int] | None = None,
        identity: Mapping[str, Any] | None = None,
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        self._model, self._decoding, self._options, self._seed = model, decoding, options, seed
        self._identity = dict(identity or {"adapter": "openai", "model": model})
        self._fields = dict(fields or {})
        self._scale = BudgetScale(count or (lambda text: len(text.encode("utf-8", "replace"))))
        self._scaled_by = "tokenizer" if count else "utf-8 bytes"
        self._pictures = Pictures(options.image_side)
        # `load` has checked it.
        self._usage = Usage(None if options.price is None else price_of(options.price, Price("tokens")))
        self._seconds = 0.0
        for endpoint in endpoints:
            endpoint.open()
        self._referee = Referee(endpoints, model, self.patience)
        self._pool = Pool(endpoints, self._referee)
        try:
            look(self._pool, options.timeout)
        except BaseException:
            self._pool.close()
            raise

    @classmethod
    def load(cls, spec: ModelSpec, options: LoadOptions) -> Self:
        """Look whether the servers are there; nothing is asked yet.

        Raises:
            UsageError: a wrong option, address or key.
            RunError: no server can be reached.
        """
        check_names(options.device, options.dtype)
        asked = checked(spec, options, _FLAGS)
        decoding = parse_decoding(options.gen_kwargs)
        prompts.check_decoding(decoding, True, spec.name)
        if options.device not in (None, "auto") or options.dtype is not None:
            flag = "--dtype" if options.device in (None, "auto") else "--device"
            raise UsageError(f"model {spec.name}: takes no {flag}: the server decides what it runs on")
        return cls(spec.argument, endpoints_of(asked), decoding, asked, options.seed)

    def fingerprint(self) -> Mapping[str, Any]:
        """The model's name, decoding settings, how images are sent, how budgets grow, the seed if anything is drawn.

        Not the address: a server that comes back on another port goes on where it stopped.
        """
        return {
            **self._identity,
            "adapter_version": self.version,
            "decoding": self._decoding.model_dump(),
            "image_side": self._options.image_side,
            "budget_scale": {"version": SCALE_VERSION, "by": self._scaled_by},
            "seed": self._seed if self._decoding.do_sample else None,
        }

    def settings(self) -> Mapping[str, Any]:
        """Addresses, limits and the client's version."""
        import openai

        return {
            "base_urls": [endpoint.url for endpoint in self._pool.endpoints],
            "owners": [endpoint.owner for endpoint in self._pool.endpoints],
            "concurrency": self._pool.endpoints[0].limiter.most,
            "timeout": self._options.timeout,
            "openai": openai.__version__,
        }

    def performance(self) -> Mapping[str, Any]:
        """Counts, tokens and money, retries, images sent smaller, and one line of it (`told`) for people."""
        usage, servers = self._usage, self._pool.endpoints
        if not usage.answered and not usage.failed:
            return {}
        return {
            **usage.record(),
            "seconds": self._seconds,
            "answers_per_second": usage.answered / self._seconds if self._seconds else None,
            "retries": dict(self._referee.retries),
            "highest_concurrency": [endpoint.limiter.highest for endpoint in servers],
            "limit_halved": [endpoint.limiter.halved for endpoint in servers],
            "given_up": [endpoint.url for endpoint in servers if endpoint.down],
            "dialect": {"budget": self._referee.dialect.budget, "left_out": sorted(self._referee.dialect.fixed)},
            "images_encoded": self._pictures.made,
            **self._pictures.record(),
            "told": usage.line(self._referee.retries.total(), len(self._pictures.smaller)),
        }

    def text(self, answer: str) -> str:
        """The text of an answer as it stands in a response."""
        return answer

    def close(self) -> None:
        """End the connections."""
        self._pool.close()

    # Asking ---------------------------------------------------------------------------------------------------

    def generate(self, requests: Iterable[Request]) -> Iterator[Response]:
        """Answer each request; many are under way at once, and answers come as they are done.

        Raises:
            UsageError: key, model or address turned out to be wrong.
            RunError: the servers are gone, or refuse everything. Answers that came before are given back first.
        """
        source = iter(requests)
        under_way, more = 0, True
        start = time.perf_counter()
        try:
            while more or under_way:
                jobs: list[Job] = []
                room = self._pool.room * 3 // 2 + _BITE
                while more and under_way < room and len(jobs) < _BITE:
                    request = next(source, None)
                    if request is None:
                        more = False
                        break
                    job = self._job(request)
                    if isinstance(job, Response):
                        yield job
                        continue
                    jobs.append(job)
                    under_way += 1
                if jobs:
                    self._pool.submit(jobs)
                waits = under_way and not (more and under_way < room)
                if waits and under_way > _BITE:
                    # Many are about to be done: one awakening for several, each of which would hold the loop up.
                    time.sleep(_TOGETHER)
                for done, outcome in self._pool.take(1.0 if waits else None):
                    if done is None or isinstance(outcome, Stop):
                        raise _stopped(outcome)
                    if isinstance(outcome, TooLarge):
                        again = self._smaller(done.payload, outcome)
                        if not isinstance(again, Response):
                            self._pool.submit([again])
                            continue
                        response = again
                    else:
                        response = self._response(done.payload, outcome)
                    under_way -= 1
                    yield response
        finally:
            self._seconds += time.perf_counter() - start
            if under_way:
                self._pool.clear()

    def _job(self, request: Request, side: int | None = None) -> Job | Response:
        pictures: list[Picture] = []

        def get(image: Any) -> Picture:
            pictures.append(self._pictures.get(image, side))
            return pictures[-1]

        try:
            pieces = prompts.messages(request, get)
        except ImageError as error:
            self._usage.failed += 1
            return Response(request.key, finish_reason="error", error=str(error))
        budget = self._budget(request)
        decoding, seed, model, more = self._decoding, self._seed, self._model, self._fields

        def build(dialect: prompts.Dialect) -> bytes:
            fields = prompts.decoding_fields(decoding, seed, request.key, dialect) | more
            return b"".join((prompts.head(model, budget, fields, dialect), *pieces, b"}"))

        group = "+".join(image.sha256 or image.uri for image in prompts.images(request)) or request.sample.id
        return Job(request.key, build, budget, group, _Asked(request, pictures, side))

    def _budget(self, request: Request) -> int:
        if self._decoding.max_new_tokens is not None:
            return self._decoding.max_new_tokens
        # A server has no way to write nothing.
        budget = max(1, request.max_new_tokens)
        return self._scale.budget(budget, request.budget_language) if request.budget_language else budget

    def _smaller(self, asked: _Asked, fault: TooLarge) -> Job | Response:
        """The same question with smaller images, or an error where they cannot be made smaller."""
        sides = [side for side in map(next_side, asked.pictures) if side is not None]
        if not sides:
            self._usage.failed += 1
            what = "image" if asked.pictures else "question"
            return _error(asked, f"the server takes no {what} of this size: {fault.problem}")
        return self._job(asked.request, max(sides))

    def _response(self, asked: _Asked, outcome: Outcome) -> Response:
        if isinstance(outcome, Answer):
            self._usage.add(outcome)
            return Response(
                asked.request.key,
                text=self.text(outcome.text),
                finish_reason=outcome.finish,
                prompt_tokens=outcome.prompt_tokens,
                completion_tokens=outcome.completion_tokens,
                prompt=prompts.shown(asked.request, asked.pictures),
            )
        if isinstance(outcome, Filtered):
            self._usage.answered += 1
            self._usage.filtered += 1
            self._usage.uncounted += 1
            response = _error(asked, "")
            return replace(response, text="", finish_reason="content_filter", error=None)
        assert isinstance(outcome, Refused)
        self._usage.failed += 1
        return _error(asked, outcome.problem)


def _error(asked: _Asked, problem: str) -> Response:
    shown = prompts.shown(asked.request, asked.pictures)
    return Response(asked.request.key, finish_reason="error", prompt=shown, error=problem)


def _stopped(outcome: Outcome) -> LrmEvalError:
    assert isinstance(outcome, Stop)
    return outcome.error
