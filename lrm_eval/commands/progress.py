"""What a run shows while it goes: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console
    from rich.progress import Task, TaskID

    from lrm_eval.runs.folder import Cell
    from lrm_eval.types import Response

_PLAIN_SECONDS = 10.0
_SHOWN_ERRORS = 3


class _Rate(ProgressColumn):
    """Answers per second."""

    def render(self, task: Task) -> Text:
        """The rate, or nothing before the first answer."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f}/s" if speed else "", style="cyan")


@dataclass
class _Tally:
    done: int
    total: int
    errors: int = 0


class _Base:
    def __init__(self, out: Console, err: Console) -> None:
        self._out = out
        self._err = err
        self._cells: dict[Cell, _Tally] = {}
        self._errors = 0
        self._workers = ""

    def headline(self, text: str) -> None:
        """Print the first line."""
        self._out.print(text, style="bold", markup=False, highlight=False, soft_wrap=True)

    def notice(self, text: str) -> None:
        """Print a notice."""
        self._err.print(f"note: {text}", markup=False, highlight=False, soft_wrap=True)

    def workers(self, ready: int, wanted: int) -> None:
        """Remember how many workers there are."""
        self._workers = "" if ready == wanted == 0 else f"{ready} of {wanted} workers"

    def _start(self, cells: Mapping[Cell, tuple[int, int]]) -> None:
        self._cells = {cell: _Tally(done, total) for cell, (done, total) in cells.items()}
        done = sum(tally.done for tally in self._cells.values())
        if done:
            total = sum(tally.total for tally in self._cells.values())
            self.notice(f"{done} of {total} questions are answered already and are not asked again")

    def _count(self, cell: Cell, response: Response) -> _Tally:
        tally = self._cells[cell]
        tally.done += 1
        if response.error is not None:
            tally.errors += 1
            self._errors += 1
            if self._errors <= _SHOWN_ERRORS:
                more = " (further errors are only counted)" if self._errors == _SHOWN_ERRORS else ""
                self.notice(f"{response.key}: {' '.join(response.error.split())}{more}")
        return tally


class Bars(_Base):
    """One bar per task and language, with rate and time left."""

    def __init__(self, out: Console, err: Console) -> None:
        super().__init__(out, err)
        self._progress: Progress | None = None
        self._bars: dict[Cell, TaskID] = {}
        self._images: TaskID | None = None
        self._all: TaskID | None = None

    def started(self, cells: Mapping[Cell, tuple[int, int]]) -> None:
        """Draw the bars."""
        self._start(cells)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[errors]}", style="red", markup=False),
            console=self._err,
        )
        self._images = self._progress.add_task("looking at images", total=None, errors="")
        if len(self._cells) > 1 or self._workers:
            # First, so that it stays in sight when there are more bars than lines.
            done, total = (sum(getattr(tally, name) for tally in self._cells.values()) for name in ("done", "total"))
            title = f"all, {self._workers}" if self._workers else "all"
            self._all = self._progress.add_task(title, total=total, completed=done, errors="")
        for cell, tally in self._cells.items():
            self._bars[cell] = self._progress.add_task(str(cell), total=tally.total, completed=tally.done, errors="")
        self._progress.start()

    def workers(self, ready: int, wanted: int) -> None:
        """Say beside the bar of everything how many workers there are."""
        super().workers(ready, wanted)
        if self._progress is not None and self._all is not None:
            self._progress.update(self._all, description=f"all, {self._workers}")

    def looked(self, done: int, total: int) -> None:
        """Advance the bar of images; it goes when all were looked at."""
        if self._progress is not None and self._images is not None:
            self._progress.update(self._images, completed=done, total=total, visible=done < total)

    def answered(self, cell: Cell, response: Response) -> None:
        """Advance one bar."""
        tally = self._count(cell, response)
        if self._progress is not None:
            self._progress.update(
                self._bars[cell], completed=tally.done, errors=f"{tally.errors} errors" if tally.errors else ""
            )
            if self._all is not None:
                self._progress.advance(self._all)

    def ended(self) -> None:
        """Leave the bars as they are."""
        if self._progress is not None:
            if self._images is not None:
                self._progress.remove_task(self._images)
            self._progress.stop()
            self._progress = None


class Lines(_Base):
    """One line per finished task and language, and one every ten seconds, for logs."""

    def workers(self, ready: int, wanted: int) -> None:
        """A line when the last is ready, and when one is lost or comes back."""
        before = self._workers
        super().workers(ready, wanted)
        if ready and (ready == wanted or before) and before != self._workers:
            self._line(self._workers)

    def started(self, cells: Mapping[Cell, tuple[int, int]]) -> None:
        """Start the clock."""
        self._start(cells)
        self._begin = self._last = time.monotonic()
        self._new = 0

    def looked(self, done: int, total: int) -> None:
        """A line now and then."""
        if time.monotonic() - self._last > _PLAIN_SECONDS:
            self._last = time.monotonic()
            self._line(f"looked at the images of {done} of {total} questions")

    def answered(self, cell: Cell, response: Response) -> None:
        """A line for a finished cell, and a line of progress now and then."""
        tally = self._count(cell, response)
        self._new += 1
        now = time.monotonic()
        if tally.done == tally.total:
            self._line(f"{cell}: {tally.total} answers" + (f", {tally.errors} errors" if tally.errors else ""))
        if now - self._last > _PLAIN_SECONDS:
            self._last = now
            done = sum(tally.done for tally in self._cells.values())
            total = sum(tally.total for tally in self._cells.values())
            rate = self._new / max(now - self._begin, 1e-9)
            left = time.strftime("%H:%M:%S", time.gmtime((total - done) / rate))
            by = f" by {self._workers}" if self._workers else ""
            self._line(f"{done} of {total} answers{by}, {rate:.1f}/s, {left} left")

    def ended(self) -> None:
        """Nothing."""

    def _line(self, text: str) -> None:
        self._err.print(text, markup=False, highlight=False, soft_wrap=True)


def watcher(out: Console, err: Console) -> Bars | Lines:
    """Bars if standard error is a terminal, lines otherwise."""
    return Bars(out, err) if err.is_terminal else Lines(out, err)
