"""The plan cut into units of whole images, and requests packed so that another machine needs no data of its own."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from lrm_eval.runs.plan import image_key
from lrm_eval.types import ImagePart, ImageRef

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from lrm_eval.types import Part, Request

# A unit is a few batches, so that a worker can read the images of the next batch while it answers one.
BATCHES = 4
# Units for each worker at least, where the plan is short and any cut gives the same answers.
_UNITS_EACH = 4


@dataclass(frozen=True, slots=True)
class Unit:
    """What one worker is asked at once: every question on some images, in all languages and tasks.

    Attributes:
        requests: what is to be answered, questions on one image together.
        plan: all requests of these images, of what is answered already too; batches are formed over them where the
            composition of a batch may change an answer. Empty where it cannot.
    """

    requests: tuple[Request, ...]
    plan: tuple[Request, ...] = ()

    def images_shown(self) -> list[str]:
        """Where the images asked about lie, for people; the id of a question without one."""
        names = (
            image.uri
            for request in self.requests
            for image in request.sample.images or (ImageRef(request.key, None, bytes),)
        )
        return list(dict.fromkeys(names))

    def split(self) -> list[Unit]:
        """One unit an image. Its batches are its own: what stood beside it may be what killed the worker."""
        groups: dict[str, list[Request]] = {}
        for request in self.requests:
            groups.setdefault(image_key(request.sample), []).append(request)
        return [Unit(tuple(group)) for group in groups.values()]


def unit_size(batch: int, planned: int, workers: int, invariant: bool) -> int:
    """Fewest requests of a unit.

    Args:
        batch: requests that a worker asks its model at once.
        planned: requests of the plan.
        workers: how many there are.
        invariant: the composition of a batch never changes an answer. Elsewhere the size must not depend on the number
            of workers, so that answers do not.
    """
    size = BATCHES * batch
    return max(1, min(size, planned // (_UNITS_EACH * max(1, workers)))) if invariant else size


def number_images(plan: Iterable[Request], size: int) -> dict[str, int]:
    """The number of the unit of each image: consecutive images share one until it has `size` requests."""
    numbers: dict[str, int] = {}
    unit = held = 0
    for key, group in itertools.groupby(plan, key=lambda request: image_key(request.sample)):
        count = sum(1 for _ in group)
        if key in numbers:
            continue
        if held >= size:
            unit, held = unit + 1, 0
        numbers[key] = unit
        held += count
    return numbers


def units(
    requests: Iterable[Request], numbers: Mapping[str, int], plans: Mapping[int, Sequence[Request]]
) -> Iterator[Unit]:
    """Units of what is to be answered, made as they are taken.

    Args:
        requests: in the order of the plan, so that the questions on one image come together.
        numbers: of `number_images`; an image without one is a unit of its own.
        plans: the whole plan by number, where batches follow it; else empty.
    """
    for number, group in itertools.groupby(
        requests, key=lambda one: numbers.get(image_key(one.sample), image_key(one.sample))
    ):
        yield Unit(tuple(group), tuple(plans.get(number, ())) if isinstance(number, int) else ())


@dataclass(frozen=True, slots=True)
class Parcel:
    """A unit on its way to another machine.

    Attributes:
        requests: of unit and plan, each with the bytes of its images in place of files.
        wanted: keys of what is to be answered, in the order of asking.
    """

    requests: tuple[Request, ...]
    wanted: tuple[str, ...]

    def unpacked(self) -> tuple[Request, ...]:
        """What is to be answered."""
        by_key = {request.key: request for request in self.requests}
        return tuple(by_key[key] for key in self.wanted)


def pack(unit: Unit) -> Parcel:
    """A unit with the bytes of its images, each image once however many questions ask about it.

    An image that cannot be read raises OSError where it is read, as it does here; one that is not shown is not packed.
    """
    images = _Images()
    everything = {request.key: request for request in (*unit.plan, *unit.requests)}
    return Parcel(
        tuple(images.packed(request) for request in everything.values()),
        tuple(request.key for request in unit.requests),
    )


class _Images:
    def __init__(self) -> None:
        self._readers: dict[str, Callable[[], bytes]] = {}

    def packed(self, request: Request) -> Request:
        parts = self._parts(request.parts)
        shots = tuple(replace(shot, parts=self._parts(shot.parts)) for shot in request.shots)
        shown = {part.image.uri for part in parts if isinstance(part, ImagePart)}
        images = tuple(
            self._ref(image)
            if image.uri in shown
            else ImageRef(image.uri, image.sha256, partial(_fail, "this image is hidden"))
            for image in request.sample.images
        )
        return replace(request, parts=parts, shots=shots, sample=replace(request.sample, images=images))

    def _parts(self, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        return tuple(ImagePart(self._ref(part.image)) if isinstance(part, ImagePart) else part for part in parts)

    def _ref(self, image: ImageRef) -> ImageRef:
        name = image.sha256 or image.uri
        if name not in self._readers:
            try:
                self._readers[name] = partial(_content, image.read())
            except (OSError, ValueError) as error:
                self._readers[name] = partial(_fail, str(error))
        return ImageRef(image.uri, image.sha256, self._readers[name])


def _content(content: bytes) -> bytes:
    return content


def _fail(message: str) -> NoReturn:
    raise OSError(message)
