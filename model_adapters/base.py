"""What most adapters share: defaults, and batches that a resumed run forms again.

In float32 the other requests of a batch never change an answer, so only what is asked is batched. In bfloat16 and
float16 they can: rounding depends on the shape of the matrices. There, batches are a function of the plan that
`prepare` was given: when only part of a batch is asked (a run that was killed goes on), the whole batch is asked
again and only the wanted answers are given back. A run that grows by a language must not ask the others again, though:
a cell (task, language, condition) of which nothing is asked, although it goes on after the first request that is asked,
was finished by an earlier command and takes no part. (In a run that was killed, what is left comes last in the plan.)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, ClassVar

from lrm_eval.types import Capabilities
from model_adapters.batches import form_batches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Self

    from lrm_eval.types import Request, Response
    from model_adapters.spec import LoadOptions, ModelSpec

# Answers of a batch asked again that nobody has asked for yet; a caller that asks in small pieces comes for them next.
_KEPT = 4096


class AdapterBase(ABC):
    """Base of adapters, with the defaults. An adapter of another package needs `load`, `generate` and `fingerprint`."""

    capabilities: Capabilities = Capabilities()
    version: ClassVar[int] = 1

    @classmethod
    @abstractmethod
    def load(cls, spec: ModelSpec, options: LoadOptions) -> Self:
        """A ready adapter.

        Raises:
            UsageError: what was asked for cannot be loaded as given.
            RunError: loading failed on the way (a download, memory).
        """

    def prepare(self, requests: Sequence[Request]) -> None:  # noqa: B027
        """Take the whole plan, of what is already answered too, before `generate`. Does nothing by default.

        With `--ray` a worker is given the part of the plan that has the images which it is asked about.
        """

    @abstractmethod
    def generate(self, requests: Iterable[Request]) -> Iterator[Response]:
        """Answer each request exactly once, in any order."""

    @abstractmethod
    def fingerprint(self) -> Mapping[str, Any]:
        """Everything that decides the answers, as plain JSON values."""

    def settings(self) -> Mapping[str, Any]:
        """How it runs, for the record: device, batch size, versions. Does not decide the answers."""
        return {}

    def performance(self) -> Mapping[str, Any]:
        """What the answers cost, for the record: see `LlavaAdapter.performance`. Nothing by default."""
        return {}

    def close(self) -> None:  # noqa: B027
        """Give back memory, servers, files. Does nothing by default."""


class BatchingAdapter(AdapterBase):
    """Base of adapters that answer batches. A subclass sets the two attributes and gives `answer_batch`.

    Attributes:
        batch_size: requests in a batch.
        batch_invariant: the composition of a batch never changes an answer.
        whole_images: a batch is a little longer rather than end amid the questions on one image.
    """

    batch_size: int = 1
    batch_invariant: bool = True
    whole_images: bool = False

    def __init__(self) -> None:
        self._plan: Sequence[Request] = ()
        self._batch_of: dict[str, tuple[Request, ...]] = {}
        self._kept: OrderedDict[str, Response] = OrderedDict()

    @abstractmethod
    def answer_batch(self, batch: Sequence[Request]) -> Iterable[Response]:
        """Answer every request of one batch; an error of one of them is its Response."""

    def announce(self, batch: Sequence[Request]) -> None:
        """Told of the next batch before the present one is answered, e.g. to read images. Does nothing by default."""

    def prepare(self, requests: Sequence[Request]) -> None:
        """Remember the plan that batches are formed over."""
        self._plan = tuple(requests)
        self._batch_of.clear()
        self._kept.clear()

    def generate(self, requests: Iterable[Request]) -> Iterator[Response]:
        """Answer each request exactly once, batch by batch.

        Where batches follow the plan all requests are taken before the first is answered; elsewhere they are
        taken as they are needed.

        Raises:
            ValueError: a key occurs twice.
        """
        if self.batch_invariant or not self._plan:
            for batch in self._announced(self._cut(_once(requests))):
                yield from self.answer_batch(batch)
            return
        wanted = {request.key: request for request in _once(requests)}
        for batch in self._announced(self._batches(wanted)):
            answers = {request.key: self._kept.pop(request.key, None) for request in batch if request.key in wanted}
            if all(answers.values()):
                yield from (answer for answer in answers.values() if answer is not None)
                continue
            for response in self.answer_batch(batch):
                if response.key in answers:
                    yield response
                else:
                    self._keep(response)

    def _cut(self, requests: Iterable[Request]) -> Iterator[tuple[Request, ...]]:
        return form_batches(requests, self.batch_size, self.whole_images)

    def _announced(self, batches: Iterable[tuple[Request, ...]]) -> Iterator[tuple[Request, ...]]:
        """The same batches, each announced while the one before it is answered, where anybody listens."""
        if type(self).announce is BatchingAdapter.announce:
            yield from batches
            return
        before: tuple[Request, ...] = ()
        for batch in batches:
            self.announce(batch)
            if before:
                yield before
            before = batch
        if before:
            yield before

    def _keep(self, response: Response) -> None:
        self._kept[response.key] = response
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    def _batches(self, wanted: Mapping[str, Request]) -> list[tuple[Request, ...]]:
        self._form(wanted)
        chosen: dict[int, tuple[Request, ...]] = {}
        unplanned: list[Request] = []
        for key, request in wanted.items():
            batch = self._batch_of.get(key)
            if batch is None or request not in batch:
                unplanned.append(request)
            else:
                chosen[id(batch)] = batch
        return [*chosen.values(), *self._cut(unplanned)]

    def _form(self, wanted: Mapping[str, Request]) -> None:
        cells = {_cell(request) for key, request in wanted.items() if key not in self._batch_of}
        if not cells:
            return
        first: dict[str, int] = {}
        last: dict[tuple[str, str, str], int] = {}
        for place, request in enumerate(self._plan):
            last[_cell(request)] = place
            if request.key in wanted:
                first.setdefault(request.sample.task, place)
        cells |= {cell for cell, place in last.items() if cell[0] in first and place < first[cell[0]]}
        planned = [r for r in self._plan if r.key not in self._batch_of and _cell(r) in cells]
        for batch in self._cut(planned):
            self._batch_of.update({request.key: batch for request in batch})


def _once(requests: Iterable[Request]) -> Iterator[Request]:
    seen: set[str] = set()
    for request in requests:
        if request.key in seen:
            raise ValueError(f"two requests have the key {request.key!r}")
        seen.add(request.key)
        yield request


def _cell(request: Request) -> tuple[str, str, str]:
    # The condition is the part of the key after `<id>@<language>`; see Request.key.
    suffix = request.key.rpartition("@")[2]
    return request.sample.task, request.sample.language, suffix
