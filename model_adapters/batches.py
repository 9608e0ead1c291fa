"""Batches as a pure function of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrm_eval.types import ImagePart

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lrm_eval.types import Request


def form_batches(requests: Iterable[Request], size: int, whole_images: bool = False) -> Iterator[tuple[Request, ...]]:
    """Cut requests into batches of about `size`, in the order given.

    Requests of one batch share task, token budget and whether choices are scored, so that no answer is generated
    longer than asked; languages and images mix freely. A batch is closed when it is full, so that
    requests of one image, which arrive together, stay together. The result depends on nothing but the arguments. No
    more requests are taken than the next batch needs.

    Args:
        requests: grouped by image.
        size: requests in a batch.
        whole_images: close a full batch only where another image begins, so that no image is in two batches. The first
            batches are smaller, an eighth, a quarter, a half: the first answers must not wait for a large one.

    Raises:
        ValueError: size is below 1.
    """
    if size < 1:
        raise ValueError(f"batch size must be at least 1, not {size}")
    target = max(1, size // 8) if whole_images else size
    filling: dict[tuple[str, int, bool], list[Request]] = {}
    for request in requests:
        bucket = filling.setdefault((request.sample.task, request.max_new_tokens, bool(request.choices)), [])
        if whole_images and len(bucket) >= target and _images(request) != _images(bucket[-1]):
            yield tuple(bucket)
            bucket.clear()
            target = min(size, 2 * target)
        bucket.append(request)
        if not whole_images and len(bucket) == size:
            yield tuple(bucket)
            bucket.clear()
    yield from (tuple(bucket) for bucket in filling.values() if bucket)


def _images(request: Request) -> list[str]:
    return [part.image.sha256 or part.image.uri for part in request.parts if isinstance(part, ImagePart)]
