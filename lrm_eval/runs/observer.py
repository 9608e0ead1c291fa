"""What a run tells whoever watches it. The runner knows no terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lrm_eval.runs.folder import Cell
    from lrm_eval.types import Response


class Observer(Protocol):
    """Gets the steps of a run as they happen."""

    def headline(self, text: str) -> None:
        """The first line: model, suite, tasks, languages."""
        ...

    def notice(self, text: str) -> None:
        """Something a user should know and need not act on."""
        ...

    def workers(self, ready: int, wanted: int) -> None:
        """On a cluster: `ready` of `wanted` workers have the model; called again when that changes."""
        ...

    def started(self, cells: Mapping[Cell, tuple[int, int]]) -> None:
        """Asking begins: of each cell (already answered, all)."""
        ...

    def looked(self, done: int, total: int) -> None:
        """The images of `done` of `total` requests were looked at."""
        ...

    def answered(self, cell: Cell, response: Response) -> None:
        """One answer is on disk."""
        ...

    def ended(self) -> None:
        """No more answers come, for whatever reason."""
        ...


class Silent:
    """Watches nothing: the observer of the Python API."""

    def headline(self, text: str) -> None:
        """Nothing."""

    def notice(self, text: str) -> None:
        """Nothing."""

    def workers(self, ready: int, wanted: int) -> None:
        """Nothing."""

    def started(self, cells: Mapping[Cell, tuple[int, int]]) -> None:
        """Nothing."""

    def looked(self, done: int, total: int) -> None:
        """Nothing."""

    def answered(self, cell: Cell, response: Response) -> None:
        """Nothing."""

    def ended(self) -> None:
        """Nothing."""
