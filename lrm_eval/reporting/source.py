"""What a report needs of a run: a folder on disk, seen through six members.

`lrm_eval.runs.RunFolder` is one; anything else of this shape can be reported on as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lrm_eval.types import Item, Reading, Rules, ScoreRow


class CellSource(Protocol):
    """One task in one language under one condition: the unit in which answers are stored."""

    @property
    def task(self) -> str:
        """Task name."""
        ...

    @property
    def language(self) -> str:
        """Canonical BCP-47 tag."""
        ...

    @property
    def condition(self) -> str:
        """Condition name, `default` if nothing else was varied."""
        ...


class RunSource(Protocol):
    """A run folder. Nothing here is written to."""

    @property
    def path(self) -> Path:
        """The folder; thumbnails lie in its `images/<sha256>.webp`."""
        ...

    def manifest(self) -> Mapping[str, Any]:
        """The content of run.json."""
        ...

    def scores(self) -> Sequence[ScoreRow]:
        """The rows of scores.json."""
        ...

    # Any: each implementation takes its own kind of cell, the one that `cells` gave.
    def cells(self) -> Sequence[Any]:
        """All cells that have answers; each is a CellSource."""
        ...

    def items(self, cell: Any, rules: Rules) -> Sequence[Item]:
        """Samples, responses and readings of one cell."""
        ...

    def readings(self, cell: Any, rules: Rules) -> Mapping[str, Reading]:
        """The readings of one cell by request key."""
        ...
