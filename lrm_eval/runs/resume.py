"""What a folder already answers, and whether it was asked the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lrm_eval.runs.codec import Json, request_digest, sample_to_dict
from lrm_eval.runs.manifest import Difference, short
from lrm_eval.runs.responses import Scan, repair, scan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_eval.runs.folder import Cell, RunFolder
    from lrm_eval.runs.plan import PlannedCell
    from lrm_eval.types import Request


@dataclass
class Resumed:
    """What is there already.

    Attributes:
        scans: per planned cell, what its file holds.
        differences: questions asked otherwise than they would be now.
        notices: what was repaired.
    """

    scans: dict[Cell, Scan] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def resume(folder: RunFolder, cells: Sequence[PlannedCell]) -> Resumed:
    """Scan the responses of all planned cells; half-written last lines are cut off. For who holds the lock.

    Raises:
        RunError: a whole line is not a record (file and line), or the file cannot be repaired.
    """
    result = Resumed()
    for planned in cells:
        path = folder.responses_path(planned.cell)
        cut = repair(path)
        if cut:
            result.notices.append(f"{path}: cut off a half-written last line ({cut} bytes); it is asked again")
        compared = _Compared(planned)
        result.scans[planned.cell] = scan(path, compared)
        result.differences += compared.differences()
    return result


class _Compared:
    """Compares each stored line with what would be asked now; keeps one example a kind."""

    def __init__(self, planned: PlannedCell) -> None:
        self._cell = planned.cell
        self._planned: dict[str, Request] = {request.key: request for request in planned.requests}
        self._first: dict[str, Difference] = {}
        self._keys: dict[str, set[str]] = {}

    def __call__(self, line: Json) -> None:
        request = self._planned.get(line["key"])
        if request is None:
            self._note("questions", line["key"], "(not in the data)", line["key"], named=False)
            return
        old, new = line["sample"], sample_to_dict(request.sample)
        failed = line["response"]["error"] is not None
        for name, value in new.items():
            if name == "images":
                before, after = ([image["sha256"] for image in images] for images in (old["images"], value))
                # An image that could not be read when it was asked may well be readable now: it is asked again.
                if before != after and not failed:
                    self._note("image", short(before), short(after), request.key)
            elif name == "cluster":
                if old[name] != value and not failed:
                    self._note(name, short(old[name]), short(value), request.key)
            elif old[name] != value:
                self._note(name, short(old[name]), short(value), request.key)
        if line.get("request", "") != request_digest(request):
            self._note("prompt", line.get("request", "(not set)"), request_digest(request), request.key)

    def _note(self, kind: str, old: str, new: str, key: str, named: bool = True) -> None:
        what = f"{kind} of {key}" if named else f"{kind} of {self._cell}"
        self._first.setdefault(kind, Difference(what, old, new))
        # A question that was asked again stands in several lines.
        self._keys.setdefault(kind, set()).add(key)

    def differences(self) -> list[Difference]:
        """One per kind of difference, with the number of questions that have it."""
        return [
            Difference(
                first.what + (f" and {len(self._keys[kind]) - 1} more" if len(self._keys[kind]) > 1 else ""),
                first.old,
                first.new,
            )
            for kind, first in self._first.items()
        ]
