"""Requests -> adapter -> responses on disk."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrm_eval.errors import LrmEvalError, RunError
from lrm_eval.runs.responses import ResponseWriter
from lrm_eval.runs.signals import Terminated, reason
from lrm_eval.types import ImagePart, Response

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lrm_eval.runs.folder import Cell, RunFolder
    from lrm_eval.runs.images import ImageStore
    from lrm_eval.runs.observer import Observer
    from lrm_eval.types import Adapter, Request


class RunInterrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM during a run; its text says what is kept and how to go on.

    Attributes:
        status: the exit status that a shell expects.
    """

    def __init__(self, text: str, status: int = 130) -> None:
        super().__init__(text)
        self.status = status


@dataclass
class Counts:
    """What one command asked.

    Attributes:
        answered: answers written, errors included.
        errors: errors among them.
    """

    answered: int = 0
    errors: int = 0


def one_line(text: object, limit: int = 300) -> str:
    """The text of an exception as one line."""
    flat = " ".join(str(text).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def execute(
    adapter: Adapter,
    todo: Sequence[tuple[Cell, Request]],
    folder: RunFolder,
    images: ImageStore,
    observer: Observer,
    counts: Counts,
) -> None:
    """Ask everything in `todo` and append each answer as it comes.

    A request with an image that cannot be decoded is answered with an error here and never reaches the adapter.

    Args:
        adapter: the model.
        todo: cells and requests, questions on one image together.
        folder: where responses go; its lock is held.
        images: looks at images.
        observer: told of each answer.
        counts: counted up as answers are written, so that the caller knows them after an exception too.

    Raises:
        RunError: the adapter broke, answered what was not asked or not all that was, or a file cannot be
            written. What came before is kept.
        RunInterrupted: Ctrl-C or SIGTERM. What came before is kept.
    """
    waiting = {request.key: (cell, request) for cell, request in todo}
    bad: deque[Response] = deque()

    def stream() -> Iterator[Request]:
        for number, (_, request) in enumerate(todo, 1):
            # A hidden image is looked at for its thumbnail; that it is damaged is no error of a request without it.
            problems = {image.uri: images.problem(image) for image in request.sample.images}
            seen = (problems.get(part.image.uri) for part in request.parts if isinstance(part, ImagePart))
            problem = next((text for text in seen if text is not None), None)
            observer.looked(number, len(todo))
            if problem is None:
                yield request
            else:
                bad.append(Response(request.key, finish_reason="error", error=problem))

    def write(writer: ResponseWriter, response: Response) -> None:
        asked = waiting.pop(response.key, None)
        if asked is None:
            raise RunError(f"the adapter answered {response.key!r}, which was not asked or was answered before")
        cell, request = asked
        writer.append(folder.responses_path(cell), request, response)
        counts.answered += 1
        counts.errors += response.error is not None
        observer.answered(cell, response)

    shown = (image for _, request in todo for image in request.sample.images)
    with images.looking_ahead(shown), ResponseWriter() as writer:
        try:
            for response in adapter.generate(stream()):
                while bad:
                    write(writer, bad.popleft())
                write(writer, response)
            while bad:
                write(writer, bad.popleft())
        except KeyboardInterrupt as stop:
            why = reason(stop)
            told = str(why) if isinstance(why, Terminated) else "stopped"
            status = getattr(why, "status", 130)
            raise RunInterrupted(_kept(told, folder, counts, len(todo)), status) from None
        except LrmEvalError:
            raise
        except Exception as error:
            what = f"the model broke off: {type(error).__name__}: {one_line(error)}"
            raise RunError(_kept(what, folder, counts, len(todo))) from error
    if waiting:
        example = next(iter(waiting))
        what = f"the adapter left {len(waiting)} requests without an answer (first: {example})"
        raise RunError(_kept(what, folder, counts, len(todo)))


def _kept(what: str, folder: RunFolder, counts: Counts, asked: int) -> str:
    return (
        f"{what}; {counts.answered} of {asked} answers asked for are kept in {folder.path}: "
        "type the same command again to go on from there"
    )
